"""Scores of captions: one run, several runs, a baseline; every number with its card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.data.dataset import Dataset
from audiolect.errors import MissingDependency, UsageError
from audiolect.evaluate.captions import evaluate_captions
from audiolect.evaluate.evaluation import EvaluateRequest
from audiolect.evaluate.numbers import MetricChoice
from audiolect.scores import card_of, read_scores, write_scores

Say = Callable[..., Path]
GOOD = {0: "a dog barks loudly", 1: "heavy rain on a roof", 2: "a man speaks", 3: "birds are chirping"}
POOR = {0: "a sound", 1: "a man", 2: "rain falls", 3: ""}
QUICK = EvaluateRequest(choice=MetricChoice(num_resamples=200))


def test_one_run(captioned: Dataset, say: Say, tmp_path: Path) -> None:
    scores = evaluate_captions([say("good", GOOD)], captioned, QUICK)
    numbers = {number.key: number for number in scores.numbers}
    assert len(numbers) == len(scores.numbers)
    assert numbers["all/captioning/cider_d"].value > 1
    assert numbers["all/captioning/bleu_1"].n == 4
    card = card_of(scores, numbers["all/captioning/cider_d"])
    assert card["dataset"]["fingerprint"] == captioned.card.fingerprint
    assert card["coverage"] == {"available": 4, "expected": 4, "left_out": {}}
    assert card["rules"]["generation"] == {"method": "greedy"}
    assert "all 4 items" in card["rules"]["cider_d"]
    assert card["seeds"] == {"training": 3, "bootstrap": 0}
    write_scores(tmp_path / "scores.json", scores)
    assert read_scores(tmp_path / "scores.json").numbers == scores.numbers
    assert evaluate_captions([say("good", GOOD)], captioned, QUICK) == scores


def test_metrics_by_name_and_parts(captioned: Dataset, say: Say) -> None:
    request = EvaluateRequest(choice=MetricChoice(("cider_d", "bleu_*"), 0, 200), by="fold")
    scores = evaluate_captions([say("good", GOOD)], captioned, request)
    assert {number.metric for number in scores.numbers} == {"cider_d", "bleu_1", "bleu_2", "bleu_3", "bleu_4"}
    assert {number.part for number in scores.numbers} == {"all", "fold=1", "fold=2"}
    with pytest.raises(UsageError, match="No metric"):
        evaluate_captions([say("good", GOOD)], captioned, EvaluateRequest(choice=MetricChoice(("cider",), 0, 200)))
    with pytest.raises(MissingDependency, match="spice needs"):
        evaluate_captions([say("good", GOOD)], captioned, EvaluateRequest(choice=MetricChoice(("spice",), 0, 200)))


def test_a_baseline(captioned: Dataset, say: Say) -> None:
    scores = evaluate_captions([say("good", GOOD)], captioned, QUICK, baseline=[say("poor", POOR)])
    tests = {test.key: test for test in scores.comparisons}
    assert tests["all/captioning/cider_d"].difference > 0
    assert tests["all/captioning/cider_d"].baseline == "poor"
    assert all(test.p_holm >= test.p_value for test in tests.values())
    assert "baseline poor" in scores.contexts


def test_several_runs(captioned: Dataset, say: Say) -> None:
    runs = [say("run-1", GOOD), say("run-2", POOR)]
    scores = evaluate_captions(runs, captioned, QUICK)
    numbers = {number.key: number for number in scores.numbers}
    assert scores.name == "run"
    pooled, one, two = (numbers[f"{part}/captioning/rouge_l"] for part in ("all", "run=run-1", "run=run-2"))
    assert pooled.value == pytest.approx((one.value + two.value) / 2)
    assert (pooled.n, pooled.num_recordings) == (8, 4)
    spread = {each.key: each for each in scores.over_runs}
    assert spread["all/captioning/rouge_l"].mean == pytest.approx(pooled.value)
    assert "run pooled" in scores.contexts
    against = evaluate_captions(runs, captioned, QUICK, baseline=runs)
    assert all(test.difference == 0 for test in against.comparisons)
    with pytest.raises(UsageError, match="given twice"):
        evaluate_captions([runs[0], runs[0]], captioned, QUICK)


def test_notes_say_what_a_reader_should_know(captioned: Dataset, say: Say) -> None:
    scores = evaluate_captions([say("poor", POOR)], captioned, QUICK)
    assert "poor: 1 predictions are empty." in scores.notes
    partial = EvaluateRequest(choice=MetricChoice(num_resamples=200), allow_partial=True)
    scores = evaluate_captions([say("part", {0: "a dog"})], captioned, partial)
    assert any("1 of 4 recordings (3 without a prediction)" in note for note in scores.notes)
    assert any("of one item alone CIDEr-D is 0" in note for note in scores.notes)


def test_keywords(captioned: Dataset, say: Say) -> None:
    texts = {0: "dog", 1: "rain, falls", 2: "man", 3: "cat"}
    scores = evaluate_captions([say("keys", texts, task="k")], captioned, QUICK)
    numbers = {number.key: number.value for number in scores.numbers}
    assert set(numbers) == {
        f"all/keywords/keyword_{name}" for name in ("precision", "recall", "f1", "jaccard", "count")
    }
    # "dog" is right; of "rain, falls" the keyword is "falls"; "man" is right; "cat" is not.
    assert numbers["all/keywords/keyword_recall"] == pytest.approx(0.75)
