"""Weights as exact fractions, constant or by steps."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.loader.schedules import Schedule, exact


def test_a_decimal_is_the_fraction_that_is_written() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-7) == Fraction(1, 10_000_000)
    assert exact(3) == 3


def test_by_hand() -> None:
    schedule = Schedule.of({50: 2.0, 0: 1.0})
    assert (schedule.at(0), schedule.at(49), schedule.at(50), schedule.at(1000)) == (1, 1, 2, 2)
    assert [schedule.total(epochs) for epochs in (0, 1, 50, 60)] == [0, 1, 50, 70]
    assert str(schedule) == "1 from epoch 0, then 2 from epoch 50"
    assert str(Schedule.constant(0.25)) == "0.25"


@given(st.dictionaries(st.integers(1, 40), st.decimals(0, 9, places=3).map(float), max_size=5), st.integers(0, 60))
def test_a_total_is_the_sum_over_epochs(steps: dict[int, float], epochs: int) -> None:
    schedule = Schedule.of({0: 0.3} | steps)
    assert schedule.total(epochs) == sum((schedule.at(epoch) for epoch in range(epochs)), Fraction(0))
    assert schedule.at(epochs) == Fraction(str(({0: 0.3} | steps)[max(s for s in {0, *steps} if s <= epochs)]))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_no_weight(weight: float) -> None:
    with pytest.raises(UsageError, match="finite number, 0 or more"):
        Schedule.constant(weight)


def test_a_negative_fraction_is_refused() -> None:
    with pytest.raises(UsageError, match="negative"):
        Schedule.constant(Fraction(-1, 2))


@pytest.mark.parametrize(("starts", "count"), [((), 0), ((1,), 1), ((0, 5, 5), 3), ((0, 7, 3), 3), ((0, 1), 1)])
def test_no_schedule(starts: tuple[int, ...], count: int) -> None:
    with pytest.raises(UsageError, match="ascending from epoch 0"):
        Schedule(starts, (Fraction(1),) * count)
