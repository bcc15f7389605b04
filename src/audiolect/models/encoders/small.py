"""``small``: a residual convolutional encoder over log-mel, made for training on CPUs.

A 5 × 5 stem with stride 2, then four stages of two 3 × 3 convolutions with 1, 2, 4 and 8 times ``width`` channels,
each stage halved by 2 × 2 average pooling before the next. Every mel bin is normalised over the batch first. The frame
sequence is the mean over frequency, the pooled vector mean + maximum over its valid positions.

Shapes: B batch, T samples, F frames, M mel bins, C channels, N positions in time, D = 8 * width.

Conventions: behind a recording's end everything is zero before every convolution, as the convolution's own padding is,
so that padding changes nothing. Lengths follow the layers exactly: the stem gives ``(F - 1) // 2 + 1`` positions of F
frames, each pooling ``n // 2`` of n. A recording of fewer frames than one position needs (15) counts as that many; what
it lacks is zero, the mean of the normalised log-mel. Convolutions run in the memory layout channels-last.

Public names: SmallSettings, SmallEncoder, build_small.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad, relu_

from audiolect.config import Config
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.features import frame_counts, log_mel
from audiolect.models.front_end import FrontEndSettings, front_end
from audiolect.models.masked_norm import MaskedBatchNorm2d
from audiolect.models.pooling import apply_mask, length_mask, mask_unless_full, mean_plus_max
from audiolect.models.recompute import recompute
from audiolect.models.spec_augment import SpecAugmentSettings, spec_augment

_STAGES = (1, 2, 4, 8)
# What becomes one position: the stem halves (rounding up), each of the three poolings halves (rounding down).
_LEAST_FRAMES = 15


class SmallSettings(Config):
    """The settings of ``small``."""

    name: Literal["small"] = "small"
    features: FrontEndSettings = Field(
        default=FrontEndSettings(preset="panns-32k", hop_samples=640), description="The log-mel that it hears."
    )
    width: int = Field(default=32, ge=1, description="Channels of the first stage; the last has 8 times as many.")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Dropout of the pooled vector.")
    spec_augment: SpecAugmentSettings | None = Field(
        default=SpecAugmentSettings(), description="Stripes of silence in training; null: none."
    )

    @model_validator(mode="after")
    def _enough_bins(self) -> SmallSettings:
        found = front_end(self.features).num_mels
        if found < _LEAST_FRAMES:
            raise ValueError(f"small halves the mel bins four times: num_mels must be at least 15, not {found}")
        return self


class SmallEncoder(nn.Module):
    """The encoder. ``generator`` draws SpecAugment's stripes where it is set, else torch's own state does.

    ``gradient_checkpointing`` trades time for memory: the stages are computed again in the backward pass.
    """

    def __init__(self, settings: SmallSettings) -> None:
        super().__init__()
        self.settings = settings
        self.features = front_end(settings.features)
        self.rate_hz = self.features.sample_rate_hz
        self.embedding_size = _STAGES[-1] * settings.width
        self.generator: torch.Generator | None = None
        self.gradient_checkpointing = False
        self.input_norm = MaskedBatchNorm2d(self.features.num_mels)
        self.stem = nn.Conv2d(1, settings.width, 5, stride=2, padding=2, bias=False)
        self.stem_norm = MaskedBatchNorm2d(settings.width)
        widths = [settings.width * factor for factor in _STAGES]
        self.stages = nn.ModuleList(
            _ResidualStage(before, after) for before, after in zip([widths[0], *widths[:-1]], widths, strict=True)
        )
        self.dropout = nn.Dropout(settings.dropout)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        with torch.no_grad():
            features_BFM = log_mel(waveforms, self.features, lengths)
        return self.encode_features(features_BFM, frame_counts(lengths, self.features))

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Log-mel (B, F, M) and frame counts (B,) → EncoderOutput with N = ``(F + 1) // 16`` positions."""
        lengths = frame_lengths.clamp(min=_LEAST_FRAMES)
        normal_BFM = self._normalised(features, frame_lengths)
        mask = mask_unless_full(lengths, normal_BFM.shape[1])
        x_BCFM = normal_BFM[:, None].contiguous(memory_format=torch.channels_last)
        x_BCFM = self.stem(x_BCFM)
        lengths = (lengths - 1) // 2 + 1
        mask = None if mask is None else length_mask(lengths, x_BCFM.shape[2])
        x_BCFM = _masked(relu_(self.stem_norm(x_BCFM, mask)), mask)
        for index, stage in enumerate(self.stages):
            if index:
                x_BCFM, lengths = avg_pool2d(x_BCFM, 2), lengths // 2
                mask = None if mask is None else length_mask(lengths, x_BCFM.shape[2])
                x_BCFM = _masked(x_BCFM, mask)
            x_BCFM = recompute(stage, x_BCFM, mask) if self.gradient_checkpointing else stage(x_BCFM, mask)
        frames_BND = x_BCFM.mean(dim=3).mT.contiguous()
        pooled_BD = self.dropout(mean_plus_max(frames_BND, mask))
        full_mask = length_mask(lengths, frames_BND.shape[1])
        return EncoderOutput(pooled_BD, frames_BND, full_mask)

    def save_parts(self, folder: Path) -> None:
        """Nothing: settings and weights are all there is."""

    def _normalised(self, features_BFM: Tensor, frame_lengths: Tensor) -> Tensor:
        """Each mel bin normalised, with stripes in training, zero behind the end, at least the least frames long."""
        mask = mask_unless_full(frame_lengths, features_BFM.shape[1])
        normal_BFM = self.input_norm(features_BFM.mT[:, :, :, None], mask)[:, :, :, 0].mT
        if self.training and self.settings.spec_augment is not None:
            normal_BFM = spec_augment(normal_BFM, frame_lengths, self.settings.spec_augment, self.generator)
        normal_BFM = apply_mask(normal_BFM, mask)
        return pad(normal_BFM, (0, 0, 0, max(0, _LEAST_FRAMES - normal_BFM.shape[1])))


class _ResidualStage(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut, (B, C, F, M) → (B, C', F, M)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm1 = MaskedBatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = MaskedBatchNorm2d(channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, bias=False) if channels_in != channels_out else None

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Zero outside of the mask, if ``x`` is."""
        inner = _masked(relu_(self.norm1(self.conv1(x), mask)), mask)
        inner = self.norm2(self.conv2(inner), mask)
        beside = x if self.shortcut is None else self.shortcut(x)
        return _masked(relu_(inner + beside), mask)


def _masked(x_BCFM: Tensor, mask: Tensor | None) -> Tensor:
    return x_BCFM if mask is None else x_BCFM * mask[:, None, :, None].to(x_BCFM.dtype)


def build_small(settings: SmallSettings, saved: Path | None = None) -> SmallEncoder:  # noqa: ARG001 - as all in table.py
    """The encoder with random weights, drawn from torch's state."""
    return SmallEncoder(settings)
