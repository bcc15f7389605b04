"""Between-class mixing: in training, the recordings of a batch are heard two at a time, and each counts for its share.

    mixed = mix_batch(waveforms_BT, lengths_B, MixingSettings(), epoch=0, step=3)      # None: this batch stays as it is
    loss = mixed.share * loss_of(audio, text) + (1 - mixed.share) * loss_of(audio, text[mixed.order])

Row b becomes a sum of itself and of row ``order[b]``, in which its part is ``share`` of what is heard: the two are
brought to one level (their root mean square) first. A target is then two texts, by their shares. Since a cross-entropy
is linear in its target, its value is that of two losses, which is what the lines above compute.

Conventions: a batch has one share, drawn from Beta(alpha, alpha), and one order. Both are functions of seed, epoch and
step alone: a training that goes on draws what it would have drawn. On several ranks each mixes within its own rows, so
that other numbers of ranks pair other recordings; whether and by which share is the same on all. A row whose partner
is itself stays as it is.

Shapes: B rows, T samples.

Public names: MixingSettings, MixedBatch, mix_batch.
Source: Tokozume, Ushiku and Harada 2018 (between-class learning), equations 2 and 3, with the root mean square as the
level; Zhang et al. 2018 (mixup), for the Beta distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from audiolect.config import Config
from audiolect.loader.permutation import stream

_QUIETEST = 1e-5  # -100 dB: below it a level is taken for this one, so that silence is not made loud


class MixingSettings(Config):
    """How recordings are mixed in training."""

    probability: Annotated[float, Field(gt=0, le=1)] = Field(default=0.5, description="How many of the batches.")
    alpha: Annotated[float, Field(gt=0)] = Field(
        default=1.0, description="Shares are drawn from Beta(alpha, alpha): 1 is even, less is nearer to one of both."
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="Of shares and partners.")


@dataclass(frozen=True, slots=True, eq=False)
class MixedBatch:
    """A batch in which every row is a sum of two."""

    waveforms: Tensor
    """(B, T), zeros behind ``lengths``."""
    lengths: Tensor
    """(B,) valid samples: those of the longer of both."""
    order: Tensor
    """(B,) int64: the row that was added to each."""
    share: float
    """From 0 to 1: how much of what is heard is the row's own."""


def mix_batch(
    waveforms: Tensor, lengths: Tensor, settings: MixingSettings, *, epoch: int, step: int
) -> MixedBatch | None:
    """Mix the rows of a batch, or leave them: None.

    Args:
        waveforms: (B, T) float32, zeros behind ``lengths``; not changed.
        lengths: (B,) int64.
        settings: how often, and how much.
        epoch, step: of the batch.
    """
    draws = np.random.Generator(np.random.Philox(key=stream(settings.seed, "mixing", epoch, step)))
    chosen, share = draws.random() < settings.probability, float(draws.beta(settings.alpha, settings.alpha))
    if not chosen:
        return None
    order = torch.from_numpy(draws.permutation(len(waveforms))).to(waveforms.device)
    levels = _levels(waveforms, lengths)
    own = share * levels[order]
    other = (1.0 - share) * levels
    # Gains as of two sounds at one level; then as loud as one of them, for the powers of unrelated sounds add up.
    part = (own / (own + other))[:, None]
    mixed = (part * waveforms + (1.0 - part) * waveforms[order]) / (part.square() + (1.0 - part).square()).sqrt()
    alone = order == torch.arange(len(order), device=order.device)
    mixed = torch.where(alone[:, None], waveforms, mixed)
    return MixedBatch(mixed, torch.maximum(lengths, lengths[order]), order, share)


def _levels(waveforms: Tensor, lengths: Tensor) -> Tensor:
    """(B,) root mean square of the valid samples."""
    powers = waveforms.square().sum(dim=1) / lengths.clamp(min=1)
    return powers.sqrt().clamp(min=_QUIETEST)
