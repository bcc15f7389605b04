"""Weights of a mixture, exact: decimals as fractions, constant or changing from epoch to epoch.

    Schedule.constant(0.5).total(10)           # 5
    Schedule.of({0: 1.0, 50: 2.0}).total(60)   # 50 * 1 + 10 * 2 = 70

Conventions: a weight is what one epoch takes of a dataset, in passes, before the global weight. A decimal of a file is
the fraction that it is written as: 0.1 is 1/10, not the binary number beside it. So sums are exact, and what epochs
take adds up to what they should (``plan.py``). A schedule is constant between its steps and after the last one.

Public names: Schedule, exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from audiolect.errors import UsageError


def exact(weight: float) -> Fraction:
    """The fraction that a finite number is written as in the shortest way: ``0.1`` → 1/10.

    Raises:
        UsageError: the number is not finite, or negative.
    """
    if not math.isfinite(weight) or weight < 0:
        raise UsageError("A weight cannot be this.", expected="a finite number, 0 or more", found=weight)
    return Fraction(repr(weight))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A weight for every epoch.

    Args:
        starts: the epochs at which the weight changes, ascending, the first one 0.
        weights: the weight from each start on.
    """

    starts: tuple[int, ...]
    weights: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        ascending = all(a < b for a, b in pairwise(self.starts))
        if not self.starts or self.starts[0] != 0 or not ascending or len(self.starts) != len(self.weights):
            raise UsageError(
                "This is no schedule of weights.",
                expected="one weight for each start, the starts ascending from epoch 0",
                found=dict(zip(self.starts, map(float, self.weights), strict=False)),
            )
        if min(self.weights) < 0:
            raise UsageError("A weight is negative.", expected="0 or more", found=float(min(self.weights)))

    @classmethod
    def constant(cls, weight: float | Fraction) -> Schedule:
        """The same weight in every epoch."""
        return cls((0,), (weight if isinstance(weight, Fraction) else exact(weight),))

    @classmethod
    def of(cls, steps: Mapping[int, float]) -> Schedule:
        """From ``{epoch: weight}``, in any order of the epochs.

        Raises:
            UsageError: there is no weight for epoch 0, or a weight is negative or not finite.
        """
        starts = tuple(sorted(steps))
        return cls(starts, tuple(exact(steps[start]) for start in starts))

    def at(self, epoch: int) -> Fraction:
        """The weight in an epoch, counted from 0."""
        return max(zip(self.starts, self.weights, strict=True), key=lambda step: (step[0] <= epoch, step[0]))[1]

    def total(self, epochs: int) -> Fraction:
        """The sum of the weights of the first ``epochs`` epochs."""
        ends = [*self.starts[1:], max(epochs, self.starts[-1])]
        lengths = (min(end, epochs) - min(start, epochs) for start, end in zip(self.starts, ends, strict=True))
        return sum((length * weight for length, weight in zip(lengths, self.weights, strict=True)), Fraction(0))

    def __str__(self) -> str:
        if len(self.starts) == 1:
            return f"{float(self.weights[0]):g}"
        steps = zip(self.starts, self.weights, strict=True)
        return ", then ".join(f"{float(weight):g} from epoch {start}" for start, weight in steps)
