"""Writing a pack: parts are decoded by worker processes and appended in order, until the card makes a pack of it.

    TARGET.unfinished/              a new pack while it grows; renamed to TARGET when it is complete
        shard-00000.pcm …
        unfinished/                 plan.json, journal.jsonl, parts; TARGET/unfinished while a pack is added to
    TARGET.replaced/                an old pack, for the moment in which a new one takes its place

Conventions: the bytes of shards, CRCs and index depend on the recordings, their order and the settings, not on the
number of processes or on how often the work was stopped. A run that was stopped, also by kill -9, is gone on with by
the same command. A pack that is added to stays what it was until its new card is in place: shards are only ever added.

Public names: write_pack, PackReport.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem, enforce_limit, save_problems
from audiolect.errors import AlreadyExists, TooManyProblems
from audiolect.folder_lock import hold_folder
from audiolect.loader.pack_format import (
    BLOCK_BYTES,
    CARD_NAME,
    PROBLEMS_NAME,
    IndexFile,
    PackCard,
    index_bytes,
    index_name,
    pack_fingerprint,
    write_card,
)
from audiolect.loader.pack_parts import Part, cannot_write, cut_in_parts, make_part, remove_part, samples_path
from audiolect.loader.pack_plan import (
    STATE_NAME,
    PackPlan,
    PackSettings,
    check_room,
    check_target,
    home_folder,
    plan_pack,
)
from audiolect.loader.pack_shards import ShardWriter
from audiolect.parallel import cpu_count, map_in_order
from audiolect.progress import Progress, silent_progress
from audiolect.storage import (
    atomic_path,
    check_header,
    file_header,
    fingerprint_bytes,
    read_json,
    write_json,
)

_PLAN_NAME = "plan.json"
_PLAN_KIND, _PLAN_VERSION = "unfinished-pack", 1


@dataclass(frozen=True, eq=False)
class PackReport:
    """What a run did.

    Args:
        folder: the pack.
        card: its card now.
        num_added: recordings that this run brought into it, and ``num_resumed`` of them by a run that was stopped.
        added_bytes, added_shards: what they take up.
        problems: what is left out, and why; ``new_problems`` of them found by this run.
        quarantined: how many of them because a check's list names them.
    """

    folder: Path
    card: PackCard
    num_added: int
    num_resumed: int
    added_bytes: int
    added_shards: int
    problems: tuple[Problem, ...]
    new_problems: tuple[Problem, ...]


def write_pack(
    dataset: Dataset, target: Path, settings: PackSettings, *, progress: Progress = silent_progress
) -> PackReport:
    """Pack the recordings of a dataset, or add to a pack those that it lacks.

    Args:
        dataset: whole; ``settings`` say which part of it is packed.
        target: the folder of the pack.
        settings: how.
        progress: counts recordings.

    Raises:
        UsageError, DatasetError, StorageError, FilterError: as ``pack_plan.plan_pack``; another process is at work on
            it; the unfinished pack there is of another dataset or of other settings.
        TooManyProblems: more recordings cannot be read than ``settings.max_problems``, or none can be read.
        MissingDependency, WorkerDied: a decoder is not installed; a process ended without an answer.
    """
    try:
        return _pack(dataset, target, settings, progress)
    except OSError as problem:
        raise cannot_write(target, problem) from problem


def _pack(dataset: Dataset, target: Path, settings: PackSettings, progress: Progress) -> PackReport:
    check_target(dataset, target, overwrite=settings.overwrite)
    if (home_folder(target) / CARD_NAME).is_file():
        _move_into_place(target)  # a run was killed when all was done but this
        settings = replace(settings, overwrite=False)
    plan = plan_pack(dataset, target, settings)
    if plan.base is not None and plan.pending.is_empty():
        _clear(plan)
        return PackReport(target, plan.base, 0, 0, 0, 0, plan.quarantined + plan.unreadable, ())
    with hold_folder(plan.state):
        _check_plan(plan, dataset, settings)
        first = len(plan.base.shards) if plan.base is not None else 0
        writer = ShardWriter(
            plan.home, plan.state, codec=settings.codec, max_shard_bytes=plan.max_shard_bytes, first_shard=first
        )
        check_room(plan, settings, writer.num_bytes)
        num_resumed = writer.num_entries
        _append_all(plan, dataset, settings, writer, progress)
        return _finish(plan, dataset, settings, writer, num_resumed)


def _append_all(
    plan: PackPlan, dataset: Dataset, settings: PackSettings, writer: ShardWriter, progress: Progress
) -> None:
    """Make the parts that the journal does not have, and append them in order."""
    borders = cut_in_parts(plan.pending["packed_bytes"].to_numpy().astype(np.int64))
    jobs = max(1, min(settings.jobs or cpu_count(), len(borders) - 1 - writer.num_parts))
    limit = settings.max_problems
    with progress("packing", total=plan.pending.height, unit="recordings") as advance:
        advance(int(borders[writer.num_parts]))
        enforce_limit(writer.problems, limit=limit, total=plan.pending.height)
        parts = _parts(plan, dataset.audio_root, settings, borders, writer.num_parts)
        for account in map_in_order(make_part, parts, jobs=jobs):
            with samples_path(plan.state, account.number).open("rb") as samples:
                writer.append(account, samples)
            remove_part(plan.state, account.number)
            enforce_limit(writer.problems, limit=limit, total=plan.pending.height)
            advance(int(borders[account.number + 1] - borders[account.number]))


def _parts(
    plan: PackPlan, root: Path, settings: PackSettings, borders: np.ndarray[Any, np.dtype[np.int64]], first: int
) -> Iterator[Part]:
    """The parts from number ``first`` on, made as they are asked for."""
    columns = plan.pending.select("recording_id", "path", "start_sample", "num_samples", "sample_rate_hz")
    for number in range(first, len(borders) - 1):
        rows = columns.slice(int(borders[number]), int(borders[number + 1] - borders[number])).rows()
        yield Part(number, plan.state, root, settings.rate_hz, settings.codec, tuple(rows))


def _finish(
    plan: PackPlan, dataset: Dataset, settings: PackSettings, writer: ShardWriter, num_resumed: int
) -> PackReport:
    """Write index, problems and card, in this order, and put the pack in its place."""
    shards, rows = writer.finish()
    new_problems = tuple(writer.problems)
    problems = (*plan.quarantined, *plan.unreadable, *new_problems)
    if rows.is_empty() and plan.base is None:
        shutil.rmtree(plan.home)
        first = new_problems[0]
        raise TooManyProblems(
            f"None of the {plan.pending.height} recordings can be read.",
            where=dataset.audio_root,
            found=f"{first.where}: {first.detail}",
            cause="the audio was moved, or is on a disk that is not mounted",
            fix="bring it back, or say where it is with --audio-root FOLDER",
        )
    index = rows if plan.base_index is None else pl.concat([plan.base_index, rows])
    index = index.with_columns(pl.col("shard").cast(pl.Int32))
    card = PackCard(
        dataset=dataset.card.name,
        dataset_version=dataset.card.corpus_version,
        fingerprint=pack_fingerprint(index),
        rate_hz=settings.rate_hz,
        codec=settings.codec,
        block_bytes=BLOCK_BYTES,
        max_shard_bytes=plan.max_shard_bytes,
        num_recordings=index.height,
        num_samples=int(index["num_samples"].sum()),
        shards=(*(plan.base.shards if plan.base is not None else ()), *shards),
        index=_write_index(plan, index, is_new=not rows.is_empty()),
        left_out=dict(Counter(problem.reason for problem in problems)),
        command=settings.command,
    )
    save_problems(plan.home / PROBLEMS_NAME, problems)
    write_card(plan.home, card)
    if plan.base is None:
        _move_into_place(plan.target)
    else:
        _clear(replace(plan, base=card))
    added_bytes = sum(shard.num_bytes for shard in shards)
    return PackReport(plan.target, card, rows.height, num_resumed, added_bytes, len(shards), problems, new_problems)


def _write_index(plan: PackPlan, index: pl.DataFrame, *, is_new: bool) -> IndexFile:
    """Write the index under a name that the old card, if there is one, does not know."""
    if plan.base is not None and not is_new:
        return plan.base.index
    edition = 1
    if plan.base is not None:
        digits = re.search(r"-([0-9]+)\.parquet$", plan.base.index.name)
        edition = int(digits[1]) + 1 if digits is not None else 2
    name, data = index_name(edition), index_bytes(index)
    with atomic_path(plan.home / name) as temporary:
        temporary.write_bytes(data)
    return IndexFile(name, len(data), fingerprint_bytes([data]))


def _check_plan(plan: PackPlan, dataset: Dataset, settings: PackSettings) -> None:
    """Note in the state folder what is being packed, or check that it is what was being packed there."""
    path = plan.state / _PLAN_NAME
    asked = {
        "rate_hz": settings.rate_hz,
        "codec": settings.codec,
        "max_shard_bytes": plan.max_shard_bytes,
        "dataset": dataset.card.fingerprint,
        "recordings": _fingerprint_in_order(plan.pending),
        "base": plan.base.index.hash if plan.base is not None else None,
    }
    if path.is_file():
        there = read_json(path)
        check_header(there, _PLAN_KIND, (_PLAN_VERSION,), path)
        if there.get("base") != asked["base"]:
            _empty(plan.state)  # what was being added has been added, or its pack was replaced
        else:
            _refuse_another(plan, {key: there.get(key) for key in asked}, asked)
            return
    write_json(path, file_header(_PLAN_KIND, _PLAN_VERSION) | asked)


def _refuse_another(plan: PackPlan, there: dict[str, Any], asked: dict[str, Any]) -> None:
    differing = [key for key in asked if there[key] != asked[key]]
    if differing:
        folder = plan.home if plan.base is None else plan.state
        raise AlreadyExists(
            "An unfinished pack of other settings or of other recordings stands there.",
            where=folder,
            expected=", ".join(f"{key} {there[key]}" for key in differing),
            found=", ".join(f"{key} {asked[key]}" for key in differing),
            cause="another rate, codec, shard size or selection, or the dataset or its quarantine list has changed",
            fix=f"run the command that began it, or remove {folder} to begin anew",
        )


def _fingerprint_in_order(pending: pl.DataFrame) -> str:
    """Of ids, paths and spans in the order of the table, which is that of the pack."""
    columns = pending.select("recording_id", "path", "start_sample", "num_samples", "sample_rate_hz")
    rows = ("\x1f".join(map(str, row)).encode() + b"\n" for row in columns.iter_rows())
    return fingerprint_bytes(rows)


def _empty(folder: Path) -> None:
    """Remove all from a folder but its lock."""
    for entry in folder.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _clear(plan: PackPlan) -> None:
    """Remove from a complete pack what only the work on it needed: the state, and indexes of earlier cards."""
    shutil.rmtree(plan.target / STATE_NAME, ignore_errors=True)
    for path in plan.target.glob("index*.parquet"):
        if plan.base is not None and path.name != plan.base.index.name:
            path.unlink()


def _move_into_place(target: Path) -> None:
    """Make the new, complete pack the target. Killed at any point, the next run does what is left."""
    home, replaced = home_folder(target), target.with_name(f"{target.name}.replaced")
    shutil.rmtree(home / STATE_NAME, ignore_errors=True)
    if (target / CARD_NAME).is_file():
        if replaced.exists():
            shutil.rmtree(replaced)
        target.rename(replaced)
    home.rename(target)
    shutil.rmtree(replaced, ignore_errors=True)
    if os.name != "nt":
        descriptor = os.open(target.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
