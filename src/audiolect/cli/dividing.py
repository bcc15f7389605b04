"""The verbs that decide who goes where: ``split`` and ``subset``.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiolect.cli import options
from audiolect.cli.console import command_line, console, print_done, print_json, print_table

if TYPE_CHECKING:
    import polars as pl

    from audiolect.data.dataset import Dataset
    from audiolect.data.splits import Assignment
    from audiolect.data.subset import SubsetReport
    from audiolect.errors import UsageError

_GROUP = "Data"
_HISTORY = "split_history"

Step = Annotated[int, typer.Option("--step", min=1, help="How many recordings one turn of a label adds at most.")]
Target = Annotated[int, typer.Option("--target", min=1, help="Recordings wanted of each label.")]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("split", rich_help_panel=_GROUP)(split)
    app.command("subset", rich_help_panel=_GROUP)(subset)


def split(
    dataset: options.DatasetFolder,
    *,
    out: options.Out,
    limit: Annotated[str | None, typer.Option("--limit", help="SPLIT=N: keep N recordings of a split.")] = None,
    rest_to: Annotated[
        str | None, typer.Option("--rest-to", help="--limit: where the others go.", show_default="development")
    ] = None,
    take: Annotated[
        str | None, typer.Option("--take", help="SPLIT=N or SPLIT=0.1: move a count or a fraction of a split.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Move what this text file lists: one id or file name on a line.")
    ] = None,
    balance: Annotated[
        str | None, typer.Option("--balance", help="SPLIT=N: move recordings until each label has N of them there.")
    ] = None,
    into: Annotated[
        str | None, typer.Option("--into", help="--take, --reference, --balance: the split to fill.")
    ] = None,
    must_stay: Annotated[
        Path | None, typer.Option("--must-stay", help="--balance: a text file of recording ids that stay.")
    ] = None,
    must_move: Annotated[
        Path | None, typer.Option("--must-move", help="--balance: a text file of recording ids that move.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last split back.")] = False,
    seed: options.Seed = 0,
    keep_quarantined: options.KeepQuarantined = False,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Change who is in which split, whole groups at a time. No audio moves; the change can be undone.

    audiolect split clotho --out limited --limit validation=200 --rest-to development --seed 42

    audiolect split world --out divided --take train=0.1 --into val

    audiolect split small --out balanced --balance train=5 --into test

    audiolect split limited --out as_before --undo
    """
    from audiolect.cli.division import SplitWish, choose_assignment
    from audiolect.cli.quarantined import leave_out_quarantined
    from audiolect.data.dataset import open_dataset

    wish = SplitWish(limit, rest_to, take, reference, balance, into, must_stay, must_move, undo, seed)
    opened = leave_out_quarantined(open_dataset(dataset), keep=keep_quarantined)
    assignment = choose_assignment(opened.recordings, wish)
    _save_split(opened, assignment, out, overwrite=overwrite, dry_run=dry_run, as_json=as_json)


def subset(
    dataset: options.DatasetFolder,
    *,
    out: options.Out,
    target: Target = 500,
    fewer: Annotated[
        list[str] | None,
        typer.Option("--fewer", help="LABEL=N: another target for a label and, with --ontology, all below it."),
    ] = None,
    limited: Annotated[
        list[str] | None, typer.Option("--limited", help="A label to avoid while others suffice, e.g. Music.")
    ] = None,
    step: Step = 100,
    ontology: Annotated[
        Path | None, typer.Option("--ontology", help="AudioSet's ontology.json, to name labels and what is below them.")
    ] = None,
    seed: options.Seed = 42,
    keep_quarantined: options.KeepQuarantined = False,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Choose a label-balanced subset of a multi-label dataset: rare labels whole, frequent ones up to a target.

    audiolect subset audioset --out small --target 500 --limited Music --limited Speech --ontology ontology.json
    """
    from audiolect.cli.division import label_targets, limited_labels
    from audiolect.cli.quarantined import leave_out_quarantined
    from audiolect.data.dataset import open_dataset
    from audiolect.data.subset import SubsetSettings, select_subset

    opened = leave_out_quarantined(open_dataset(dataset), keep=keep_quarantined)
    labels = set(opened.recordings["labels"].explode().drop_nulls())
    settings = SubsetSettings(
        target=target,
        targets=label_targets(fewer or [], ontology, labels),
        step=step,
        limited=limited_labels(limited or (), ontology, labels),
        seed=seed,
    )
    chosen = select_subset(opened.recordings["recording_id"], opened.recordings["labels"], settings)
    report = chosen.report
    if not report.chosen:
        raise _empty_subset(opened, report)
    facts: dict[str, Any] = {
        "chosen": report.chosen,
        "of": report.pool,
        "labels covered": f"{report.labels_covered} of {report.labels_in_pool}",
        "label entropy": f"{report.entropy_nats:.3f} of {report.entropy_limit_nats:.3f} nats",
        "with a limited label": f"{report.limited_share:.1%}",
        "labels with fewer than wanted": report.below_target,
    }
    if not dry_run:
        _save_rows(opened, opened.recordings.filter(chosen.mask), out, overwrite=overwrite)
    if as_json:
        print_json(facts | {"counts": dict(report.counts), "folder": None if dry_run else str(out)})
        return
    print_table("subset", ("", ""), list(facts.items()))
    if not dry_run:
        print_done(str(out), f"audiolect show {shlex.quote(str(out))}")


def _empty_subset(opened: Dataset, report: SubsetReport) -> UsageError:
    from audiolect.errors import UsageError

    return UsageError(
        "The subset would be empty.",
        where=opened.folder,
        found=f"{report.pool} recordings with {report.labels_in_pool} labels",
        cause="every label has the target 0" if report.labels_in_pool else "no recording has a label",
        fix="give a label more with --fewer" if report.labels_in_pool else "audiolect split --take needs no labels",
    )


def _save_split(
    opened: Dataset, assignment: Assignment | None, out: Path, *, overwrite: bool, dry_run: bool, as_json: bool
) -> None:
    """Write the dataset with an assignment applied, or with the last one undone where there is None."""
    from dataclasses import replace

    from audiolect.data.dataset import read_table
    from audiolect.data.merging import save_as
    from audiolect.data.splits import apply_assignment, undo_assignment
    from audiolect.errors import DatasetError

    history = read_table(opened, _HISTORY) if _HISTORY in opened.card.extra_tables else None
    if assignment is not None:
        recordings, examples, history = apply_assignment(opened.recordings, opened.examples, assignment, history)
    elif history is not None:
        recordings, examples, history = undo_assignment(opened.recordings, opened.examples, history)
    else:
        raise DatasetError("There is no split to undo.", where=opened.folder, fix="audiolect split makes one")
    counts = dict(recordings.group_by("split").len().sort("split").iter_rows())
    if not dry_run:
        changed = replace(opened, scan_recordings=recordings.lazy(), scan_examples=examples.lazy())
        save_as(
            changed,
            out,
            command=command_line(),
            tables={_HISTORY: history},
            overwrite=overwrite,
        )
    notes = assignment.notes if assignment is not None else ()
    if as_json:
        print_json({"splits": counts, "notes": notes, "folder": None if dry_run else str(out)})
        return
    before = dict(opened.recordings.group_by("split").len().iter_rows())
    rows = [(name, before.get(name, 0), counts.get(name, 0)) for name in sorted(before | counts)]
    print_table("recordings", ("split", "before", "after"), rows, right=(1, 2))
    for note in notes:
        console().print(f"note: {note}", markup=False)
    if not dry_run:
        print_done(str(out), f"audiolect show {shlex.quote(str(out))}")


def _save_rows(opened: Dataset, recordings: pl.DataFrame, out: Path, *, overwrite: bool) -> None:
    from dataclasses import replace

    from audiolect.data.merging import save_as

    examples = opened.examples.join(
        recordings.select("recording_id"), on="recording_id", how="semi", maintain_order="left"
    )
    part = replace(opened, scan_recordings=recordings.lazy(), scan_examples=examples.lazy())
    save_as(part, out, command=command_line(), overwrite=overwrite)
