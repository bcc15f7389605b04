"""The file of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.config import describe_config
from audiolect.errors import ConfigError
from audiolect.training.recipe import Recipe, load_recipe

MakeRecipe = Callable[..., Path]


def test_a_recipe_is_read(recipe: MakeRecipe) -> None:
    read = load_recipe(recipe(), ["training.optimizer.learning_rate=1e-4"])
    assert read.training.optimizer.learning_rate == 1e-4
    assert read.evaluation.validation == ("tones-AudioCaptioning/val",)
    assert read.training.precision == "auto"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("evaluation.validation=[tones-AudioCaptioning/test]", "is a test split"),
        ("evaluation.validation=[tones-AudioCaptioning/eval]", "is a test split"),
        ("evaluation.validation=[tunes-AudioCaptioning/val]", "did you mean tones"),
        ("evaluation.validation=[tones-AudioCaptioning/train]", "is what the mixture trains on"),
        ("evaluation.validation=[tones]", "expected DATASET-Task/split"),
        ("evaluation.metric=loss", "metric and goal go together"),
        ("evaluation.metric=tones/lose evaluation.goal=min", "did you mean tones/loss"),
        ("training.shard=true training.compile=true", "shard goes neither"),
        ("training.shard=true training.objective.micro_batch=2", "shard does not go with objective.micro_batch"),
        ("training.objective.micro_batch=0", "micro_batch"),
        ("training.optimiser.learning_rate=1", "optimizer"),
        ("training.accumulate=0", "at least 1"),
        ("training.precision=fp16", "one of auto, bf16, float32"),
    ],
)
def test_what_cannot_be_is_refused(recipe: MakeRecipe, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(recipe(), override.split())


def test_every_key_has_a_description() -> None:
    rows = [row for row in describe_config(Recipe) if row.path.split(".")[0] in ("training", "evaluation")]
    assert len(rows) > 60
    assert [row.path for row in rows if not row.description and not row.path.endswith(".name")] == []


def test_windows_are_not_mixed(recipe: MakeRecipe) -> None:
    path = recipe(**{"training.objective": {"mixing": {}}, "training.batches.policy": "windows"})
    with pytest.raises(ConfigError, match=r"mixing goes with the policies crop and pad"):
        load_recipe(path)
