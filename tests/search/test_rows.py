"""Recordings of a dataset as rows of an index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from audiolect.data.dataset import open_dataset
from audiolect.search.rows import rows_of
from audiolect.search.table import ROW_SCHEMA


def test_one_row_for_each_recording(world: Path) -> None:
    dataset = open_dataset(world)
    rows = rows_of(dataset)
    assert rows.schema == ROW_SCHEMA
    assert rows["recording_id"].to_list() == dataset.recordings["recording_id"].to_list()
    assert rows["captions"].to_list() == [[f"caption {k} of {i}" for k in range(1 + i % 5)] for i in range(20)]
    assert rows["duration_seconds"].to_list() == [i + 1.0 for i in range(20)]
    assert rows["audio_root"].unique().to_list() == [str(world / "audio")]
    assert rows["sound"][3] == "file:03.wav:16044:0:32000"


def test_the_hash_names_the_sound_where_there_is_one(world: Path) -> None:
    dataset = open_dataset(world)
    hashed = dataset.recordings.with_columns(pcm_hash=pl.lit("f" * 32))
    assert (
        rows_of(replace(dataset, scan_recordings=hashed.lazy(), in_memory=True))["sound"][3] == f"pcm:{'f' * 32}:32000"
    )


def test_recordings_without_captions(world: Path) -> None:
    dataset = open_dataset(world)
    silent = replace(dataset, scan_examples=dataset.examples.clear().lazy(), in_memory=True)
    assert rows_of(silent)["captions"].to_list() == [[]] * 20
