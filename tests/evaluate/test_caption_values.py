"""Which metrics are measured, with what tools, and that values are those of the metrics themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from audiolect.corpora.soundworld.caption_scores import METRICS as JUDGED
from audiolect.errors import MissingDependency
from audiolect.evaluate.caption_material import CaptionSet
from audiolect.evaluate.caption_values import (
    CAPTION_METRICS,
    CaptionTools,
    measure_captions,
    pool_captions,
    wanted_metrics,
)
from audiolect.metrics.cider import cider_d
from audiolect.metrics.meteor import NUM_COUNTS
from audiolect.metrics.ngrams import count_ngrams
from audiolect.metrics.words import words, words_of_all

SET = CaptionSet(
    "captioning",
    "caption",
    ("a", "b", "c"),
    ("a", "b", "c"),
    ("A dog barks.", "rain falls", "a car"),
    (("a dog barks", "the dog"), ("rain",), ("birds sing", "a bird")),
    1,
)
EVERYTHING = CaptionTools(
    meteor=lambda said, true: np.zeros((len(said), NUM_COUNTS)),
    spice=lambda said, true: np.linspace(0, 1, len(said)),
    embed=lambda texts: np.array([[len(text), 1.0] for text in texts]),
    fluency=lambda texts: np.array([0.95, *[0.1] * (len(texts) - 1)]),
    known=["a dog barks"],
    judge=lambda recordings, texts: dict.fromkeys(JUDGED, np.array([float(text == "rain falls") for text in texts])),
    classes=lambda recordings, texts: {"class_named": np.array([float("dog" in text) for text in texts])},
)


def test_without_names_those_that_need_nothing() -> None:
    default = wanted_metrics(())
    assert {"bleu_1", "bleu_4", "rouge_l", "cider_d", "vocabulary_size"} <= default
    assert not default & {"meteor", "spice", "spider", "fense", "class_named"}
    assert wanted_metrics(["spi*"]) == {"spice", "spider", "spider_fl"}
    assert wanted_metrics(["*"]) == set(CAPTION_METRICS)
    assert wanted_metrics(["nothing"]) == frozenset()


def test_values_are_those_of_the_metrics() -> None:
    measured = measure_captions(SET, wanted_metrics(()), CaptionTools())
    plain = cider_d(count_ngrams([words(t) for t in SET.candidates], [words_of_all(t) for t in SET.references]))
    assert measured.values["cider_d"].tolist() == plain.tolist()
    assert set(measured.values) == {"rouge_l", "cider_d"}
    assert set(measured.own) == {"rouge_l", "cider_d", "bleu_1", "bleu_2", "bleu_3", "bleu_4"}
    assert measured.own["bleu_1"][0] == pytest.approx(1.0)
    assert "novel_captions" not in measured.counts
    assert measured.counts["vocabulary_size"] == 6
    assert measured.excluded == 1


def test_everything_with_tools() -> None:
    measured = measure_captions(SET, wanted_metrics(["*"]), EVERYTHING)
    values = measured.values
    assert values["spider"] == pytest.approx((values["cider_d"] + values["spice"]) / 2)
    assert values["fluency_error"].tolist() == [1.0, 0.0, 0.0]
    assert values["fense"] == pytest.approx(values["sentence_similarity"] * [0.1, 1, 1])
    assert values["spider_fl"] == pytest.approx(values["spider"] * [0.1, 1, 1])
    assert measured.own["meteor"].tolist() == [0, 0, 0]
    assert values["soundworld_all"].tolist() == [0.0, 1.0, 0.0]
    assert values["class_named"].tolist() == [1.0, 0.0, 0.0]
    assert measured.counts["novel_captions"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", [name for name, needs in CAPTION_METRICS.items() if needs])
def test_what_a_metric_needs_is_said(name: str) -> None:
    with pytest.raises(MissingDependency, match=f"The metric {name} needs more"):
        measure_captions(SET, frozenset([name]), CaptionTools())


def test_keywords() -> None:
    own = CaptionSet("keywords", "keywords", ("a",), ("a",), ("dog, cat",), (("dog",),), 0)
    measured = measure_captions(own, wanted_metrics(()), CaptionTools())
    assert measured.values["keyword_precision"].tolist() == [0.5]
    assert measured.bleu is None


def test_runs_are_pooled_item_by_item() -> None:
    measured = measure_captions(SET, wanted_metrics(["*"]), EVERYTHING)
    pooled = pool_captions([measured, measured])
    assert len(pooled.ids) == 6
    assert pooled.counts == {}
    assert pooled.bleu is not None
    assert pooled.bleu.matches.shape == (6, 4)
    assert pooled.meteor is not None
    assert pooled.meteor.shape == (6, NUM_COUNTS)
    assert _halves(pooled.values["cider_d"])


def _halves(values: Sequence[float]) -> bool:
    return list(values[:3]) == list(values[3:])
