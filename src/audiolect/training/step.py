"""One optimiser step: some batches forward and backward, one clipped gradient, one move of the weights.

Conventions: a group is the batches of one step; its loss is the mean of theirs. Nothing moves before the losses of all
ranks and the norm of the accumulated gradient are known to be finite: on a letter about a loss that is not, the
weights are those of the step before.

Public names: ObjectiveModule, Stepper, StepResult, model_of, objective_module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from audiolect.errors import UsageError
from audiolect.loader.batch import Batch
from audiolect.training.averaging import WeightAverage
from audiolect.training.objectives import Objective
from audiolect.training.optim import clip_gradients, set_rates
from audiolect.training.validation import Validation, gather_objects

_SHOWN_IDS = 32


class ObjectiveModule(nn.Module):
    """The loss as a module, so that data-parallel wrappers see every use of the model, whichever of its methods."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The objective's loss of a batch."""
        return self.objective.loss(self.model, batch)

    def validate(self, batches: Iterable[Batch], shown: int) -> Validation:
        """The objective's measures of some examples."""
        return self.objective.validate(self.model, batches, shown=shown)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gave: over all ranks, but for ``values``, which are this rank's.

    Args:
        loss: the mean over batches and ranks.
        gradient_norm: before clipping.
        audio_seconds: heard by all ranks.
        stop: whether any rank was asked to stop.
        values: the objective's numbers, of the last batch.
    """

    loss: float
    gradient_norm: float
    audio_seconds: float
    stop: bool
    values: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Stepper:
    """What a step needs.

    Args:
        accelerator: devices and ranks.
        module: the ObjectiveModule as ``accelerator`` prepared it.
        optimizer: of the model.
        average: of the weights; None: none.
        clip_norm: the largest norm; None: as it comes.
        asked_to_stop: whether this process was.
        after_backward: called with the whole gradient, before it is clipped.
    """

    accelerator: Accelerator
    module: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    clip_norm: float | None
    asked_to_stop: Callable[[], bool]
    after_backward: Callable[[], None] = lambda: None

    def step(self, group: Sequence[Batch], rate: float) -> StepResult:
        """Make one step with a learning rate.

        Raises:
            UsageError: a loss or the gradient is not finite; the letter names the examples, and nothing has moved.
        """
        set_rates(self.optimizer, rate)
        losses, seconds, stop, values = 0.0, 0.0, False, {}
        for place, batch in enumerate(group):
            is_last = place == len(group) - 1
            with nullcontext() if is_last else self.accelerator.no_sync(self.module):
                with self.accelerator.autocast():
                    loss, values = self.module(batch)
                loss_here = float(loss.detach())
                mean, heard, asked = self._over_ranks(loss_here, batch.audio_seconds, self.asked_to_stop())
                if not torch.isfinite(torch.tensor(mean)):
                    raise self._not_finite("loss", mean, group)
                self.accelerator.backward(loss / len(group))
            losses, seconds, stop = losses + mean / len(group), seconds + heard, stop or asked
        self.after_backward()
        norm = clip_gradients(self.module.parameters(), self.clip_norm)
        if not torch.isfinite(torch.tensor(norm)):
            raise self._not_finite("gradient", norm, group)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(model_of(self.module))
        return StepResult(losses, norm, seconds, stop, values)

    def _over_ranks(self, loss: float, seconds: float, stop: bool) -> tuple[float, float, bool]:
        ranks = self.accelerator.num_processes
        if ranks == 1:
            return loss, seconds, stop
        told = torch.tensor([loss, seconds, float(stop)], dtype=torch.float32, device=self.accelerator.device)
        total: Any = self.accelerator.reduce(told, "sum")
        losses, heard, asked = total.tolist()
        return losses / ranks, heard, asked > 0

    def _not_finite(self, what: str, found: float, group: Sequence[Batch]) -> UsageError:
        mine = [name for batch in group for name in batch.example_ids]
        ids = [name for part in gather_objects(mine) for name in part]
        more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
        self.optimizer.zero_grad(set_to_none=True)
        return UsageError(
            f"The {what} is not finite; the training stops, and its last checkpoint stays.",
            where=f"epoch {group[0].epoch}, examples {', '.join(ids[:_SHOWN_IDS])}{more}",
            expected="finite numbers",
            found=found,
            cause="a learning rate that is too high, or a broken recording among these examples",
            fix="lower training.optimizer.learning_rate and go on with --new, or look at them: audiolect check DATASET",
        )


def model_of(module: nn.Module) -> nn.Module:
    """The model inside a module, whatever ``accelerate`` has wrapped around it."""
    return objective_module(module).model


def objective_module(module: nn.Module) -> ObjectiveModule:
    """The ObjectiveModule inside a wrapper, or itself."""
    inner = getattr(module, "module", module)
    if not isinstance(inner, ObjectiveModule):
        raise UsageError(
            "A step needs the module of an objective.", expected="ObjectiveModule", found=type(inner).__name__
        )
    return inner
