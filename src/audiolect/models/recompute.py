"""Gradient checkpointing: a block is computed again in the backward pass, so that its inside need not be kept.

Batch normalisation would meet every batch twice and move its running statistics twice; here the second time leaves
them alone, so that a training with checkpointing is the training without, number for number.

Public names: recompute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


def recompute(block: nn.Module, *inputs: Any) -> Any:
    """``block(*inputs)``, with little memory where a gradient is asked for in training mode."""
    if not (block.training and torch.is_grad_enabled()):
        return block(*inputs)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_left_alone(block)

    return checkpoint(block, *inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _statistics_left_alone(block: nn.Module) -> Iterator[None]:
    norms = [module for module in block.modules() if isinstance(module, _NormBase) and module.track_running_stats]
    counts = [None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone() for norm in norms]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # a step of no length; without statistics at all autograd would keep other tensors
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None and count is not None:
                norm.num_batches_tracked.copy_(count)
