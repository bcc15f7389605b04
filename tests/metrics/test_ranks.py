"""Ranks by hand, against a slow count over all pairs, and whatever the blocks, the order and the scale."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics import ranks as ranks_file
from audiolect.metrics.ranks import TIE_RULES, Ranks, ranks_both_ways, ranks_of_embeddings, ranks_of_scores
from audiolect.metrics.relevance import Relevance, relevance_from_keys, relevance_from_lists


def by_query(ranks: Ranks) -> list[list[float]]:
    bounds = zip(ranks.relevance.offsets[:-1], ranks.relevance.offsets[1:], strict=True)
    return [ranks.ranks[a:b].tolist() for a, b in bounds]


def slow_ranks(scores: np.ndarray, lists: list[list[int]], rule: str) -> list[list[float]]:
    """Sort each row with relevant ones last (or first) among equals; for the mean, every order of every tie."""
    rows = []
    for row, relevant in zip(scores.tolist(), lists, strict=True):
        if rule == "expected":
            rows.append(mean_ranks(row, set(relevant)))
            continue
        first = rule == "optimistic"
        order = sorted(range(len(row)), key=lambda i: (-row[i], (i in relevant) != first))
        rows.append([float(place + 1) for place, i in enumerate(order) if i in relevant])
    return rows


def mean_ranks(row: list[float], relevant: set[int]) -> list[float]:
    """The mean over all orders of the whole gallery in which scores fall."""
    found = []
    levels = sorted(set(row), reverse=True)
    groups = [[i for i, score in enumerate(row) if score == level] for level in levels]
    for orders in itertools.product(*(itertools.permutations(group) for group in groups)):
        order = [i for group in orders for i in group]
        found.append([place + 1 for place, i in enumerate(order) if i in relevant])
    return [float(Fraction(sum(column), len(found))) for column in zip(*found, strict=True)]


def test_by_hand() -> None:
    scores = np.array([[0.9, 0.1, 0.5, 0.5], [0.2, 0.2, 0.2, 0.2], [1.0, 2.0, 3.0, 4.0]])
    relevance = relevance_from_lists([[2], [1, 3], []], 4)
    assert by_query(ranks_of_scores([scores], relevance)) == [[3.0], [3.0, 4.0], []]
    assert by_query(ranks_of_scores([scores], relevance, ties="optimistic")) == [[2.0], [1.0, 2.0], []]
    expected = ranks_of_scores([scores], relevance, ties="expected")
    assert by_query(expected) == [[2.5], [pytest.approx(5 / 3), pytest.approx(10 / 3)], []]
    assert expected.tied.tolist() == [1, 2, 2]
    assert expected.num_tied_queries == 2
    assert expected.indexes.tolist() == [2, 1, 3]


def test_a_model_that_says_the_same_of_everything_gets_the_last_ranks() -> None:
    relevance = relevance_from_keys(range(50), range(50))
    ranks = ranks_of_embeddings(np.ones((50, 8), np.float32), np.ones((50, 8), np.float32), relevance)
    assert ranks.ranks.tolist() == [50.0] * 50
    assert ranks.num_tied_queries == 50


def test_equal_recordings_tie_wherever_they_stand() -> None:
    rng = np.random.default_rng(0)
    gallery = rng.standard_normal((1100, 96)).astype(np.float32)
    gallery[1050], gallery[700] = gallery[3], gallery[3]
    queries = gallery[[3]] + np.float32(0.1) * rng.standard_normal((1, 96)).astype(np.float32)
    for relevant in (3, 700, 1050):
        ranks = ranks_of_embeddings(queries, gallery, relevance_from_lists([[relevant]], 1100))
        assert (ranks.ranks.tolist(), ranks.tied.tolist()) == ([3.0], [2])


@st.composite
def problems(draw: st.DrawFn, most_gallery: int = 6) -> tuple[np.ndarray, list[list[int]]]:
    queries, gallery = draw(st.integers(1, 5)), draw(st.integers(1, most_gallery))
    scores = draw(st.lists(st.integers(-2, 2), min_size=queries * gallery, max_size=queries * gallery))
    lists = draw(st.lists(st.sets(st.integers(0, gallery - 1)), min_size=queries, max_size=queries))
    return np.array(scores, np.float32).reshape(queries, gallery), [sorted(relevant) for relevant in lists]


@settings(deadline=None)
@given(problems(), st.sampled_from(TIE_RULES))
def test_ranks_are_those_of_the_slow_way(problem: tuple[np.ndarray, list[list[int]]], rule: str) -> None:
    scores, lists = problem
    ranks = ranks_of_scores([scores], relevance_from_lists(lists, scores.shape[1]), ties=rule)
    assert by_query(ranks) == [pytest.approx(row) for row in slow_ranks(scores, lists, rule)]


@settings(max_examples=60, deadline=None)
@given(problems(40), st.sampled_from(TIE_RULES), st.data())
def test_blocks_tiles_and_the_way_of_counting_change_nothing(
    problem: tuple[np.ndarray, list[list[int]]], rule: str, data: st.DataObject
) -> None:
    scores, lists = problem
    relevance = relevance_from_lists(lists, scores.shape[1])
    expected = ranks_of_scores([scores], relevance, ties=rule)
    size, tiles = data.draw(st.integers(1, 5)), data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks_file, "_QUERY_TILE", tiles[0])
        patch.setattr(ranks_file, "_GALLERY_TILE", tiles[1])
        patch.setattr(ranks_file, "_MOST_COMPARED", data.draw(st.integers(0, 3)))
        blocks = (scores[start : start + size] for start in range(0, len(scores), size))
        got = ranks_of_scores(blocks, relevance, ties=rule)
    assert np.array_equal(got.ranks, expected.ranks)
    assert np.array_equal(got.indexes, expected.indexes)
    assert np.array_equal(got.tied, expected.tied)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.sampled_from(TIE_RULES))
def test_embeddings_rank_as_their_score_matrix_both_ways(
    seed: int, num_queries: int, num_gallery: int, width: int, rule: str
) -> None:
    rng = np.random.default_rng(seed)
    # Small whole numbers: the float64 product is exact, and ties are many.
    queries = rng.integers(-2, 3, (num_queries, width)).astype(np.float32)
    gallery = rng.integers(-2, 3, (num_gallery, width)).astype(np.float32)
    relevance = relevance_from_keys(rng.integers(0, 5, num_queries), rng.integers(0, 5, num_gallery))
    scores = queries @ gallery.T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks_file, "_QUERY_TILE", int(rng.integers(1, 50)))
        patch.setattr(ranks_file, "_GALLERY_TILE", int(rng.integers(1, 50)))
        forward, backward = ranks_both_ways(queries, gallery, relevance, ties=rule)
        alone = ranks_of_embeddings(queries, gallery, relevance, ties=rule)
    for got, expected in (
        (forward, ranks_of_scores([scores], relevance, ties=rule)),
        (alone, ranks_of_scores([scores], relevance, ties=rule)),
        (backward, ranks_of_scores([scores.T], relevance.transposed()[0], ties=rule)),
    ):
        assert np.array_equal(got.ranks, expected.ranks)
        assert np.array_equal(got.indexes, expected.indexes)
        assert np.array_equal(got.tied, expected.tied)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(-20, 20))
def test_the_order_of_the_gallery_and_the_scale_change_nothing(seed: int, exponent: int) -> None:
    rng = np.random.default_rng(seed)
    queries, gallery = rng.standard_normal((20, 33)), rng.standard_normal((30, 33))
    gallery[rng.integers(0, 30, 10)] = gallery[0]
    query_keys, gallery_keys = rng.integers(0, 6, 20), rng.integers(0, 6, 30)
    expected = ranks_of_embeddings(queries, gallery, relevance_from_keys(query_keys, gallery_keys))
    order = rng.permutation(30)
    permuted = ranks_of_embeddings(
        np.ldexp(queries, exponent), gallery[order], relevance_from_keys(query_keys, gallery_keys[order])
    )
    assert np.array_equal(permuted.ranks, expected.ranks)
    assert np.array_equal(permuted.tied, expected.tied)


def test_many_tiles_and_many_relevant_ones_at_full_size() -> None:
    rng = np.random.default_rng(5)
    queries = rng.standard_normal((1500, 16)).astype(np.float32)
    gallery = rng.standard_normal((2100, 16)).astype(np.float32)
    relevance = relevance_from_keys(np.arange(1500) % 700, np.arange(2100) % 700)
    forward, backward = ranks_both_ways(queries, gallery, relevance)
    true = queries.astype(np.float64) @ gallery.astype(np.float64).T
    for ranks, scores in ((forward, true), (backward, true.T)):
        places = np.empty(scores.shape, np.int64)
        np.put_along_axis(places, np.argsort(-scores, axis=1), np.arange(1, scores.shape[1] + 1)[None], axis=1)
        expected = places[ranks.relevance.query_of_pairs, ranks.indexes]
        # Scores nearer than the grid may change places; there are next to none.
        assert (ranks.ranks != expected).mean() < 0.01
        assert np.abs(ranks.ranks - expected).max() <= 1


def test_infinity_is_a_score_and_whole_numbers_are_scores() -> None:
    relevance = relevance_from_lists([[1]], 3)
    assert ranks_of_scores([np.array([[-np.inf, 2.0, np.inf]])], relevance).ranks.tolist() == [2.0]
    assert ranks_of_scores([np.array([[5, 2, 1]])], relevance).ranks.tolist() == [2.0]
    assert ranks_of_scores([np.array([[True, True, False]])], relevance, ties="optimistic").ranks.tolist() == [1.0]


def small() -> Relevance:
    return relevance_from_lists([[0], [1]], 3)


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"A score is NaN.\n  where: query 1, gallery 2"):
        ranks_of_scores([np.ones((1, 3)), np.array([[1.0, 2.0, np.nan]])], small())
    with pytest.raises(UsageError, match="block of scores does not fit"):
        ranks_of_scores([np.ones((2, 4))], small())
    with pytest.raises(UsageError, match="block of scores does not fit"):
        ranks_of_scores([np.ones((2, 3)), np.ones((1, 3))], small())
    with pytest.raises(UsageError, match="block of scores does not fit"):
        ranks_of_scores([np.ones(3)], small())
    with pytest.raises(UsageError, match=r"end too early.\n  expected: 2 queries\n  found: 1"):
        ranks_of_scores([np.ones((1, 3))], small())


def test_embeddings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="not those of the relevance"):
        ranks_of_embeddings(np.ones((2, 4)), np.ones((4, 4)), small())
    with pytest.raises(UsageError, match="different widths"):
        ranks_of_embeddings(np.ones((2, 4)), np.ones((3, 5)), small())
    with pytest.raises(UsageError, match="queries is not finite"):
        ranks_of_embeddings(np.full((2, 4), np.nan), np.ones((3, 4)), small())
    with pytest.raises(UsageError, match="did you mean expected"):
        ranks_of_embeddings(np.ones((2, 4)), np.ones((3, 4)), small(), ties="expect")
