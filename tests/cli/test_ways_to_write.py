"""Flags on top of a recipe's way to write, and what orders candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.cli.ways_to_write import Ways
from audiolect.errors import UsageError
from audiolect.models.generation_settings import GenerationSettings


def test_ways_come_on_top_of_the_recipe_s(tmp_path: Path) -> None:
    by_recipe = GenerationSettings(method="beam", max_tokens=9)
    assert Ways(num_beams=2).settings(by_recipe)[""] == GenerationSettings(method="beam", max_tokens=9, num_beams=2)
    (tmp_path / "ways.yaml").write_text("{method: sample, top_p: 0.9}", "utf-8")
    found = Ways(generation=tmp_path / "ways.yaml", num_outputs=3).settings(by_recipe)[""]
    assert (found.method, found.top_p, found.num_outputs, found.max_tokens) == ("sample", 0.9, 3, 60)


def test_nothing_orders_unless_asked() -> None:
    assert Ways().reranker([GenerationSettings()]) is None
    with pytest.raises(UsageError, match="--rerank RETRIEVAL_RUN"):
        Ways(rerank_weight=0.0).reranker([])


def test_every_way_needs_candidates_before_a_model_is_opened(tmp_path: Path) -> None:
    several = GenerationSettings(method="sample", num_outputs=2)
    with pytest.raises(UsageError, match="method greedy, num_outputs 1"):
        Ways(rerank=tmp_path).reranker([several, GenerationSettings()])
    with pytest.raises(UsageError, match="This is no run"):
        Ways(rerank=tmp_path).reranker([several])
