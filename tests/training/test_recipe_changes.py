"""Which changes of a recipe are another training."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.training.recipe import Recipe
from audiolect.training.recipe_changes import check_unchanged, differing_keys

OLD: dict[str, Any] = {
    "data": {"a.b": {"dataset": "x", "where": None}},
    "mixture": {"epochs": 2},
    "evaluation": {"templates": None},
    "training": {"threads": None, "max_steps": None, "seed": 0, "schedule": {"kind": "constant", "steps": None}},
}


def changed(key: tuple[str, ...], value: Any) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    here = new
    for part in key[:-1]:
        here = here[part]
    here[key[-1]] = value
    return new


def test_differences_are_named_as_overrides_are() -> None:
    assert differing_keys(OLD, OLD) == {}
    assert differing_keys(OLD, changed(("data", "a.b", "where"), "y")) == {'data."a.b".where': (None, "y")}
    assert differing_keys(OLD, {}) != {}


@pytest.mark.parametrize(
    ("key", "value"),
    [(("data", "a.b", "dataset"), "y"), (("training", "threads"), 4), (("mixture", "epochs"), 9),
     (("training", "max_steps"), 5), (("evaluation", "templates"), ["the sound of {label}"])],
)  # fmt: skip
def test_what_changes_nothing_is_free(key: tuple[str, ...], value: Any) -> None:
    assert len(check_unchanged(OLD, changed(key, value), Path("run"))) == 1


@pytest.mark.parametrize(("key", "value"), [(("data", "a.b", "where"), "y"), (("training", "seed"), 1)])
def test_what_changes_results_is_refused(key: tuple[str, ...], value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"(?s){key[-1]}: .* in the run, .* now.*--new"):
        check_unchanged(OLD, changed(key, value), Path("run"))


def test_more_epochs_of_a_falling_rate_need_a_fixed_end() -> None:
    falling = copy.deepcopy(OLD)
    falling["training"]["schedule"] = {"kind": "cosine", "steps": None}
    longer = copy.deepcopy(falling)
    longer["mixture"]["epochs"] = 3
    with pytest.raises(ConfigError, match=r"training\.schedule\.steps fixes its end"):
        check_unchanged(falling, longer, Path("run"))
    for each in (falling, longer):
        each["training"]["schedule"]["steps"] = 100
    assert check_unchanged(falling, longer, Path("run")) == ["mixture.epochs"]


def test_keys_that_came_later_had_their_defaults() -> None:
    recipe = parse_config(
        {"data": {"world": {"dataset": "x"}}, "mixture": {"entries": {"world-AudioCaptioning/train": {}}}},
        Recipe,
        "here",
    )
    now = recipe.model_dump(mode="json")
    before = copy.deepcopy(now)
    del before["model"]["name"], before["training"]["gradient_checkpointing"]
    assert check_unchanged(before, now, Path("run")) == []
    now["training"]["gradient_checkpointing"] = True
    with pytest.raises(ConfigError, match="gradient_checkpointing: False in the run, True now"):
        check_unchanged(before, now, Path("run"))
    before["training"]["forgotten"] = 1  # of a version that had more keys
    with pytest.raises(ConfigError, match="forgotten: 1 in the run, 'absent' now"):
        check_unchanged(before, now, Path("run"))
