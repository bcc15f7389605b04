"""Relevance by hand, from lists and keys, transposed, and refused where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.relevance import Relevance, relevance_from_keys, relevance_from_lists


def lists_of(relevance: Relevance) -> list[list[int]]:
    bounds = zip(relevance.offsets[:-1], relevance.offsets[1:], strict=True)
    return [relevance.indexes[a:b].tolist() for a, b in bounds]


def test_lists_by_hand() -> None:
    relevance = relevance_from_lists([[2, 0], [], [1]], 4)
    assert relevance.offsets.tolist() == [0, 2, 2, 3]
    assert relevance.indexes.tolist() == [0, 2, 1]
    assert relevance.counts.tolist() == [2, 0, 1]
    assert relevance.query_of_pairs.tolist() == [0, 0, 2]
    assert (relevance.num_queries, relevance.num_gallery, relevance.num_gallery_relevant) == (3, 4, 3)


def test_nothing_relevant_at_all_is_still_a_relevance() -> None:
    assert lists_of(relevance_from_lists([[], []], 3)) == [[], []]


def test_captions_find_the_recording_of_their_id_and_a_stranger_finds_none() -> None:
    relevance = relevance_from_keys(["dog", "rain", "dog", "owl"], ["rain", "cat", "dog"])
    assert lists_of(relevance) == [[2], [0], [2], []]
    transposed, order = relevance.transposed()
    assert lists_of(transposed) == [[1], [], [0, 2]]
    assert relevance.indexes[order].tolist() == transposed.query_of_pairs.tolist()


keys = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@settings(deadline=None)
@given(keys, keys)
def test_keys_match_as_when_each_is_compared_with_each(queries: list[int], gallery: list[int]) -> None:
    relevance = relevance_from_keys(queries, gallery)
    assert lists_of(relevance) == [[i for i, key in enumerate(gallery) if key == query] for query in queries]
    transposed, order = relevance.transposed()
    assert lists_of(transposed) == lists_of(relevance_from_keys(gallery, queries))
    assert lists_of(transposed.transposed()[0]) == lists_of(relevance)
    assert relevance.query_of_pairs[order].tolist() == transposed.indexes.tolist()


def test_one_listed_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"listed twice.\n  where: query 1\n  found: 3"):
        relevance_from_lists([[0], [3, 1, 3]], 4)


@pytest.mark.parametrize(
    ("offsets", "indexes", "num_gallery", "message"),
    [
        ([0], [], 3, "There are no queries"),
        ([0, 0], [], 0, "The gallery is empty"),
        ([0, 2], [1], 3, "offsets of the relevant ones do not fit"),
        ([1, 1], [1], 3, "offsets of the relevant ones do not fit"),
        ([0, 2, 1, 3], [0, 1, 2], 3, "falling in between"),
        ([0, 1], [3], 3, "not in the gallery"),
        ([0, 1], [-1], 3, "not in the gallery"),
        ([0, 2], [2, 1], 3, "not sorted"),
        ([0, 1], [1.0], 3, "not whole numbers"),
        ([[0, 1]], [1], 3, "not whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused(offsets: object, indexes: list[int], num_gallery: int, message: str) -> None:
    typed = np.asarray(indexes, dtype=np.int64 if not indexes else None)
    with pytest.raises(UsageError, match=message):
        Relevance(np.asarray(offsets), typed, num_gallery)


def test_empty_keys_are_refused() -> None:
    with pytest.raises(UsageError, match="There are no queries"):
        relevance_from_keys([], ["a"])
    with pytest.raises(UsageError, match="The gallery is empty"):
        relevance_from_keys(["a"], [])
