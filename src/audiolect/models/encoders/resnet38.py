"""``resnet38``: the residual network of PANNs over log-mel, 72.7 million parameters.

One block of two 3 × 3 convolutions, sixteen residual blocks in four stages of 64, 128, 256 and 512 channels, one more
block of 2048. Where a stage halves its map, average pooling does it, in the shortcut too.

Shapes: B batch, T samples, F frames, M mel bins, C channels, N = F // 32 positions, D = 2048.

Public names: ResNet38Settings, ResNet38, build_resnet38.
Source: Kong et al. 2020 (see ``panns_layers.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, dropout, relu_

from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.panns_checkpoint import load_panns
from audiolect.models.encoders.panns_layers import ConvBlock, PannsEncoder, PannsSettings, silenced
from audiolect.models.masked_norm import MaskedBatchNorm2d
from audiolect.models.pooling import length_mask

# channels and number of blocks of each stage
_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


class ResNet38Settings(PannsSettings):
    """The settings of ``resnet38``."""

    name: Literal["resnet38"] = "resnet38"
    residual_dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout inside of each residual block.")


class ResNet38(PannsEncoder):
    """The encoder; see ``panns_layers.PannsEncoder``."""

    def __init__(self, settings: ResNet38Settings) -> None:
        super().__init__(settings)
        self.conv_block1 = ConvBlock(1, 64)
        self.resnet = _Stages(settings.residual_dropout)
        self.conv_block_after1 = ConvBlock(512, 2048)
        self._add_head()
        # A residual block begins as its shortcut.
        for module in self.modules():
            if isinstance(module, _ResidualBlock):
                nn.init.zeros_(module.bn2.weight)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        return self.encode_features(*self._hear(waveforms, lengths))

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Log-mel (B, F, M) and frame counts (B,) → EncoderOutput."""
        x, valid = self._start(features, frame_lengths)
        x, valid = self._run(self.conv_block1, x, valid, (2, 2))
        x = self._block_dropout(x)
        for block in self.resnet.blocks():
            x, valid = self._run(block, x, valid)
        x, valid = _halved(x, valid)
        x, valid = self._run(self.conv_block_after1, self._block_dropout(x), valid, (1, 1))
        return self._finish(self._block_dropout(x), valid)


class _Stages(nn.Module):
    """The residual blocks under their published names: layer1 to layer4."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        before = 64
        for number, (channels, count) in enumerate(_STAGES, start=1):
            first = _ResidualBlock(before, channels, dropout, halves=number > 1)
            rest = [_ResidualBlock(channels, channels, dropout, halves=False) for _ in range(count - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
            before = channels

    def blocks(self) -> list[nn.Module]:
        """All blocks, in the order of computation."""
        return [block for stage in self.children() for block in stage.children()]


class _ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut; a block that halves has a projection as its shortcut."""

    def __init__(self, channels_in: int, channels_out: int, dropout: float, *, halves: bool) -> None:
        super().__init__()
        self.dropout = dropout
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.bn1 = MaskedBatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = MaskedBatchNorm2d(channels_out)
        # The pooling at place 0 has no parameters, but the checkpoints count it.
        projection = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.downsample = (
            nn.Sequential(nn.AvgPool2d(2), projection, MaskedBatchNorm2d(channels_out)) if halves else None
        )

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The map (B, C', F', M'), zero behind each end if ``x`` is, and its lengths."""
        if self.downsample is not None:
            x, lengths = _halved(x, lengths)
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        inner = relu_(silenced(self.bn1(self.conv1(x), mask), mask))
        inner = self.bn2(self.conv2(dropout(inner, self.dropout, self.training)), mask)
        shortcut = x if self.downsample is None else self.downsample[2](self.downsample[1](x), mask)
        return relu_(silenced(inner + shortcut, mask)), lengths


def _halved(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """2 × 2 average pooling, without the frame of an odd end."""
    x = avg_pool2d(x, 2)
    if lengths is None:
        return x, None
    lengths = lengths // 2
    return silenced(x, length_mask(lengths, x.shape[2])), lengths


def build_resnet38(settings: ResNet38Settings, saved: Path | None = None) -> ResNet38:
    """The encoder with the weights of its checkpoint, or with random ones, drawn from torch's state."""
    encoder = ResNet38(settings)
    if settings.weights is not None and saved is None:
        load_panns(encoder, settings.weights, settings.weights_sha256)
    return encoder
