"""One optimiser step: the mean of its batches, clipped as a whole, and nothing moved where it is not finite."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audiolect.errors import UsageError
from audiolect.training.averaging import AverageSettings, WeightAverage
from audiolect.training.optim import OptimizerSettings, build_optimizer
from audiolect.training.precision import open_accelerator
from audiolect.training.step import ObjectiveModule, Stepper, model_of, objective_module
from audiolect.training.validation import Validation


class Square:
    """An objective that knows nothing of sound: batches are objects with x."""

    metric, goal = "loss", "min"

    def loss(self, model: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        return model(batch.x).square().mean(), {"size": float(len(batch.x))}

    def validate(self, model: nn.Module, batches: Any, *, shown: int) -> Validation:
        return Validation({"loss": sum(self.loss(model, b)[0].item() for b in batches)}, shown)

    def remarks(self, model: nn.Module) -> list[str]:
        return []


def batch(*values: float, name: str = "a") -> Any:
    return SimpleNamespace(x=torch.tensor(values)[:, None], audio_seconds=2.0, example_ids=(name,), epoch=3)


def stepper(clip: float | None = None, *, stop: bool = False, averaged: bool = False) -> tuple[Stepper, nn.Linear]:
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1.0)
    module = ObjectiveModule(model, Square())
    optimizer = build_optimizer(model, OptimizerSettings(weight_decay=0.0))
    average = WeightAverage(model, AverageSettings()) if averaged else None
    return Stepper(open_accelerator("float32"), module, optimizer, average, clip, lambda: stop), model


def test_a_step_is_the_mean_of_its_batches() -> None:
    one, two = stepper(), stepper()
    result = one[0].step([batch(1.0, 2.0), batch(3.0, 4.0)], 0.1)
    whole = two[0].step([batch(1.0, 2.0, 3.0, 4.0)], 0.1)
    assert result.loss == pytest.approx(7.5)
    assert result.gradient_norm == pytest.approx(15.0)  # d/dw mean (w x)² = 2 w mean x²
    assert (result.audio_seconds, result.stop, result.values) == (4.0, False, {"size": 2.0})
    assert (whole.loss, whole.gradient_norm) == pytest.approx((result.loss, result.gradient_norm))
    assert torch.equal(one[1].weight, two[1].weight)
    assert one[1].weight.item() == pytest.approx(0.9)  # the first step of Adam is the rate


def test_the_accumulated_gradient_is_clipped() -> None:
    made, model = stepper(clip=1.0)
    seen = []
    made.optimizer.register_step_pre_hook(lambda *_: seen.append(model.weight.grad.norm().item()))  # type: ignore[union-attr]
    assert made.step([batch(1.0), batch(3.0)], 0.1).gradient_norm == pytest.approx(10.0)
    assert seen == [pytest.approx(1.0)]


@pytest.mark.parametrize("place", [0, 1])
def test_nothing_moves_at_a_loss_that_is_not_finite(place: int) -> None:
    made, model = stepper(averaged=True)
    group = [batch(1.0, name="good"), batch(1.0, name="fine")]
    group[place] = batch(float("nan"), name="broken")
    with pytest.raises(UsageError, match=r"(?s)loss is not finite.*epoch 3, examples .*broken.*--new"):
        made.step(group, 0.1)
    assert model.weight.item() == 1.0
    assert model.weight.grad is None
    assert made.average is not None
    assert made.average.updates == 0


def test_nothing_moves_at_a_gradient_that_is_not_finite() -> None:
    made, model = stepper()
    model.weight.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(UsageError, match="gradient is not finite"):
        made.step([batch(1.0)], 0.1)
    assert model.weight.item() == 1.0


def test_a_wish_to_stop_is_told_with_the_step() -> None:
    made, model = stepper(stop=True)
    assert made.step([batch(1.0)], 0.1).stop
    assert model.weight.item() != 1.0


def test_a_wish_that_is_told_once_is_kept_to_the_end_of_the_group() -> None:
    made, _ = stepper()
    wishes = iter([True, False])
    assert replace(made, asked_to_stop=lambda: next(wishes)).step([batch(1.0), batch(2.0)], 0.1).stop


def test_what_is_called_after_backward_sees_the_whole_gradient_before_it_is_clipped() -> None:
    made, model = stepper(clip=1.0)
    seen = []

    def double() -> None:
        assert model.weight.grad is not None
        seen.append(model.weight.grad.item())
        model.weight.grad.mul_(2)

    result = replace(made, after_backward=double).step([batch(1.0), batch(3.0)], 0.1)
    assert seen == [pytest.approx(10.0)]  # 2 w mean x², over both batches
    assert result.gradient_norm == pytest.approx(20.0)


def test_the_average_moves_with_the_step() -> None:
    made, model = stepper(averaged=True)
    made.step([batch(1.0)], 0.1)
    assert made.average is not None
    assert made.average.values["weight"].item() == pytest.approx(0.1 * 1.0 + 0.9 * model.weight.item())


def test_the_model_is_found_inside_a_wrapper() -> None:
    _, model = stepper()
    module = ObjectiveModule(model, Square())
    assert model_of(module) is model
    assert objective_module(nn.ModuleDict({"module": module})["module"]) is module
    assert module.validate([batch(2.0)], 0).metrics == {"loss": 4.0}
    with pytest.raises(UsageError, match="module of an objective"):
        model_of(model)
