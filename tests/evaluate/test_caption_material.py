"""Joining texts with their references: by task and style, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.data.dataset import Dataset
from audiolect.errors import DatasetError, UsageError
from audiolect.evaluate.caption_material import gather_captions
from audiolect.text_predictions import (
    TextPrediction,
    read_text_predictions,
    write_text_predictions,
)

Say = Callable[..., Path]
ALL = {i: f"text {i}" for i in range(4)}


def test_an_example_has_the_references_of_its_task(captioned: Dataset, say: Say) -> None:
    material = gather_captions(read_text_predictions(say("a", ALL)), captioned)
    (own,) = material.sets
    assert (own.task, own.family) == ("captioning", "caption")
    assert own.recordings == ("c/0", "c/1", "c/2", "c/3")
    assert own.candidates == ("text 0", "text 1", "text 2", "text 3")
    assert own.references[0] == ("a dog barks loudly", "a loud dog is barking")
    assert (material.coverage.available, material.coverage.expected) == (4, 4)
    (own,) = gather_captions(read_text_predictions(say("k", ALL, task="k")), captioned).sets
    assert (own.task, own.references[0]) == ("keywords", ("dog",))
    (own,) = gather_captions(read_text_predictions(say("r", ALL, task="")), captioned).sets
    assert own.references[0] == ("a dog barks loudly", "a loud dog is barking")


def test_styles_are_scored_apart(captioned: Dataset, say: Say, tmp_path: Path) -> None:
    predictions = read_text_predictions(say("a", ALL))
    styles = [
        TextPrediction(row.id, row.recording_id, row.outputs, (), style)
        for style in ("clotho > caption", "audiocaps > caption")
        for row in predictions.rows
    ]
    write_text_predictions(tmp_path / "styles.jsonl", predictions.header, styles)
    sets = gather_captions(read_text_predictions(tmp_path / "styles.jsonl"), captioned).sets
    assert [own.task for own in sets] == ["captioning (clotho > caption)", "captioning (audiocaps > caption)"]


def test_a_part_is_refused_or_counted(captioned: Dataset, say: Say) -> None:
    predictions = read_text_predictions(say("a", {0: "a dog"}))
    with pytest.raises(DatasetError, match="cover only a part"):
        gather_captions(predictions, captioned)
    coverage = gather_captions(predictions, captioned, allow_partial=True).coverage
    assert (coverage.available, coverage.left_out) == (1, {"without a prediction": 3})


def test_what_is_refused(captioned: Dataset, say: Say, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not asked for"):
        gather_captions(read_text_predictions(say("a", ALL | {5: "x"})), captioned)
    predictions = read_text_predictions(say("b", ALL))
    other = predictions.header.model_copy(
        update={"dataset": predictions.header.dataset.model_copy(update={"fingerprint": "e" * 32})}
    )
    write_text_predictions(tmp_path / "other.jsonl", other, predictions.rows)
    with pytest.raises(DatasetError, match="of another dataset"):
        gather_captions(read_text_predictions(tmp_path / "other.jsonl"), captioned)
    with pytest.raises(UsageError, match="not measured by their words"):
        gather_captions(read_text_predictions(_as(say, "AQA")), captioned)
    with pytest.raises(DatasetError, match="has a reference"):
        gather_captions(read_text_predictions(_as(say, "MusicCaptioning")), captioned)


def _as(say: Say, task: str) -> Path:
    path = say(f"task-{task}", ALL, task="")
    predictions = read_text_predictions(path)
    write_text_predictions(path, predictions.header.model_copy(update={"task": task}), predictions.rows)
    return path
