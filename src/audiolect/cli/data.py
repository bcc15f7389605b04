"""The verbs of data: ``prepare`` and ``show``.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import command_line, print_done, print_json, print_table, rich_progress

if TYPE_CHECKING:
    from audiolect.corpora.table import Request
    from audiolect.data.dataset import Dataset

_GROUP = "Data"


class Missing(StrEnum):
    """What to do with rows whose audio is missing."""

    LIST = "list"
    REFUSE = "refuse"


_Corpus = Annotated[
    str, typer.Argument(help="A corpus: clotho, audiocaps, audioset, esc50, folder, soundworld …", show_default=False)
]
_Source = Annotated[
    Path | None, typer.Argument(help="The folder that holds the corpus as published.", show_default=False)
]
_Hash = Annotated[
    bool, typer.Option("--hash/--no-hash", help="Decode every recording, to find damage and give it a PCM hash.")
]
_NoAudio = Annotated[
    bool,
    typer.Option(
        "--no-audio",
        help="Look at no audio: work from the tables alone, with the lengths that they or the corpus state.",
    ),
]
# What only some corpora take; the letter of check_request names them.
_Mapping = Annotated[Path | None, typer.Option("--mapping", help="folder: the YAML file that maps columns to fields.")]
_Recordings = Annotated[
    int | None, typer.Option("--recordings", min=1, help="soundworld: how many to make. Default: 1000.")
]
_Curate = Annotated[
    bool, typer.Option("--curate", help="clotho: clean the captions up; the table curation lists each change.")
]
_Captions = Annotated[
    Path | None, typer.Option("--captions", help="clotho: a folder with other caption tables, say corrected ones.")
]
_Blacklist = Annotated[Path | None, typer.Option("--blacklist", help="wavcaps: a file of ids to leave out.")]
_Missing = Annotated[
    Missing, typer.Option("--missing", help="Rows without audio: list them and go on without, or refuse.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("prepare", rich_help_panel=_GROUP)(prepare)
    app.command("show", rich_help_panel=_GROUP)(show)


def prepare(
    corpus: _Corpus,
    source: _Source = None,
    *,
    out: options.Out,
    mapping: _Mapping = None,
    recordings: _Recordings = None,
    curate: _Curate = False,
    captions: _Captions = None,
    blacklist: _Blacklist = None,
    missing: _Missing = Missing.LIST,
    seed: options.Seed = 0,
    jobs: options.Jobs = 0,
    max_problems: options.MaxProblems = None,
    hash_audio: _Hash = True,
    no_audio: _NoAudio = False,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Turn a corpus as published into a dataset folder: card, recordings, examples, problems.

    audiolect prepare soundworld --out world --recordings 200 --seed 7

    audiolect prepare clotho clotho_v2.1 --out clotho --curate

    audiolect prepare audioset tables --out audioset --no-audio

    audiolect prepare folder my_sounds --mapping mapping.yaml --out mine
    """
    from audiolect.corpora.intake import IntakeOptions
    from audiolect.corpora.table import Request, check_request, get_corpus

    request = Request(
        out=out,
        source=source,
        mapping=mapping,
        num_recordings=recordings,
        curate=curate,
        captions=captions,
        blacklist=blacklist,
        seed=seed,
        options=IntakeOptions(
            jobs=jobs,
            overwrite=overwrite,
            max_problems=max_problems,
            hash_audio=hash_audio,
            command=command_line(),
            refuse_missing=missing is Missing.REFUSE,
            no_audio=no_audio,
        ),
        progress=rich_progress,
    )
    check_request(corpus, request)
    if dry_run:
        _say_plan(corpus, request, as_json=as_json)
        return
    _print_result(get_corpus(corpus).prepare(request), as_json=as_json)


def show(
    dataset: options.DatasetFolder,
    *,
    where: options.Where = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many examples to show.")] = 5,
    spectrogram: Annotated[
        Path | None, typer.Option("--spectrogram", help="Also draw one recording's log-mel to this PNG file.")
    ] = None,
    recording: Annotated[
        str | None, typer.Option("--recording", help="The recording to draw. Default: the first.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show a dataset: its card, counts, durations, labels and a few examples.

    audiolect show world --where "split == 'test' and 'dog bark' in labels" --spectrogram dog.png
    """
    from audiolect.cli.overview import draw_recording, overview, print_overview
    from audiolect.data.dataset import filter_dataset, open_dataset

    opened = open_dataset(dataset)
    if where is not None:
        opened = filter_dataset(opened, where)
    if spectrogram is not None:
        # Before anything is printed: what cannot be drawn is told at once.
        draw_recording(opened, recording, spectrogram)
    if as_json:
        print_json(overview(opened, rows) | ({"picture": str(spectrogram)} if spectrogram is not None else {}))
        return
    print_overview(opened, rows)
    if spectrogram is not None:
        print_done(str(spectrogram), f"open {shlex.quote(str(spectrogram))}")


def _say_plan(corpus: str, request: Request, *, as_json: bool) -> None:
    from audiolect.corpora.table import get_corpus
    from audiolect.parallel import cpu_count

    jobs = request.options.jobs or cpu_count()
    plan: dict[str, object] = {
        "would_prepare": corpus,
        "from": None if request.source is None else str(request.source),
        "to": str(request.out),
        "replaces": request.out.exists(),
        "recordings": request.num_recordings,
        "seed": request.seed,
        "jobs": jobs,
        "decodes": request.options.hash_audio and not request.options.no_audio,
        "looks_at_audio": not request.options.no_audio,
    }
    if as_json:
        print_json(plan)
        return
    there = " (exists: needs --overwrite)" if request.out.exists() and not request.options.overwrite else ""
    rows: list[tuple[str, object]] = [
        ("corpus", f"{corpus}: {get_corpus(corpus).summary}"),
        ("from", request.source or "nothing: it is made by code"),
        ("to", f"{request.out}{there}"),
        ("processes", jobs),
        ("audio", _audio_plan(request)),
    ]
    if get_corpus(corpus).takes_recordings:
        rows[2:2] = [("recordings", request.num_recordings or 1000), ("seed", request.seed)]
    print_table("plan (nothing is written)", ("", ""), rows)


def _audio_plan(request: Request) -> str:
    if request.options.no_audio:
        return "not looked at: lengths are what the tables or the corpus state"
    return "decoded whole and hashed" if request.options.hash_audio else "headers only"


def _print_result(dataset: Dataset, *, as_json: bool) -> None:
    if as_json:
        print_json(dataset.card.model_dump(mode="json") | {"folder": str(dataset.folder)})
        return
    _print_summary(dataset)
    print_done(f"{dataset.folder}", f"audiolect show {shlex.quote(str(dataset.folder))}")


def _print_summary(dataset: Dataset) -> None:
    card = dataset.card
    rows = [(name, counts.recordings, counts.examples) for name, counts in card.splits.items()]
    rows.append(("all", card.num_recordings, card.num_examples))
    print_table(f"{card.name}: fingerprint {card.fingerprint}", ("split", "recordings", "examples"), rows, right=(1, 2))
    if card.problems:
        print_table("problems (listed in problems.jsonl)", ("reason", "count"), list(card.problems.items()), right=(1,))
    curation = card.notes.get("curation")
    if isinstance(curation, dict):
        changes: list[tuple[str, object]] = list(curation.items())
        if "differences" in card.notes:
            changes.append(("cells where the rules give another text (table differences)", card.notes["differences"]))
        print_table("curation (each cell is in the table curation)", ("rule", "changes"), changes, right=(1,))
    download = card.notes.get("download")
    if isinstance(download, dict):
        names = ("available", "expected")
        told = [(name, f"{download[name]} segments, ids {download[f'{name}_ids']}") for name in names]
        print_table("download", ("", ""), told)
    lengths = card.notes.get("lengths")
    if isinstance(lengths, str):
        of = "" if card.coverage.expected is None else f" of {card.coverage.expected}"
        print_table("no audio", ("", ""), [("coverage", f"{card.coverage.available}{of}"), ("lengths", lengths)])
