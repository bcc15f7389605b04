"""What of a model trains: freezing plans that are shown, and held against the model.

    freezing: {freeze: [audio], train: [audio.stages.2-, audio.**.bias]}

A pattern stands for every parameter whose name begins with it, part by part: ``audio.stem`` is all of the stem;
``audio.stages.2-`` the stages from the third on (``-1`` those up to the second, ``1-2`` both inside); ``*`` is any one
part, ``**`` any number of parts. ``train`` makes exceptions to ``freeze``.

Conventions: a pattern that fits nothing is refused, as is a plan in which nothing trains. A batch normalisation whose
weights are all frozen stays in eval mode: its running statistics are weights too (``hold_frozen_norms``, which a
model's ``train`` calls). ``check_plan`` compares the plan with what the model and its optimiser hold.

Public names: FreezingSettings, FreezingPlan, apply_freezing, check_plan, hold_frozen_norms, offer_checkpointing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from audiolect.config import Config
from audiolect.errors import UsageError, nearest_names
from audiolect.models.freezing_plans import FREEZING_PLANS

_RANGE = re.compile(r"(\d*)-(\d*)")


class FreezingSettings(Config):
    """The section ``freezing`` of a training."""

    plan: Literal["all", "fc1_only", "clever"] | None = Field(
        default=None, description="A plan by name; freeze and train come on top of it."
    )
    freeze: list[str] = Field(default=[], description="Patterns of names that do not train.")
    train: list[str] = Field(default=[], description="Exceptions: patterns of names that train all the same.")
    expect: int | None = Field(default=None, ge=1, description="How many numbers train; another count is an error.")


@dataclass(frozen=True, slots=True)
class FreezingPlan:
    """Which parameters train, by name."""

    trainable: tuple[str, ...]
    frozen: tuple[str, ...]
    rows: tuple[tuple[str, int, int], ...]
    """(beginning of the names, numbers, of them trainable), in the model's order."""

    @property
    def num_trainable(self) -> int:
        """Numbers that train."""
        return sum(row[2] for row in self.rows)

    @property
    def num_parameters(self) -> int:
        """All numbers."""
        return sum(row[1] for row in self.rows)

    def table(self) -> str:
        """The plan for people: one line for each part, and the sum."""
        rows = [*self.rows, ("all", self.num_parameters, self.num_trainable)]
        width = max(len(name) for name, _, _ in rows)
        return "\n".join(
            f"{name.ljust(width)}  {count:>13,}  {trains:>13,} train" if trains else
            f"{name.ljust(width)}  {count:>13,}         frozen"
            for name, count, trains in rows
        )  # fmt: skip


def apply_freezing(model: nn.Module, settings: FreezingSettings) -> FreezingPlan:
    """Set what trains, and return the plan; ``table()`` shows it.

    Parameters that the model itself holds fixed (a frozen text tower, a fixed temperature) stay so.

    Raises:
        UsageError: a pattern fits nothing, or asks for what the model holds fixed; nothing would train; ``expect`` is
            another number.
    """
    parameters = dict(model.named_parameters())
    fixed = {name for name, parameter in parameters.items() if not parameter.requires_grad}
    named = FREEZING_PLANS[settings.plan or "all"]
    frozen = _fitting([*named.freeze, *settings.freeze], parameters, "freeze")
    wanted = _fitting(settings.train, parameters, "train")
    fitting_plan = _fitting(named.train, parameters, f"plan {settings.plan}") - fixed
    if wanted & fixed:
        raise UsageError(
            "A freezing plan wants to train what the model holds fixed.",
            where="freezing.train",
            found=", ".join(sorted(wanted & fixed)[:3]),
            cause="text.frozen is true, or temperature.learnable is false",
            fix="change the model's setting, or leave the pattern out",
        )
    still = fixed | (frozen - wanted - fitting_plan)
    if len(still) == len(parameters):
        raise UsageError("A freezing plan leaves nothing to train.", where="freezing", found=", ".join(settings.freeze))
    for name, parameter in parameters.items():
        parameter.requires_grad_(name not in still)
    plan = _plan_of(parameters)
    if settings.expect is not None and plan.num_trainable != settings.expect:
        raise UsageError(
            "Another number of parameters trains than the plan expects.",
            where="freezing.expect",
            expected=f"{settings.expect:,}",
            found=f"{plan.num_trainable:,}\n{plan.table()}",
        )
    model.train(model.training)
    return plan


def check_plan(model: nn.Module, plan: FreezingPlan, optimised: Iterable[Tensor] | None = None) -> None:
    """Hold the plan against the model and, where given, the optimiser's parameters.

    Raises:
        UsageError: a parameter trains that should not, does not that should, or is not the optimiser's.
    """
    parameters = dict(model.named_parameters())
    trains = {name for name, parameter in parameters.items() if parameter.requires_grad}
    differing = sorted(trains ^ set(plan.trainable))
    if optimised is not None:
        held = {id(tensor) for tensor in optimised}
        differing += sorted(
            name for name, parameter in parameters.items() if (id(parameter) in held) != (name in plan.trainable)
        )
    norms = [name for name, module in _frozen_norms(model) if module.training]
    if differing or norms:
        raise UsageError(
            "What trains is not what the freezing plan says.",
            where=", ".join([*differing, *norms][:5]),
            expected=f"{len(plan.trainable)} trainable parameters, frozen batch normalisations in eval mode",
            found=f"{len(differing)} parameters and {len(norms)} batch normalisations differ",
        )


def hold_frozen_norms(model: nn.Module) -> None:
    """Put batch normalisations whose weights are all frozen into eval mode; for the end of a model's ``train``."""
    for _, module in _frozen_norms(model):
        module.eval()


def offer_checkpointing(model: nn.Module, on: bool = True) -> list[str]:
    """Switch gradient checkpointing wherever it is offered; the names of the modules that did.

    Raises:
        UsageError: it should be on, and no module offers it.
    """
    switched: list[str] = []
    for name, module in model.named_modules():
        if any(name.startswith(f"{above}.") for above in switched):
            continue
        whole: Any = module
        if hasattr(whole, "gradient_checkpointing_enable") and getattr(whole, "supports_gradient_checkpointing", False):
            _switch_transformers(whole, on)
            switched.append(name)
        elif isinstance(getattr(whole, "gradient_checkpointing", None), bool):
            whole.gradient_checkpointing = on
            switched.append(name)
    if on and not switched:
        raise UsageError("No part of this model offers gradient checkpointing.", where=type(model).__name__)
    return switched


def _switch_transformers(model: Any, on: bool) -> None:
    """Late versions of transformers call it activation checkpointing and warn of the older name."""
    word = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"
    if on:
        getattr(model, f"{word}_checkpointing_enable")(**{f"{word}_checkpointing_kwargs": {"use_reentrant": False}})
    else:
        getattr(model, f"{word}_checkpointing_disable")()


def _frozen_norms(model: nn.Module) -> list[tuple[str, nn.Module]]:
    found: list[tuple[str, nn.Module]] = []
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, _BatchNorm) and own and not any(parameter.requires_grad for parameter in own):
            found.append((name, module))
    return found


def _fitting(patterns: Iterable[str], parameters: dict[str, nn.Parameter], where: str) -> set[str]:
    """The names that any of the patterns stands for."""
    fitting: set[str] = set()
    for pattern in patterns:
        parts = pattern.split(".")
        found = {name for name in parameters if _begins(name.split("."), parts)}
        if not found:
            beginnings = {
                ".".join(name.split(".")[:depth]) for name in parameters for depth in range(1, len(parts) + 1)
            }
            near = nearest_names(pattern, beginnings)
            raise UsageError(
                f"No parameter's name begins with {pattern!r}.",
                where=f"freezing.{where}",
                expected="one of " + ", ".join(sorted({name.split(".")[0] for name in parameters})) + ", or below",
                fix=f"did you mean {' or '.join(near)}?" if near else None,
            )
        fitting |= found
    return fitting


def _begins(name: list[str], pattern: list[str]) -> bool:
    """Whether the parts of a pattern fit the first parts of a name."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_begins(name[start:], pattern[1:]) for start in range(len(name) + 1))
    return bool(name) and _part_fits(name[0], pattern[0]) and _begins(name[1:], pattern[1:])


def _part_fits(part: str, pattern: str) -> bool:
    limits = _RANGE.fullmatch(pattern)
    if limits and part.isdecimal() and pattern != "-":
        return int(limits[1] or 0) <= int(part) <= int(limits[2] or part)
    return pattern in ("*", part)


def _plan_of(parameters: dict[str, nn.Parameter]) -> FreezingPlan:
    rows: dict[str, list[int]] = {}
    for name, parameter in parameters.items():
        row = rows.setdefault(_row_of(name), [0, 0])
        row[0] += parameter.numel()
        row[1] += parameter.numel() * parameter.requires_grad
    return FreezingPlan(
        trainable=tuple(name for name, parameter in parameters.items() if parameter.requires_grad),
        frozen=tuple(name for name, parameter in parameters.items() if not parameter.requires_grad),
        rows=tuple((name, count, trains) for name, (count, trains) in rows.items()),
    )


def _row_of(name: str) -> str:
    """The part of the model that a name belongs to: up to its first number, at most three parts deep."""
    parts = name.split(".")[:-1] or [name]
    for place, part in enumerate(parts):
        if part.isdecimal():
            return ".".join(parts[: place + 1])
    return ".".join(parts[:3])
