"""``htsat``: the hierarchical transformer of LAION-CLAP's audio side, through transformers (``ClapAudioModel``).

It hears 10 s at 48 kHz as 1001 frames of 64 mel bins, stretched to 1024; shorter recordings are repeated as often as
they fit and filled with silence, as in its training. The pooled vector is transformers' own; the frame sequence is the
mean over frequency of its last map, 32 positions in time.

Conventions: its input has a fixed length, and the filling is heard like everything else; so a recording's output
depends on its filling to 10 s, never on its neighbours in the batch. The repetitions count as valid. Longer recordings
are heard in windows (``hf_windows.py``), so that nothing is drawn by chance; checkpoints with feature fusion hear each
window as a recording that needs none.

Shapes: B batch, T samples, F frames, M mel bins, N positions in time, D width.

Public names: HtsatSettings, HtsatEncoder, build_htsat.
Source: Chen et al. 2022, "HTS-AT"; Wu et al. 2023, arXiv 2211.06687; weights: laion/clap-htsat-unfused, -fused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.hf_loading import HfArchitecture, HfEncoderSettings, open_encoder
from audiolect.models.encoders.hf_windows import cut_windows, join_windows
from audiolect.models.features import frame_counts, log_mel, num_frames
from audiolect.models.mel_settings import PRESETS, required_fixed_samples
from audiolect.models.pooling import apply_mask, length_mask

# The channels of a fused checkpoint: the whole, and three pieces of a longer recording.
_FUSED_CHANNELS = 4


class HtsatSettings(HfEncoderSettings):
    """The settings of ``htsat``."""

    name: Literal["htsat"] = "htsat"


class HtsatEncoder(nn.Module):
    """The encoder. ``model`` is a ``ClapAudioModel`` of transformers."""

    def __init__(self, settings: HtsatSettings, model: Any) -> None:
        super().__init__()
        self.settings = settings
        self.model = model
        self.fused = bool(model.config.enable_fusion)
        self.features = PRESETS["clap-48k-fusion" if self.fused else "clap-48k"]
        self.rate_hz = self.features.sample_rate_hz
        self.window_samples = required_fixed_samples(self.features)
        self.window_frames = num_frames(self.window_samples, self.features)
        self.embedding_size = int(model.config.hidden_size)
        if int(model.config.num_mel_bins) != self.features.num_mels:
            raise UsageError(
                "HTSAT hears another number of mel bins than CLAP's log-mel has.",
                expected=str(self.features.num_mels),
                found=str(model.config.num_mel_bins),
            )

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        windows = cut_windows(waveforms, lengths, self.window_samples)
        with torch.no_grad():
            features = log_mel(windows.waveforms, self.features, windows.lengths, fixed_length=True)
        heard = self.encode_features(features, frame_counts(windows.lengths, self.features, fixed_length=True))
        return join_windows(heard.pooled, heard.frames, heard.mask.sum(dim=1), windows)

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Log-mel (B, 1001, M), of ``log_mel(..., fixed_length=True)``, and frame counts (B,) → EncoderOutput.

        Raises:
            UsageError: another number of frames, which HTSAT would stretch in time.
        """
        if features.shape[1] != self.window_frames:
            raise UsageError(
                "HTSAT hears a fixed number of frames.",
                expected=str(self.window_frames),
                found=str(features.shape[1]),
                fix="make the log-mel with fixed_length=True, or call the encoder with waveforms",
            )
        channels = _FUSED_CHANNELS if self.fused else 1
        longer = torch.zeros(len(features), 1, dtype=torch.bool, device=features.device)
        maps_BCFM = features[:, None].expand(-1, channels, -1, -1)
        output = self.model(input_features=maps_BCFM, is_longer=longer)
        frames_BND = output.last_hidden_state.mean(dim=2).mT
        size = frames_BND.shape[1]
        counts = (frame_lengths * size + self.window_frames - 1) // self.window_frames
        valid = length_mask(counts.clamp(1, size), size)
        return EncoderOutput(output.pooler_output, apply_mask(frames_BND, valid), valid)

    def save_parts(self, folder: Path) -> None:
        """Write config.json."""
        self.model.config.save_pretrained(folder)


def build_htsat(settings: HtsatSettings, saved: Path | None = None) -> HtsatEncoder:
    """The encoder. Raises UsageError as ``hf_loading.open_encoder`` does."""
    from transformers import ClapAudioConfig, ClapAudioModel, ClapModel

    carriers: dict[str, Any] = {
        "clap": (ClapModel, lambda model: model.audio_model),
        "clap_audio_model": (ClapAudioModel, lambda model: model),
    }
    architecture = HfArchitecture(ClapAudioConfig, ClapAudioModel, carriers)
    return HtsatEncoder(settings, open_encoder(architecture, settings, saved))
