"""Shares and runs: scipy's Wilson and t intervals, by hand, and refused where they cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audiolect.errors import UsageError
from audiolect.metrics.uncertainty import over_runs, wilson_interval


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_is_scipys(share: tuple[int, int], level: float) -> None:
    got = wilson_interval(*share, level=level)
    expected = stats.binomtest(*share).proportion_ci(level, method="wilson")
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= got.low <= got.value <= got.high <= 1


def test_wilson_by_hand() -> None:
    got = wilson_interval(10, 10)
    assert (got.value, got.high) == (1.0, 1.0)
    assert got.low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(0.5, 0.99))
def test_runs_have_scipys_t_interval(values: list[float], level: float) -> None:
    got = over_runs(values, level=level)
    assert got.std is not None
    assert got.low is not None
    assert got.high is not None
    assert (got.mean, got.num_runs) == (pytest.approx(np.mean(values)), len(values))
    assert got.std == pytest.approx(np.std(values, ddof=1))
    if stats.sem(values) > 1e-9:
        expected = stats.t.interval(level, len(values) - 1, np.mean(values), stats.sem(values))
        assert (got.low, got.high) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_one_run_has_no_spread() -> None:
    got = over_runs([0.4])
    assert (got.mean, got.std, got.low, got.high, got.num_runs) == (0.4, None, None, None, 1)


def test_runs_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="There are no values"):
        over_runs(np.ones((2, 2)))
    with pytest.raises(UsageError, match="There are no values"):
        over_runs([])
    with pytest.raises(UsageError, match="not finite"):
        over_runs([0.5, np.nan])
    with pytest.raises(UsageError, match="level of an interval"):
        over_runs([1.0, 2.0], level=0)


@pytest.mark.parametrize(("successes", "total"), [(3, 2), (-1, 2), (0, 0)])
def test_what_is_no_share_is_refused(successes: int, total: int) -> None:
    with pytest.raises(UsageError, match="no share"):
        wilson_interval(successes, total)
