"""Dot products of embeddings that are the same numbers in every block, every order and on every machine.

A matrix product in floating point depends on how the library cuts it: the same two vectors can get scores that
differ in the last digit, at another place of the matrix, in another block, with other threads. Then equal recordings do
not tie, and ranks change with the size of a block. Here each component is first rounded to a multiple of a power of
two, about 2**-26 of the largest norm. On such a grid every partial sum is a whole number below 2**53, so that float64
arithmetic is exact in whatever order it adds.

The rounding moves a score by some 1e-8 of the product of the largest norms, no more than a float32 matrix product errs.
An embedding whose norm is below 2**-27 of the largest counts as zero.

Conventions: Q queries, N in the gallery, D width; similarity is the dot product (cosine, where all norms are 1).

Public names: Grid, grid_of, pair_scores, check_fit.

Source: the error-free products of K. Ozaki et al., "Error-free transformations of matrix multiplication by using fast
routines of matrix multiplication and its applications", Numerical Algorithms 59, 2012, with one slice. That no sum is
too large: sum |a_i b_i| <= |a| |b| (Cauchy and Schwarz).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError

FloatArray = npt.NDArray[np.float64]
Embeddings = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.int64]

_BITS = 26
_ROWS = 16384
_LARGEST_SHIFT = 900


@dataclass(frozen=True, slots=True)
class Grid:
    """The power of two by which embeddings are multiplied before they are rounded to whole numbers."""

    scale: float

    def rounded(self, rows: Embeddings) -> FloatArray:
        """Whole numbers in float64: (n, D) → (n, D)."""
        scaled = np.multiply(rows, self.scale, dtype=np.float64)
        return np.rint(scaled, out=scaled)


def grid_of(embeddings: Embeddings, name: str) -> Grid:
    """The grid for all of these embeddings.

    Args:
        embeddings: (n, D), float16, float32 or float64.
        name: what they are, for the letter.

    Raises:
        UsageError: empty, not of two dimensions, not floating point, or with NaN or infinity.
    """
    if embeddings.ndim != 2 or not np.issubdtype(embeddings.dtype, np.floating):
        raise UsageError(
            f"The embeddings of the {name} do not fit.",
            expected="floating point, one row for each",
            found=f"{embeddings.dtype} of shape {embeddings.shape}",
        )
    if not embeddings.size:
        raise UsageError(f"There are no embeddings of the {name}.", found=f"shape {embeddings.shape}")
    largest = 0.0
    for start in range(0, len(embeddings), _ROWS):
        rows = embeddings[start : start + _ROWS].astype(np.float64)
        squares = np.einsum("nd,nd->n", rows, rows)
        bad = np.flatnonzero(~np.isfinite(squares))
        if bad.size:
            raise UsageError(
                f"An embedding of the {name} is not finite.",
                where=f"row {start + bad[0]}",
                found="NaN, infinity or a norm above 1e154",
                cause="the training diverged, or a recording without audio was embedded",
            )
        largest = max(largest, float(squares.max()))
    _, exponent = np.frexp(np.sqrt(largest))
    return Grid(float(np.ldexp(1.0, int(np.clip(_BITS - int(exponent), -_LARGEST_SHIFT, _LARGEST_SHIFT)))))


def check_fit(queries: Embeddings, gallery: Embeddings) -> None:
    """Both have the same width.

    Raises:
        UsageError: they have not.
    """
    if queries.shape[-1] != gallery.shape[-1]:
        raise UsageError(
            "Queries and gallery have embeddings of different widths.",
            expected=f"the same D in {queries.shape} and {gallery.shape}",
            found=f"{queries.shape[-1]} and {gallery.shape[-1]}",
            cause="embeddings of two checkpoints",
        )


def pair_scores(
    queries: Embeddings, gallery: Embeddings, query_of_pairs: IntArray, indexes: IntArray, grids: tuple[Grid, Grid]
) -> FloatArray:
    """(P,): the scores of single pairs on the grids, equal to those in the matrix product.

    Args:
        queries, gallery: (Q, D) and (N, D).
        query_of_pairs, indexes: (P,) rows of the two.
        grids: of the queries and of the gallery.
    """
    scores = np.empty(len(indexes))
    for start in range(0, len(indexes), _ROWS // 4):
        part = slice(start, start + _ROWS // 4)
        left, right = grids[0].rounded(queries[query_of_pairs[part]]), grids[1].rounded(gallery[indexes[part]])
        scores[part] = np.einsum("pd,pd->p", left, right)
    return scores
