"""Between hearing and writing: the frames of an encoder at the decoder's width, with their places in time.

A convolutional encoder says what is heard, and nothing says where: cross-attention sees a set of frames. So a bridge
adds the sinusoids of each frame's place, and may have layers of self-attention in which frames look at each other,
such as to tell the second of two barks from the first.

Shapes: B recordings, S frames, D width.

Conventions: frames beyond a recording's end are seen by none of its own. The layers are those of the decoder, without
a mask in time.

Public names: BridgeSettings, CaptionBridge, sinusoids.
Source: Vaswani et al. 2017, arXiv 1706.03762, section 3.5 (sinusoids).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from audiolect.config import Config


class BridgeSettings(Config):
    """A bridge with places; null in its place: a linear layer where the widths differ, and nothing else."""

    layers: int = Field(default=1, ge=0, description="Layers of self-attention and feed-forward; 0: places alone.")
    heads: int = Field(default=4, ge=1, description="Heads of attention; they divide the decoder's width.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Of what each half of a layer adds.")


class _Layer(nn.Module):
    def __init__(self, width: int, settings: BridgeSettings) -> None:
        super().__init__()
        self.heads = settings.heads
        self.attention_norm = nn.LayerNorm(width)
        self.inputs = nn.Linear(width, 3 * width)
        self.outputs = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, S, D), mask (B, 1, 1, S) → (B, S, D)."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.inputs(self.attention_norm(x)).chunk(3, dim=-1)
        )
        seen = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.drop(self.outputs(seen.transpose(1, 2).flatten(2)))
        found: Tensor = x + self.drop(self.fc2(gelu(self.fc1(self.feed_norm(x)))))
        return found


class CaptionBridge(nn.Module):
    """The bridge. Raises ValueError where ``heads`` does not divide the width."""

    def __init__(self, heard: int, width: int, settings: BridgeSettings) -> None:
        super().__init__()
        self.width = width
        self.inward = nn.Linear(heard, width)
        self.layers: Any = nn.ModuleList([_Layer(width, settings) for _ in range(settings.layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, S, heard) and which belong to their recordings (B, S) bool → (B, S, D)."""
        x = self.inward(frames) + sinusoids(frames.shape[1], self.width, frames.device).to(frames.dtype)
        seen = None if not self.layers or bool(mask.all()) else mask[:, None, None]
        for layer in self.layers:
            x = layer(x, seen)
        found: Tensor = self.norm(x)
        return found


def sinusoids(count: int, width: int, device: torch.device | None = None) -> Tensor:
    """(S, D) float32: sines in the first half, cosines in the second, wavelengths from 2π to 20000π places."""
    half = (width + 1) // 2
    rates = torch.exp(torch.arange(half, device=device) * (-math.log(10000.0) / max(1, half - 1)))
    angles = torch.arange(count, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
