"""The journal: rows in order, half lines, rows taken back, and what is no journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import DamagedFile, UnknownVersion
from audiolect.training.journal import Journal, read_journal


def written(path: Path, steps: int = 3) -> Path:
    """A journal of a row for each step."""
    with Journal(path) as journal:
        for step in range(1, steps + 1):
            journal.add("step", step, {"loss": 1.0 / step})
    return path


def test_by_hand(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", steps=2)
    header, *rows = path.read_text("utf-8").split("\n")
    assert json.loads(header)["format"] == "audiolect/journal"
    assert json.loads(header)["version"] == 1
    assert rows == ['{"kind": "step", "step": 1, "loss": 1.0}', '{"kind": "step", "step": 2, "loss": 0.5}', ""]
    assert read_journal(path) == [
        {"kind": "step", "step": 1, "loss": 1.0},
        {"kind": "step", "step": 2, "loss": 0.5},
    ]


def test_nothing_happened_yet(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.jsonl").close()
    assert read_journal(tmp_path / "journal.jsonl") == []


def test_a_row_is_there_before_the_journal_is_closed(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.add("end", 4, {"why": "all steps are done"})
        assert read_journal(tmp_path / "journal.jsonl") == [{"kind": "end", "step": 4, "why": "all steps are done"}]


def test_beginning_anew_removes_what_was_there(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl")
    Journal(path).close()
    assert read_journal(path) == []


def test_resuming_takes_back_later_rows_and_half_a_line(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl")
    before = path.read_bytes().split(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "step", "ste')
    with Journal(path, step=2) as journal:
        journal.add("step", 3, {"loss": 0.25})
    assert path.read_bytes().split(b"\n")[:3] == before[:3]
    assert [(row["step"], row["loss"]) for row in read_journal(path)] == [(1, 1.0), (2, 0.5), (3, 0.25)]


def test_resuming_without_a_journal_makes_one(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.jsonl", step=5).close()
    assert read_journal(tmp_path / "journal.jsonl") == []
    assert (tmp_path / "journal.jsonl").is_file()


@pytest.mark.parametrize("end", ['{"kind": "st', '{"kind": "step", "step": 4}', "half a line, ended by a crash\n"])
def test_what_is_broken_at_the_end_is_not_there_yet(tmp_path: Path, end: str) -> None:
    path = written(tmp_path / "journal.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.write(end)
    assert [row["step"] for row in read_journal(path)] == [1, 2, 3]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl")
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "no JSON\n", *lines[2:]]), "utf-8")
    with pytest.raises(DamagedFile, match=r"journal\.jsonl:3"):
        read_journal(path)


def test_another_file_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"kind": "step", "step": 1}\n', "utf-8")
    with pytest.raises(UnknownVersion, match="not a file of audiolect"):
        read_journal(path)
    path.write_text('{"format": "audiolect/journal", "version": 99}\n', "utf-8")
    with pytest.raises(UnknownVersion, match="99"):
        Journal(path, step=1)
    assert "99" in path.read_text("utf-8")


def test_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.add("step", 1, {"loss": float("nan"), "metrics": {"r": float("inf")}, "row": (1.0, -float("inf"), 2)})
    assert read_journal(tmp_path / "journal.jsonl") == [
        {"kind": "step", "step": 1, "loss": None, "metrics": {"r": None}, "row": [1.0, None, 2]}
    ]


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_and_stays_when_resumed(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    with Journal(path) as journal:
        journal.add("examples", 1, {"text": text})
        journal.add("step", 2, {})
    Journal(path, step=2).close()
    expected = [{"kind": "examples", "step": 1, "text": text}, {"kind": "step", "step": 2}]
    assert read_journal(path) == expected


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\r", "\x0b", "\x1c"])
def test_a_caption_with_another_end_of_line_hides_no_rows(tmp_path: Path, character: str) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.add("examples", 1, {"text": f"a dog{character}barks"})
        journal.add("step", 2, {"loss": 0.5})
    assert [row.get("text", row["step"]) for row in read_journal(tmp_path / "journal.jsonl")] == [
        f"a dog{character}barks",
        2,
    ]
