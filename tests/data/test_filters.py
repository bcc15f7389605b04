"""Filters: by hand, against an oracle in plain Python over random expressions, and what they refuse."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.data.filters import compile_filter
from audiolect.data.records import EXAMPLE_SCHEMA, RECORDING_SCHEMA
from audiolect.errors import FilterError

SCHEMA = RECORDING_SCHEMA | EXAMPLE_SCHEMA

TABLE_SCHEMA = {
    "recording_id": pl.String(),
    "split": pl.String(),
    "title": pl.String(),
    "fold": pl.Int16(),
    "num_samples": pl.Int64(),
    "sample_rate_hz": pl.Int32(),
    "labels": pl.List(pl.String()),
}
ROWS: list[dict[str, Any]] = [
    {
        "recording_id": f"{'xy'[i % 2]}/{i}" if i % 7 else f"{i}",
        "split": ["train", "val", "Test"][i % 3],
        "title": [None, "", "Rain", "a dog", "RAIN on a dog", "é", "ΑΣ"][i % 7],
        "fold": [None, -2, 0, 1, 3][i % 5],
        "num_samples": [0, 1, 7, 16000, 2**40][i * 3 % 5],
        "sample_rate_hz": [16000, 32768][i % 2],
        "labels": [[], ["dog"], ["Rain", "dog"], ["rain", ""]][i % 4],
    }
    for i in range(60)
]
TABLE = pl.DataFrame(ROWS, schema=TABLE_SCHEMA)


def kept(expression: str) -> list[bool]:
    flags = TABLE.select(keep=compile_filter(expression, TABLE.schema))["keep"]
    assert flags.dtype == pl.Boolean
    assert flags.null_count() == 0
    return flags.to_list()


@pytest.mark.parametrize(
    ("expression", "keeps"),
    [
        ("split == 'train'", lambda r: r["split"] == "train"),
        ("split != 'train'", lambda r: r["split"] != "train"),
        ("duration_seconds < 1 and split == 'train'", lambda r: seconds(r) < 1 and r["split"] == "train"),
        ("0 < num_samples <= 7", lambda r: 0 < r["num_samples"] <= 7),
        ("'dog' in labels", lambda r: "dog" in r["labels"]),
        ("'dog' not in labels", lambda r: "dog" not in r["labels"]),
        ("'dog' in title", lambda r: r["title"] is not None and "dog" in r["title"]),
        ("'dog' not in title", lambda r: r["title"] is None or "dog" not in r["title"]),
        ("split in ['train', 'val']", lambda r: r["split"] in ["train", "val"]),
        ("fold in (1, 3)", lambda r: r["fold"] in (1, 3)),
        ("fold not in {1, 3}", lambda r: r["fold"] not in (1, 3)),
        ("fold in []", lambda r: False),
        ("title in labels", lambda r: r["title"] in r["labels"]),
        ("split in title", lambda r: r["title"] is not None and r["split"] in r["title"]),
        ("title is None", lambda r: r["title"] is None),
        ("title is not None", lambda r: r["title"] is not None),
        ("title != None", lambda r: r["title"] is not None),
        ("None == fold", lambda r: r["fold"] is None),
        ("fold < 1", lambda r: r["fold"] is not None and r["fold"] < 1),
        ("not fold < 1", lambda r: r["fold"] is None or r["fold"] >= 1),
        ("fold != 1", lambda r: r["fold"] != 1),
        ("-fold == 2", lambda r: r["fold"] == -2),
        ("+fold == abs(fold)", lambda r: r["fold"] is None or r["fold"] >= 0),
        ("1 / fold > 0.4", lambda r: r["fold"] == 1),
        ("1 / fold is None", lambda r: r["fold"] in (None, 0)),
        ("len(labels) == 2", lambda r: len(r["labels"]) == 2),
        ("len(title) == 1", lambda r: r["title"] == "é"),
        ("corpus == 'x'", lambda r: r["recording_id"].startswith("x/")),
        ("corpus is None", lambda r: "/" not in r["recording_id"]),
        ("lower(title) == 'rain'", lambda r: (r["title"] or "").lower() == "rain"),
        ("title.lower().startswith('rain')", lambda r: (r["title"] or "").lower().startswith("rain")),
        ("contains(labels, 'ai')", lambda r: any("ai" in label for label in r["labels"])),
        ("contains(lower(labels), 'rain')", lambda r: any("rain" in label.lower() for label in r["labels"])),
        ("endswith(title, 'dog')", lambda r: (r["title"] or "").endswith("dog")),
        (r"matches(title, '^[a-z]\s')", lambda r: r["title"] == "a dog"),
        ("contains(title, '.')", lambda r: False),
        ("split == 'train' or True", lambda r: True),
        ("num_samples // 2 % 2 == 1", lambda r: r["num_samples"] // 2 % 2 == 1),
        ("(split ==\n 'train')", lambda r: r["split"] == "train"),
    ],
)
def test_by_hand(expression: str, keeps: Callable[[dict[str, Any]], bool]) -> None:
    assert kept(expression) == [keeps(row) for row in ROWS]


def seconds(row: dict[str, Any]) -> float:
    return row["num_samples"] / row["sample_rate_hz"]


def test_the_family_of_a_task() -> None:
    table = pl.DataFrame({"task": ["AudioCaptioning", "AQA", "NobodyKnows"]})
    flags = table.select(compile_filter("family == 'caption'", table.schema)).to_series()
    assert flags.to_list() == [True, False, False]


def test_other_types_of_columns() -> None:
    table = pl.DataFrame({"good": [True, None, False], "turns": [[{"user": "a"}], [], []], "when": [None] * 3})
    assert table.filter(compile_filter("good and len(turns) > 0", table.schema)).height == 1
    with pytest.raises(FilterError, match="no column named 'when'"):
        compile_filter("when is None", table.schema)


def test_a_column_goes_before_a_computed_name() -> None:
    table = pl.DataFrame({"corpus": ["a", "b"], "recording_id": ["c/1", "d/2"]})
    assert table.filter(compile_filter("corpus == 'b'", table.schema)).height == 1


def test_numbers_of_narrow_columns_do_not_wrap() -> None:
    assert kept("fold * 100000 == 300000") == [row["fold"] == 3 for row in ROWS]
    assert kept("num_samples * num_samples > 0") == [row["num_samples"] > 0 for row in ROWS]


def test_a_chain_of_thousands_is_no_deep_expression() -> None:
    chain = " or ".join(f"split == '{i}'" for i in range(500)) + " or split == 'val'"
    assert kept(chain) == [row["split"] == "val" for row in ROWS]


# An oracle: each drawn expression is a text and a function of a row that says the same in plain Python.
Term = tuple[str, Callable[[dict[str, Any]], Any]]


def binary(sign: str, function: Callable[[float, float], float]) -> Callable[[Term, Term], Term]:
    def build(left: Term, right: Term) -> Term:
        def value(row: dict[str, Any]) -> float | None:
            a, b = left[1](row), right[1](row)
            if a is None or b is None or (sign in ("/", "//", "%") and b == 0):
                return None
            result = function(float(a), float(b))
            return result if math.isfinite(result) else None

        return f"({left[0]} {sign} {right[0]})", value

    return build


def column(name: str) -> Term:
    return name, operator.itemgetter(name)


def literal(value: Any) -> Term:
    return repr(value), lambda row: value


def none_or(function: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else function(value)


whole = st.one_of(st.sampled_from([column("fold"), column("num_samples")]), st.integers(-9, 9).map(literal))
numbers = st.recursive(
    st.one_of(
        whole,
        st.sampled_from([0.5, 1e300, 16000.25]).map(literal),
        st.just(("duration_seconds", seconds)),
        st.just(("len(labels)", lambda row: len(row["labels"]))),
        st.just(("len(title)", lambda row: None if row["title"] is None else len(row["title"]))),
        st.builds(binary("//", operator.floordiv), whole, whole),
        st.builds(binary("%", operator.mod), whole, whole),
    ),
    lambda inner: st.one_of(
        *(
            st.builds(binary(sign, function), inner, inner)
            for sign, function in (
                ("+", operator.add),
                ("-", operator.sub),
                ("*", operator.mul),
                ("/", operator.truediv),
            )
        ),
        inner.map(lambda term: (f"abs({term[0]})", lambda row: none_or(abs, term[1](row)))),
        inner.map(lambda term: (f"(-{term[0]})", lambda row: none_or(operator.neg, term[1](row)))),
    ),
    max_leaves=4,
)


texts = st.one_of(
    st.sampled_from([column("title"), column("split")]),
    st.sampled_from(["", "a", "dog", "Rain", "rain", "é", "ας", "'", '"']).map(literal),
    st.just(("lower(title)", lambda row: none_or(str.lower, row["title"]))),
    st.just(("corpus", lambda row: row["recording_id"].partition("/")[0] if "/" in row["recording_id"] else None)),
)
SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compared(sign: str, a: Any, b: Any) -> bool:
    if sign in SIGNS:
        return a is not None and b is not None and SIGNS[sign](a, b)
    return (a == b) is (sign == "==")


def chain(first: Term, sign: str, second: Term, other_sign: str, third: Term) -> Term:
    return (
        f"{first[0]} {sign} {second[0]} {other_sign} {third[0]}",
        lambda row: (
            compared(sign, first[1](row), second[1](row)) and compared(other_sign, second[1](row), third[1](row))
        ),
    )


def membership(value: Term, choices: list[Any], negated: bool) -> Term:
    word = "not in" if negated else "in"
    return f"{value[0]} {word} {choices!r}", lambda row: (value[1](row) in choices) is not negated


def within(value: Term, negated: bool) -> Term:
    def found(row: dict[str, Any]) -> bool:
        text, title = value[1](row), row["title"]
        return text is not None and title is not None and text in title

    return f"{value[0]} {'not in' if negated else 'in'} title", lambda row: found(row) is not negated


signs = st.sampled_from([*SIGNS, "==", "!="])
conditions = st.recursive(
    st.one_of(
        st.builds(chain, numbers, signs, numbers, signs, numbers),
        st.builds(chain, texts, signs, texts, signs, texts),
        st.builds(membership, numbers, st.lists(st.sampled_from([-2, 0, 1, 7, 0.5]), max_size=3), st.booleans()),
        st.builds(membership, texts, st.lists(st.sampled_from(["", "Rain", "val"]), max_size=3), st.booleans()),
        st.builds(within, texts, st.booleans()),
        texts.map(lambda term: (f"{term[0]} in labels", lambda row: term[1](row) in row["labels"])),
        numbers.map(lambda term: (f"{term[0]} is None", lambda row: term[1](row) is None)),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} and {p[1][0]})", lambda r: p[0][1](r) and p[1][1](r))),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} or {p[1][0]})", lambda r: p[0][1](r) or p[1][1](r))),
        inner.map(lambda term: (f"(not {term[0]})", lambda row: not term[1](row))),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(conditions)
def test_random_expressions_agree_with_python(condition: Term) -> None:
    # A column on both sides of "or" makes every drawn expression one that names a column.
    expression = f"({condition[0]}) and num_samples >= 0"
    assert kept(expression) == [bool(condition[1](row)) for row in ROWS], expression


@pytest.mark.parametrize(
    ("expression", "letter"),
    [
        ("", "The filter is empty"),
        ("duration < 3", r"no column named 'duration'[\s\S]*did you mean duration_seconds"),
        ("split == train", r"no column named 'train'[\s\S]*quotes: 'train'"),
        ("fold == null", "write None instead of null"),
        ("zebra > 1", r"expected: one of duration_seconds, corpus[\s\S]*a text stands in quotes: 'zebra'"),
        ("duration_seconds < '30'", r"A number is compared with a text[\s\S]*stands without quotes: 30"),
        ("title < 3", r"A text is compared with a number"),
        ("labels == 'dog'", r"A list of texts cannot be compared so[\s\S]*'rain' in labels"),
        ("turns == 3", r"A list cannot be compared so[\s\S]*len\(turns\) > 0"),
        ("fold < None", r"None cannot be compared so[\s\S]*is None"),
        ("(fold < 1) == True", r"A condition cannot be compared so"),
        ("labels == ['dog']", "A list stands after 'in' only"),
        ("split", r"A condition is expected[\s\S]*found: a text[\s\S]*split == 'rain'"),
        ("fold", r"A condition is expected[\s\S]*fold > 0"),
        ("not labels", r"A condition is expected[\s\S]*len\(labels\) > 0"),
        ("turns", r"A condition is expected[\s\S]*len\(turns\) > 0"),
        ("None and split == 'a'", r"A condition is expected[\s\S]*found: None"),
        ("1 < 2", "names no column"),
        ("fold is 3", r"Only None is compared by 'is'[\s\S]*write =="),
        ("fold is not 3", r"Only None is compared by 'is'[\s\S]*write !="),
        ("fold + 'a' < 3", r"wrong kind[\s\S]*expected: a number[\s\S]*found: a text"),
        ("-title == 'a'", r"wrong kind"),
        ("'x' in fold", r"wrong kind[\s\S]*a text or a list of texts"),
        ("3 in labels", r"wrong kind[\s\S]*expected: a text"),
        ("split in ['a', 1]", r"wrong kind"),
        ("split in ['a', None]", r"wrong kind[\s\S]*found: None"),
        ("labels in ['a']", r"wrong kind[\s\S]*a number or a text"),
        ("split in ['a', title]", "something else than literal values"),
        ("fold ** 2 < 3", "This sign is none of filters"),
        ("fold == 1 & fold == 2", r"This sign is none of filters[\s\S]*write and"),
        ("~(fold == 1)", r"This sign is none of filters[\s\S]*write not"),
        ("len(labels, 2) > 1", r"called in another way[\s\S]*len\(VALUE\)"),
        ("contains(title) ", r"called in another way[\s\S]*contains\(COLUMN, 'rain'\)"),
        ("contains(title, text='a')", "called in another way"),
        ("contains(title, split)", "looks for a text in quotes"),
        ("contain(title, 'a')", r"no function named 'contain'[\s\S]*did you mean contains"),
        ("matches(title, '(')", r"not a regular expression[\s\S]*unclosed group"),
        ("len(fold) > 1", "wrong kind"),
        ("fold < 1e999", "A number is too large"),
        (f"fold < {10**400}", "A number is too large"),
        ("title == b'a'", "neither a number nor a text"),
        ("__import__('os').system('true')", "no function named 'system'"),
        ("eval('1')", "no function named 'eval'"),
        ("(lambda: 1)()", "This is not a function"),
        ("split.__class__ == 'a'", "something that a filter cannot hold"),
        ("labels[0] == 'a'", "something that a filter cannot hold"),
        ("[x for x in labels]", "something that a filter cannot hold"),
        ("f'{split}' == 'a'", "something that a filter cannot hold"),
        ("(x := 3) < fold", "something that a filter cannot hold"),
        ("'a' if fold else 'b'", "something that a filter cannot hold"),
    ],
)
def test_what_is_refused(expression: str, letter: str) -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter(expression, SCHEMA)
    assert re.search(letter, str(caught.value)), str(caught.value)


def test_a_letter_points_to_the_place() -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter("'é' == title and titel == 'b'", SCHEMA)
    shown = str(caught.value.where).splitlines()
    assert shown[1] == "    'é' == title and titel == 'b'"
    assert shown[2] == "                     ^^^^^"


def test_the_expressions_of_the_docs_compile() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text("utf-8")
    table = text.split("## Filter expressions")[1].split("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")][2:]
    expressions = [part for row in rows[2:] for part in re.findall("`([^`]+)`", row)]
    conditions = [text if re.search(r"[<=>]| in | is |, '", text) else f"{text} is None" for text in expressions]
    assert len(conditions) >= 14
    for condition in conditions:
        compile_filter(condition, SCHEMA)
