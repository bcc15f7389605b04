"""One rank's shares of global batches: texts and places looked up for many batches at once, sound read batch by batch.

Conventions: a share is every ``world_size``-th row of its global batch, its rows then brought together by the table
that they come from, so that each source is read once. Waveforms are as long, and windows as many, as the longest
recording of the whole global batch needs: the padding is the same on any number of ranks. What is looked up for many
batches is shared by their jobs and is never changed.

Public names: Rows, GlobalBatch, RowDraws, ShareContext, share_jobs, check_source_rates, check_rank.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audiolect.audio.augment_chain import ChainSettings
from audiolect.errors import UsageError
from audiolect.loader.augmenting import MixPartners, augment_row
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.buckets import share_of
from audiolect.loader.crops import padded_samples, span_lengths, span_starts, windows_of
from audiolect.loader.examples import ExampleTable, Texts, caption_keys, join_texts
from audiolect.loader.prefetch import Job
from audiolect.loader.recycled_arrays import ArrayPool

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n examples in numbers: arrays of (n,).

    ``table`` is an index into the tables of the context, ``row`` a row of that table, ``answer`` the index of the
    chosen answer or -1, ``num_samples`` the length of the recording.
    """

    entry: npt.NDArray[np.int32]
    pass_index: Ints
    table: Ints
    row: Ints
    answer: Ints
    num_samples: Ints

    def taken(self, indexes: Ints) -> Rows:
        """The rows at some indexes."""
        return Rows(
            self.entry[indexes],
            self.pass_index[indexes],
            self.table[indexes],
            self.row[indexes],
            self.answer[indexes],
            self.num_samples[indexes],
        )


@dataclass(frozen=True, slots=True, eq=False)
class GlobalBatch:
    """Which rows go together (indexes into Rows), and where in the epoch the batch stands (as in Batch)."""

    rows: Ints
    step: int
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class RowDraws:
    """What was drawn for n rows: where crops begin, the prompts that the rows get, the keys of augmentations."""

    uniforms: npt.NDArray[np.float64]
    prompts: list[str]
    keys: npt.NDArray[np.uint64]


DrawRows: TypeAlias = Callable[[Rows, Texts], RowDraws]


@dataclass(frozen=True, slots=True, eq=False)
class ShareContext:
    """What all batches of an iteration have in common.

    Args:
        tables: the examples of each dataset with their sound.
        entry_keys: the names of the entries.
        draw: what is drawn for rows in training; None: nothing is.
        chains: for each entry its augmentations, or None.
        partners: the recordings that may be mixed into those of an entry.
    """

    settings: BatchSettings
    tables: tuple[ExampleTable, ...]
    entry_keys: tuple[str, ...]
    epoch: int
    rank: int
    world_size: int
    pool: ArrayPool
    draw: DrawRows | None = None
    chains: tuple[ChainSettings | None, ...] = ()
    partners: Callable[[int], MixPartners] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Lookup:
    """The rows of this rank's shares, end to end, with all that can be said of them before their sound is read."""

    rows: Rows
    texts: Texts
    source_rows: Ints
    starts: Ints
    lengths: Ints
    recording_keys: Ints
    caption_keys: Ints
    keys: npt.NDArray[np.uint64] | None


@dataclass(frozen=True, slots=True)
class _Share:
    """Where one share stands in the look-up, and the shape that the global batch gives it."""

    begin: int
    end: int
    num_global: int
    num_samples: int
    num_windows: int
    step: int
    position: int


def check_source_rates(tables: Sequence[ExampleTable], settings: BatchSettings) -> None:
    """Refuse sources of another rate than the settings.

    Raises:
        UsageError: saying which rates.
    """
    rates = sorted({table.source.rate_hz for table in tables} - {settings.rate_hz})
    if rates:
        raise UsageError(
            "The waveforms have another rate than the batches.",
            where="rate_hz",
            expected=f"{settings.rate_hz} Hz",
            found=" and ".join(f"{rate} Hz" for rate in rates),
            fix=f"audiolect pack DATASET --rate-hz {settings.rate_hz}, or rate_hz: {rates[0]} in the settings",
        )


def check_rank(rank: int, world_size: int) -> None:
    """Refuse a rank that is not one of the ranks.

    Raises:
        UsageError: saying which ranks there are.
    """
    if not 0 <= rank < world_size:
        raise UsageError(
            "There is no such rank.", expected=f"0 to {world_size - 1} of {world_size}", found=f"rank {rank}"
        )


def share_jobs(context: ShareContext, rows: Rows, batches: Sequence[GlobalBatch]) -> list[Job[Batch]]:
    """For each global batch the job that reads this rank's share of it.

    Args:
        rows: of a look-ahead window, over all ranks.
        batches: of these rows, in the order in which they are used.
    """
    indexes, shares = [], []
    end = 0
    for batch in batches:
        share = share_of(batch.rows, context.rank, context.world_size)
        if len(context.tables) > 1:
            share = share[np.argsort(rows.table[share], kind="stable")]
        indexes.append(share)
        begin, end = end, end + len(share)
        lengths = rows.num_samples[batch.rows]
        shares.append(
            _Share(
                begin,
                end,
                len(batch.rows),
                padded_samples(context.settings, lengths),
                int(windows_of(context.settings, lengths).max(initial=0)) if context.settings.has_windows else 0,
                batch.step,
                batch.position,
            )
        )
    if not shares:
        return []
    lookup = _looked_up(context, rows.taken(np.concatenate(indexes)))
    return [partial(_read_share, context, lookup, share) for share in shares]


def _looked_up(context: ShareContext, rows: Rows) -> _Lookup:
    order = np.argsort(rows.table, kind="stable")
    source_rows, recording_keys = np.empty_like(rows.row), np.empty_like(rows.row)
    parts = []
    for index, table in enumerate(context.tables):
        here = order[rows.table[order] == index]
        if not len(here) and len(order):
            continue
        part = table.texts(rows.row[here], rows.answer[here])
        source_rows[here] = table.source_rows[rows.row[here]]
        recording_keys[here] = table.recording_keys(part.recording_ids)
        parts.append(part)
    texts = parts[0]
    if len(parts) > 1:
        texts = join_texts(parts, np.argsort(order, kind="stable"))
    drawn = context.draw(rows, texts) if context.draw is not None else None
    if drawn is not None:
        texts = replace(texts, prompts=drawn.prompts)
    return _Lookup(
        rows,
        texts,
        source_rows,
        span_starts(context.settings, rows.num_samples, drawn.uniforms if drawn is not None else None),
        span_lengths(context.settings, rows.num_samples),
        recording_keys,
        caption_keys(texts.answers),
        drawn.keys if drawn is not None else None,
    )


def _read_share(context: ShareContext, lookup: _Lookup, share: _Share) -> Batch:
    """Read the sound of a share and make its Batch."""
    here = slice(share.begin, share.end)
    rows, texts = lookup.rows, lookup.texts
    waveforms = _waveforms(context, lookup, share)
    windows, mask = None, None
    if context.settings.has_windows:
        windows, mask = _windows(context, waveforms, rows.num_samples[here], share.num_windows)
    return Batch(
        epoch=context.epoch,
        step=share.step,
        position=share.position,
        num_global=share.num_global,
        rate_hz=context.settings.rate_hz,
        entry_keys=context.entry_keys,
        entry=rows.entry[here].copy(),
        pass_index=rows.pass_index[here].copy(),
        example_ids=tuple(texts.example_ids[here]),
        recording_ids=tuple(texts.recording_ids[here]),
        waveforms=waveforms,
        lengths=lookup.lengths[here].copy(),
        starts=lookup.starts[here].copy(),
        num_samples=rows.num_samples[here].copy(),
        windows=windows,
        window_mask=mask,
        prompts=tuple(texts.prompts[here]),
        answers=tuple(texts.answers[here]),
        answer_index=rows.answer[here].copy(),
        references=tuple(texts.references[here]),
        options=tuple(texts.options[here]),
        turns=tuple(texts.turns[here]),
        recording_keys=lookup.recording_keys[here].copy(),
        caption_keys=lookup.caption_keys[here].copy(),
    )


def _waveforms(context: ShareContext, lookup: _Lookup, share: _Share) -> npt.NDArray[np.float32]:
    waveforms = context.pool.empty((share.end - share.begin, share.num_samples))
    for table, begin, end in _runs(context, lookup.rows.table, share):
        context.tables[table].source.read_into(
            waveforms[begin - share.begin : end - share.begin],
            lookup.source_rows[begin:end],
            lookup.starts[begin:end],
            lookup.lengths[begin:end],
        )
    if lookup.keys is not None and context.partners is not None and any(context.chains):
        for at in range(share.begin, share.end):
            entry = int(lookup.rows.entry[at])
            chain = context.chains[entry]
            if chain is not None:
                augment_row(
                    waveforms[at - share.begin, : lookup.lengths[at]],
                    int(lookup.keys[at]),
                    chain,
                    partial(context.partners, entry),
                    int(lookup.source_rows[at]),
                )
    return waveforms


def _runs(context: ShareContext, tables: Ints, share: _Share) -> list[tuple[int, int, int]]:
    """(table, begin, end) of the rows of a share that come from one table."""
    if share.begin == share.end:
        return []
    if len(context.tables) == 1:
        return [(0, share.begin, share.end)]
    inside = np.flatnonzero(np.diff(tables[share.begin : share.end])) + 1 + share.begin
    borders = [share.begin, *inside.tolist(), share.end]
    return [(int(tables[begin]), begin, end) for begin, end in itertools.pairwise(borders)]


def _windows(
    context: ShareContext, waveforms: npt.NDArray[np.float32], num_samples: Ints, num_windows: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """The windows of padded waveforms, as ``audio.windows.cut_windows`` cuts them, and which are real."""
    settings = context.settings
    size, step = settings.window_samples, settings.window_samples - settings.overlap_samples
    mask = np.arange(num_windows) < windows_of(settings, num_samples)[:, None]
    windows = context.pool.empty((len(waveforms), num_windows, size))
    for index in range(num_windows):
        windows[:, index] = waveforms[:, index * step : index * step + size]
    # Where windows overlap, those beyond a recording's last would hold its end once more.
    windows[~mask] = 0.0
    return windows, mask
