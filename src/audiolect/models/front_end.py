"""The log-mel front end of an encoder, as the section ``features`` of a configuration.

    features: {preset: panns-32k, hop_samples: 640}

A preset of ``mel_settings.py``, and on top of it whatever should differ. Where ``n_fft`` differs and the window is not
given, the window is as long as the transform.

Public names: FrontEndSettings, front_end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, model_validator

from audiolect.config import Config
from audiolect.errors import UsageError
from audiolect.models.mel_settings import PRESETS, LogMelSettings

_PresetName = Literal[
    "panns-32k",
    "whisper-80",
    "whisper-128",
    "clap-48k",
    "clap-48k-fusion",
    "afclap-16k",
    "wsntxxn-16k",
    "wsntxxn-32k",
    "dcase-baseline",
]


class FrontEndSettings(Config):
    """A preset and what differs from it; null: as the preset has it."""

    preset: _PresetName = Field(default="panns-32k", description="The log-mel that the rest differs from.")
    sample_rate_hz: int | None = Field(default=None, ge=1, description="Rate of the waveforms.")
    n_fft: int | None = Field(default=None, ge=1, description="Samples of a frame.")
    window_samples: int | None = Field(default=None, ge=1, description="Samples of the Hann window.")
    hop_samples: int | None = Field(default=None, ge=1, description="Samples from one frame to the next.")
    num_mels: int | None = Field(default=None, ge=1, description="Mel bins.")
    fmin_hz: float | None = Field(default=None, ge=0, description="Where the lowest mel bin begins.")
    fmax_hz: float | None = Field(default=None, gt=0, description="Where the highest mel bin ends.")

    @model_validator(mode="after")
    def _possible(self) -> FrontEndSettings:
        try:
            front_end(self)
        except UsageError as problem:
            raise ValueError(f"these log-mel settings are impossible: {problem.found}") from None
        return self


def front_end(settings: FrontEndSettings) -> LogMelSettings:
    """The settings of ``features.log_mel``. Raises UsageError where they are impossible."""
    given: dict[str, Any] = settings.model_dump(exclude={"preset"}, exclude_none=True)
    if "n_fft" in given:
        given.setdefault("window_samples", given["n_fft"])
    return replace(PRESETS[settings.preset], **given)
