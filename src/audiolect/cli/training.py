"""The verb ``train``: from a recipe to a run.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_bytes,
    plain,
    print_done,
    print_json,
    print_lines,
    print_table,
    rich_progress,
)

if TYPE_CHECKING:
    from audiolect.training.dry_run import DryRun
    from audiolect.training.session import Outcome

_GROUP = "Models"

RecipeFile = Annotated[Path, typer.Argument(metavar="recipe", help="A recipe: a YAML file.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[a.b=c]…", help="Values in the place of the file's: training.seed=2", show_default=False),
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verb to the command."""
    app.command("train", rich_help_panel=_GROUP)(train)


def train(
    recipe: RecipeFile,
    overrides: Overrides = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where to write. A run that is there is gone on with.", show_default="runs/RECIPE"
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Begin afresh; an older run there is moved aside.")] = False,
    folds: Annotated[
        bool,
        typer.Option(
            "--folds",
            help="Train once for each fold of the data, without it: OUT/fold-1, OUT/fold-2, … In the `where` of every "
            "data source whose dataset has folds, `fold != K` takes the place of `fold != N`, or is added.",
        ),
    ] = False,
    keep_quarantined: options.KeepQuarantined = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Train a model. The same command goes on with a run that was stopped or killed.

    audiolect train recipe.yaml

    audiolect train recipe.yaml --folds

    audiolect train recipe.yaml training.optimizer.learning_rate=1e-4 --out runs/slower

    accelerate launch --num_processes 4 -m audiolect train recipe.yaml
    """
    _need_models()
    folder = Path("runs", recipe.stem) if out is None else out
    if folds:
        from audiolect.cli.folds import FoldsRequest, train_folds

        train_folds(FoldsRequest(recipe, folder, tuple(overrides or ()), new, keep_quarantined, dry_run, as_json))
        return
    if dry_run:
        _look(recipe, folder, overrides or [], new=new, keep_quarantined=keep_quarantined, as_json=as_json)
        return
    from audiolect.training import leaving, session, stages, stopping

    aside = partial(print_lines, aside=True)
    chosen = session.TrainOptions(tuple(overrides or ()), new, keep_quarantined, command_line(), tell=aside)
    with stopping.stop_signals() as asked:
        outcomes = stages.train_stages(recipe, folder, chosen, progress=rich_progress, asked_to_stop=asked)
    for outcome in outcomes:
        if outcome.is_main:
            _tell(outcome, as_json=as_json)
    exit_code = (asked.exit_code or 1) if outcomes[-1].stopped else 0
    leaving.leave_ranks(exit_code)
    raise typer.Exit(exit_code)


def _need_models() -> None:
    try:
        import accelerate  # noqa: F401
        import torch  # noqa: F401
    except ImportError as problem:
        from audiolect.errors import missing_extra

        raise missing_extra("Training", "models", str(problem.name)) from None


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    standing = outcome.standing
    if as_json:
        print_json({"folder": str(outcome.folder), "resumed_at": outcome.resumed_at, **standing.as_dict()})
        return
    for remark in outcome.remarks:
        errors_console().print(plain(remark), markup=False, highlight=False, soft_wrap=True)
    if outcome.stopped:
        console().print(f"Stopped and saved at step {standing.step}: the same command goes on from there.")
        return
    rows = [("steps", f"{standing.step:,}: {standing.ended}")]
    if outcome.resumed_at is not None:
        rows.append(("gone on from step", f"{outcome.resumed_at:,}"))
    if standing.best_value is not None:
        rows.append(("best validation", f"{standing.best_value:.4f} at step {standing.best_step:,}"))
    print_table(f"run {outcome.folder}", ("", ""), rows, right=(1,))
    for key, metrics in standing.metrics.items():
        print_table(f"validation: {key}", ("", ""), [(name, f"{value:.4f}") for name, value in metrics.items()])
    print_done(str(outcome.folder), f"audiolect predict {shlex.quote(str(outcome.folder))} DATASET --split test")


def _look(
    recipe: Path, folder: Path, overrides: list[str], *, new: bool, keep_quarantined: bool, as_json: bool
) -> None:
    from audiolect.training.dry_run import dry_run
    from audiolect.training.stages import load_stages, stage_folders

    stages = load_stages(recipe, overrides)
    folders = [folder] if stages is None else stage_folders(folder, len(stages))
    recipes = [None] if stages is None else [stage for stage, _ in stages]
    for stage, place in zip(recipes, folders, strict=True):
        seen = dry_run(recipe, place, overrides, new=new, keep_quarantined=keep_quarantined, recipe=stage)
        if as_json:
            print_json({"folder": None, **seen.as_dict()})
        else:
            _print_look(seen, place)


def _print_look(seen: DryRun, folder: Path) -> None:
    rows = [
        (
            each.key,
            f"{each.num_items:,}",
            f"{each.draws_in_all:,}",
            f"{float(each.passes_in_all):.6g}",
            f"{each.hours_in_all:.2f}",
        )
        for each in seen.plan.entries
    ]
    title = f"run {folder}: nothing is written; {seen.plan.epochs} epochs in all"
    print_table(title, ("dataset", "items", "draws", "passes", "hours"), rows, right=range(1, 5), whole=(0,))
    for line in seen.plan.meaning:
        console().print(plain(line), markup=False, soft_wrap=True)
    console().print()
    console().print(seen.freezing.table(), markup=False, soft_wrap=True)
    console().print()
    for load in seen.loads:
        print_lines(load)
    begins = "from its beginning" if seen.resumes_at is None else f"going on from step {seen.resumes_at:,}"
    facts = [
        ("steps", f"{seen.steps:,} of {seen.plan.batch}, {begins}"),
        ("precision", seen.precision),
        ("loss of the first batch", f"{seen.first_loss:.4f}"),
        ("memory of weights and moments", human_bytes(seen.state_bytes)),
        ("memory of a batch, about", human_bytes(seen.batch_bytes)),
        *((f"validation: {key}", f"{count:,} examples") for key, count in seen.validation.items()),
        *((f"left out: {key}", f"{count:,} quarantined examples") for key, count in seen.quarantined.items()),
        *((f"waived: {name}", "its leaks into the training are accepted") for name in seen.waived),
    ]
    print_table("training", ("", ""), facts)
