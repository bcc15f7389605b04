"""Values: given, missing, of another kind, and what stands where they are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.config import parse_config
from audiolect.errors import AudiolectError
from audiolect.street.values import ValueSettings, fill, read_values, references

FILE = Path("streets/a.yaml")


def settings(**kinds: dict[str, Any]) -> dict[str, ValueSettings]:
    return {name: parse_config(value, ValueSettings, "here") for name, value in kinds.items()}


def test_what_is_given_comes_before_the_default() -> None:
    known = settings(epochs={"kind": "number", "default": 70}, name={}, maybe={"default": None})
    assert read_values(known, {"name": "7"}, FILE) == {"epochs": 70, "name": "7", "maybe": None}
    assert read_values(known, {"name": "a=b", "epochs": "1e1"}, FILE) == {"epochs": 10.0, "name": "a=b", "maybe": None}


def test_a_default_path_is_relative_to_the_file_and_a_given_one_to_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "streets").mkdir()
    monkeypatch.chdir(tmp_path)
    known = settings(audio={"kind": "folder", "default": "../data"})
    assert read_values(known, {}, FILE) == {"audio": "data"}
    assert read_values(known, {"audio": "streets"}, FILE) == {"audio": "streets"}


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({}, r"needs a value(.|\n)*run: a run, a model(.|\n)*audiolect run streets/a.yaml run=RUN; run: make demo"),
        ({"runs": "x"}, r"no value named 'runs'(.|\n)*did you mean run"),
        ({"run": "nowhere"}, r"leads nowhere(.|\n)*run=nowhere: nothing is there(.|\n)*make demo"),
        ({"run": ".", "n": "many"}, r"no number(.|\n)*n=10(.|\n)*n=many"),
        ({"run": ".", "n": "true"}, "no number"),
    ],
)
def test_letters(words: dict[str, str], match: str) -> None:
    known = settings(run={"kind": "run", "about": "a model", "get": "make demo"}, n={"kind": "number", "default": 1})
    with pytest.raises(AudiolectError, match=match):
        read_values(known, words, FILE)


def test_names_are_filled_in() -> None:
    values = {"n": 3, "dir": "a/b c", "none": None}
    assert fill("$n", values) == 3
    assert fill("take=$n of $dir.name", values) == "take=3 of b c"
    assert fill("$dir/x", values) == "a/b c/x"
    assert fill({"a": ["$none", "$dir", None], "b": "x$none"}, values) == {"a": ["a/b c", None], "b": None}
    assert fill("costs 5$$", values) == "costs 5$"
    assert list(references({"a": ["$n", "$$x"], "b": "$dir.name $n"})) == ["n", "dir", "n"]


@given(st.text(alphabet=st.characters(exclude_characters="$", codec="utf-8")))
def test_texts_without_a_dollar_stay(text: str) -> None:
    assert fill(text, {}) == text
    assert list(references(text)) == []
