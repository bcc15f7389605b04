"""UrbanSound8K: 8,732 slices of at most 4 s out of recordings of Freesound, in 10 classes and 10 folds.

    UrbanSound8K/
      metadata/UrbanSound8K.csv      slice_file_name, fsID, start, end, salience, fold, classID, class
      audio/fold1/…  audio/fold10/…

Conventions: ids are ``urbansound8k/100032-3-0-0``, of the name of the slice. There are ten folds and no official split:
every recording is in the split ``all``. Slices of one upload share ``group`` and ``source_id``; the folds keep them
together, which a random division would not. One EventClassification example each, its label with spaces. The table
``slices`` keeps where the slice lies in its upload, and whether it stands in the foreground (salience 1) or behind (2).

Public names: NAME, VERSION, LICENSE, CITATION, URLS, NUM_RECORDINGS, CLASSES, declare, prepare.

Source: J. Salamon, C. Jacoby, J. P. Bello, "A Dataset and Taxonomy for Urban Sound Research", ACM MM 2014.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, number_or_none, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.data.sources import freesound_source
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS

NAME = "urbansound8k"
VERSION = "1.0"
LICENSE = "CC BY-NC 3.0"
CITATION = "J. Salamon, C. Jacoby, J. P. Bello, A Dataset and Taxonomy for Urban Sound Research, ACM Multimedia 2014"
URLS = ("https://urbansounddataset.weebly.com/urbansound8k.html",)

NUM_RECORDINGS = 8732
CLASSES = (
    *("air conditioner", "car horn", "children playing", "dog bark", "drilling"),
    *("engine idling", "gun shot", "jackhammer", "siren", "street music"),
)

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(4, 44_100)
_TABLE = "UrbanSound8K.csv"
_COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
_FOLDS = tuple(str(number) for number in range(1, 11))


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with UrbanSound8K.

    Raises:
        TableError: the table is missing, cannot be read, or lacks a column.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    return take_in(
        CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME),
        source,
        declare(source),
        out,
        options,
        progress,
        sizes={"all": NUM_RECORDINGS},
        folders=lambda draft: (f"fold{draft.fold}",),
    )


def declare(source: Path) -> Declared:
    """What the table says, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    path = find_file(source, (_TABLE,), ("metadata", ""))
    if path is None:
        raise wrong_layout(
            "UrbanSound8K",
            source,
            expected=f"metadata/{_TABLE}, and the folders audio/fold1 to audio/fold10",
            looked_for=(f"metadata/{_TABLE}", _TABLE),
            url=URLS[0],
        )
    table = read_table(path, needed=_COLUMNS, name=relative_name(path, source))
    declared = Declared(problems=list(table.problems), notes={"url": URLS[0]})
    slices: list[tuple[str, float | None, float | None, int | None]] = []
    for row in table.rows():
        problem = _unusable(row, declared)
        if problem is not None:
            declared.problems.append(problem)
            continue
        one = _declare_one(row, declared)
        salience = row["salience"].strip()
        times = (number_or_none(row["start"]), number_or_none(row["end"]))
        slices.append((one, *times, int(salience) if salience in ("1", "2") else None))
    schema: dict[str, Any] = {
        "recording_id": pl.String,
        "upload_start_seconds": pl.Float64,
        "upload_end_seconds": pl.Float64,
        "salience": pl.Int16,
    }
    declared.tables["slices"] = pl.DataFrame(slices, schema=schema, orient="row")
    return declared


def _unusable(row: Row, declared: Declared) -> Problem | None:
    """What makes a row unusable, if anything does."""
    empty = [column for column in ("slice_file_name", "fsID", "fold", "class") if not row[column].strip()]
    if empty:
        return Problem("missing-value", row.where, ", ".join(empty))
    if row["fold"].strip() not in _FOLDS:
        return Problem("bad-value", row.where, f"fold: 1 to 10 was expected, {row['fold']!r} was found")
    if _label(row) not in CLASSES:
        return Problem("unknown-label", row.where, f"class: {row['class']!r}")
    if _recording_id(row) in declared.names:
        return Problem("duplicate-id", row.where, f"{_recording_id(row)} stands above already")
    return None


def _declare_one(row: Row, declared: Declared) -> str:
    one, label = _recording_id(row), _label(row)
    name, fold = PurePosixPath(row["slice_file_name"].strip()), row["fold"].strip()
    origin = freesound_source(row["fsID"].strip())
    path = f"audio/fold{fold}/{name}"
    start, end = number_or_none(row["start"]), number_or_none(row["end"])
    seconds = end - start if start is not None and end is not None and end > start else None
    declared.drafts.append(
        Draft(
            one,
            path,
            source_id=origin,
            group=origin,
            fold=int(fold),
            labels=(label,),
            stated_seconds=seconds,
        )
    )
    declared.names[one] = (name.stem,)
    prompt = TASKS["EventClassification"].prompts[0]
    declared.examples.append(Example(f"{one}#EventClassification", one, "all", "EventClassification", prompt, (label,)))
    return one


def _recording_id(row: Row) -> str:
    return f"{NAME}/{PurePosixPath(row['slice_file_name'].strip()).stem}"


def _label(row: Row) -> str:
    return str(row["class"].strip().replace("_", " "))
