"""Runs of one system: names, contexts of one and of all, notes on gaps, and the spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiolect.embedding_files import ModelIdentity
from audiolect.errors import UsageError
from audiolect.evaluate.runs import coverage_notes, pooled_name, run_context, run_names, spread_over_runs, with_pooled
from audiolect.scores import Context, Coverage, Number
from audiolect.text_predictions import TextPart, TextPredictionsHeader


def context(fold: int, *, rate_hz: int = 32000, left_out: int = 0) -> Context:
    header = TextPredictionsHeader(
        model=ModelIdentity(run=f"fold-{fold}", checkpoint_hash=f"{fold}" * 32, seeds={"training": fold}),
        dataset=TextPart(
            name="esc", fingerprint="f" * 32, split="test", where=f"fold == {fold}", num_expected=10, num_predicted=9
        ),
        preprocessing={"rate_hz": rate_hz},
    )
    coverage = Coverage(available=10 - left_out, expected=10, left_out={"silent": left_out} if left_out else {})
    return run_context("fold", header, coverage=coverage, seed=7, rules={"ties": "mean"}, predictions=f"p{fold}")


def number(part: str, metric: str, value: float) -> Number:
    key = f"{part}/classification/{metric}"
    facts = {"part": part, "task": "classification", "metric": metric, "n": 10, "num_recordings": 10}
    return Number(key=key, value=value, context="c", **facts)


@pytest.mark.parametrize(
    ("names", "paths", "system", "keys"),
    [
        (["a"], ["x"], "a", ["a"]),
        (["esc-fold-1", "esc-fold-2"], ["x", "y"], "esc-fold", ["esc-fold-1", "esc-fold-2"]),
        (["a", "a"], ["x/one", "y/two"], "a", ["one", "two"]),
        (["a", "a"], ["x/one", "y/one"], "a", ["x/one", "y/one"]),
        (["rain", "dog"], ["x", "y"], "rain", ["rain", "dog"]),
    ],
)
def test_names(names: list[str], paths: list[str], system: str, keys: list[str]) -> None:
    found, runs = run_names(names, list(range(len(names))), [Path(path) for path in paths])
    assert (found, list(runs), list(runs.values())) == (system, keys, list(range(len(names))))


def test_no_run_and_one_twice_are_refused() -> None:
    with pytest.raises(UsageError, match="no predictions to evaluate"):
        run_names([], [], [])
    with pytest.raises(UsageError, match="given twice"):
        run_names(["a", "a"], [1, 2], [Path("x"), Path("x")])


def test_the_context_of_a_run_has_no_counts_and_one_place_for_seeds() -> None:
    one = context(1)
    assert one.seeds == {"training": 1, "bootstrap": 7}
    assert one.checkpoint["run"] == "fold-1"
    assert "seeds" not in one.checkpoint
    assert set(one.dataset) == {"name", "corpus_version", "fingerprint", "examples_fingerprint", "split", "where"}


def test_one_run_is_not_pooled() -> None:
    alone = {"fold-1": context(1)}
    assert with_pooled("fold", alone) == alone
    assert pooled_name("fold", alone) == "fold-1"


def test_runs_are_pooled() -> None:
    runs = {"fold-1": context(1, left_out=1), "fold-2": context(2), "fold-3": context(3, left_out=2)}
    contexts = with_pooled("fold", runs)
    assert list(contexts) == ["fold-1", "fold-2", "fold-3", "fold pooled"] == [*runs, pooled_name("fold", runs)]
    pooled = contexts["fold pooled"]
    assert pooled.coverage == Coverage(available=27, expected=30, left_out={"silent": 3})
    assert pooled.seeds == {"bootstrap": 7}
    assert (pooled.dataset["split"], pooled.dataset["where"]) == (None, None)
    assert pooled.dataset["runs"] == {f"fold-{fold}": ["test", f"fold == {fold}"] for fold in (1, 2, 3)}
    assert pooled.checkpoint == {"runs": {key: run.checkpoint for key, run in runs.items()}}
    assert pooled.preprocessing == {"rate_hz": 32000}
    assert pooled.predictions == "p1, p2, p3"


def test_sound_that_was_read_in_two_ways_is_told_run_by_run() -> None:
    runs = {"a": context(1), "b": context(2, rate_hz=16000)}
    pooled = with_pooled("fold", runs)["fold pooled"]
    assert pooled.preprocessing == {"runs": {"a": {"rate_hz": 32000}, "b": {"rate_hz": 16000}}}


def test_a_gap_is_told_with_its_reasons() -> None:
    assert coverage_notes("a", Coverage(available=3, expected=3)) == []
    gap = Coverage(available=3, expected=6, left_out={"quarantined": 2, "not in the pack": 1})
    assert coverage_notes("a", gap) == ["a: 3 of 6 recordings (2 quarantined, 1 not in the pack)."]


def test_the_spread_is_of_what_every_run_has() -> None:
    numbers = [number("all", "accuracy", 0.5)]
    for run, value in (("a", 0.4), ("b", 0.6), ("c", 0.8)):
        numbers += [number(f"run={run}", "accuracy", value), number(f"run={run}", "recall[dog]", value)]
    numbers += [number("run=a", "auc", 0.9), number("fold=1", "accuracy", 0.1)]
    (found,) = spread_over_runs(["a", "b", "c"], numbers)
    assert (found.key, found.num_runs) == ("all/classification/accuracy", 3)
    assert found.values == {"a": 0.4, "b": 0.6, "c": 0.8}
    assert found.mean == pytest.approx(0.6)
    assert found.std == pytest.approx(np.std([0.4, 0.6, 0.8], ddof=1))
    assert spread_over_runs(["a"], numbers) == ()
