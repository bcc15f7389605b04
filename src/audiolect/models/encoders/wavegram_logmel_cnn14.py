"""``wavegram_logmel_cnn14``: Cnn14 that hears the waveform beside its log-mel, 80.0 million parameters.

One-dimensional convolutions over the waveform (stride 5, then three blocks, each a quarter as long) give 128 channels
at the log-mel's frame rate; they are laid out as 4 channels of 32 bins, the wavegram, whose block of two convolutions
gives 64 channels beside the 64 of the log-mel's first block. From there on it is Cnn14.

Conventions: a frame of the wavegram is 320 samples, so the log-mel must have that hop and 64 mel bins. Where log-mel
and wavegram differ by a frame, the shorter one counts. A recording of fewer than 10,240 samples, which become one
position, is filled with silence. ``encode_features`` does not exist here: the features alone are not what it hears.

Shapes: B batch, T samples, S steps along the waveform, F frames, M mel bins, C channels, D = 2048.

Public names: WavegramLogmelCnn14Settings, WavegramLogmelCnn14, build_wavegram_logmel_cnn14.
Source: Kong et al. 2020 (see ``panns_layers.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d, pad, relu_

from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.panns_checkpoint import load_panns
from audiolect.models.encoders.panns_layers import LEAST_FRAMES, ConvBlock, PannsEncoder, PannsSettings, silenced
from audiolect.models.masked_norm import MaskedBatchNorm2d
from audiolect.models.pooling import length_mask

_FRAME_SAMPLES = 320
_STRIDE = 5
_QUARTER = 4
_BINS = 32


class WavegramLogmelCnn14Settings(PannsSettings):
    """The settings of ``wavegram_logmel_cnn14``."""

    name: Literal["wavegram_logmel_cnn14"] = "wavegram_logmel_cnn14"


class WavegramLogmelCnn14(PannsEncoder):
    """The encoder; see ``panns_layers.PannsEncoder``."""

    def __init__(self, settings: WavegramLogmelCnn14Settings) -> None:
        super().__init__(settings)
        if (self.features.hop_samples, self.features.num_mels) != (_FRAME_SAMPLES, 2 * _BINS):
            raise UsageError(
                "The log-mel does not fit the wavegram.",
                where="features",
                expected=f"hop_samples {_FRAME_SAMPLES} and num_mels {2 * _BINS}",
                found=f"hop_samples {self.features.hop_samples} and num_mels {self.features.num_mels}",
                fix="features: {preset: panns-32k}",
            )
        self.pre_conv0 = nn.Conv1d(1, 64, 11, stride=_STRIDE, padding=5, bias=False)
        self.pre_bn0 = MaskedBatchNorm2d(64)
        self.pre_block1 = _WaveBlock(64, 64)
        self.pre_block2 = _WaveBlock(64, 128)
        self.pre_block3 = _WaveBlock(128, 128)
        self.pre_block4 = ConvBlock(4, 64)
        self.conv_block1 = ConvBlock(1, 64)
        self.conv_block2 = ConvBlock(128, 128)
        self.conv_block3 = ConvBlock(128, 256)
        self.conv_block4 = ConvBlock(256, 512)
        self.conv_block5 = ConvBlock(512, 1024)
        self.conv_block6 = ConvBlock(1024, 2048)
        self._add_head()

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        waveforms, lengths = _filled(waveforms, lengths)
        wave_BCFM, wave_lengths = self._wavegram(waveforms, lengths)
        x, valid = self._start(*self._hear(waveforms, lengths))
        x, valid = self._run(self.conv_block1, x, valid, (2, 2))
        frames = min(x.shape[2], wave_BCFM.shape[2])
        x = torch.cat([x[:, :, :frames], wave_BCFM[:, :, :frames]], dim=1)
        if wave_lengths is not None:
            # The log-mel's lengths may be equal where the waveforms' differ by less than a hop.
            valid = wave_lengths.clamp(max=frames) if valid is None else torch.minimum(valid, wave_lengths)
            x = silenced(x, length_mask(valid, frames))
        x = self._block_dropout(x.contiguous(memory_format=torch.channels_last))
        for block in (self.conv_block2, self.conv_block3, self.conv_block4, self.conv_block5):
            x, valid = self._run(block, x, valid, (2, 2))
            x = self._block_dropout(x)
        x, valid = self._run(self.conv_block6, x, valid, (1, 1))
        return self._finish(self._block_dropout(x), valid)

    def _wavegram(self, waveforms_BT: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Waveforms, zero behind their ends → (B, 64, F // 2, 32), and its lengths or None."""
        equal = bool((lengths >= waveforms_BT.shape[1]).all())
        steps = None if equal else (lengths + _STRIDE - 1) // _STRIDE
        x_BCS = self.pre_conv0(waveforms_BT[:, None].to(self.pre_conv0.weight.dtype))
        mask = None if steps is None else length_mask(steps, x_BCS.shape[2])
        x_BCS = relu_(silenced(self.pre_bn0(x_BCS[..., None], mask)[..., 0], mask))
        for block in (self.pre_block1, self.pre_block2, self.pre_block3):
            x_BCS, steps = self._run(block, x_BCS, steps)
        wavegram_BCFM = x_BCS.reshape(x_BCS.shape[0], -1, _BINS, x_BCS.shape[2]).mT
        wavegram_BCFM = wavegram_BCFM.contiguous(memory_format=torch.channels_last)
        x_BCFM, frames = self._run(self.pre_block4, wavegram_BCFM, steps, (2, 1))
        return x_BCFM, frames


class _WaveBlock(nn.Module):
    """Two convolutions along the waveform, the second over every other step, and maxima of four steps."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels_in, channels_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv1d(channels_out, channels_out, 3, dilation=2, padding=2, bias=False)
        # The names and shapes of one-dimensional norms; a last axis of length 1 makes them two-dimensional.
        self.bn1 = MaskedBatchNorm2d(channels_out)
        self.bn2 = MaskedBatchNorm2d(channels_out)

    def forward(self, x_BCS: Tensor, steps: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, C, S) → (B, C', S // 4), zero behind each end if ``x`` is, and its lengths."""
        mask = None if steps is None else length_mask(steps, x_BCS.shape[2])
        x_BCS = relu_(silenced(self.bn1(self.conv1(x_BCS)[..., None], mask)[..., 0], mask))
        x_BCS = relu_(self.bn2(self.conv2(x_BCS)[..., None], mask)[..., 0])
        x_BCS = max_pool1d(x_BCS, _QUARTER)
        if steps is None:
            return x_BCS, None
        steps = steps // _QUARTER
        return silenced(x_BCS, length_mask(steps, x_BCS.shape[2])), steps


def _filled(waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Silence behind each recording's end, and up to one position where it is shorter."""
    least = LEAST_FRAMES * _FRAME_SAMPLES
    if int(lengths.min()) < waveforms.shape[1]:
        waveforms = waveforms.masked_fill(~length_mask(lengths, waveforms.shape[1]), 0)
    if waveforms.shape[1] < least:
        waveforms = pad(waveforms, (0, least - waveforms.shape[1]))
    return waveforms, lengths.clamp(min=least)


def build_wavegram_logmel_cnn14(
    settings: WavegramLogmelCnn14Settings, saved: Path | None = None
) -> WavegramLogmelCnn14:
    """The encoder with the weights of its checkpoint, or with random ones, drawn from torch's state."""
    encoder = WavegramLogmelCnn14(settings)
    if settings.weights is not None and saved is None:
        load_panns(encoder, settings.weights, settings.weights_sha256)
    return encoder
