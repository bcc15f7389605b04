from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from audiolect.data.dataset import Dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.data.records import Example
from audiolect.errors import AlreadyExists, DatasetError, StorageError, UnsafePath, UsageError
from audiolect.formats.linking import Placement, plan_audio
from audiolect.formats.request import Exported, ExportRequest
from audiolect.formats.shipping import CARD_NAME, Cargo, ship
from audiolect.formats.table import FORMATS

Make = Callable[..., Any]


@pytest.fixture
def dataset(tmp_path: Path, small_dataset: Make, recording: Make) -> Dataset:
    sounds = [
        recording("m/a", "a.wav", split="train"),
        recording("m/b", "b.wav", split="train", start_sample=1000, num_samples=500),
        recording("m/c", "a.wav", split="test"),
    ]
    asked = [Example(f"{r.recording_id}#q", r.recording_id, r.split, "AQA", "?", ("a",)) for r in sounds]
    return small_dataset(tmp_path / "dataset", sounds, asked)


def note(folder: Path, cargo: Cargo) -> Exported:
    """A writer that notes the ids that it sees."""
    recordings, examples, problems = cargo.present()
    lines = [f"{own} {split}" for own, split in recordings.select("recording_id", "split").iter_rows()]
    (folder / "ids.txt").write_text("\n".join([*lines, *examples["example_id"]]))
    return Exported(Path("nowhere"), {"ids.txt": len(lines)}, 0, {"poems": 2}, tuple(problems))


def test_the_folder_has_a_card_that_says_what_it_is(dataset: Dataset, tmp_path: Path) -> None:
    exported = ship(ExportRequest(dataset, tmp_path / "out", command="audiolect export x"), "x", note)
    assert exported.folder == tmp_path / "out"
    card = json.loads((tmp_path / "out" / CARD_NAME).read_text("utf-8"))
    assert (card["format"], card["version"], card["layout"]) == ("audiolect/export", 1, "x")
    assert (card["dataset"], card["fingerprint"]) == ("mine", dataset.card.fingerprint)
    assert (card["files"], card["left_out"], card["command"]) == ({"ids.txt": 3}, {"poems": 2}, "audiolect export x")
    assert not (tmp_path / "out" / "problems.jsonl").exists()


def test_splits_are_renamed_in_both_tables(dataset: Dataset, tmp_path: Path) -> None:
    ship(ExportRequest(dataset, tmp_path / "out", rename_splits={"train": "dev"}), "x", note)
    assert (tmp_path / "out" / "ids.txt").read_text().splitlines()[:3] == ["m/a dev", "m/b dev", "m/c test"]
    with pytest.raises(UsageError, match="did you mean train"):
        ship(ExportRequest(dataset, tmp_path / "other", rename_splits={"trian": "dev"}), "x", note)


def test_missing_audio_is_refused_or_listed(dataset: Dataset, tmp_path: Path) -> None:
    (dataset.audio_root / "a.wav").unlink()
    with pytest.raises(DatasetError, match="1 of 2 files"):
        ship(ExportRequest(dataset, tmp_path / "out"), "x", note)
    assert not (tmp_path / "out").exists()
    exported = ship(ExportRequest(dataset, tmp_path / "out", missing="list"), "x", note)
    assert (tmp_path / "out" / "ids.txt").read_text().splitlines() == ["m/b train", "m/b#q"]
    assert [problem.where for problem in exported.problems] == ["m/a", "m/c"]
    listed = (tmp_path / "out" / "problems.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["where"] for line in listed] == ["m/a", "m/c"]
    with pytest.raises(UsageError, match="list, refuse"):
        ship(ExportRequest(dataset, tmp_path / "other", missing="drop"), "x", note)


def test_files_of_recordings_are_brought_once(dataset: Dataset, tmp_path: Path) -> None:
    def bring(folder: Path, cargo: Cargo) -> Exported:
        recordings, _, _ = cargo.present()
        plan = plan_audio(recordings, cargo.dataset.audio_path)
        targets = {own: folder / name for own, name in plan.names.items()}
        first = cargo.place_each(recordings, plan, targets)
        second = cargo.place([Placement(cargo.dataset.audio_path("a.wav"), folder / "again.wav")])
        return Exported(folder, {}, first + second)

    exported = ship(ExportRequest(dataset, tmp_path / "out"), "x", bring)
    assert exported.num_audio == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.wav",
        "b.wav@0.125-0.1875.wav",
        "again.wav",
        CARD_NAME,
    }
    assert (tmp_path / "out" / "again.wav").samefile(dataset.audio_root / "a.wav")  # hard links by default


def test_a_failure_leaves_nothing_behind(dataset: Dataset, tmp_path: Path) -> None:
    def fail(folder: Path, cargo: Cargo) -> Exported:
        (folder / "half.txt").write_text("half")
        raise StorageError("The disk is full.")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(StorageError, match="full"):
        ship(ExportRequest(dataset, tmp_path / "out"), "x", fail)
    assert sorted(tmp_path.iterdir()) == before


def test_targets_that_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    ship(ExportRequest(dataset, tmp_path / "out"), "x", note)
    with pytest.raises(AlreadyExists):
        ship(ExportRequest(dataset, tmp_path / "out"), "x", note)
    ship(ExportRequest(dataset, tmp_path / "out", overwrite=True), "x", note)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    with pytest.raises(StorageError, match="not made by audiolect"):
        ship(ExportRequest(dataset, tmp_path / "photos", overwrite=True), "x", note)
    for place, words in ((dataset.audio_root, "audio"), (dataset.folder, "dataset"), (tmp_path, "audio")):
        with pytest.raises(UsageError, match=f"in the place of the {words}"):
            ship(ExportRequest(dataset, place, overwrite=True), "x", note)
    with pytest.raises(UsageError, match="copy, link, symlink"):
        ship(ExportRequest(dataset, tmp_path / "other", audio="move"), "x", note)
    empty = replace(dataset, scan_recordings=dataset.scan_recordings.limit(0))
    with pytest.raises(DatasetError, match="no recordings"):
        ship(ExportRequest(empty, tmp_path / "other"), "x", note)


def quarantined(dataset: Dataset, *entries: Entry, fingerprint: str | None = None) -> None:
    folder = dataset.folder / "check"
    folder.mkdir(exist_ok=True)
    stated = fingerprint or dataset.card.fingerprint
    write_quarantine(folder / "quarantine.jsonl", entries, name=dataset.card.name, fingerprint=stated)


def test_what_is_quarantined_is_left_out_and_counted(dataset: Dataset, tmp_path: Path) -> None:
    quarantined(dataset, Entry("recording", "m/b", ("truncated",)), Entry("example", "m/c#q", ("empty-text",)))
    exported = ship(ExportRequest(dataset, tmp_path / "out"), "x", note)
    assert (tmp_path / "out" / "ids.txt").read_text().splitlines() == ["m/a train", "m/c test", "m/a#q"]
    assert exported.quarantined == {"recordings": 1, "examples": 2}
    card = json.loads((tmp_path / "out" / CARD_NAME).read_text("utf-8"))
    assert card["quarantined"] == {"recordings": 1, "examples": 2}
    assert card["fingerprint"] != dataset.card.fingerprint
    kept = ship(ExportRequest(dataset, tmp_path / "kept", keep_quarantined=True), "x", note)
    assert (kept.files, kept.quarantined) == ({"ids.txt": 3}, {})


def test_a_quarantine_list_of_other_recordings_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    quarantined(dataset, Entry("recording", "m/b", ("truncated",)), fingerprint="0" * 32)
    with pytest.raises(DatasetError, match="another dataset"):
        ship(ExportRequest(dataset, tmp_path / "out"), "x", note)
    ship(ExportRequest(dataset, tmp_path / "out", keep_quarantined=True), "x", note)


def test_a_dry_run_checks_and_writes_nothing(dataset: Dataset, tmp_path: Path) -> None:
    quarantined(dataset, Entry("recording", "m/b", ("truncated",)))
    planned = ship(ExportRequest(dataset, tmp_path / "out", dry_run=True), "x", note)
    assert (planned.files, planned.quarantined) == ({}, {"recordings": 1, "examples": 1})
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    with pytest.raises(AlreadyExists):
        ship(ExportRequest(dataset, tmp_path / "out", dry_run=True), "x", note)
    with pytest.raises(UsageError, match="did you mean train"):
        ship(ExportRequest(dataset, tmp_path / "a", dry_run=True, rename_splits={"trian": "dev"}), "x", note)


@pytest.mark.parametrize("layout", sorted(FORMATS))
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("path", "../up/stolen.wav"),
        ("path", "ABSOLUTE/stolen.wav"),
        ("split", "../up"),
        ("split", "../../../up"),
        ("split", "ABSOLUTE"),
        ("recording_id", "../../up/x"),
        ("recording_id", "ABSOLUTE/x"),
    ],
)
def test_no_path_and_no_id_leads_out_of_the_folder(
    layout: str, column: str, value: str, *, dataset: Dataset, tmp_path: Path
) -> None:
    write = FORMATS[layout].write
    assert write is not None
    value = value.replace("ABSOLUTE", f"{tmp_path}/up")
    shutil.copytree(dataset.audio_root, tmp_path / "audio" / "up")
    (tmp_path / "up").mkdir()
    shutil.copy(dataset.audio_root / "a.wav", tmp_path / "up" / "stolen.wav")
    changed = {
        name: frame.with_columns(pl.lit(value).alias(column)) if column in frame.columns else frame
        for name, frame in {"scan_recordings": dataset.recordings[:1], "scan_examples": dataset.examples[:1]}.items()
    }
    bad = replace(dataset, **{name: frame.lazy() for name, frame in changed.items()})
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "deep")}
    for mode in ("copy", None) if layout != "webdataset" else (None,):
        with suppress(UnsafePath, DatasetError):
            write(ExportRequest(bad, tmp_path / "deep" / "out", audio=mode, missing="list", overwrite=True))
        after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "deep" / "out")}
        assert after - before <= {tmp_path / "deep"}
