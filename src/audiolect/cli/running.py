"""The verb ``run``: a whole street from a recipe, each stage run again only where something has changed.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from audiolect.cli import options
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_count,
    human_seconds,
    plain,
    print_json,
    print_lines,
    print_table,
    rich_progress,
)

if TYPE_CHECKING:
    from audiolect.street.plan import Step
    from audiolect.street.recipe import Stage, Street
    from audiolect.street.running import Ran, StreetOutcome

_GROUP = "All of it"
_STATES = {"done": "is done", "goes on": "goes on", "run": "will run", "after": "may run"}

RecipeFile = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="A street: a YAML file that names its stages.", show_default=False)
]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value]…",
        help="Values of the street (audio=DIR), or options of its stages (pack.rate_hz=16000).",
        show_default=False,
    ),
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where to write. Default: as the recipe says.", show_default=False)
]
New = Annotated[bool, typer.Option("--new", help="Begin afresh: run every stage, whatever is done.")]
Until = Annotated[str | None, typer.Option("--until", help="The last stage to run. Default: all of them.")]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verb to the command."""
    app.command("run", rich_help_panel=_GROUP)(run)


def run(
    recipe: RecipeFile,
    words: Words = None,
    *,
    out: OutFolder = None,
    until: Until = None,
    new: New = False,
    jobs: options.Jobs = 0,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Walk a whole street: from raw sound to a report and an index, as a recipe says.

    audiolect run recipes/esc10.yaml

    audiolect run recipes/own_folder.yaml audio=my_sounds run=demo/run

    The same command goes on where it was stopped. A stage is run again where its options, or what it reads, have
    changed, or where what it wrote is damaged.
    """
    from audiolect.errors import missing_extra

    try:
        import accelerate  # noqa: F401
        import torch  # noqa: F401
    except ImportError as problem:
        raise missing_extra("A street asks models, which", "models", str(problem.name)) from None
    from audiolect.street.ledger import read_ledger
    from audiolect.street.plan import plan_street
    from audiolect.street.recipe import load_street
    from audiolect.street.running import stages_until

    street = load_street(recipe, words or (), out=out)
    last = len(stages_until(street, until))
    steps = plan_street(street, read_ledger(street.out), new=new)[:last]
    if dry_run:
        _tell_plan(street, steps, as_json=as_json, dry=True)
        return
    if not as_json:
        _tell_plan(street, steps, as_json=False)
    outcome = _walk(street, until=until, new=new, jobs=jobs, quiet=as_json)
    if as_json:
        print_json(_as_json(outcome))
    elif outcome.stopped:
        console().print("Stopped and saved: the same command goes on from there.")
    else:
        _tell_end(outcome)
    raise typer.Exit(outcome.stopped)


def _walk(street: Street, *, until: str | None, new: bool, jobs: int, quiet: bool) -> StreetOutcome:
    from audiolect.street.kind import Work
    from audiolect.street.running import Listener, RunOptions, run_street

    work = Work(jobs, command_line(), rich_progress, lambda text: print_lines(text, aside=True))
    listener = Listener() if quiet else Listener(_tell_beginning, _tell_ending)
    try:
        return run_street(street, RunOptions(new, until, work, listener))
    except KeyboardInterrupt:
        errors_console().print("What is done stays: the same command goes on from here.", highlight=False)
        raise


def _tell_plan(street: Street, steps: list[Step], *, as_json: bool, dry: bool = False) -> None:
    if as_json:
        plan = [
            {
                "stage": step.stage.name,
                "do": step.stage.kind,
                "reads": _reads(street, step.stage),
                "writes": str(step.stage.place),
                "state": step.state,
                "why": step.why,
            }
            for step in steps
        ]
        print_json({"street": street.name, "out": str(street.out), "stages": plan, "left_out": street.left_out})
        return
    from audiolect.street.kinds import KINDS

    rows = []
    for step in steps:
        stage = step.stage
        what = f"{stage.kind} {KINDS[stage.kind].says(stage.options)}".strip()
        state = _STATES[step.state] + (f": {step.why}" if step.why else "")
        rows.append((stage.name, what, ", ".join(_reads(street, stage)), _below(street, stage.place), state))
    title = f"street {street.name}: {human_count(len(steps), 'stage')}, in {street.out}"
    header = ("stage", "does", "reads", "writes", "")
    print_table(title + ("; nothing is written" if dry else ""), header, rows, whole=(0,))
    if street.left_out:
        console().print(f"left out: {', '.join(street.left_out)}", markup=False, soft_wrap=True)


def _reads(street: Street, stage: Stage) -> list[str]:
    """The stages that it reads from by their names, and what is brought along by its path."""
    names = {str(other.place): other.name for other in street.stages}
    return list(dict.fromkeys(names.get(str(path), str(path)) for _, _, path in stage.inputs))


def _below(street: Street, place: Path) -> str:
    return str(place.relative_to(street.out)) if place.is_relative_to(street.out) else str(place)


def _tell_beginning(stage: Stage, why: str) -> None:
    text = f"\n{stage.name}  {stage.kind}" + (f" ({why})" if why else "")
    console().print(Text(plain(text.lstrip("\n")), style="bold cyan"), soft_wrap=True)


def _tell_ending(ran: Ran) -> None:
    if ran.state == "done":
        return
    for line in ran.told:
        console().print(f"  {plain(line)}", markup=False, soft_wrap=True)
    console().print(f"  {human_seconds(ran.seconds)}", markup=False)


def _tell_end(outcome: StreetOutcome) -> None:
    street = outcome.street
    times = [
        (
            ran.stage.name,
            "is done" if ran.state == "done" else "ran",
            human_seconds(ran.seconds),
            _below(street, ran.stage.place),
        )
        for ran in outcome.ran
    ]
    console().print()
    total = human_seconds(sum(ran.seconds for ran in outcome.ran if ran.state != "done"))
    print_table(
        f"street {street.name}: {total} now, in {street.out}", ("stage", "", "time", "wrote"), times, right=(2,)
    )
    rows = _numbers(outcome)
    if rows:
        console().print()
        print_table("scores", ("system", "task", "metric", "value", "95% interval", "n"), rows, right=(3, 4, 5))
    written = {str(ran.stage.place) for ran in outcome.ran}
    if street.opens is None or str(street.opens) not in written:
        return
    console().print()
    for command in street.commands:
        console().print(Text.assemble(("next ", "cyan"), f" {plain(command)}"), soft_wrap=True)
    console().print(Text.assemble(("open ", "green"), f" {plain(shlex.quote(str(street.opens)))}"), soft_wrap=True)


def _numbers(outcome: StreetOutcome) -> list[tuple[object, ...]]:
    from audiolect.scores import read_scores

    rows: list[tuple[object, ...]] = []
    for ran in outcome.ran:
        if ran.stage.kind != "evaluate":
            continue
        scores = read_scores(ran.stage.place)
        for number in scores.numbers:
            if number.part != "all" or "[" in number.metric:
                continue
            interval = "" if number.low is None else f"{number.low:.3f} to {number.high:.3f}"
            rows.append((scores.name, number.task, number.metric, f"{number.value:.3f}", interval, number.n))
    return rows


def _as_json(outcome: StreetOutcome) -> dict[str, Any]:
    street = outcome.street
    names = ("system", "task", "metric", "value", "interval", "n")
    return {
        "street": street.name,
        "out": str(street.out),
        "stopped": bool(outcome.stopped),
        "stages": [
            {
                "stage": ran.stage.name,
                "state": ran.state,
                "seconds": round(ran.seconds, 3),
                "wrote": str(ran.stage.place),
                "told": list(ran.told),
            }
            for ran in outcome.ran
        ],
        "scores": [dict(zip(names, row, strict=True)) for row in _numbers(outcome)],
        "open": None if street.opens is None else str(street.opens),
        "commands": list(street.commands),
    }
