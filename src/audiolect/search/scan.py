"""The k nearest vectors, exactly: a cheap first pass over all of them, float32 and float64 for the few that may count.

A first pass (``first_pass.py``) gives for every row a score and how far it may be off. The k-th best of the least that
rows can score is a limit: a row whose most lies below it cannot be among the best. What is left, tens of rows of a
million, is scored in float32, and what that leaves open in float64. So nothing is missed and nothing is guessed: the
result is that of scoring everything in float64, in every case. Where the first pass leaves too much open (vectors
spread evenly in all directions, queries far from all of them), the tile of queries is scanned again in float32.

Conventions: N rows, Q queries, k best; scores are dot products, float64, each the sum of the exact products of its
float32 components in their order. Of equal scores the first row comes first. A Scanner is never changed after it is
made, so that any number of threads may search.

Public names: Scanner, Found, make_scanner.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.search.first_pass import (
    DoubleArray,
    FirstPass,
    FloatArray,
    IntArray,
    bfloat16_pass,
    leading_pass,
    multiplies_bfloat16,
    number_of_axes,
    plain_pass,
)

BoolArray = npt.NDArray[np.bool_]
_Pairs = tuple[IntArray, IntArray, DoubleArray]  # queries, positions in the first pass, the most each can score

_TILE = 256  # queries at a time
_BLOCK = 8_192  # rows at a time, for several queries
_BLOCK_OF_ONE = 65_536  # rows at a time, for one query
_MOST_OPEN = 1 / 50  # of all pairs of query and row, for a first pass to have been worth it
_GATHER_SHARE = 1 / 20  # of all rows: what a filter leaves of fewer is copied and scanned alone
_UNIT = 2.0**-24


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The best rows of each query.

    Args:
        rows: (Q, K) int64, the best first; K is k, or how many rows there are to choose from.
        scores: (Q, K) float64, falling.
        num_rescored: how many pairs of query and row the first pass left open.
        num_repeated: how many queries were scanned again in float32.
    """

    rows: IntArray
    scores: DoubleArray
    num_rescored: int
    num_repeated: int


class Scanner:
    """Vectors with their first passes.

    Args:
        vectors: (N, D) float32, in memory or mapped.
        first: the first pass to begin with; None: the vectors themselves.
    """

    def __init__(self, vectors: FloatArray, first: FirstPass | None = None) -> None:
        self.vectors = vectors
        self.plain = plain_pass(vectors) if first is None or first.kind != "float32" else first
        self.first = self.plain if first is None else first

    def __len__(self) -> int:
        """N."""
        return len(self.vectors)

    def search(self, queries: FloatArray, k: int, *, among: BoolArray | None = None) -> Found:
        """The k best rows for each query.

        Args:
            queries: (Q, D) floating point.
            k: 1 or more.
            among: (N,) which rows there are to choose from; None: all.

        Raises:
            UsageError: k below 1, shapes that do not fit, NaN or infinity.
        """
        asked = self._checked(queries, k, among)
        count = len(self) if among is None else int(among.sum())
        kept = min(k, count)
        if among is not None and kept and count < _GATHER_SHARE * len(self):
            chosen = np.flatnonzero(among)
            found = Scanner(self.vectors[chosen]).search(asked, kept)
            return Found(chosen[found.rows], found.scores, found.num_rescored, 0)
        rows, scores = np.empty((len(asked), kept), np.int64), np.empty((len(asked), kept))
        num_rescored = num_repeated = 0
        if not kept:
            return Found(rows, scores, 0, 0)
        for start in range(0, len(asked), _TILE):
            tile = asked[start : start + _TILE]
            left, repeated = self._left_open(tile, kept, among)
            num_repeated += repeated
            for at, (query, open_rows) in enumerate(zip(tile, left, strict=True), start):
                num_rescored += len(open_rows)
                rows[at], scores[at] = self._rescored(query, open_rows, kept)
        return Found(rows, scores, num_rescored, num_repeated)

    def best_of(self, query: FloatArray, rows: IntArray, k: int) -> tuple[IntArray, DoubleArray]:
        """The k best of some rows for one query (D,): rows and scores, exactly as ``search`` among them, unchecked."""
        return self._rescored(np.ascontiguousarray(query, np.float32), rows, min(k, len(rows)))

    def _checked(self, queries: FloatArray, k: int, among: BoolArray | None) -> FloatArray:
        if operator.index(k) < 1:
            raise UsageError("A search needs a k of 1 or more.", found=k)
        asked = np.ascontiguousarray(queries, np.float32)
        if asked.ndim != 2 or asked.shape[1] != self.vectors.shape[1]:
            raise UsageError(
                "The queries do not fit the vectors.",
                expected=f"shape (Q, {self.vectors.shape[1]})",
                found=f"shape {asked.shape}",
                cause="they come from another model",
            )
        if not np.isfinite(asked).all():
            raise UsageError("A query holds NaN or infinity.", expected="finite numbers")
        if among is not None and (among.shape != (len(self),) or among.dtype != np.bool_):
            expected, found = f"({len(self)},) bool", f"{among.shape} {among.dtype}"
            raise UsageError("The choice of rows does not fit the vectors.", expected=expected, found=found)
        return asked

    def _left_open(self, tile: FloatArray, k: int, among: BoolArray | None) -> tuple[list[IntArray], int]:
        """The rows that may be among the k best, for each query, and how many queries had to be scanned twice."""
        if self.first is not self.plain:
            left = _scan(self.first, tile, k, among, most=int(_MOST_OPEN * len(self) * len(tile)) + 64 * k)
            if left is not None:
                return left, 0
        left = _scan(self.plain, tile, k, among, most=len(self) * len(tile))
        # No more than all pairs can stay open, so that this scan ends with an answer.
        everything = [np.arange(len(self))] * len(tile)
        return everything if left is None else left, 0 if self.first is self.plain else len(tile)

    def _rescored(self, query: FloatArray, rows: IntArray, k: int) -> tuple[IntArray, DoubleArray]:
        """The k best of some rows: by float32 first, what is close by float64."""
        rows = np.sort(rows)
        if len(rows) > 4 * k:
            rough = self.vectors[rows] @ query
            norm = float(np.linalg.norm(query.astype(np.float64)))
            off = 2 * len(query) * _UNIT * norm * self.plain.largest_norm
            rows = rows[rough >= np.partition(rough, -k)[-k] - 2 * off]
        near = self.vectors[rows].astype(np.float64)
        scores = np.einsum("nd,d->n", near, query.astype(np.float64))
        best = np.argsort(-scores, kind="stable")[:k]
        return rows[best], scores[best]


def make_scanner(vectors: FloatArray, *, first: FirstPass | None = None) -> Scanner:
    """A scanner with the first pass that suits the vectors and this processor.

    Args:
        vectors: (N, D) float32.
        first: a leading pass made earlier of the same vectors; None: it is decided and made now.
    """
    if first is None:
        num_axes = number_of_axes(vectors)
        first = leading_pass(vectors, num_axes) if num_axes else plain_pass(vectors)
    return Scanner(vectors, bfloat16_pass(first) if len(vectors) and multiplies_bfloat16() else first)


def _scan(first: FirstPass, tile: FloatArray, k: int, among: BoolArray | None, *, most: int) -> list[IntArray] | None:
    """What may be among the k best; None where more than ``most`` pairs stay open on the way."""
    projected, per_unseen, error = first.project(tile)
    size = _BLOCK_OF_ONE if len(tile) == 1 else _BLOCK
    allowed = None if among is None else among if first.order is None else among[first.order]
    limits = np.full(len(tile), -np.inf)
    least = np.full((len(tile), k), -np.inf)
    kept: list[_Pairs] = []
    num_kept = 0
    for start in range(0, len(first), size):
        stop = min(start + size, len(first))
        scores = first.scores(projected, start, stop)
        # Rows are in the order of what is unseen of them, so the last of a block has the most.
        off = per_unseen * float(first.unseen[start:stop].max()) + error
        if allowed is not None:
            scores = np.where(allowed[start:stop], scores, np.float32(-np.inf))
        if not kept and stop - start >= k:
            limits = np.partition(scores, -k, axis=1)[:, -k] - off
        # Rounded down, as the scores are float32: what is equal must stay.
        cut = np.nextafter((limits - off).astype(np.float32), np.float32(-np.inf))
        query, column = np.divmod(np.flatnonzero(scores >= cut[:, None]), stop - start)
        found = scores[query, column].astype(np.float64)
        finite = found > -np.inf
        query, column, found = query[finite], column[finite], found[finite]
        if not len(query):
            continue
        kept.append((query, column + start, found + off[query]))
        num_kept += len(query)
        least = _merged(least, query, found - off[query])
        limits = np.maximum(limits, least.min(axis=1))
        if num_kept > most:
            kept = [_above(kept, limits)]
            num_kept = len(kept[0][0])
            if num_kept > most:
                return None
    query, position, _ = _above(kept, limits)
    order = np.argsort(query, kind="stable")
    places = np.searchsorted(query[order], np.arange(1, len(tile)))
    return np.split(first.rows(position[order]), places)


def _above(kept: list[_Pairs], limits: DoubleArray) -> _Pairs:
    """Of all pairs kept so far, those whose most reaches the limit of their query."""
    query, position, highest = (np.concatenate([part[i] for part in kept]) for i in range(3))
    stay = highest >= limits[query]
    return query[stay], position[stay], highest[stay]


def _merged(least: DoubleArray, query: IntArray, found: DoubleArray) -> DoubleArray:
    """The k highest of each query, of those known and those found."""
    k = least.shape[1]
    order = np.lexsort((-found, query))
    query, found = query[order], found[order]
    rank = np.arange(len(query)) - np.searchsorted(query, query)
    among_best = rank < k
    fresh = np.full_like(least, -np.inf)
    fresh[query[among_best], rank[among_best]] = found[among_best]
    both = np.hstack([least, fresh])
    return np.partition(both, k, axis=1)[:, k:]
