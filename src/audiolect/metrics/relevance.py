"""Which recordings of a gallery answer which queries.

Conventions: queries and gallery are numbered from 0, in the order of the rows of their embeddings or scores. What is
relevant to them stands end to end in one array, with the place where each query's begin (compressed sparse rows):
``indexes[offsets[q] : offsets[q + 1]]`` are the gallery's numbers that are relevant to query ``q``, rising, none twice.
A query may have one, several or none; those that have none are kept and counted.

Public names: Relevance, relevance_from_lists, relevance_from_keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """The relevant members of the gallery for each query.

    Args:
        offsets: (Q + 1,) integers, rising from 0 to P, the number of pairs.
        indexes: (P,) integers from 0 to below ``num_gallery``, rising within each query.
        num_gallery: N.

    Raises:
        UsageError: the set of queries or the gallery is empty, the offsets do not fit, or the indexes of a query lie
            outside the gallery, are not sorted, or hold one twice.
    """

    offsets: IntArray
    indexes: IntArray
    num_gallery: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "offsets", _integers(self.offsets, "offsets"))
        object.__setattr__(self, "indexes", _integers(self.indexes, "indexes"))
        if len(self.offsets) < 2:
            raise UsageError("There are no queries.", expected="1 or more", found=0)
        if self.num_gallery < 1:
            raise UsageError("The gallery is empty.", expected="1 or more recordings or texts", found=self.num_gallery)
        first, last, steps = self.offsets[0], self.offsets[-1], np.diff(self.offsets)
        if first != 0 or last != len(self.indexes) or (steps < 0).any():
            raise UsageError(
                "The offsets of the relevant ones do not fit.",
                expected=f"rising from 0 to {len(self.indexes)}",
                found=f"from {first} to {last}" + (", falling in between" if (steps < 0).any() else ""),
            )
        self._check_indexes()

    def _check_indexes(self) -> None:
        outside = np.flatnonzero((self.indexes < 0) | (self.indexes >= self.num_gallery))
        if outside.size:
            raise UsageError(
                "A relevant one is not in the gallery.",
                where=f"query {self.query_of_pairs[outside[0]]}",
                expected=f"0 to {self.num_gallery - 1}",
                found=self.indexes[outside[0]],
            )
        query = self.query_of_pairs
        wrong = np.flatnonzero((np.diff(self.indexes) <= 0) & (np.diff(query) == 0))
        if wrong.size:
            here, following = self.indexes[wrong[0] : wrong[0] + 2]
            twice = here == following
            raise UsageError(
                "A relevant one is listed twice." if twice else "The relevant ones of a query are not sorted.",
                where=f"query {query[wrong[0]]}",
                found=here if twice else f"{here} before {following}",
                cause="two rows of a table with the same ids" if twice else None,
                fix="list each once" if twice else "relevance_from_lists sorts them",
            )

    @property
    def num_queries(self) -> int:
        """Q."""
        return len(self.offsets) - 1

    @property
    def counts(self) -> IntArray:
        """(Q,): how many are relevant to each query."""
        return np.diff(self.offsets)

    @property
    def query_of_pairs(self) -> IntArray:
        """(P,): the query of each pair."""
        return np.repeat(np.arange(self.num_queries), self.counts)

    @property
    def num_gallery_relevant(self) -> int:
        """How many of the gallery are relevant to any query."""
        return len(np.unique(self.indexes))

    def transposed(self) -> tuple[Relevance, IntArray]:
        """The gallery as queries and the queries as gallery, and for each of its pairs the place of the pair here."""
        order = np.argsort(self.indexes, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(self.indexes, minlength=self.num_gallery))])
        return Relevance(offsets, self.query_of_pairs[order], self.num_queries), order


def relevance_from_lists(lists: Sequence[Sequence[int]], num_gallery: int) -> Relevance:
    """From one list for each query, in any order within it.

    Raises:
        UsageError: as of Relevance.
    """
    offsets = np.concatenate([[0], np.cumsum([len(relevant) for relevant in lists], dtype=np.int64)])
    indexes = [index for relevant in lists for index in sorted(relevant)]
    return Relevance(offsets, np.asarray(indexes, dtype=np.int64 if not indexes else None), num_gallery)


def relevance_from_keys(query_keys: Sequence[object], gallery_keys: Sequence[object]) -> Relevance:
    """Whatever has the same key is relevant: the recording id of each caption and of each recording, or their labels.

    Args:
        query_keys: Q keys, strings or integers; several queries may have one key.
        gallery_keys: N keys of the same kind; several of the gallery may have one key.

    Raises:
        UsageError: either is empty.
    """
    queries, gallery = np.asarray(query_keys), np.asarray(gallery_keys)
    if not queries.size or not gallery.size:
        raise UsageError("There are no queries." if gallery.size else "The gallery is empty.", expected="1 or more")
    order = np.argsort(gallery, kind="stable")
    ordered = gallery[order]
    starts, ends = np.searchsorted(ordered, queries, "left"), np.searchsorted(ordered, queries, "right")
    counts = ends - starts
    offsets = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
    # The sort is stable: among equal keys the gallery's numbers rise.
    return Relevance(offsets, order[places], len(gallery))


def _integers(values: npt.ArrayLike, name: str) -> IntArray:
    array = np.asarray(values)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise UsageError(
            f"The {name} of the relevant ones are not whole numbers in a row.",
            expected="one dimension of integers",
            found=f"{array.dtype} of shape {array.shape}",
        )
    return array.astype(np.int64)
