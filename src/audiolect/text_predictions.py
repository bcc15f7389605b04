"""Predictions that are texts: a ``predictions.jsonl`` with a header and one line for each example.

    {"format": "audiolect/text-predictions", "version": 1, …}            which model, which dataset, how it was decoded
    {"id": "…", "recording_id": "…", "outputs": ["a dog barks", …], "scores": [-0.4, …], "style": "clotho > caption"}

Whoever evaluates needs no model. Other programs may write such a file, and ``audiolect import predictions`` makes one
of a CSV of captions.

Conventions: ``id`` is that of the example, or of the recording where nothing was asked by an example. ``outputs`` has
the best first; ``scores`` has one number for each output, or none. ``style`` is what the answer was to sound like, ""
where the model knows no styles. A recording may have several lines, of several examples or styles, but an id with a
style stands once. The header counts what was asked for and what is there.

Public names: TextPredictionsHeader, TextPart, Reranking, TextPrediction, TextPredictions, KIND, VERSION, FILE_NAME,
write_text_predictions, read_text_predictions, read_text_header, is_text_predictions, prediction_line,
text_predictions_fingerprint.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from audiolect.config import Config, parse_config
from audiolect.dataset_part import PartFacts
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import ConfigError, DamagedFile, DatasetError, StorageError
from audiolect.storage import check_header, file_header, fingerprint_bytes, read_jsonl, write_jsonl

KIND = "text-predictions"
VERSION = 1
FILE_NAME = "predictions.jsonl"

_KEYS = ("id", "recording_id", "outputs", "scores", "style")
_HEAD_BYTES = 4096


class TextPart(PartFacts):
    """Which examples of which dataset were asked for, and how many have a prediction."""

    num_predicted: int = Field(ge=0, description="of these, recordings that have a prediction")
    left_out: dict[str, int] = Field(default_factory=dict, description="reason → recordings that have none")


class Reranking(Config):
    """By what the outputs of a model were put into another order."""

    model: ModelIdentity
    weight: float = Field(ge=0, le=1, description="of the similarities; the rest is that of the scores")
    preprocessing: dict[str, JsonValue] = Field(default_factory=dict, description="how this model heard the sound")


class TextPredictionsHeader(Config):
    """The first line: what holds for all predictions."""

    format: str = f"audiolect/{KIND}"
    version: int = VERSION
    producer: str = Field(default="", description="the program that wrote it")
    command: str = Field(default="", description="the command that made it")
    task: str = Field(default="AudioCaptioning", description="a name of the table of tasks")
    model: ModelIdentity
    dataset: TextPart
    generation: dict[str, JsonValue] = Field(
        default_factory=dict, description="method, beams, temperature, greatest length …"
    )
    reranking: Reranking | None = Field(default=None, description="what ordered the outputs, if not their scores alone")
    preprocessing: dict[str, JsonValue] = Field(default_factory=dict, description="how the sound was read")
    num_predictions: int = Field(default=0, ge=0, description="lines below the header")


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """What was said of one example.

    Args:
        id: of the example, or of the recording.
        recording_id: of the recording.
        outputs: the best first; one or more, each may be empty.
        scores: one for each output, or none.
        style: what the answer was to sound like.
    """

    id: str
    recording_id: str
    outputs: tuple[str, ...]
    scores: tuple[float, ...] = ()
    style: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TextPredictions:
    """A file of text predictions, read and checked."""

    path: Path
    header: TextPredictionsHeader
    rows: tuple[TextPrediction, ...]


def write_text_predictions(
    path: Path, facts: TextPredictionsHeader, rows: Sequence[TextPrediction]
) -> TextPredictionsHeader:
    """Check everything, then write it atomically.

    Args:
        facts: the header; its format and counts of predictions are filled in here.

    Raises:
        DatasetError: an id that stands twice in one style, no output, or scores that do not fit; nothing is written.
    """
    _check_rows(rows, path)
    predicted = len({row.recording_id for row in rows})
    header = facts.model_copy(
        update=file_header(KIND, VERSION)
        | {
            "num_predictions": len(rows),
            "dataset": facts.dataset.model_copy(update={"num_predicted": predicted}),
        }
    )
    write_jsonl(path, chain([header.model_dump(mode="json")], map(prediction_line, rows)))
    return header


def prediction_line(row: TextPrediction) -> dict[str, Any]:
    """One prediction as the object of its line."""
    line = {"id": row.id, "recording_id": row.recording_id, "outputs": list(row.outputs)}
    return line | {"scores": list(row.scores), "style": row.style}


def read_text_header(path: str | Path) -> TextPredictionsHeader:
    """The header alone.

    Raises:
        StorageError: there is no such file.
        UnknownVersion, DamagedFile: it cannot be used.
    """
    file = _file_of(path)
    return _header(next(islice(read_jsonl(file), 1), {}), file)


def read_text_predictions(path: str | Path) -> TextPredictions:
    """Read and check a file of text predictions; of a folder, the file FILE_NAME in it.

    Raises:
        StorageError: there is no such file.
        UnknownVersion, DamagedFile: it cannot be used, or ends before its time.
        DatasetError: an id that stands twice in one style, no output, or scores that do not fit.
    """
    file = _file_of(path)
    lines = read_jsonl(file)
    header = _header(next(lines, {}), file)
    rows = tuple(_row(line, f"{file}, prediction {number}") for number, line in enumerate(lines, start=1))
    if header.num_predictions and header.num_predictions != len(rows):
        raise DamagedFile(
            "The file of predictions has not as many as its header says.",
            where=file,
            expected=f"{header.num_predictions} lines below the header",
            found=len(rows),
            cause="it was cut off or edited",
            fix="predict again",
        )
    _check_rows(rows, file)
    return TextPredictions(file, header, rows)


def is_text_predictions(path: str | Path) -> bool:
    """Whether a path is a file of text predictions, or a folder with one, as far as its beginning says."""
    file = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    return f'"audiolect/{KIND}"'.encode() in head.split(b"\n", 1)[0]


def text_predictions_fingerprint(predictions: TextPredictions) -> str:
    """What was predicted: ids, styles and outputs in the order of ids; 32 hex digits, whatever the header says."""
    rows = sorted((row.id, row.style, *row.outputs) for row in predictions.rows)
    return fingerprint_bytes([json.dumps(rows, ensure_ascii=False).encode()])


def _file_of(path: str | Path) -> Path:
    file = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise StorageError(
            "There are no text predictions here.",
            where=path,
            expected=f"a {FILE_NAME}, as `audiolect predict` writes it",
            found="no such file",
            fix="audiolect predict RUN DATASET, or audiolect import predictions FILE.csv --dataset DATASET --out OUT",
        )
    return file


def _header(line: Mapping[str, Any], file: Path) -> TextPredictionsHeader:
    check_header(line, KIND, (VERSION,), file)
    try:
        return parse_config(dict(line), TextPredictionsHeader, file)
    except ConfigError as problem:
        raise DamagedFile(
            "The header of predictions cannot be used.",
            where=f"{file}:1",
            found=problem.found or problem.what,
            fix="undo the edit, or run the command in the header again",
        ) from problem


def _row(line: Mapping[str, Any], where: str) -> TextPrediction:
    known = {name: line.get(name) for name in _KEYS}
    texts = all(isinstance(known[name], str) for name in ("id", "recording_id"))
    outputs, scores, style = known["outputs"], known["scores"] or [], known["style"] or ""
    lists = isinstance(outputs, list) and all(isinstance(output, str) for output in outputs)
    lists = lists and isinstance(scores, list) and all(_is_number(score) for score in scores)
    if not texts or not lists or not isinstance(style, str) or set(line) - set(_KEYS):
        raise DamagedFile(
            "A line is no prediction.",
            where=where,
            expected='{"id": "…", "recording_id": "…", "outputs": ["…"], "scores": [], "style": ""}',
            found=json.dumps(line, ensure_ascii=False)[:120],
        )
    return TextPrediction(
        str(known["id"]), str(known["recording_id"]), tuple(outputs or ()), tuple(float(s) for s in scores), style
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_rows(rows: Iterable[TextPrediction], where: object) -> None:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if (row.id, row.style) in seen:
            raise DatasetError(
                "An example has two predictions.",
                where=f"{where}, {row.id!r}" + (f", style {row.style!r}" if row.style else ""),
                expected="each id once, or once in each style",
                cause="predictions of several runs were put into one file, or a stopped run was appended to",
                fix="keep one line for each, or predict again",
            )
        seen.add((row.id, row.style))
        if not row.outputs or (row.scores and len(row.scores) != len(row.outputs)):
            raise DatasetError(
                "A prediction has no output, or not one score for each.",
                where=f"{where}, {row.id!r}",
                expected="one output or more, and as many scores or none",
                found=f"{len(row.outputs)} outputs, {len(row.scores)} scores",
            )
        if not all(math.isfinite(score) for score in row.scores):
            raise DatasetError(
                "The score of an output is not finite.",
                where=f"{where}, {row.id!r}",
                found=row.scores,
                cause="the training diverged",
            )
