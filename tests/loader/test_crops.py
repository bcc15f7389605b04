from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.audio.windows import centre_start, plan_windows
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.crops import padded_samples, span_costs, span_lengths, span_starts, windows_of

SAMPLES = st.lists(st.integers(0, 3000), min_size=1, max_size=20)


def settings(**values: Any) -> BatchSettings:
    return BatchSettings(rate_hz=100, **values)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


def test_crops_by_hand() -> None:
    crop = settings(crop_seconds=2.0)
    total = ints(100, 200, 301)
    assert span_lengths(crop, total).tolist() == [100, 200, 200]
    assert span_costs(crop, total).tolist() == [200, 200, 200]
    assert span_starts(crop, total, None).tolist() == [0, 0, 50]
    assert span_starts(crop, total, np.array([0.5, 0.99, 0.0])).tolist() == [0, 0, 0]
    assert span_starts(crop, total, np.array([0.5, 0.99, 1.0])).tolist() == [0, 0, 101]
    assert padded_samples(crop, total) == 200


def test_whole_recordings_by_hand() -> None:
    pad = settings(policy="pad", max_seconds=3.0, pad_to_multiple=64)
    total = ints(0, 64, 65, 1000)
    assert span_lengths(pad, total).tolist() == [0, 64, 65, 300]
    assert span_costs(pad, total).tolist() == [0, 64, 128, 320]
    assert span_starts(pad, total, np.array([0.9] * 4)).tolist() == [0, 0, 0, 0]
    assert padded_samples(pad, total) == 320
    assert padded_samples(pad, ints()) == 0


def test_windows_by_hand() -> None:
    flamingo = settings(policy="windows", window_seconds=7.0, window_overlap_seconds=5.25, max_windows=16)
    total = ints(10, 700, 701, 5000)
    assert windows_of(flamingo, total).tolist() == [1, 1, 2, 16]
    assert span_lengths(flamingo, total).tolist() == [10, 700, 701, 15 * 175 + 700]
    assert span_costs(flamingo, total).tolist() == [700, 700, 1400, 16 * 700]
    assert padded_samples(flamingo, total) == 15 * 175 + 700


@given(SAMPLES, st.floats(0, 1))
def test_a_crop_lies_within_its_recording(total: list[int], uniform: float) -> None:
    crop = settings(crop_seconds=5.0)
    array = ints(*total)
    starts, lengths = span_starts(crop, array, np.full(len(total), uniform)), span_lengths(crop, array)
    assert np.all(starts >= 0)
    assert np.all(starts + lengths <= array)
    assert span_starts(crop, array, None).tolist() == [centre_start(number, 500) for number in total]


@given(SAMPLES, st.integers(1, 300), st.integers(0, 299), st.one_of(st.none(), st.integers(1, 9)))
def test_windows_are_those_of_the_audio_room(total: list[int], window: int, overlap: int, most: int | None) -> None:
    overlap = min(overlap, window - 1)
    made = settings(
        policy="windows", window_seconds=window / 100, window_overlap_seconds=overlap / 100, max_windows=most
    )
    plans = [
        plan_windows(number, window_samples=window, overlap_samples=overlap, max_windows=most or 10**6)
        for number in total
    ]
    array = ints(*total)
    assert windows_of(made, array).tolist() == [plan.num_windows for plan in plans]
    assert span_lengths(made, array).tolist() == [plan.num_used_samples for plan in plans]
    assert padded_samples(made, array) == max(plan.reach_samples for plan in plans)


@pytest.mark.parametrize("policy", ["crop", "pad", "windows", "all_windows"])
def test_costs_grow_with_lengths(policy: str) -> None:
    array = np.arange(0, 5000, 7)
    made = settings(policy=policy, crop_seconds=2.0, window_seconds=3.0)
    assert np.all(np.diff(span_costs(made, array)) >= 0)
    assert np.all(np.diff(span_lengths(made, array)) >= 0)
    assert np.all(span_costs(made, array) >= span_lengths(made, array))


def test_every_start_is_equally_likely() -> None:
    uniforms = np.random.default_rng(0).random(40000)
    starts = span_starts(settings(crop_seconds=1.0), np.full(40000, 109), uniforms)
    counts = np.bincount(starts, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 3700
    assert counts.max() < 4300
