from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from audiolect.data.problems import Problem
from audiolect.formats import flamingo_entries
from audiolect.formats.flamingo_entries import CONTAINERS, ENTRY_SCHEMA, SHOT_SCHEMA, EntryReading


def read(container: str, rows: dict[str, Any] | list[tuple[str, Any]], **header: Any) -> tuple[pl.DataFrame, list[str]]:
    problems: list[Problem] = []
    reading = EntryReading("f", container, problems)
    pairs = list(rows.items()) if isinstance(rows, dict) else rows
    reading.add(pairs)
    table = reading.table({"total_num": len(pairs)} | header)
    return table, [f"{problem.where} {problem.reason}" for problem in problems]


def test_entries_by_hand() -> None:
    rows = {
        "1": {"name": "a", "prompt": "", "output": "o", "audio_start": "1.5", "duration": 3},
        "0": {"name": "b", "prompt": "p", "output": "o", "extra": 1},
        "2": {"name": "c", "dialogue": [{"user": "q", "assistant": "a"}], "duration": 0.5},
    }
    table, problems = read("data", rows)
    assert table.schema == pl.Schema(ENTRY_SCHEMA)
    assert table.rows() == [
        (0, "b", "p", "o", None, None, []),
        (1, "a", "", "o", 1.5, 3.0, []),
        (2, "c", "", "", None, 0.5, [{"user": "q", "assistant": "a"}]),
    ]
    assert problems == []


def test_shots_by_hand() -> None:
    rows = {"0": {"generation_index_in_split": 4, "fewshot_indices_in_train": [1, 0]}}
    table, problems = read("interleaved_data", rows)
    assert (table.schema, table.rows(), problems) == (pl.Schema(SHOT_SCHEMA), [(0, 4, [1, 0])], [])


def test_nothing_at_all() -> None:
    for container, schema in CONTAINERS.items():
        table, problems = read(container, {})
        assert (table.height, table.schema, problems) == (0, pl.Schema(schema), [])


GOOD = {"name": "a", "prompt": "p", "output": "o"}


@pytest.mark.parametrize(
    ("rows", "header", "kept", "problems"),
    [
        ([("0", GOOD), ("0", GOOD | {"name": "b"})], {}, ["a"], ["f: 0 duplicate-id"]),
        ([("0", GOOD)], {"total_num": 2}, ["a"], ["f bad-value"]),
        ([("0", GOOD)], {"total_num": "1"}, ["a"], ["f bad-value"]),
        ([("4", GOOD)], {}, ["a"], ["f missing-value"]),
        ([("x", GOOD), ("0", GOOD)], {}, ["a"], ["f: x bad-value"]),
        ([("٣", GOOD), ("1.0", GOOD), ("0", GOOD)], {}, ["a"], ["f: ٣ bad-value", "f: 1.0 bad-value"]),
        ([("9" * 30, GOOD), ("0", GOOD)], {}, ["a"], [f"f: {'9' * 30} bad-value"]),
        ([("0", GOOD | {"duration": 1e300})], {}, [], ["f: 0 bad-value"]),
        ([("0", GOOD | {"audio_start": float("nan")})], {}, [], ["f: 0 bad-value"]),
        ([("0", GOOD | {"output": "\t\u3000"})], {}, [], ["f: 0 empty-text"]),
    ],
)
def test_what_is_odd_is_listed(rows: list[Any], header: dict[str, Any], kept: list[str], problems: list[str]) -> None:
    table, found = read("data", rows, **header)
    assert table["name"].to_list() == kept
    assert found == problems


@pytest.mark.parametrize(
    "bad",
    [
        3,
        {},
        {"generation_index_in_split": -1, "fewshot_indices_in_train": []},
        {"generation_index_in_split": True, "fewshot_indices_in_train": []},
        {"generation_index_in_split": 1, "fewshot_indices_in_train": [1.5]},
        {"generation_index_in_split": 1, "fewshot_indices_in_train": None},
    ],
)
def test_bad_shots_are_listed(bad: Any) -> None:
    table, problems = read("interleaved_data", {"0": bad})
    assert table.height == 0
    assert len(problems) == 1


def test_plain_and_odd_entries_together_give_the_rows_that_each_alone_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flamingo_entries, "BLOCK_ROWS", 3)
    plain = {"name": "a", "prompt": "p", "output": "o", "duration": 3}
    odd = [
        {"audio_start": "1.5"},
        {"output": " "},
        {"audio_start": None},
        {"duration": -1},
        {"duration": 1e9},
        {"duration": True},
        {"name": ""},
        {"output": "\ud83d"},
        {"dialogue": [{"user": "q", "assistant": "a"}]},
        {"prompt": None},
    ]
    entries = [plain | {"output": f"o{n}"} | more for n, more in enumerate([{}] * 4 + odd + [{}] * 4)]
    pairs = [*((str(number), entry) for number, entry in enumerate(entries)), ("x", plain), ("9" * 18, plain)]
    alone = [read("data", [pair], total_num=1) for pair in pairs]
    rows, found = [], []
    for table, problems in alone:
        rows += table.rows()
        found += [problem for problem in problems if "missing-value" not in problem or ": " in problem]
    problems: list[Problem] = []
    together = EntryReading("f", "data", problems)
    for start, end in ((0, 4), (4, 5), (5, 11), (11, len(pairs))):
        together.add(pairs[start:end])
    table = together.table({"total_num": len(pairs)})
    assert table.rows() == rows
    assert sorted(f"{problem.where} {problem.reason}" for problem in problems) == sorted(found)
    assert len(rows) == 4 + 3 + 4
    assert (together.num_entries, together.num_starts) == (len(pairs), 2)
