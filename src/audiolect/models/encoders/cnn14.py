"""``cnn14``: the fourteen-layer network of PANNs over log-mel, 79.7 million parameters.

Six blocks of two 3 × 3 convolutions with 64 to 2048 channels, all but the last halved by average pooling; mean over
frequency, mean + maximum over time, one layer of 2048 units. At 32 kHz a position of its frame sequence is 0.32 s.

Shapes: B batch, T samples, F frames, M mel bins, N = F // 32 positions, D = 2048.

Public names: Cnn14Settings, Cnn14, build_cnn14.
Source: Kong et al. 2020 (see ``panns_layers.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from torch import Tensor

from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.panns_checkpoint import load_panns
from audiolect.models.encoders.panns_layers import ConvBlock, PannsEncoder, PannsSettings

CHANNELS = (64, 128, 256, 512, 1024, 2048)


class Cnn14Settings(PannsSettings):
    """The settings of ``cnn14``."""

    name: Literal["cnn14"] = "cnn14"


class Cnn14(PannsEncoder):
    """The encoder; see ``panns_layers.PannsEncoder``."""

    def __init__(self, settings: Cnn14Settings) -> None:
        super().__init__(settings)
        self.conv_block1 = ConvBlock(1, CHANNELS[0])
        self.conv_block2 = ConvBlock(CHANNELS[0], CHANNELS[1])
        self.conv_block3 = ConvBlock(CHANNELS[1], CHANNELS[2])
        self.conv_block4 = ConvBlock(CHANNELS[2], CHANNELS[3])
        self.conv_block5 = ConvBlock(CHANNELS[3], CHANNELS[4])
        self.conv_block6 = ConvBlock(CHANNELS[4], CHANNELS[5])
        self._add_head()

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        return self.encode_features(*self._hear(waveforms, lengths))

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Log-mel (B, F, M) and frame counts (B,) → EncoderOutput."""
        x, valid = self._start(features, frame_lengths)
        halved = (self.conv_block1, self.conv_block2, self.conv_block3, self.conv_block4, self.conv_block5)
        for block in halved:
            x, valid = self._run(block, x, valid, (2, 2))
            x = self._block_dropout(x)
        x, valid = self._run(self.conv_block6, x, valid, (1, 1))
        return self._finish(self._block_dropout(x), valid)


def build_cnn14(settings: Cnn14Settings, saved: Path | None = None) -> Cnn14:
    """The encoder with the weights of its checkpoint, or with random ones, drawn from torch's state."""
    encoder = Cnn14(settings)
    if settings.weights is not None and saved is None:
        load_panns(encoder, settings.weights, settings.weights_sha256)
    return encoder
