"""Batch normalisation that counts only what belongs to recordings.

In training the statistics of a padded batch come from valid positions alone, so that they are those which evaluation
will meet; a batch of equal lengths takes torch's own kernel. In eval mode it is ``nn.BatchNorm2d``; parameters and
buffers have the same names.

Shapes: B batch, C channels, F frames, M mel bins.

Public names: MaskedBatchNorm2d.
"""

from __future__ import annotations

from torch import Tensor, nn


class MaskedBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` for (B, C, F, M) with an optional mask over B and F."""

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, C, F, M) → the same shape; ``mask`` is (B, F) bool or None, for all valid.

        In training, what is not valid becomes 0; in eval mode it is normalised like the rest.
        """
        if mask is None or not self.training:
            return super().forward(input)
        # The valid frames, one after the other, through torch's own kernel; everything else becomes 0.
        batch, channels, frames, mels = input.shape
        valid = mask.reshape(-1).nonzero()[:, 0]
        if not len(valid):
            return input
        rows = input.permute(0, 2, 3, 1).reshape(batch * frames, mels * channels)
        chosen = rows.index_select(0, valid).view(-1, mels, 1, channels).permute(0, 3, 1, 2)
        normal = super().forward(chosen).permute(0, 2, 3, 1).reshape(-1, mels * channels)
        spread = normal.new_zeros(rows.shape).index_copy(0, valid, normal)
        return spread.view(batch, frames, mels, channels).permute(0, 3, 1, 2)
