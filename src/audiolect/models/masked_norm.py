"""Batch normalisation that counts only what belongs to recordings, over one process or all.

In training the statistics of a padded batch come from valid positions alone, so that they are those which evaluation
will meet; a batch of equal lengths takes torch's own kernel. In eval mode it is ``nn.BatchNorm2d``; parameters and
buffers have the same names.

Where several processes train together, each normalises its own share, as torch does, unless ``synchronise_norms`` was
called: then the statistics are those of the global batch, and two processes give what one would (torch's own
SyncBatchNorm has no CPU). Every process must then take part in every training step, also one without a recording. The
sums go through a group of their own, so that they never mix with the gradients that data-parallel training sends.

Shapes: B batch, C channels, F frames, M mel bins, V valid frames of the batch.

Public names: MaskedBatchNorm2d, synchronise_norms, needs_every_process.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn


class MaskedBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` for (B, C, F, M) with an optional mask over B and F."""

    synchronised = False
    group: Any = None

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, C, F, M) → the same shape; ``mask`` is (B, F) bool or None, for all valid.

        In training, what is not valid becomes 0; in eval mode it is normalised like the rest.
        """
        if not self.training:
            return super().forward(_plainly_laid_out(input))
        if mask is None:
            return self._normal(input)
        # The valid frames, one after the other; everything else becomes 0.
        batch, channels, frames, mels = input.shape
        valid = mask.reshape(-1).nonzero()[:, 0]
        rows = input.permute(0, 2, 3, 1).reshape(batch * frames, mels * channels)
        chosen = rows.index_select(0, valid).view(-1, mels, 1, channels).permute(0, 3, 1, 2)
        normal = self._normal(chosen).permute(0, 2, 3, 1).reshape(-1, mels * channels)
        spread = normal.new_zeros(rows.shape).index_copy(0, valid, normal)
        return spread.view(batch, frames, mels, channels).permute(0, 3, 1, 2)

    def _normal(self, x: Tensor) -> Tensor:
        """(…, C, …, …) normalised by the statistics of this process, by torch's own kernel, or of all."""
        if self.synchronised and distributed.is_available() and distributed.is_initialized():
            return self._over_processes(x)
        return super().forward(_plainly_laid_out(x)) if x.shape[0] else x

    def _over_processes(self, x: Tensor) -> Tensor:
        wide = x.float()  # the statistics need more digits than bfloat16 has
        count = torch.tensor([x.numel() // x.shape[1]], dtype=wide.dtype, device=x.device)
        sums = _sum_over_processes(torch.cat([wide.sum(dim=(0, 2, 3)), count]), self.group)
        total = sums[-1].detach().clamp(min=1)
        mean_C = sums[:-1] / total
        centred = wide - mean_C[:, None, None]
        variance_C = _sum_over_processes(centred.square().sum(dim=(0, 2, 3)), self.group) / total
        if self.track_running_stats and float(total) > 1:
            self._remember(mean_C.detach(), variance_C.detach() * total / (total - 1))
        scaled = centred * torch.rsqrt(variance_C + self.eps)[:, None, None]
        if self.affine:
            scaled = scaled * self.weight[:, None, None] + self.bias[:, None, None]
        return scaled.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean_C: Tensor, unbiased_C: Tensor) -> None:
        """Move the running statistics, as torch does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean_C.to(self.running_mean.dtype), share)
        self.running_var.lerp_(unbiased_C.to(self.running_var.dtype), share)


def _plainly_laid_out(x: Tensor) -> Tensor:
    """The tensor, copied where a dimension of one leaves its layout open and a gradient will be wanted.

    On CPUs, torch (2.13) then takes the gradient that comes back in another layout than it has, and the gradients of
    weight and bias, or of the input, are those of shuffled numbers.
    """
    return x.clone(memory_format=torch.channels_last) if torch.is_grad_enabled() and 1 in x.shape else x


def synchronise_norms(model: nn.Module, on: bool = True) -> int:
    """Let a model's batch normalisations count over all processes; how many there are. Every process must call."""
    norms = [module for module in model.modules() if isinstance(module, MaskedBatchNorm2d)]
    several = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    group = distributed.new_group() if norms and on and several else None
    for norm in norms:
        norm.synchronised, norm.group = on, group
    return len(norms)


def needs_every_process(model: nn.Module) -> bool:
    """Whether a step of training waits for every process, also for one that has no recording."""
    return any(isinstance(m, MaskedBatchNorm2d) and m.synchronised and m.training for m in model.modules())


class _SumOverProcesses(torch.autograd.Function):
    """A sum over all processes, whose gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: Any) -> Tensor:
        ctx.group = group
        summed = values.clone()
        distributed.all_reduce(summed, group=group)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed, group=ctx.group)
        return summed, None


def _sum_over_processes(values: Tensor, group: Any) -> Tensor:
    summed: Tensor = _SumOverProcesses.apply(values, group)  # type: ignore[no-untyped-call]
    return summed
