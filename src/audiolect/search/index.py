"""An index: made, added to, and taken from, without embedding anything twice.

    INDEX/
      card.json         which checkpoint, which datasets (card.py)
      recordings.lance  the table (table.py)
      problems.jsonl    recordings that could not be read
      scan/             what an exact scan reads (scan_files.py); made again when it is missing

Recordings are embedded in chunks, and each chunk is in the table for good when it is done: the same command goes on
with what is left. A recording whose sound and words have not changed is passed over; one whose words alone have changed
keeps its vector.

Conventions: E components. ``Embed`` turns a part of a dataset into chunks of recording ids with their vectors; what it
cannot read are Problems. Nothing here knows a model.

Public names: Chunk, Embed, AddRequest, IndexReport, add_dataset, remove_recordings, PROBLEMS_NAME.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import JsonValue

from audiolect.data.dataset import Dataset
from audiolect.data.filters import compile_filter
from audiolect.data.problems import Problem, count_by_reason, enforce_limit, load_problems, save_problems
from audiolect.data.quarantine import without_quarantined
from audiolect.dataset_part import select_part
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import AlreadyExists, DatasetError, UsageError
from audiolect.folder_lock import hold_folder
from audiolect.progress import Progress, silent_progress
from audiolect.search.card import (
    CARD_NAME,
    IndexCard,
    IndexedDataset,
    check_checkpoint,
    read_index_card,
    write_index_card,
)
from audiolect.search.rows import rows_of
from audiolect.search.table import (
    ROW_SCHEMA,
    TABLE_NAME,
    connect,
    count_rows,
    create_table,
    delete_rows,
    open_table,
    put_rows,
    read_state,
    tidy,
    vectors_of,
)

FloatArray = npt.NDArray[np.float32]
PROBLEMS_NAME = "problems.jsonl"

_NORM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some recordings, embedded.

    Args:
        recording_ids: n of them.
        vectors: (n, E) float32, L2-normalised.
        problems: recordings that were asked for with these and could not be read.
    """

    recording_ids: Sequence[str]
    vectors: FloatArray
    problems: tuple[Problem, ...] = ()


Embed = Callable[[Dataset], Iterator[Chunk]]


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What to index.

    Args:
        identity: whose vectors they are.
        size: E.
        run_folder: where the run is; None: not known.
        preprocessing: how the sound is heard, for the card.
        split, where: the part of the dataset.
        keep_quarantined: also index what the check has put on the quarantine list.
        add: to an index that is there.
        overwrite: replace an index that is there.
        max_problems: the most recordings that may be broken; None: no limit.
        command: for the card.
    """

    identity: ModelIdentity
    size: int
    run_folder: str | None = None
    preprocessing: dict[str, JsonValue] = field(default_factory=dict)
    split: str | None = None
    where: str | None = None
    keep_quarantined: bool = False
    add: bool = False
    overwrite: bool = False
    max_problems: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What became of an index.

    Args:
        num_added: recordings that are new.
        num_updated: recordings that were there and have changed.
        num_unchanged: recordings that were there as they are.
        num_embedded: recordings whose sound was listened to in this run.
    """

    folder: Path
    card: IndexCard
    num_added: int
    num_updated: int
    num_unchanged: int
    num_embedded: int
    problems: tuple[Problem, ...]


def add_dataset(
    folder: Path, dataset: Dataset, request: AddRequest, embed: Embed, *, progress: Progress = silent_progress
) -> IndexReport:
    """Index a part of a dataset: make the index, go on with one that was begun, or add to one that is there.

    Raises:
        AlreadyExists: there is an index, and neither ``add`` nor ``overwrite`` is given.
        UsageError: the index is of another checkpoint, or another process is at work on it.
        DatasetError: no recording to index.
        TooManyProblems: more recordings are broken than ``max_problems``; what is done stays.
        MissingDependency: lancedb is not installed.
    """
    whole = select_part(dataset, split=request.split, where=request.where)
    part = whole if request.keep_quarantined else without_quarantined(whole)
    rows = rows_of(part)
    connect(folder)  # a missing library is told before anything is written
    with _held(folder, overwrite=request.overwrite):
        card = _begin(folder, request)
        table = open_table(folder)
        state = read_state(table)
        change = _compared(rows, state)
        reworded = rows.filter(change == "words")
        if reworded.height:
            vectors = vectors_of(table, reworded["recording_id"].to_list())
            put_rows(table, reworded, np.stack([vectors[name] for name in reworded["recording_id"]]))
        wanted = rows.filter(change == "sound")
        before, done, problems = set(state["recording_id"]), list[str](), list[Problem]()
        with progress("embedding sound", total=wanted.height, unit="recordings") as advance:
            for chunk in embed(_restricted(part, wanted)) if wanted.height else ():
                problems += chunk.problems
                enforce_limit(problems, limit=request.max_problems, total=wanted.height)
                if len(chunk.recording_ids):
                    put_rows(table, _in_order(wanted, chunk, request.size, folder), chunk.vectors)
                done += chunk.recording_ids
                advance(len(chunk.recording_ids) + len(chunk.problems))
        tidy(table)
        facts = _facts(dataset, whole.recordings.height, rows.height, request, problems)
        changes = {"num_recordings": count_rows(table), "command": request.command}
        card = _finish(folder, card.model_copy(update=changes), facts, problems)
    num_added = sum(name not in before for name in done)
    unchanged = rows.height - reworded.height - wanted.height
    updated = reworded.height + len(done) - num_added
    return IndexReport(folder, card, num_added, updated, unchanged, len(done), tuple(problems))


def remove_recordings(
    folder: Path, *, recording_ids: Sequence[str] = (), where: str | None = None, command: str = ""
) -> IndexReport:
    """Take recordings out of an index, by their ids or by a filter over the columns of its table.

    Raises:
        UsageError: nothing is named, or an id is not in the index.
        FilterError: the filter cannot be understood.
    """
    if not recording_ids and where is None:
        raise UsageError("There is nothing to remove.", expected="recording ids, or --where", found="neither")
    card = read_index_card(folder)
    condition = None if where is None else compile_filter(where, ROW_SCHEMA)
    with hold_folder(folder):
        table = open_table(folder)
        state = read_state(table)
        absent = sorted(set(recording_ids) - set(state["recording_id"]))
        if absent:
            raise UsageError(
                "A recording to remove is not in the index.",
                where=folder,
                found=f"{absent[0]!r}; {len(absent)} such",
                fix="remove by --where, or look the ids up with audiolect search",
            )
        chosen = pl.col("recording_id").is_in(list(recording_ids))
        gone = state.filter(chosen if condition is None else chosen | condition)["recording_id"].to_list()
        num_gone = delete_rows(table, gone)
        tidy(table)
        changes = {"num_recordings": count_rows(table), "command": command}
        card = write_index_card(folder, card.model_copy(update=changes))
    return IndexReport(folder, card, 0, num_gone, count_rows(table), 0, ())


@contextmanager
def _held(folder: Path, *, overwrite: bool) -> Iterator[None]:
    strange = folder.is_dir() and any(folder.iterdir()) and not (folder / CARD_NAME).is_file()
    if strange and {entry.name for entry in folder.iterdir()} - {"lock", f"{TABLE_NAME}.lance"}:
        raise AlreadyExists("The folder holds other things than an index.", where=folder, fix="give another --out")
    with hold_folder(folder):
        if overwrite and (folder / CARD_NAME).is_file():
            read_index_card(folder)  # nothing but an index is replaced
            for name in (CARD_NAME, PROBLEMS_NAME):
                (folder / name).unlink(missing_ok=True)
            for name in (f"{TABLE_NAME}.lance", "scan"):
                shutil.rmtree(folder / name, ignore_errors=True)
        yield


def _begin(folder: Path, request: AddRequest) -> IndexCard:
    """The card of the index to be filled, marked as not complete, with a table beside it."""
    if (folder / CARD_NAME).is_file():
        card = read_index_card(folder)
        if card.complete and not request.add:
            raise AlreadyExists(
                "There is an index already.",
                where=folder,
                found=f"{card.num_recordings} recordings of {', '.join(each.name for each in card.datasets)}",
                fix="--add puts more recordings in and brings those that are there up to date; --overwrite begins anew",
            )
        check_checkpoint(card, request.identity, folder)
        if request.preprocessing != card.preprocessing:
            differing = sorted(
                name
                for name in {*request.preprocessing, *card.preprocessing}
                if request.preprocessing.get(name) != card.preprocessing.get(name)
            )
            raise UsageError(
                "The recordings of the index were heard in another way.",
                where=folder,
                expected=", ".join(f"{name} {card.preprocessing.get(name)}" for name in differing),
                found=", ".join(f"{name} {request.preprocessing.get(name)}" for name in differing),
                fix="index them in the same way, or all anew with --overwrite",
            )
        card = card.model_copy(update={"complete": False})
    else:
        card = IndexCard(
            format="",
            version=0,
            producer="",
            command=request.command,
            model=request.identity,
            run_folder=request.run_folder,
            preprocessing=request.preprocessing,
            size=request.size,
        )
    card = write_index_card(folder, card)
    if not (folder / f"{TABLE_NAME}.lance").is_dir():
        create_table(folder, request.size)
    return card


def _finish(folder: Path, card: IndexCard, facts: IndexedDataset, problems: list[Problem]) -> IndexCard:
    path = folder / PROBLEMS_NAME
    earlier = load_problems(path) if path.is_file() else []
    listed = {problem.where for problem in problems}
    save_problems(path, [*(problem for problem in earlier if problem.where not in listed), *problems])
    same = (facts.name, facts.folder, facts.split, facts.where)
    others = [each for each in card.datasets if (each.name, each.folder, each.split, each.where) != same]
    changes = {"datasets": (*others, facts), "complete": True}
    return write_index_card(folder, card.model_copy(update=changes))


def _facts(
    dataset: Dataset, num_expected: int, num_wanted: int, request: AddRequest, problems: list[Problem]
) -> IndexedDataset:
    left_out = {"quarantined": num_expected - num_wanted} | count_by_reason(problems)
    return IndexedDataset(
        name=dataset.card.name,
        folder=str(dataset.folder.resolve()),
        audio_root=dataset.audio_root.as_posix(),
        fingerprint=dataset.card.fingerprint,
        examples_fingerprint=dataset.card.examples_fingerprint,
        split=request.split,
        where=request.where,
        num_expected=num_expected,
        num_indexed=num_wanted - len(problems),
        left_out={reason: count for reason, count in left_out.items() if count},
    )


def _compared(rows: pl.DataFrame, state: pl.DataFrame) -> pl.Series:
    """For each row: ``same`` as in the table, other ``words``, or other ``sound`` (which new recordings have)."""
    columns = list(ROW_SCHEMA)
    whole = pl.struct(columns).struct.json_encode()
    known = state.select("recording_id", known_sound="sound", known_row=whole)
    beside = rows.with_columns(row=whole).join(known, on="recording_id", how="left", maintain_order="left")
    return beside.select(
        change=pl.when(pl.col("known_sound").ne_missing(pl.col("sound")))
        .then(pl.lit("sound"))
        .when(pl.col("known_row") != pl.col("row"))
        .then(pl.lit("words"))
        .otherwise(pl.lit("same"))
    )["change"]


def _restricted(dataset: Dataset, rows: pl.DataFrame) -> Dataset:
    """The dataset with these recordings alone."""
    kept = dataset.recordings.join(rows.select("recording_id"), on="recording_id", how="semi", maintain_order="left")
    examples = dataset.examples.join(kept.select("recording_id"), on="recording_id", how="semi", maintain_order="left")
    return replace(dataset, scan_recordings=kept.lazy(), scan_examples=examples.lazy(), in_memory=True)


def _in_order(wanted: pl.DataFrame, chunk: Chunk, size: int, where: object) -> pl.DataFrame:
    """The rows of a chunk, in its order; its vectors are checked."""
    ids = pl.DataFrame({"recording_id": list(chunk.recording_ids)}, schema={"recording_id": pl.String()})
    rows = ids.join(wanted, on="recording_id", how="inner", maintain_order="left").select(list(ROW_SCHEMA))
    if rows.height != ids.height or chunk.vectors.shape != (ids.height, size):
        raise DatasetError(
            "The vectors do not fit the recordings.",
            where=where,
            expected=f"one vector of {size} components for each of {ids.height} recordings that were asked for",
            found=f"shape {chunk.vectors.shape} for {rows.height} of them",
        )
    norms = np.linalg.norm(chunk.vectors.astype(np.float64), axis=1)
    bad = np.flatnonzero(~(np.abs(norms - 1) < _NORM_TOLERANCE))
    if bad.size:
        raise DatasetError(
            "The vector of a recording is no direction.",
            where=f"recording {chunk.recording_ids[int(bad[0])]!r}",
            expected="finite numbers with a norm of 1",
            found=f"norm {norms[bad[0]]:.4g}",
            cause="the training diverged, or the checkpoint is damaged",
            fix="index with an earlier --checkpoint",
        )
    return rows
