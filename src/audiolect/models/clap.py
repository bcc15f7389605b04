"""The dual encoder: sound and words in one space.

    model = build_dual_encoder(settings, captions)      # captions of the training split, for the tokenizer
    audio_BE = model.embed_audio(waveforms, lengths)
    text_BE = model.embed_texts(["a dog barks", "rain"])
    similarity = model.scale() * audio_BE @ text_BE.T
    save_model(model, folder); model = load_model(folder)

Two towers, a projection after each, vectors of length 1, and a scale (1 / temperature) that is learned with an upper
limit, or fixed.

Shapes: B batch, T samples, D width of a tower, E ``projection.size``.

Conventions: in eval mode the same input has the same vectors. Training goes through ``forward``, as DDP and FSDP want
it. A folder of ``save_model`` holds ``model.yaml`` (header and settings), ``model.safetensors`` (all weights) and
``parts/`` (tokenizers and configurations); nothing else is needed to load it, and nothing in it is code.

Public names: DualEncoderSettings, ProjectionSettings, TemperatureSettings, DualEncoder, DualOutput,
build_dual_encoder, save_model, load_model.
Source: Radford et al. 2021 (CLIP), section 2.3; Elizalde et al. 2023 (CLAP); the bias after Zhai et al. 2023 (SigLIP).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize

from audiolect.config import Config
from audiolect.errors import UsageError
from audiolect.models.adapt import hold_frozen_norms
from audiolect.models.encoders.small import SmallSettings
from audiolect.models.encoders.table import AudioEncoderSettings, build_encoder
from audiolect.models.model_folder import fill_weights, read_model_card, read_settings, write_model
from audiolect.models.text_settings import TextSettings, TransformerSettings
from audiolect.models.text_tower import TextTower, tokenizer_for

_KIND, _VERSION = "dual_encoder", 1


class ProjectionSettings(Config):
    """From each tower's width to the common space."""

    size: int = Field(default=512, ge=1, description="E, the length of the vectors.")
    hidden: int | None = Field(default=None, ge=1, description="Width of a hidden layer; null: one linear layer.")
    activation: Literal["gelu", "relu"] = Field(default="gelu", description="After the hidden layer.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Before the last layer.")


class TemperatureSettings(Config):
    """What similarities are divided by; the scale is its inverse."""

    initial: float = Field(default=0.07, gt=0, description="The temperature at the beginning.")
    learnable: bool = Field(default=True, description="Whether it is trained.")
    largest: float = Field(default=100.0, gt=0, description="The scale (1 / temperature) is held at or below this.")
    bias: float | None = Field(
        default=None, description="What is added to scaled similarities, learned; for the sigmoid loss, e.g. -10."
    )

    @model_validator(mode="after")
    def _below_largest(self) -> TemperatureSettings:
        if 1 / self.initial > self.largest:
            raise ValueError(f"initial {self.initial:g} is a scale of {1 / self.initial:g}, above largest")
        return self


class DualEncoderSettings(Config):
    """The section ``model`` of a retrieval recipe."""

    name: Literal["dual_encoder"] = "dual_encoder"
    audio: AudioEncoderSettings = Field(default=SmallSettings(), description="The audio encoder.")
    text: TextSettings = Field(default=TransformerSettings(), description="The text tower.")
    projection: ProjectionSettings = Field(default=ProjectionSettings(), description="Into the common space.")
    temperature: TemperatureSettings = Field(default=TemperatureSettings(), description="Of the similarities.")
    start: str | None = Field(
        default=None, description="A folder of a saved model of these shapes, whose weights the training begins with."
    )


@dataclass(frozen=True, slots=True, eq=False)
class DualOutput:
    """What a loss takes."""

    audio: Tensor
    """(B, E), each row of length 1."""
    text: Tensor
    """(B, E), each row of length 1."""
    scale: Tensor
    """() above 0."""
    bias: Tensor | None
    """(), where the settings have one."""


class DualEncoder(nn.Module):
    """The model. Raises UsageError as its towers do.

    Args:
        settings: of the section ``model``.
        tokenizer: where the text tower needs one made from captions (``build_dual_encoder`` makes it).
        saved: the folder ``parts`` of a saved model: then nothing is fetched, and the weights follow.
    """

    def __init__(
        self, settings: DualEncoderSettings, tokenizer: Tokenizer | None = None, saved: Path | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.audio: Any = build_encoder(settings.audio, None if saved is None else saved / "audio")
        self.text = TextTower(settings.text, tokenizer, None if saved is None else saved / "text")
        self.audio_projection = _projection(int(self.audio.embedding_size), settings.projection)
        self.text_projection = _projection(self.text.embedding_size, settings.projection)
        temperature = settings.temperature
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature.initial)), requires_grad=temperature.learnable)
        self.logit_bias = None if temperature.bias is None else nn.Parameter(torch.tensor(temperature.bias))

    def train(self, mode: bool = True) -> DualEncoder:
        """As of every module, but frozen batch normalisations stay in eval mode."""
        super().train(mode)
        hold_frozen_norms(self)
        return self

    @property
    def rate_hz(self) -> int:
        """The rate of the waveforms that it hears."""
        return int(self.audio.rate_hz)

    @property
    def embedding_size(self) -> int:
        """E."""
        return self.settings.projection.size

    def embed_audio(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """Waveforms (B, T) float32 at ``rate_hz`` and lengths (B,) int64 in samples → (B, E), rows of length 1."""
        return normalize(self.audio_projection(self.audio(waveforms, lengths).pooled).float(), dim=-1)

    def embed_windows(self, windows: Tensor, window_mask: Tensor, lengths: Tensor | None = None) -> Tensor:
        """A recording by its windows: the mean of their vectors, weighed by their lengths, brought to length 1.

        Args:
            windows: (B, W, S) float32.
            window_mask: (B, W) bool, True for the windows that a recording has; each at least one.
            lengths: (B, W) int64, valid samples of each window; None: all of them.

        Returns:
            (B, E), rows of length 1.
        """
        if not bool(window_mask.any(dim=1).all()):
            raise UsageError("A recording has no window.", where="window_mask", expected="one or more in each row")
        there = windows[window_mask]
        valid = (
            torch.full((len(there),), windows.shape[2], device=windows.device)
            if lengths is None
            else lengths[window_mask]
        )
        rows = window_mask.nonzero()[:, 0]
        vectors = self.embed_audio(there, valid)
        summed = torch.zeros(len(windows), vectors.shape[1], device=vectors.device).index_add(
            0, rows, vectors * (valid / windows.shape[2])[:, None]
        )
        return normalize(summed, dim=-1)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts → (B, E), rows of length 1. Raises UsageError for an empty text."""
        return normalize(self.text_projection(self.text.encode(texts)).float(), dim=-1)

    def scale(self) -> Tensor:
        """1 / temperature, a tensor of no dimensions, at most ``temperature.largest``."""
        largest = math.log(self.settings.temperature.largest)
        if self.training:
            # Held at the limit itself: beyond it there is no gradient that could bring it back.
            with torch.no_grad():
                self.log_scale.clamp_(max=largest)
            return self.log_scale.exp()
        return self.log_scale.clamp(max=largest).exp()

    def forward(self, waveforms: Tensor, lengths: Tensor, texts: Sequence[str]) -> DualOutput:
        """Recordings and their captions → what a loss takes."""
        return DualOutput(self.embed_audio(waveforms, lengths), self.embed_texts(texts), self.scale(), self.logit_bias)


def build_dual_encoder(settings: DualEncoderSettings, captions: Iterable[str] = ()) -> DualEncoder:
    """A model to be trained.

    Args:
        settings: of the section ``model``.
        captions: of the training split alone; read only where the text tower makes its tokenizer from them. A model
            that starts from a saved one takes over its tokenizer.

    Raises:
        DatasetError: captions are needed and there are none.
        UsageError: pretrained parts cannot be opened, or the saved model has other shapes.
        StorageError, UnknownVersion: there is no saved model at ``start``.
    """
    if settings.start is not None:
        return _filled(settings, Path(settings.start))
    return DualEncoder(settings, tokenizer_for(settings.text, captions))


def save_model(model: DualEncoder, folder: str | Path) -> None:
    """Write ``model.yaml``, ``model.safetensors`` and ``parts/`` into a folder, each atomically.

    The folder may exist: a checkpoint's own writer makes it one atomic folder with the rest.
    """
    folder = Path(folder)
    for name, tower in (("audio", model.audio), ("text", model.text)):
        (folder / "parts" / name).mkdir(parents=True, exist_ok=True)
        tower.save_parts(folder / "parts" / name)
    write_model(model, folder, _KIND, _VERSION, {"settings": model.settings.model_dump(mode="json")})


def load_model(folder: str | Path) -> DualEncoder:
    """A saved model, on the CPU and in eval mode.

    Raises:
        UnknownVersion: the folder's ``model.yaml`` is of another kind or version.
        ConfigError: its settings are not those of a dual encoder.
        StorageError, DamagedFile: a file is absent or damaged.
        UsageError: the weights are not those of the settings.
    """
    folder = Path(folder)
    settings = read_settings(read_model_card(folder, _KIND, _VERSION), DualEncoderSettings, folder)
    return _filled(settings, folder).eval()


def _filled(settings: DualEncoderSettings, folder: Path) -> DualEncoder:
    """A model with the parts and the weights of a saved one."""
    read_model_card(folder, _KIND, _VERSION)
    model = DualEncoder(settings, saved=folder / "parts")
    fill_weights(model, folder)
    return model


def _projection(width: int, settings: ProjectionSettings) -> nn.Sequential:
    if settings.hidden is None:
        return nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(width, settings.size))
    return nn.Sequential(
        nn.Linear(width, settings.hidden),
        nn.GELU() if settings.activation == "gelu" else nn.ReLU(),
        nn.Dropout(settings.dropout),
        nn.Linear(settings.hidden, settings.size),
    )
