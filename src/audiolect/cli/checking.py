"""The verb ``check``: decode everything once, list what is wrong, and say what the audio is like.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_count,
    human_seconds,
    print_bars,
    print_done,
    print_json,
    print_table,
    rich_progress,
)

if TYPE_CHECKING:
    from audiolect.data.check_summary import Summary
    from audiolect.data.checks import CheckReport, CheckSettings
    from audiolect.data.table_checks import LabelSet

_GROUP = "Data"
_SHOWN_PLACES = 3
_SHOWN_ODD = 20

MostErrors = Annotated[
    int,
    typer.Option("--max-problems", min=0, help="End with exit code 1 above this many errors. Warnings never count."),
]
ShortestSeconds = Annotated[
    float,
    typer.Option("--shortest-seconds", min=0, callback=options.finite, help="Shorter recordings are errors."),
]
LongestSeconds = Annotated[
    float | None,
    typer.Option(
        "--longest-seconds",
        min=0,
        callback=options.finite,
        help="Longer recordings are errors.",
        show_default="no limit",
    ),
]
LabelFile = Annotated[
    Path | None, typer.Option("--labels", help="The labels that may be used: one on each line, or a csv of them.")
]
Afresh = Annotated[bool, typer.Option("--new", help="Decode everything again, whatever an earlier check found.")]
OntologyFile = Annotated[
    Path | None, typer.Option("--ontology", help="AudioSet's ontology.json: labels are its ids or names.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("check", rich_help_panel=_GROUP)(check)


def check(
    source: Annotated[Path, typer.Argument(help="A dataset folder, or a plain folder of audio.", show_default=False)],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write. Default: DATASET/check, or ./FOLDER-check.")
    ] = None,
    jobs: options.Jobs = 0,
    max_problems: MostErrors = 0,
    ontology: OntologyFile = None,
    labels: LabelFile = None,
    shortest_seconds: ShortestSeconds = 0.1,
    longest_seconds: LongestSeconds = None,
    near_duplicates: Annotated[
        bool, typer.Option("--near-duplicates/--no-near-duplicates", help="Look for re-encoded and shifted copies.")
    ] = True,
    new: Afresh = False,
    as_json: options.Json = False,
) -> None:
    """Check a dataset or a folder: decode all audio, and list what is broken, doubtful, double or missing.

    audiolect check world

    audiolect check my_sounds --out my_check --longest-seconds 30

    A check that was stopped goes on where it was. The tables are never changed: what later stages leave out stands in
    check/quarantine.jsonl.
    """
    from audiolect.data.audio_faults import Limits
    from audiolect.data.card import CARD_NAME
    from audiolect.data.checks import CheckSettings
    from audiolect.data.problems import enforce_limit
    from audiolect.errors import UsageError

    if longest_seconds is not None and longest_seconds < shortest_seconds:
        raise UsageError(
            "No recording can be as long as is asked.",
            where="--longest-seconds",
            expected=f"{shortest_seconds:g} or more, as --shortest-seconds says",
            found=longest_seconds,
        )
    settings = CheckSettings(
        limits=Limits(shortest_seconds, longest_seconds),
        labels=_label_set(ontology, labels),
        near_duplicates=near_duplicates,
        jobs=jobs,
        afresh=new,
        command=command_line(),
    )
    is_dataset = (source / CARD_NAME).is_file()
    report = _check_dataset(source, out, settings) if is_dataset else _check_folder(source, out, settings)
    if as_json:
        print_json(report.as_dict())
        raise typer.Exit(int(len(report.errors) > max_problems))
    _print_report(report)
    print_done(str(report.folder), _next_command(source, report, is_dataset=is_dataset))
    enforce_limit(report.problems, limit=max_problems, total=report.num_recordings + report.num_examples)


def _check_dataset(source: Path, out: Path | None, settings: CheckSettings) -> CheckReport:
    from audiolect.data.check_state import CHECK_FOLDER
    from audiolect.data.checks import check_dataset
    from audiolect.data.dataset import open_dataset
    from audiolect.street.checking import files_to_check, is_part

    dataset = open_dataset(source)
    if is_part(dataset):
        errors_console().print("orphan files are not looked for: the dataset is a part of another", markup=False)
    files = files_to_check(dataset)
    return check_dataset(dataset, out or source / CHECK_FOLDER, settings, files=files, progress=rich_progress)


def _check_folder(source: Path, out: Path | None, settings: CheckSettings) -> CheckReport:
    from audiolect.corpora.audio_listing import list_audio
    from audiolect.data.checks import check_folder
    from audiolect.errors import UsageError

    if not source.is_dir():
        raise UsageError(
            "There is no such folder to check.",
            where=source,
            expected="a dataset folder, or a folder of audio",
            found="a file" if source.exists() else None,
        )
    if settings.labels is not None:
        raise UsageError("A plain folder has no labels to check.", where=source, fix="audiolect prepare folder --help")
    target = out or Path(f"{source.absolute().name}-check")
    return check_folder(source, list_audio(source), target, settings, progress=rich_progress)


def _label_set(ontology: Path | None, labels: Path | None) -> LabelSet | None:
    from audiolect.data.table_checks import LabelSet, ontology_labels, read_label_set
    from audiolect.text.keywords import load_ontology

    sets = [] if ontology is None else [ontology_labels(load_ontology(ontology))]
    sets += [] if labels is None else [read_label_set(labels)]
    if not sets:
        return None
    return LabelSet(frozenset().union(*(each.labels for each in sets)), " and ".join(each.where for each in sets))


def _next_command(source: Path, report: CheckReport, *, is_dataset: bool) -> str:
    if report.problems:
        return f"less {shlex.quote(str(report.folder / 'problems.jsonl'))}"
    folder = shlex.quote(str(source))
    return f"audiolect leaks {folder}" if is_dataset else f"audiolect prepare folder {folder} --out DATASET"


def _print_report(report: CheckReport) -> None:
    summary = report.summary
    with_audio = report.num_recordings - report.num_without_audio
    known = with_audio - report.num_decoded
    failed = min(report.num_decoded, with_audio - summary.num_decoded)
    decoded = f"{report.num_decoded - failed} decoded"
    decoded += f", {known} known from an earlier check" if known else ""
    decoded += f", {failed} could not be" if failed else ""
    decoded += f", {report.num_without_audio} without audio: their tables alone" if report.num_without_audio else ""
    rows = [("recordings", f"{report.num_recordings}, {human_seconds(summary.seconds)}; {decoded}")]
    if report.num_examples:
        rows.append(("examples", str(report.num_examples)))
    for name, counts, unit in (
        ("rates", summary.rates, " Hz"),
        ("channels", summary.channels, ""),
        ("codecs", summary.codecs, ""),
    ):
        if counts:
            rows.append((name, ", ".join(f"{count} {value}{unit}" for value, count in counts.items())))
    if summary.num_padded:
        share = summary.silent_seconds / summary.seconds
        padded = f"{summary.num_padded} recordings begin or end with 1 s or more of it; {share:.1%} of all audio"
        rows.append(("silence at the ends", padded))
    print_table(f"check of {report.name}", ("", ""), rows)
    _print_lengths(summary)
    _print_problems(report)
    _print_quarantine(report)


def _print_lengths(summary: Summary) -> None:
    lengths = summary.lengths
    if lengths is None:
        return
    shortest, longest = lengths.shortest_seconds, lengths.longest_seconds
    title = f"lengths: {shortest:.2f} to {longest:.2f} s, median {lengths.median_seconds:.2f} s"
    if lengths.usual_seconds is None:
        console().print(f"[bold]{title}[/bold]")
        return
    print_bars(title, {f"{lengths.usual_seconds:.2f} s": lengths.num_usual, "other": lengths.num_odd})
    shown = [(odd.recording_id, f"{odd.seconds:.3f}") for odd in lengths.odd[:_SHOWN_ODD]]
    if shown:
        more = f" ({_SHOWN_ODD} of {lengths.num_odd}; all are in check.json)" if lengths.num_odd > _SHOWN_ODD else ""
        print_table(f"odd lengths{more}", ("recording", "seconds"), shown, right=(1,))


def _print_problems(report: CheckReport) -> None:
    from audiolect.data.problems import REASONS

    places: dict[tuple[str, str], list[str]] = {}
    for problem in report.problems:
        places.setdefault((problem.severity, problem.reason), []).append(problem.where)
    rows = [
        (severity, reason, len(found), REASONS[reason], ", ".join(found[:_SHOWN_PLACES]) + _dots(found))
        for (severity, reason), found in sorted(places.items(), key=lambda item: (item[0][0], -len(item[1])))
    ]
    if not rows:
        console().print("[bold]no problems[/bold]")
        return
    print_table("problems", ("", "reason", "count", "meaning", "such as"), rows, right=(2,))


def _print_quarantine(report: CheckReport) -> None:
    from audiolect.data.quarantine import KINDS, QUARANTINE_NAME

    counts = [(sum(entry.kind == kind for entry in report.quarantined), kind) for kind in KINDS]
    named = " and ".join(human_count(number, kind) for number, kind in counts if number)
    if named:
        path = report.folder / QUARANTINE_NAME
        console().print(f"quarantined: {named}, which later stages leave out ({path})", markup=False, soft_wrap=True)


def _dots(found: list[str]) -> str:
    return ", …" if len(found) > _SHOWN_PLACES else ""
