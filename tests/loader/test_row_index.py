"""Items found in rows: against a list of all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audiolect.loader.row_index import BLOCK_ROWS, row_index


def slowly(counts: list[int]) -> list[tuple[int, int]]:
    return [(row, place) for row, count in enumerate(counts) for place in range(count)]


def located(counts: np.ndarray) -> list[tuple[int, int]]:
    index = row_index(counts)
    rows, places = index.locate(np.arange(index.num_items))
    return list(zip(rows.tolist(), places.tolist(), strict=True))


def test_by_hand() -> None:
    index = row_index(np.array([0, 5, 5, 0, 2], np.uint8))
    assert (index.num_items, index.num_rows, index.first_row) == (12, 3, 1)
    rows, places = index.locate(np.array([0, 5, 11]))
    assert (rows.tolist(), places.tolist()) == ([1, 2, 4], [0, 0, 1])


@given(hnp.arrays(np.uint8, st.integers(0, 400), elements=st.sampled_from([0, 0, 1, 1, 1, 2, 5, 255])))
def test_as_the_list(counts: np.ndarray) -> None:
    assert located(counts) == slowly(counts.tolist())


@pytest.mark.parametrize("each", [1, 5])
def test_a_range_is_kept_as_numbers(each: int) -> None:
    counts = np.zeros(1000, np.uint16)
    counts[100:900] = each
    index = row_index(counts)
    assert index.counts.size == 0
    assert (index.first_row, index.each, index.num_rows) == (100, each, 800)
    assert located(counts) == slowly(counts.tolist())


def test_blocks_without_items_are_passed_over() -> None:
    counts = np.zeros(10 * BLOCK_ROWS, np.uint8)
    counts[[3, 5 * BLOCK_ROWS, 10 * BLOCK_ROWS - 1]] = (1, 2, 1)
    assert located(counts) == [(3, 0), (320, 0), (320, 1), (639, 0)]


def test_no_items() -> None:
    index = row_index(np.zeros(7, np.uint8))
    assert (index.num_items, index.num_rows) == (0, 0)


def test_a_million_scattered_rows_cost_a_byte_each() -> None:
    counts = (np.arange(1_000_000) % 3 == 0).astype(np.uint8)
    index = row_index(counts)
    assert index.counts.nbytes + index.before.nbytes < 1.2e6
    rows, _ = index.locate(np.array([0, 1, 333_333]))
    assert rows.tolist() == [0, 3, 999_999]
