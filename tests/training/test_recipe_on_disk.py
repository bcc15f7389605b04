"""A recipe that a run has written down is the same when it is read again; what is another one is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import ConfigError
from audiolect.storage import read_yaml, write_yaml
from audiolect.training import recipe as recipe_module
from audiolect.training.opening import begin_or_resume
from audiolect.training.recipe import Recipe, load_recipe
from audiolect.training.recipe_changes import check_unchanged, differing_keys

MakeRecipe = Callable[..., Path]
CARD: dict[str, Any] = {"format": "audiolect/run", "version": 1, "recipe_folder": "", "data": {}}
ENTRY = "mixture.entries.tones-AudioCaptioning/train"


def read(make: MakeRecipe, *overrides: str) -> Recipe:
    return load_recipe(make(), overrides)


def values(found: Recipe) -> dict[str, Any]:
    return found.model_dump(mode="json")


def test_the_example_of_the_front_door_is_a_recipe(tmp_path: Path) -> None:
    door = (recipe_module.__doc__ or "").splitlines()
    path = tmp_path / "recipe.yaml"
    path.write_text("\n".join(line[4:] for line in door if line.startswith("    ")), "utf-8")
    found = load_recipe(path)
    assert (found.mixture.epochs, found.training.optimizer.learning_rate) == (20, 1e-3)
    assert found.evaluation.validation == ("world-AudioCaptioning/validation",)


@pytest.mark.parametrize(
    "override",
    [
        "training.optimizer.learning_rate=3e-7",
        "training.optimizer.rates={audio: 0.1}",
        "training.average={decay: 0.9}",
        "training.clip_norm=null",
        "training.trackers=[tensorboard]",
        "evaluation.templates=['yes', 'a sound of {label}: 1e-3']",
        f"{ENTRY}={{weight: {{0: 0.5, 5: 2}}, augmentations: {{gain: {{probability: 0.3, gain_db: [-6, 6]}}}}}}",
    ],
)
def test_a_run_goes_on_with_the_recipe_that_it_wrote(recipe: MakeRecipe, override: str, tmp_path: Path) -> None:
    found = read(recipe, override)
    assert values(found) != values(read(recipe))
    run, resumed, _ = begin_or_resume(tmp_path / "run", found, CARD, new=False)
    assert (run.config, resumed) == (values(found), False)
    again, resumed, changed = begin_or_resume(tmp_path / "run", found, CARD, new=False)
    assert (again.config, resumed, changed) == (run.config, True, [])
    write_yaml(tmp_path / "again.yaml", again.config)
    assert load_recipe(tmp_path / "again.yaml") == found


def test_another_recipe_than_the_one_it_wrote_is_refused(recipe: MakeRecipe, tmp_path: Path) -> None:
    begin_or_resume(tmp_path / "run", read(recipe, "training.clip_norm=null"), CARD, new=False)
    (tmp_path / "run" / "last").write_text("1")  # without anything trained, another recipe begins anew
    with pytest.raises(ConfigError, match=r"training\.clip_norm: None in the run, 1\.0 now"):
        begin_or_resume(tmp_path / "run", read(recipe), CARD, new=False)


def test_augmentations_in_another_order_are_another_training(recipe: MakeRecipe, tmp_path: Path) -> None:
    one = values(read(recipe, f"{ENTRY}={{augmentations: {{noise: 0.3, gain: 0.3}}}}"))
    other = values(read(recipe, f"{ENTRY}={{augmentations: {{gain: 0.3, noise: 0.3}}}}"))
    assert differing_keys(one, one) == {}
    assert differing_keys(one, other) == {f"{ENTRY}.augmentations": (["noise", "gain"], ["gain", "noise"])}
    with pytest.raises(ConfigError, match=r"augmentations: \['noise', 'gain'\] in the run"):
        check_unchanged(one, other, tmp_path)
    write_yaml(tmp_path / "one.yaml", one)
    assert differing_keys(read_yaml(tmp_path / "one.yaml"), one) == {}


def test_a_value_is_not_taken_for_no_value() -> None:
    assert differing_keys({"z": 1, "a": "absent"}, {"z": 1}) == {"a": ("absent", "absent")}
    assert differing_keys({"z": 1}, {"z": 1, "a": {"b": None}}) == {"a.b": ("absent", None)}
    assert differing_keys({"a": {}}, {"a": {"b": 1}}) == {"a": ({}, "absent"), "a.b": ("absent", 1)}
