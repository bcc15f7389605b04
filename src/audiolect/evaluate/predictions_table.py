"""Captions that other programs predicted, as a CSV, to text predictions of a dataset.

    file_name,caption_predicted
    dog.wav,"a dog barks"

Conventions: a file name means the recording whose path or id it is, or the one whose path ends with it, with or without
its suffix; a name that fits several recordings, none, or that stands twice is refused. A table may be CSV, TSV, JSON or
JSON lines; other columns are not looked at. Rows of recordings outside the part that is asked for are refused.

Public names: FILE_COLUMN, CAPTION_COLUMN, read_predictions_table.

Source: the columns are those of the captioning systems and submissions of DCASE, as of arXiv 2305.09690.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from audiolect.corpora.source_tables import Table, read_table
from audiolect.data.dataset import Dataset
from audiolect.dataset_part import describe_part, part_facts, select_part
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import TableError
from audiolect.storage import fingerprint_file
from audiolect.tasks import get_task
from audiolect.text_predictions import TextPart, TextPrediction, TextPredictionsHeader

FILE_COLUMN = "file_name"
CAPTION_COLUMN = "caption_predicted"

_SHOWN = 3


def read_predictions_table(
    path: Path,
    dataset: Dataset,
    *,
    task: str = "AudioCaptioning",
    split: str | None = None,
    where: str | None = None,
    name: str = "",
    command: str = "",
) -> tuple[TextPredictionsHeader, list[TextPrediction]]:
    """Read a table of captions and find the recording of each.

    Args:
        path: the table.
        dataset: the whole dataset, as opened.
        task: what was asked of the model.
        split, where: the part that was predicted; None: all.
        name: of the system; empty: that of the file.
        command: for the header.

    Raises:
        TableError: the table cannot be read, lacks a column, or has rows without a recording, or two of one.
        UsageError, FilterError, DatasetError: the part cannot be chosen.
    """
    table = read_table(path, needed=(FILE_COLUMN, CAPTION_COLUMN))
    if table.problems:
        first = table.problems[0]
        raise TableError(
            "Rows of the predictions cannot be used.",
            where=first.where,
            found=f"{first.detail}; {len(table.problems)} such rows",
            fix="quote captions that hold commas",
        )
    part = select_part(dataset, split=split, where=where)
    rows = _rows(table, part, f"a file of {dataset.card.name}, {describe_part(split, where)}")
    expected = part.recordings.height
    header = TextPredictionsHeader(
        command=command,
        task=get_task(task).name,
        model=ModelIdentity(run=name or path.stem, checkpoint_hash=f"unknown; table {fingerprint_file(path)}"),
        dataset=TextPart(
            **part_facts(dataset, split=split, where=where, num_expected=expected).model_dump(),
            num_predicted=len(rows),
            left_out={"not in the table": expected - len(rows)} if expected > len(rows) else {},
        ),
        generation={"source": path.name},
    )
    return header, rows


def _rows(table: Table, part: Dataset, expected: str) -> list[TextPrediction]:
    known = _names(part.recordings)
    seen: dict[str, str] = {}
    rows = []
    for row in table.rows():
        given, caption = str(row[FILE_COLUMN]).strip(), row[CAPTION_COLUMN]
        recording = _recording(given, known, where=row.where, expected=expected)
        if recording in seen:
            raise TableError(
                "A recording has two predictions.",
                where=row.where,
                expected="each file once",
                found=f"{given!r}, which is also at {seen[recording]}",
                cause="a program that was run twice and appended to its file",
                fix="keep one row of each",
            )
        seen[recording] = row.where
        rows.append(TextPrediction(recording, recording, ("" if caption is None else str(caption).strip(),)))
    return rows


def _names(recordings: pl.DataFrame) -> dict[str, list[str]]:
    """Everything that may name a recording → the recordings that it names."""
    found: dict[str, list[str]] = {}
    for recording, path in recordings.select("recording_id", "path").iter_rows():
        for name in {recording, *_endings(path), *_endings(recording)}:
            found.setdefault(name, []).append(recording)
    return found


def _endings(path: str) -> Iterable[str]:
    """``a/b.wav``, ``b.wav``, ``a/b``, ``b``."""
    parts = PurePosixPath(path).parts
    for start in range(len(parts)):
        ending = PurePosixPath(*parts[start:])
        yield str(ending)
        yield str(ending.with_suffix("")) if ending.suffix else str(ending)


def _recording(given: str, known: dict[str, list[str]], *, where: str, expected: str) -> str:
    plain = given.replace("\\", "/").removeprefix("./")
    choices: Sequence[str] = known.get(plain) or known.get(PurePosixPath(plain).name) or ()
    if len(choices) == 1:
        return choices[0]
    raise TableError(
        "A file name means no recording." if not choices else "A file name means several recordings.",
        where=where,
        expected=expected,
        found=repr(given) + (f": {', '.join(choices[:_SHOWN])}" if choices else ""),
        cause="predictions of another dataset or split" if not choices else "files of one name in several folders",
        fix="give the --split that was predicted" if not choices else "write paths relative to the audio root",
    )
