from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.audio.augment_chain import ChainSettings, Step
from audiolect.errors import DatasetError, UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.batching import TrainingBatches
from audiolect.loader.examples import example_table
from audiolect.loader.group_keys import plain_words, text_keys
from audiolect.loader.permutation import draw_bits, draw_uniform, stream
from audiolect.loader.plan import Plan, PlanEntry
from audiolect.loader.schedules import Schedule


def made(**values: Any) -> BatchSettings:
    return BatchSettings(
        **{"rate_hz": 100, "crop_seconds": 2.0, "batch_size": 6, "look_ahead": 12, "threads": 0} | values
    )


def batches_of(world: Any, config: BatchSettings, epoch: int = 0, position: int = 0, **ranks: int) -> list[Batch]:
    loader = TrainingBatches(world.plan, world.entries, config, **ranks)
    with loader.epoch(epoch, position) as stream_of_batches:
        return list(stream_of_batches)


def row_facts(batch: Batch, at: int) -> tuple[Any, ...]:
    """All that a row is, as something that can be compared and counted."""
    window = None if batch.windows is None else batch.windows[at].tobytes()
    mask = None if batch.window_mask is None else batch.window_mask[at].tobytes()
    return (
        batch.entry_keys[batch.entry[at]],
        batch.example_ids[at],
        batch.recording_ids[at],
        batch.waveforms[at].tobytes(),
        *(
            int(values[at])
            for values in (
                batch.pass_index,
                batch.lengths,
                batch.starts,
                batch.num_samples,
                batch.answer_index,
                batch.recording_keys,
                batch.caption_keys,
            )
        ),
        window,
        mask,
        batch.prompts[at],
        batch.answers[at],
        batch.references[at],
        batch.options[at],
        batch.turns[at],
    )


def facts(batch: Batch) -> tuple[Any, ...]:
    rows = tuple(row_facts(batch, at) for at in range(len(batch)))
    return (batch.epoch, batch.step, batch.position, batch.num_global, rows)


def together(shares: list[Batch]) -> tuple[Any, ...]:
    """A global batch from the shares of all ranks, whatever the order of its rows."""
    (place,) = {(share.epoch, share.step, share.position, share.num_global) for share in shares}
    rows = Counter(row_facts(share, at) for share in shares for at in range(len(share)))
    return (*place, rows)


CONFIGS = (
    made(),
    made(batch_size=None, batch_seconds=11.0),
    made(policy="pad", max_seconds=6.0, batch_size=None, batch_seconds=20.0, pad_to_multiple=16),
    made(policy="pad", batch_size=5, last="drop"),
    made(policy="pad", batch_size=None, batch_seconds=3.0, last="drop"),
    made(policy="windows", window_seconds=1.5, window_overlap_seconds=0.5, max_windows=4, batch_size=7),
)


def slow_epoch(world: Any, config: BatchSettings, epoch: int) -> list[list[tuple[int, int]]]:
    """(entry, item) of each global batch, one example after the other."""
    seed, size, ahead = world.plan.seed, world.plan.epoch_size(epoch), config.look_ahead_examples
    result = []
    for number, begin in enumerate(range(0, size, ahead)):
        window = []
        for place, position in enumerate(range(begin, min(size, begin + ahead))):
            draw = world.plan.draws(epoch, np.array([position]))
            entry, item = int(draw.entry[0]), int(draw.item[0])
            table = world.entries[entry].table
            total = int(table.num_samples(np.array([item]))[0])
            if config.policy == "crop":
                length, cost = min(total, config.crop_samples), config.crop_samples
            elif config.policy == "pad":
                length = min(total, config.max_samples or total)
                cost = -(-length // config.pad_to_multiple) * config.pad_to_multiple
            else:
                step = config.window_samples - config.overlap_samples
                count = 1
                while count < (config.max_windows or 10**9) and (count - 1) * step + config.window_samples < total:
                    count += 1
                length, cost = min(total, (count - 1) * step + config.window_samples), count * config.window_samples
            tie = int(draw_bits(stream(seed, "ties", epoch, number), place))
            window.append((-length, tie, cost, (entry, item)))
        window.sort()
        cut: list[list[Any]] = []
        for _, _, cost, example in window:
            room = cut and (
                len(cut[-1]) < config.size
                if config.size is not None
                else (len(cut[-1]) + 1) * cut[-1][0][0] <= config.budget_samples
            )
            if room:
                cut[-1].append((cost, example))
            else:
                cut.append([(cost, example)])
        if config.last == "drop" and begin + ahead >= size:
            most = config.size if config.size is not None else max(1, (config.budget_samples or 0) // cut[-1][0][0])
            cut = cut[:-1] if len(cut[-1]) < most else cut
        key = stream(seed, "batches", epoch, number)
        order = sorted(range(len(cut)), key=lambda index: int(draw_bits(key, index)))
        result += [[example for _, example in cut[index]] for index in order]
    return result


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
@pytest.mark.parametrize("epoch", [0, 2])
def test_global_batches_are_those_of_a_slow_batcher(small_world: Any, config: BatchSettings, epoch: int) -> None:
    slow = slow_epoch(small_world, config, epoch)
    found = batches_of(small_world, config, epoch)
    names = [Counter(f"{'birds' if entry == 0 else 'cars'}/{item}" for entry, item in batch) for batch in slow]
    assert [Counter(batch.example_ids) for batch in found] == names
    assert [batch.step for batch in found] == list(range(len(slow)))
    assert [batch.position for batch in found] == np.cumsum([len(batch) for batch in slow]).tolist()
    assert TrainingBatches(small_world.plan, small_world.entries, config).num_batches(epoch) == len(slow)


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_every_row_is_what_the_front_door_says(small_world: Any, foretold: Any, config: BatchSettings) -> None:
    num_rows = 0
    for batch in batches_of(small_world, config, epoch=1):
        size = len(batch)
        assert batch.waveforms.dtype == np.float32
        for at in range(size):
            num_rows += 1
            name, index = batch.example_ids[at].split("/")
            table = small_world.entries[["birds", "cars"].index(name)].table
            row = int(table.source_rows[int(index)])
            start, length = int(batch.starts[at]), int(batch.lengths[at])
            assert np.array_equal(batch.waveforms[at, :length], foretold(row, np.arange(start, start + length)))
            assert not batch.waveforms[at, length:].any()
            assert batch.num_samples[at] == table.source.num_samples[row]
            assert start + length <= batch.num_samples[at]
            assert batch.recording_ids[at] == f"{batch.example_ids[at]}.wav" == table.source.recording_ids[row]
            assert batch.entry_keys[batch.entry[at]] == f"{name}-AudioCaptioning/train"
            count = 1 + int(index) % 3
            assert batch.references[at] == tuple(f"caption {place} of {name} {index}" for place in range(count))
            assert batch.answer_index[at] == batch.pass_index[at] % count
            assert batch.answers[at] == batch.references[at][batch.answer_index[at]]
            assert batch.prompts[at] == f"describe {index}"
            assert (batch.options[at], batch.turns[at]) == ((), ())
            assert batch.recording_keys[at] == text_keys([batch.recording_ids[at]])[0]
            assert batch.caption_keys[at] == text_keys([plain_words(batch.answers[at])])[0]
        if config.policy == "crop":
            assert batch.waveforms.shape == (size, 200)
        if config.policy == "pad":
            assert batch.waveforms.shape[1] % config.pad_to_multiple == 0
            assert batch.waveforms.shape[1] - batch.lengths.max() < config.pad_to_multiple
        assert batch.audio_seconds == batch.lengths.sum() / 100
    assert num_rows > 40


def test_batches_stay_within_a_budget_of_seconds(small_world: Any) -> None:
    for config in (CONFIGS[1], CONFIGS[2]):
        batches = batches_of(small_world, config)
        assert batches
        assert all(batch.waveforms.size <= config.budget_samples for batch in batches)
    # Nothing limits the length here: recordings of up to 9 s and a budget of 3 s.
    alone = [batch for batch in batches_of(small_world, CONFIGS[4]) if batch.waveforms.size > 300]
    assert alone
    assert all(len(batch) == 1 for batch in alone)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_exactly_once_over_ranks_threads_and_resumes(small_world: Any, data: st.DataObject) -> None:
    config = data.draw(st.sampled_from(CONFIGS))
    config = config.model_copy(update={"look_ahead": data.draw(st.integers(1, 40))})
    epoch = data.draw(st.integers(0, 2))
    whole = [together([batch]) for batch in batches_of(small_world, config, epoch)]
    position, seen = 0, []
    while len(seen) < len(whole):
        world_size = data.draw(st.integers(1, 8))
        update = {"threads": data.draw(st.sampled_from([0, 1, 3])), "depth": data.draw(st.integers(1, 5))}
        here = config.model_copy(update=update)
        taken = data.draw(st.integers(1, len(whole) - len(seen)))
        streams = [
            TrainingBatches(small_world.plan, small_world.entries, here, rank=rank, world_size=world_size).epoch(
                epoch, position
            )
            for rank in range(world_size)
        ]
        for _ in range(taken):
            shares = [next(one) for one in streams]
            seen.append(together(shares))
            position = shares[0].position
        for one in streams:
            one.close()
    assert seen == whole
    drawn = sum(count for *_, rows in whole for count in rows.values())
    size = small_world.plan.epoch_size(epoch)
    assert drawn == position
    assert drawn == size if config.last == "keep" else drawn <= size
    assert batches_of(small_world, config, epoch, position) == []
    assert batches_of(small_world, config, epoch, size) == []


@pytest.mark.parametrize("config", CONFIGS[:3], ids=range(3))
def test_threads_change_nothing(small_world: Any, config: BatchSettings) -> None:
    alone = [facts(batch) for batch in batches_of(small_world, config)]
    assert alone
    for threads in (1, 2, 4):
        assert [facts(b) for b in batches_of(small_world, config.model_copy(update={"threads": threads}))] == alone


def test_reading_is_done_by_the_threads(small_world: Any) -> None:
    (source, _) = small_world.sources
    source.threads.clear()
    batches_of(small_world, made(threads=2, batch_size=1))
    assert 1 <= len(source.threads) <= 2


PROGRAM = """
import hashlib, importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("invented", sys.argv[1])
invented = importlib.util.module_from_spec(spec)
sys.modules["invented"] = invented
spec.loader.exec_module(invented)
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.batching import TrainingBatches
rank, world_size = int(sys.argv[3]), int(sys.argv[4])
lengths = {"birds": list(range(40, 700, 30)), "cars": [30, 60, 90]}
world = invented.make_world(Path(sys.argv[2]), lengths)
config = BatchSettings(rate_hz=100, crop_seconds=2.0, batch_size=6, look_ahead=12)
for batch in TrainingBatches(world.plan, world.entries, config, rank=rank, world_size=world_size).epoch(1):
    rows = [
        [batch.example_ids[at], int(batch.starts[at]), batch.answers[at], int(batch.recording_keys[at]),
         hashlib.sha256(batch.waveforms[at].tobytes()).hexdigest()]
        for at in range(len(batch))
    ]
    print(json.dumps([batch.step, batch.position, rows]))
"""


def test_two_processes_read_what_one_reads(tmp_path: Path) -> None:
    def run(rank: int, world_size: int) -> list[Any]:
        place = Path(__file__).parent / "conftest.py"
        folder = tmp_path / f"{rank}-{world_size}"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(place), str(folder), str(rank), str(world_size)],
            capture_output=True,
            text=True,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    alone, first, second = run(0, 1), run(0, 2), run(1, 2)
    assert len(alone) == 5  # 25 examples, 6 at a time
    for (step, position, rows), one, other in zip(alone, first, second, strict=True):
        assert (one[0], one[1], other[0], other[1]) == (step, position, step, position)
        assert sorted(rows) == sorted(one[2] + other[2])
        assert abs(len(one[2]) - len(other[2])) <= 1


def test_a_share_may_be_empty_and_every_rank_has_every_step(small_world: Any) -> None:
    config = made(batch_size=3, policy="windows", window_seconds=1.0)
    shares = [batches_of(small_world, config, rank=rank, world_size=5) for rank in range(5)]
    assert {len(of_rank) for of_rank in shares} == {19}
    empty = shares[4][0]
    assert (len(empty), empty.waveforms.shape[0], empty.num_global, empty.example_ids) == (0, 0, 3, ())
    assert empty.waveforms.shape[1] == shares[0][0].waveforms.shape[1]
    assert empty.windows is not None
    assert shares[0][0].windows is not None
    assert empty.windows.shape[1:] == shares[0][0].windows.shape[1:]


def test_lengths_are_alike_over_ranks(small_world: Any) -> None:
    config = made(policy="pad", batch_size=8, look_ahead=64)
    one, other = (batches_of(small_world, config, rank=rank, world_size=2) for rank in (0, 1))
    longest = [(a.lengths.max(), b.lengths.max()) for a, b in zip(one, other, strict=True) if len(b)]
    assert len(longest) == 7  # 57 examples: the last one has no partner
    assert max(abs(int(a) - int(b)) for a, b in longest) < 120


def test_crops_differ_from_pass_to_pass_and_from_epoch_to_epoch(small_world: Any) -> None:
    starts = [
        {
            batch.example_ids[at]: int(batch.starts[at])
            for batch in batches_of(small_world, made(), e)
            for at in range(len(batch))
        }
        for e in range(3)
    ]
    long = [name for name in starts[0] if len({places[name] for places in starts}) > 1]
    assert len(long) > 15


def test_a_crop_is_drawn_from_seed_epoch_example_pass_and_answer(small_world: Any) -> None:
    (batch, *_) = batches_of(small_world, made(), epoch=2)
    keys = draw_bits(stream(7, "examples", 2), text_keys(batch.example_ids))
    keys = draw_bits(draw_bits(keys, batch.pass_index), batch.answer_index)
    room = np.maximum(batch.num_samples - 200, 0)
    assert batch.starts.tolist() == np.floor(draw_uniform(keys, 0) * (room + 1)).astype(int).tolist()


def test_a_batch_keeps_its_memory_for_as_long_as_it_is_held(tmp_path: Path, world_of: Any) -> None:
    world = world_of(tmp_path, {"birds": [30000] * 60})
    config = made(crop_seconds=200.0, batch_size=15, threads=2, depth=1)
    kept, digests = [], []
    for epoch in range(3):
        for batch in batches_of(world, config, epoch):
            kept.append(batch.waveforms[3:5])
            digests.append(hashlib.sha256(kept[-1].tobytes()).hexdigest())
    assert len(kept) == 12
    assert [hashlib.sha256(view.tobytes()).hexdigest() for view in kept] == digests


def test_augmentations_come_from_the_example_not_from_its_place(small_world: Any) -> None:
    chain = ChainSettings(0.8, (Step("gain", 0.6, {"gain_db": (-6.0, -1.0)}), Step("mix", 0.5)))
    entries = [replace(entry, chain=chain) for entry in small_world.entries]
    world = replace(small_world, entries=entries)
    plain = {row[1]: row for b in batches_of(small_world, made()) for row in facts(b)[4]}
    one = {row[1]: row for b in batches_of(world, made()) for row in facts(b)[4]}
    other = {row[1]: row for b in batches_of(world, made(batch_size=1, threads=3)) for row in facts(b)[4]}
    assert one == other
    changed = [name for name in plain if plain[name][3] != one[name][3]]
    assert 0.3 * len(plain) < len(changed) < len(plain)
    assert all(plain[name][4:] == one[name][4:] for name in plain)


def test_prefixes_stand_before_the_prompts_that_have_them(small_world: Any) -> None:
    first, second = small_world.entries
    odd = replace(first, prefix="The task is birds. ", has_prefix=lambda rows, passes: (rows + passes) % 2 == 1)
    for epoch in (0, 1):
        rows = [
            (batch.example_ids[at], batch.prompts[at], int(batch.pass_index[at]))
            for batch in batches_of(replace(small_world, entries=[odd, second]), made(), epoch)
            for at in range(len(batch))
        ]
        assert len(rows) == 57
        for name, prompt, number in rows:
            kind, index = name.split("/")
            has = kind == "birds" and (int(index) + number) % 2 == 1
            assert prompt == ("The task is birds. " if has else "") + f"describe {index}"


def test_a_position_inside_a_batch_is_refused(small_world: Any) -> None:
    loader = TrainingBatches(small_world.plan, small_world.entries, made())
    with pytest.raises(UsageError, match=r"middle of a batch(.|\n)*18 or 24"):
        loader.epoch(0, 20)
    for position in (-6, 58):
        with pytest.raises(UsageError, match="0 to 57"):
            loader.epoch(0, position)
    with pytest.raises(UsageError, match="no such epoch"):
        loader.epoch(3)


def test_a_plan_of_other_data_is_refused(small_world: Any) -> None:
    with pytest.raises(UsageError, match="other data"):
        TrainingBatches(small_world.plan, small_world.entries[:1], made())


def test_other_rates_ranks_and_policies_are_refused(small_world: Any) -> None:
    with pytest.raises(UsageError, match="32000 Hz"):
        TrainingBatches(small_world.plan, small_world.entries, made(rate_hz=32000))
    for rank, world_size in ((2, 2), (-1, 2), (0, 0)):
        with pytest.raises(UsageError, match="no such rank"):
            TrainingBatches(small_world.plan, small_world.entries, made(), rank=rank, world_size=world_size)
    with pytest.raises(UsageError, match="for evaluation"):
        TrainingBatches(small_world.plan, small_world.entries, made(policy="all_windows"))


def test_a_recording_that_is_missing_is_said_at_once(small_world: Any) -> None:
    (dataset, _), (source, _) = small_world.datasets, small_world.sources
    part = replace(source, recording_ids=source.recording_ids[5:], num_samples=source.num_samples[5:])
    with pytest.raises(DatasetError, match="absent"):
        example_table(dataset, part)


def test_a_recording_that_cannot_be_read_is_raised_at_its_batch(tmp_path: Path, world_of: Any) -> None:
    world = world_of(tmp_path, {"birds": [300] * 30})
    names = [name for batch in batches_of(world, made(batch_size=1)) for name in batch.example_ids]
    world.sources[0].fails_at = int(world.entries[0].table.source_rows[int(names[11].split("/")[1])])
    for threads in (0, 2):
        loader = TrainingBatches(world.plan, world.entries, made(batch_size=1, threads=threads))
        with loader.epoch(0) as batches:
            assert [next(batches).example_ids[0] for _ in range(11)] == names[:11]
            with pytest.raises(DatasetError, match="cannot be read"):
                next(batches)


def test_an_epoch_that_draws_nothing_has_no_batches(small_world: Any) -> None:
    entries = [PlanEntry(entry.key, entry.num_items, Schedule.constant(1.0)) for entry in small_world.entries]
    plan = Plan(entries=entries, global_weight=Fraction(1, 100), epochs=9, seed=1)
    world = replace(small_world, plan=plan)
    assert plan.epoch_size(0) == 0
    assert batches_of(world, made()) == []
    assert sum(len(batch) for epoch in range(9) for batch in batches_of(world, made(), epoch)) == plan.total_size()


@pytest.mark.parametrize("threads", [0, 2])
def test_the_time_of_waiting_is_told(small_world: Any, threads: int) -> None:
    loader: Callable[..., Any] = TrainingBatches(small_world.plan, small_world.entries, made(threads=threads)).epoch
    with loader(0) as batches:
        assert batches.wait_seconds == 0
        next(batches)
        assert 0 < batches.wait_seconds < 5
