"""Whether a run may go on with a recipe: which keys differ, and which of them change nothing of its results.

Conventions: keys are dotted, as in overrides. Where data is may change; what it is, is told by its fingerprint on the
run's card. More epochs or steps are no other training where no learning rate depends on how many there are.

Public names: FREE_KEYS, differing_keys, check_unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.training.recipe import Recipe
from audiolect.training.schedules import DEPENDS_ON_LENGTH

# Keys that change nothing of the results. "*" stands for any one name.
FREE_KEYS = (
    "data.*.dataset",
    "data.*.pack",
    "training.threads",
    "training.batches.threads",
    "training.batches.depth",
    "training.save_every_steps",
    "training.keep_checkpoints",
    "training.trackers",
    "training.early_stopping.patience",
    "evaluation.batches.threads",
    "evaluation.batches.depth",
    "evaluation.shown_examples",
    "evaluation.templates",
    "evaluation.waive_leaks",
    "training.freezing.expect",
    # What they measure chooses only where evaluation.metric says so.
    "training.objective.spice_jars",
    "training.objective.meteor",
    "model.text.cache",
)
_LENGTH_KEYS = ("mixture.epochs", "training.max_steps")
_ABSENT = "absent"


def differing_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted key → (old, new) of everything in which two recipes, as plain values, differ."""
    before, after = dict(_flat(old)), dict(_flat(new))
    both = before.keys() & after.keys()
    keys = [key for key in {**before, **after} if key not in both or before[key] != after[key]]
    return {key: (before.get(key, _ABSENT), after.get(key, _ABSENT)) for key in keys}


def check_unchanged(old: Mapping[str, Any], new: Mapping[str, Any], folder: Path) -> list[str]:
    """The free keys that differ, for a run that goes on.

    Args:
        old: the recipe of the run, as plain values; keys that it does not have yet had their defaults.
        new: the one now, with every default.
        folder: of the run.

    Raises:
        ConfigError: keys differ that change the results; the letter lists them.
    """
    differing = differing_keys(_completed(old, folder), new)
    is_long_enough = _length_is_free(new)
    free = [key for key in differing if _is_free(key) or (key in _LENGTH_KEYS and is_long_enough)]
    changed = {key: pair for key, pair in differing.items() if key not in free}
    if not changed:
        return free
    lines = "".join(f"\n    {key}: {before!r} in the run, {after!r} now" for key, (before, after) in changed.items())
    by_schedule = any(key in _LENGTH_KEYS for key in changed)
    raise ConfigError(
        "The run was begun with another recipe.",
        where=folder,
        found=lines,
        cause="its schedule ends with the training, so that every step of a longer one has another learning rate; "
        "training.schedule.steps fixes its end"
        if by_schedule
        else None,
        fix="give the recipe of the run to go on with it, --new to start afresh, or another --out",
    )


def _completed(recipe: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """With the default of every key that was not there yet when the run was begun.

    New keys leave old behaviour as it was where they are not given. A recipe that cannot be read any more stays as it
    is: then its differences are told.
    """
    try:
        return parse_config(recipe, Recipe, folder).model_dump(mode="json")
    except ConfigError:
        return recipe


def _length_is_free(recipe: Mapping[str, Any]) -> bool:
    schedule = recipe["training"]["schedule"]
    return schedule["kind"] not in DEPENDS_ON_LENGTH or schedule["steps"] is not None


def _is_free(key: str) -> bool:
    return any(re.fullmatch(re.escape(free).replace(r"\*", r"""(?:"[^"]*"|[^."]+)"""), key) for free in FREE_KEYS)


def _flat(value: Any, place: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        rows = []
        for key, inner in value.items():
            part = f'"{key}"' if "." in str(key) else str(key)
            rows += _flat(inner, f"{place}.{part}" if place else part)
        # Mappings are alike in any order, but this one is a chain: its steps are drawn and applied in their order.
        return [*rows, (place, list(value))] if place.endswith(".augmentations") else rows
    return [(place, value)]
