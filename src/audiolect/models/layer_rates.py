"""Learning rates that fall with the depth: the layers next to the input change least.

Each tower (a child of the model) has a stack of layers: the numbered siblings, such as ``layers.0``, ``layers.1`` or
``conv_block1``, ``conv_block2``, that hold the most parameters. Of n layers, layer i (from 0) has the factor
``decay ** (n - 1 - i)``; what comes before the stack, as embeddings and stems do, ``decay ** n``; what comes after it,
and whatever has no stack, 1.

Public names: RateSettings, rate_factors, parameter_groups.
Source: Clark et al. 2020 (ELECTRA), layer-wise decay.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from pydantic import Field
from torch import nn

from audiolect.config import Config
from audiolect.errors import UsageError

_NUMBERED = re.compile(r"(.*?)(\d+)")


class RateSettings(Config):
    """How the learning rate differs over a model."""

    layer_decay: float = Field(default=1.0, gt=0, le=1, description="Factor from each layer to the one below it.")
    factors: dict[str, float] = Field(
        default={}, description="Factors by the beginning of names, e.g. text: 0.1; the longest that fits is taken."
    )


def rate_factors(model: nn.Module, settings: RateSettings) -> dict[str, float]:
    """The factor on the learning rate of each parameter that trains, by name.

    Raises:
        UsageError: a beginning in ``factors`` fits no parameter, or a factor is below 0.
    """
    names = [name for name, _ in model.named_parameters()]
    for beginning, factor in settings.factors.items():
        if factor < 0 or not any(_is_within(name, beginning) for name in names):
            raise UsageError(
                "A factor of the learning rate cannot be used.",
                where=f"rates.factors.{beginning}",
                expected="the beginning of parameters' names, and a factor of 0 or more",
                found=f"{beginning}: {factor}",
            )
    factors: dict[str, float] = {}
    for tower, _ in model.named_children():
        inside = [name for name in names if _is_within(name, tower)]
        factors |= _tower_factors(inside, dict(model.named_parameters()), settings.layer_decay)
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {name: factors.get(name, 1.0) * _own_factor(name, settings.factors) for name in names if name in trainable}


def parameter_groups(
    model: nn.Module, rate: float, weight_decay: float, settings: RateSettings | None = None
) -> list[dict[str, Any]]:
    """Groups for an optimiser of torch: each of one learning rate, with weight decay or without.

    Weights of less than two dimensions (biases, norms, the temperature) and embeddings of positions have no decay.
    Each group has ``params``, ``lr``, ``weight_decay`` and ``names``; only what trains is in any.
    """
    factors = rate_factors(model, settings or RateSettings())
    parameters = dict(model.named_parameters())
    groups: dict[tuple[float, bool], list[str]] = defaultdict(list)
    for name, factor in factors.items():
        groups[factor, parameters[name].ndim >= 2 and "position" not in name].append(name)
    return [
        {
            "params": [parameters[name] for name in names],
            "lr": rate * factor,
            "weight_decay": weight_decay if decays else 0.0,
            "names": names,
        }
        for (factor, decays), names in groups.items()
    ]


def _tower_factors(names: list[str], parameters: dict[str, nn.Parameter], decay: float) -> dict[str, float]:
    """The factors of one tower's parameters, which are in the model's order."""
    stack = _stack(names, parameters)
    if decay == 1.0 or not stack:
        return dict.fromkeys(names, 1.0)
    numbers = sorted(set(stack.values()))
    factors, seen = {}, False
    for name in names:
        if name in stack:
            seen = True
            factors[name] = decay ** (len(numbers) - 1 - numbers.index(stack[name]))
        else:
            factors[name] = 1.0 if seen else decay ** len(numbers)
    return factors


def _stack(names: list[str], parameters: dict[str, nn.Parameter]) -> dict[str, int]:
    """Name → number of its layer, in the set of numbered siblings that holds the most parameters."""
    candidates: dict[str, dict[str, int]] = defaultdict(dict)
    for name in names:
        parts = name.split(".")[:-1]
        for place, part in enumerate(parts):
            numbered = _NUMBERED.fullmatch(part)
            if numbered:
                candidates[".".join([*parts[:place], numbered[1]])][name] = int(numbered[2])
    stacks = [found for found in candidates.values() if len(set(found.values())) > 1]
    # Of equal ones the first, which is the outermost.
    return max(stacks, key=lambda found: sum(parameters[name].numel() for name in found), default={})


def _is_within(name: str, beginning: str) -> bool:
    return name == beginning or name.startswith(f"{beginning}.")


def _own_factor(name: str, factors: dict[str, float]) -> float:
    fitting = [beginning for beginning in factors if _is_within(name, beginning)]
    return factors[max(fitting, key=len)] if fitting else 1.0
