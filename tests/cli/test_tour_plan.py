"""What the demo is made of: its recipe loads, and chance is what shuffling gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiolect.cli.tour_plan import SHOWN_METRICS, Tour, chance_of, recipe_of
from audiolect.config import parse_config
from audiolect.metrics.relevance import relevance_from_keys
from audiolect.metrics.retrieval import retrieval_both_ways
from audiolect.training.recipe import Recipe


def tour(recordings: int) -> Tour:
    return Tour(Path("x"), recordings, epochs=3, seed=7, jobs=0, overwrite=False, quiet=True)


def test_the_recipe_is_one() -> None:
    recipe = parse_config(recipe_of(epochs=3, seed=5, threads=2), Recipe, "the demo")
    assert (recipe.mixture.epochs, recipe.mixture.seed, recipe.training.threads) == (3, 5, 2)
    assert recipe.evaluation.validation == ("soundworld-AudioCaptioning/val",)


def test_a_small_demo_measures_no_classes() -> None:
    assert tour(499).metrics == SHOWN_METRICS
    assert tour(500).metrics == ()
    assert tour(20).command == "audiolect demo --recordings 20 --epochs 3 --seed 7"
    assert tour(20).place("run") == Path("x/run")


def test_chance_by_hand() -> None:
    assert chance_of("map@10", 1) == chance_of("recall_any@1", 1) == chance_of("median_rank", 1) == 1.0
    assert chance_of("map@10", 2) == pytest.approx(0.75)
    assert chance_of("recall_any@10", 100) == pytest.approx(0.1)
    assert chance_of("median_rank", 100) == 50.5


@pytest.mark.parametrize("metric", SHOWN_METRICS)
def test_chance_is_what_random_vectors_score(metric: str) -> None:
    rng = np.random.default_rng(0)
    gallery, queries = 40, 20_000
    names = [str(i) for i in range(gallery)]
    owners = [names[i % gallery] for i in range(queries)]
    texts, audios = (rng.normal(size=(n, 64)).astype(np.float32) for n in (queries, gallery))
    texts, audios = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (texts, audios))
    scores = retrieval_both_ways(texts, audios, relevance_from_keys(owners, names))["text_to_audio"]
    assert scores.values()[metric] == pytest.approx(chance_of(metric, gallery), rel=0.05)
