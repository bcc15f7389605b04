"""Exact products: equal to Python's fractions, the same in any block, and near what float64 gives without a grid."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.exact_scores import check_fit, grid_of, pair_scores


def embeddings(seed: int, rows: int, width: int, scale: float = 1.0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True) * np.float32(scale)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 70), st.sampled_from([1e-30, 1e-3, 1.0, 7.0, 1e20]))
def test_products_are_those_of_fractions(seed: int, width: int, scale: float) -> None:
    queries, gallery = embeddings(seed, 3, width, scale), embeddings(seed + 1, 4, width)
    grids = grid_of(queries, "queries"), grid_of(gallery, "gallery")
    left, right = grids[0].rounded(queries), grids[1].rounded(gallery)
    exact = [[sum(Fraction(a) * Fraction(b) for a, b in zip(q, g, strict=True)) for g in right] for q in left]
    assert (left @ right.T).tolist() == [[float(value) for value in row] for row in exact]
    assert all(Fraction(float(value)) == value for row in exact for value in row)


def test_a_score_is_the_same_in_any_block_and_alone() -> None:
    queries, gallery = embeddings(0, 33, 512), embeddings(1, 71, 512)
    grids = grid_of(queries, "queries"), grid_of(gallery, "gallery")
    left, right = grids[0].rounded(queries), grids[1].rounded(gallery)
    whole = left @ right.T
    for size in (1, 2, 7, 32):
        for start in range(0, 71, size):
            assert np.array_equal(left @ right[start : start + size].T, whole[:, start : start + size])
    query, index = np.divmod(np.arange(33 * 71), 71)
    assert np.array_equal(pair_scores(queries, gallery, query, index, grids), whole.ravel())


def test_rounding_moves_scores_less_than_a_float32_product_errs() -> None:
    queries, gallery = embeddings(0, 200, 512), embeddings(1, 300, 512)
    grids = grid_of(queries, "queries"), grid_of(gallery, "gallery")
    scores = grids[0].rounded(queries) @ grids[1].rounded(gallery).T / (grids[0].scale * grids[1].scale)
    true = queries.astype(np.float64) @ gallery.astype(np.float64).T
    error = np.abs(scores - true)
    assert error.max() < 1e-7
    assert 0 < np.sqrt((error**2).mean()) < 2e-8
    assert error.max() < 3 * np.abs((queries @ gallery.T).astype(np.float64) - true).max()


@settings(deadline=None)
@given(st.integers(-40, 40))
def test_the_grid_follows_the_scale(exponent: int) -> None:
    rows = embeddings(3, 5, 6)
    scaled = np.ldexp(rows.astype(np.float64), exponent)
    assert np.array_equal(grid_of(rows, "queries").rounded(rows), grid_of(scaled, "queries").rounded(scaled))


def test_largest_norm_uses_the_grid_and_tiny_ones_count_as_zero() -> None:
    rows = np.array([[1.0, 0.0], [2.0**-28, 0.0], [2.0**-26, 0.0]])
    assert grid_of(rows, "queries").rounded(rows)[:, 0].tolist() == [2.0**25, 0.0, 0.0]
    zeros = np.zeros((2, 3))
    assert grid_of(zeros, "queries").rounded(zeros).tolist() == zeros.tolist()
    smallest = np.full((1, 1), 5e-324)
    assert grid_of(smallest, "queries").rounded(smallest).tolist() == [[0.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_what_is_not_finite_is_refused_with_its_row(bad: float) -> None:
    rows = np.ones((20000, 2))
    rows[17000, 1] = bad
    with pytest.raises(UsageError, match=r"embedding of the gallery is not finite.\n  where: row 17000"):
        grid_of(rows, "gallery")


def test_what_are_no_embeddings_is_refused() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        grid_of(np.ones(3), "queries")
    with pytest.raises(UsageError, match="do not fit"):
        grid_of(np.ones((3, 2), dtype=np.int64), "queries")
    with pytest.raises(UsageError, match="no embeddings of the queries"):
        grid_of(np.ones((0, 2)), "queries")
    with pytest.raises(UsageError, match="different widths"):
        check_fit(np.ones((3, 2)), np.ones((3, 4)))
