"""What a recipe names, opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.errors import ConfigError
from audiolect.training.recipe import load_recipe
from audiolect.training.training_data import open_training_data, training_captions

MakeRecipe = Callable[..., Path]


def test_everything_is_opened(recipe: MakeRecipe) -> None:
    path = recipe()
    data = open_training_data(load_recipe(path), path.parent, where=path)
    assert list(data.datasets) == ["tones"]
    assert data.batches().num_batches(0) == 4
    facts = data.facts()["tones"]
    assert facts["validation"] == {"tones-AudioCaptioning/val": {"num_examples": 8, "num_quarantined": 0}}
    assert facts["fingerprint"] == data.datasets["tones"].card.fingerprint
    assert facts["license"] == "CC0-1.0"


def test_captions_are_those_of_the_training_alone(recipe: MakeRecipe) -> None:
    path = recipe()
    data = open_training_data(load_recipe(path), path.parent, where=path)
    captions = list(training_captions(data.mixture))
    assert len(captions) == 48
    assert captions[:2] == ["a low hum number 0", "low hum of train"]
    assert not any("val" in caption or "test" in caption for caption in captions)


def test_a_dataset_only_for_validation_is_opened_as_its_section_says(recipe: MakeRecipe, tones: Path) -> None:
    other = {"dataset": str(tones), "where": "recording_id != 'tones/val-00'"}
    changes = {
        "data": {"tones": {"dataset": str(tones)}, "other": other},
        "evaluation.validation": ["other-AudioCaptioning/val"],
    }
    path = recipe(**changes)
    data = open_training_data(load_recipe(path), path.parent, where=path)
    assert data.validation[0].dataset.examples.height == 7
    assert set(data.facts()) == {"tones", "other"}


def test_a_missing_split_is_refused(recipe: MakeRecipe) -> None:
    path = recipe()
    wrong = load_recipe(path, ["mixture.entries={tones-AudioCaptioning/trian: {}}"])
    with pytest.raises(ConfigError, match="did you mean"):
        open_training_data(wrong, path.parent, where=path)
