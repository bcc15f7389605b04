"""The verbs that find recordings: index a dataset with a trained model, and search the index by words or by sound.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiolect.cli import options
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_count,
    human_seconds,
    plain,
    print_done,
    print_json,
    print_table,
    rich_progress,
)
from audiolect.cli.quarantined import leave_out_quarantined

if TYPE_CHECKING:
    from audiolect.errors import AudiolectError
    from audiolect.search.card import AnnFacts, IndexCard
    from audiolect.search.engine import Answer, QueryEncoder
    from audiolect.search.index import IndexReport

_GROUP = "Use"
_REMOVE = "remove"
_SHOWN_PROBLEMS = 5

Sources = Annotated[
    list[str],
    typer.Argument(
        help="A run (or predictions) and a dataset; or: remove INDEX [IDS].",
        show_default=False,
        metavar="RUN DATASET | remove INDEX",
    ),
]
IndexOut = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write. The folder of the index.")]
Split = Annotated[str | None, typer.Option("--split", help="Only this split.")]
PackFolder = Annotated[Path | None, typer.Option("--pack", help="Read the sound from this pack; else from the files.")]
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="best, last, or the number of a step.")]
Add = Annotated[bool, typer.Option("--add", help="Add to an index that is there, and bring it up to date.")]
Ann = Annotated[bool, typer.Option("--ann", help="Build the approximate index too, and measure its recall.")]
AudioRoot = Annotated[
    Path | None, typer.Option("--audio-root", help="Where the audio is now, if not where the card says.")
]
IndexFolder = Annotated[Path, typer.Argument(help="An index, as `index` writes it.", show_default=False)]
Texts = Annotated[list[str] | None, typer.Argument(help="What to search for; may be repeated.", show_default=False)]
Audio = Annotated[list[Path] | None, typer.Option("--audio", help="Search by this sound; may be repeated.")]
Like = Annotated[str | None, typer.Option("--like", help="Search by a recording of the index, by its id.")]
QueriesFile = Annotated[Path | None, typer.Option("--queries", help="A file with one query on each line.")]
HowMany = Annotated[int, typer.Option("--k", "-k", min=1, max=10_000, help="How many to show for each query.")]
Run = Annotated[Path | None, typer.Option("--run", help="Where the run is now, if not where the card says.")]
UseAnn = Annotated[bool, typer.Option("--ann", help="Ask the approximate index.")]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("index", rich_help_panel=_GROUP)(index)
    app.command("search", rich_help_panel=_GROUP)(search)


def index(
    sources: Sources,
    *,
    out: IndexOut = None,
    split: Split = None,
    where: options.Where = None,
    pack: PackFolder = None,
    checkpoint: Checkpoint = "best",
    add: Add = False,
    ann: Ann = False,
    jobs: options.Jobs = 0,
    keep_quarantined: options.KeepQuarantined = False,
    audio_root: AudioRoot = None,
    max_problems: options.MaxProblems = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Index the recordings of a dataset, to be searched by words and by sound.

    audiolect index runs/world world --out world-index

    audiolect index runs/world more --out world-index --add

    audiolect index remove world-index --where "split == 'test'"

    Instead of a run, predictions of `audiolect predict` will do. The same command goes on with one that was stopped.
    """
    from audiolect.data.dataset import open_dataset
    from audiolect.search.approximate import build_approximate
    from audiolect.search.index import add_dataset
    from audiolect.street.indexing import model_side

    if sources[0] == _REMOVE:
        _remove(sources[1:], where, as_json=as_json)
        return
    if len(sources) != 2 or out is None:
        raise _wrong_number(sources)
    dataset = open_dataset(sources[1], audio_root=audio_root)
    leave_out_quarantined(dataset, keep=keep_quarantined)
    facts: dict[str, Any] = {
        "split": split,
        "where": where,
        "keep_quarantined": keep_quarantined,
        "add": add,
        "overwrite": overwrite,
        "max_problems": max_problems,
        "command": command_line(),
    }
    request, embed = model_side(Path(sources[0]), checkpoint, dataset, pack, threads=jobs, **facts)
    try:
        report = add_dataset(out, dataset, request, embed, progress=rich_progress)
    except KeyboardInterrupt:
        errors_console().print("What is indexed stays: the same command goes on from here.", highlight=False)
        raise
    measured = build_approximate(out) if ann else report.card.ann
    if as_json:
        print_json(_as_json(report) | {"ann": None if measured is None else measured.model_dump(mode="json")})
        return
    _print_report(report, measured)
    print_done(str(out), f'audiolect search {shlex.quote(str(out))} "dog far away in the rain"')


def search(
    index: IndexFolder,
    texts: Texts = None,
    *,
    audio: Audio = None,
    like: Like = None,
    queries: QueriesFile = None,
    k: HowMany = 10,
    where: options.Where = None,
    run: Run = None,
    ann: UseAnn = False,
    as_json: options.Json = False,
) -> None:
    """Find recordings by words, by a sound, or by another recording.

    audiolect search world-index "dog far away in the rain" --where "duration_seconds < 30"

    audiolect search world-index --audio bark.wav
    """
    from audiolect.errors import UsageError
    from audiolect.search.card import read_index_card
    from audiolect.search.engine import open_engine

    words = [*(texts or []), *(_lines(queries) if queries is not None else [])]
    if sum((bool(words), bool(audio), like is not None)) != 1:
        raise UsageError(
            "A search is by words, by sound, or by a recording of the index.",
            expected='one of "dog far away in the rain", --queries FILE, --audio FILE, --like RECORDING_ID',
            found="nothing to search for" if not words and not audio and like is None else "several of them",
        )
    card = read_index_card(index)
    if ann and card.ann is None:
        raise UsageError(
            "The index has no approximate index.",
            where=index,
            fix="audiolect index RUN DATASET --out INDEX --add --ann",
        )
    engine = open_engine(index, None if like is not None else _encoder(card, run, index))
    if like is not None:
        asked, answer = [like], engine.like(like, k, where=where)
    elif audio:
        asked, answer = [str(path) for path in audio], engine.by_sound(audio, k, where=where, approximate=ann)
    else:
        asked, answer = words, engine.by_text(words, k, where=where, approximate=ann)
    if as_json:
        print_json(_answer_json(asked, answer, len(engine)))
        return
    _print_answer(asked, answer, len(engine))
    best = answer.hits[0][0].recording_id if answer.hits[0] else None
    if best is not None:
        then = f"audiolect search {shlex.quote(str(index))} --like {shlex.quote(best)}"
        console().print(f"[cyan]next [/cyan] {then}", highlight=False, soft_wrap=True)


def _wrong_number(sources: list[str]) -> AudiolectError:
    from audiolect.errors import UsageError

    return UsageError(
        "It takes a run, a dataset and a place to write.",
        expected="audiolect index RUN DATASET --out INDEX, or audiolect index remove INDEX --where …",
        found="without --out" if len(sources) == 2 else human_count(len(sources), "name"),
    )


def _encoder(card: IndexCard, run: Path | None, index: Path) -> QueryEncoder:
    from audiolect.errors import UsageError
    from audiolect.predict.run_model import open_run_model
    from audiolect.search.from_run import RunQueries

    folder = run if run is not None else None if card.run_folder is None else Path(card.run_folder)
    if folder is None or not folder.is_dir():
        raise UsageError(
            "The run that made the index is not where it was.",
            where=index,
            expected=f"the run {card.model.run}",
            found="the card names no folder" if folder is None else f"no folder {folder}",
            fix="name it: audiolect search INDEX … --run RUN",
        )
    model = open_run_model(folder, card.model.checkpoint or "best")
    return RunQueries(model.embedder, model.settings)


def _lines(path: Path) -> list[str]:
    from audiolect.errors import UsageError
    from audiolect.storage import read_text

    lines = [line.strip() for line in read_text(path, error=UsageError).splitlines() if line.strip()]
    if not lines:
        raise UsageError("The file holds no query.", where=path, expected="one on each line", found="none")
    return lines


def _remove(names: list[str], where: str | None, *, as_json: bool) -> None:
    from audiolect.errors import UsageError
    from audiolect.search.index import remove_recordings

    if not names:
        raise UsageError(
            "It removes recordings from an index.", expected="audiolect index remove INDEX [IDS] [--where …]"
        )
    folder = Path(names[0])
    report = remove_recordings(folder, recording_ids=names[1:], where=where, command=command_line())
    if as_json:
        print_json({"folder": str(folder), "removed": report.num_updated, "recordings": report.card.num_recordings})
        return
    console().print(f"removed {human_count(report.num_updated, 'recording')}", highlight=False)
    print_done(f"{folder}: {human_count(report.card.num_recordings, 'recording')}", f'audiolect search {folder} "rain"')


def _as_json(report: IndexReport) -> dict[str, Any]:
    counts = {name: getattr(report, f"num_{name}") for name in ("added", "updated", "unchanged", "embedded")}
    problems = [asdict(problem) for problem in report.problems]
    return {"folder": str(report.folder)} | counts | {"problems": problems} | report.card.model_dump(mode="json")


def _print_report(report: IndexReport, ann: AnnFacts | None) -> None:
    card = report.card
    rows = [
        ("model", f"{card.model.run} {card.model.checkpoint}".strip() + f", hash {card.model.checkpoint_hash[:12]}"),
        ("recordings", f"{card.num_recordings}, vectors of {card.size} components"),
        ("added", f"{report.num_added}; updated {report.num_updated}; unchanged {report.num_unchanged}"),
    ]
    left_out = card.datasets[-1].left_out if card.datasets else {}
    rows += [(f"left out: {reason}", str(count)) for reason, count in left_out.items()]
    if ann is not None:
        found = f"recall@10 {ann.recall_at_10:.3f}, {ann.milliseconds:.1f} ms a query, by {ann.num_queries} queries"
        rows.append((f"approximate index, {ann.kind}", f"{found}; built in {human_seconds(ann.build_seconds)}"))
    print_table(f"index of {', '.join(dict.fromkeys(each.name for each in card.datasets))}", ("", ""), rows)
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        console().print(
            f"{problem.reason}: {problem.where}: {problem.detail}", markup=False, highlight=False, soft_wrap=True
        )
    if report.problems:
        console().print(
            f"All are in {report.folder / 'problems.jsonl'}.", markup=False, highlight=False, soft_wrap=True
        )


def _answer_json(asked: list[str], answer: Answer, total: int) -> dict[str, Any]:
    results = [
        {"query": query, "hits": [asdict(hit) for hit in hits]} for query, hits in zip(asked, answer.hits, strict=True)
    ]
    return {
        "results": results,
        "recordings": total,
        "candidates": answer.num_candidates,
        "exact": answer.exact,
        "encoding_seconds": answer.encoding_seconds,
        "search_seconds": answer.search_seconds,
    }


def _print_answer(asked: list[str], answer: Answer, total: int) -> None:
    for query, hits in zip(asked, answer.hits, strict=True):
        rows = [
            (
                f"{hit.score:.3f}",
                hit.recording_id,
                "\n".join(plain(text) for text in (hit.title, *hit.captions[:2], ", ".join(hit.labels)) if text),
                human_seconds(hit.duration_seconds),
                hit.path or "",
            )
            for hit in hits
        ]
        cells = ("score", "recording", "title, captions, labels", "length", "file")
        print_table(query, cells, [tuple(cell.replace("\n", " · ") for cell in row) for row in rows], right=(0, 3))
    of = human_count(total, "recording")
    among = of if answer.num_candidates == total else f"{answer.num_candidates} of {of}"
    how = "exact" if answer.exact else "approximate"
    model, scan = 1000 * answer.encoding_seconds, 1000 * answer.search_seconds
    console().print(f"{among}, {how}: model {model:.1f} ms, search {scan:.1f} ms", highlight=False)
