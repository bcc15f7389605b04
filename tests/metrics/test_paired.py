"""Paired tests against scipy's and slow ones, by group, and their errors under the null; Holm by its steps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audiolect.errors import UsageError
from audiolect.metrics.bootstrap import bootstrap_mean
from audiolect.metrics.paired import holm, paired_bootstrap, paired_permutation


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mean_difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean(a - b, axis=axis)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10**6), st.booleans())
def test_exact_permutation_is_scipys(count: int, seed: int, coarse: bool) -> None:
    a, b = rng(seed).random((2, count))
    if coarse:
        a, b = np.round(a), np.round(b)
    got = paired_permutation(a, b, rng=rng())
    expected = stats.permutation_test((a, b), mean_difference, permutation_type="samples", vectorized=True)
    assert got.p_value == pytest.approx(expected.pvalue)
    assert (got.difference, got.num_resamples) == (pytest.approx((a - b).mean()), 2**count)
    assert got.method == "paired permutation, exact"


def test_by_hand() -> None:
    # Three differences of 1: only all plus and all minus are as far from 0, 2 of 8.
    assert paired_permutation([2, 3, 4], [1, 2, 3], rng=rng()).p_value == 0.25


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_groups_change_their_signs_together(seed: int) -> None:
    a, b = rng(seed).random((2, 14))
    labels = np.concatenate([np.arange(5), rng(seed).integers(0, 5, 9)])
    got = paired_permutation(a, b, groups=labels, rng=rng())
    found = abs((a - b).mean())
    means = [abs(((a - b) * np.array(signs)[labels]).mean()) for signs in itertools.product((-1, 1), repeat=5)]
    assert got.p_value == pytest.approx(np.mean([mean >= found - 1e-12 for mean in means]))
    assert got.num_groups == 5


def test_random_signs_come_near_the_exact_p_value() -> None:
    a, b = rng(4).random((2, 12)) + np.array([[0.15], [0.0]])
    exact = paired_permutation(a, b, rng=rng(), num_resamples=5000)
    drawn = paired_permutation(a, b, rng=rng(), num_resamples=4000)
    assert exact.num_resamples == 4096
    assert (drawn.num_resamples, drawn.method) == (4000, "paired permutation")
    assert 0.02 < exact.p_value < 0.9
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.03)


def test_a_clear_difference_and_none() -> None:
    a = rng(1).random(80)
    for test in (paired_bootstrap, paired_permutation):
        assert test(a + 0.5 + 0.1 * rng(2).random(80), a, rng=rng()).p_value == 1 / 10000
        assert test(a, a, rng=rng()).p_value == 1.0


def test_the_order_of_the_systems_changes_the_sign_only() -> None:
    a, b = rng(3).random((2, 30))
    for test in (paired_bootstrap, paired_permutation):
        one, other = test(a, b, rng=rng(1)), test(b, a, rng=rng(1))
        assert one.difference == pytest.approx(-other.difference)
        assert one.p_value == other.p_value


def test_bootstrap_has_the_interval_of_the_differences() -> None:
    a, b = rng(3).random((2, 30))
    labels = np.arange(30) // 3
    got = paired_bootstrap(a, b, groups=labels, rng=rng(1), num_resamples=500, level=0.9, method="percentile")
    assert got.interval == bootstrap_mean(
        a - b, groups=labels, rng=rng(1), num_resamples=500, level=0.9, method="percentile"
    )
    assert (got.num_groups, got.num_resamples, got.method) == (10, 500, "paired bootstrap")


def test_bootstrap_p_value_is_that_of_the_slow_way() -> None:
    a, b = rng(3).random((2, 12)) + np.array([[0.1], [0.0]])
    draws, found = rng(9).integers(0, 12, (400, 12)), (a - b).mean()
    hits = sum(abs((a - b)[row].mean() - found) >= abs(found) for row in draws)
    got = paired_bootstrap(a, b, rng=rng(9), num_resamples=400)
    assert 0 < hits < 400
    assert got.p_value == (1 + hits) / 401


@pytest.mark.parametrize("test", [paired_bootstrap, paired_permutation])
def test_equal_systems_are_called_different_about_as_often_as_they_may(test: object) -> None:
    draws = rng(11)
    called = 0
    for _ in range(400):
        a, b = draws.random((2, 40))
        called += test(a, b, rng=draws, num_resamples=200).p_value <= 0.1  # type: ignore[operator]
    assert 0.06 <= called / 400 <= 0.16


def test_holm_by_hand() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({}) == {}
    assert holm({"a": 0.8, "b": 0.9}) == {"a": 1.0, "b": 1.0}


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.5))
def test_holm_refuses_what_its_steps_refuse(values: list[float], level: float) -> None:
    """The smallest is held against level / m, the next against level / (m - 1), until one fails."""
    named = {str(number): value for number, value in enumerate(values)}
    refused, left = set(), sorted(named, key=lambda name: named[name])
    while left and named[left[0]] * len(left) <= level:
        refused.add(left.pop(0))
    assert {name for name, value in holm(named).items() if value <= level} == refused


def test_what_cannot_be_is_refused() -> None:
    for test in (paired_bootstrap, paired_permutation):
        with pytest.raises(UsageError, match=r"not answered the same queries.\n.*\n  found: 2 and 3"):
            test([1, 2], [1, 2, 3], rng=rng())
        with pytest.raises(UsageError, match="not finite"):
            test([1, np.nan], [1, 2], rng=rng())
        with pytest.raises(UsageError, match="two or more recordings"):
            test([1, 2], [1, 2], groups=["x", "x"], rng=rng())
        with pytest.raises(UsageError, match="needs draws"):
            test([1, 2], [1, 2], rng=rng(), num_resamples=0)
    with pytest.raises(UsageError, match=r"no p-value.\n  where: b"):
        holm({"a": 0.5, "b": 1.5})
