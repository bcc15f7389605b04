"""The entries of a mixture, opened on their datasets: which rows they go over, and which answer each pass takes.

    (entry,) = open_entries(dataset, [EntryRequest(parse_dataset_key("soundworld-AudioCaptioning/train"))])
    rows, answer_index = entry.rows(draws.item, draws.pass_index, seed=7)

Conventions: rows count the examples of the dataset's table from 0, quarantined ones included, so that other tables of
the same dataset agree. Opening reads two columns, piece by piece, and keeps at most a byte for each row
(``row_index.py``). With ``captions="one"`` an item is an example; its passes go through all its answers, in an order of
their own for each example and each round, before one comes again. With ``"all"`` an item is an (example, answer) pair.
Several labels (family ``labels``) are together one answer, never drawn from, and stand for the item with index 0.
An example without answers (a dialogue) is one item, with answer index -1.

Public names: EntryRequest, EntryExamples, open_entries, count_splits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.data.quarantine import find_quarantined, own_list, read_quarantine
from audiolect.data.tables import collect_rows
from audiolect.loader.permutation import draw_bits, permute, stream
from audiolect.loader.row_index import Counts, RowIndex, row_index
from audiolect.tasks import DatasetKey, get_task

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """What an entry asks of its dataset: the task and split of ``key``, and ``captions``, ``"one"`` or ``"all"``."""

    key: DatasetKey
    captions: str = "one"


@dataclass(frozen=True, eq=False)
class EntryExamples:
    """An entry, opened.

    Args:
        key: what it asks for.
        dataset: where its examples are; whole.
        captions: ``"one"`` or ``"all"``.
        index: item → row.
        condition: the rows as a filter on the table of examples.
        num_quarantined: examples of the task and split that are left out.
    """

    key: DatasetKey
    dataset: Dataset
    captions: str
    index: RowIndex
    condition: pl.Expr
    num_quarantined: int

    @property
    def num_items(self) -> int:
        """N: how many items one pass goes over."""
        return self.index.num_items

    @property
    def num_examples(self) -> int:
        """How many examples the items belong to."""
        return self.index.num_rows

    def rows(self, items: Ints, pass_index: Ints, seed: int) -> tuple[Ints, Ints]:
        """The rows of some items, and which of their answers these passes take.

        Args:
            items: (n,) from 0 to ``num_items`` - 1.
            pass_index: (n,) the pass in which each is drawn.
            seed: that of the plan.

        Returns:
            (n,) rows of the table of examples; (n,) answers of these rows, -1 where there is none.
        """
        rows, place = self.index.locate(np.asarray(items, np.int64))
        if not _is_drawn_from(self.key):
            return rows, np.where(self._answer_counts[rows] > 0, 0, -1)
        counts = self._answer_counts[rows].astype(np.int64)
        if self.captions == "all":
            return rows, np.where(counts > 0, place, -1)
        if counts.max(initial=0) <= 1:
            return rows, counts - 1
        choices = np.maximum(counts, 1)
        cycle, turn = np.divmod(np.asarray(pass_index, np.int64), choices)
        key = draw_bits(draw_bits(stream(seed, "answers", str(self.key)), rows), cycle)
        return rows, np.where(counts > 0, permute(key, turn, choices), -1)

    def all_rows(self) -> Ints:
        """The rows of all examples of the entry, ascending; an array as long as they are many."""
        rows, place = self.index.locate(np.arange(self.num_items))
        first: Ints = rows[place == 0]
        return first

    def seconds(self) -> float:
        """How many seconds the recordings of one pass have in all; reads the tables.

        Raises:
            DamagedFile: a table cannot be read.
        """
        items = pl.col("answers").list.len().clip(lower_bound=1) if self._pairs else pl.lit(1)
        asked = self.dataset.scan_examples.filter(self.condition).select("recording_id", items=items)
        lengths = self.dataset.scan_recordings.select(
            "recording_id", seconds=pl.col("num_samples") / pl.col("sample_rate_hz")
        )
        weighed = asked.group_by("recording_id").agg(pl.col("items").sum()).join(lengths, on="recording_id")
        total = weighed.select((pl.col("items") * pl.col("seconds")).sum())
        return float(collect_rows(total, self.dataset.folder, streaming=True).item())

    @property
    def _pairs(self) -> bool:
        return self.captions == "all" and _is_drawn_from(self.key)

    @cached_property
    def _answer_counts(self) -> Counts:
        """How many answers each row of the table has; read when an answer is first asked for."""
        plan = self.dataset.scan_examples.select(pl.col("answers").list.len())
        return _narrow(collect_rows(plan, self.dataset.folder, streaming=True).to_series().to_numpy())


def open_entries(
    dataset: Dataset, requests: Sequence[EntryRequest], *, keep_quarantined: bool = False
) -> list[EntryExamples]:
    """Find the rows of some entries of one dataset; an entry may turn out to have none.

    What the dataset's check has quarantined is left out, with the examples of quarantined recordings.

    Args:
        dataset: as ``open_dataset`` gives it.
        requests: the entries.
        keep_quarantined: leave nothing out.

    Raises:
        UsageError: a task is not known.
        DatasetError: the quarantine list is of another dataset.
        UnknownVersion, DamagedFile: the list or a table cannot be read.
    """
    gone = None if keep_quarantined else _quarantined(dataset)
    columns: dict[str, pl.Expr] = {}
    conditions = []
    for number, request in enumerate(requests):
        matches = _matches(request.key)
        kept = matches if gone is None else matches & ~gone
        items = pl.col("answers").list.len().clip(lower_bound=1) if _pairs(request) else pl.lit(1, pl.UInt8)
        conditions.append(kept)
        columns[f"items{number}"] = pl.when(kept).then(items).otherwise(pl.lit(0, pl.UInt8))
        if gone is not None:
            columns[f"gone{number}"] = matches & gone
    frame = collect_rows(dataset.scan_examples.select(**columns), dataset.folder, streaming=True)
    return [
        EntryExamples(
            key=request.key,
            dataset=dataset,
            captions=request.captions,
            index=row_index(_narrow(frame[f"items{number}"].to_numpy())),
            condition=conditions[number],
            num_quarantined=0 if gone is None else int(frame[f"gone{number}"].sum()),
        )
        for number, request in enumerate(requests)
    ]


def count_splits(dataset: Dataset) -> dict[str, int]:
    """``Task/split`` → how many examples the dataset has of it, most first; what a letter says of a wrong key."""
    plan = dataset.scan_examples.group_by("task", "split").len()
    rows: list[tuple[Any, ...]] = collect_rows(plan, dataset.folder, streaming=True).rows()
    return {f"{task}/{split}": count for task, split, count in sorted(rows, key=lambda row: (-row[2], row[:2]))}


def _matches(key: DatasetKey) -> pl.Expr:
    return (pl.col("split") == key.split) & (pl.col("task") == get_task(key.task).name)


def _is_drawn_from(key: DatasetKey) -> bool:
    """Whether the answers of an example are so many ways to say it, not parts of one answer."""
    return get_task(key.task).family != "labels"


def _pairs(request: EntryRequest) -> bool:
    return request.captions == "all" and _is_drawn_from(request.key)


def _quarantined(dataset: Dataset) -> pl.Expr | None:
    """The examples that the check of the dataset leaves out, as a filter; None where there are none."""
    path = own_list(dataset)
    if path is None:
        find_quarantined(dataset)  # refuses the list of another dataset, and is content where there is no list
        return None
    named: dict[str, list[str]] = {"recording": [], "example": []}
    for entry in read_quarantine(path):
        named[entry.kind].append(entry.id)
    terms = [pl.col(f"{kind}_id").is_in(ids) for kind, ids in named.items() if ids]
    return pl.any_horizontal(terms) if terms else None


def _narrow(counts: npt.NDArray[Any]) -> Counts:
    """The same numbers in as few bytes as the largest needs."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
