"""Batch normalisation that counts only what belongs to recordings.

In training the statistics of a padded batch come from valid positions alone, so that they are those which evaluation
will meet; a batch of equal lengths takes torch's own kernel. In eval mode it is ``nn.BatchNorm2d``; parameters and
buffers have the same names.

Shapes: B batch, C channels, F frames, M mel bins.

Public names: MaskedBatchNorm2d.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` for (B, C, F, M) with an optional mask over B and F."""

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, C, F, M) → the same shape; ``mask`` is (B, F) bool or None, for all valid."""
        if mask is None or not self.training:
            return super().forward(input)
        x = input.float()  # the statistics need more digits than bfloat16 has
        weight_B1F1 = mask[:, None, :, None].to(x.dtype)
        count = weight_B1F1.sum() * x.shape[3]
        if int(count) == 0:
            return input
        mean_C = (x * weight_B1F1).sum(dim=(0, 2, 3)) / count
        centred = x - mean_C[:, None, None]
        variance_C = (centred.square() * weight_B1F1).sum(dim=(0, 2, 3)) / count
        if self.track_running_stats:
            self._remember(mean_C.detach(), variance_C.detach(), count)
        scaled = centred * torch.rsqrt(variance_C + self.eps)[:, None, None]
        if self.affine:
            scaled = scaled * self.weight[:, None, None] + self.bias[:, None, None]
        return scaled.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean_C: Tensor, variance_C: Tensor, count: Tensor) -> None:
        """Move the running statistics, with the unbiased variance as torch does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        unbiased_C = variance_C * count / (count - 1).clamp(min=1)
        self.running_mean.lerp_(mean_C.to(self.running_mean.dtype), share)
        self.running_var.lerp_(unbiased_C.to(self.running_var.dtype), share)
