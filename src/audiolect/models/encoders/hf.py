"""``huggingface``: encoders of transformers that hear waveforms: wav2vec 2.0, HuBERT, WavLM and their kin.

Convolutions make vectors of a waveform, 50 a second in most of them, a transformer follows; the pooled vector is the
mean over its output. Models that hear a log-mel have encoders of their own: ``ast``, ``htsat``, ``whisper``.

Conventions: these models hear without any mask, since many were trained without one and their first layer takes
statistics over the whole recording. So recordings of one length are heard together, and each other length by itself:
nothing is ever padded, and neighbours in the batch change nothing. A recording that is shorter than what one vector
takes is filled up with silence; one longer than ``window_seconds`` is heard in windows (``hf_windows.py``). Whether a
recording is brought to mean 0 and variance 1 before is what the source's preprocessor_config.json says. The layers'
own masking of the input and leaving out of layers are turned off: they draw from random states that nobody saves.

Shapes: B batch, T samples, N positions in time, D width.

Public names: HfSettings, HfEncoder, build_hf, KINDS.
Source: Baevski et al. 2020, arXiv 2006.11477; Hsu et al. 2021, arXiv 2106.07447; Chen et al. 2021, arXiv 2110.13900.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.hf_loading import HfArchitecture, HfEncoderSettings, open_encoder
from audiolect.models.encoders.hf_windows import cut_windows, join_windows
from audiolect.storage import read_json, write_json

# model_type of transformers; all are called with input_values.
KINDS: tuple[str, ...] = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "data2vec-audio",
    "unispeech",
    "unispeech-sat",
    "sew",
    "sew-d",
)

_RATE_HZ = 16_000
# Of the normalisation to variance 1, as in transformers.
_LEAST_VARIANCE = 1e-7
_HEARING_FILE = "hearing.json"


class HfSettings(HfEncoderSettings):
    """The settings of ``huggingface``."""

    name: Literal["huggingface"] = "huggingface"
    config: dict[str, Any] | None = Field(
        default=None, description="Instead of a source: model_type, and what differs from its default config.json."
    )
    window_seconds: float = Field(default=30.0, gt=0, description="Longer recordings are heard in windows of it.")


class HfEncoder(nn.Module):
    """The encoder.

    Args:
        settings: of the section ``audio``.
        model: a model of transformers, one of KINDS.
        rate_hz: what it hears.
        normalize: whether a recording is brought to mean 0 and variance 1.
    """

    def __init__(self, settings: HfSettings, model: Any, rate_hz: int, *, normalize: bool) -> None:
        super().__init__()
        self.settings = settings
        self.model = model
        self.rate_hz = rate_hz
        self.normalize = normalize
        self.embedding_size = int(model.config.output_hidden_size if _adapted(model) else model.config.hidden_size)
        self.least_samples = _least_samples(model.config)
        self.window_samples = max(self.least_samples, round(settings.window_seconds * rate_hz))
        model.config.apply_spec_augment = False
        model.config.layerdrop = 0.0
        if getattr(model, "masked_spec_embed", None) is not None:
            # Without the masking it has no gradient, which several processes would wait for.
            model.masked_spec_embed = None

    def forward(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) at ``rate_hz`` and lengths (B,) in samples → EncoderOutput."""
        windows = cut_windows(waveforms, lengths, self.window_samples)
        sizes = [max(size, self.least_samples) for size in windows.lengths.tolist()]
        heard: list[Tensor] = [waveforms] * len(sizes)
        for places in _alike(sizes, alone=waveforms.device.type == "cpu" and not torch.is_grad_enabled()):
            frames_of = self._hear(windows.waveforms[places], sizes[places[0]])
            for place, frames in zip(places, frames_of, strict=True):
                heard[place] = frames
        counts = torch.tensor([len(frames) for frames in heard], device=waveforms.device)
        sequence = (
            torch.nn.utils.rnn.pad_sequence(heard, batch_first=True)
            if heard
            else waveforms.new_zeros(0, 0, self.embedding_size)
        )
        pooled = (
            torch.stack([frames.mean(dim=0) for frames in heard])
            if heard
            else waveforms.new_zeros(0, self.embedding_size)
        )
        return join_windows(pooled, sequence, counts, windows)

    def encode_features(self, features: Tensor, frame_lengths: Tensor) -> EncoderOutput:
        """Not there: raises UsageError."""
        raise UsageError(
            "This encoder hears waveforms, and no features.",
            where=f"model_type {self.model.config.model_type}",
            found=f"features {tuple(features.shape)} of {len(frame_lengths)} recordings",
            fix="call the encoder with waveforms",
        )

    def save_parts(self, folder: Path) -> None:
        """Write config.json, and how a waveform is prepared."""
        self.model.config.save_pretrained(folder)
        write_json(folder / _HEARING_FILE, {"rate_hz": self.rate_hz, "normalize": self.normalize})

    def _hear(self, waveforms: Tensor, size: int) -> Tensor:
        """Recordings of one length, (b, T) → (b, N, D)."""
        samples = waveforms[:, :size]
        samples = torch.nn.functional.pad(samples, (0, size - samples.shape[1]))
        if self.normalize:
            mean, variance = samples.mean(dim=1, keepdim=True), samples.var(dim=1, correction=0, keepdim=True)
            samples = (samples - mean) / (variance + _LEAST_VARIANCE).sqrt()
        found: Tensor = self.model(input_values=samples).last_hidden_state
        return found


def build_hf(settings: HfSettings, saved: Path | None = None) -> HfEncoder:
    """The encoder. Raises UsageError as ``hf_loading.open_encoder`` does, and where a source hides its preparation."""
    from transformers import AutoModel

    whole = (AutoModel, lambda model: model)
    model = open_encoder(HfArchitecture(None, AutoModel.from_config, dict.fromkeys(KINDS, whole)), settings, saved)
    if saved is not None:
        hearing = read_json(saved / _HEARING_FILE)
        return HfEncoder(settings, model, int(hearing["rate_hz"]), normalize=bool(hearing["normalize"]))
    rate_hz, normalize = _preparation(settings)
    return HfEncoder(settings, model, rate_hz, normalize=normalize)


def _preparation(settings: HfSettings) -> tuple[int, bool]:
    """The rate that the source was trained with, and whether recordings were brought to variance 1."""
    from transformers import AutoFeatureExtractor

    if settings.source is None:
        return _RATE_HZ, True
    try:
        loads: Any = AutoFeatureExtractor
        extractor = loads.from_pretrained(settings.source, revision=settings.revision)
    except (OSError, ValueError) as problem:
        raise UsageError(
            "A source does not say how it wants its waveforms.",
            where=settings.source,
            expected="preprocessor_config.json",
            found=str(problem).splitlines()[0],
            fix="take it from the repository of the weights",
        ) from problem
    return int(extractor.sampling_rate), bool(extractor.do_normalize)


def _alike(sizes: list[int], *, alone: bool) -> list[list[int]]:
    """Which recordings are heard together: those of one size, or each by itself, the same to the last bit."""
    if alone:
        return [[place] for place in range(len(sizes))]
    return [[at for at, other in enumerate(sizes) if other == size] for size in dict.fromkeys(sizes)]


def _adapted(model: Any) -> bool:
    return bool(getattr(model.config, "add_adapter", False))


def _least_samples(config: Any) -> int:
    """What the convolutions, which pad nothing, take for one vector; SEW makes one of several."""
    size = int(getattr(config, "squeeze_factor", 1))
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        size = (size - 1) * int(stride) + int(kernel)
    return size
