"""The section ``text``."""

from __future__ import annotations

from typing import Any

import pytest

from audiolect.config import Config, parse_config
from audiolect.errors import ConfigError
from audiolect.models.text_settings import HuggingFaceSettings, TextSettings, TransformerSettings


class Model(Config):
    """A configuration that has the section."""

    text: TextSettings = TransformerSettings()


def parsed(**text: Any) -> Any:
    return parse_config({"text": text}, Model, where="recipe.yaml").text


def test_the_name_chooses() -> None:
    assert parsed(name="transformer", layers=3) == TransformerSettings(layers=3)
    assert parsed(name="huggingface", source="./bert") == HuggingFaceSettings(source="./bert")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ({"name": "transformer", "layer": 3}, r"layer[\s\S]*layers"),
        ({"name": "huggingfaces"}, "huggingface"),
        ({"name": "transformer", "width": 100, "heads": 3}, "must divide width"),
        ({"name": "transformer", "vocabulary": 10}, "at least 259"),
        ({"name": "huggingface"}, "give one of source and config"),
        ({"name": "huggingface", "source": "a", "config": {"model_type": "bert"}}, "give one of source and config"),
        ({"name": "huggingface", "source": "a", "cache": "c"}, "set frozen: true"),
        ({"name": "huggingface", "config": {"hidden_size": 4}}, "model_type"),
    ],
)
def test_what_cannot_be_is_refused(text: dict[str, Any], letter: str) -> None:
    with pytest.raises(ConfigError, match=letter):
        parsed(**text)
