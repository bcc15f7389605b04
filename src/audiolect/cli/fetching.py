"""The verb that brings a corpus from the net: ``download``.

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
    print_done,
    print_json,
    print_table,
    rich_progress,
)

if TYPE_CHECKING:
    from audiolect.corpora.download_card import DownloadCard
    from audiolect.corpora.fetching import Step
    from audiolect.corpora.remote import Download

_GROUP = "Data"
# Held to the table by a test: --help must not load it.
_NAMES = (
    "audiocaps, audioset, clotho, clothoaqa, cochlscene, esc50, fsd50k, gtzan, macs, mmau, musiccaps, nsynth, "
    "urbansound8k, wavcaps"
)
_SPICE = "spice"
Corpus = Annotated[
    str,
    typer.Argument(
        help=f"A corpus: {_NAMES}. Or {_SPICE}: the jars of the Stanford parser that SPICE needs.", show_default=False
    ),
]
Cookies = Annotated[
    Path | None, typer.Option("--cookies", help="A file of cookies for yt-dlp, for films that want a login.")
]
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, max=64, help="Segments of films to fetch at a time.")]
Rate = Annotated[int, typer.Option("--rate", min=1000, max=192_000, help="Sample rate of segments, in Hz.")]
Timeout = Annotated[
    float,
    typer.Option("--timeout", min=1, max=86_400, callback=options.finite, help="Seconds for one try of a segment."),
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("download", rich_help_panel=_GROUP)(download)


def download(
    corpus: Corpus,
    dest: Annotated[Path, typer.Argument(help="The folder to download to; it may hold a part.", show_default=False)],
    *,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", help="Only this split; may be given several times.", show_default=False),
    ] = None,
    workers: Workers = 4,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try segments again that failed in an earlier run.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--first", min=0, help="Only the first so many segments; 0 for the tables alone.")
    ] = None,
    rate: Rate = 32_000,
    timeout: Timeout = 300.0,
    cookies: Cookies = None,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Keep archives after they are unpacked.")
    ] = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Download a corpus as it is published: files verified, archives unpacked, sound of films cut. Resumes by itself.

    audiolect download esc50 corpora/esc50

    audiolect download clotho corpora/clotho --split evaluation

    audiolect download audiocaps corpora/audiocaps --split test --workers 8
    """
    from audiolect.corpora.downloads import get_download
    from audiolect.corpora.fetching import FetchOptions, fetch_corpus, plan_download
    from audiolect.corpora.youtube import SegmentOptions

    if corpus == _SPICE:
        _download_spice(dest, dry_run=dry_run, as_json=as_json)
        return
    entry = get_download(corpus)
    splits = tuple(split or ())
    if dry_run:
        _say_plan(entry, plan_download(entry, dest, splits), as_json=as_json)
        return
    fetch_options = FetchOptions(
        splits=splits,
        workers=workers,
        retry_failed=retry_failed,
        limit=limit,
        keep_archives=keep_archives,
        segments=SegmentOptions(sample_rate_hz=rate, timeout_seconds=timeout, cookies=cookies),
        command=command_line(),
    )
    _say_terms(entry)
    card = fetch_corpus(entry, dest, fetch_options, rich_progress)
    if as_json:
        print_json(card.model_dump(mode="json") | {"folder": str(dest)})
        return
    _print_card(card)
    print_done(str(dest), _next_command(corpus, dest))


def _download_spice(dest: Path, *, dry_run: bool, as_json: bool) -> None:
    from audiolect.evaluate.stanford_jars import ARCHIVE_URL, download_stanford_jars

    if dry_run:
        if as_json:
            print_json({"would_download": _SPICE, "steps": [{"url": ARCHIVE_URL, "into": str(dest)}]})
        else:
            console().print(f"would fetch {ARCHIVE_URL}", markup=False, highlight=False, soft_wrap=True)
        return
    jars = download_stanford_jars(dest, url=ARCHIVE_URL, progress=rich_progress)
    if as_json:
        print_json({"folder": str(dest), "jars": jars})
        return
    folder = shlex.quote(str(dest))
    print_done(
        f"{len(jars)} jars in {dest}", f"audiolect evaluate P.jsonl DATASET --metrics spice --spice-jars {folder}"
    )


def _say_terms(entry: Download) -> None:
    """What a person should know before gigabytes come: on standard error, so that output can be piped."""
    screen = errors_console()
    for line in (
        entry.summary,
        f"licence: {entry.license}",
        f"terms:   {entry.homepage}",
        f"size:    {entry.size}",
        entry.note,
    ):
        if line:
            screen.print(line, markup=False, soft_wrap=True)


def _say_plan(entry: Download, steps: list[Step], *, as_json: bool) -> None:
    if as_json:
        keys = ("kind", "what", "into", "url", "verified_by", "done")
        plan = [{key: getattr(step, key) for key in keys} for step in steps]
        print_json({"would_download": entry.name, "license": entry.license, "size": entry.size, "steps": plan})
        return
    _say_terms(entry)
    rows = [
        (step.kind, step.what, step.into, step.verified_by.partition(":")[0], "yes" if step.done else "")
        for step in steps
    ]
    print_table("plan (nothing is written)", ("kind", "what", "goes to", "verified by", "here"), rows)


def _print_card(card: DownloadCard) -> None:
    verified = sum(facts.verified for facts in card.files.values())
    console().print(
        f"{card.corpus}: {len(card.files)} files, {verified} verified by the hash of their publisher", highlight=False
    )
    for note in card.notes:
        console().print(f"[yellow]note[/yellow] {note}", soft_wrap=True)
    if card.coverage is None:
        return
    rows = [(name, one.available, one.expected) for name, one in card.coverage.splits.items()]
    rows.append(("all", card.coverage.available, card.coverage.expected))
    title = f"coverage: ids {card.coverage.available_ids}"
    print_table(title, ("split", "here", "published"), rows, right=(1, 2))
    print_table(
        "segments (listed in status.jsonl)", ("status", "count"), list(card.coverage.statuses.items()), right=(1,)
    )


def _next_command(corpus: str, dest: Path) -> str:
    from audiolect.corpora.table import CORPORA

    folder = shlex.quote(str(dest))
    if corpus in CORPORA:
        return f"audiolect prepare {corpus} {folder} --out {corpus}"
    return f"audiolect prepare folder {folder} --mapping mapping.yaml --out {corpus}"
