from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from audiolect.data.dataset import Dataset
from audiolect.data.records import EXAMPLE_SCHEMA, RECORDING_SCHEMA, Example, Turn
from audiolect.formats.leavings import EXAMPLE_FACTS, RECORDING_FACTS, left_out
from audiolect.formats.request import ExportRequest, ImportRequest
from audiolect.formats.table import FORMATS

Make = Callable[..., Any]


@pytest.fixture
def dataset(tmp_path: Path, small_dataset: Make, recording: Make) -> Dataset:
    """A recording of which everything is known, one of which nothing is, and an example of each kind."""
    known = {"source_id": "freesound:1", "parent_id": "p", "group": "g", "fold": 0, "labels": ("dog",), "title": "T"}
    sounds = [recording("m/a", "a.wav", license="CC0", **known), recording("m/b", "b.wav"), recording("m/c", "c.wav")]
    asked = [
        Example("caption", "m/a", "all", "AudioCaptioning", "say", ("x",)),
        Example(
            "usual", "m/b", "all", "AudioCaptioning", "describe the sound in a sentence.", ("x",), shots=("caption",)
        ),
        Example("choice", "m/b", "all", "MultipleChoice", "which?", ("x",), ("x", "y")),
        Example("talk", "m/b", "all", "Dialog", turns=(Turn("q", "a"),)),
    ]
    table = {"attribution": pl.DataFrame({"recording_id": ["m/a"], "author": ["me"]})}
    return small_dataset(tmp_path / "dataset", sounds, asked, extra_tables=table)


def test_only_what_is_there_is_counted(dataset: Dataset) -> None:
    everything = left_out(dataset.recordings, dataset.examples, tables={"one": 3, "two": 0, "three": 1}, uses={"three"})
    assert everything == {
        **{f"{name} of recordings": 1 for name in RECORDING_FACTS},
        "options of examples": 1,
        "turns of examples": 1,
        "shots of examples": 1,
        "prompts that are not the first of their task": 2,
        "rows of one.parquet": 3,
    }
    keeps = {*RECORDING_FACTS, *EXAMPLE_FACTS}
    assert left_out(dataset.recordings, dataset.examples, keeps=keeps) == {}
    assert left_out(dataset.recordings.clear(), dataset.examples.clear()) == {}
    assert keeps <= {*RECORDING_SCHEMA, *EXAMPLE_SCHEMA}


FACTS = {f"{name} of recordings": 1 for name in RECORDING_FACTS}
ROWS = {"rows of attribution.parquet": 1}
EXPECTED: dict[str, dict[str, int]] = {
    "flamingo-1": FACTS
    | ROWS
    | {"recordings without examples": 1, "shots that are not examples of the train split": 1},
    "flamingo-2": FACTS
    | ROWS
    | {
        "recordings without examples": 1,
        "dialogues (Audio Flamingo 2 has none)": 1,
        "lists of shots (Audio Flamingo 2 has none)": 1,
    },
    "flamingo-3": FACTS | ROWS | {"recordings without examples": 1, "shots of examples": 1},
    "audiofolder": ROWS
    | {
        "Dialog examples": 1,
        "MultipleChoice examples": 1,
        "prompts that are not the first of their task": 1,
        "shots of examples": 1,
    },
    "dcase": FACTS
    | ROWS
    | {
        "examples without captions": 2,
        "recordings without captions (they stand in wav.csv alone)": 1,
        "prompts that are not the first of their task": 1,
        "shots of examples": 1,
    },
    "webdataset": ROWS,
}


@pytest.mark.parametrize("layout", sorted(FORMATS))
def test_every_format_says_what_it_has_no_place_for(layout: str, dataset: Dataset, tmp_path: Path) -> None:
    write = FORMATS[layout].write
    assert write is not None
    written = write(ExportRequest(dataset, tmp_path / "out"))
    assert dict(written.left_out) == EXPECTED[layout]
    assert json.loads((tmp_path / "out" / "card.json").read_text("utf-8"))["left_out"] == EXPECTED[layout]


@pytest.mark.parametrize("layout", sorted(set(FORMATS) - {"flamingo-2"}))
def test_what_the_card_says_of_the_dataset_comes_back(layout: str, dataset: Dataset, tmp_path: Path) -> None:
    write, read = FORMATS[layout].write, FORMATS[layout].read
    assert write is not None
    assert read is not None
    write(ExportRequest(dataset, tmp_path / "out"))
    card = read(ImportRequest(tmp_path / "out", tmp_path / "back")).card
    assert (card.corpus_version, card.license, card.citation) == ("1", "CC0", "none")
    if not layout.startswith("flamingo"):
        assert card.name == "mine"
    asked = read(ImportRequest(tmp_path / "out", tmp_path / "asked", name="n", license="CC BY")).card
    assert (asked.name, asked.license, asked.citation) == ("n", "CC BY", "none")
