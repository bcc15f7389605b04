"""Predictions are joined with their dataset, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.data.dataset import open_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.embedding_files import Embeddings, read_embeddings
from audiolect.errors import DatasetError, UsageError
from audiolect.evaluate.material import gather, parts_of, select


@pytest.fixture
def world_of_tones(tmp_path: Path, tones: Any) -> tuple[Any, Embeddings]:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "out", split="test")
    return dataset, read_embeddings(tmp_path / "out")


def without(embeddings: Embeddings, recordings: set[str]) -> Embeddings:
    """The predictions without some recordings and their captions."""
    kept = ~embeddings.recording_ids.is_in(list(recordings))
    table = embeddings.text_table
    texts = ~table["recording_id"].is_in(list(recordings)).fill_null(value=False)
    return replace(
        embeddings,
        recording_ids=embeddings.recording_ids.filter(kept),
        recordings=embeddings.recordings[kept.to_numpy()],
        text_table=table.filter(texts),
        texts=embeddings.texts[texts.to_numpy()],
    )


def test_rows_are_those_of_the_dataset(world_of_tones: tuple[Any, Embeddings]) -> None:
    dataset, embeddings = world_of_tones
    order = np.random.default_rng(0).permutation(12)
    shuffled = replace(
        embeddings, recording_ids=embeddings.recording_ids[order], recordings=embeddings.recordings[order]
    )
    found = gather(shuffled, dataset)
    assert found.recordings["recording_id"].to_list() == embeddings.recording_ids.to_list()
    assert (found.recording_vectors == embeddings.recordings).all()
    assert found.captions.height == 24
    assert (found.coverage.available, found.coverage.expected) == (12, 12)
    assert found.name == "fake"


def test_another_dataset_is_refused(tmp_path: Path, tones: Any, world_of_tones: tuple[Any, Embeddings]) -> None:
    other = tones.tone_dataset(tmp_path / "others", 12, name="others")
    with pytest.raises(DatasetError, match=r"of another dataset(.|\n)*others(.|\n)*tones"):
        gather(world_of_tones[1], other)


def test_a_part_is_refused_or_counted(world_of_tones: tuple[Any, Embeddings]) -> None:
    dataset, embeddings = world_of_tones
    fewer = without(embeddings, {"tones/004", "tones/006"})
    with pytest.raises(DatasetError, match=r"only a part(.|\n)*10; 2 are missing(.|\n)*'tones/004'"):
        gather(fewer, dataset)
    found = gather(fewer, dataset, allow_partial=True)
    assert (found.coverage.available, found.coverage.expected) == (10, 12)
    assert found.coverage.left_out == {"without a prediction": 2}


def test_quarantine_explains_a_gap(world_of_tones: tuple[Any, Embeddings]) -> None:
    dataset, embeddings = world_of_tones
    target = dataset.folder / "check" / "quarantine.jsonl"
    target.parent.mkdir()
    write_quarantine(
        target, [Entry("recording", "tones/004", ("silent",))], name="tones", fingerprint=dataset.card.fingerprint
    )
    found = gather(without(embeddings, {"tones/004"}), dataset)
    assert found.coverage.left_out == {"quarantined": 1}
    with pytest.raises(DatasetError, match="1 are missing without being quarantined"):
        gather(without(embeddings, {"tones/004", "tones/006"}), dataset)


def test_recordings_that_were_not_asked_for(world_of_tones: tuple[Any, Embeddings]) -> None:
    dataset, embeddings = world_of_tones
    ids = embeddings.recording_ids.to_list()
    strange = replace(embeddings, recording_ids=pl.Series(["tones/001", *ids[1:]]))
    with pytest.raises(DatasetError, match=r"not asked for(.|\n)*split test(.|\n)*'tones/001'"):
        gather(strange, dataset)


def change_texts(embeddings: Embeddings, change: Callable[[pl.Expr], pl.Expr]) -> Embeddings:
    is_caption = pl.col("kind") == "caption"
    text = pl.when(is_caption).then(change(pl.col("text"))).otherwise("text")
    return replace(embeddings, text_table=embeddings.text_table.with_columns(text=text))


def test_captions_that_changed_since(world_of_tones: tuple[Any, Embeddings]) -> None:
    dataset, embeddings = world_of_tones
    changed = change_texts(embeddings, lambda text: text.str.replace("number 4", "number IV"))
    with pytest.raises(DatasetError, match=r"captions that the dataset does not have(.|\n)*number IV"):
        gather(changed, dataset)
    table = embeddings.text_table
    fewer = replace(embeddings, text_table=table[1:], texts=embeddings.texts[1:])
    with pytest.raises(DatasetError, match=r"lack captions(.|\n)*24 captions(.|\n)*23"):
        gather(fewer, dataset)
    assert gather(fewer, dataset, allow_partial=True).notes == (
        "1 of 24 captions have no prediction and were not asked.",
    )


def test_parts_by_column(world_of_tones: tuple[Any, Embeddings]) -> None:
    material = gather(world_of_tones[1], world_of_tones[0])
    parts = parts_of(material, "fold")
    assert [part.name for part in parts] == ["all", "fold=1", "fold=3"]
    third = select(material, parts[2])
    assert third.recordings["fold"].unique().to_list() == [3]
    assert set(third.captions["recording_id"]) == set(third.recordings["recording_id"])
    assert len(third.caption_vectors) == third.captions.height == 12
    assert select(material, parts[0]) is material
    assert [part.name for part in parts_of(material, "corpus")] == ["all", "corpus=tones"]
    assert [part.name for part in parts_of(material, None)] == ["all"]
    with pytest.raises(UsageError, match="no column to divide scores by named 'labels'"):
        parts_of(material, "labels")


def test_the_card_says_which_part(world_of_tones: tuple[Any, Embeddings]) -> None:
    card = json.loads((world_of_tones[1].folder / "card.json").read_text("utf-8"))
    assert card["dataset"]["split"] == "test"
    assert open_dataset(world_of_tones[0].folder).card.fingerprint == card["dataset"]["fingerprint"]
