from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audiolect.audio.augment_chain import ChainSettings, Step
from audiolect.errors import UsageError
from audiolect.loader.batch_settings import BatchSettings
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


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


def context_of(world: Any, rank: int = 0, world_size: int = 1, **more: Any) -> ShareContext:
    config = BatchSettings(rate_hz=100, policy="pad")
    tables = tuple(entry.table for entry in world.entries)
    return ShareContext(config, tables, ("birds", "cars"), 4, rank, world_size, ArrayPool(), **more)


def mixed_rows(world: Any) -> Rows:
    """Birds 0, cars 0, birds 1, cars 1, birds 2, cars 2."""
    table, row = ints(0, 1, 0, 1, 0, 1), ints(0, 0, 1, 1, 2, 2)
    lengths = [int(world.entries[t].table.num_samples(ints(r))[0]) for t, r in zip(table, row, strict=True)]
    return Rows(table.astype(np.int32), np.zeros(6, np.int64), table, row, np.zeros(6, np.int64), ints(*lengths))


BATCHES = [GlobalBatch(ints(5, 0, 3), 8, 53), GlobalBatch(ints(1, 2), 9, 55)]


def test_shares_by_hand(small_world: Any, foretold: Any) -> None:
    rows = mixed_rows(small_world)
    first, second = (job() for job in share_jobs(context_of(small_world), rows, BATCHES))
    # Brought together by table, in their order otherwise.
    assert first.example_ids == ("birds/0", "cars/2", "cars/1")
    assert second.example_ids == ("birds/1", "cars/0")
    assert (first.epoch, first.step, first.position, first.num_global) == (4, 8, 53, 3)
    assert first.entry.tolist() == [0, 1, 1]
    assert first.waveforms.shape == (3, int(rows.num_samples[ints(5, 0, 3)].max()))
    for batch in (first, second):
        for at, name in enumerate(batch.recording_ids):
            source = small_world.sources[int(batch.entry[at])]
            row = int(source.rows_of([name])[0])
            length = int(batch.lengths[at])
            assert length == batch.num_samples[at] == source.num_samples[row]
            assert np.array_equal(batch.waveforms[at, :length], foretold(row, np.arange(length)))
            assert not batch.waveforms[at, length:].any()


def test_ranks_take_every_other_row_with_the_padding_of_all(small_world: Any) -> None:
    rows = mixed_rows(small_world)
    one, other = ([job() for job in share_jobs(context_of(small_world, rank, 2), rows, BATCHES)] for rank in (0, 1))
    assert [batch.example_ids for batch in one] == [("cars/2", "cars/1"), ("cars/0",)]
    assert [batch.example_ids for batch in other] == [("birds/0",), ("birds/1",)]
    assert [a.waveforms.shape[1] for a in one] == [b.waveforms.shape[1] for b in other]


def test_what_is_drawn_replaces_prompts_and_places(small_world: Any) -> None:
    def draw(rows: Rows, texts: Any) -> RowDraws:
        prompts = [f"please {prompt}" for prompt in texts.prompts]
        return RowDraws(np.zeros(len(prompts)), prompts, np.zeros(len(prompts), np.uint64))

    (batch, _) = (job() for job in share_jobs(context_of(small_world, draw=draw), mixed_rows(small_world), BATCHES))
    assert batch.prompts == ("please describe 0", "please describe 2", "please describe 1")


def test_noise_is_added_to_what_a_recording_has_and_not_to_its_padding(small_world: Any) -> None:
    def draw(rows: Rows, texts: Any) -> RowDraws:
        return RowDraws(np.zeros(len(rows.row)), texts.prompts, np.arange(len(rows.row), dtype=np.uint64))

    rows, noisy = mixed_rows(small_world), ChainSettings(1.0, (Step("noise", 1.0),))
    (plain, _) = (job() for job in share_jobs(context_of(small_world), rows, BATCHES))
    context = context_of(small_world, draw=draw, chains=(noisy, None), partners=lambda _: None)
    (batch, _) = (job() for job in share_jobs(context, rows, BATCHES))
    lengths, width = batch.lengths.tolist(), batch.waveforms.shape[1]
    assert min(lengths) < width
    for at, length in enumerate(lengths):
        assert not batch.waveforms[at, length:].any()
        is_same = np.array_equal(batch.waveforms[at, :length], plain.waveforms[at, :length])
        assert is_same == (batch.entry[at] == 1)  # the second entry has no augmentations


def test_no_batches_have_no_jobs_and_an_empty_share_is_a_batch(small_world: Any) -> None:
    rows = mixed_rows(small_world)
    assert share_jobs(context_of(small_world), rows, []) == []
    jobs = share_jobs(context_of(small_world, rank=6, world_size=7), rows, BATCHES)
    assert [len(job()) for job in jobs] == [0, 0]
    assert jobs[0]().waveforms.shape[0] == 0


def test_rates_and_ranks_are_checked(small_world: Any) -> None:
    tables = [entry.table for entry in small_world.entries]
    check_source_rates(tables, BatchSettings(rate_hz=100))
    with pytest.raises(UsageError, match=r"16000 Hz(.|\n)*100 Hz"):
        check_source_rates(tables, BatchSettings(rate_hz=16000))
    check_rank(1, 2)
    with pytest.raises(UsageError, match="0 to 1 of 2"):
        check_rank(2, 2)
