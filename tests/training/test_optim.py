"""AdamW's groups, rates and clipping."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.training.optim import OptimizerSettings, build_optimizer, clip_gradients, set_rates


def model() -> nn.Module:
    return nn.ModuleDict({"ear": nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)), "voice": nn.Linear(4, 2)})


def settings(**values: Any) -> OptimizerSettings:
    return parse_config(values, OptimizerSettings, "test")


def test_norms_and_biases_are_not_decayed() -> None:
    built = model()
    optimizer = build_optimizer(built, settings(weight_decay=0.1))
    names = {id(p): name for name, p in built.named_parameters()}
    decayed = {names[id(p)] for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {"ear.0.weight", "voice.weight"}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 6


def test_the_longest_name_gives_the_rate() -> None:
    built = model()
    optimizer = build_optimizer(built, settings(rates={"ear": 0.1, "ear.1": 0.5}))
    set_rates(optimizer, 2.0)
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    rates = {name: rate[id(p)] for name, p in built.named_parameters()}
    assert rates["ear.0.weight"] == pytest.approx(0.2)
    assert rates["ear.1.bias"] == pytest.approx(1.0)
    assert rates["voice.bias"] == pytest.approx(2.0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"(?s)nothing to train of this name.*ear, voice"):
        build_optimizer(model(), settings(rates={"eye": 0.1}))
    frozen = model().requires_grad_(False)
    with pytest.raises(ConfigError, match="every parameter is frozen"):
        build_optimizer(frozen, settings())


def test_a_name_is_whole_parts_of_a_parameters_name() -> None:
    """``ear`` is not the beginning of ``early``."""
    built = nn.ModuleDict({"ear": nn.Linear(3, 4), "early": nn.Linear(4, 2)})
    optimizer = build_optimizer(built, settings(learning_rate=1.0, rates={"ear": 0.1}))
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rate[id(built["ear"].weight)] == pytest.approx(0.1)
    assert rate[id(built["early"].weight)] == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="nothing to train of this name"):
        build_optimizer(built, settings(rates={"earl": 0.1}))


def test_two_steps_of_adamw_by_its_formula() -> None:
    """Every setting counts: of Loshchilov and Hutter's algorithm 2, written out."""
    rate, decay, beta1, beta2, epsilon = 0.1, 0.3, 0.6, 0.8, 0.5
    built = nn.Linear(1, 1, bias=False)
    built.weight.data.fill_(2.0)
    given = settings(learning_rate=rate, weight_decay=decay, beta1=beta1, beta2=beta2, epsilon=epsilon)
    optimizer = build_optimizer(built, given)
    weight, mean, square = 2.0, 0.0, 0.0
    for step, gradient in enumerate((3.0, -1.0), start=1):
        built.weight.grad = torch.tensor([[gradient]])
        optimizer.step()
        mean, square = beta1 * mean + (1 - beta1) * gradient, beta2 * square + (1 - beta2) * gradient**2
        move = mean / (1 - beta1**step) / (math.sqrt(square / (1 - beta2**step)) + epsilon)
        weight = weight * (1 - rate * decay) - rate * move
        assert built.weight.item() == pytest.approx(weight, rel=1e-5)


def test_clipping_by_hand() -> None:
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    a.grad, b.grad = torch.tensor([3.0]), torch.tensor([4.0])
    assert clip_gradients([a, b], None) == pytest.approx(5.0)
    assert clip_gradients([a, b], 10.0) == pytest.approx(5.0)
    assert a.grad.item() == 3.0
    assert clip_gradients([a, b, nn.Parameter(torch.zeros(1))], 1.0) == pytest.approx(5.0)
    assert (a.grad.item(), b.grad.item()) == pytest.approx((0.6, 0.8))


def test_clipping_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = model(), model()
    theirs.load_state_dict(ours.state_dict())
    for built in (ours, theirs):
        x = torch.arange(6.0).reshape(2, 3)
        (built["voice"](built["ear"](x)).square().sum() * 9).backward()
    norm = clip_gradients(ours.parameters(), 0.5)
    assert norm == pytest.approx(float(nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-8)


def test_a_gradient_that_is_not_finite_is_left() -> None:
    a = nn.Parameter(torch.zeros(1))
    a.grad = torch.tensor([float("inf")])
    assert clip_gradients([a], 1.0) == float("inf")
    assert a.grad.item() == float("inf")
