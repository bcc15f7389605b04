"""The normal and the t distribution against scipy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audiolect.errors import UsageError
from audiolect.metrics.distributions import normal_cdf, normal_quantile, student_t_cdf, student_t_quantile


@settings(deadline=None)
@given(st.floats(-30, 30))
def test_normal_cdf(value: float) -> None:
    assert normal_cdf(value) == pytest.approx(stats.norm.cdf(value), rel=1e-10, abs=1e-300)


@settings(deadline=None)
@given(st.floats(1e-12, 1 - 1e-12))
def test_normal_quantile(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), rel=1e-9, abs=1e-12)


def test_normal_quantile_at_the_ends() -> None:
    assert (normal_quantile(0), normal_quantile(1), normal_quantile(0.5)) == (-math.inf, math.inf, 0.0)


@settings(deadline=None)
@given(st.floats(-50, 50), st.one_of(st.integers(1, 200), st.floats(0.3, 3000)))
def test_student_t_cdf(value: float, degrees: float) -> None:
    assert student_t_cdf(value, degrees) == pytest.approx(stats.t.cdf(value, degrees), rel=1e-8, abs=1e-14)


@settings(deadline=None)
@given(st.floats(0.0005, 0.9995), st.integers(1, 500))
def test_student_t_quantile(probability: float, degrees: int) -> None:
    assert student_t_quantile(probability, degrees) == pytest.approx(
        stats.t.ppf(probability, degrees), rel=1e-8, abs=1e-10
    )


def test_student_t_by_hand() -> None:
    assert student_t_cdf(0.0, 3) == 0.5
    assert student_t_cdf(1.0, 1) == pytest.approx(0.75)  # the Cauchy distribution: 1/2 + arctan(1) / pi
    assert student_t_quantile(0.975, 4) == pytest.approx(2.776445, abs=1e-6)  # the tables' value
    assert student_t_quantile(0.975, 10**6) == pytest.approx(normal_quantile(0.975), abs=1e-5)


def test_what_is_no_probability_or_has_no_freedom_is_refused() -> None:
    with pytest.raises(UsageError, match="no probability"):
        normal_quantile(1.5)
    with pytest.raises(UsageError, match="between 0 and 1"):
        student_t_quantile(1.0, 3)
    with pytest.raises(UsageError, match="degrees of freedom above 0"):
        student_t_cdf(1.0, 0)
    with pytest.raises(UsageError, match="degrees of freedom above 0"):
        student_t_quantile(0.5, -1)
