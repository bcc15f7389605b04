"""The audio encoders that there are.

To add one: write its file beside this one with a Config whose ``name`` is a ``Literal``, a module that is an
AudioEncoder (``models/encoder_output.py``), and ``build(settings, saved)``; then give it a row here and a place in
AudioEncoderSettings.

Conventions: ``build(settings, None)`` makes the encoder for training, with the pretrained weights that its settings
name or with random ones. ``build(settings, saved)`` makes it to take weights that come after: ``saved`` is the folder
that its ``save_parts`` wrote into, and nothing is fetched.

Public names: ENCODERS, EncoderEntry, AudioEncoderSettings, build_encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field
from torch import nn

from audiolect.config import Config
from audiolect.errors import unknown_name
from audiolect.models.encoders.ast import AstSettings, build_ast
from audiolect.models.encoders.cnn14 import Cnn14Settings, build_cnn14
from audiolect.models.encoders.hf import HfSettings, build_hf
from audiolect.models.encoders.htsat import HtsatSettings, build_htsat
from audiolect.models.encoders.resnet38 import ResNet38Settings, build_resnet38
from audiolect.models.encoders.small import SmallSettings, build_small
from audiolect.models.encoders.wavegram_logmel_cnn14 import (
    WavegramLogmelCnn14Settings,
    build_wavegram_logmel_cnn14,
)
from audiolect.models.encoders.whisper import WhisperSettings, build_whisper


@dataclass(frozen=True, slots=True)
class EncoderEntry:
    """One row: what configures an encoder and what makes it. A build takes settings, and a folder or None."""

    settings: type[Config]
    build: Callable[[Any, Path | None], nn.Module]
    what: str
    """One line for people."""


ENCODERS: dict[str, EncoderEntry] = {
    "small": EncoderEntry(SmallSettings, build_small, "residual convolutions over log-mel, made for CPUs"),
    "cnn14": EncoderEntry(Cnn14Settings, build_cnn14, "PANNs: 12 convolutions over log-mel, 80 million parameters"),
    "wavegram_logmel_cnn14": EncoderEntry(
        WavegramLogmelCnn14Settings, build_wavegram_logmel_cnn14, "PANNs: Cnn14 over log-mel and waveform"
    ),
    "resnet38": EncoderEntry(ResNet38Settings, build_resnet38, "PANNs: 36 convolutions with shortcuts over log-mel"),
    "ast": EncoderEntry(AstSettings, build_ast, "Audio Spectrogram Transformer, 10 s at 16 kHz"),
    "htsat": EncoderEntry(HtsatSettings, build_htsat, "the audio side of LAION-CLAP, 10 s at 48 kHz"),
    "whisper": EncoderEntry(WhisperSettings, build_whisper, "the encoder of Whisper, 30 s at 16 kHz"),
    "huggingface": EncoderEntry(HfSettings, build_hf, "wav2vec 2.0, HuBERT, WavLM and their kin, of waveforms"),
}

AudioEncoderSettings: TypeAlias = Annotated[
    SmallSettings
    | Cnn14Settings
    | WavegramLogmelCnn14Settings
    | ResNet38Settings
    | AstSettings
    | HtsatSettings
    | WhisperSettings
    | HfSettings,
    Field(discriminator="name"),
]


def build_encoder(settings: Any, saved: Path | None = None) -> Any:
    """The encoder of a section ``audio``: an AudioEncoder.

    Raises:
        UsageError: a name that is not in the table.
    """
    if settings.name not in ENCODERS:
        raise unknown_name("audio encoder", settings.name, ENCODERS)
    return ENCODERS[settings.name].build(settings, saved)
