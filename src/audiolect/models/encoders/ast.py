"""``ast``: the Audio Spectrogram Transformer, through transformers.

Patches of 16 × 16 of a log-mel of 128 bins go through a transformer; the pooled vector is the mean of its two leading
tokens, the frame sequence the mean over the patches of one time. It hears 1024 frames (10.24 s) at 16 kHz.

Conventions: its positions are learned for a fixed length, and in its training the filling was heard like everything
else; so a recording's output depends on its filling to that length, never on its neighbours in the batch. Longer
recordings are heard in windows (``hf_windows.py``). A position of the frame sequence counts as valid if its patch
begins where the recording needs it to be covered.

Shapes: B batch, T samples, F frames, M mel bins, P patches, N positions in time, D width.

Public names: AstSettings, AstEncoder, build_ast.
Source: Gong et al. 2021, arXiv 2104.01778; published weights: MIT/ast-finetuned-audioset-10-10-0.4593.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.ast_features import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    SAMPLE_RATE_HZ,
    ast_features,
    ast_frame_counts,
)
from audiolect.models.encoders.hf_loading import HfArchitecture, HfEncoderSettings, open_encoder
from audiolect.models.encoders.hf_windows import cut_windows, join_windows
from audiolect.models.pooling import apply_mask, length_mask


class AstSettings(HfEncoderSettings):
    """The settings of ``ast``."""

    name: Literal["ast"] = "ast"
    mean: float = Field(default=-4.2677393, description="Of the features, before the normalisation; AudioSet's.")
    std: float = Field(default=4.5689974, gt=0, description="Of the features, before the normalisation; AudioSet's.")


class AstEncoder(nn.Module):
    """The encoder. ``model`` is an ``ASTModel`` of transformers."""

    def __init__(self, settings: AstSettings, model: Any) -> None:
        super().__init__()
        self.settings = settings
        self.model = model
        self.rate_hz = SAMPLE_RATE_HZ
        self.embedding_size = int(model.config.hidden_size)
        self.window_frames = int(model.config.max_length)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        window_samples = (self.window_frames - 1) * HOP_SAMPLES + FRAME_SAMPLES
        windows = cut_windows(waveforms, lengths, window_samples)
        mels, settings = int(self.model.config.num_mel_bins), self.settings
        features = ast_features(windows.waveforms, windows.lengths, mels, settings.mean, settings.std)
        heard = self.encode_features(features, ast_frame_counts(windows.lengths))
        return join_windows(heard.pooled, heard.frames, heard.mask.sum(dim=1), windows)

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Normalised features (B, F, M) and frame counts (B,) → EncoderOutput of all the positions of a window.

        Raises:
            UsageError: more frames than the encoder hears.
        """
        if features.shape[1] > self.window_frames:
            raise UsageError(
                "There are more frames than AST hears.",
                expected=f"at most {self.window_frames}",
                found=str(features.shape[1]),
                fix="call the encoder with waveforms: it hears longer ones in windows",
            )
        filling = -self.settings.mean / (2 * self.settings.std)
        mask = length_mask(frame_lengths, features.shape[1])
        filled = apply_mask(features, mask) + filling * ~mask[:, :, None]
        filled = pad(filled, (0, 0, 0, self.window_frames - features.shape[1]), value=filling)
        output = self.model(filled)
        config = self.model.config
        high = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
        patches_BPD = output.last_hidden_state[:, 2:]
        frames_BND = patches_BPD.unflatten(1, (high, -1)).mean(dim=1)
        # As many patches as it takes to cover the frames.
        counts = (frame_lengths - config.patch_size + config.time_stride - 1) // config.time_stride + 1
        valid = length_mask(counts.clamp(1, frames_BND.shape[1]), frames_BND.shape[1])
        return EncoderOutput(output.pooler_output, apply_mask(frames_BND, valid), valid)

    def save_parts(self, folder: Path) -> None:
        """Write config.json."""
        self.model.config.save_pretrained(folder)


def build_ast(settings: AstSettings, saved: Path | None = None) -> AstEncoder:
    """The encoder. Raises UsageError as ``hf_loading.open_encoder`` does."""
    from transformers import ASTConfig, ASTModel

    whole = (ASTModel, lambda model: model)
    architecture = HfArchitecture(ASTConfig, ASTModel, {"audio-spectrogram-transformer": whole})
    return AstEncoder(settings, open_encoder(architecture, settings, saved))
