"""The tables of a dataset → an AudioFolder.

    DST/card.json
    DST/train/metadata.jsonl (or .csv), DST/train/…

Columns, in this order: ``file_name``; ``caption`` where every recording of the split has one, else ``caption_1`` and so
on (or, with ``--caption-lists``, the list ``captions``); ``label`` where there are EventClassification examples;
``labels`` where recordings have labels that ``label`` does not say; then what else is known of the recordings. A column
of texts that one split needs stands in all of them, empty where nothing is known, and numbered captions are as many.

Conventions: audio is linked unless it is asked to be copied; a part of a file is cut out as a WAV. The folders that all
files of a split share are left away. ``datasets`` loads several splits at once only where their tables have the same
columns of the same types; where they have not, a hint says so. Prompts and examples of other tasks have no place.

Public names: write, TABLES.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.errors import DatasetError, unknown_name
from audiolect.formats.audiofolder import CAPTION_TASK, LABEL_TASK, LABELS_TASK, TEXT_COLUMNS
from audiolect.formats.leavings import RECORDING_FACTS, left_out
from audiolect.formats.linking import plan_audio
from audiolect.formats.request import Exported, ExportRequest
from audiolect.formats.shipping import Cargo, ship
from audiolect.storage import atomic_path, safe_join, write_jsonl
from audiolect.tasks import TASKS

# What ``--table`` takes.
TABLES = ("jsonl", "csv")

_NUMBERED = "caption_"
# The names of folders that ``datasets`` knows as splits; where one of them stands, other folders are passed over.
_SPLIT_NAMES = {"train", "training", "validation", "valid", "dev", "val", "test", "testing", "eval", "evaluation"}


def write(request: ExportRequest) -> Exported:
    """Write an AudioFolder.

    Raises:
        UsageError: no such kind of table.
        DatasetError, AlreadyExists, StorageError: as ``ship``.
    """
    if request.table is not None and request.table not in TABLES:
        raise unknown_name("kind of table", request.table, TABLES, where="--table")
    return ship(request, "audiofolder", _fill)


def _fill(folder: Path, cargo: Cargo) -> Exported:
    recordings, examples, problems = cargo.present()
    plan = plan_audio(recordings, cargo.dataset.audio_path, cargo.request.progress, jobs=cargo.request.jobs)
    kept = pl.DataFrame(
        {"recording_id": list(plan.names), "name": list(plan.names.values())},
        schema={"recording_id": pl.String, "name": pl.String},
    )
    recordings = recordings.join(kept, on="recording_id", how="inner", maintain_order="left")
    if recordings.is_empty():
        raise DatasetError("No recording of the dataset can be read.", where=cargo.dataset.folder)
    suffix = cargo.request.table or TABLES[0]
    asked = _asked(examples)
    parts = {str(split): part for (split,), part in recordings.group_by(["split"], maintain_order=True)}
    names: dict[str, dict[str, str]] = {}
    for split, part in parts.items():
        cut = _shared_folder(part["name"])
        names[split] = {own: name[cut:] for own, name in part.select("recording_id", "name").iter_rows()}
    targets = {own: safe_join(folder, f"{split}/{name}") for split in parts for own, name in names[split].items()}
    tables = {split: _rows(part, names[split], asked, cargo, split) for split, part in parts.items()}
    everywhere = frozenset(column for rows in tables.values() for column in rows[0] if _is_of_all_splits(column))
    for split, part in parts.items():
        if not everywhere <= tables[split][0].keys():
            tables[split] = _rows(part, names[split], asked, cargo, split, everywhere)
    files = {f"{split}/metadata.{suffix}": len(rows) for split, rows in tables.items()}
    for split, rows in tables.items():
        _write_table(safe_join(folder, f"{split}/metadata.{suffix}"), rows)
    shapes = {split: _shape(rows) for split, rows in tables.items()}
    num_audio = cargo.place_each(recordings, plan, targets)
    left_out = _left_out(recordings, examples, cargo)
    return Exported(folder, files, num_audio, left_out, (*problems, *plan.problems), hints=_hints(shapes))


def _shared_folder(names: pl.Series) -> int:
    """How many characters of the names are folders that all of them share."""
    parents = [name.rpartition("/")[0] for name in names]
    shared = os.path.commonpath(parents) if all(parents) else ""
    return len(shared) + 1 if shared else 0


def _asked(examples: pl.DataFrame) -> dict[str, dict[str, list[str]]]:
    """``captions`` and ``label`` → recording id → answers."""
    captions = [name for name, task in TASKS.items() if task.family in ("caption", "keywords")]
    found = {}
    for column, tasks in (("captions", captions), ("label", [LABEL_TASK]), ("labels", [LABELS_TASK])):
        flat = examples.filter(pl.col("task").is_in(tasks)).select("recording_id", "answers").explode("answers")
        flat = flat.drop_nulls("answers")
        found[column] = dict(flat.group_by("recording_id", maintain_order=True).agg("answers").iter_rows())
    return found


def _is_of_all_splits(column: str) -> bool:
    """Whether a column that one split needs may stand empty in another, of the same type."""
    return column == "label" or column in TEXT_COLUMNS or column.startswith(_NUMBERED)


def _rows(  # noqa: PLR0917 - a split, and what all splits share
    part: pl.DataFrame,
    names: Mapping[str, str],
    asked: Mapping[str, Mapping[str, list[str]]],
    cargo: Cargo,
    split: str,
    everywhere: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """The rows of one split, all with the same keys, those of ``everywhere`` among them."""
    own = part["recording_id"].to_list()
    captions = [asked["captions"].get(recording_id, []) for recording_id in own]
    columns: dict[str, list[Any]] = {"file_name": [names[recording_id] for recording_id in own]}
    most = max(map(len, captions))
    if cargo.request.caption_lists and any(captions):
        columns["captions"] = captions
    elif most == 1:
        columns["caption"] = [texts[0] if texts else "" for texts in captions]
    elif most:
        for place in range(max(most, sum(column.startswith(_NUMBERED) for column in everywhere))):
            columns[f"{_NUMBERED}{place + 1}"] = [texts[place] if place < len(texts) else "" for texts in captions]
    label = [next(iter(asked["label"].get(recording_id, [])), "") for recording_id in own]
    labels = [
        asked["labels"].get(recording_id) or list(mine) for recording_id, mine in zip(own, part["labels"], strict=True)
    ]
    if any(label) or "label" in everywhere:
        columns["label"] = label
    if any(labels) and labels != [[text] if text else [] for text in label]:
        columns["labels"] = labels
    name = cargo.dataset.card.name
    is_told = any(recording_id != f"{name}/{split}/{names[recording_id]}" for recording_id in own)
    if is_told or "recording_id" in everywhere:
        columns["recording_id"] = own
    for column in TEXT_COLUMNS[1:]:
        if part[column].null_count() < part.height or column in everywhere:
            columns[column] = part[column].fill_null("").to_list()
    if part["fold"].null_count() < part.height:
        columns["fold"] = part["fold"].to_list()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    if path.suffix == ".jsonl":
        write_jsonl(path, rows)
        return
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows:
            cells = row.values()
            writer.writerow(json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in cells)


def _shape(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The type of each column as ``datasets`` sees it."""
    shape = {}
    for column in rows[0]:
        values = [row[column] for row in rows]
        told = any(value not in (None, []) for value in values)
        shape[column] = type(values[0]).__name__ if told else "nothing"
    return shape


def _hints(shapes: Mapping[str, dict[str, str]]) -> tuple[str, ...]:
    """What ``load_dataset`` of the whole folder would stumble over or pass over."""
    hints = []
    first = next(iter(shapes.values()))
    if any(shape != first for shape in shapes.values()):
        columns = "; ".join(f"{split}: {', '.join(shape)}" for split, shape in shapes.items())
        hints.append(f"the splits have different columns ({columns}): load each by itself, data_dir=DST/SPLIT")
    foreign = [split for split in shapes if split not in _SPLIT_NAMES]
    if foreign and len(foreign) < len(shapes):
        hints.append(
            f"load_dataset knows no split called {', '.join(foreign)} and passes over it: "
            f"--rename-split {foreign[0]}=train, or data_dir=DST/{foreign[0]}"
        )
    return tuple(hints)


def _left_out(recordings: pl.DataFrame, examples: pl.DataFrame, cargo: Cargo) -> dict[str, int]:
    captions = [name for name, task in TASKS.items() if task.family in ("caption", "keywords")]
    is_placed = pl.col("task").is_in([*captions, LABEL_TASK, LABELS_TASK])
    others = examples.filter(~is_placed).group_by("task", maintain_order=True).len()
    placed = examples.filter(is_placed)
    counts = {f"{task} examples": int(count) for task, count in others.iter_rows()}
    renamed = placed.filter(pl.col("task").is_in([name for name in captions if name != CAPTION_TASK]))
    for task, count in renamed.group_by("task", maintain_order=True).len().iter_rows():
        counts[f"the task {task} (its answers are captions like the others)"] = int(count)
    labels = placed.filter(pl.col("task") == LABEL_TASK)["answers"].list.len()
    counts["labels of EventClassification beyond the first"] = int((labels - 1).clip(0).sum() or 0)
    tagged = placed.filter(pl.col("task") == LABELS_TASK).select("recording_id", "answers")
    others_said = recordings.join(tagged, on="recording_id").filter(pl.col("labels") != pl.col("answers"))
    counts["labels of recordings (EventTagging says others)"] = int((others_said["labels"].list.len() > 0).sum())
    counts |= left_out(recordings, placed, keeps=RECORDING_FACTS, tables=cargo.dataset.card.extra_tables)
    return {what: count for what, count in counts.items() if count}
