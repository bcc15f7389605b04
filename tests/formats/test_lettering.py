from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.data.problems import Problem
from audiolect.errors import UsageError
from audiolect.formats.lettering import Lettering, can_have_letters, put_letters_on, take_letters_off


def rows(*asked: tuple[str, list[str]]) -> pl.DataFrame:
    table = pl.DataFrame(asked, schema={"prompt": pl.String, "answers": pl.List(pl.String)}, orient="row")
    return table.with_columns(numbers=pl.concat_list(pl.int_range(pl.len())))


def taken(*asked: tuple[str, list[str]], family: str = "question") -> tuple[list[Any], Lettering, list[Problem]]:
    problems: list[Problem] = []
    table, lettering = take_letters_off(rows(*asked), family, "f.json", problems)
    return table.select("prompt", "answers", "options").rows(), lettering, problems


def test_questions_with_and_without_options_by_hand() -> None:
    found, lettering, problems = taken(
        ("Which? (A) a dog. (B) rain.", ["(B) rain."]), ("Why?", ["(A) it rains"]), ("(A)nd why?", ["so"])
    )
    assert found == [
        ("Which?", ["rain"], ["a dog", "rain"]),
        ("Why?", ["(A) it rains"], []),
        ("(A)nd why?", ["so"], []),
    ]
    assert (lettering, problems) == (Lettering(), [])


@pytest.mark.parametrize(
    ("prompt", "answer", "expected"),
    [
        ("Which? (A) dog. (B) rain.", "(A) dog.", Lettering("sentence", True)),
        ("Which? (A) dog. (B) rain.", "dog", Lettering("sentence", False)),
        ("Which?\n(A) dog\n(B) rain", "(A) dog", Lettering("lines", True)),
        ("Which?\n(A) dog\n(B) rain", "dog", Lettering("lines", False)),
        ("Which? (a) dog. (b) rain.", "(a) dog.", Lettering()),
    ],
)
def test_the_manner_of_a_file_is_kept(prompt: str, answer: str, expected: Lettering) -> None:
    found, lettering, _ = taken((prompt, [answer]))
    assert found == [("Which?", ["dog"], ["dog", "rain"])]
    assert lettering == expected == Lettering.noted(expected.note())
    if "(A)" in prompt:
        assert put_letters_on("Which?", ["dog", "rain"], "dog", lettering) == (prompt, answer)


def test_an_answer_that_is_no_option_leaves_the_question_whole() -> None:
    prompt = "Plan (A) or plan (B) of the two?"
    found, _, problems = taken((prompt, ["neither"]))
    assert found == [(prompt, ["neither"], [])]
    assert [(problem.where, problem.severity) for problem in problems] == [("f.json: 0", "warning")]


def test_only_questions_have_options() -> None:
    prompt = "Say (A) one. (B) two."
    assert taken((prompt, ["(A) one."]), family="caption")[0] == [(prompt, ["(A) one."], [])]
    empty, lettering = take_letters_off(rows(), "question", "f.json", [])
    assert (empty.height, empty.schema["options"], lettering) == (0, pl.List(pl.String), Lettering())


def test_options_that_letters_cannot_tell() -> None:
    assert can_have_letters(["a", "b"])
    assert can_have_letters(["x"] * 26)
    assert not any(map(can_have_letters, [[], ["a"], ["a", " "], ["x"] * 27]))
    with pytest.raises(UsageError, match="so many options"):
        put_letters_on("?", ["a"], "a", Lettering())
    assert Lettering.noted({"layout": "columns", "answers": False}) == Lettering.noted(None) == Lettering()


WORDS = st.from_regex(r"[a-z]{1,5}( [a-z]{1,5})?", fullmatch=True)


@given(question=WORDS, options=st.lists(WORDS, min_size=2, max_size=6, unique=True), data=st.data())
def test_what_is_put_on_comes_off(question: str, options: list[str], data: st.DataObject) -> None:
    manner = data.draw(st.sampled_from([Lettering(*pair) for pair in [("sentence", True), ("lines", False)]]))
    answer = data.draw(st.sampled_from(options))
    prompt, output = put_letters_on(question, options, answer, manner)
    found, lettering, problems = taken((prompt, [output]))
    assert found == [(question, [answer], options)]
    assert (lettering, problems) == (manner, [])
