"""A dataset of short tones with captions, and a recipe for a tiny model that trains on it in a second."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from saved_tables import save_tables

from audiolect.audio.writing import write
from audiolect.data.records import Example, Recording
from audiolect.yaml_text import yaml_text

sys.path.insert(0, str(Path(__file__).parent))

RATE_HZ = 16000
SAMPLES = 4000
SPLITS = {"train": 24, "val": 8, "test": 8}
WORDS = (
    "low hum",
    "soft tone",
    "clear note",
    "bright whistle",
    "thin squeak",
    "high beep",
    "shrill ring",
    "sharp ping",
)

RECIPE: dict[str, Any] = {
    "mixture": {"epochs": 2, "seed": 3, "entries": {"tones-AudioCaptioning/train": {}}},
    "model": {
        "audio": {
            "name": "small",
            "width": 1,
            "features": {"preset": "wsntxxn-16k"},
            "spec_augment": {"time_masks": 1, "time_frames": 2, "frequency_masks": 1, "frequency_bins": 2},
        },
        "text": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
        "projection": {"size": 8},
    },
    "training": {
        "batches": {"rate_hz": RATE_HZ, "crop_seconds": 0.25, "batch_size": 6, "threads": 1},
        "optimizer": {"learning_rate": 0.01},
        "threads": 1,
    },
    "evaluation": {"validation": ["tones-AudioCaptioning/val"]},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small operations on several threads mostly wait for each other, all the more on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_tones(folder: Path, samples: int = SAMPLES, **facts: Any) -> Path:
    """A dataset of tones in noise: 24 to train on, 8 to validate, 8 to test; ``facts`` of every recording."""
    draws = np.random.default_rng(7)
    recordings, examples = [], []
    for split, count in SPLITS.items():
        for i in range(count):
            name, pitch = f"tones/{split}-{i:02d}", i % len(WORDS)
            time = np.arange(samples) / RATE_HZ
            tone = 0.3 * np.sin(2 * np.pi * 200 * 1.5**pitch * time) + 0.02 * draws.standard_normal(samples)
            write(folder / "audio" / f"{split}-{i:02d}.wav", tone.astype(np.float32), RATE_HZ)
            of_file = (f"{split}-{i:02d}.wav", samples, RATE_HZ, 1, "wav/pcm_16", 44 + 2 * samples)
            recordings.append(Recording(name, *of_file, split=split, **facts))
            answers = (f"a {WORDS[pitch]} number {i}", f"{WORDS[pitch]} of {split}")
            examples.append(Example(f"{name}#c", name, split, "AudioCaptioning", "describe the sound.", answers))
    return save_tables(folder, recordings, examples, name="tones").folder


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder that nobody writes to."""
    return write_tones(tmp_path_factory.mktemp("data") / "tones")


@pytest.fixture
def make_tones() -> Callable[..., Path]:
    """Makes a dataset of one's own."""
    return write_tones


def recipe_of(tones: Path, **changes: Any) -> str:
    """The text of the recipe, with dotted keys replaced."""
    values = copy.deepcopy(RECIPE) | {"data": {"tones": {"dataset": str(tones)}}}
    for key, value in changes.items():
        *parts, last = key.split(".")
        here = values
        for part in parts:
            here = here.setdefault(part, {})
        here[last] = value
    return yaml_text(values)


@pytest.fixture(scope="session")
def recipe_text() -> Callable[..., str]:
    """Makes the text of the recipe of a dataset: ``recipe_text(tones, **{"training.accumulate": 2})``."""
    return recipe_of


@pytest.fixture
def recipe(tones: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the recipe, with dotted keys replaced: ``recipe(**{"training.accumulate": 2})``."""

    def written(**changes: Any) -> Path:
        path = tmp_path / "tiny.yaml"
        path.write_text(recipe_of(tones, **changes), "utf-8")
        return path

    return written
