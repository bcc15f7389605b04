"""The cheap first look at every vector, whose error is bounded, so that few have to be looked at exactly.

Instead of (N, D) float32, the first pass reads one of:

- ``float32``: the vectors themselves;
- ``leading``: their coordinates on the d principal axes that hold nearly all of them, float32. The scores of trained
  embeddings live in few axes: a quarter of the bytes and of the multiplications, on any processor;
- ``bfloat16``: the vectors, or their leading coordinates, rounded to bfloat16, where the processor multiplies that.

For a row x, mean m, axes W (D, d) and coordinates A, let r = x - m - W A be what the first pass does not see. Then

    q·x - q·m  =  (Wᵀq)·A + q·r,      |q·r| <= |q - W Wᵀq| |r| + |Wᵀq| |Wᵀr|

where the last term is rounding only. Rounding of sums of n float32 products is bounded by n units of 2^-24 of the
product of the norms, so that ``bounds`` holds in every case, whatever the data are.

Conventions: N rows, D wide, d axes, Q queries. Rows are kept in the order of growing |r|, so that blocks are alike and
the few that fit badly come last. Scores of the first pass lack q·m, which is the same for all rows of a query.

Public names: FirstPass, plain_pass, leading_pass, bfloat16_pass, number_of_axes, multiplies_bfloat16, FloatArray.

Source: the bound on rounding is that of Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_UNIT = 2.0**-24
_UNIT_BFLOAT16 = 2.0**-8  # twice what rounding to nearest does, for processors that cut
_ROWS = 16_384
_SAMPLE_ROWS = 20_000
_LEAST_ROWS = 20_000  # below, everything is read in milliseconds
_UNSEEN_SHARE = 0.01  # of the mean square that may lie outside the axes
_AXES_STEP = 32


@dataclass(frozen=True, slots=True, eq=False)
class FirstPass:
    """What the first pass reads, and what bounds its error.

    Args:
        kind: ``float32``, ``leading``, ``bfloat16`` or ``bfloat16 leading``.
        matrix: (N, d) float32; a bfloat16 tensor of torch where the kind says so.
        order: (N,) the row of the vectors that each row of the matrix is; None: they are the same.
        axes: (D, d) float32, nearly orthonormal; None: the vectors themselves, d = D.
        unseen: (N,) float32, |r| or more, growing where there is an order.
        largest_norm: of all vectors.
        mean_norm: |m|; 0 without axes.
        skew: spectral norm of WᵀW - 1.
    """

    kind: str
    matrix: Any
    order: IntArray | None
    axes: FloatArray | None
    unseen: FloatArray
    largest_norm: float
    mean_norm: float = 0.0
    skew: float = 0.0

    def __len__(self) -> int:
        """N."""
        return len(self.unseen)

    @property
    def is_bfloat16(self) -> bool:
        """Whether the matrix is rounded to bfloat16."""
        return self.kind.startswith("bfloat16")

    def project(self, queries: FloatArray) -> tuple[Any, DoubleArray, DoubleArray]:
        """Queries as the first pass takes them.

        Args:
            queries: (Q, D) float32.

        Returns:
            (Q, d) to hand to ``scores``, and two (Q,) float64: the score of a row is off by at most the first times
            its ``unseen``, plus the second.
        """
        exact = queries.astype(np.float64)
        norms = np.linalg.norm(exact, axis=1)
        inside = exact
        outside = norms
        if self.axes is not None:
            axes = self.axes.astype(np.float64)
            inside = exact @ axes
            outside = np.linalg.norm(exact - inside @ axes.T, axis=1) + 1e-12 * norms
        projected: Any = np.ascontiguousarray(inside, np.float32)
        if self.is_bfloat16:
            import torch

            projected = torch.from_numpy(projected).bfloat16()
            rounded = projected.float().numpy().astype(np.float64)
        else:
            rounded = projected.astype(np.float64)
        width, inside_norms = inside.shape[1], np.linalg.norm(rounded, axis=1)
        # A little more than |A| can be, whose rounding is of the order of the last factor.
        reach = 1.01 * (self.largest_norm + self.mean_norm) * (1 + self.skew)
        # The query is rounded; sums are rounded; bfloat16 results are rounded once more.
        error = np.linalg.norm(inside - rounded, axis=1) * reach
        error += inside_norms * reach * (2 * width * _UNIT + (2 * _UNIT_BFLOAT16 if self.is_bfloat16 else 0.0))
        if self.axes is not None:
            # |Wᵀr|: the coordinates were rounded when they were computed, and the axes are not quite orthonormal.
            error += np.linalg.norm(inside, axis=1) * reach * self._rounding_of_coordinates()
        return projected, outside, error

    def scores(self, projected: Any, start: int, stop: int) -> FloatArray:
        """(Q, B) float32: the scores of rows ``start`` to ``stop`` of the matrix, short of q·m."""
        block = self.matrix[start:stop]
        if self.is_bfloat16:
            found: FloatArray = (projected @ block.T).float().numpy()
            return found
        if len(projected) == 1:
            return np.asarray(block @ projected[0], np.float32)[None]
        return np.asarray(projected @ block.T, np.float32)

    def rows(self, positions: IntArray) -> IntArray:
        """The rows of the vectors that rows of the matrix are."""
        return positions if self.order is None else self.order[positions]

    def _rounding_of_coordinates(self) -> float:
        size, width = (1, 1) if self.axes is None else self.axes.shape
        rounded = _UNIT_BFLOAT16 if self.is_bfloat16 else _UNIT
        of_sums = (size + 4) * math.sqrt(width) * _UNIT * (1 + self.skew)
        return float(of_sums + self.skew + rounded)


def plain_pass(vectors: FloatArray) -> FirstPass:
    """The vectors (N, D) float32 themselves."""
    return FirstPass("float32", vectors, None, None, np.zeros(len(vectors), np.float32), _largest_norm(vectors))


def number_of_axes(vectors: FloatArray) -> int:
    """How many leading axes a first pass should read, by the spectrum of a sample of the vectors.

    Returns:
        d, a multiple of 32 and at most half of D; 0: the vectors are too few or too evenly spread for it to pay.
    """
    count, size = vectors.shape
    if count < _LEAST_ROWS:
        return 0
    mean, spectrum, _ = _principal_axes(vectors)
    total = spectrum.sum() + float(mean @ mean)
    for axes in range(_AXES_STEP, size // 2 + 1, _AXES_STEP):
        if spectrum[axes:].sum() <= _UNSEEN_SHARE * total:
            return axes
    return 0


def leading_pass(vectors: FloatArray, num_axes: int) -> FirstPass:
    """The coordinates of vectors (N, D) float32 on their leading principal axes."""
    count, size = vectors.shape
    mean64, _, axes64 = _principal_axes(vectors)
    mean, axes = mean64.astype(np.float32), np.ascontiguousarray(axes64[:, :num_axes], np.float32)
    matrix, unseen = np.empty((count, num_axes), np.float32), np.empty(count, np.float32)
    exact = axes.astype(np.float64)
    skew = float(np.linalg.norm(exact.T @ exact - np.eye(num_axes), 2))
    largest = _largest_norm(vectors)
    mean_norm = float(np.linalg.norm(mean.astype(np.float64)))
    # What the subtraction and the product below are rounded by, at most.
    slack = (num_axes + 4) * _UNIT * (largest + mean_norm) * (2 + math.sqrt(num_axes))
    for start in range(0, count, _ROWS):
        rows = vectors[start : start + _ROWS] - mean
        coordinates = rows @ axes
        rows -= coordinates @ axes.T
        matrix[start : start + _ROWS] = coordinates
        unseen[start : start + _ROWS] = np.linalg.norm(rows, axis=1) * (1 + (size + 4) * _UNIT) + slack
    order = np.argsort(unseen, kind="stable").astype(np.int64)
    return FirstPass("leading", matrix[order], order, axes, unseen[order], largest, mean_norm, skew)


def bfloat16_pass(exact: FirstPass) -> FirstPass:
    """Another first pass with its matrix rounded to bfloat16; needs torch."""
    import torch

    matrix = torch.empty(exact.matrix.shape, dtype=torch.bfloat16)
    unseen = exact.unseen.copy()
    for start in range(0, len(exact), _ROWS):
        rows = torch.from_numpy(np.ascontiguousarray(exact.matrix[start : start + _ROWS]))
        matrix[start : start + _ROWS] = rows.bfloat16()
        if exact.axes is None:
            lost = np.linalg.norm((rows - matrix[start : start + _ROWS].float()).numpy(), axis=1)
            unseen[start : start + _ROWS] = lost * (1 + exact.matrix.shape[1] * _UNIT)
        else:
            # Within the axes nothing but rounding is lost, which ``project`` counts; what is unseen stays so.
            unseen[start : start + _ROWS] *= 1 + 2 * _UNIT
    kind = "bfloat16" if exact.axes is None else "bfloat16 leading"
    return replace(exact, kind=kind, matrix=matrix, unseen=unseen)


def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for products of bfloat16 and torch is installed to use them."""
    cpuinfo = Path("/proc/cpuinfo")
    if not sys.platform.startswith("linux") or not cpuinfo.is_file():
        return False
    flags = next((line for line in cpuinfo.read_text("utf-8").splitlines() if line.startswith("flags")), "")
    if not {"avx512_bf16", "amx_bf16"} & set(flags.split()):
        return False
    try:
        import torch  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def _principal_axes(vectors: FloatArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Mean (D,), falling variances (D,) and axes (D, D) of a sample of rows that is the same every time."""
    step = max(1, len(vectors) // _SAMPLE_ROWS)
    sample = np.ascontiguousarray(vectors[::step][:_SAMPLE_ROWS], np.float64)
    mean = sample.mean(axis=0)
    sample -= mean
    variances, axes = np.linalg.eigh(sample.T @ sample / len(sample))
    return mean, np.maximum(variances[::-1], 0), axes[:, ::-1]


def _largest_norm(vectors: FloatArray) -> float:
    largest = 0.0
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS]
        squares = np.einsum("nd,nd->n", rows, rows)
        largest = max(largest, float(squares.max(initial=0.0)))
    return float(math.sqrt(largest) * (1 + vectors.shape[1] * _UNIT))
