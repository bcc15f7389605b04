"""A dataset's examples with their sound: for any rows, where the sound stands and what the texts say.

A table is made once for each dataset and source of waveforms. It knows the row of the source and the length of each
example's recording as arrays; texts are looked up for many rows at a time, because one look-up of a thousand rows costs
as much as a few of one row.

Conventions: rows count the examples of the dataset from 0, in the order of its table; -1 in place of an answer's index
stands for no answer. A table of recordings has one row for each recording, without texts.

Public names: ExampleTable, Texts, example_table, recording_table, join_texts, caption_keys, parents_of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.data.records import EXAMPLE_SCHEMA, RECORDING_SCHEMA
from audiolect.data.tables import collect_rows
from audiolect.errors import UsageError
from audiolect.loader.batch import Turns
from audiolect.loader.group_keys import origins_of, plain_words, text_keys
from audiolect.loader.waveforms import WaveformSource
from audiolect.tasks import TASKS

Ints = npt.NDArray[np.int64]

COLUMNS = ("example_id", "recording_id", "task", "prompt", "answers", "options", "turns")

# Tasks whose answers are parts of one: all labels that hold.
_JOINED_TASKS = tuple(task.name for task in TASKS.values() if task.family == "labels")


@dataclass(frozen=True, slots=True)
class Texts:
    """What the texts of n rows say, as lists of n, with the prompts as they stand in the dataset."""

    example_ids: list[str]
    recording_ids: list[str]
    prompts: list[str]
    answers: list[str]
    references: list[tuple[str, ...]]
    options: list[tuple[str, ...]]
    turns: list[Turns]


@dataclass(frozen=True, slots=True, eq=False)
class ExampleTable:
    """The examples of a dataset, joined with a source of waveforms.

    Args:
        frame: one row for each example, with the columns of COLUMNS.
        source: where their recordings are read.
        source_rows: (examples,) the source's row of each; -1 where nobody asked for the example.
        origins: recording id → id of its origin, of recordings that have a parent.
        blank: columns of lists that are empty in every row, of which nothing need be looked up.
        has_joined: whether there are tasks of which all labels together are the answer.
    """

    frame: pl.DataFrame
    source: WaveformSource
    source_rows: Ints
    origins: Mapping[str, str]
    blank: frozenset[str]
    has_joined: bool

    def num_samples(self, rows: Ints) -> Ints:
        """(n,) how long the recordings of these rows are, at the rate of the source."""
        return self.source.num_samples[self.source_rows[rows]]

    def texts(self, rows: Ints, answer_index: Ints) -> Texts:
        """What the texts of these rows say.

        Args:
            answer_index: (n,) chooses the answers; where all labels together are the answer, they are joined by commas.
        """
        part = self.frame[rows]
        references = self._text_lists(part, "answers")
        chosen = [
            answers[index] if index >= 0 else ""
            for answers, index in zip(references, answer_index.tolist(), strict=True)
        ]
        if self.has_joined:
            for at in part["task"].is_in(_JOINED_TASKS).arg_true().to_list():
                chosen[at] = ", ".join(references[at])
        return Texts(
            part["example_id"].to_list(),
            part["recording_id"].to_list(),
            part["prompt"].to_list(),
            chosen,
            references,
            self._text_lists(part, "options"),
            self._turns(part),
        )

    def recording_keys(self, recording_ids: Sequence[str]) -> Ints:
        """(n,) the keys of the origins of these recordings."""
        if not self.origins:
            return text_keys(recording_ids)
        return text_keys(self.origins.get(name, name) for name in recording_ids)

    def _text_lists(self, part: pl.DataFrame, name: str) -> list[tuple[str, ...]]:
        if name in self.blank:
            return [()] * len(part)
        return [tuple(texts) for texts in part[name].to_list()]

    def _turns(self, part: pl.DataFrame) -> list[Turns]:
        if "turns" in self.blank:
            return [()] * len(part)
        return [tuple((turn["user"], turn["assistant"]) for turn in turns) for turns in part["turns"].to_list()]


def caption_keys(answers: Sequence[str]) -> Ints:
    """(n,) the keys of the words of these answers."""
    return text_keys(map(plain_words, answers))


def example_table(
    dataset: Dataset, source: WaveformSource, *, used_rows: Ints | None = None, origins: Mapping[str, str] | None = None
) -> ExampleTable:
    """Join the examples of a dataset with a source.

    Args:
        used_rows: the examples whose recordings must be in the source; None: all.
        origins: of all datasets that are read together; None: those of this dataset.

    Raises:
        DatasetError: the source has no recording of an example.
        DamagedFile: the tables of the dataset cannot be read.
    """
    # In one piece: rows are gathered from many pieces at a third of the speed.
    frame = collect_rows(dataset.scan_examples.select(COLUMNS), dataset.folder).rechunk()
    ids = frame["recording_id"]
    source_rows = np.full(len(frame), -1, np.int64)
    if used_rows is None:
        source_rows[:] = source.rows_of(ids)
    elif len(used_rows):
        is_used = np.zeros(len(frame), np.bool_)
        is_used[used_rows] = True
        used = np.flatnonzero(is_used)
        source_rows[used] = source.rows_of(ids.gather(used))
    return _joined(frame, source, source_rows, parents_of(dataset) if origins is None else origins)


def recording_table(dataset: Dataset, source: WaveformSource) -> ExampleTable:
    """The recordings of a dataset, without texts, joined with a source.

    Raises:
        DatasetError: the source lacks a recording.
        DamagedFile: the tables of the dataset cannot be read.
    """
    ids = collect_rows(dataset.scan_recordings.select("recording_id"), dataset.folder)["recording_id"]
    empty: dict[str, Any] = {
        name: pl.repeat(
            [] if name in ("answers", "options", "turns") else "", len(ids), dtype=EXAMPLE_SCHEMA[name], eager=True
        )
        for name in COLUMNS
    }
    frame = pl.DataFrame({**empty, "recording_id": ids})
    return _joined(frame, source, source.rows_of(ids), parents_of(dataset))


def parents_of(*datasets: Dataset) -> Mapping[str, str]:
    """recording id → id of its origin, over some datasets.

    Raises:
        DatasetError: recordings are each other's parents.
    """
    columns = [name for name in RECORDING_SCHEMA if name in ("recording_id", "parent_id")]
    return origins_of(
        collect_rows(dataset.scan_recordings.select(columns).filter(pl.col("parent_id").is_not_null()), dataset.folder)
        for dataset in datasets
    )


def join_texts(parts: Sequence[Texts], order: Ints) -> Texts:
    """The texts of several tables, end to end, brought into an order: row i of the result is row ``order[i]``."""
    if not parts:
        raise UsageError("There are no texts to join.", expected="one table or more", found="none")
    indexes = order.tolist()
    joined: dict[str, list[Any]] = {}
    for field in fields(Texts):
        values = [value for part in parts for value in getattr(part, field.name)]
        joined[field.name] = [values[index] for index in indexes]
    return Texts(**joined)


def _joined(frame: pl.DataFrame, source: WaveformSource, source_rows: Ints, origins: Mapping[str, str]) -> ExampleTable:
    blank = frozenset(name for name in ("answers", "options", "turns") if not frame[name].list.len().sum())
    has_joined = bool(frame["task"].is_in(_JOINED_TASKS).any())
    return ExampleTable(frame, source, source_rows, origins, blank, has_joined)
