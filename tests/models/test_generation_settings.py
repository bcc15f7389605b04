"""The settings of generation: what goes together."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, get_args

import pytest

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.models.generation_settings import METHODS, GenerationSettings, Hypothesis


def parsed(**section: Any) -> GenerationSettings:
    return parse_config(section, GenerationSettings, where="recipe.yaml")


def test_the_table_has_every_method() -> None:
    assert set(METHODS) == set(get_args(GenerationSettings.model_fields["method"].annotation))
    made = [parsed(method=name, top_k=4) for name in METHODS]
    assert len(made) == 5
    assert parsed().method == "greedy"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"method": "beam", "num_beams": 2, "num_outputs": 3}, "more than num_beams"),
        ({"num_outputs": 2}, "greedy gives one output"),
        ({"method": "diverse_beam", "num_beams": 5, "num_groups": 2}, "must divide num_beams"),
        ({"method": "contrastive"}, "give top_k"),
        ({"min_tokens": 60}, "below max_tokens"),
        ({"temperature": 0.0}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"num_beam": 3}, "num_beams"),
    ],
)
def test_mistakes_are_named(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parsed(**section)


def test_a_hypothesis_is_a_value() -> None:
    found = Hypothesis("a dog", -1.5, (3, 4))
    assert len({found, Hypothesis("a dog", -1.5, (3, 4)), Hypothesis("a dog", -1.0, (3, 4))}) == 2
    with pytest.raises(FrozenInstanceError, match="score"):
        found.score = 0.0  # type: ignore[misc]
