"""Gradient checkpointing: the same gradients, and batch statistics that move once."""

from __future__ import annotations

import torch
from torch import nn

from audiolect.models.recompute import recompute


class Counted(nn.Module):
    """A block that counts how often it is computed."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.inner(x)


def trained(block: Counted, *, recomputed: bool) -> list[torch.Tensor]:
    x = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    (recompute(block, x) if recomputed else block(x)).square().sum().backward()
    return [*(parameter.grad for parameter in block.parameters()), *block.buffers()]


def test_it_is_the_same_training_number_for_number() -> None:
    plain, again = Counted(), Counted()
    expected, found = trained(plain, recomputed=False), trained(again, recomputed=True)
    assert (plain.calls, again.calls) == (1, 2)
    assert len(expected) == 7
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    assert again.inner[1].momentum == 0.1


def test_nothing_is_computed_twice_without_a_gradient_or_in_eval_mode() -> None:
    block = Counted()
    with torch.no_grad():
        recompute(block, torch.zeros(1, 1, 6, 6))
    recompute(block.eval(), torch.zeros(1, 1, 6, 6)).sum().backward()
    assert block.calls == 2
