"""Cross-validation: one recipe trained once for each fold of its data, each time without that fold.

    plan = plan_folds(recipe, folder, where="recipe.yaml")
    plan.folds                     # (1, 2, 3, 4, 5)
    plan.overrides(2)              # ('data.esc10.where="fold != 2"',)

The rule: a data source has folds where the column ``fold`` of its dataset has two values or more. For the run without
fold K, its ``where`` keeps all its conditions but one: ``fold != N`` becomes ``fold != K``; where there is no such
condition, ``fold != K`` is added. Every other word about folds is refused, since it cannot be told what should become
of it: ``fold == 4``, or ``fold != 5 or title is None``. Data sources without folds stay as they are. All sources that
have folds must have the same.

Conventions: the folds of a dataset are those of all its recordings, whatever ``where`` says. A run of fold K is in the
folder ``fold-K``; its configuration says that it has not heard fold K, and ``held_out`` reads it there.

Public names: FoldPlan, plan_folds, fold_folder, fold_runs, held_out.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.data.dataset import open_dataset
from audiolect.data.filter_syntax import parse_source
from audiolect.errors import ConfigError, UsageError
from audiolect.training.recipe import Recipe
from audiolect.training.run_folder import CONFIG_NAME, STAGES_NAME, Run

COLUMN = "fold"

_FOLDER = re.compile(r"fold-([0-9]+)")


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """Which folds there are, and what is left of each data source's condition.

    Args:
        folds: rising.
        conditions: data source that has folds → its other conditions, "" where there are none.
    """

    folds: tuple[int, ...]
    conditions: Mapping[str, str]

    def where(self, name: str, fold: int) -> str:
        """The condition of a data source in the run without a fold."""
        others = self.conditions[name]
        without = f"{COLUMN} != {fold}"
        return f"{others} and {without}" if others else without

    def overrides(self, fold: int) -> tuple[str, ...]:
        """What makes the recipe that of the run without a fold: ``a.b=c`` each."""
        # JSON is YAML, and quotes whatever a condition may hold.
        return tuple(
            f"data.{_quoted(name)}.where={json.dumps(self.where(name, fold), ensure_ascii=False)}"
            for name in self.conditions
        )


def plan_folds(recipe: Recipe, folder: Path, *, where: object) -> FoldPlan:
    """The folds of a recipe's data.

    Args:
        recipe: read, with its overrides.
        folder: what its paths are relative to.
        where: the recipe's file, for letters.

    Raises:
        ConfigError: no data has folds, sources have different ones, or a condition speaks of folds in another way.
        DatasetError, FilterError: a dataset or a condition cannot be read.
    """
    found: dict[str, tuple[int, ...]] = {}
    conditions: dict[str, str] = {}
    for name, source in recipe.data.items():
        values = open_dataset(folder / source.dataset).recordings[COLUMN].drop_nulls().unique().sort().to_list()
        if len(values) > 1:
            found[name] = tuple(values)
            conditions[name] = _without_fold(source.where, f"data.{name}.where of {where}")
    if not found:
        raise ConfigError(
            "No data of the recipe has folds.",
            where=where,
            expected="a dataset with two folds or more in the column fold of its recordings",
            found=", ".join(recipe.data),
            fix="train without --folds, or give the recordings folds: audiolect split --help",
        )
    if len(set(found.values())) > 1:
        raise ConfigError(
            "The data of the recipe has different folds.",
            where=where,
            expected="the same folds in every dataset that has any",
            found="; ".join(f"data.{name}: {', '.join(map(str, folds))}" for name, folds in found.items()),
        )
    return FoldPlan(next(iter(found.values())), conditions)


def fold_folder(folder: Path, fold: int) -> Path:
    """Where the run (or whatever else) of a fold is."""
    return folder / f"fold-{fold}"


def fold_runs(folder: Path) -> dict[int, Path]:
    """Fold → run, rising, of a folder that ``train --folds`` wrote.

    Raises:
        UsageError: it holds no runs of folds.
    """
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _FOLDER.fullmatch(path.name)
        if match and any((path / name).is_file() for name in (CONFIG_NAME, STAGES_NAME)):
            found[int(match[1])] = path
    if not found:
        raise UsageError(
            "There are no runs of folds here.",
            where=folder,
            expected="folders fold-1, fold-2, … as `audiolect train RECIPE --folds` writes them",
            found="no such folder" if not folder.is_dir() else "none of them",
        )
    return dict(sorted(found.items()))


def held_out(run: Run) -> set[int]:
    """The folds that no data of a run has heard: of each source that speaks of folds, the one that it leaves out."""
    data: Mapping[str, Any] = run.config.get("data") or {}
    left_out = [
        {fold for term in _terms(source["where"]) if (fold := _left_out(term)) is not None}
        for source in data.values()
        if isinstance(source, dict) and isinstance(source.get("where"), str)
    ]
    spoken = [folds for folds in left_out if folds]
    return set.intersection(*spoken) if spoken else set()


def _without_fold(condition: str | None, where: str) -> str:
    """The conditions of a source but that on its fold, joined by ``and``."""
    if condition is None:
        return ""
    kept = []
    for term in _terms(condition):
        if _left_out(term) is not None:
            continue
        if any(isinstance(node, ast.Name) and node.id == COLUMN for node in ast.walk(term)):
            raise ConfigError(
                "The condition speaks of folds in a way that --folds cannot exchange.",
                where=where,
                expected="fold != N as one of the conditions that `and` joins, or nothing about folds",
                found=ast.unparse(term),
                fix="train it once without --folds, or change the condition",
            )
        # "or" binds less than the "and" that follows.
        kept.append(f"({ast.unparse(term)})" if isinstance(term, ast.BoolOp | ast.IfExp) else ast.unparse(term))
    return " and ".join(kept)


def _terms(condition: str) -> list[ast.expr]:
    """What stands between the outermost ``and`` of a condition."""
    _, tree = parse_source(condition)
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return list(tree.values)
    return [tree]


def _left_out(term: ast.expr) -> int | None:
    """N of the term ``fold != N``; None of every other."""
    match term:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.NotEq()], comparators=[ast.Constant(value=int(fold))]):
            return fold if name == COLUMN and not isinstance(fold, bool) else None
    return None


def _quoted(name: str) -> str:
    """A key of an override: in quotes where it holds what would part it."""
    return f'"{name}"' if re.search(r"[.=']", name) else name
