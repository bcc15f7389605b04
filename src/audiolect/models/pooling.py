"""Masked pooling over time: what stands behind a recording's end counts for nothing.

Shapes: B batch, N positions in time, D width. A mask is (B, N) bool, True where a position belongs to its recording,
or None where all do: then nothing is masked and nothing is paid for it. A row without any valid position pools to 0.

Public names: POOLINGS, pool, masked_mean, masked_max, mean_plus_max, length_mask, mask_unless_full, apply_mask.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from audiolect.errors import unknown_name


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """(B,) lengths → (B, size) bool, True at the first ``lengths[b]`` positions of row b."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def mask_unless_full(lengths: Tensor, size: int) -> Tensor | None:
    """As ``length_mask``; None where every length reaches ``size``, so that equal lengths cost no masking."""
    if lengths.numel() == 0 or int(lengths.min()) >= size:
        return None
    return length_mask(lengths, size)


def apply_mask(values: Tensor, mask: Tensor | None) -> Tensor:
    """Values (B, N, ...) with zeros where the mask is False, also where a NaN stood."""
    if mask is None:
        return values
    return values.masked_fill(~mask.reshape(*mask.shape, *[1] * (values.ndim - 2)), 0)


def masked_mean(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Frames (B, N, D) → (B, D), the mean over the valid positions."""
    if mask is None:
        return frames.mean(dim=1)
    counts = mask.sum(dim=1, keepdim=True).clamp(min=1)
    return apply_mask(frames, mask).sum(dim=1) / counts.to(frames.dtype)


def masked_max(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Frames (B, N, D) → (B, D), the greatest over the valid positions."""
    if mask is None:
        return frames.amax(dim=1)
    greatest = frames.masked_fill(~mask[:, :, None], torch.finfo(frames.dtype).min).amax(dim=1)
    return greatest.masked_fill(~mask.any(dim=1, keepdim=True), 0)


def mean_plus_max(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Frames (B, N, D) → (B, D), mean and maximum added, as PANNs pool."""
    return masked_mean(frames, mask) + masked_max(frames, mask)


POOLINGS: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {
    "mean": masked_mean,
    "max": masked_max,
    "mean+max": mean_plus_max,
}


def pool(frames: Tensor, mask: Tensor | None, how: str) -> Tensor:
    """Frames (B, N, D) → (B, D) by a name of POOLINGS. Raises UsageError for another name."""
    if how not in POOLINGS:
        raise unknown_name("pooling", how, POOLINGS)
    return POOLINGS[how](frames, mask)
