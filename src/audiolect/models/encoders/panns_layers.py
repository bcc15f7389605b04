"""What the encoders of PANNs share: settings, the block of two convolutions, the way in and the way out.

Names and shapes of parameters are those of the published checkpoints (``panns_checkpoint.py`` loads them); the log-mel
front end, which those carry as parameters, is ``models/features.py`` here.

Conventions: ``lengths`` says how many frames of each recording are valid, (B,) int64, or is None where all are; then
nothing is masked. Wherever a convolution looks, everything behind a recording's end is zero, as the convolution's own
padding is, and pooling leaves out the odd frame at a recording's end as it does when the recording is alone: padding
changes no output. A recording of fewer than 32 frames, which become one position, counts as 32; what it lacks is zero,
the mean of the normalised log-mel. Feature maps lie in memory channels-last, which makes them faster on CPUs and GPUs.

Shapes: B batch, F frames, M mel bins, C channels, N = F // 32 positions in time, D = 2048.

Public names: PannsSettings, PannsEncoder, ConvBlock, silenced, LEAST_FRAMES, AUDIOSET_CLASSES.
Source: Kong et al. 2020, "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, dropout, pad, relu, relu_

from audiolect.config import Config
from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.features import frame_counts, log_mel
from audiolect.models.front_end import FrontEndSettings, front_end
from audiolect.models.masked_norm import MaskedBatchNorm2d
from audiolect.models.mel_settings import LogMelSettings
from audiolect.models.pooling import apply_mask, length_mask, mean_plus_max
from audiolect.models.recompute import recompute
from audiolect.models.spec_augment import SpecAugmentSettings, spec_augment

LEAST_FRAMES = 32
AUDIOSET_CLASSES = 527
_SIZE = 2048
# Five poolings halve the mel bins.
_LEAST_MELS = 32


class PannsSettings(Config):
    """What can be chosen about every encoder of PANNs; the defaults are the published ones."""

    features: FrontEndSettings = Field(
        default=FrontEndSettings(preset="panns-32k"), description="The log-mel that it hears."
    )
    weights: str | None = Field(default=None, description="A published checkpoint, such as Cnn14_mAP=0.431.pth.")
    weights_sha256: str | None = Field(
        default=None, pattern="^[0-9a-fA-F]{64}$", description="The hash that the file of weights must have."
    )
    classifier: bool = Field(default=False, description="Carry fc_audioset, the layer of AudioSet's 527 classes.")
    block_dropout: float = Field(default=0.2, ge=0, lt=1, description="Dropout after each block.")
    head_dropout: float = Field(default=0.5, ge=0, lt=1, description="Dropout before and after fc1.")
    spec_augment: SpecAugmentSettings | None = Field(
        default=None, description="Stripes of silence in training; null: none."
    )


class PannsEncoder(nn.Module):
    """The way in (log-mel, bn0) and the way out (pooling, fc1) of an encoder of PANNs.

    ``generator`` draws SpecAugment's stripes where it is set, else torch's own state does. ``gradient_checkpointing``
    trades time for memory: blocks are computed again in the backward pass.
    """

    rate_hz: int
    embedding_size: int = _SIZE

    def __init__(self, settings: PannsSettings) -> None:
        super().__init__()
        self.settings = settings
        self.features: LogMelSettings = front_end(settings.features)
        if self.features.num_mels < _LEAST_MELS:
            raise UsageError(
                "An encoder of PANNs halves the mel bins five times; there are too few.",
                where="features.num_mels",
                expected=f"{_LEAST_MELS} or more; 64 for the published weights",
                found=str(self.features.num_mels),
            )
        self.rate_hz = self.features.sample_rate_hz
        self.generator: torch.Generator | None = None
        self.gradient_checkpointing = False
        self.bn0 = MaskedBatchNorm2d(self.features.num_mels)

    def _add_head(self) -> None:
        """The last layers: they stand last in the checkpoints, too."""
        self.fc1 = nn.Linear(_SIZE, _SIZE)
        self.fc_audioset = nn.Linear(_SIZE, AUDIOSET_CLASSES) if self.settings.classifier else None
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            if isinstance(module, nn.Conv2d):
                module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)

    def _hear(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms (B, T) and lengths (B,) in samples → log-mel (B, F, M) and frame counts (B,)."""
        with torch.no_grad():
            features_BFM = log_mel(waveforms, self.features, lengths)
        return features_BFM, frame_counts(lengths, self.features)

    def _start(self, features_BFM: Tensor, frame_lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Log-mel → (B, 1, F, M), normalised, zero behind each end, at least 32 frames; and the lengths or None."""
        equal = features_BFM.shape[1] >= LEAST_FRAMES and bool((frame_lengths >= features_BFM.shape[1]).all())
        mask = None if equal else length_mask(frame_lengths, features_BFM.shape[1])
        features_BFM = apply_mask(features_BFM, mask)
        normal_BFM = self.bn0(features_BFM.mT[:, :, :, None], mask)[:, :, :, 0].mT
        if self.training and self.settings.spec_augment is not None:
            normal_BFM = spec_augment(normal_BFM, frame_lengths, self.settings.spec_augment, self.generator)
        normal_BFM = apply_mask(normal_BFM, mask)
        normal_BFM = pad(normal_BFM, (0, 0, 0, max(0, LEAST_FRAMES - normal_BFM.shape[1])))
        x_BCFM = normal_BFM[:, None].contiguous(memory_format=torch.channels_last)
        return x_BCFM, None if equal else frame_lengths.clamp(min=LEAST_FRAMES)

    def _run(self, block: nn.Module, *arguments: Any) -> Any:
        """A block's output, remembered or to be computed again."""
        return recompute(block, *arguments) if self.gradient_checkpointing else block(*arguments)

    def _block_dropout(self, x: Tensor) -> Tensor:
        return dropout(x, self.settings.block_dropout, self.training)

    def _finish(self, x_BCFM: Tensor, lengths: Tensor | None) -> EncoderOutput:
        """The last feature map → frames (B, N, D), and mean + maximum over the valid ones through fc1."""
        frames_BND = x_BCFM.mean(dim=3).mT.contiguous()
        if lengths is None:
            mask_BN = None
            full_BN = torch.ones(frames_BND.shape[:2], dtype=torch.bool, device=frames_BND.device)
        else:
            mask_BN = full_BN = length_mask(lengths, frames_BND.shape[1])
            frames_BND = apply_mask(frames_BND, mask_BN)
        pooled_BD = dropout(mean_plus_max(frames_BND, mask_BN), self.settings.head_dropout, self.training)
        pooled_BD = dropout(relu(self.fc1(pooled_BD)), self.settings.head_dropout, self.training)
        return EncoderOutput(pooled_BD, frames_BND, full_BN)

    def classify(self, pooled: Tensor) -> Tensor:
        """Pooled vectors (B, D) → logits of AudioSet's classes (B, 527), in the order of its class labels.

        Raises:
            UsageError: the encoder was made without its classifier.
        """
        if self.fc_audioset is None:
            raise UsageError(
                "This encoder was made without the layer of AudioSet's classes.", fix="set classifier: true"
            )
        logits: Tensor = self.fc_audioset(pooled)
        return logits

    def save_parts(self, folder: Path) -> None:
        """Nothing: settings and weights are all there is."""


class ConvBlock(nn.Module):
    """Two 3 × 3 convolutions, each with batch norm and ReLU, and average pooling: (B, C, F, M) → (B, C', F', M')."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn1 = MaskedBatchNorm2d(channels_out)
        self.bn2 = MaskedBatchNorm2d(channels_out)

    def forward(self, x: Tensor, lengths: Tensor | None, pool: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """The pooled map, zero behind each end if ``x`` is, and its lengths."""
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        x = relu_(silenced(self.bn1(self.conv1(x), mask), mask))
        x = relu_(self.bn2(self.conv2(x), mask))
        if pool != (1, 1):
            x = avg_pool2d(x, pool)
        if lengths is None:
            return x, None
        lengths = lengths // pool[0]
        return silenced(x, length_mask(lengths, x.shape[2])), lengths


def silenced(x: Tensor, mask: Tensor | None) -> Tensor:
    """A map (B, C, F, ...) with zeros where the mask (B, F) is False; without a mask, the map itself."""
    if mask is None:
        return x
    return x.masked_fill(~mask.reshape(mask.shape[0], 1, mask.shape[1], *[1] * (x.ndim - 3)), 0)
