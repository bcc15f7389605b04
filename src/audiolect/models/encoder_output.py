"""What every audio encoder gives, and what every audio encoder is.

Shapes: B batch, T samples, F frames of a log-mel, M mel bins, N positions of the encoder's own frame sequence, D width.

Conventions: an encoder hears ``lengths[b]`` samples of row b and nothing behind them: alone or in a batch, a recording
has the same output (to 1e-5 in float32, in eval mode). ``frames`` are zero where ``mask`` is False.

Public names: EncoderOutput, AudioEncoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class EncoderOutput:
    """One vector for each recording, and its course over time."""

    pooled: Tensor
    """(B, D)"""
    frames: Tensor
    """(B, N, D); zero where the mask is False."""
    mask: Tensor
    """(B, N) bool: which positions belong to the recording."""


@runtime_checkable
class AudioEncoder(Protocol):
    """What ``encoders/table.py`` builds: an ``nn.Module`` with these names besides."""

    rate_hz: int
    """The rate of the waveforms that it hears."""
    embedding_size: int
    """D."""

    def __call__(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) float32 and lengths (B,) int64 in samples → EncoderOutput."""

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Log-mel (B, F, M) and frame counts (B,) int64 → EncoderOutput."""

    def save_parts(self, folder: Path) -> None:
        """Write into ``folder`` what its architecture needs besides settings and weights; often nothing."""
