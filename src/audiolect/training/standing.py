"""Where a training stands: all that the loop remembers, as plain values of a checkpoint's card.

Conventions: ``step`` counts optimiser steps; (``epoch``, ``position``) is the state of the batches, at a border between
two of them. A validation is better when it beats the best by more than ``min_delta``.

Public names: Standing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from audiolect.training.schedules import Plateau


@dataclass(slots=True)
class Standing:
    """The state of a training.

    Args:
        step: optimiser steps done.
        epoch, position: of the batch that comes next.
        best_step, best_value: of the best validation so far.
        waited: validations since then.
        validated_step: the step of the last validation.
        plateau: of the schedule.
        average_updates: of the moving average.
        ended: why it is over; "" while it is not.
        metrics: of the last validation: set → name → value.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    best_step: int | None = None
    best_value: float | None = None
    waited: int = 0
    validated_step: int | None = None
    plateau: Plateau = field(default_factory=Plateau)
    average_updates: int = 0
    ended: str = ""
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)

    def see(self, value: float, goal: str, min_delta: float = 0.0) -> bool:
        """Take note of what a validation gave for the metric that chooses; whether it is the best so far.

        A value that is not a number is never the best.
        """
        sign = 1.0 if goal == "max" else -1.0
        threshold = None if self.best_value is None else sign * self.best_value
        is_best = not math.isnan(value) and (threshold is None or sign * value > threshold)
        is_better = is_best and (threshold is None or sign * value > threshold + min_delta)
        if is_best:
            self.best_step, self.best_value = self.step, value
        self.waited = 0 if is_better else self.waited + 1
        self.validated_step = self.step
        return is_better

    def as_dict(self) -> dict[str, Any]:
        """Plain values; ``from_dict`` takes them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Standing:
        """Of the card of a checkpoint; keys that are not of the state are passed over."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        return cls(**known | {"plateau": Plateau(**known.get("plateau", {}))})
