"""From a plan and packs to batches: the training's loader.

    entries = training_entries(mixture.entries, open_sources(mixture, settings.rate_hz))
    batches = TrainingBatches(mixture.plan, entries, settings, rank=0, world_size=1)
    with batches.epoch(3, position=0) as stream:
        for batch in stream:               # loader/batch.py says what is in it
            ...
            state = (batch.epoch, batch.position)
    print(stream.wait_seconds)

The positions of an epoch are cut into look-ahead windows of a constant size. Within a window, examples of like length
are put together to global batches, and these are shuffled (``buckets.py``). So the global batches are a function of the
plan, the settings, the seed and the epoch: ranks, threads and processes have no effect on them, and any of them is
found without those before it. A rank reads every ``world_size``-th example of each (``shares.py``); all ranks have the
same number of batches, of which some may be empty for some ranks.

The state is (epoch, position): resuming at the position of a batch gives the batches that would have followed, on any
number of ranks. Other positions are refused.

Conventions: the crop and the augmentations of an example are drawn from (seed, epoch, example id, pass, answer); its
place, its answer and its prefix are the plan's and the mixture's.

Public names: TrainingBatches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.loader.augmenting import MixPartners
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.buckets import bucket_window, cut_sizes
from audiolect.loader.crops import span_costs, span_lengths
from audiolect.loader.examples import ExampleTable, Texts
from audiolect.loader.group_keys import text_keys
from audiolect.loader.permutation import draw_bits, draw_uniform, stream
from audiolect.loader.plan import Plan
from audiolect.loader.prefetch import Group, Job, Prefetcher
from audiolect.loader.recycled_arrays import ArrayPool
from audiolect.loader.shares import (
    GlobalBatch,
    RowDraws,
    Rows,
    ShareContext,
    check_rank,
    check_source_rates,
    share_jobs,
)
from audiolect.loader.training_entries import TrainingEntry

Ints = npt.NDArray[np.int64]

_CROP, _AUGMENTATION = range(2)  # names of an example's draws


class TrainingBatches:
    """The batches of every epoch of a plan, as one rank reads them.

    Args:
        plan: which example stands where.
        entries: for each entry of the plan, in the plan's order.
        settings: how examples become batches.
        seed: chooses crops, augmentations and the order of batches; None: that of the plan.
        rank, world_size: which of how many ranks this is.

    Raises:
        UsageError: entries and plan differ, a source has another rate than the settings, a policy that is not for
            training, or a rank that cannot be.
    """

    def __init__(
        self,
        plan: Plan,
        entries: Sequence[TrainingEntry],
        settings: BatchSettings,
        *,
        seed: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        _check_entries(plan, entries)
        check_source_rates([entry.table for entry in entries], settings)
        check_rank(rank, world_size)
        if settings.policy == "all_windows":
            raise UsageError(
                "The policy all_windows is for evaluation.",
                expected="crop, pad or windows",
                found="all_windows",
                fix="policy: windows gives windows in training",
            )
        self._plan, self._entries, self._settings = plan, tuple(entries), settings
        self._seed = plan.seed if seed is None else seed
        self._rank, self._world_size = rank, world_size
        tables: list[ExampleTable] = []
        for entry in entries:
            if not any(entry.table is table for table in tables):
                tables.append(entry.table)
        self._tables = tuple(tables)
        self._table_of = np.array([[t is entry.table for t in tables].index(True) for entry in entries], np.int64)
        self._pool = ArrayPool(2 * settings.depth)
        self._partners = lru_cache(maxsize=None)(self._find_partners)
        self._known_step = (0, 0, 0)  # epoch, look-ahead window, batches of the epoch before it

    def epoch(self, epoch: int, position: int = 0) -> Prefetcher[Batch]:
        """The batches of an epoch from a position on, read ahead; none where the position is the end.

        Raises:
            UsageError: there is no such epoch, or the position is no border between two batches.
        """
        size = self._plan.epoch_size(epoch)
        self._check_position(epoch, position, size)
        return Prefetcher(
            self._groups(epoch, position, size), threads=self._settings.threads, depth=self._settings.depth
        )

    def num_batches(self, epoch: int) -> int:
        """How many batches an epoch has. With a budget in seconds, all lengths are looked at: 1 s for 1,000,000."""
        size = self._plan.epoch_size(epoch)
        return self._first_step(epoch, -(-size // self._settings.look_ahead_examples), size)

    def _groups(self, epoch: int, position: int, size: int) -> Iterator[Group[Batch]]:
        ahead = self._settings.look_ahead_examples
        for window in range(position // ahead, -(-size // ahead)):
            yield partial(self._window_jobs, epoch, window, position, size)

    def _window_jobs(self, epoch: int, window: int, position: int, size: int) -> list[Job[Batch]]:
        """The jobs of a look-ahead window, without the batches that end at the position or before it."""
        rows, indexes = self._window(epoch, window, size)
        first_step = self._first_step(epoch, window, size)
        self._known_step = (epoch, window + 1, first_step + len(indexes))
        batches, end = [], window * self._settings.look_ahead_examples
        for offset, batch in enumerate(indexes):
            end += len(batch)
            if end > position:
                batches.append(GlobalBatch(batch, first_step + offset, end))
        return share_jobs(self._context(epoch), rows, batches)

    def _window(self, epoch: int, window: int, size: int) -> tuple[Rows, list[Ints]]:
        """The examples of a look-ahead window in numbers, and its global batches."""
        rows = self._rows(epoch, window, size)
        ahead, settings = self._settings.look_ahead_examples, self._settings
        batches = bucket_window(
            span_lengths(settings, rows.num_samples),
            span_costs(settings, rows.num_samples),
            size=settings.size,
            budget_samples=settings.budget_samples,
            ties=draw_bits(stream(self._seed, "ties", epoch, window), np.arange(len(rows.row))),
            shuffle_key=stream(self._seed, "batches", epoch, window),
            drop_unfilled=settings.last == "drop" and (window + 1) * ahead >= size,
        )
        return rows, batches

    def _rows(self, epoch: int, window: int, size: int) -> Rows:
        ahead = self._settings.look_ahead_examples
        begin, end = window * ahead, min(size, (window + 1) * ahead)
        draws = self._plan.draws(epoch, np.arange(begin, end))
        row, answer, lengths = (np.empty(end - begin, np.int64) for _ in range(3))
        for index, entry in enumerate(self._entries):
            here = np.flatnonzero(draws.entry == index)
            if len(here):
                row[here], answer[here] = entry.find_rows(draws.item[here], draws.pass_index[here])
                lengths[here] = entry.table.num_samples(row[here])
        return Rows(draws.entry, draws.pass_index, self._table_of[draws.entry], row, answer, lengths)

    def _first_step(self, epoch: int, window: int, size: int) -> int:
        """How many batches the windows before this one have."""
        settings, ahead = self._settings, self._settings.look_ahead_examples
        if settings.size is not None:
            before = min(window * ahead, size)
            return before // settings.size if settings.last == "drop" else -(-before // settings.size)
        known_epoch, known_window, step = self._known_step
        if known_epoch != epoch or known_window > window:
            known_window, step = 0, 0
        for earlier in range(known_window, window):
            costs = np.sort(span_costs(settings, self._rows(epoch, earlier, size).num_samples))[::-1]
            sizes = cut_sizes(costs, size=None, budget_samples=settings.budget_samples)
            is_dropped = settings.last == "drop" and (earlier + 1) * ahead >= size and not sizes[-1][1]
            step += len(sizes) - is_dropped
        self._known_step = (epoch, window, step)
        return step

    def _check_position(self, epoch: int, position: int, size: int) -> None:
        ahead = self._settings.look_ahead_examples
        begin = position // ahead * ahead
        borders = [begin]
        if 0 <= position < size and position != begin:
            _, batches = self._window(epoch, position // ahead, size)
            borders = [begin, *(begin + np.cumsum([len(batch) for batch in batches])).tolist()]
        if 0 <= position <= size and (position in borders or position == size):
            return
        near = [*filter(lambda border: border < position, borders)][-1:] + [
            *filter(lambda border: border > position, borders)
        ][:1]
        raise UsageError(
            "An epoch cannot be resumed in the middle of a batch.",
            where=f"epoch {epoch}, position {position}",
            expected=f"a border between batches, such as {' or '.join(map(str, near))}"
            if 0 <= position <= size
            else f"0 to {size}",
            found=position,
            cause="the mixture, the seed or the settings of the batches are not those of the run that is resumed",
        )

    def _context(self, epoch: int) -> ShareContext:
        return ShareContext(
            self._settings,
            self._tables,
            tuple(entry.key for entry in self._entries),
            epoch,
            self._rank,
            self._world_size,
            self._pool,
            partial(self._draw, stream(self._seed, "examples", epoch)),
            tuple(entry.chain for entry in self._entries),
            self._partners,
        )

    def _draw(self, key: int, rows: Rows, texts: Texts) -> RowDraws:
        """What is drawn for examples, from a key of their own each."""
        keys = draw_bits(draw_bits(draw_bits(key, text_keys(texts.example_ids)), rows.pass_index), rows.answer)
        prompts = list(texts.prompts)
        for index, entry in enumerate(self._entries):
            if entry.has_prefix is not None:
                here = np.flatnonzero(rows.entry == index)
                for at in here[entry.has_prefix(rows.row[here], rows.pass_index[here])].tolist():
                    prompts[at] = entry.prefix + prompts[at]
        return RowDraws(draw_uniform(keys, _CROP), prompts, draw_bits(keys, _AUGMENTATION))

    def _find_partners(self, entry: int) -> MixPartners:
        """The recordings of an entry that are not empty, in the order of its examples, whatever that of the source."""
        here = self._entries[entry]
        items = np.arange(here.num_items)
        rows = here.table.source_rows[here.find_rows(items, np.zeros_like(items))[0]]
        rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
        source = here.table.source
        return source, rows[source.num_samples[rows] > 0]


def _check_entries(plan: Plan, entries: Sequence[TrainingEntry]) -> None:
    planned = [(entry.key, entry.num_items) for entry in plan.entries]
    opened = [(entry.key, entry.num_items) for entry in entries]
    if planned != opened:
        raise UsageError(
            "The plan was made for other data.",
            expected=", ".join(f"{key} with {count} items" for key, count in planned),
            found=", ".join(f"{key} with {count} items" for key, count in opened) or "no entries",
            fix="make the plan from the datasets as they are now",
        )
