"""``whisper``: the encoder of Whisper, through transformers.

Two convolutions halve a log-mel at 100 frames a second, a transformer follows; the pooled vector is the mean over the
valid positions of its output, 50 a second.

Conventions: ``length: window`` hears 30 s at a time, shorter recordings filled with silence, as in its training: what
transformers gives. The silence is heard, but its positions are not valid. ``length: recording`` hears a recording as
long as it is: much less work for short ones, and nothing but the recording is heard; published weights have not learned
so and want fine-tuning. In both a recording's output never depends on its neighbours in the batch. Longer recordings
are heard in windows (``hf_windows.py``).

Shapes: B batch, T samples, F frames, M mel bins, N positions in time, D width.

Public names: WhisperSettings, WhisperAudioEncoder, build_whisper.
Source: Radford et al. 2022, arXiv 2212.04356; weights: openai/whisper-tiny and larger.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu

from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.hf_loading import HfArchitecture, HfEncoderSettings, open_encoder
from audiolect.models.encoders.hf_windows import cut_windows, join_windows
from audiolect.models.features import frame_counts, log_mel
from audiolect.models.mel_settings import PRESETS
from audiolect.models.pooling import apply_mask, length_mask, mask_unless_full, masked_mean

# Frames that become one position.
_STRIDE = 2


class WhisperSettings(HfEncoderSettings):
    """The settings of ``whisper``."""

    name: Literal["whisper"] = "whisper"
    length: Literal["window", "recording"] = Field(
        default="window", description="Fill up to 30 s as in its training, or hear a recording as long as it is."
    )


class WhisperAudioEncoder(nn.Module):
    """The encoder. ``model`` is the ``WhisperEncoder`` of transformers."""

    def __init__(self, settings: WhisperSettings, model: Any) -> None:
        super().__init__()
        self.settings = settings
        self.model = model
        self.window_frames = _STRIDE * int(model.config.max_source_positions)
        mels = int(model.config.num_mel_bins)
        preset = PRESETS["whisper-128" if mels == PRESETS["whisper-128"].num_mels else "whisper-80"]
        self.window_samples = self.window_frames * preset.hop_samples
        self.features = replace(preset, num_mels=mels, fixed_samples=self.window_samples)
        self.rate_hz = self.features.sample_rate_hz
        self.embedding_size = int(model.config.d_model)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        windows = cut_windows(waveforms, lengths, self.window_samples)
        fixed = self.settings.length == "window"
        with torch.no_grad():
            features = log_mel(windows.waveforms, self.features, windows.lengths, fixed_length=fixed)
        heard = self.encode_features(features, frame_counts(windows.lengths, self.features, fixed_length=fixed))
        return join_windows(heard.pooled, heard.frames, heard.mask.sum(dim=1), windows)

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Log-mel (B, F, M) and frame counts (B,) → EncoderOutput; F is 3000, or at most that (``recording``).

        Raises:
            UsageError: another number of frames.
        """
        frames, fixed = features.shape[1], self.settings.length == "window"
        if frames > self.window_frames or (fixed and frames != self.window_frames):
            raise UsageError(
                "Whisper hears another number of frames.",
                expected=f"{'' if fixed else 'at most '}{self.window_frames}",
                found=str(frames),
                fix="make the log-mel with fixed_length=True, or call the encoder with waveforms",
            )
        if fixed:
            hidden_BND = self.model(features.mT).last_hidden_state
        else:
            hidden_BND = self._hear_real_length(features, frame_lengths)
        counts = ((frame_lengths + _STRIDE - 1) // _STRIDE).clamp(min=1)
        valid = length_mask(counts, hidden_BND.shape[1])
        return EncoderOutput(masked_mean(hidden_BND, valid), apply_mask(hidden_BND, valid), valid)

    def _hear_real_length(self, features: Tensor, frame_lengths: Tensor) -> Tensor:
        """The layers of the encoder over real frames alone, (B, F, M) → (B, N, D)."""
        model = self.model
        if features.shape[1] == 0:
            features = features.new_zeros(features.shape[0], 1, features.shape[2])
        # Zeros behind the end are what the convolutions' own padding is.
        features = apply_mask(features, mask_unless_full(frame_lengths, features.shape[1]))
        x_BFD = gelu(model.conv1(features.mT)).mT
        x_BFD = apply_mask(x_BFD, mask_unless_full(frame_lengths.clamp(min=1), x_BFD.shape[1]))
        x_BND = gelu(model.conv2(x_BFD.mT)).mT
        size = x_BND.shape[1]
        mask = mask_unless_full(((frame_lengths + _STRIDE - 1) // _STRIDE).clamp(min=1), size)
        x_BND = dropout(x_BND + model.embed_positions.weight[:size], model.dropout, self.training)
        attended = None
        if mask is not None:
            attended = torch.zeros(mask.shape, dtype=x_BND.dtype, device=x_BND.device)
            attended = attended.masked_fill(~mask, torch.finfo(x_BND.dtype).min)[:, None, None]
            attended = attended.expand(-1, 1, size, -1)
        for layer in model.layers:
            if self.training and model.layerdrop > 0 and float(torch.rand(())) < model.layerdrop:
                continue
            x_BND = layer(x_BND, attended)
        normalised: Tensor = model.layer_norm(x_BND)
        return normalised

    def save_parts(self, folder: Path) -> None:
        """Write config.json."""
        self.model.config.save_pretrained(folder)


def build_whisper(settings: WhisperSettings, saved: Path | None = None) -> WhisperAudioEncoder:
    """The encoder. Raises UsageError as ``hf_loading.open_encoder`` does."""
    from transformers import WhisperConfig, WhisperModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    carriers: dict[str, Any] = {"whisper": (WhisperModel, lambda model: model.encoder)}
    architecture = HfArchitecture(WhisperConfig, WhisperEncoder, carriers)
    return WhisperAudioEncoder(settings, open_encoder(architecture, settings, saved))
