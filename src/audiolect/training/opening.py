"""Beginning a run, or going on with it: the folder, its recipe and its card.

Conventions: the recipe is written before anything is trained. A run that is begun afresh over an older one moves it
aside, to ``NAME.old-1``; nothing trained is ever deleted. What the data is (its fingerprints) must stay as it was.

Public names: begin_or_resume, run_card, add_to_card.
"""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from audiolect.errors import ConfigError, StorageError
from audiolect.storage import file_header, write_json, write_yaml
from audiolect.training.recipe import Recipe
from audiolect.training.recipe_changes import check_unchanged
from audiolect.training.run_folder import CARD_NAME, CHECKPOINTS, CONFIG_NAME, RUN_KIND, RUN_VERSION, Run, open_run

_LIBRARIES = ("audiolect", "torch", "accelerate", "transformers", "numpy")


def begin_or_resume(folder: Path, recipe: Recipe, card: dict[str, Any], *, new: bool) -> tuple[Run, bool, list[str]]:
    """The run in a folder, made if it is not there.

    Args:
        folder: of the run.
        recipe: of the training now.
        card: as ``run_card`` makes it, for a new run.
        new: move an older run aside and begin afresh.

    Returns:
        The run, whether it goes on, and the keys of the recipe that have changed without changing the results.

    Raises:
        ConfigError: the run has another recipe or other data, and a checkpoint.
        StorageError: the folder holds something else.
    """
    if (folder / CONFIG_NAME).is_file() and new:
        folder.rename(_free_name(folder))
    values = recipe.model_dump(mode="json")
    if (folder / CONFIG_NAME).is_file():
        run = open_run(folder)
        try:
            changed = check_unchanged(run.config, values, folder)
            _check_data(run, card)
        except ConfigError:
            if run.pointer("last") is not None or any((folder / CHECKPOINTS).glob("*")):
                raise
            # Nothing was trained: a recipe that was refused, or stopped before its first checkpoint, binds nobody.
            _write(folder, values, card)
            return open_run(folder), False, []
        if changed or run.card["recipe_folder"] != card["recipe_folder"]:  # paths are relative to where it is now
            _write(folder, values, {**run.card, "recipe_folder": card["recipe_folder"]})
        return open_run(folder), True, changed
    if folder.exists() and (not folder.is_dir() or any(path.name != "lock" for path in folder.iterdir())):
        raise StorageError(
            "The folder of the run holds something else.",
            where=folder,
            expected="no such folder, an empty one, or a run",
            fix="give another --out",
        )
    _write(folder, values, card)
    return open_run(folder), False, []


def run_card(
    *, recipe_path: Path, command: str, data: dict[str, Any], training: dict[str, Any], recipe: Recipe
) -> dict[str, Any]:
    """What a run is made of, for ``card.json``.

    Args:
        recipe_path: the file; its paths are relative to its folder.
        command: as a person would type it again.
        data: facts of the datasets.
        training: facts of the model: its kind, numbers of parameters, precision, ranks.
        recipe: the recipe.
    """
    return {
        **file_header(RUN_KIND, RUN_VERSION),
        "command": command,
        "recipe": str(recipe_path),
        "recipe_folder": str(recipe_path.parent.resolve()),
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "objective": recipe.training.objective.name,
        "seed": recipe.training.seed,
        "mixture_seed": recipe.mixture.seed,
        "rate_hz": recipe.training.batches.rate_hz,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        "data": data,
        **training,
    }


def add_to_card(run: Run, facts: dict[str, Any]) -> None:
    """Put facts on the card of a run that has just begun."""
    write_json(run.folder / CARD_NAME, {**run.card, **facts})


def _write(folder: Path, recipe: dict[str, Any], card: dict[str, Any]) -> None:
    """The card first: a folder with a recipe is a run."""
    write_json(folder / CARD_NAME, card)
    write_yaml(folder / CONFIG_NAME, {**file_header(RUN_KIND, RUN_VERSION), "recipe": recipe})


def _check_data(run: Run, card: dict[str, Any]) -> None:
    keys = ("fingerprint", "examples_fingerprint", "entries", "validation")
    lines = []
    for name, now in card["data"].items():
        before = run.card["data"].get(name, {})
        lines += [
            f"data.{name}: {key} {before.get(key)} in the run, {now[key]} now"
            for key in keys
            if now[key] != before.get(key)
        ]
    if lines:
        raise ConfigError(
            "The run was begun with other data.",
            where=run.folder,
            found="".join(f"\n    {line}" for line in lines),
            cause="a dataset was made anew, or a check has quarantined more or less of it since",
            fix="train on the same data to go on, --new to start afresh, or give another --out",
        )


def _free_name(folder: Path) -> Path:
    number = 1
    while (path := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    return path
