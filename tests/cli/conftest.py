"""The dataset that verbs divide and compare."""

from __future__ import annotations

from pathlib import Path

import pytest
from saved_tables import save_tables

from audiolect.data.records import Example, Recording


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twelve recordings in two splits, three labels, two folds, one upload that stands in both splits."""
    labels = [("dog",), ("dog", "rain"), ("rain",), ("cat",)] * 3
    recordings = [
        Recording(
            f"c/{i:02d}", f"{i:02d}.wav", 8000, 8000, 1, "wav/pcm_16", 16044,
            split="train" if i < 8 else "test", fold=i % 2 + 1, labels=labels[i],
            source_id=f"freesound:{i % 11}",
        )
        for i in range(12)
    ]  # fmt: skip
    examples = [
        Example(f"{r.recording_id}#c", r.recording_id, r.split, "AudioCaptioning", answers=("a dog",))
        for r in recordings
    ]
    return save_tables(tmp_path / "c", recordings, examples, audio_root=tmp_path).folder
