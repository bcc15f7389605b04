"""Keyed permutations: bijections that look like shuffles, by counting and by slow arithmetic."""

from __future__ import annotations

import hashlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audiolect.errors import UsageError
from audiolect.loader.permutation import (
    MOST_INDEXES,
    ROUNDS,
    draw_below,
    draw_bits,
    draw_uniform,
    permute,
    stream,
    unpermute,
)

KEYS = st.integers(0, 2**64 - 1)
WORD = 2**64 - 1
# A seed is fixed, so a test either holds always or never: below this no chance would bring a good generator.
LEAST_P = 1e-4


def mixed(word: int) -> int:
    """The finaliser of SplitMix64 in Python's own whole numbers."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & WORD
    return word ^ (word >> 31)


def slow_permute(key: int, index: int, n: int) -> int:
    """The network as its front door describes it, one index at a time, with Python's own whole numbers."""
    square = math.isqrt(n - 1) + 1
    lefts, rights = min(
        ((-(-n // wide), wide) for wide in range(square, square + min(15, (square - 1) // 2) + 1)),
        key=lambda sides: sides[0] * sides[1],
    )
    while True:
        left, right = divmod(index, rights)
        for turn in range(ROUNDS):
            half, below = (left, rights) if turn % 2 else (right, lefts)
            word = ((half ^ mixed((key + (turn + 1) * 0x9E3779B97F4A7C15) & WORD)) * 0xBF58476D1CE4E5B9) & WORD
            word = ((word ^ (word >> 32)) * 0x94D049BB133111EB) & WORD
            added = ((word >> 32) * below) >> 32
            if turn % 2:
                right = (right + added) % rights
            else:
                left = (left + added) % lefts
        index = left * rights + right
        if index < n:
            return index


@given(KEYS, st.integers(1, 3000))
def test_every_index_comes_once(key: int, n: int) -> None:
    assert np.array_equal(np.sort(permute(key, np.arange(n), n)), np.arange(n))


@given(KEYS, st.integers(1, MOST_INDEXES), st.data())
def test_the_inverse_and_the_slow_network_agree(key: int, n: int, data: st.DataObject) -> None:
    indexes = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=20))
    places = permute(key, np.array(indexes), n)
    assert places.tolist() == [slow_permute(key, index, n) for index in indexes]
    assert unpermute(key, places, n).tolist() == indexes


def test_a_square_and_its_neighbours_at_the_far_end() -> None:
    for n in (MOST_INDEXES - 1, MOST_INDEXES, (1 << 24) ** 2 - (1 << 24) + 1, ((1 << 24) - 1) ** 2 + 1):
        indexes = np.array([0, 1, n // 2, n - 2, n - 1])
        places = permute(9, indexes, n)
        assert places.min() >= 0
        assert places.max() < n
        assert np.array_equal(unpermute(9, places, n), indexes)


def test_shapes_broadcast_and_blocks_do_not_show() -> None:
    keys = draw_bits(1, np.arange(3))
    table = permute(keys[:, None], np.arange(7)[None], 7)
    assert table.shape == (3, 7)
    for row, key in zip(table, keys, strict=True):
        assert np.array_equal(row, permute(int(key), np.arange(7), 7))
    sizes = np.array([1, 5, 1000])
    assert permute(4, np.array([0, 3, 999]), sizes).tolist() == [
        slow_permute(4, i, n) for i, n in ((0, 1), (3, 5), (999, 1000))
    ]
    whole = permute(4, np.arange(20_000), 20_000)
    assert np.array_equal(whole[8190:8195], permute(4, np.arange(8190, 8195), 20_000))
    assert permute(4, 3, 9).shape == ()
    assert permute(4, np.empty(0, np.int64), 9).shape == (0,)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_all_orders_of_a_few_things_are_equally_likely(n: int) -> None:
    keys = draw_bits(stream(0, "orders", n), np.arange(30_000))
    orders = permute(keys[:, None], np.arange(n)[None], n)
    found = dict.fromkeys(itertools.permutations(range(n)), 0)
    for order in map(tuple, orders.tolist()):
        found[order] += 1
    assert len(found) == math.factorial(n)
    assert stats.chisquare(list(found.values())).pvalue > LEAST_P


@pytest.mark.parametrize("n", [7, 64, 100, 1009])
def test_an_index_goes_everywhere_equally_often(n: int) -> None:
    keys = draw_bits(stream(1, "places", n), np.arange(20 * n))
    for index in (0, n // 2, n - 1):
        counts = np.bincount(permute(keys, index, n), minlength=n)
        assert stats.chisquare(counts).pvalue > LEAST_P


def test_pairs_of_neighbours_go_everywhere_equally_often() -> None:
    n = 12
    keys = draw_bits(stream(2, "pairs"), np.arange(40_000))
    first, second = permute(keys, 4, n), permute(keys, 5, n)
    counts = np.bincount(first * n + second, minlength=n * n).reshape(n, n)
    assert np.diagonal(counts).sum() == 0
    assert stats.chisquare(counts[~np.eye(n, dtype=bool)]).pvalue > LEAST_P


@pytest.mark.parametrize("n", [1000, 65_536, 1_000_003])
def test_neighbouring_keys_and_indexes_are_not_alike(n: int) -> None:
    indexes = np.arange(1000)
    orders = np.stack([permute(key, indexes, n) for key in (0, 1, 2, 1 << 63, WORD)]).astype(np.float64)
    between = np.corrcoef(np.vstack([orders, indexes]))[~np.eye(6, dtype=bool)]
    assert np.abs(between).max() < 5 / math.sqrt(1000)
    for order in orders:
        assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 5 / math.sqrt(1000)


def test_as_many_points_stay_where_they_are_as_in_a_shuffle() -> None:
    # The fixed points of a random permutation are nearly Poisson with mean 1.
    keys = draw_bits(stream(3, "fixed points"), np.arange(4000))
    fixed = (permute(keys[:, None], np.arange(50)[None], 50) == np.arange(50)).sum(axis=1)
    counts = np.bincount(np.minimum(fixed, 4), minlength=5)
    expected = stats.poisson.pmf(np.arange(4), 1.0)
    assert stats.chisquare(counts, 4000 * np.append(expected, 1 - expected.sum())).pvalue > LEAST_P


def test_a_stream_is_the_hash_of_its_canonical_text() -> None:
    digest = hashlib.blake2b(b'[7,"passes","a-AQA/train",3]', digest_size=8).digest()
    assert stream(7, "passes", "a-AQA/train", 3) == int.from_bytes(digest, "little")


@pytest.mark.parametrize(
    ("names", "others"),
    [(("ab",), ("ba",)), (("a", "b"), ("ab",)), (("3",), (3,)), (("a", "b"), ("b", "a")), (("a",), ("a", ""))],
)
def test_other_names_are_other_streams(names: tuple[str | int, ...], others: tuple[str | int, ...]) -> None:
    assert stream(0, *names) != stream(0, *others)
    assert stream(0, *names) != stream(1, *names)


def test_uniform_draws_fill_the_interval() -> None:
    values = draw_uniform(stream(4, "uniform"), np.arange(100_000))
    assert values.min() >= 0.0
    assert values.max() < 1.0
    assert stats.kstest(values, "uniform").pvalue > LEAST_P
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 5 / math.sqrt(100_000)
    assert np.array_equal(values[[5, 3]], draw_uniform(stream(4, "uniform"), np.array([5, 3])))


def test_every_bit_is_drawn_half_of_the_time() -> None:
    bits = np.unpackbits(draw_bits(0, np.arange(20_000)).view(np.uint8).reshape(-1, 8), axis=1)
    assert bits.shape == (20_000, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / math.sqrt(20_000)


@settings(max_examples=50)
@given(KEYS, st.integers(0, 2**62), st.integers(1, MOST_INDEXES))
def test_a_draw_below_is_the_upper_half_of_a_long_product(key: int, index: int, n: int) -> None:
    assert int(draw_below(key, index, n)) == (int(draw_bits(key, index)) * n) >> 64


def test_draws_below_are_equally_likely() -> None:
    counts = np.bincount(draw_below(stream(5, "below"), np.arange(60_000), 6), minlength=6)
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > LEAST_P


@pytest.mark.parametrize("n", [0, -1, MOST_INDEXES + 1])
def test_a_size_out_of_range_is_refused(n: int) -> None:
    with pytest.raises(UsageError, match=rf"expected: 1 to {MOST_INDEXES}"):
        permute(0, 0, n)
    with pytest.raises(UsageError, match=str(n)):
        draw_below(0, 0, n)


@pytest.mark.parametrize("index", [-1, 5])
def test_an_index_out_of_range_is_refused(index: int) -> None:
    with pytest.raises(UsageError, match=rf"found: {index} of 5"):
        permute(0, np.array([0, index, 4]), 5)
