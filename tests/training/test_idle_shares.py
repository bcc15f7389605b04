"""A gradient of zeros for ranks without examples."""

from __future__ import annotations

import torch
from torch import nn

from audiolect.training.idle_shares import touch_all


def test_what_trains_gets_zeros_and_what_does_not_gets_nothing() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[0].weight.requires_grad = False
    zero = touch_all(model)
    assert float(zero.detach()) == 0.0
    zero.backward()
    assert model[0].weight.grad is None
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in model.parameters() if p.grad is not None)
    assert sum(p.grad is not None for p in model.parameters()) == 3


def test_nothing_trains() -> None:
    assert float(touch_all(nn.Identity())) == 0.0
