"""Intervals of numbers that a bootstrap bends: what they would be on other recordings, by leaving some out.

A draw with replacement has recordings twice. A number that looks at the order of scores within classes, such as the
mean average precision, is higher on such draws than on the data (a positive that comes twice ranks with itself), and
the classes that a draw lacks drop out of its mean: with few positives, all draws lie above the value. The jackknife
leaves blocks of recordings out instead and takes from the spread of what is left how far the number would move:

    variance = (K - 1) / K * sum over blocks k of (statistic without k - their mean)²

The interval is the value and that spread, with Student's t of K - 1 degrees; of numbers between 0 and 1 on the scale
of log(p / (1 - p)), so that it stays between them. It always holds the value, and is about what sets of this size
give: mean average precision itself is higher on smaller sets.

Conventions: as in ``bootstrap.py``: recordings are what is independent, and randomness (which recordings share a block)
is handed in. With up to ``num_blocks`` recordings each is a block of its own.

Public names: NUM_BLOCKS, jackknife_interval.

Source: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11; blocks: J. Shao and
C. F. J. Wu, "A general theory for jackknife variance estimation", Annals of Statistics 17, 1989.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.bootstrap import groups_of
from audiolect.metrics.distributions import student_t_quantile
from audiolect.metrics.uncertainty import Interval, check_level

IntArray = npt.NDArray[np.int64]

NUM_BLOCKS = 100


def jackknife_interval(
    statistic: Callable[[IntArray], float],
    num_rows: int,
    *,
    rng: np.random.Generator,
    groups: Sequence[object] | npt.NDArray[np.generic] | None = None,
    num_blocks: int = NUM_BLOCKS,
    level: float = 0.95,
    is_share: bool = True,
) -> Interval:
    """The interval of a number that is computed from rows.

    Args:
        statistic: takes the numbers of rows, each once, and gives the number.
        num_rows: n.
        rng: deals the groups out to blocks.
        groups: (n,) labels, as the recording ids; None: each row is independent.
        num_blocks: at most; fewer are faster and less exact.
        level: between 0 and 1.
        is_share: whether the number lies between 0 and 1.

    Raises:
        UsageError: groups that do not fit, fewer than two, or the statistic is not a number without some block.
    """
    check_level(level)
    grouped = groups_of(groups, num_rows)
    count = min(max(2, num_blocks), grouped.num_groups)
    blocks = rng.permutation(grouped.num_groups) % count
    value = float(statistic(np.arange(num_rows)))
    of_rows = blocks[grouped.of_rows]
    left = np.array([statistic(np.flatnonzero(of_rows != block)) for block in range(count)])
    undefined = int((~np.isfinite(left)).sum())
    if not math.isfinite(value) or undefined:
        raise UsageError(
            "The statistic is not a number.",
            where=f"without {undefined} of {count} blocks" if math.isfinite(value) else "of all rows",
            cause="a class or query that few recordings have",
        )
    spread = math.sqrt((count - 1) / count * float(((left - left.mean()) ** 2).sum()))
    half = student_t_quantile(0.5 + level / 2, count - 1) * spread
    low, high = _shares_around(value, half) if is_share else (value - half, value + half)
    return Interval(value, low, high, level, f"jackknife of {count} blocks", grouped.num_groups)


def _shares_around(value: float, half: float) -> tuple[float, float]:
    """The ends on the scale of log odds; where the value has none, half a width to the inner side."""
    if not 0.0 < value < 1.0:
        return max(0.0, value - half), min(1.0, value + half)
    odds, width = math.log(value / (1 - value)), half / (value * (1 - value))
    return _share(odds - width), _share(odds + width)


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))
