"""A dataset of captions and keywords without audio, and predictions of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from saved_tables import save_tables

from audiolect.data.dataset import Dataset
from audiolect.data.records import Example, Recording
from audiolect.embedding_files import ModelIdentity
from audiolect.text_predictions import TextPart, TextPrediction, TextPredictionsHeader, write_text_predictions

CAPTIONS = (
    ("a dog barks loudly", "a loud dog is barking"),
    ("rain falls on a roof", "heavy rain hits the roof"),
    ("a man speaks in a room", "someone talks"),
    ("birds sing in a forest", "several birds are chirping"),
    ("a car engine starts", "an engine turns over and starts"),
    ("waves crash on a beach", "the sea is rough"),
)


@pytest.fixture
def captioned(tmp_path: Path) -> Dataset:
    """Recordings ``c/0`` to ``c/5``, the last two of split train, folds 1 and 2; two captions and a keyword list."""
    recordings, examples = [], []
    for i, captions in enumerate(CAPTIONS):
        name, split = f"c/{i}", "test" if i < 4 else "train"
        recordings.append(
            Recording(name, f"folder/{i}.wav", 8000, 8000, 1, "wav/pcm_16", 16_044, split=split, fold=1 + i % 2)
        )
        examples.append(Example(f"{name}#c", name, split, "AudioCaptioning", "describe the sound.", captions))
        examples.append(
            Example(f"{name}#k", name, split, "AudioKeywords", "name the sounds.", (captions[0].split()[1],))
        )
    return save_tables(tmp_path / "captioned", recordings, examples)


@pytest.fixture
def say(tmp_path: Path, captioned: Dataset) -> Callable[..., Path]:
    """Writes predictions: recording number → what was said of it (split test unless stated)."""

    def said(
        name: str,
        texts: Mapping[int, str],
        *,
        split: str | None = "test",
        task: str = "c",
        style: str = "",
        **facts: Any,
    ) -> Path:
        card = captioned.card
        header = TextPredictionsHeader(
            model=ModelIdentity(run=name, checkpoint_hash="0" * 32, seeds={"training": 3}),
            dataset=TextPart(
                name=card.name, fingerprint=card.fingerprint, split=split, num_expected=4, num_predicted=len(texts)
            ),
            generation={"method": "greedy"},
            **facts,
        )
        rows = [
            TextPrediction(f"c/{i}#{task}" if task else f"c/{i}", f"c/{i}", (text, "another"), (-1.0, -2.0), style)
            for i, text in texts.items()
        ]
        path = tmp_path / f"{name}.jsonl"
        write_text_predictions(path, header, rows)
        return path

    return said
