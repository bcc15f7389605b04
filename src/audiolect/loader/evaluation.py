"""Every example of a dataset, or every recording, exactly once: the batches of evaluation and inference.

    settings = BatchSettings(rate_hz=32000, policy="pad", batch_seconds=300.0)
    with evaluation_batches(filter_dataset(dataset, "split == 'test'"), source, settings) as stream:
        for batch in stream:
            ...

Conventions: longest first, so that what does not fit into memory fails at once; examples of equal length in the order
of the table. Nothing is drawn: crops are from the middle, prompts as they stand, the answer is the first reference.
Batches are those of ``batching.py``, with one entry named after the dataset; no rank gets an example that another has,
and nothing is repeated to fill a batch, so that a rank's share may be empty. ``last: drop`` has no effect.

Public names: evaluation_batches, UNITS.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from audiolect.data.dataset import Dataset
from audiolect.errors import DatasetError, unknown_name
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.buckets import bucket_window
from audiolect.loader.crops import span_costs, span_lengths
from audiolect.loader.examples import ExampleTable, example_table, recording_table
from audiolect.loader.prefetch import Group, Prefetcher
from audiolect.loader.recycled_arrays import ArrayPool
from audiolect.loader.shares import GlobalBatch, Rows, ShareContext, check_rank, check_source_rates, share_jobs
from audiolect.loader.waveforms import WaveformSource

UNITS = ("examples", "recordings")


def evaluation_batches(
    dataset: Dataset,
    source: WaveformSource,
    settings: BatchSettings,
    *,
    of: Literal["examples", "recordings"] = "examples",
    key: str | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> Prefetcher[Batch]:
    """The batches of a dataset, as one rank reads them.

    Args:
        dataset: all of it is read; ``filter_dataset`` gives a split.
        of: what a row is: an example, or a recording (whose rows have an empty example id and no texts).
        key: of the entry; None: the dataset's name.

    Raises:
        UsageError: the source has another rate than the settings, or a rank that cannot be.
        DatasetError: there is nothing to read, or the source lacks a recording.
        DamagedFile: the tables of the dataset cannot be read.
    """
    if of not in UNITS:
        raise unknown_name("unit of evaluation", of, UNITS)
    check_rank(rank, world_size)
    table = example_table(dataset, source) if of == "examples" else recording_table(dataset, source)
    check_source_rates([table], settings)
    if not len(table.frame):
        raise DatasetError(
            f"There are no {of} to evaluate.",
            where=dataset.folder,
            expected=f"one of the {of} or more",
            found="none",
            cause="an empty split, or a filter that nothing fulfils",
        )
    rows = _all_rows(table)
    batches = bucket_window(
        span_lengths(settings, rows.num_samples),
        span_costs(settings, rows.num_samples),
        size=settings.size,
        budget_samples=settings.budget_samples,
        ties=np.arange(len(rows.row), dtype=np.uint64),
        shuffle_key=None,
    )
    keys = (key or dataset.card.name,)
    context = ShareContext(settings, (table,), keys, 0, rank, world_size, ArrayPool(2 * settings.depth))
    return Prefetcher(_groups(context, rows, batches), threads=settings.threads, depth=settings.depth)


def _all_rows(table: ExampleTable) -> Rows:
    count = len(table.frame)
    row = np.arange(count)
    nothing = np.zeros(count, np.int64)
    has_answer = (table.frame["answers"].list.len() > 0).to_numpy()
    return Rows(np.zeros(count, np.int32), nothing, nothing, row, np.where(has_answer, 0, -1), table.num_samples(row))


def _groups(context: ShareContext, rows: Rows, batches: list[npt.NDArray[np.int64]]) -> Iterator[Group[Batch]]:
    """Some batches at a time, of about as many examples as a look-ahead window."""
    group: list[GlobalBatch] = []
    position = done = 0
    for step, batch in enumerate(batches):
        position += len(batch)
        group.append(GlobalBatch(batch, step, position))
        if position - done >= context.settings.look_ahead:
            yield partial(share_jobs, context, rows, group)
            group, done = [], position
    if group:
        yield partial(share_jobs, context, rows, group)
