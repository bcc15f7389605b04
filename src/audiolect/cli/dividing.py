"""The verbs that decide who goes where: ``split``, ``subset`` and ``leaks``.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiolect.cli import options
from audiolect.cli.console import command_line, console, print_done, print_json, print_table, rich_progress

if TYPE_CHECKING:
    import polars as pl

    from audiolect.data.dataset import Dataset
    from audiolect.data.leaks import LeakReport, Part
    from audiolect.data.splits import Assignment

_GROUP = "Data"
_HISTORY = "split_history"
_SHOWN_PAIRS = 12

ListFile = Annotated[Path | None, typer.Option(help="A text file with one recording id or file name on each line.")]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("split", rich_help_panel=_GROUP)(split)
    app.command("subset", rich_help_panel=_GROUP)(subset)
    app.command("leaks", rich_help_panel=_GROUP)(leaks)


def split(
    dataset: options.DatasetFolder,
    *,
    out: options.Out,
    limit: Annotated[str | None, typer.Option("--limit", help="SPLIT=N: keep N recordings of a split.")] = None,
    rest_to: Annotated[str, typer.Option("--rest-to", help="--limit: where the others go.")] = "development",
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
    target: Annotated[int, typer.Option("--target", help="Recordings wanted of each label.")] = 500,
    fewer: Annotated[
        list[str] | None,
        typer.Option("--fewer", help="LABEL=N: another target for a label and, with --ontology, all below it."),
    ] = None,
    limited: Annotated[
        list[str] | None, typer.Option("--limited", help="A label to avoid while others suffice, e.g. Music.")
    ] = None,
    step: Annotated[int, typer.Option("--step", help="How many recordings one turn of a label adds at most.")] = 100,
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
    from audiolect.cli.division import label_targets
    from audiolect.cli.quarantined import leave_out_quarantined
    from audiolect.data.dataset import open_dataset
    from audiolect.data.subset import SubsetSettings, select_subset

    opened = leave_out_quarantined(open_dataset(dataset), keep=keep_quarantined)
    settings = SubsetSettings(
        target=target,
        targets=label_targets(fewer or [], ontology, set(opened.recordings["labels"].explode().drop_nulls())),
        step=step,
        limited=tuple(limited or ()),
        seed=seed,
    )
    chosen = select_subset(opened.recordings["recording_id"], opened.recordings["labels"], settings)
    report = chosen.report
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


def leaks(
    sources: Annotated[
        list[Path], typer.Argument(help="Dataset folders, or tables (csv, tsv, jsonl) with ids.", show_default=False)
    ],
    *,
    by: Annotated[str, typer.Option("--by", help="What the parts of a dataset are: split or fold.")] = "split",
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Evidence to look for; may be repeated. Default: all.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option("--pairs", help="Also write every pair to this CSV file.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="A/SPLIT=B/SPLIT: a leak that is known and accepted.")
    ] = None,
    keep_quarantined: options.KeepQuarantined = False,
    as_json: options.Json = False,
) -> None:
    """Find what splits share: origins, groups, samples, names and sound. Ends with 1 where training leaks into a test.

    audiolect leaks esc50 --by fold

    audiolect leaks audiocaps clotho audioset_eval.csv --pairs shared.csv
    """
    from audiolect.cli.division import allowed_pairs, read_parts
    from audiolect.data.leaks import KINDS, find_leaks
    from audiolect.errors import UsageError
    from audiolect.storage import atomic_path

    parts = [part for source in sources for part in read_parts(source, by, keep_quarantined=keep_quarantined)]
    if len(parts) < 2:
        raise UsageError(
            "There is nothing to compare with: the dataset has one part.",
            where=sources[0],
            fix="compare its folds with --by fold, or name a second dataset",
        )
    report = find_leaks(parts, kinds=kind or KINDS, progress=rich_progress)
    accepted = allowed_pairs(allow or [], report.parts)
    unaccepted = report.leaks.filter(
        [
            (a, b) not in accepted and (b, a) not in accepted
            for a, b in report.leaks.select("part_a", "part_b").iter_rows()
        ]
    )
    if pairs is not None:
        with atomic_path(pairs) as temporary:
            report.pairs.write_csv(temporary)
    if as_json:
        print_json(
            {
                "parts": dict(report.parts),
                "shared": [{"of": a, "in": b, "recordings": n} for (a, b), n in report.matrix.items()],
                "pairs": report.pairs.height,
                "leaks": unaccepted.height,
            }
        )
    else:
        _print_leaks(parts, report, unaccepted, pairs)
    if unaccepted.height:
        raise typer.Exit(1)


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


def _print_leaks(parts: list[Part], report: LeakReport, unaccepted: pl.DataFrame, pairs: Path | None) -> None:
    names = list(report.parts)
    rows = [
        (
            i,
            name,
            report.parts[name],
            *("·" if name == other else report.matrix.get((name, other), 0) for other in names),
        )
        for i, name in enumerate(names, start=1)
    ]
    header = ("", "recordings of", "all", *(f"in {i}" for i in range(1, len(names) + 1)))
    print_table("shared", header, rows, right={0, *range(2, len(header))}, whole=range(len(header)))
    without = [part.name for part in parts if not len(part.fingerprints)]
    if without:
        console().print(f"without fingerprints: {', '.join(without)} (audiolect check computes them)", markup=False)
    if unaccepted.height:
        shown = unaccepted.head(_SHOWN_PAIRS).select(
            "kind", "part_a", "recording_a", "part_b", "recording_b", "evidence"
        )
        print_table(f"leaks: {unaccepted.height} pairs", shown.columns, shown.rows())
        console().print(
            "Remove them from one side, or accept a pair of parts with --allow A/SPLIT=B/SPLIT.", markup=False
        )
    else:
        console().print("No leak: nothing of one role is shared with another.")
    if pairs is not None:
        print_done(str(pairs), "audiolect leaks --help")
