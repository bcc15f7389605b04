"""The section of a captioner: what goes together, and what each mistake is answered."""

from __future__ import annotations

from typing import Any

import pytest

from audiolect.config import describe_config, parse_config
from audiolect.errors import ConfigError
from audiolect.models.captioner_settings import CaptionerSettings, TransformerDecoderSettings
from audiolect.models.encoders.whisper import WhisperSettings


def parsed(**section: Any) -> CaptionerSettings:
    return parse_config(section, CaptionerSettings, where="recipe.yaml")


def test_the_default_is_a_small_whisper_that_hears_real_lengths() -> None:
    made = parsed()
    assert isinstance(made.effective_audio, WhisperSettings)
    assert made.effective_audio.length == "recording"
    assert made.effective_decoder == TransformerDecoderSettings()
    assert parsed(length="window").effective_audio.length == "window"  # type: ignore[union-attr]


def test_settings_come_back_from_a_file() -> None:
    for section in ({}, {"whisper": "openai/whisper-tiny", "lora": {"rank": 8}}, {"audio": {"name": "small"}}):
        made = parsed(**section)
        assert parse_config(made.model_dump(mode="json"), CaptionerSettings, where="x") == made


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"lora_config": {}}, "lora_config"),
        ({"whisper": "x", "audio": {"name": "small"}}, "leave out audio and decoder"),
        ({"decoder_from_scratch": True}, "go with whisper"),
        ({"audio": {"name": "small"}, "length": "window"}, "length inside of audio"),
        ({"decoder": {"name": "transformer", "width": 10, "heads": 3}}, "must divide width"),
        ({"decoder": {"name": "huggingface"}}, "one of source and config"),
        ({"decoder": {"name": "huggingface", "config": {}}}, "model_type"),
        ({"decoder": {"name": "transformer", "vocabulary": 100}}, "265"),
        ({"lora": {"targets": []}}, "targets"),
        ({"max_tokens": 2}, "max_tokens"),
    ],
)
def test_mistakes_are_named(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parsed(**section)


def test_every_key_is_described() -> None:
    documented = {doc.path: doc.description for doc in describe_config(CaptionerSettings)}
    assert {"whisper", "length", "max_tokens", "loss_on", "lora", "start"} <= set(documented)
    assert all(documented[key] for key in ("whisper", "length", "max_tokens", "loss_on", "start"))
