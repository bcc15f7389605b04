"""Intervals: equal to scipy's where it has them, by group against a slow bootstrap, and as often right as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audiolect.errors import UsageError
from audiolect.metrics import bootstrap
from audiolect.metrics.bootstrap import bootstrap_mean, bootstrap_statistic, groups_of


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("ours", "theirs"), [("bca", "BCa"), ("percentile", "percentile")])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_means_have_scipys_intervals(ours: str, theirs: str, level: float) -> None:
    values = rng(1).exponential(size=60)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=2000, confidence_level=level, method=theirs, rng=rng(5)
    ).confidence_interval
    got = bootstrap_mean(values, rng=rng(5), num_resamples=2000, level=level, method=ours)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (got.value, got.level, got.method, got.num_groups) == (pytest.approx(values.mean()), level, ours, 60)


def test_a_median_has_scipys_interval() -> None:
    values = rng(2).gamma(2.0, size=41)
    expected = stats.bootstrap((values,), np.median, n_resamples=500, method="BCa", rng=rng(5)).confidence_interval
    got = bootstrap_statistic(lambda rows: float(np.median(values[rows])), 41, rng=rng(5), num_resamples=500)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["bca", "percentile"]))
def test_means_by_group_are_those_of_the_rows_of_the_groups_drawn(seed: int, method: str) -> None:
    values = rng(seed).random(30)
    labels = rng(seed + 1).choice(["a", "b", "c", "d"], 30)
    labels[:2] = ["a", "b"]
    fast = bootstrap_mean(values, groups=labels, rng=rng(3), num_resamples=200, method=method)
    slow = bootstrap_statistic(
        lambda rows: float(values[rows].mean()), 30, groups=labels, rng=rng(3), num_resamples=200, method=method
    )
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high))
    assert fast.num_groups == slow.num_groups == len(set(labels.tolist()))


def test_five_equal_captions_of_a_recording_are_one_observation() -> None:
    recordings = (rng(0).random(40) < 0.5).astype(float)
    captions = np.repeat(recordings, 5)
    alone = bootstrap_mean(recordings, rng=rng(1))
    grouped = bootstrap_mean(captions, groups=np.repeat(np.arange(40), 5), rng=rng(1))
    wrong = bootstrap_mean(captions, rng=rng(1))
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high))
    assert wrong.high - wrong.low < 0.6 * (grouped.high - grouped.low)


def test_the_size_of_the_blocks_of_draws_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = rng(0).random(17)
    expected = bootstrap_mean(values, rng=rng(1), num_resamples=300)
    monkeypatch.setattr(bootstrap, "_DRAWN_AT_ONCE", 50)
    assert bootstrap_mean(values, rng=rng(1), num_resamples=300) == expected
    assert bootstrap_mean(values, rng=rng(2), num_resamples=300) != expected


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_the_intervals_hold_the_truth_about_as_often_as_they_say(method: str) -> None:
    draws = rng(7)
    held = 0
    for _ in range(300):
        got = bootstrap_mean(draws.random(50) ** 2, rng=draws, num_resamples=400, level=0.9, method=method)
        held += got.low <= 1 / 3 <= got.high
    assert 0.83 <= held / 300 <= 0.95


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_values_that_are_all_the_same_give_a_point(method: str) -> None:
    got = bootstrap_mean(np.ones(9), rng=rng(), num_resamples=50, method=method)
    assert (got.value, got.low, got.high) == (1.0, 1.0, 1.0)


def test_one_value_far_out_keeps_the_ends_among_the_draws() -> None:
    values = np.zeros(200)
    values[0] = 1e6
    got = bootstrap_mean(values, rng=rng(), num_resamples=999, level=0.9999)
    assert 0 <= got.low <= got.value <= got.high <= 1e6


def test_groups_by_hand() -> None:
    groups = groups_of(["b", "a", "b", "c"], 4)
    assert groups.sizes.tolist() == [1, 2, 1]
    assert groups.sums(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [2.0, 4.0, 4.0]
    assert groups.members(np.array([1, 1, 2])).tolist() == [0, 2, 0, 2, 3]


def test_values_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match=r"not finite.\n  where: value 1 and 1 more"):
        bootstrap_mean([1.0, np.nan, np.inf], rng=rng())
    with pytest.raises(UsageError, match="There are no values"):
        bootstrap_mean([], rng=rng())
    with pytest.raises(UsageError, match="not one group for each value"):
        bootstrap_mean([1.0, 2.0], groups=["a"], rng=rng())
    with pytest.raises(UsageError, match="two or more recordings"):
        bootstrap_mean([1.0, 2.0], groups=["a", "a"], rng=rng())


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="needs draws"):
        bootstrap_mean([1.0, 2.0], rng=rng(), num_resamples=0)
    with pytest.raises(UsageError, match="level of an interval"):
        bootstrap_mean([1.0, 2.0], rng=rng(), level=95)
    with pytest.raises(UsageError, match="did you mean bca"):
        bootstrap_statistic(len, 4, rng=rng(), method="bcaa")


def test_a_statistic_that_some_draws_lack_is_refused_with_their_number() -> None:
    def only_with_row_0(rows: np.ndarray) -> float:
        return 1.0 if 0 in rows else math.nan

    with pytest.raises(UsageError, match=r"not a number.\n  where: of \d+ of 100 draws"):
        bootstrap_statistic(only_with_row_0, 5, rng=rng(), num_resamples=100)
    with pytest.raises(UsageError, match="where: of all rows"):
        bootstrap_statistic(lambda rows: math.nan, 5, rng=rng(), num_resamples=10)
