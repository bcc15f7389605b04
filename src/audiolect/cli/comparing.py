"""The verb ``leaks``: what the splits of datasets share that they must not.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import console, human_count, print_done, print_json, print_table, rich_progress
from audiolect.cli.quarantined import leave_out_quarantined

if TYPE_CHECKING:
    import polars as pl

    from audiolect.data.leaks import LeakReport
    from audiolect.errors import UsageError
    from audiolect.street.parts import Source

_GROUP = "Data"
_SHOWN = 12
# The evidence that a check of the dataset gives.
_HEARD = ("hash", "fingerprint")
Sources = Annotated[
    list[str],
    typer.Argument(
        help="Dataset folders, or tables (csv, tsv, jsonl) with ids; NAME=PATH gives one another name.",
        show_default=False,
    ),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Evidence: source, group, id, hash, stem, fingerprint; may be repeated."),
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verb to the command."""
    app.command("leaks", rich_help_panel=_GROUP)(leaks)


def leaks(
    sources: Sources,
    *,
    by: Annotated[str, typer.Option("--by", help="What the parts of a dataset are: split or fold.")] = "split",
    kind: Kinds = None,
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

    audiolect leaks old=clotho_v1 new=clotho_v2
    """
    from audiolect.data.leaks import KINDS, find_leaks
    from audiolect.errors import UsageError
    from audiolect.storage import atomic_path
    from audiolect.street.parts import allowed_pairs, parse_source, read_parts, without_allowed

    leave_out = partial(leave_out_quarantined, keep=keep_quarantined)
    read = [(each, read_parts(each, by, leave_out=leave_out)) for each in map(parse_source, sources)]
    parts = [part for _, of_source in read for part in of_source]
    if len(parts) < 2:
        raise UsageError(
            "There is nothing to compare with: there is one part.",
            where=sources[0],
            found=", ".join(part.name for part in parts) or "no recordings",
            fix="compare its folds with --by fold, or name a second dataset",
        )
    report = find_leaks(parts, kinds=kind or KINDS, progress=rich_progress)
    origin = {part.name: source for source, of_source in read for part in of_source}
    if not report.compared:
        raise _nothing_compared(report, kind or KINDS, origin)
    accepted = allowed_pairs(allow or [], report.parts)
    unaccepted = without_allowed(report.leaks, accepted)
    if pairs is not None:
        with atomic_path(pairs) as temporary:
            report.pairs.write_csv(temporary)
    if as_json:
        print_json(_as_json(report, unaccepted))
    else:
        _print_matrix(report)
        _print_leaks(report, unaccepted)
        _print_gaps(report, origin)
        if pairs is not None:
            print_done(str(pairs), "audiolect leaks --help")
    if unaccepted.height:
        raise typer.Exit(1)


def _as_json(report: LeakReport, unaccepted: pl.DataFrame) -> dict[str, object]:
    return {
        "parts": dict(report.parts),
        "shared": [{"of": a, "in": b, "recordings": n} for (a, b), n in report.matrix.items()],
        "pairs": report.pairs.height,
        "leaks": unaccepted.height,
        "suspicions": report.suspicions.to_dicts(),
        "compared_by": report.compared,
        "lacking": report.lacking,
    }


def _print_matrix(report: LeakReport) -> None:
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


def _print_leaks(report: LeakReport, unaccepted: pl.DataFrame) -> None:
    if unaccepted.height:
        columns = ("kinds", "part_a", "recording_a", "part_b", "recording_b", "evidence")
        rows = [_shown_pair(*row) for row in unaccepted.select(columns).head(_SHOWN).iter_rows()]
        shown = f", the first {_SHOWN}" if unaccepted.height > _SHOWN else ""
        print_table(
            f"leaks: {human_count(unaccepted.height, 'pair')}{shown}",
            columns,
            rows,
        )
        _say("Remove them from one side, or accept a pair of parts with --allow A/SPLIT=B/SPLIT.")
    else:
        accepted = f"; {human_count(report.leaks.height, 'accepted pair')} apart" if report.leaks.height else ""
        _say(f"No leak by {_and(report.compared)}: nothing of one role is shared with another{accepted}.")
    if report.suspicions.height:
        rows = report.suspicions.rows()
        shown = f", the first {_SHOWN}" if len(rows) > _SHOWN else ""
        print_table(
            f"suspicions: {human_count(len(rows), 'file name')} in common{shown}",
            ("part_a", "part_b", "file name", "recordings_a", "recordings_b"),
            rows[:_SHOWN],
            right=(3, 4),
        )
        _say("Such names say nothing for sure, and are no leak: hashes and fingerprints tell.")


def _shown_pair(kinds: str, *rest: str) -> tuple[str, ...]:
    """A row as it fits a screen: kinds that can be broken between words, and the evidence of the first of them."""
    *places, evidence = rest
    several = "+" in kinds
    return (kinds.replace("+", ", "), *places, evidence.partition("; ")[0] if several else evidence)


def _print_gaps(report: LeakReport, origin: Mapping[str, Source]) -> None:
    """What could not be compared for want of hashes or fingerprints, and what would give them."""
    kinds_of: dict[str, list[str]] = {}
    for kind in _HEARD:
        if kind in report.lacking:
            kinds_of.setdefault(", ".join(_places(report, kind)), []).append(kind)
    for places, kinds in kinds_of.items():
        _say(f"not compared by {_and(kinds)}: {places}")
    for line in _cures(report, origin):
        _say(f"  {line}")


def _places(report: LeakReport, kind: str) -> list[str]:
    return [
        name if number == report.parts[name] else f"{name} ({number} of {report.parts[name]} recordings)"
        for name, number in report.lacking[kind].items()
    ]


def _cures(report: LeakReport, origin: Mapping[str, Source]) -> list[str]:
    names = dict.fromkeys(name for kind in _HEARD for name in report.lacking.get(kind, {}))
    folders = dict.fromkeys(origin[name].path for name in names if origin[name].path.is_dir())
    lines = [f"audiolect check {shlex.quote(str(folder))} gives what it lacks" for folder in folders]
    if any(not origin[name].path.is_dir() for name in names):
        lines.append("a table of ids has no audio to take them from")
    return lines


def _nothing_compared(report: LeakReport, kinds: Iterable[str], origin: Mapping[str, Source]) -> UsageError:
    from audiolect.errors import UsageError

    return UsageError(
        "Nothing could be compared.",
        expected=f"evidence by {_and(kinds)} on both sides of some pair of parts",
        found=", ".join(report.parts),
        fix="; ".join(_cures(report, origin)) or "ask for other evidence with --kind, or leave --kind out",
    )


def _and(words: Iterable[str]) -> str:
    named = list(words)
    return " and ".join(part for part in (", ".join(named[:-1]), named[-1]) if part)


def _say(line: str) -> None:
    console().print(line, markup=False, soft_wrap=True)
