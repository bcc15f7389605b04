"""The recipes that come with audiolect: each can be read, and its head says what it costs and what to expect."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from audiolect.cli.main import app
from audiolect.training.recipe import Recipe, load_recipe
from audiolect.training.stages import load_stages

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "recipes").glob("*.yaml"))
# Whole streets are read by street/recipe.py; all others are of trainings.
STREETS = [path for path in FILES if re.search(r"^street:", path.read_text("utf-8"), re.MULTILINE)]
RECIPES = [path for path in FILES if path not in STREETS]
LEAST_RECIPES = 3
VERBS = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}


def head(path: Path) -> list[str]:
    """The lines of ``#`` at the beginning, without it."""
    lines = path.read_text("utf-8").splitlines()
    count = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return [line.removeprefix("#") for line in lines[:count]]


def stages(path: Path) -> list[Recipe]:
    """The recipe of each stage of a file, or the only one."""
    found = load_stages(path)
    return [load_recipe(path)] if found is None else [recipe for recipe, _ in found]


def commands(path: Path) -> list[list[str]]:
    """The words of every command of audiolect in a head, what is said behind it left out."""
    indented = [line[3:] for line in head(path) if line.startswith("   audiolect ")]
    return [shlex.split(re.split(r" {3,}", line)[0]) for line in indented]


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= LEAST_RECIPES
    assert "retrieval_esc10.yaml" in [path.name for path in RECIPES]
    assert {"esc10.yaml", "own_folder.yaml"} <= {path.name for path in STREETS}
    assert all(path.suffix == ".yaml" for path in (ROOT / "recipes").iterdir())


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_each_can_be_read(path: Path) -> None:
    for recipe in stages(path):
        assert isinstance(recipe, Recipe)
        for source in recipe.data.values():
            assert not Path(source.dataset).is_absolute()
            assert source.dataset.startswith("../data/")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_head_says_command_cost_and_expected_score(path: Path) -> None:
    said = {line.split()[0]: line for line in head(path) if line.split()}
    assert {"cost", "expected"} <= said.keys()
    assert re.search(r"\d", said["cost"])
    assert "COST" not in said["cost"]
    verb = "run" if path in STREETS else "train"
    assert any(f"{verb} recipes/{path.name}" in line for line in head(path))
    for words in commands(path):
        assert words[1] in VERBS, words


@pytest.mark.parametrize("name", ["retrieval_esc10.yaml", "caption_esc10.yaml"])
def test_esc10_trains_without_the_fold_that_it_is_measured_on(name: str) -> None:
    path = ROOT / "recipes" / name
    recipe = load_recipe(path)
    assert recipe.data["esc10"].where == "fold != 5"
    assert recipe.evaluation.validation == ()
    measured = [words for words in commands(path) if words[1] == "predict" and "--where" in words]
    assert [words[words.index("--where") + 1] for words in measured] == ["fold == 5"]
