"""How sure a number is: the interval of a share, and the mean over seeds or folds.

Intervals of anything that was measured on recordings are in ``bootstrap.py``, tests between two systems in
``paired.py``.

Conventions: intervals have two sides and the same probability beyond either.

Public names: Interval, RunSummary, wilson_interval, over_runs, check_values, check_level.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.distributions import normal_quantile, student_t_quantile

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and where it may lie.

    Args:
        value: of all the data.
        low, high: the ends.
        level: the probability with which such intervals hold the true value, 0.95 for example.
        method: how it was computed.
        num_groups: G, how many independent pieces the data has.
    """

    value: float
    low: float
    high: float
    level: float
    method: str
    num_groups: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One metric over several seeds or folds.

    Args:
        mean: of the runs.
        std: between the runs (n - 1 in the divisor); None of one run.
        low, high: Student's t interval of the mean; None of one run.
        level: of the interval.
        num_runs: n.
    """

    mean: float
    std: float | None
    low: float | None
    high: float | None
    level: float
    num_runs: int


def wilson_interval(successes: int, total: int, *, level: float = 0.95) -> Interval:
    """The interval of a share, as of right answers; sensible at 0 and 1, where the bootstrap sees nothing.

    Args:
        successes: from 0 to total.
        total: 1 or more, independent ones.
        level: between 0 and 1.

    Raises:
        UsageError: outside these.
    """
    check_level(level)
    if total < 1 or not 0 <= successes <= total:
        raise UsageError(
            "This is no share.", expected="0 <= successes <= total, total of 1 or more", found=f"{successes} of {total}"
        )
    z = normal_quantile(0.5 + level / 2)
    share, square = successes / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == total else middle + half
    return Interval(share, low, high, level, "wilson", total)


def over_runs(values: npt.ArrayLike, *, level: float = 0.95) -> RunSummary:
    """Mean, spread and t interval over seeds or folds.

    Folds share training data, so that their spread understates how much a new data set would change the number.

    Args:
        values: (n,) the metric of each run.
        level: between 0 and 1.

    Raises:
        UsageError: no runs, NaN, or a level that cannot be.
    """
    check_level(level)
    array = check_values(values)
    mean, count = float(array.mean()), len(array)
    if count == 1:
        return RunSummary(mean, None, None, None, level, 1)
    std = float(array.std(ddof=1))
    half = student_t_quantile(0.5 + level / 2, count - 1) * std / math.sqrt(count)
    return RunSummary(mean, std, mean - half, mean + half, level, count)


def check_values(values: npt.ArrayLike) -> FloatArray:
    """The values as float64.

    Raises:
        UsageError: none, not in a row, or NaN or infinity among them.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size:
        raise UsageError("There are no values.", expected="one dimension, 1 or more", found=f"shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise UsageError(
            "A value is not finite.",
            where=f"value {bad[0]}" + (f" and {bad.size - 1} more" if bad.size > 1 else ""),
            found=array[bad[0]],
            cause="a query without a relevant recording has no value",
            fix="leave such queries out, in all systems alike, and say how many",
        )
    return array


def check_level(level: float) -> None:
    """The level of an interval.

    Raises:
        UsageError: not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError("The level of an interval lies between 0 and 1.", expected="0.95, for example", found=level)
