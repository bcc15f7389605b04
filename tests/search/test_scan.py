"""Exact scans against scoring everything in float64."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.search.first_pass import bfloat16_pass, leading_pass, plain_pass
from audiolect.search.scan import Scanner, make_scanner

Floats = npt.NDArray[np.float32]


def brute_force(vectors: Floats, queries: Floats, k: int, among: Any = None) -> tuple[Any, Any]:
    scores = np.einsum("nd,qd->qn", vectors.astype(np.float64), queries.astype(np.float64))
    if among is not None:
        scores[:, ~among] = -np.inf
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(scores, rows, axis=1)


def made(count: int, size: int, latent: int, seed: int, noise: float = 0.02) -> Floats:
    """Vectors of norm 1 around few axes."""
    rng = np.random.default_rng(seed)
    basis = np.random.default_rng(7).standard_normal((latent, size))
    rows = (
        rng.standard_normal((count, latent)) @ basis / np.sqrt(size) + noise * rng.standard_normal((count, size)) + 0.1
    )
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def passes(vectors: Floats) -> dict[str, Scanner]:
    leading = leading_pass(vectors, 32)
    return {
        "float32": Scanner(vectors),
        "leading": Scanner(vectors, leading),
        "bfloat16": Scanner(vectors, bfloat16_pass(plain_pass(vectors))),
        "bfloat16 leading": Scanner(vectors, bfloat16_pass(leading)),
    }


@pytest.mark.parametrize("kind", ["float32", "leading", "bfloat16", "bfloat16 leading"])
@pytest.mark.parametrize("num_queries", [1, 5])
def test_every_first_pass_gives_what_brute_force_gives(kind: str, num_queries: int) -> None:
    vectors, queries = made(12_000, 128, 16, 0), made(num_queries, 128, 16, 1)
    scanner = passes(vectors)[kind]
    assert scanner.first.kind == kind
    found = scanner.search(queries, 10)
    rows, scores = brute_force(vectors, queries, 10)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.scores, scores, rtol=0, atol=1e-14)
    assert found.num_repeated == 0
    assert 10 * num_queries <= found.num_rescored < 600 * num_queries


def test_queries_of_another_kind_than_the_vectors_are_found_too() -> None:
    rng = np.random.default_rng(2)
    vectors, queries = made(12_000, 128, 16, 0), rng.standard_normal((3, 128)).astype(np.float32)
    for scanner in passes(vectors).values():
        np.testing.assert_array_equal(scanner.search(queries, 7).rows, brute_force(vectors, queries, 7)[0])


def test_vectors_in_all_directions_are_scanned_again_in_float32() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((9_000, 128)).astype(np.float32)
    queries = rng.standard_normal((2, 128)).astype(np.float32)
    found = Scanner(vectors, leading_pass(vectors, 32)).search(queries, 10)
    assert found.num_repeated == 2
    np.testing.assert_array_equal(found.rows, brute_force(vectors, queries, 10)[0])


def test_a_bound_that_is_too_small_would_be_noticed() -> None:
    """The tests above hold because of the bound, not because first passes happen to be right."""
    vectors, queries = made(12_000, 128, 16, 0, noise=0.2), made(20, 128, 16, 1, noise=0.2)
    leading = leading_pass(vectors, 32)
    blind = replace(leading, unseen=np.zeros_like(leading.unseen))
    assert (Scanner(vectors, blind).search(queries, 10).rows != brute_force(vectors, queries, 10)[0]).any()
    np.testing.assert_array_equal(
        Scanner(vectors, leading).search(queries, 10).rows, brute_force(vectors, queries, 10)[0]
    )


def test_of_equal_scores_the_first_row_comes_first() -> None:
    vectors = np.zeros((70_000, 4), np.float32)
    vectors[[5, 69_999, 40_000], 0] = 1.0
    assert Scanner(vectors).search(np.array([[1, 0, 0, 0]], np.float32), 4).rows.tolist() == [[5, 40_000, 69_999, 0]]


def test_rows_to_choose_from() -> None:
    vectors, queries = made(12_000, 128, 16, 0), made(4, 128, 16, 1)
    rng = np.random.default_rng(4)
    for share in (0.5, 0.01):
        among = rng.random(len(vectors)) < share
        for scanner in passes(vectors).values():
            found = scanner.search(queries, 10, among=among)
            assert among[found.rows].all()
            np.testing.assert_array_equal(found.rows, brute_force(vectors, queries, 10, among)[0])
    three = np.zeros(len(vectors), bool)
    three[[3, 77, 11_999]] = True
    assert sorted(Scanner(vectors).search(queries[:1], 10, among=three).rows[0]) == [3, 77, 11_999]
    assert Scanner(vectors).search(queries, 10, among=np.zeros(len(vectors), bool)).rows.shape == (4, 0)


def test_few_rows_many_best_and_none() -> None:
    vectors = made(6, 8, 3, 0)
    assert make_scanner(vectors).search(vectors[:2], 10).rows.shape == (2, 6)
    assert make_scanner(vectors[:0]).search(vectors[:2], 10).rows.shape == (2, 0)
    assert make_scanner(vectors).search(vectors[:0], 10).rows.shape == (0, 6)


def test_threads_share_a_scanner() -> None:
    vectors, queries = made(20_000, 64, 8, 0), made(16, 64, 8, 1)
    scanner = Scanner(vectors, leading_pass(vectors, 32))
    expected = brute_force(vectors, queries, 5)[0]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: scanner.search(queries[i : i + 1], 5).rows[0], range(16)))
    np.testing.assert_array_equal(np.array(found), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 6), st.integers(1, 12), st.integers(0, 1000))
def test_any_few_vectors_with_many_ties(count: int, num_queries: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 2, (count, 5)).astype(np.float32)
    queries = rng.integers(-2, 3, (num_queries, 5)).astype(np.float32)
    for scanner in (Scanner(vectors), Scanner(vectors, leading_pass(vectors, 2))):
        found = scanner.search(queries, k)
        rows, scores = brute_force(vectors, queries, k)
        np.testing.assert_array_equal(found.rows, rows)
        np.testing.assert_array_equal(found.scores, scores)


def test_what_cannot_be_searched() -> None:
    scanner = Scanner(made(20, 8, 3, 0))
    with pytest.raises(UsageError, match="k of 1 or more"):
        scanner.search(np.ones((1, 8), np.float32), 0)
    with pytest.raises(UsageError, match="do not fit the vectors"):
        scanner.search(np.ones((1, 9), np.float32), 1)
    with pytest.raises(UsageError, match="NaN or infinity"):
        scanner.search(np.full((1, 8), np.nan, np.float32), 1)
    with pytest.raises(UsageError, match="choice of rows"):
        scanner.search(np.ones((1, 8), np.float32), 1, among=np.ones(3, bool))
