"""Many intervals from the same draws of recordings: how often each draw has each recording, block by block.

A bootstrap of a mean needs only how often a draw holds each group: with these counts as rows of a matrix, one matrix
product gives the draws of all metrics at once. Medians and macro averages are worked out from the same counts.

Conventions: G groups (recordings), R draws, n values. Means have BCa intervals (``metrics/bootstrap.py``), everything
else percentile intervals; the method is said with each.

Public names: Drawn, Statistic, mean_statistic, geometric_mean_statistic, median_statistic, recalls_statistic,
macro_statistic, draw_intervals.

Source: as ``metrics/bootstrap.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.metrics.bootstrap import Groups, mean_interval
from audiolect.metrics.uncertainty import Interval, wilson_interval

FloatArray = npt.NDArray[np.float64]

_COUNTS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A number and how it changes with the draw.

    Args:
        value: of all values.
        drawn: (b, G) counts → (b,) the number of each draw.
        sums: (G,) where it is a mean: the sum of each group's values.
        finish: what is done to a mean and its ends, as the exponential.
        shares: whether it is a mean of zeros and ones.
    """

    value: float
    drawn: Callable[[FloatArray], FloatArray]
    sums: FloatArray | None = None
    finish: Callable[[float], float] = float
    shares: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """Ends of an interval and how they were found."""

    low: float
    high: float
    method: str


def mean_statistic(values: FloatArray, groups: Groups) -> Statistic:
    """The mean of (n,) values."""
    sums, sizes = groups.sums(values), groups.sizes.astype(np.float64)
    is_share = bool(np.isin(values, (0.0, 1.0)).all())
    return Statistic(float(values.mean()), lambda counts: (counts @ sums) / (counts @ sizes), sums, shares=is_share)


def geometric_mean_statistic(values: FloatArray, groups: Groups) -> Statistic:
    """The exponential of the mean of logarithms of (n,) positive values."""
    logs = mean_statistic(np.log(values), groups)
    return Statistic(math.exp(logs.value), logs.drawn, logs.sums, math.exp)


def median_statistic(values: FloatArray, groups: Groups) -> Statistic:
    """The median of (n,) values; of an even number, the mean of the two in the middle."""
    order = np.argsort(values, kind="stable")
    ordered, owners = values[order], groups.of_rows[order]

    def drawn(counts: FloatArray) -> FloatArray:
        found = np.empty(len(counts))
        for row, weights in enumerate(counts):
            reached = np.cumsum(weights[owners])
            total = reached[-1]
            lower = np.searchsorted(reached, math.ceil(total / 2), "left")
            upper = np.searchsorted(reached, math.floor(total / 2) + 1, "left")
            found[row] = (ordered[lower] + ordered[upper]) / 2
        return found

    return Statistic(float(np.median(values)), drawn)


def recalls_statistic(recalls: FloatArray, groups: Groups) -> Statistic:
    """The geometric mean of the means of (k, n) recalls."""
    sums = np.stack([groups.sums(row) for row in recalls], axis=1)
    sizes = groups.sizes.astype(np.float64)

    def drawn(counts: FloatArray) -> FloatArray:
        means = (counts @ sums) / (counts @ sizes)[:, None]
        return np.asarray(np.prod(means, axis=1) ** (1 / len(recalls)), np.float64)

    return Statistic(float(np.prod(recalls.mean(axis=1)) ** (1 / len(recalls))), drawn)


def macro_statistic(
    name: str,
    value: float,
    *,
    true: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    num_classes: int,
    groups: Groups,
) -> Statistic:
    """A mean over the classes that a draw has examples of.

    Args:
        name: ``balanced_accuracy``, ``macro_precision`` or ``macro_f1``, as ``metrics/tagging.py`` defines them.
        value: of all examples.
        true, predicted: (n,) classes, 0 to ``num_classes`` - 1.
        groups: of the n examples.
    """
    right, support, called = (np.zeros((groups.num_groups, num_classes)) for _ in range(3))
    np.add.at(support, (groups.of_rows, true), 1)
    np.add.at(called, (groups.of_rows, predicted), 1)
    hit = true == predicted
    np.add.at(right, (groups.of_rows[hit], true[hit]), 1)

    def drawn(counts: FloatArray) -> FloatArray:
        hits, own, all_called = counts @ right, counts @ support, counts @ called
        shares = {
            "balanced_accuracy": lambda: hits / np.maximum(own, 1),
            "macro_precision": lambda: hits / np.maximum(all_called, 1),
            "macro_f1": lambda: 2 * hits / np.maximum(own + all_called, 1),
        }[name]()
        present = own > 0
        return np.asarray((shares * present).sum(axis=1) / present.sum(axis=1), np.float64)

    return Statistic(value, drawn)


def draw_intervals(
    statistics: Mapping[str, Statistic],
    groups: Groups,
    *,
    rng: np.random.Generator,
    num_resamples: int,
    level: float = 0.95,
) -> dict[str, Drawn]:
    """The intervals of all statistics, from one set of draws.

    A share of which all values are 0, or all are 1, in which a bootstrap sees nothing, has Wilson's interval of as many
    trials as there are groups.

    Args:
        statistics: name → statistic, all over these groups.
        groups: two or more.
        rng: draws the groups.
    """
    found: dict[str, list[FloatArray]] = {name: [] for name in statistics}
    count = groups.num_groups
    for start in range(0, num_resamples, max(1, _COUNTS_AT_ONCE // count)):
        rows = min(max(1, _COUNTS_AT_ONCE // count), num_resamples - start)
        places = rng.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        counts = np.bincount(places.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        for name, statistic in statistics.items():
            found[name].append(statistic.drawn(counts))
    return {
        name: _ends(statistic, np.concatenate(found[name]), groups, level) for name, statistic in statistics.items()
    }


def _ends(statistic: Statistic, drawn: FloatArray, groups: Groups, level: float) -> Drawn:
    if statistic.sums is None:
        low, high = np.quantile(drawn, (0.5 - level / 2, 0.5 + level / 2))
        return Drawn(float(low), float(high), "percentile")
    if statistic.shares and statistic.value in (0.0, 1.0):
        interval: Interval = wilson_interval(round(statistic.value * groups.num_groups), groups.num_groups, level=level)
    else:
        interval = mean_interval(statistic.sums, groups.sizes, drawn, level=level, method="bca")
    return Drawn(statistic.finish(interval.low), statistic.finish(interval.high), interval.method)
