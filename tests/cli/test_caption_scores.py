"""The numbers of a table of ways to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiolect.cli.caption_scores import NAMES, quick_scores
from audiolect.errors import UsageError
from audiolect.text_predictions import TextPrediction


def test_perfect_captions_and_others(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    examples = dataset.examples.filter(dataset.examples["task"] == "AudioCaptioning")
    ids, answers = examples["example_id"].to_list(), examples["answers"].to_list()
    right = [TextPrediction(name, name, (texts[0],)) for name, texts in zip(ids, answers, strict=True)]
    best = quick_scores(right, dataset, "AudioCaptioning")
    assert tuple(best) == NAMES
    assert best["bleu_4"] == pytest.approx(1.0, abs=1e-6)
    assert best["rouge_l"] == pytest.approx(1.0)
    wrong = [TextPrediction(name, name, ("nothing at all",)) for name in ids]
    assert quick_scores(wrong, dataset, "AudioCaptioning")["cider_d"] == 0.0
    stranger = TextPrediction("stranger", "stranger", ("a high tone",))
    assert quick_scores([*right, stranger], dataset, "AudioCaptioning") == best


def test_nothing_to_compare_with(tmp_path: Path, tones: Any) -> None:
    with pytest.raises(UsageError):
        quick_scores([TextPrediction("x", "x", ("a",))], tones.tone_dataset(tmp_path / "tones", 3), "AudioCaptioning")
