from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.audio.windows import cut_windows, plan_windows
from audiolect.data.dataset import filter_dataset
from audiolect.errors import DatasetError, UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.evaluation import evaluation_batches


def made(**values: Any) -> BatchSettings:
    return BatchSettings(**{"rate_hz": 100, "crop_seconds": 2.0, "batch_size": 6, "threads": 0} | values)


def read(world: Any, config: BatchSettings, **arguments: Any) -> list[Batch]:
    with evaluation_batches(world.datasets[0], world.sources[0], config, **arguments) as stream:
        return list(stream)


def ids(batches: list[Batch]) -> list[str]:
    return [name for batch in batches for name in batch.example_ids]


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_exactly_once_over_ranks_and_threads(small_world: Any, data: st.DataObject) -> None:
    world_size = data.draw(st.integers(1, 9))
    budget = data.draw(
        st.sampled_from([{"batch_size": 1}, {"batch_size": 5}, {"batch_size": None, "batch_seconds": 19.0}])
    )
    config = made(
        policy=data.draw(st.sampled_from(["crop", "pad", "windows", "all_windows"])),
        threads=data.draw(st.sampled_from([0, 2])),
        look_ahead=data.draw(st.integers(1, 50)),
        last=data.draw(st.sampled_from(["keep", "drop"])),
        **budget,
    )
    shares = [read(small_world, config, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert sorted(name for share in shares for name in ids(share)) == sorted(f"birds/{index}" for index in range(37))
    assert len({len(share) for share in shares}) == 1
    for together in zip(*shares, strict=True):
        assert len({(batch.step, batch.position, batch.num_global) for batch in together}) == 1
        assert sum(map(len, together)) == together[0].num_global
    assert shares[0][-1].position == 37


def test_longest_first_and_nothing_drawn(small_world: Any, foretold: Any) -> None:
    batches = read(small_world, made(policy="pad"))
    lengths = [int(length) for batch in batches for length in batch.lengths]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) == 37
    for batch in read(small_world, made()):
        assert batch.entry_keys == ("birds",)
        assert batch.answer_index.tolist() == [0] * len(batch)
        assert [answers[0] for answers in batch.references] == list(batch.answers)
        for at in range(len(batch)):
            total, start, length = (int(x[at]) for x in (batch.num_samples, batch.starts, batch.lengths))
            assert (start, length) == (max(0, (total - 200) // 2), min(total, 200))
            row = small_world.sources[0].rows_of([batch.recording_ids[at]])[0]
            assert np.array_equal(batch.waveforms[at, :length], foretold(row, np.arange(start, start + length)))


@pytest.mark.parametrize("policy", ["windows", "all_windows"])
def test_windows_are_those_of_the_audio_room(small_world: Any, policy: str) -> None:
    config = made(
        policy=policy,
        window_seconds=1.5,
        window_overlap_seconds=0.75,
        max_windows=None if policy == "all_windows" else 5,
    )
    source = small_world.sources[0]
    num_rows = 0
    for batch in read(small_world, config):
        assert batch.windows is not None
        assert batch.window_mask is not None
        assert batch.windows.dtype == np.float32
        for at in range(len(batch)):
            num_rows += 1
            row = int(source.rows_of([batch.recording_ids[at]])[0])
            plan = plan_windows(
                int(source.num_samples[row]),
                window_samples=200 if policy == "all_windows" else 150,
                overlap_samples=0 if policy == "all_windows" else 75,
                max_windows=5 if policy == "windows" else 1000,
            )
            expected = np.full(batch.windows.shape[1:], 9.0, np.float32)
            cut_windows(source.read(row), plan, out=expected)
            assert np.array_equal(batch.windows[at], expected)
            assert batch.window_mask[at].tolist() == [i < plan.num_windows for i in range(batch.windows.shape[1])]
            assert batch.lengths[at] == plan.num_used_samples
    assert num_rows == 37


def test_recordings_are_read_once_each_without_texts(small_world: Any) -> None:
    batches = read(small_world, made(policy="pad"), of="recordings")
    names = [name for batch in batches for name in batch.recording_ids]
    assert sorted(names) == sorted(f"birds/{index}.wav" for index in range(37))
    (batch, *_) = batches
    assert (set(batch.example_ids), set(batch.prompts), set(batch.answers)) == ({""}, {""}, {""})
    assert set(batch.references) == {()}
    assert set(batch.answer_index.tolist()) == {-1}
    assert len(set(batch.recording_keys.tolist())) == len(batch)


def test_an_example_above_the_budget_is_a_batch_of_its_own(small_world: Any) -> None:
    batches = read(small_world, made(policy="pad", batch_size=None, batch_seconds=3.0))
    assert any(batch.waveforms.size > 300 for batch in batches)
    assert all(len(batch) == 1 or batch.waveforms.size <= 300 for batch in batches)


def test_an_empty_split_is_said(small_world: Any) -> None:
    nothing = filter_dataset(small_world.datasets[0], "split == 'test'")
    for unit in ("examples", "recordings"):
        with pytest.raises(DatasetError, match="empty split"):
            evaluation_batches(nothing, small_world.sources[0], made(), of=unit)  # type: ignore[arg-type]


def test_what_cannot_be_is_refused(small_world: Any) -> None:
    dataset, source = small_world.datasets[0], small_world.sources[0]
    with pytest.raises(DatasetError, match="absent"):
        evaluation_batches(dataset, small_world.sources[1], made())
    with pytest.raises(UsageError, match="another rate"):
        evaluation_batches(dataset, source, made(rate_hz=16000))
    with pytest.raises(UsageError, match="no such rank"):
        evaluation_batches(dataset, source, made(), rank=3, world_size=3)
    with pytest.raises(UsageError, match="unit of evaluation"):
        evaluation_batches(dataset, source, made(), of="files")  # type: ignore[arg-type]


def test_one_short_recording_is_padded(tmp_path: Path, world_of: Any) -> None:
    (batch,) = read(world_of(tmp_path, {"birds": [3]}), made())
    assert batch.waveforms.shape == (1, 200)
    assert batch.lengths.tolist() == [3]
    assert not batch.waveforms[0, 3:].any()
