"""The best matches of each query, and how much of the gallery is ever among them.

Conventions: Q queries, N in the gallery, K best. Scores are the exact ones of ``exact_scores.py``, so that the lists do
not depend on blocks or threads; of equal scores, the first of the gallery comes first.

Public names: TopMatches, top_matches, gallery_reach.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.exact_scores import Embeddings, check_fit, grid_of

IntArray = npt.NDArray[np.int64]

_QUERY_TILE = 512
_GALLERY_TILE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class TopMatches:
    """The best of the gallery for each query.

    Args:
        indexes: (Q, K), the best first.
        scores: (Q, K) float64, dot products, falling.
    """

    indexes: IntArray
    scores: npt.NDArray[np.float64]


def top_matches(queries: Embeddings, gallery: Embeddings, k: int) -> TopMatches:
    """The k best of the gallery for each query; all of them where the gallery has fewer.

    Args:
        queries, gallery: (Q, D) and (N, D) floating point.
        k: 1 or more.

    Raises:
        UsageError: k below 1, shapes that do not fit, NaN or infinity, an empty set.
    """
    if operator.index(k) < 1:
        raise UsageError("Best matches need a k of 1 or more.", found=k)
    grids = grid_of(queries, "queries"), grid_of(gallery, "gallery")
    check_fit(queries, gallery)
    kept = min(k, len(gallery))
    indexes, scores = np.empty((len(queries), kept), np.int64), np.empty((len(queries), kept))
    for top in range(0, len(queries), _QUERY_TILE):
        rows = grids[0].rounded(queries[top : top + _QUERY_TILE])
        best, found = np.empty((len(rows), 0)), np.empty((len(rows), 0), np.int64)
        for left in range(0, len(gallery), _GALLERY_TILE):
            block = rows @ grids[1].rounded(gallery[left : left + _GALLERY_TILE]).T
            numbers = np.broadcast_to(np.arange(left, left + block.shape[1]), block.shape)
            # What was found before comes first, so that a stable order keeps the first of equal scores.
            best, found = _best(np.hstack([best, block]), np.hstack([found, numbers]), k)
        indexes[top : top + len(rows)], scores[top : top + len(rows)] = found, best
    return TopMatches(indexes, scores / (grids[0].scale * grids[1].scale))


def gallery_reach(matches: TopMatches, num_gallery: int) -> float:
    """The share of the gallery that is among the best matches of any query.

    A low share with many queries says that some few recordings are found by everything (hubs).

    Raises:
        UsageError: the matches are of a larger gallery.
    """
    if matches.indexes.size and matches.indexes.max() >= num_gallery:
        raise UsageError(
            "The matches are of a larger gallery.", expected=f"below {num_gallery}", found=matches.indexes.max()
        )
    return len(np.unique(matches.indexes)) / num_gallery


def _best(scores: npt.NDArray[np.float64], numbers: IntArray, k: int) -> tuple[npt.NDArray[np.float64], IntArray]:
    """The k best columns of each row, sorted; of equal ones the leftmost."""
    if scores.shape[1] > k:
        limit = np.partition(scores, -k, axis=1)[:, -k][:, None]
        # Everything above the limit, and of those at the limit the leftmost that have room.
        above, at = scores > limit, scores == limit
        room = k - above.sum(axis=1, keepdims=True)
        chosen = above | (at & (np.cumsum(at, axis=1) <= room))
        scores, numbers = scores[chosen].reshape(-1, k), numbers[chosen].reshape(-1, k)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(numbers, order, axis=1)
