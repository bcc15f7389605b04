"""Every verb that reads a dataset leaves out what was quarantined, says so in one line, and can be told not to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from called import call
from saved_tables import save_tables

from audiolect.cli.quarantined import leave_out_quarantined
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.data.records import Example, Recording
from audiolect.errors import DatasetError

FOUND = [Entry("recording", "x/1", ("silent",)), Entry("example", "x/2#c", ("empty-text",))]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Six recordings, three for training; the first of them is in the test as well."""
    rows = [
        Recording(
            f"x/{i}", f"{i}.wav", 8000, 8000, 1, "wav/pcm_16", 16044,
            split="train" if i < 4 else "test", labels=("dog",), source_id=f"freesound:{i if i < 6 else 1}",
        )
        for i in range(1, 7)
    ]  # fmt: skip
    asked = [
        Example(f"{row.recording_id}#c", row.recording_id, row.split, "AudioCaptioning", "", ("hm",)) for row in rows
    ]
    return save_tables(tmp_path / "x", rows, asked, audio_root=tmp_path)


def quarantine(dataset: Dataset, fingerprint: str | None = None) -> Path:
    path = dataset.folder / "check" / "quarantine.jsonl"
    write_quarantine(path, FOUND, name="x", fingerprint=fingerprint or dataset.card.fingerprint)
    return path


def test_one_line_says_what_was_left_out_and_why(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave_out_quarantined(dataset) is dataset
    assert capsys.readouterr().err == ""
    path = quarantine(dataset)
    assert leave_out_quarantined(dataset).recordings.height == 5
    assert capsys.readouterr() == (
        "",
        "quarantine: left out 1 recording and 2 examples (empty-text 1, silent 1); --keep-quarantined uses them. "
        f"List: {path}\n",
    )
    assert leave_out_quarantined(dataset, keep=True) is dataset
    printed = capsys.readouterr().err
    assert printed == "quarantine: kept all the same: 1 recording and 2 examples (empty-text 1, silent 1)\n"


def test_a_list_of_another_dataset(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    quarantine(dataset, "0" * 32)
    with pytest.raises(DatasetError, match="of another dataset"):
        leave_out_quarantined(dataset)
    assert leave_out_quarantined(dataset, keep=True) is dataset
    assert capsys.readouterr().err == ""


def test_split_and_subset_honour_it(dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quarantine(dataset)
    wishes = {"split": ("--take", "train=1", "--into", "val"), "subset": ("--target", 9)}
    for verb, wish in wishes.items():
        for flags, sizes in (((), (5, 4)), (("--keep-quarantined",), (6, 6))):
            out = tmp_path / f"{verb}{len(flags)}"
            assert call(verb, dataset.folder, "--out", out, *wish, *flags, "--json") == 0
            printed = capsys.readouterr()
            json.loads(printed.out)
            assert ("left out 1 recording" in printed.err) == (not flags)
            made = open_dataset(out)
            assert (made.recordings.height, made.examples.height) == sizes
            assert ("quarantine" in made.card.notes) == (not flags)


def test_leaks_honours_it(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("leaks", dataset.folder) == 1
    quarantine(dataset)
    assert call("leaks", dataset.folder) == 0
    assert "left out 1 recording" in capsys.readouterr().err
    assert call("leaks", dataset.folder, "--keep-quarantined") == 1
    assert "kept all the same" in capsys.readouterr().err
