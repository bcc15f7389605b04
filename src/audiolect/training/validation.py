"""What a validation gives, and the fixed examples that it looks at.

Conventions: a set is all examples of one ``DATASET-Task/split`` in a fixed order with fixed crops; what is quarantined
is left out and counted. Over ranks each example is looked at once.

Public names: Validation, ValidationSet, validation_set, gather_objects, mean_over_ranks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl
import torch.distributed as dist

from audiolect.data.dataset import Dataset, filter_dataset
from audiolect.data.quarantine import find_quarantined, leave_out
from audiolect.errors import DatasetError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.evaluation import evaluation_batches
from audiolect.loader.mixture_settings import canonical_key
from audiolect.loader.prefetch import Prefetcher
from audiolect.loader.waveforms import WaveformSource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Validation:
    """What one set of examples gave.

    Args:
        metrics: name → value over all examples of all ranks.
        num_examples: how many.
        shown: some examples in detail, as plain values for the journal.
    """

    metrics: dict[str, float]
    num_examples: int
    shown: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class ValidationSet:
    """A set of fixed examples: its key, its rows, where its sound is, and what the quarantine took out."""

    key: str
    dataset: Dataset
    source: WaveformSource
    settings: BatchSettings
    num_quarantined: int

    def with_audio(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Shown rows with where their sound is, relative to the dataset's audio root, under ``audio``."""
        ids = [row["recording_id"] for row in rows]
        table = self.dataset.scan_recordings.select("recording_id", "path")
        paths = dict(table.filter(pl.col("recording_id").is_in(ids)).collect().iter_rows())
        return [{**row, "audio": paths.get(row["recording_id"])} for row in rows]

    def batches(self, rank: int, world_size: int) -> Prefetcher[Batch]:
        """All examples, as one rank reads them."""
        return evaluation_batches(
            self.dataset, self.source, self.settings, key=self.key, rank=rank, world_size=world_size
        )


def validation_set(
    text: str, dataset: Dataset, source: WaveformSource, settings: BatchSettings, *, keep_quarantined: bool = False
) -> ValidationSet:
    """The examples of a key.

    Args:
        text: ``DATASET-Task/split``.
        dataset: the dataset of that name, whole.
        source: its sound.
        settings: how examples become batches.

    Raises:
        DatasetError: there are no such examples, or all are quarantined.
    """
    key = canonical_key(text)
    part = filter_dataset(dataset, f"task == {key.task!r} and split == {key.split!r}")
    if part.examples.is_empty():
        raise DatasetError(
            "A validation set is empty.",
            where=dataset.folder,
            expected=f"examples of {key}",
            found="none",
            cause="the dataset has no such task or split",
            fix=f"audiolect show {dataset.folder}",
        )
    found = None if keep_quarantined else find_quarantined(part)
    left = part if found is None else leave_out(part, found)
    gone = part.examples.height - left.examples.height
    return ValidationSet(str(key), left, source, settings, gone)


def gather_objects(mine: T) -> list[T]:
    """What every rank holds, in the order of the ranks; the same list on all."""
    if not (dist.is_available() and dist.is_initialized()):
        return [mine]
    gathered: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, mine)
    return gathered


def mean_over_ranks(total: float, count: int) -> float:
    """The true mean of what all ranks have summed and counted: not the mean of their means. NaN where there is nothing.

    Every rank calls, and every rank gets the same.
    """
    parts = gather_objects((total, count))
    number = sum(part for _, part in parts)
    return sum(part for part, _ in parts) / number if number else float("nan")
