"""Who goes into which split: limited, by fraction, by count, by reference list, or balanced over labels.

Conventions: recordings of one ``group`` always stay together; a recording without a group is its own. Every choice is
decided by a keyed hash of the group's name, so that it depends on the seed and the names alone: not on the order of
rows, the machine, or which other recordings there are. A function here returns the recordings whose split changes and
moves nothing; ``apply_assignment`` writes the change into tables and remembers what was there before.

Public names: Assignment, limit_split, divide_split, split_by_reference, balanced_split, apply_assignment,
undo_assignment, HISTORY_SCHEMA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from audiolect.errors import DatasetError, UsageError, nearest_names

_SHOWN = 5
HISTORY_SCHEMA: dict[str, Any] = {"step": pl.Int32(), "recording_id": pl.String(), "split_before": pl.String()}


@dataclass(frozen=True, slots=True)
class Assignment:
    """The recordings whose split changes (columns ``recording_id``, ``split``) and what a person should know."""

    changes: pl.DataFrame
    notes: tuple[str, ...] = ()


def limit_split(recordings: pl.DataFrame, split: str, limit: int, *, rest_to: str, seed: int) -> Assignment:
    """Keep ``limit`` recordings of a split, and give the rest to another.

    Where groups make the limit unreachable, as many whole groups are kept as fit below it, and a note says so.

    Raises:
        UsageError: no such split, a negative limit, fewer recordings than the limit, or the rest would stay.
    """
    chosen = _of_split(recordings, split)
    _check_move(split, rest_to)
    if not 0 <= limit <= chosen.height:
        raise UsageError(
            f"The split {split} cannot be limited to {limit} recordings.",
            expected=f"0 to {chosen.height}, which is what it has",
            found=limit,
            fix="give a smaller number",
        )
    kept, notes = _take(chosen, limit, seed)
    rest = chosen.filter(~pl.col("recording_id").is_in(list(kept)))
    return _assignment(rest, rest_to, notes, why=f"{split} has {chosen.height} recordings, as many as it may keep")


def divide_split(
    recordings: pl.DataFrame,
    split: str,
    *,
    into: str,
    fraction: float | None = None,
    count: int | None = None,
    seed: int,
) -> Assignment:
    """Move a fraction or a count of a split's recordings into another split.

    Raises:
        UsageError: no such split, not exactly one of ``fraction`` and ``count``, one out of range, or both splits are
            the same.
    """
    chosen = _of_split(recordings, split)
    _check_move(split, into)
    if (fraction is None) == (count is None):
        raise UsageError(
            "Exactly one of a fraction and a count is needed.", found=f"fraction {fraction}, count {count}"
        )
    if fraction is not None and not 0 < fraction < 1:
        raise UsageError(
            "What is moved must be more than nothing, and a fraction less than all.",
            expected="for instance 0.1 for a tenth, or 20 recordings",
            found=fraction,
        )
    wanted = round(fraction * chosen.height) if fraction is not None else int(count or 0)
    if not 0 < wanted < chosen.height:
        raise UsageError(
            f"Moving {wanted} of {chosen.height} recordings would leave a split empty.",
            where=f"split {split}",
            expected=f"1 to {chosen.height - 1} recordings",
        )
    moved, notes = _take(chosen, wanted, seed)
    part = chosen.filter(pl.col("recording_id").is_in(list(moved)))
    return _assignment(part, into, notes, why="no group is as small as that")


def split_by_reference(recordings: pl.DataFrame, reference_ids: Iterable[str], *, into: str) -> Assignment:
    """Move the recordings of a list, and those of their groups, into a split.

    Args:
        reference_ids: recording ids, or file names without their folder.

    Raises:
        UsageError: the list is empty, or an id of it is not in the dataset.
    """
    wanted = set(reference_ids)
    if not wanted:
        raise UsageError("The reference list names nobody.", expected="recording ids or file names")
    keyed = recordings.with_columns(name=pl.col("path").str.split("/").list.last(), key=_group_key())
    hit = keyed.filter(pl.col("recording_id").is_in(list(wanted)) | pl.col("name").is_in(list(wanted)))
    missing = wanted - set(hit["recording_id"]) - set(hit["name"])
    if missing:
        near = nearest_names(min(missing), keyed["recording_id"].head(10_000))
        raise UsageError(
            f"{_ids_are(missing, 'the reference list')} not in the dataset.",
            found=", ".join(sorted(missing)[:3]),
            expected="recording ids or file names" + (f", such as {near[0]}" if near else ""),
            cause="the list is of another version of the corpus, or names what was left out or quarantined",
            fix="take these lines out of the list, or correct them",
        )
    together = keyed.filter(pl.col("key").is_in(hit["key"].unique().to_list()))
    notes: tuple[str, ...] = ()
    if together.height > hit.height:
        notes = (f"{together.height - hit.height} more came along: they belong to the groups of the list",)
    return _assignment(together, into, notes, why=f"all that the list names is in {into}")


def balanced_split(
    recordings: pl.DataFrame,
    split: str,
    *,
    into: str,
    least_per_label: int,
    seed: int,
    must_stay: Iterable[str] = (),
    must_move: Iterable[str] = (),
) -> Assignment:
    """Move recordings into another split until each label has at least ``least_per_label`` of them there.

    Labels are served in alphabetical order; what an earlier label brought counts for the later ones, and so does what
    was there before. A label with too few recordings in both splits together stays where it is; of one that
    ``must_stay`` leaves too few of, all others move. Notes tell.

    Args:
        split: where recordings are taken from; ``into``: where they go.
        must_stay, must_move: recording ids that are decided beforehand, with their groups.

    Raises:
        UsageError: no such split, both splits are the same, ``least_per_label`` is less than 1, no recording of the
            split has a label, an unknown id, or a group that both must stay and must move.
    """
    _check_move(split, into)
    if least_per_label < 1:
        raise UsageError(
            "Each label needs one recording or more, or nothing is moved.", expected="1 or more", found=least_per_label
        )
    pool = _of_split(recordings, split).with_columns(key=_group_key())
    there = dict(recordings.filter(pl.col("split") == into).explode("labels").group_by("labels").len().iter_rows())
    stay, move = _keys_of(pool, must_stay), _keys_of(pool, must_move)
    _refuse_both(pool, stay & move)
    pairs = pool.select("key", "labels").explode("labels").drop_nulls().group_by("labels", "key").len()
    if pairs.is_empty():
        raise UsageError("No recording of the split has a label to balance.", where=f"split {split}")
    members: dict[str, dict[str, int]] = {}
    for label, key, size in pairs.sort("labels", "key").iter_rows():
        members.setdefault(label, {})[key] = size
    short = []
    for label, groups in members.items():
        have = there.get(label, 0)
        if have + sum(groups.values()) < least_per_label:
            short.append(label)
            continue
        have += sum(size for key, size in groups.items() if key in move)
        for key in sorted(set(groups) - move - stay, key=lambda name: _rank(seed, f"{label}\0{name}")):
            if have >= least_per_label:
                break
            move.add(key)
            have += groups[key]
        if have < least_per_label:
            short.append(label)
    notes: tuple[str, ...] = ()
    if short:
        more = f" and {len(short) - _SHOWN} more labels" if len(short) > _SHOWN else ""
        notes = (f"fewer than {least_per_label} in {into} are there of {', '.join(short[:_SHOWN])}{more}",)
    why = f"no label can be brought to {least_per_label}" if short else f"each label has {least_per_label} in {into}"
    return _assignment(pool.filter(pl.col("key").is_in(sorted(move))), into, notes, why=why)


def apply_assignment(
    recordings: pl.DataFrame, examples: pl.DataFrame, assignment: Assignment, history: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The tables with the new splits, and the history that ``undo_assignment`` needs.

    Args:
        history: of earlier assignments (HISTORY_SCHEMA), or None.

    Returns:
        recordings, examples, history.
    """
    past = pl.DataFrame(schema=HISTORY_SCHEMA) if history is None else history
    step = 1 if past.is_empty() else int(past["step"].max()) + 1  # type: ignore[arg-type]
    before = recordings.join(assignment.changes.select("recording_id"), on="recording_id", how="semi")
    now = before.select(pl.lit(step, pl.Int32).alias("step"), "recording_id", pl.col("split").alias("split_before"))
    return (
        _with_splits(recordings, assignment.changes),
        _with_splits(examples, assignment.changes),
        pl.concat([past, now]),
    )


def undo_assignment(
    recordings: pl.DataFrame, examples: pl.DataFrame, history: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The tables as they were before the last assignment, and the history without it.

    Raises:
        DatasetError: there is nothing to undo.
    """
    if history.is_empty():
        raise DatasetError("There is no split to undo.", fix="audiolect split makes one")
    last = history.filter(pl.col("step") == pl.col("step").max())
    back = last.select("recording_id", pl.col("split_before").alias("split"))
    rest = history.filter(pl.col("step") != pl.col("step").max())
    return _with_splits(recordings, back), _with_splits(examples, back), rest


def _of_split(recordings: pl.DataFrame, split: str) -> pl.DataFrame:
    chosen = recordings.filter(pl.col("split") == split)
    if chosen.is_empty():
        known = sorted(recordings["split"].unique())
        near = nearest_names(split, known)
        raise UsageError(
            f"The dataset has no split named {split!r}.",
            expected="one of " + ", ".join(known),
            fix=f"did you mean {near[0]}?" if near else None,
        )
    return chosen


def _group_key() -> pl.Expr:
    # A recording without a group is alone; the prefixes keep a recording's id from meeting a group of the same name.
    alone = pl.lit("r:") + pl.col("recording_id")
    return pl.when(pl.col("group").is_null()).then(alone).otherwise(pl.lit("g:") + pl.col("group"))


def _keys_of(pool: pl.DataFrame, recording_ids: Iterable[str]) -> set[str]:
    wanted = set(recording_ids)
    hit = pool.filter(pl.col("recording_id").is_in(list(wanted)))
    missing = wanted - set(hit["recording_id"])
    if missing:
        near = nearest_names(min(missing), pool["recording_id"].head(10_000))
        raise UsageError(
            f"{_ids_are(missing, 'the list')} not in the split.",
            found=", ".join(sorted(missing)[:3]),
            expected="recording ids of the split that is divided" + (f", such as {near[0]}" if near else ""),
            fix="take these lines out of the list, or correct them",
        )
    return set(hit["key"])


def _refuse_both(pool: pl.DataFrame, keys: set[str]) -> None:
    """Refuse groups that must both stay and move."""
    if keys:
        ids = pool.filter(pl.col("key").is_in(list(keys)))["recording_id"].sort()
        raise UsageError(
            "A group of recordings must both stay and move.",
            found=f"{', '.join(ids[:3])}, of the group {min(keys)[2:]}",
            fix="take the recordings of a group out of one of the two lists",
        )


def _ids_are(missing: set[str], where: str) -> str:
    return f"1 id of {where} is" if len(missing) == 1 else f"{len(missing)} ids of {where} are"


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()


def _take(chosen: pl.DataFrame, wanted: int, seed: int) -> tuple[set[str], tuple[str, ...]]:
    """The ids of up to ``wanted`` recordings in whole groups, and a note where groups kept it below."""
    groups = chosen.with_columns(key=_group_key()).group_by("key").agg("recording_id")
    ranked: Sequence[tuple[str, list[str]]] = sorted(groups.iter_rows(), key=lambda row: _rank(seed, row[0]))
    taken: set[str] = set()
    for _, ids in ranked:
        if len(taken) + len(ids) <= wanted:
            taken.update(ids)
    if len(taken) == wanted:
        return taken, ()
    return taken, (f"{len(taken)} instead of {wanted} recordings: the next group would have gone over",)


def _check_move(split: str, into: str) -> None:
    if split == into:
        raise UsageError(
            "Recordings cannot be moved into the split that they are in.", expected=f"another than {split}", found=into
        )


def _assignment(moved: pl.DataFrame, split: str, notes: tuple[str, ...], *, why: str) -> Assignment:
    """The change that brings recordings into a split; a note says why, where that changes nothing."""
    away = moved.filter(pl.col("split") != split)
    changes = away.select("recording_id", pl.lit(split).alias("split")).sort("recording_id")
    return Assignment(changes, notes if changes.height else (*notes, f"nothing moves: {why}"))


def _with_splits(frame: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    renamed = changes.select("recording_id", pl.col("split").alias("new_split"))
    joined = frame.join(renamed, on="recording_id", how="left", maintain_order="left")
    return joined.with_columns(split=pl.coalesce("new_split", "split")).select(frame.columns)
