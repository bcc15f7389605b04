"""Is one system better than another on the same recordings? Paired tests, and Holm's correction for many of them.

Both systems have answered the same queries, so that the difference of each query is looked at, summed over what belongs
to one recording; recordings are independent, their captions are not.

- ``paired_permutation``: if the systems were equal, each recording's difference could as well have the other sign. The
  p-value is the share of all ways to choose signs that give a mean difference as far from 0 as the one found. Exact
  where there are no more ways than resamples, else of random signs.
- ``paired_bootstrap``: the interval of the mean difference, and as p-value the share of draws whose mean lies as far
  from the found difference as that lies from 0.

Random p-values count what was found as one of the draws, (1 + hits) / (1 + draws), and so are never 0.

Conventions: differences are a - b; tests have two sides.

Public names: PairedTest, paired_bootstrap, paired_permutation, holm.

Source: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 15 and 16; S. Holm, "A simple
sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.bootstrap import (
    NUM_RESAMPLES,
    Groups,
    check_options,
    draw_means,
    groups_of,
    mean_interval,
)
from audiolect.metrics.uncertainty import FloatArray, Interval, check_values

_DRAWN_AT_ONCE = 1 << 22
_ROUNDING = 1e-12
Labels = Sequence[object] | npt.NDArray[np.generic] | None


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What a paired test found.

    Args:
        difference: mean of a minus mean of b.
        p_value: of the hypothesis that the systems are equal, two-sided.
        method: which test.
        num_groups: G, recordings.
        num_resamples: draws, or all sign patterns of an exact test.
        interval: of the difference; None of a permutation test.
    """

    difference: float
    p_value: float
    method: str
    num_groups: int
    num_resamples: int
    interval: Interval | None


def paired_bootstrap(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    groups: Labels = None,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
    method: str = "bca",
) -> PairedTest:
    """Test the difference of two means by drawing recordings again.

    Args:
        a, b: (n,) values of the same queries in the same order.
        rng: draws; the interval and the p-value come from the same draws.
        groups: (n,) labels, as the recording ids; None: each query is independent.
        num_resamples: draws.
        level, method: of the interval, as of ``bootstrap_mean``.

    Raises:
        UsageError: as of ``bootstrap_mean``, or different numbers of values.
    """
    check_options(num_resamples, level, method)
    differences, grouped = _paired(a, b, groups)
    sums, sizes = grouped.sums(differences), grouped.sizes
    drawn = draw_means(sums, sizes, rng, num_resamples)
    interval = mean_interval(sums, sizes, drawn, level=level, method=method)
    found = interval.value
    hits = np.count_nonzero(np.abs(drawn - found) >= abs(found) - _rounding(sums, len(differences)))
    p_value = (1 + int(hits)) / (1 + num_resamples)
    return PairedTest(found, p_value, "paired bootstrap", grouped.num_groups, num_resamples, interval)


def paired_permutation(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    groups: Labels = None,
    num_resamples: int = NUM_RESAMPLES,
) -> PairedTest:
    """Test the difference of two means by changing the signs of recordings' differences.

    Args:
        a, b, groups: as of ``paired_bootstrap``.
        rng: draws signs, where not all patterns are tried.
        num_resamples: draws; with no more than so many patterns, all of them are tried once.

    Raises:
        UsageError: as of ``paired_bootstrap``.
    """
    if num_resamples < 1:
        raise UsageError("A permutation test needs draws.", expected="1 or more", found=num_resamples)
    differences, grouped = _paired(a, b, groups)
    sums, count = grouped.sums(differences), grouped.num_groups
    least = abs(sums.sum()) / len(differences) - _rounding(sums, len(differences))
    exact = count < 63 and 1 << count <= num_resamples
    draws = 1 << count if exact else num_resamples
    rows, hits = max(1, _DRAWN_AT_ONCE // count), 0
    for start in range(0, draws, rows):
        number = min(rows, draws - start)
        if exact:
            patterns = np.arange(start, start + number)[:, None] >> np.arange(count) & 1
        else:
            patterns = rng.integers(0, 2, (number, count), dtype=np.int8)
        # The sum with signs is twice the sum of those with a plus, less the sum of all.
        means = (2 * (patterns.astype(np.float64) @ sums) - sums.sum()) / len(differences)
        hits += int(np.count_nonzero(np.abs(means) >= least))
    p_value = hits / draws if exact else (1 + hits) / (1 + draws)
    method = "paired permutation, exact" if exact else "paired permutation"
    return PairedTest(float(differences.mean()), p_value, method, count, draws, None)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Name → p-value adjusted for the number of tests: below 0.05 where the family of tests may err in 1 of 20.

    Raises:
        UsageError: a value that is not from 0 to 1.
    """
    for name, value in p_values.items():
        if not 0 <= value <= 1:
            raise UsageError("This is no p-value.", where=name, expected="0 to 1", found=value)
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def _paired(a: npt.ArrayLike, b: npt.ArrayLike, groups: Labels) -> tuple[FloatArray, Groups]:
    first, second = check_values(a), check_values(b)
    if len(first) != len(second):
        raise UsageError(
            "The two systems have not answered the same queries.",
            expected="as many values of each",
            found=f"{len(first)} and {len(second)}",
        )
    return first - second, groups_of(groups, len(first))


def _rounding(sums: FloatArray, num_values: int) -> float:
    """How far two means that are equal on paper may lie apart, having been added in another order."""
    return _ROUNDING * float(np.abs(sums).sum()) / num_values
