"""The list of what is left out, and leaving it out."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from saved_tables import save_tables

from audiolect.data.dataset import Dataset, filter_dataset, open_dataset, read_table
from audiolect.data.merging import save_as
from audiolect.data.problems import Problem
from audiolect.data.quarantine import (
    Entry,
    entries_of,
    find_quarantined,
    own_list,
    read_quarantine,
    without_quarantined,
    write_quarantine,
)
from audiolect.data.records import Example, Recording
from audiolect.errors import DamagedFile, DatasetError, UnknownVersion
from audiolect.storage import file_header, read_jsonl, write_jsonl

FOUND = [Entry("recording", "x/a", ("silent", "too-short")), Entry("example", "x/b/2", ("empty-text",))]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    rows = [Recording(f"x/{name}", f"{name}.wav", 8000, 8000, 1, "wav/pcm_16", 16044) for name in "abc"]
    asked = [
        Example(f"x/{name}/{i}", f"x/{name}", "all", "AudioCaptioning", "", ("hm",)) for name in "abc" for i in (1, 2)
    ]
    events = pl.DataFrame({"recording_id": ["x/a", "x/b", "x/b"], "sound": ["dog", "cat", "cow"]})
    more = {"extra_tables": {"events": events}, "notes": {"mood": "good"}}
    return save_tables(tmp_path / "d", rows, asked, name="x", audio_root=tmp_path, **more)


def test_errors_become_entries_and_warnings_do_not() -> None:
    problems = [
        Problem("silent", "x/a"),
        Problem("clipped", "x/b", severity="warning"),
        Problem("truncated", "x/c"),
        Problem("too-short", "x/a"),
        Problem("too-short", "x/a", "again"),
    ]
    assert entries_of("recording", problems) == [
        Entry("recording", "x/a", ("silent", "too-short")),
        Entry("recording", "x/c", ("truncated",)),
    ]
    assert entries_of("example", []) == []


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    assert write_quarantine(path, FOUND, name="x", fingerprint="ff") == FOUND
    assert read_quarantine(path) == FOUND
    header, first, _ = read_jsonl(path)
    assert header == file_header("quarantine", 1) | {"dataset": "x", "fingerprint": "ff"}
    assert first == {"kind": "recording", "id": "x/a", "reasons": ["silent", "too-short"], "by": "check"}


def test_lines_by_people_stay(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    mine = Entry("recording", "x/c", ("it is not a dog",), "Ada")
    write_quarantine(path, FOUND, name="x", fingerprint=None)
    write_jsonl(
        path, [*read_jsonl(path), {"kind": mine.kind, "id": mine.id, "reasons": [*mine.reasons], "by": mine.by}]
    )
    assert write_quarantine(path, FOUND[:1], name="x", fingerprint=None) == [FOUND[0], mine]
    assert read_quarantine(path) == [FOUND[0], mine]


def test_what_is_left(dataset: Dataset) -> None:
    write_quarantine(
        dataset.folder / "check" / "quarantine.jsonl", FOUND, name="x", fingerprint=dataset.card.fingerprint
    )
    rest = without_quarantined(dataset)
    assert rest.recordings["recording_id"].to_list() == ["x/b", "x/c"]
    assert rest.examples["example_id"].to_list() == ["x/b/1", "x/c/1", "x/c/2"]
    assert (rest.card.num_recordings, rest.card.num_examples, rest.card.duration_seconds) == (2, 3, 2.0)
    assert rest.card.fingerprint != dataset.card.fingerprint
    assert rest.card.notes["mood"] == "good"
    assert rest.card.notes["quarantine"]["left_out"] == {"recordings": 1, "examples": 3}
    assert read_table(rest, "events")["sound"].to_list() == ["cat", "cow"]
    assert rest.card.extra_tables == {"events": 2}
    assert dataset.recordings.height == open_dataset(dataset.folder).recordings.height == 3


def test_it_is_honoured_by_filtered_datasets(dataset: Dataset) -> None:
    path = dataset.folder / "check" / "quarantine.jsonl"
    write_quarantine(path, FOUND, name="x", fingerprint=dataset.card.fingerprint)
    part = filter_dataset(dataset, "recording_id != 'x/c'")
    assert without_quarantined(part).recordings["recording_id"].to_list() == ["x/b"]
    other = filter_dataset(dataset, "recording_id == 'x/c'")
    assert without_quarantined(other) is other


def test_without_a_list_all_is_left(dataset: Dataset, tmp_path: Path) -> None:
    assert without_quarantined(dataset) is dataset
    write_quarantine(tmp_path / "empty.jsonl", [], name="x", fingerprint=dataset.card.fingerprint)
    assert without_quarantined(dataset, tmp_path / "empty.jsonl") is dataset
    with pytest.raises(DatasetError, match="no such quarantine list"):
        without_quarantined(dataset, tmp_path / "gone.jsonl")


def test_nothing_left_is_an_error(dataset: Dataset, tmp_path: Path) -> None:
    entries = [Entry("recording", f"x/{name}", ("silent",)) for name in "abc"]
    write_quarantine(tmp_path / "all.jsonl", entries, name="x", fingerprint=dataset.card.fingerprint)
    with pytest.raises(DatasetError, match="All recordings are quarantined"):
        without_quarantined(dataset, tmp_path / "all.jsonl")


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "song", "id": "x", "reasons": [], "by": "me"},
        {"kind": "recording", "id": 3, "reasons": [], "by": "me"},
        {"kind": "recording", "id": "x", "reasons": "silent", "by": "me"},
        {"kind": "recording", "id": "x", "reasons": [1], "by": "me"},
        {"kind": "recording", "id": "x", "reasons": []},
        {"kind": "recording", "id": "x", "reasons": [], "by": "me", "why": "so"},
    ],
)
def test_lines_that_are_no_entries(tmp_path: Path, row: dict[str, object]) -> None:
    path = tmp_path / "quarantine.jsonl"
    write_jsonl(path, [file_header("quarantine", 1), row])
    with pytest.raises(DamagedFile, match=r"quarantine\.jsonl:2"):
        read_quarantine(path)


@pytest.mark.parametrize(
    "rows", [[], [{"kind": "recording"}], [file_header("quarantine", 2)], [file_header("check", 1)]]
)
def test_files_that_are_no_lists(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    write_jsonl(tmp_path / "quarantine.jsonl", rows)
    with pytest.raises(UnknownVersion):
        read_quarantine(tmp_path / "quarantine.jsonl")


def test_what_a_list_names_of_a_dataset(dataset: Dataset) -> None:
    path = dataset.folder / "check" / "quarantine.jsonl"
    assert find_quarantined(dataset) is None
    assert own_list(dataset) is None
    more = [*FOUND, Entry("recording", "gone", ("missing",)), Entry("example", "x/a/1", ("empty-text",))]
    write_quarantine(path, more, name="x", fingerprint=dataset.card.fingerprint)
    found = find_quarantined(dataset)
    assert found is not None
    assert found.recordings.to_list() == ["x/a"]
    assert found.examples.to_list() == ["x/a/1", "x/a/2", "x/b/2"]
    assert found.reasons == {"empty-text": 2, "silent": 1, "too-short": 1}
    assert {entry.id for entry in found.entries} == {"x/a", "x/a/1", "x/b/2"}
    assert own_list(dataset) == path


@pytest.mark.parametrize(("fingerprint", "words"), [("0" * 32, "fingerprint 000"), (None, "of a plain folder")])
def test_a_list_of_another_dataset_is_refused(dataset: Dataset, fingerprint: str | None, words: str) -> None:
    path = dataset.folder / "check" / "quarantine.jsonl"
    write_quarantine(path, FOUND, name="y", fingerprint=fingerprint)
    with pytest.raises(DatasetError, match="of another dataset") as raised:
        without_quarantined(dataset)
    assert words in str(raised.value)
    assert own_list(dataset) is None


def test_the_list_of_a_dataset_serves_what_was_made_of_it(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    write_quarantine(path, FOUND, name="x", fingerprint=dataset.card.fingerprint)
    part = save_as(filter_dataset(dataset, "recording_id != 'x/c'"), tmp_path / "part")
    assert without_quarantined(part, path).recordings["recording_id"].to_list() == ["x/b"]
    narrower = filter_dataset(part, "recording_id != 'x/b'")
    write_quarantine(path, [], name="x", fingerprint=part.card.fingerprint)
    assert without_quarantined(narrower, path) is narrower


def test_what_can_be_done_about_a_list_that_cannot_be_read(dataset: Dataset) -> None:
    path = dataset.folder / "check" / "quarantine.jsonl"
    path.parent.mkdir()
    for text in ("xx\n", f"{json.dumps(file_header('quarantine', 1))}\nxx\n"):
        path.write_text(text)
        with pytest.raises(DamagedFile, match=r"remove .*quarantine\.jsonl and check again"):
            read_quarantine(path)
