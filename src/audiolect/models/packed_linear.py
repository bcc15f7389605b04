"""A large linear layer times a few vectors on a CPU: the weights once brought into the order that oneDNN reads them in.

A step of generation multiplies an output layer of tens of megabytes by one vector for each text that grows. Libraries
that are made for large matrices spend most of that time on arranging the weights, anew in each step (measured: of
51,865 by 384 times 8 vectors 16 ms, arranged before 8.5 ms). What is arranged is a copy: it goes stale with the
weights, so it is made for one batch and thrown away with it.

Public names: pack_weight, apply_packed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Smaller layers stay in the processor's cache, and the packing would cost more than it brings.
_LEAST_NUMBERS = 1 << 22


def pack_weight(weight: Tensor, rows: int) -> Tensor | None:
    """A weight (V, D), arranged for products with about ``rows`` vectors.

    Returns:
        None where it would bring nothing or cannot be: not on a CPU, small, not float32, with gradients, or a torch
        without oneDNN.
    """
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or weight.numel() < _LEAST_NUMBERS:
        return None
    backend: Any = torch.backends.mkldnn
    if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or not backend.is_available():
        return None
    operators: Any = torch.ops.mkldnn
    packed: Tensor = operators._reorder_linear_weight(weight, rows)  # as torch.compile does with frozen weights
    return packed


def apply_packed(vectors: Tensor, packed: Tensor) -> Tensor:
    """Vectors (R, D) float32 times a packed weight (V, D) → (R, V)."""
    operators: Any = torch.ops.mkldnn
    found: Tensor = operators._linear_pointwise(vectors, packed, None, "none", [], "")
    return found
