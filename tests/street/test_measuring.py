"""Predictions are measured by what they are; the two kinds do not mix."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.data.dataset import open_dataset
from audiolect.errors import AudiolectError, UsageError
from audiolect.evaluate.evaluation import EvaluateRequest
from audiolect.evaluate.numbers import MetricChoice
from audiolect.street.measuring import CaptionOptions, measure
from audiolect.text_predictions import TextPart, TextPrediction, TextPredictionsHeader, write_text_predictions

REQUEST = EvaluateRequest(MetricChoice(("bleu_1",), 0, 200))


def said(world: Path, path: Path, text: str) -> Path:
    """The same words of each recording of the split test, as a file of predictions."""
    dataset = open_dataset(world)
    rows = [TextPrediction(f"w/{i}#c", f"w/{i}", (text.format(i),), (0.0,), "") for i in range(15, 20)]
    part = TextPart(
        name="world",
        fingerprint=dataset.card.fingerprint,
        examples_fingerprint=dataset.card.examples_fingerprint,
        split="test",
        where=None,
        num_expected=5,
        num_predicted=5,
    )
    header = TextPredictionsHeader(
        format="",
        version=0,
        producer="",
        command="",
        model={"run": path.stem, "checkpoint_hash": "abc"},
        dataset=part,
        task="AudioCaptioning",
    )
    write_text_predictions(path, header, rows)
    return path


def test_texts_are_measured_as_captions(world: Path, tmp_path: Path) -> None:
    right = said(world, tmp_path / "right.jsonl", "caption 0 of {}")
    (number,) = measure([right], open_dataset(world), REQUEST, CaptionOptions()).numbers
    assert (number.task, number.metric) == ("captioning", "bleu_1")
    assert number.value == pytest.approx(1.0)


def test_kinds_do_not_mix(world: Path, tmp_path: Path) -> None:
    right = said(world, tmp_path / "right.jsonl", "caption 0 of {}")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=r"cannot be measured together(.|\n)*right.jsonl"):
        measure([right], open_dataset(world), REQUEST, CaptionOptions(), baseline=[tmp_path / "folder"])
    with pytest.raises(AudiolectError, match="no predictions"):
        measure([tmp_path / "folder"], open_dataset(world), REQUEST, CaptionOptions())
