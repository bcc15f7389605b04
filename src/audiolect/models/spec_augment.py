"""SpecAugment: stripes of a log-mel are silenced in training, along time and along frequency.

Each recording gets its own stripes. A stripe's width is drawn uniformly from 0 to its greatest, its place uniformly
from where it fits into the recording's valid frames (or the mel bins). What is drawn does not depend on how far the
batch is padded.

Conventions: all draws come from the ``torch.Generator`` handed in, or from torch's own seeded state on the CPU; both
can be saved, so that a training that goes on draws what it would have drawn.

Public names: SpecAugmentSettings, spec_augment.
Source: Park et al. 2019, "SpecAugment" (without time warping); the stripes' value is 0, the mean after normalisation.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from audiolect.config import Config


class SpecAugmentSettings(Config):
    """How many stripes there are, and how wide they may be."""

    time_masks: int = Field(default=2, ge=0, description="Stripes along time for each recording.")
    time_frames: int = Field(default=24, ge=0, description="The most frames of one stripe.")
    frequency_masks: int = Field(default=2, ge=0, description="Stripes along frequency for each recording.")
    frequency_bins: int = Field(default=8, ge=0, description="The most mel bins of one stripe.")


def spec_augment(
    features_BFM: Tensor,
    frame_lengths: Tensor,
    settings: SpecAugmentSettings,
    generator: torch.Generator | None = None,
) -> Tensor:
    """A normalised log-mel (B, F, M) with stripes of zeros; a new tensor.

    Args:
        features_BFM: normalised, so that 0 is the mean.
        frame_lengths: (B,) valid frames of each recording.
        settings: of the stripes.
        generator: on the CPU; None: torch's own state.
    """
    batch, frames, mels = features_BFM.shape
    lengths = frame_lengths.to("cpu")
    in_time = _stripes(lengths, frames, settings.time_masks, settings.time_frames, generator)
    bins = torch.full((batch,), mels)
    in_frequency = _stripes(bins, mels, settings.frequency_masks, settings.frequency_bins, generator)
    silenced = in_time[:, :, None] | in_frequency[:, None, :]
    return features_BFM.masked_fill(silenced.to(features_BFM.device), 0)


def _stripes(lengths: Tensor, size: int, number: int, widest: int, generator: torch.Generator | None) -> Tensor:
    """(B, size) bool: True inside of ``number`` stripes for each row, which lie within its length."""
    batch = len(lengths)
    drawn = torch.rand(2, batch, number, generator=generator)
    limits = lengths[:, None].clamp(max=size)
    widths = (drawn[0] * (torch.minimum(limits, torch.tensor(widest)) + 1)).floor()
    starts = (drawn[1] * (limits - widths + 1)).floor()
    position = torch.arange(size)
    inside = (position >= starts[:, :, None]) & (position < (starts + widths)[:, :, None])
    return inside.any(dim=1)
