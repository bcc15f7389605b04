"""The verb ``plan``: what a mixture means, before anything is trained.

Public names: add_verbs, print_plan.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import console, plain, print_json, print_table

if TYPE_CHECKING:
    from audiolect.loader.mixture import Mixture
    from audiolect.loader.plan_report import EntryReport, PlanReport

_GROUP = "Data"

MixtureFile = Annotated[Path, typer.Argument(metavar="mix", help="A mixture: a YAML file.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[a.b=c]…", help="Values in the place of the file's: mixture.epochs=20", show_default=False),
]
Epoch = Annotated[int, typer.Option("--epoch", help="The virtual epoch to look at, from 0.")]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", help="Examples of a batch, over all ranks.", show_default="16")
]
BatchSeconds = Annotated[
    float | None, typer.Option("--batch-seconds", help="Seconds of audio of a batch, in the place of --batch-size.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("plan", rich_help_panel=_GROUP)(plan)


def plan(
    mixture: MixtureFile,
    overrides: Overrides = None,
    *,
    epoch: Epoch = 0,
    batch_size: BatchSize = None,
    batch_seconds: BatchSeconds = None,
    keep_quarantined: options.KeepQuarantined = False,
    as_json: options.Json = False,
) -> None:
    """Say what a mixture draws: examples, passes, hours and steps of each dataset, and what its weights mean.

    audiolect plan mix.yaml

    audiolect plan mix.yaml mixture.epochs=20 --epoch 3 --batch-size 64

    Nothing is written, and no pack is needed: lengths are those of the datasets' tables.
    """
    from audiolect.loader.mixture import open_mixture
    from audiolect.loader.plan_report import report_plan

    opened = open_mixture(mixture, overrides or (), keep_quarantined=keep_quarantined)
    report = report_plan(opened, epoch, batch_size=batch_size, batch_seconds=batch_seconds)
    if as_json:
        packs = {entry.key: entry.pack for entry in opened.entries}
        values = report.as_dict()
        print_json(values | {"entries": [row | {"pack": packs[row["key"]]} for row in values["entries"]]})
        return
    print_plan(report, str(mixture))
    following = _next_command(mixture, opened, report)
    if following:
        console().print(f"[cyan]next [/cyan] {following}", soft_wrap=True)


def print_plan(report: PlanReport, name: str) -> None:
    """Print what an epoch and the whole training draw, as tables and in words."""
    rows = [
        (
            entry.key,
            f"{entry.num_items:,}",
            f"{float(entry.weight):g}",
            f"{entry.draws:,}",
            f"{entry.share:.1%}",
            f"{float(entry.passes):.4g}",
            f"{entry.hours:.2f}",
        )
        for entry in report.entries
    ]
    rows.append(("all", "", "", f"{report.draws:,}", "", "", f"{report.hours:.2f}"))
    header = ("dataset", "items", "weight", "draws", "share", "passes", "hours")
    print_table(
        f"{name}: epoch {report.epoch} of 0 to {report.epochs - 1}", header, rows, right=range(1, 7), whole=(0,)
    )
    console().print()
    in_all = [
        (
            entry.key,
            f"{entry.draws_in_all:,}",
            f"{float(entry.passes_in_all):.6g}",
            f"{entry.hours_in_all:.2f}",
            entry.weights,
        )
        for entry in report.entries
    ]
    in_all.append(("all", f"{report.draws_in_all:,}", "", f"{report.hours_in_all:.2f}", ""))
    all_header = ("dataset", "draws", "passes", "hours", "weight")
    print_table(f"the whole training, {report.epochs} epochs", all_header, in_all, right=range(1, 4), whole=(0,))
    console().print()
    steps = f"Steps of {report.batch}: {report.steps:,} in this epoch, {report.steps_in_all:,} in all."
    for line in (*report.meaning, steps, *filter(None, map(_left_out, report.entries))):
        console().print(plain(line), markup=False, soft_wrap=True)


def _left_out(entry: EntryReport) -> str:
    count = entry.num_quarantined
    if not count:
        return ""
    noun = "example" if count == 1 else "examples"
    return f"{entry.key}: {count} {noun} left out by the quarantine list; --keep-quarantined uses them."


def _next_command(path: Path, opened: Mixture, report: PlanReport) -> str:
    """To pack a dataset that has no pack, or whose pack is not there yet, or to look at the last epoch, if not seen."""
    packs = {entry.examples.key.dataset: entry.pack for entry in opened.entries}
    for name, dataset in opened.datasets.items():
        pack = packs[name]
        if pack is None or ("://" not in pack and not Path(pack).exists()):
            target = shlex.quote(pack or f"{dataset.folder}-pack")
            return f"audiolect pack {shlex.quote(str(dataset.folder))} --rate-hz 32000 --out {target}"
    last = report.epochs - 1
    return f"audiolect plan {shlex.quote(str(path))} --epoch {last}" if report.epoch != last else ""
