"""AudioFolder: a folder for each split, with audio and a table of what is known of it, as Hugging Face reads it.

    SRC/train/metadata.jsonl        {"file_name": "a.wav", "caption": "a dog barks"}
    SRC/train/a.wav
    SRC/valid/metadata.csv          file_name,caption_1,caption_2

    dataset = datasets.load_dataset("audiofolder", data_dir="SRC")

Columns: ``file_name``, below the folder of the table. ``caption``, or ``caption_1``, ``caption_2``…, or the list
``captions``: the answers of one AudioCaptioning example (``--task`` names another task of captions). ``label``: one
EventClassification example. ``labels``, a list: the labels of the recording and, where there is no ``label``, one
EventTagging example. ``recording_id``, ``source_id``, ``parent_id``, ``group``, ``fold``, ``title``, ``license``: of
the recording. Other columns are named on the card and left alone, and listed as unread.py says.

Conventions: the split is the name of the folder (``--split`` where the table stands in SRC itself, else train). A
recording has the id ``NAME/split/file_name`` where the table gives none; NAME is the one that was asked for, or that of
an export's card.json, or that of the folder. Prompts are the first of their task. In CSV a list is JSON in a cell, and
an empty cell is no value. Writing: audiofolder_writing.py.

Public names: read, METADATA_NAMES, TEXT_COLUMNS.

Source: https://huggingface.co/docs/datasets/audio_load#audiofolder; columns after prompteus/audio-captioning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.source_tables import Row, Table, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example, examples_frame
from audiolect.errors import TableError, UsageError
from audiolect.formats.extraction import info_from_card
from audiolect.formats.landing import DECLARED_SCHEMA, Declared, declared_frame, land
from audiolect.formats.request import ImportRequest
from audiolect.formats.unread import unread_names
from audiolect.tasks import TASKS, get_task

METADATA_NAMES = ("metadata.jsonl", "metadata.csv")
TEXT_COLUMNS = ("recording_id", "source_id", "parent_id", "group", "title", "license")
LABEL_TASK, LABELS_TASK, CAPTION_TASK = "EventClassification", "EventTagging", "AudioCaptioning"

_CAPTION = re.compile(r"caption(?:_(\d+))?")
_TEXTS = ("caption", "caption_1", "captions", "label", "labels")
_KNOWN = {"file_name", "captions", "label", "labels", "fold", *TEXT_COLUMNS}


class _BadCellError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    name: str
    task: str
    recordings: list[dict[str, Any]] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)


def read(request: ImportRequest) -> Dataset:
    """Make a dataset of an AudioFolder.

    Raises:
        TableError: there is no table, a split has two, or a table lacks ``file_name``.
        UsageError: the source is no folder, or the task is not one of captions.
        AlreadyExists, DatasetError, TooManyProblems: as ``land``.
    """
    if not request.source.is_dir():
        raise UsageError("The source is not a folder.", where=request.source, expected="a folder with metadata.jsonl")
    task = get_task(request.task or CAPTION_TASK)
    if task.family not in ("caption", "keywords"):
        known = ", ".join(name for name, known in TASKS.items() if known.family in ("caption", "keywords"))
        raise UsageError("The task is not one of captions.", where="--task", expected=known, found=task.name)
    info = info_from_card(request.source, request)
    reading = _Reading(info.name, task.name)
    for path in _find(request.source):
        folder = path.parent.relative_to(request.source).as_posix()
        split = folder.partition("/")[0] if folder != "." else request.split or "train"
        _read_one(path, "" if folder == "." else f"{folder}/", split, reading)
    notes: dict[str, Any] = {"layout": "audiofolder"}
    if reading.unread:
        notes["columns_left_alone"] = sorted(reading.unread)
    columns = {name: [row.get(name) for row in reading.recordings] for name in _columns_of(reading.recordings)}
    schema = {name: DECLARED_SCHEMA[name] for name in columns}
    declared = Declared(
        info=info,
        audio_root=request.source.absolute(),
        recordings=declared_frame(pl.DataFrame(columns, schema=schema)),
        examples=examples_frame(reading.examples),
        problems=reading.problems,
        notes=notes,
    )
    return land(declared, request)


def _columns_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    named = dict.fromkeys(name for row in rows for name in row)
    return list(named) or ["recording_id", "path"]


def _find(source: Path) -> list[Path]:
    found = [path for name in METADATA_NAMES for path in source.rglob(name) if path.is_file()]
    folders = [path.parent for path in found]
    for path in found:
        if folders.count(path.parent) > 1:
            raise TableError("A folder has two tables.", where=path.parent, found=", ".join(METADATA_NAMES))
    if not found:
        raise TableError(
            "There is no table in the folder.",
            where=source,
            expected="metadata.jsonl or metadata.csv in a folder for each split",
            found=", ".join(sorted(entry.name for entry in source.iterdir())[:5]) or "nothing",
            cause="an AudioFolder without a table has its labels in the names of folders",
            fix="audiolect prepare folder SRC reads those",
        )
    return sorted(found)


def _read_one(path: Path, prefix: str, split: str, reading: _Reading) -> None:
    table = read_table(path, needed=("file_name",), name=f"{prefix}{path.name}")
    reading.problems += table.problems
    captions = _caption_columns(table)
    read = [name for name in table.columns if name in _KNOWN or name in captions]
    reading.unread |= set(table.columns) - set(read)
    texts = dict.fromkeys([*captions, *_TEXTS])
    reading.problems += unread_names(table.name, table.columns, read, texts=list(texts), others=sorted(_KNOWN))
    for row in table.rows():
        try:
            _take(row, captions, prefix, split, reading)
        except _BadCellError as bad:
            reading.problems.append(Problem(bad.reason, row.where, bad.detail))


def _caption_columns(table: Table) -> list[str]:
    """``caption``, then ``caption_1``, ``caption_2`` … in the order of their numbers."""
    numbered = [(int(match.group(1) or 0), name) for name in table.columns if (match := _CAPTION.fullmatch(name))]
    return [name for _, name in sorted(numbered)]


def _take(row: Row, captions: Sequence[str], prefix: str, split: str, reading: _Reading) -> None:
    name = _text(row, "file_name")
    if name is None:
        raise _BadCellError("missing-value", "file_name is empty")
    texts = {column: _text(row, column) for column in TEXT_COLUMNS if column in row.cells}
    own = texts.pop("recording_id", None) or f"{reading.name}/{prefix}{name}"
    if own in reading.ids:
        raise _BadCellError("duplicate-id", f"{own} stands in the table already; the first row counts")
    label, labels = _text(row, "label"), _list(row, "labels")
    said = [text for column in captions if (text := _text(row, column)) is not None] + list(_list(row, "captions"))
    facts = {"recording_id": own, "path": prefix + name, "split": split, "fold": _fold(row)} | texts
    reading.ids.add(own)
    reading.recordings.append(facts | {"labels": list(labels) or ([label] if label else [])})
    asked = {reading.task: tuple(said), LABEL_TASK: (label,) if label else ()}
    if label is None:
        asked[LABELS_TASK] = labels
    for task, answers in asked.items():
        if answers:
            prompt = next(iter(TASKS[task].prompts), "")
            reading.examples.append(Example(f"{own}#{task}", own, split, task, prompt, answers))
    if not said and (captions or "captions" in row.cells):
        reading.problems.append(
            Problem("empty-text", row.where, "there is no caption; the recording is kept", "warning")
        )


def _text(row: Row, column: str) -> str | None:
    """A text that is not empty."""
    value = row.cells.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _BadCellError("bad-value", f"{column} is {value!r}; a text was expected")
    text = str(value)
    return text if text.strip() else None


def _list(row: Row, column: str) -> tuple[str, ...]:
    value = row.cells.get(column)
    if isinstance(value, str):
        value = _parsed(column, value) if value.lstrip().startswith("[") else [value] if value.strip() else []
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _BadCellError("bad-value", f"{column} is {value!r}; a list of texts was expected")
    return tuple(item for item in value if item.strip())


def _parsed(column: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _BadCellError("bad-value", f"{column} is {text!r}, which is not JSON ({error.msg})") from None


def _fold(row: Row) -> int | None:
    text = _text(row, "fold")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 15):
        raise _BadCellError("bad-value", f"fold is {text!r}; a whole number was expected")
    return int(text)
