"""A moving average of the weights, which often measures better than the weights themselves.

    average = average + (1 - d) · (weight - average),    d = min(decay, (1 + n) / (10 + n)) at update n

Conventions: kept in float32 whatever the weights are in. Buffers (running statistics of norms) are copied, not
averaged. ``swapped`` puts the average into the model for as long as a block lasts.

Public names: AverageSettings, WeightAverage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from audiolect.config import Config


class AverageSettings(Config):
    """The moving average (EMA) of the weights."""

    decay: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.999, description="The share of the average that stays."
    )


class WeightAverage:
    """The average of a model's trained parameters, beginning at their values now."""

    def __init__(self, model: nn.Module, settings: AverageSettings) -> None:
        self.settings = settings
        self.updates = 0
        self.values = {
            name: parameter.detach().float().clone()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }

    def update(self, model: nn.Module) -> None:
        """Move the average towards the weights as they are after an optimiser step."""
        decay = min(self.settings.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        weights = dict(model.named_parameters())
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.values.values()), [weights[name].detach().float() for name in self.values], 1.0 - decay
            )

    def load(self, values: Mapping[str, Tensor], updates: int) -> None:
        """Take the state of a checkpoint; its names are those of ``values``."""
        self.updates = updates
        for name, value in self.values.items():
            value.copy_(values[name])

    @contextmanager
    def swapped(self, model: nn.Module) -> Iterator[None]:
        """The average in the place of the weights, which come back afterwards."""
        weights = {name: parameter for name, parameter in model.named_parameters() if name in self.values}
        kept = {name: parameter.detach().clone() for name, parameter in weights.items()}
        with torch.no_grad():
            for name, parameter in weights.items():
                parameter.copy_(self.values[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in weights.items():
                    parameter.copy_(kept[name])
