from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.loader.buckets import bucket_window, cut_sizes, share_of

LENGTHS = st.lists(st.integers(0, 500), min_size=0, max_size=60)


def bucketed(
    lengths: list[int], *, size: int | None = None, budget: int | None = None, key: int | None = 3, drop: bool = False
) -> list[list[int]]:
    array = np.array(lengths, np.int64)
    ties = np.array([(index * 7919) % 101 for index in range(len(lengths))], np.uint64)
    batches = bucket_window(
        array, array, size=size, budget_samples=budget, ties=ties, shuffle_key=key, drop_unfilled=drop
    )
    return [batch.tolist() for batch in batches]


def test_by_hand_a_number_of_examples() -> None:
    assert bucketed([5, 9, 1, 7, 3], size=2, key=None) == [[1, 3], [0, 4], [2]]


def test_by_hand_a_budget_of_samples() -> None:
    # The longest first: 2 of at most 9, 3 of at most 5 (and not 4), the rest.
    assert bucketed([5, 9, 1, 7, 3, 4], budget=18, key=None) == [[1, 3], [0, 5, 4], [2]]


def test_an_example_above_the_budget_is_a_batch_of_its_own() -> None:
    assert bucketed([5, 90, 5], budget=10, key=None) == [[1], [0, 2]]


def test_equal_lengths_go_by_the_tie_break() -> None:
    ties = np.array([8, 2, 5], np.uint64)
    same = np.array([4, 4, 4], np.int64)
    (batch,) = bucket_window(same, same, size=3, budget_samples=None, ties=ties, shuffle_key=None)
    assert batch.tolist() == [1, 2, 0]


def test_nothing_gives_no_batch() -> None:
    assert bucketed([], size=4) == []
    assert cut_sizes(np.empty(0, np.int64), size=4, budget_samples=None) == []


def test_an_unfilled_batch_is_dropped_when_asked() -> None:
    assert bucketed([5, 9, 1], size=2, key=None, drop=True) == [[1, 0]]
    assert bucketed([5, 9, 1, 2], size=2, key=None, drop=True) == [[1, 0], [3, 2]]
    assert bucketed([5, 5, 1], budget=10, key=None, drop=True) == [[0, 1]]  # 10 of length 1 would fit
    assert bucketed([5, 9], size=3, key=None, drop=True) == []


@given(LENGTHS, st.integers(1, 9), st.integers(0, 2**64 - 1))
def test_every_example_is_in_one_batch_whatever_the_key(lengths: list[int], size: int, key: int) -> None:
    batches = bucketed(lengths, size=size, key=key)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in batches)
    assert sorted(map(len, batches)) == sorted(map(len, bucketed(lengths, size=size, key=None)))


@given(LENGTHS, st.integers(1, 2000))
def test_batches_stay_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = bucketed(lengths, budget=budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = max(lengths[index] for index in batch) * len(batch)
        assert padded <= budget or len(batch) == 1


def test_the_key_shuffles_the_batches_and_leaves_them_whole() -> None:
    lengths = list(range(100))
    orders = {tuple(map(tuple, bucketed(lengths, size=5, key=key))) for key in range(20)}
    assert len(orders) == 20
    assert len({frozenset(order) for order in orders}) == 1


@given(st.integers(0, 40), st.integers(1, 9))
def test_ranks_share_a_batch_without_rest(count: int, world_size: int) -> None:
    batch = np.arange(100, 100 + count)
    shares = [share_of(batch, rank, world_size).tolist() for rank in range(world_size)]
    assert sorted(index for share in shares for index in share) == batch.tolist()
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_ranks_have_like_lengths_by_hand() -> None:
    """A batch goes from long to short: each rank gets some of both ends."""
    batch = np.array([90, 80, 70, 60, 50])
    assert [share_of(batch, rank, 2).tolist() for rank in range(2)] == [[90, 70, 50], [80, 60]]
    assert [share_of(batch, rank, 3).tolist() for rank in range(3)] == [[90, 60], [80, 50], [70]]


@pytest.mark.parametrize("size", [None, 3])
def test_cutting_against_a_slow_cutter(size: int | None) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        costs = np.sort(rng.integers(1, 50, rng.integers(1, 30)))[::-1]
        budget = int(rng.integers(1, 200))
        slow: list[list[int]] = []
        for cost in costs.tolist():
            fits = bool(slow) and (
                len(slow[-1]) < size if size is not None else (len(slow[-1]) + 1) * slow[-1][0] <= budget
            )
            if fits:
                slow[-1].append(cost)
            else:
                slow.append([cost])
        assert [taken for taken, _ in cut_sizes(costs, size=size, budget_samples=budget)] == [len(s) for s in slow]
