"""Ranks that have nothing to add to a step: a gradient of zeros, so that the others need not wait for it.

Public names: touch_all.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def touch_all(model: nn.Module) -> Tensor:
    """Zero, with a gradient of zeros to every parameter that trains: for ranks that have nothing to add."""
    return sum((p.sum() * 0.0 for p in model.parameters() if p.requires_grad), start=torch.zeros(()))
