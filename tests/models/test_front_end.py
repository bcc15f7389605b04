"""Front ends as a section of a configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.models.front_end import FrontEndSettings, front_end
from audiolect.models.mel_settings import PRESETS


def test_every_preset_can_be_named_and_comes_out_as_it_is() -> None:
    named = get_args(FrontEndSettings.model_fields["preset"].annotation)
    assert sorted(named) == sorted(PRESETS)
    assert {name: front_end(FrontEndSettings(preset=name)) for name in named} == PRESETS


def test_what_differs_is_laid_over_the_preset() -> None:
    made = front_end(FrontEndSettings(preset="panns-32k", hop_samples=640))
    assert made == replace(PRESETS["panns-32k"], hop_samples=640)


def test_the_window_follows_the_transform_unless_it_is_given() -> None:
    assert front_end(FrontEndSettings(n_fft=512)).window_samples == 512
    assert front_end(FrontEndSettings(n_fft=2048, window_samples=1024)).window_samples == 1024


def test_a_misspelt_key_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"hop_sample[\s\S]*hop_samples"):
        parse_config({"hop_sample": 640}, FrontEndSettings, where="recipe.yaml")


def test_an_impossible_front_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="fmin"):
        parse_config({"fmin_hz": 15000.0}, FrontEndSettings, where="recipe.yaml")
