"""Bootstrap intervals by recording: where a mean, a median rank or any other number may lie.

What is drawn again is the recording (or whatever else is independent), never the caption or question: five captions of
one recording are not five observations. A draw takes as many groups as there are, with replacement, and all members of
each; the statistic is that of all members drawn.

- ``percentile``: the quantiles of the statistic over the draws.
- ``bca`` (the default): the same quantiles, moved for bias and skew; better near 0 and 1 and with few recordings.

Conventions: n values, G groups. Randomness is handed in: the same generator gives the same interval. All values the
same give an interval of no width, which says that the bootstrap has nothing to see, not that the number is sure; of a
share, take ``uncertainty.wilson_interval`` then.

Public names: METHODS, NUM_RESAMPLES, Groups, groups_of, bootstrap_mean, bootstrap_statistic, draw_means, mean_interval,
check_options.

Source: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, sections 13.3 and 14.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError, unknown_name
from audiolect.metrics.distributions import normal_cdf, normal_quantile
from audiolect.metrics.uncertainty import FloatArray, Interval, check_level, check_values

IntArray = npt.NDArray[np.int64]

METHODS = ("bca", "percentile")
NUM_RESAMPLES = 9999
_DRAWN_AT_ONCE = 1 << 21
_SMALLEST_DIVISOR = 1e-9
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Which rows belong together: those of group g are ``rows[offsets[g] : offsets[g + 1]]``.

    Args:
        of_rows: (n,) the group of each row, from 0.
        rows: (n,) the rows, group after group.
        offsets: (G + 1,).
    """

    of_rows: IntArray
    rows: IntArray
    offsets: IntArray

    @property
    def num_groups(self) -> int:
        """G."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> IntArray:
        """(G,): the number of rows of each."""
        return np.diff(self.offsets)

    def sums(self, values: FloatArray) -> FloatArray:
        """(n,) → (G,): the sum of the values of each group."""
        return np.bincount(self.of_rows, values).astype(np.float64)

    def members(self, drawn: IntArray) -> IntArray:
        """The rows of the groups drawn, each as often as its group."""
        return np.concatenate([self.rows[self.offsets[g] : self.offsets[g + 1]] for g in drawn])


def groups_of(labels: Sequence[object] | npt.NDArray[np.generic] | None, num_rows: int) -> Groups:
    """Rows with one label are one group; without labels each row is one.

    Raises:
        UsageError: not one label for each row, or fewer than two groups.
    """
    if labels is None:
        of_rows = np.arange(num_rows)
    else:
        if len(labels) != num_rows:
            raise UsageError("There is not one group for each value.", expected=num_rows, found=len(labels))
        of_rows = np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)
    sizes = np.bincount(of_rows)
    if len(sizes) < 2:
        raise UsageError(
            "An interval needs values of two or more recordings.", expected="2 or more groups", found=len(sizes)
        )
    return Groups(of_rows, np.argsort(of_rows, kind="stable"), np.concatenate([[0], np.cumsum(sizes)]))


def bootstrap_mean(
    values: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    groups: Sequence[object] | npt.NDArray[np.generic] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
    method: str = "bca",
) -> Interval:
    """The interval of a mean over all values.

    Args:
        values: (n,) one for each query or example.
        rng: draws the groups.
        groups: (n,) labels, as the recording ids; None: each value is independent.
        num_resamples: draws.
        level: between 0 and 1.
        method: a name of METHODS.

    Raises:
        UsageError: NaN, groups that do not fit, fewer than two, or an option that cannot be.
    """
    check_options(num_resamples, level, method)
    array = check_values(values)
    grouped = groups_of(groups, len(array))
    sums, sizes = grouped.sums(array), grouped.sizes
    return mean_interval(sums, sizes, draw_means(sums, sizes, rng, num_resamples), level=level, method=method)


def bootstrap_statistic(
    statistic: Callable[[IntArray], float],
    num_rows: int,
    *,
    rng: np.random.Generator,
    groups: Sequence[object] | npt.NDArray[np.generic] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
    method: str = "bca",
) -> Interval:
    """The interval of any number that is computed from rows: a median rank, mAP over classes.

    Args:
        statistic: takes the numbers of rows, some of them several times, and gives the number.
        num_rows: n.
        rng, groups, num_resamples, level, method: as of ``bootstrap_mean``.

    Raises:
        UsageError: as of ``bootstrap_mean``; or the statistic is NaN of all rows, or of some draw.
    """
    check_options(num_resamples, level, method)
    grouped = groups_of(groups, num_rows)
    count = grouped.num_groups
    value = float(statistic(np.arange(num_rows)))
    drawn = np.array([statistic(grouped.members(row)) for part in _draws(rng, count, num_resamples) for row in part])
    undefined = int(np.isnan(drawn).sum())
    if math.isnan(value) or undefined:
        raise UsageError(
            "The statistic is not a number.",
            where="of all rows" if math.isnan(value) else f"of {undefined} of {num_resamples} draws",
            cause="a class or query that few recordings have",
        )

    def left_out() -> FloatArray:
        everyone = np.arange(count)
        return np.array([statistic(grouped.members(np.delete(everyone, group))) for group in range(count)])

    low, high = _ends(value, drawn, left_out, level=level, method=method)
    return Interval(value, low, high, level, method, count)


def draw_means(sums: FloatArray, sizes: IntArray, rng: np.random.Generator, num_resamples: int) -> FloatArray:
    """(num_resamples,): means over groups drawn with replacement.

    Args:
        sums, sizes: (G,) of the values of each group.
        rng: draws.
        num_resamples: how often.
    """
    parts = [sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1) for drawn in _draws(rng, len(sums), num_resamples)]
    return np.concatenate(parts)


def mean_interval(sums: FloatArray, sizes: IntArray, drawn: FloatArray, *, level: float, method: str) -> Interval:
    """The interval of a mean from draws that were made of it.

    Args:
        sums, sizes: (G,) of the values of each group.
        drawn: by ``draw_means``.
        level, method: as of ``bootstrap_mean``.
    """
    value = float(sums.sum() / sizes.sum())
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    low, high = _ends(value, drawn, lambda: left_out, level=level, method=method)
    return Interval(value, low, high, level, method, len(sums))


def _draws(rng: np.random.Generator, num_groups: int, num_resamples: int) -> Iterator[IntArray]:
    """Blocks of rows of G group numbers; together the same numbers whatever the size of a block."""
    rows = max(1, _DRAWN_AT_ONCE // num_groups)
    for start in range(0, num_resamples, rows):
        yield rng.integers(0, num_groups, (min(rows, num_resamples - start), num_groups))


def _ends(
    value: float, drawn: FloatArray, left_out: Callable[[], FloatArray], *, level: float, method: str
) -> tuple[float, float]:
    probabilities = (0.5 - level / 2, 0.5 + level / 2)
    if method == "bca":
        probabilities = _moved(value, drawn, left_out(), probabilities)
    low, high = np.quantile(drawn, probabilities)
    return float(low), float(high)


def _moved(
    value: float, drawn: FloatArray, left_out: FloatArray, probabilities: tuple[float, float]
) -> tuple[float, float]:
    """The probabilities of BCa: z0 from the share of draws below the value, a from leaving out one group at a time."""
    # Draws that equal the value on paper have been added in another order.
    near = _ROUNDING * float(np.abs(drawn).max())
    below = (np.count_nonzero(drawn < value - near) + np.count_nonzero(drawn <= value + near)) / (2 * len(drawn))
    bias = normal_quantile(min(max(below, 0.5 / len(drawn)), 1 - 0.5 / len(drawn)))
    pulls = left_out.mean() - left_out
    squares = float((pulls**2).sum())
    acceleration = float((pulls**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    low, high = (bias + normal_quantile(probability) for probability in probabilities)
    # The divisor reaches 0 only where the draws lie almost wholly on one side; the end is then the outermost draw.
    return (
        normal_cdf(bias + low / max(1 - acceleration * low, _SMALLEST_DIVISOR)),
        normal_cdf(bias + high / max(1 - acceleration * high, _SMALLEST_DIVISOR)),
    )


def check_options(num_resamples: int, level: float, method: str) -> None:
    """The options of a bootstrap.

    Raises:
        UsageError: one of them cannot be.
    """
    if num_resamples < 1:
        raise UsageError("A bootstrap needs draws.", expected="1 or more", found=num_resamples)
    check_level(level)
    if method not in METHODS:
        raise unknown_name("bootstrap interval", method, METHODS)
