"""Cross-validation on the command line: ``train --folds`` and ``predict --folds``.

Conventions: what belongs to fold K is in the folder ``fold-K`` of ``--out``. Folds follow each other; one that is done
is left as it is, and the one that was stopped goes on: the same command does all of it. A run predicts the fold that it
has not heard, which its own configuration says, and nothing else.

Public names: FoldsRequest, train_folds, predict_folds.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_count,
    plain,
    print_done,
    print_json,
    print_lines,
    print_table,
    rich_progress,
)

if TYPE_CHECKING:
    from audiolect.predict.prediction import PredictReport
    from audiolect.training.folds import FoldPlan
    from audiolect.training.recipe import Recipe
    from audiolect.training.session import Outcome


@dataclass(frozen=True, slots=True)
class FoldsRequest:
    """What ``train --folds`` was given."""

    recipe: Path
    folder: Path
    overrides: tuple[str, ...]
    new: bool
    keep_quarantined: bool
    dry_run: bool
    as_json: bool


def train_folds(request: FoldsRequest) -> None:
    """Train a recipe once without each fold, and say what there is.

    Raises:
        ConfigError: no folds, or a condition that cannot be exchanged.
        Exit: it was stopped.
    """
    from audiolect.training import leaving, session, stages, stopping
    from audiolect.training.folds import fold_folder, plan_folds
    from audiolect.training.recipe import load_recipe

    staged = stages.load_stages(request.recipe, request.overrides)
    recipe = load_recipe(request.recipe, request.overrides) if staged is None else staged[0][0]  # all have its data
    plan = plan_folds(recipe, request.recipe.parent, where=request.recipe)
    if request.dry_run:
        _look(request, plan)
        return
    done: dict[int, list[Outcome]] = {}
    with stopping.stop_signals() as asked:
        for fold in plan.folds:
            overrides = (*request.overrides, *plan.overrides(fold))
            aside = partial(print_lines, aside=True)
            chosen = session.TrainOptions(overrides, request.new, request.keep_quarantined, command_line(), tell=aside)
            folder = fold_folder(request.folder, fold)
            if not request.as_json and _is_main():
                errors_console().print(f"fold {fold}: {plain(folder)}", markup=False, highlight=False, soft_wrap=True)
            done[fold] = stages.train_stages(
                request.recipe, folder, chosen, progress=rich_progress, asked_to_stop=asked
            )
            if done[fold][-1].stopped:
                break
    last = done[max(done)][-1]
    if last.is_main:
        _tell(request, plan, done, recipe)
    exit_code = (asked.exit_code or 1) if last.stopped else 0
    leaving.leave_ranks(exit_code)
    raise typer.Exit(exit_code)


def predict_folds(
    runs: Path,
    dataset: Path,
    out: Path,
    predict_one: Callable[[Path, Path, str], PredictReport | None],
    *,
    as_json: bool,
) -> None:
    """Predict a dataset with the runs of ``train --folds``: each fold with the run that has not heard it.

    Args:
        runs: the folder of the runs.
        dataset: for the next command.
        out: gets a folder for each fold.
        predict_one: run, where to write, condition → the report; None: these very predictions are there.
        as_json: print one JSON object.

    Raises:
        UsageError: no runs of folds, or one that has heard its fold.
    """
    from audiolect.errors import UsageError
    from audiolect.training.folds import COLUMN, fold_folder, fold_runs, held_out
    from audiolect.training.run_folder import open_run

    found = fold_runs(runs)
    for fold, run in found.items():
        if fold not in held_out(open_run(run)):
            raise UsageError(
                "A run has heard the fold that it should predict.",
                where=run,
                expected=f"{COLUMN} != {fold} in the `where` of its data",
                fix="audiolect train RECIPE --folds trains such runs",
            )
    rows: list[tuple[str, ...]] = []
    told: list[dict[str, Any]] = []
    for fold, run in found.items():
        target = fold_folder(out, fold)
        report = predict_one(run, target, f"{COLUMN} == {fold}")
        card = None if report is None else report.card.model_dump(mode="json")
        told.append({"fold": fold, "folder": str(target), "card": card})
        what = "was there" if report is None else human_count(report.card.num_recordings, "recording")
        rows.append((str(fold), str(run), str(target), what))
    if as_json:
        print_json({"folder": str(out), "folds": told})
        return
    print_table(f"predictions of {human_count(len(rows), 'fold')}", ("fold", "run", "predictions", ""), rows)
    print_done(str(out), f"audiolect evaluate {shlex.quote(str(out))}/fold-* {shlex.quote(str(dataset))}")


def _look(request: FoldsRequest, plan: FoldPlan) -> None:
    from audiolect.training.dry_run import dry_run
    from audiolect.training.folds import fold_folder
    from audiolect.training.stages import load_stages, stage_folders

    told: list[dict[str, Any]] = []
    for fold in plan.folds:
        whole, overrides = fold_folder(request.folder, fold), [*request.overrides, *plan.overrides(fold)]
        staged = load_stages(request.recipe, overrides)
        recipes = [None] if staged is None else [stage for stage, _ in staged]
        folders = [whole] if staged is None else stage_folders(whole, len(staged))
        wheres = {name: plan.where(name, fold) for name in plan.conditions}
        for recipe, folder in zip(recipes, folders, strict=True):
            seen = dry_run(
                request.recipe, folder, overrides, new=request.new, keep_quarantined=request.keep_quarantined,
                recipe=recipe,
            )  # fmt: skip
            told.append({"fold": fold, "folder": str(folder), "where": wheres} | seen.as_dict())
    if request.as_json:
        print_json({"folder": None, "folds": told})
        return
    rows = [
        (
            str(each["fold"]),
            each["folder"],
            f"{each['steps']:,}",
            "from its beginning" if each["resumes_at"] is None else f"going on from step {each['resumes_at']:,}",
        )
        for each in told
    ]
    print_table("nothing is written", ("fold", "run", "steps", ""), rows, right=(2,))
    for fold, conditions in {each["fold"]: each["where"] for each in told}.items():
        words = "; ".join(f"{name}: {where}" for name, where in conditions.items())
        console().print(plain(f"fold {fold}: {words}"), markup=False, highlight=False, soft_wrap=True)
    console().print("Without --folds, --dry-run tells more of one training.", highlight=False)


def _tell(request: FoldsRequest, plan: FoldPlan, done: dict[int, list[Outcome]], recipe: Recipe) -> None:
    """One row for each fold, of a recipe of several stages for each stage of a fold."""
    all_done = [(fold, each) for fold, outcomes in done.items() for each in outcomes]
    if request.as_json:
        folds = [
            {"fold": fold, "folder": str(each.folder), "resumed_at": each.resumed_at, **each.standing.as_dict()}
            for fold, each in all_done
        ]
        print_json({"folder": str(request.folder), "folds": folds})
        return
    for remark in dict.fromkeys(remark for _, each in all_done for remark in each.remarks):
        errors_console().print(plain(remark), markup=False, highlight=False, soft_wrap=True)
    rows = [(str(fold), str(each.folder), f"{each.standing.step:,}", _how(each)) for fold, each in all_done]
    print_table(
        f"{len(done)} of {human_count(len(plan.folds), 'fold')}", ("fold", "run", "steps", ""), rows, right=(2,)
    )
    if len(done) < len(plan.folds) or all_done[-1][1].stopped:
        console().print("Stopped and saved: the same command goes on from there.")
        return
    source = recipe.data[next(iter(plan.conditions))]
    dataset = os.path.normpath(request.recipe.parent / source.dataset)
    out = f"{request.folder}-predictions"
    words = ["audiolect", "predict", str(request.folder), dataset, "--folds", "--out", out]
    print_done(str(request.folder), shlex.join(words))


def _how(outcome: Outcome) -> str:
    standing = outcome.standing
    if outcome.stopped:
        return "stopped"
    if outcome.resumed_at is None:
        return standing.ended
    if outcome.resumed_at == standing.step:
        return "was done"
    return f"{standing.ended}; gone on from step {outcome.resumed_at:,}"


def _is_main() -> bool:
    """Whether this process tells; of one that ``accelerate launch`` or ``torchrun`` has started, the first does."""
    return os.environ.get("RANK", "0") == "0"
