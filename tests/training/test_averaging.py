"""The moving average of weights: by hand, against torch's own, and in the place of the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from audiolect.training.averaging import AverageSettings, WeightAverage


def scalar_model(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(value)
    return model


def test_by_hand() -> None:
    """n = 0 keeps 1/10: 0.1 · 0 + 0.9 · 10 = 9; n = 1 keeps 2/11: 2/11 · 9 + 9/11 · 10 = 108/11."""
    model = scalar_model(0.0)
    average = WeightAverage(model, AverageSettings(decay=0.9))
    with torch.no_grad():
        model.weight.fill_(10.0)
    average.update(model)
    assert average.values["weight"].item() == pytest.approx(9.0)
    average.update(model)
    assert average.values["weight"].item() == pytest.approx(108 / 11)
    assert average.updates == 2


def test_after_many_updates_the_decay_is_that_of_the_settings() -> None:
    """(1 + n) / (10 + n) is 0.5 at n = 8."""
    model = scalar_model(4.0)
    average = WeightAverage(model, AverageSettings(decay=0.5))
    average.load({"weight": torch.zeros(1, 1)}, updates=100)
    average.update(model)
    assert average.values["weight"].item() == pytest.approx(2.0)
    assert average.updates == 101


def test_it_is_the_average_of_torch() -> None:
    """At a decay below 1/10, which the beginning does not lower; torch's first update copies."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    ours = WeightAverage(model, AverageSettings(decay=0.05))
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.05))
    theirs.update_parameters(model)
    for _ in range(4):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        ours.update(model)
        theirs.update_parameters(model)
    expected = dict(theirs.module.named_parameters())
    assert ours.values.keys() == expected.keys()
    assert len(expected) == 4
    for name, value in expected.items():
        torch.testing.assert_close(ours.values[name], value.detach())


def test_frozen_weights_and_buffers_are_not_kept() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].bias.requires_grad_(False)
    average = WeightAverage(model, AverageSettings())
    assert list(average.values) == ["0.weight", "1.weight", "1.bias"]


def test_weights_in_bf16_have_an_average_in_float32() -> None:
    """One part in a thousand of a step of 1 is lost in bf16, next to 256."""
    model = scalar_model(256.0).to(torch.bfloat16)
    average = WeightAverage(model, AverageSettings(decay=0.999))
    average.updates = 100_000
    with torch.no_grad():
        model.weight.fill_(258.0)
    average.update(model)
    assert average.values["weight"].dtype == torch.float32
    assert average.values["weight"].item() == pytest.approx(256.002, abs=1e-4)


def test_swapped_puts_it_in_and_takes_it_out() -> None:
    model = scalar_model(1.0)
    average = WeightAverage(model, AverageSettings())
    with torch.no_grad():
        model.weight.fill_(5.0)
    with average.swapped(model):
        assert model(torch.ones(1)).item() == 1.0
    assert model(torch.ones(1)).item() == 5.0
    assert average.values["weight"].item() == 1.0


def test_the_weights_come_back_after_an_error() -> None:
    model = scalar_model(1.0)
    average = WeightAverage(model, AverageSettings())
    with torch.no_grad():
        model.weight.fill_(5.0)
    with pytest.raises(RuntimeError, match="no room"), average.swapped(model):
        raise RuntimeError("no room")
    assert model.weight.item() == 5.0


def test_a_checkpoint_goes_on_as_if_nothing_had_been() -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    whole = WeightAverage(model, AverageSettings(decay=0.9))
    with torch.no_grad():
        model.weight.add_(1.0)
    whole.update(model)
    resumed = WeightAverage(model, AverageSettings(decay=0.9))
    resumed.load({name: value.clone() for name, value in whole.values.items()}, whole.updates)
    with torch.no_grad():
        model.weight.mul_(-2.0)
    whole.update(model)
    resumed.update(model)
    assert torch.equal(whole.values["weight"], resumed.values["weight"])
    assert not torch.equal(whole.values["weight"], model.weight)


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5])
def test_a_decay_outside_of_0_to_1_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="decay"):
        AverageSettings(decay=decay)
