"""Scores of one run, of folds, and against a baseline; every number with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.errors import DatasetError, UsageError
from audiolect.evaluate.evaluation import EvaluateRequest, evaluate
from audiolect.evaluate.numbers import MetricChoice
from audiolect.scores import Scores, card_of

QUICK = EvaluateRequest(choice=MetricChoice(num_resamples=200))


def by_key(scores: Scores) -> dict[str, float]:
    return {number.key: number.value for number in scores.numbers}


@pytest.fixture
def dataset(tmp_path: Path, tones: Any) -> Any:
    return tones.tone_dataset(tmp_path / "tones")


def test_one_run(tmp_path: Path, tones: Any, dataset: Any) -> None:
    tones.predicted(dataset, tmp_path / "out", split="test")
    scores = evaluate([tmp_path / "out"], dataset, QUICK)
    tasks = {number.task for number in scores.numbers}
    assert tasks == {"text_to_audio", "audio_to_text", "classification"}
    assert len({number.key for number in scores.numbers}) == len(scores.numbers) > 40
    assert scores.over_runs == scores.comparisons == ()
    assert len(scores.confusions) == 1
    for number in scores.numbers:
        card = card_of(scores, number)
        assert card["dataset"]["fingerprint"] == dataset.card.fingerprint
        assert card["coverage"] == {"available": 12, "expected": 12, "left_out": {}}
        assert card["seeds"] == {"training": 3, "bootstrap": 0}
        assert card["checkpoint"]["checkpoint_hash"] == "0" * 32
        assert card["preprocessing"]["policy"] == "windows"
        assert len(card["templates"]) == 4
        assert card["rules"]["ties"] == "pessimistic"
        assert card["n"] > 0
        assert card["producer"].startswith("audiolect ")
        assert number.low is not None or number.reason


def test_it_is_deterministic(tmp_path: Path, tones: Any, dataset: Any) -> None:
    tones.predicted(dataset, tmp_path / "out", split="test")
    assert evaluate([tmp_path / "out"], dataset, QUICK) == evaluate([tmp_path / "out"], dataset, QUICK)


def test_by_a_column(tmp_path: Path, tones: Any, dataset: Any) -> None:
    tones.predicted(dataset, tmp_path / "out")
    request = EvaluateRequest(choice=MetricChoice(("accuracy", "map@10"), 0, 200), by="split")
    scores = evaluate([tmp_path / "out"], dataset, request)
    assert {number.part for number in scores.numbers} == {"all", "split=test", "split=train"}
    alone = tmp_path / "alone"
    tones.predicted(dataset, alone, split="test")
    expected = by_key(evaluate([alone], dataset, request))
    found = by_key(scores)
    for task, metric in (("text_to_audio", "map@10"), ("classification", "accuracy")):
        assert found[f"split=test/{task}/{metric}"] == expected[f"all/{task}/{metric}"]


def test_folds_are_averaged_and_pooled(tmp_path: Path, tones: Any, dataset: Any) -> None:
    folders = []
    for fold in range(1, 5):
        folders.append(tmp_path / f"fold-{fold}")
        model = tones.FakeModel(f"tones-fold-{fold}", skill=0.1 * fold)
        tones.predicted(dataset, folders[-1], model, where=f"fold == {fold}")
    scores = evaluate(folders, dataset, QUICK)
    assert scores.name == "tones-fold"
    values = by_key(scores)
    accuracies = [values[f"run=tones-fold-{fold}/classification/accuracy"] for fold in range(1, 5)]
    spread = next(each for each in scores.over_runs if each.key == "all/classification/accuracy")
    assert spread.num_runs == 4
    assert spread.mean == pytest.approx(np.mean(accuracies))
    assert spread.std == pytest.approx(np.std(accuracies, ddof=1))
    assert values["all/classification/accuracy"] == pytest.approx(np.mean(accuracies))  # folds of one size
    pooled = next(number for number in scores.numbers if number.key == "all/text_to_audio/map@10")
    assert (pooled.n, pooled.num_recordings, pooled.gallery) == (48, 24, 6)
    card = card_of(scores, pooled)
    assert len(card["checkpoint"]["runs"]) == 4
    assert card["coverage"]["available"] == 24
    assert any("different recordings (folds)" in note for note in scores.notes)
    assert sum(map(sum, scores.confusions[0].counts)) == 24


def test_seeds_share_recordings(tmp_path: Path, tones: Any, dataset: Any) -> None:
    for seed in (1, 2):
        tones.predicted(dataset, tmp_path / f"{seed}", tones.FakeModel("seed", skill=seed), split="test")
    scores = evaluate([tmp_path / "1", tmp_path / "2"], dataset, QUICK)
    number = next(each for each in scores.numbers if each.key == "all/classification/accuracy")
    assert (number.n, number.num_recordings) == (24, 12)
    assert any("in common (seeds)" in note for note in scores.notes)
    with pytest.raises(UsageError, match="given twice"):
        evaluate([tmp_path / "1", tmp_path / "1"], dataset, QUICK)


def test_against_a_baseline(tmp_path: Path, tones: Any, dataset: Any) -> None:
    tones.predicted(dataset, tmp_path / "out", split="test")
    tones.predicted(dataset, tmp_path / "weak", tones.FakeModel(skill=0.0), split="test")
    scores = evaluate([tmp_path / "out"], dataset, QUICK, baseline=[tmp_path / "weak"])
    assert len(scores.comparisons) == 9
    values, weak = by_key(scores), by_key(evaluate([tmp_path / "weak"], dataset, QUICK))
    for test in scores.comparisons:
        assert test.difference == pytest.approx(values[test.key] - weak[test.key])
        assert test.baseline == "fake (baseline)"
        assert {test.context, test.baseline_context} <= set(scores.contexts)
        assert test.p_value <= test.p_holm
    tones.predicted(dataset, tmp_path / "train", split="train")
    with pytest.raises(DatasetError, match="not asked the same queries"):
        evaluate([tmp_path / "out"], dataset, QUICK, baseline=[tmp_path / "train"])


def test_letters(tmp_path: Path, tones: Any, dataset: Any) -> None:
    tones.predicted(dataset, tmp_path / "out", split="test")
    with pytest.raises(UsageError, match="No metric of these predictions has this name"):
        evaluate([tmp_path / "out"], dataset, EvaluateRequest(choice=MetricChoice(("bleu",))))
    with pytest.raises(UsageError, match="rule for ties"):
        evaluate([tmp_path / "out"], dataset, EvaluateRequest(ties="lucky"))
    with pytest.raises(UsageError, match="no predictions to evaluate"):
        evaluate([], dataset, QUICK)
