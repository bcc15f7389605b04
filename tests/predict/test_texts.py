"""Captions and filled templates, each with an id, equal texts embedded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from audiolect.predict.texts import caption_table, dataset_labels, distinct_texts, embed_texts, label_table


def test_captions_of_captioning_examples_alone(tmp_path: Path, tones: Any) -> None:
    table = caption_table(tones.tone_dataset(tmp_path / "tones", 3))
    assert table.height == 6
    assert table["text_id"].to_list()[:2] == ["caption:tones/000#c:0", "caption:tones/000#c:1"]
    assert table["recording_id"].to_list()[:2] == ["tones/000", "tones/000"]
    assert set(table["kind"]) == {"caption"}
    assert table["label"].null_count() == 6


def test_a_world_of_several_tasks(world: Path) -> None:
    from audiolect.data.dataset import open_dataset

    dataset = open_dataset(world)
    table = caption_table(dataset)
    assert table.height == sum(1 + i % 5 for i in range(20))
    assert table["text_id"].n_unique() == table.height
    assert dataset_labels(dataset) == ["a", "b"]


def test_labels_in_every_template() -> None:
    table = label_table(["dog_bark", "rain"], ["{label}", "the sound of {label}"])
    assert table["text"].to_list() == ["dog bark", "the sound of dog bark", "rain", "the sound of rain"]
    assert table["label"].to_list() == ["dog_bark", "dog_bark", "rain", "rain"]
    assert table["text_id"].to_list()[1] == "label:dog_bark:1"
    assert label_table([], ["{label}"]).height == 0


def test_equal_texts_are_embedded_once(tones: Any) -> None:
    table = label_table(["a  b", "a_b", "c"], ["{label}"])
    texts, places = distinct_texts(table)
    assert texts == ["a b", "c"]
    assert places.tolist() == [0, 0, 1]
    counted: list[int] = []
    vectors = embed_texts(tones.FakeModel(), [f"text {i}" for i in range(130)], done=counted.append)
    assert counted == [64, 64, 2]
    np.testing.assert_allclose(vectors[129], tones.FakeModel().embed_texts(["text 129"])[0], atol=1e-6)
