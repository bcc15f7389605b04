"""Jackknife intervals: against the formula of a mean, on average precision, by blocks and groups, and refused."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.bootstrap import bootstrap_statistic
from audiolect.metrics.jackknife import jackknife_interval
from audiolect.metrics.multilabel import multilabel_scores

Ints = npt.NDArray[np.int64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def macro_ap(targets: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64], rows: Ints) -> float:
    names = [str(i) for i in range(targets.shape[1])]
    return multilabel_scores(targets[rows], scores[rows], names).macro_average_precision


def test_of_a_mean_it_is_students_interval() -> None:
    """Leaving one out, the jackknife of a mean is s / sqrt(n)."""
    values = np.array([1.0, 2.0, 4.0, 9.0])
    found = jackknife_interval(lambda rows: float(values[rows].mean()), 4, rng=rng(), is_share=False)
    half = 3.182446305284263 * values.std(ddof=1) / 2
    assert found.value == 4.0
    assert (found.low, found.high) == pytest.approx((4.0 - half, 4.0 + half), rel=1e-6)
    assert (found.method, found.num_groups) == ("jackknife of 4 blocks", 4)


def test_groups_are_left_out_whole() -> None:
    values, owners = np.array([1.0, 1.0, 2.0, 2.0, 6.0, 6.0]), list("aabbcc")
    seen = []

    def mean(rows: Ints) -> float:
        seen.append(tuple(rows.tolist()))
        return float(values[rows].mean())

    jackknife_interval(mean, 6, rng=rng(), groups=owners, is_share=False)
    assert set(seen) == {(0, 1, 2, 3, 4, 5), (2, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 3)}


def test_rare_classes_no_longer_put_the_value_beside_its_interval() -> None:
    """20 recordings, 60 classes of one or two positives: the case in which all draws with replacement lie above."""
    draws = rng(4)
    targets = np.zeros((20, 60), bool)
    for column in range(60):
        targets[draws.choice(20, 1 + column % 2, replace=False), column] = True
    scores = draws.standard_normal((20, 60))
    drawn = bootstrap_statistic(
        lambda rows: macro_ap(targets, scores, rows), 20, rng=rng(), num_resamples=200, method="percentile"
    )
    assert drawn.low > drawn.value
    found = jackknife_interval(partial(macro_ap, targets, scores), 20, rng=rng())
    assert found.value == drawn.value
    assert 0 < found.low < found.value < found.high < 1


def test_its_intervals_hold_what_sets_of_this_size_give() -> None:
    """95 of 100 would; 51 of 60 is nearly four standard deviations below."""
    draws = rng(1)
    shares = np.linspace(0.05, 0.3, 6)

    def one() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        targets = draws.random((40, 6)) < shares
        targets[0], targets[1] = True, False
        return targets, draws.standard_normal((40, 6)) + targets

    expected = np.mean([macro_ap(*one(), np.arange(40)) for _ in range(400)])
    held = 0
    for _ in range(60):
        found = jackknife_interval(partial(macro_ap, *one()), 40, rng=rng(), num_blocks=20)
        held += int(found.low <= expected <= found.high)
    assert held >= 51


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_at_the_ends_there_are_no_odds(value: float) -> None:
    values = np.full(5, value)
    found = jackknife_interval(lambda rows: float(values[rows].mean()), 5, rng=rng())
    assert (found.low, found.high) == (value, value)


@given(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=40), st.integers(2, 10))
def test_it_holds_the_value_and_stays_a_share(values: list[float], num_blocks: int) -> None:
    array = np.array(values)
    found = jackknife_interval(lambda rows: float(array[rows].mean()), len(array), rng=rng(), num_blocks=num_blocks)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert found.method == f"jackknife of {min(num_blocks, len(values))} blocks"


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="two or more recordings"):
        jackknife_interval(lambda rows: 0.5, 2, rng=rng(), groups=["a", "a"])
    with pytest.raises(UsageError, match=r"(?s)not a number.*without 1 of 3 blocks"):
        jackknife_interval(lambda rows: 0.5 if 0 in rows else math.nan, 3, rng=rng())
    with pytest.raises(UsageError, match=r"(?s)not a number.*of all rows"):
        jackknife_interval(lambda rows: math.nan, 3, rng=rng())
    with pytest.raises(UsageError, match="level"):
        jackknife_interval(lambda rows: 0.5, 3, rng=rng(), level=1.0)
