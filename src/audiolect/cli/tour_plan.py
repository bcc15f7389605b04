"""What the demo is made of: its places, its recipe, and what its scores would be by chance.

Conventions: everything lies in one folder. The recipe names dataset and pack relative to itself.

Public names: Tour, recipe_of, caption_recipe_of, chance_of, RECIPE_HEAD, CAPTION_HEAD, RATE_HZ, SHOWN_METRICS,
SHOWN_CAPTION_METRICS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATE_HZ = 32000
SHOWN_METRICS = ("map@10", "recall_any@1", "recall_any@5", "recall_any@10", "median_rank")
SHOWN_CAPTION_METRICS = ("cider_d", "rouge_l", "soundworld_classes", "soundworld_all")
_ENOUGH_FOR_CLASSES = 500

RECIPE_HEAD = """\
# The recipe of `audiolect demo`: a small dual encoder, trained from nothing on soundworld.
# Once more, and longer: audiolect train {recipe} mixture.epochs=60 --out {run}-longer
"""


CAPTION_HEAD = """\
# The second recipe of `audiolect demo`: a small captioner, trained from nothing on soundworld.
# Once more, and longer: audiolect train {recipe} mixture.epochs=60 --out {run}-longer
"""


@dataclass(frozen=True, slots=True)
class Tour:
    """What was asked for.

    Args:
        out: the folder of it all.
        recordings: how many are made.
        epochs: passes of the training.
        seed: of everything.
        jobs: processes, and threads of the training; 0: one for each processor.
        overwrite: replace a demo that is there.
        quiet: print nothing on the way.
    """

    out: Path
    recordings: int
    epochs: int
    seed: int
    jobs: int
    overwrite: bool
    quiet: bool

    def place(self, name: str) -> Path:
        """A file or folder of the demo."""
        return self.out / name

    @property
    def command(self) -> str:
        """The command, for cards."""
        return f"audiolect demo --recordings {self.recordings} --epochs {self.epochs} --seed {self.seed}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured; empty: all there is. Classes are not measured on few recordings: most would not occur."""
        return () if self.recordings >= _ENOUGH_FOR_CLASSES else SHOWN_METRICS


def recipe_of(*, epochs: int, seed: int, threads: int | None = None) -> dict[str, Any]:
    """The recipe that the demo writes beside its dataset and pack, as plain values."""
    return {
        "data": {"soundworld": {"dataset": "soundworld", "pack": "soundworld-pack"}},
        "mixture": {"epochs": epochs, "seed": seed, "entries": {"soundworld-AudioCaptioning/train": {}}},
        "model": {
            "audio": {
                "name": "small",
                "width": 16,
                "features": {"preset": "panns-32k", "hop_samples": 1280},
                "spec_augment": {"time_frames": 8},
            },
            "text": {"name": "transformer", "width": 128, "layers": 2},
            "projection": {"size": 128},
        },
        "training": {
            "batches": {"rate_hz": RATE_HZ, "policy": "pad", "batch_size": 64},
            "optimizer": {"learning_rate": 0.002, "weight_decay": 0.05},
            "schedule": {"kind": "cosine", "warmup_steps": 40},
            "seed": seed,
            "threads": threads,
        },
        "evaluation": {"validation": ["soundworld-AudioCaptioning/val"]},
    }


def caption_recipe_of(*, epochs: int, seed: int, threads: int | None = None) -> dict[str, Any]:
    """The recipe of the captioner, over the same dataset and pack."""
    return {
        "data": {"soundworld": {"dataset": "soundworld", "pack": "soundworld-pack"}},
        "mixture": {"epochs": epochs, "seed": seed, "entries": {"soundworld-AudioCaptioning/train": {}}},
        "model": {
            "name": "captioner",
            "audio": {
                "name": "small",
                "width": 16,
                "features": {"preset": "panns-32k", "hop_samples": 640},
                "spec_augment": {"time_masks": 1, "time_frames": 4, "frequency_masks": 2, "frequency_bins": 8},
            },
            "bridge": {"layers": 1},
            "decoder": {"name": "transformer", "width": 128, "layers": 2, "heads": 4, "vocabulary": 600},
        },
        "training": {
            "objective": {"captions_each": 3},
            "batches": {"rate_hz": RATE_HZ, "policy": "pad", "batch_size": 32},
            "optimizer": {"learning_rate": 0.002, "weight_decay": 0.05, "rates": {"bridge": 0.5, "decoder": 0.5}},
            "schedule": {"kind": "cosine", "warmup_steps": 40},
            "seed": seed,
            "threads": threads,
        },
        "evaluation": {"validation": ["soundworld-AudioCaptioning/val"]},
    }


def chance_of(metric: str, gallery: int) -> float:
    """What a random ranking is worth where one of ``gallery`` recordings is right.

    Args:
        metric: one of SHOWN_METRICS.
        gallery: how many recordings are ranked.
    """
    name, _, depth = metric.partition("@")
    if name == "median_rank":
        return (gallery + 1) / 2
    places = min(int(depth), gallery)
    return sum(1 / rank for rank in range(1, places + 1)) / gallery if name == "map" else places / gallery
