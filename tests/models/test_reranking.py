"""Candidates in another order: by hand, the ends of the weight, and invariants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.models.reranking import rerank, rerank_all

NUMBERS = st.floats(-100, 100)


def test_by_hand() -> None:
    # standardised: scores 1.22, 0, -1.22; similarities -0.71, -0.71, 1.41
    assert rerank([-1.0, -2.0, -3.0], [0.2, 0.2, 0.5]) == [0, 2, 1]
    assert rerank([-1.0, -2.0, -3.0], [0.2, 0.2, 0.5], weight=0.0) == [0, 1, 2]
    assert rerank([-1.0, -2.0, -3.0], [0.2, 0.2, 0.5], weight=1.0) == [2, 0, 1]
    assert rerank([], []) == []
    assert rerank([3.0], [0.1]) == [0]
    assert rerank_all([[1.0, 2.0], [1.0]], [[0.0, 0.0], [9.0]]) == [[1, 0], [0]]


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8), st.floats(0, 1), st.floats(0.1, 10))
def test_units_change_nothing(pairs: list[tuple[float, float]], weight: float, unit: float) -> None:
    scores, likeness = [one for one, _ in pairs], [round(other) for _, other in pairs]
    order = rerank(scores, likeness, weight=1.0)
    assert sorted(order) == list(range(len(pairs)))
    assert order == rerank(scores, [4 * one + 7 for one in likeness], weight=1.0)
    assert len(rerank(scores, likeness, weight=weight)) == len(pairs)


def test_bad_input_gets_a_letter() -> None:
    for scores, likeness, weight in (([1.0], [], 0.5), ([1.0], [1.0], 2.0), ([float("nan")], [1.0], 0.5)):
        with pytest.raises(UsageError, match="cannot be ranked"):
            rerank(scores, likeness, weight=weight)
    with pytest.raises(UsageError, match="other recordings"):
        rerank_all([[1.0]], [])
