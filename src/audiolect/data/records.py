"""The two tables of a dataset: recordings and examples, as schemas and as typed rows.

Conventions: a Recording is one span of one audio file; an Example is one thing asked of a recording and its answers.
Times are integers of samples with a rate. Ids are made of corpus and relative name, never of a machine's path. Paths
are relative to the audio root, with forward slashes. A missing text is null, a missing list is empty. A recording whose
audio nobody has looked at has the codec NO_CODEC, the size 0, one channel and no hash; its length is what a table says.

Public names: Recording, Example, Turn, RECORDING_SCHEMA, EXAMPLE_SCHEMA, NO_CODEC, recordings_frame,
examples_frame, recording_rows, example_rows, turns_series, no_turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

NO_CODEC = "unknown"

RECORDING_SCHEMA: dict[str, Any] = {
    "recording_id": pl.String(),
    "path": pl.String(),
    "start_sample": pl.Int64(),
    "num_samples": pl.Int64(),
    "sample_rate_hz": pl.Int32(),
    "num_channels": pl.Int16(),
    "codec": pl.String(),
    "num_bytes": pl.Int64(),
    "pcm_hash": pl.String(),
    "source_id": pl.String(),
    "parent_id": pl.String(),
    "group": pl.String(),
    "split": pl.String(),
    "fold": pl.Int16(),
    "labels": pl.List(pl.String()),
    "title": pl.String(),
    "license": pl.String(),
}

EXAMPLE_SCHEMA: dict[str, Any] = {
    "example_id": pl.String(),
    "recording_id": pl.String(),
    "split": pl.String(),
    "task": pl.String(),
    "prompt": pl.String(),
    "answers": pl.List(pl.String()),
    "options": pl.List(pl.String()),
    "turns": pl.List(pl.Struct({"user": pl.String(), "assistant": pl.String()})),
    "shots": pl.List(pl.String()),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One span of one audio file, with what is known of it.

    ``start_sample`` and ``num_samples`` count samples of each channel at ``sample_rate_hz``. ``num_bytes`` is the size
    of the whole file. ``pcm_hash`` is ``audio.fingerprint.pcm_hash`` of the span, null where nobody has decoded it yet.
    ``source_id`` names the origin (``youtube:ID:START``, ``freesound:ID``); ``parent_id`` the recording that a
    synthetic one was made from; recordings of one ``group`` must stay in one split.
    """

    recording_id: str
    path: str
    num_samples: int
    sample_rate_hz: int
    num_channels: int
    codec: str
    num_bytes: int
    start_sample: int = 0
    pcm_hash: str | None = None
    source_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    split: str = "all"
    fold: int | None = None
    labels: tuple[str, ...] = ()
    title: str | None = None
    license: str | None = None

    @property
    def duration_seconds(self) -> float:
        """Length of the span in seconds."""
        return self.num_samples / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange of a dialogue."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Example:
    """One thing asked of a recording.

    ``task`` is a name of ``audiolect.tasks``; ``prompt`` is the bare question; ``answers`` holds every reference
    caption or every accepted answer; ``options`` the choices of a multiple-choice question, without their letters, of
    which each answer is one (``text.prompts`` writes them out); ``turns`` a dialogue; ``shots`` the ids of examples
    that stand before this one for in-context learning.
    """

    example_id: str
    recording_id: str
    split: str
    task: str
    prompt: str = ""
    answers: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    shots: tuple[str, ...] = ()


def recordings_frame(rows: Iterable[Recording]) -> pl.DataFrame:
    """The recordings as a table with exactly the columns of RECORDING_SCHEMA."""
    return _frame(rows, RECORDING_SCHEMA)


def examples_frame(rows: Iterable[Example]) -> pl.DataFrame:
    """The examples as a table with exactly the columns of EXAMPLE_SCHEMA."""
    return _frame(rows, EXAMPLE_SCHEMA)


def recording_rows(frame: pl.DataFrame) -> Iterator[Recording]:
    """The rows of a recordings table, typed."""
    for row in frame.select(list(RECORDING_SCHEMA)).iter_rows(named=True):
        row["labels"] = tuple(row["labels"])
        yield Recording(**row)


def example_rows(frame: pl.DataFrame) -> Iterator[Example]:
    """The rows of an examples table, typed."""
    for row in frame.select(list(EXAMPLE_SCHEMA)).iter_rows(named=True):
        for name in ("answers", "options", "shots"):
            row[name] = tuple(row[name])
        row["turns"] = tuple(Turn(**turn) for turn in row["turns"])
        yield Example(**row)


def turns_series(dialogues: Sequence[Sequence[tuple[str, str]]]) -> pl.Series:
    """The column ``turns``, one list for each dialogue."""
    if not any(dialogues):
        return no_turns(len(dialogues))
    flat = pl.DataFrame(
        {
            "row": [row for row, turns in enumerate(dialogues) for _ in turns],
            "user": [user for turns in dialogues for user, _ in turns],
            "assistant": [assistant for turns in dialogues for _, assistant in turns],
        },
        schema={"row": pl.Int64, "user": pl.String, "assistant": pl.String},
    )
    return _gathered(flat.select("row", turns=pl.struct("user", "assistant")), len(dialogues))


def no_turns(count: int) -> pl.Series:
    """The column ``turns`` where there are no dialogues."""
    return pl.repeat([], count, dtype=EXAMPLE_SCHEMA["turns"], eager=True).alias("turns")


def _frame(rows: Iterable[Any], schema: dict[str, Any]) -> pl.DataFrame:
    columns: dict[str, Any] = {name: [] for name in schema}
    for row in rows:
        for name, values in columns.items():
            values.append(getattr(row, name))
    for name, values in columns.items():
        # polars takes 45 µs for each row of a list of structs, even an empty one, and 10 µs for one of texts.
        if name == "turns":
            columns[name] = turns_series([[(turn.user, turn.assistant) for turn in turns] for turns in values])
        elif schema[name] == pl.List(pl.String()) and all(isinstance(value, tuple) for value in values):
            columns[name] = _texts_series(name, values)
    return pl.DataFrame(columns, schema=schema)


def _texts_series(name: str, lists: Sequence[Sequence[str]]) -> pl.Series:
    """A column of lists of texts."""
    flat = {"row": [row for row, texts in enumerate(lists) for _ in texts], name: [x for texts in lists for x in texts]}
    return _gathered(pl.DataFrame(flat, schema={"row": pl.Int64, name: pl.String}), len(lists))


def _gathered(flat: pl.DataFrame, num_rows: int) -> pl.Series:
    """The lists of a table that has one line for each element: ``row``, the number of its list, and the element."""
    name = flat.columns[1]
    lists = flat.group_by("row", maintain_order=True).agg(name)
    rows = pl.DataFrame({"row": pl.int_range(num_rows, eager=True)})
    column = rows.join(lists, on="row", how="left", maintain_order="left")[name]
    return column.to_frame().select(pl.col(name).fill_null(pl.lit([], dtype=column.dtype))).to_series()
