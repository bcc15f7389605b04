"""The learning rate over a training: a warm-up, then one of four ways on, counted in optimiser steps.

    constant    1
    linear      from 1 down to ``final``
    cosine      from 1 down to ``final``, along half a cosine
    plateau     1, times ``factor`` after each ``patience`` validations that brought nothing better, down to ``final``

Conventions: a factor is what the learning rate is multiplied with. It is a function of the number of steps done (and,
for plateau, of how often it was reduced): nothing else has to be remembered. The warm-up rises in equal steps and
reaches 1 at its last one; its first step already moves.

Public names: ScheduleSettings, rate_factor, Plateau, DEPENDS_ON_LENGTH.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from audiolect.config import Config

# Schedules whose every factor changes with the number of steps of the whole training.
DEPENDS_ON_LENGTH = ("linear", "cosine")


class ScheduleSettings(Config):
    """How the learning rate goes on."""

    kind: Literal["constant", "linear", "cosine", "plateau"] = Field(default="cosine", description="After the warm-up.")
    warmup_steps: Annotated[int, Field(ge=0)] = Field(default=0, description="Optimiser steps of the warm-up.")
    steps: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Where linear and cosine end; null: at the end of the training."
    )
    final: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="The factor at the end of linear and cosine, and the least of plateau."
    )
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.1, description="Of plateau.")
    patience: Annotated[int, Field(ge=1)] = Field(
        default=5, description="Validations without a better one before plateau reduces."
    )


def rate_factor(settings: ScheduleSettings, step: int, total_steps: int, reductions: int = 0) -> float:
    """What the learning rate of an optimiser step is multiplied with.

    Args:
        step: how many steps were done before, from 0.
        total_steps: of the whole training.
        reductions: how often plateau has reduced.
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.kind == "constant":
        return 1.0
    if settings.kind == "plateau":
        return max(float(settings.factor**reductions), settings.final)
    length = (settings.steps or total_steps) - settings.warmup_steps
    done = min(1.0, (step - settings.warmup_steps) / max(1, length))
    falling = 1.0 - done if settings.kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
    return settings.final + (1.0 - settings.final) * falling


@dataclass(slots=True)
class Plateau:
    """How often plateau has reduced, and how many validations in a row brought nothing better."""

    reductions: int = 0
    waited: int = 0

    def see(self, settings: ScheduleSettings, *, is_better: bool) -> None:
        """Take note of one validation."""
        self.waited = 0 if is_better else self.waited + 1
        if self.waited >= settings.patience:
            self.reductions, self.waited = self.reductions + 1, 0
