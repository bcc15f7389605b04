"""At which ranks the relevant ones of each query come, from embeddings or from blocks of scores.

The rank of a relevant one is 1 + how many of the gallery come before it, when all are sorted by falling score. Where
others have exactly its score, a rule says who comes first:

- ``pessimistic`` (the default): all that are not relevant come before the relevant ones. A model that gives everything
  one score gets nothing for it, and no order of the files can flatter a result.
- ``expected``: ties are broken by a fair draw, and a rank is its mean over all draws; it may be a fraction. With one
  relevant one that is the mean of the tied ranks.
- ``optimistic``: the relevant ones come first. The distance to ``pessimistic`` is what ties can do to a result.

Of several relevant ones with one score, each has a rank of its own.

Conventions: Q queries, N in the gallery, P pairs of a query and a relevant one. The full matrix is never held: memory
is that of the embeddings and a block of scores. Scores of embeddings are exact (``exact_scores.py``): the size of
blocks, the order of the gallery and the number of threads change nothing.

Public names: TIE_RULES, Ranks, ranks_of_embeddings, ranks_both_ways, ranks_of_scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError, unknown_name
from audiolect.metrics.exact_scores import Embeddings, check_fit, grid_of, pair_scores
from audiolect.metrics.relevance import IntArray, Relevance

TIE_RULES = ("pessimistic", "expected", "optimistic")

_QUERY_TILE = 1024
_GALLERY_TILE = 1024
_MOST_COMPARED = 12  # relevant ones of a query; with more, sorting its scores costs less than comparing with each


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """The ranks of the relevant ones.

    Args:
        relevance: what was looked for.
        ranks: (P,) float64, 1 or more, rising within each query (``relevance.offsets``); whole unless the rule is
            ``expected``.
        indexes: (P,) the member of the gallery that has this rank; of those with one score, the first first.
        tied: (P,) how many that are not relevant have the same score.
        rule: by which ties are broken.
    """

    relevance: Relevance
    ranks: npt.NDArray[np.float64]
    indexes: IntArray
    tied: IntArray
    rule: str

    @property
    def num_tied_queries(self) -> int:
        """Queries in which the rule decided: a relevant one has the same score as one that is not."""
        return len(np.unique(self.relevance.query_of_pairs[self.tied > 0]))


def ranks_of_embeddings(
    queries: Embeddings, gallery: Embeddings, relevance: Relevance, *, ties: str = "pessimistic"
) -> Ranks:
    """The ranks by the dot product.

    Args:
        queries: (Q, D) floating point.
        gallery: (N, D) floating point.
        relevance: of Q queries and N in the gallery.
        ties: a name of TIE_RULES.

    Raises:
        UsageError: shapes that do not fit, NaN or infinity, an empty set, an unknown rule.
    """
    return _ranked(queries, gallery, relevance, ties, backward=False)[0]


def ranks_both_ways(
    queries: Embeddings, gallery: Embeddings, relevance: Relevance, *, ties: str = "pessimistic"
) -> tuple[Ranks, Ranks]:
    """The ranks of the gallery for each query, and of the queries for each of the gallery, from one pass.

    Args and errors as of ``ranks_of_embeddings``.
    """
    forward, *backward = _ranked(queries, gallery, relevance, ties, backward=True)
    return forward, backward[0]


def ranks_of_scores(blocks: Iterable[npt.NDArray[Any]], relevance: Relevance, *, ties: str = "pessimistic") -> Ranks:
    """The ranks by scores that are at hand.

    Args:
        blocks: the score matrix (Q, N) in pieces of whole rows, (b, N) each, in the order of the queries; the whole
            matrix is ``[matrix]``, and ``[matrix.T]`` ranks the other way. Numbers of any kind; infinity is a score.
        relevance: of Q queries and N in the gallery.
        ties: a name of TIE_RULES.

    Raises:
        UsageError: shapes that do not fit, NaN, an unknown rule.
    """
    _check_rule(ties)
    counting = _Counting(relevance, np.zeros(len(relevance.indexes)))
    first = 0
    for block in blocks:
        _check_block(block, first, relevance)
        pairs = slice(relevance.offsets[first], relevance.offsets[first + len(block)])
        counting.scores[pairs] = block[relevance.query_of_pairs[pairs] - first, relevance.indexes[pairs]]
        for top in range(0, len(block), _QUERY_TILE):
            for left in range(0, relevance.num_gallery, _GALLERY_TILE):
                tile = block[top : top + _QUERY_TILE, left : left + _GALLERY_TILE]
                if np.isnan(np.min(tile)):
                    raise _not_a_number(tile, first + top, left)
                counting.add(np.ascontiguousarray(tile), first + top)
        first += len(block)
    if first != relevance.num_queries:
        raise UsageError(
            "The blocks of scores end too early.", expected=f"{relevance.num_queries} queries", found=first
        )
    return counting.ranks(ties)


def _ranked(
    queries: Embeddings, gallery: Embeddings, relevance: Relevance, ties: str, *, backward: bool
) -> list[Ranks]:
    _check_rule(ties)
    grids = grid_of(queries, "queries"), grid_of(gallery, "gallery")
    check_fit(queries, gallery)
    if (len(queries), len(gallery)) != (relevance.num_queries, relevance.num_gallery):
        raise UsageError(
            "The embeddings are not those of the relevance.",
            expected=f"{relevance.num_queries} queries and {relevance.num_gallery} in the gallery",
            found=f"{len(queries)} and {len(gallery)}",
        )
    scores = pair_scores(queries, gallery, relevance.query_of_pairs, relevance.indexes, grids)
    forward = _Counting(relevance, scores)
    other = None
    if backward:
        transposed, order = relevance.transposed()
        other = _Counting(transposed, scores[order])
    for left in range(0, len(gallery), _GALLERY_TILE):
        columns = grids[1].rounded(gallery[left : left + _GALLERY_TILE]).T
        for top in range(0, len(queries), _QUERY_TILE):
            block = grids[0].rounded(queries[top : top + _QUERY_TILE]) @ columns
            forward.add(block, top)
            if other is not None:
                other.add(block.T, left)
    return [counting.ranks(ties) for counting in (forward, other) if counting is not None]


class _Counting:
    """How many of the gallery score above, and no less than, each relevant one; filled block by block."""

    def __init__(self, relevance: Relevance, scores: npt.NDArray[np.float64]) -> None:
        self.relevance = relevance
        self.scores = scores
        self.above = np.zeros(len(scores), np.int64)
        self.no_less = np.zeros(len(scores), np.int64)
        self.per_query = relevance.counts

    def add(self, block: npt.NDArray[Any], first: int) -> None:
        """Count a block: its rows are the queries from ``first`` on, its columns some of the gallery."""
        counts = self.per_query[first : first + len(block)]
        starts = self.relevance.offsets[first : first + len(block)]
        few = np.where(counts <= _MOST_COMPARED, counts, 0)
        for place in range(int(few.max(initial=0))):
            rows = np.flatnonzero(few > place)
            part = block if len(rows) == len(block) else block[rows]
            pairs = starts[rows] + place
            limits = self.scores[pairs].astype(block.dtype)[:, None]
            self.above[pairs] += _row_counts(part > limits)
            self.no_less[pairs] += _row_counts(part >= limits)
        for row in np.flatnonzero(counts > _MOST_COMPARED):
            own = slice(starts[row], starts[row] + counts[row])
            ordered, limits = np.sort(block[row]), self.scores[own].astype(block.dtype)
            self.above[own] += len(ordered) - np.searchsorted(ordered, limits, "right")
            self.no_less[own] += len(ordered) - np.searchsorted(ordered, limits, "left")

    def ranks(self, rule: str) -> Ranks:
        """The ranks, after all blocks."""
        query = self.relevance.query_of_pairs
        order = np.lexsort((-self.scores, query))  # stable: of equal scores, the first of the gallery first
        scores, above, no_less = self.scores[order], self.above[order], self.no_less[order]
        # Runs of relevant ones of a query that have one score: where they begin, how long they are.
        begins = np.ones(len(scores), bool)
        begins[1:] = (scores[1:] != scores[:-1]) | (query[1:] != query[:-1])
        starts = np.flatnonzero(begins)
        lengths = np.diff(np.append(starts, len(scores)))
        run = np.cumsum(begins) - 1
        place, relevant = np.arange(len(scores)) - starts[run] + 1, lengths[run]
        tied = no_less - above - relevant
        if rule == "expected":
            # The j-th smallest of r ranks drawn from r + t without replacement is j (r + t + 1) / (r + 1) in the mean.
            ranks = above + place * (relevant + tied + 1) / (relevant + 1)
        else:
            ranks = (above + place + (tied if rule == "pessimistic" else 0)).astype(np.float64)
        return Ranks(self.relevance, ranks, self.relevance.indexes[order], tied, rule)


def _row_counts(flags: npt.NDArray[np.bool_]) -> IntArray:
    """How many flags of each row are set: (b, c) → (b,)."""
    if flags.flags.c_contiguous:
        return np.asarray(flags.sum(axis=1), np.int64)
    # Rows that lie crosswise in memory are added as bytes, many at a time, and never so many that a byte overflows.
    total, ones = np.zeros(len(flags), np.int64), flags.view(np.uint8)
    for start in range(0, ones.shape[1], 255):
        total += np.add.reduce(ones[:, start : start + 255], axis=1, dtype=np.uint8)
    return total


def _check_rule(rule: str) -> None:
    if rule not in TIE_RULES:
        raise unknown_name("rule for ties", rule, TIE_RULES)


def _check_block(block: npt.NDArray[Any], first: int, relevance: Relevance) -> None:
    if block.ndim != 2 or block.shape[1] != relevance.num_gallery or first + len(block) > relevance.num_queries:
        raise UsageError(
            "A block of scores does not fit.",
            where=f"from query {first} on",
            expected=f"(up to {relevance.num_queries - first}, {relevance.num_gallery})",
            found=block.shape,
        )


def _not_a_number(tile: npt.NDArray[Any], first_query: int, first_column: int) -> UsageError:
    row, column = np.argwhere(np.isnan(tile))[0]
    return UsageError(
        "A score is NaN.",
        where=f"query {first_query + row}, gallery {first_column + column}",
        expected="numbers",
        cause="the training diverged, or an embedding of norm 0 was normalised",
    )
