"""Paired tests of two systems on the same queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audiolect.errors import DatasetError
from audiolect.evaluate.comparison import compare_classes, compare_queries, with_holm
from audiolect.evaluate.measured import ClassAnswers, QueryValues
from audiolect.evaluate.numbers import MetricChoice

CHOICE = MetricChoice(num_resamples=400)
NAMES = ("other", "ours", "baseline other")


def answers(values: np.ndarray, ids: list[str] | None = None) -> QueryValues:
    queries = ids or [f"q{i}" for i in range(len(values))]
    return QueryValues({"map@10": values}, tuple(queries), tuple(f"r{q}" for q in queries), 50, 0, 0)


def test_a_clear_difference_and_none() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(40) * 0.5
    [better] = compare_queries("t", answers(base + 0.3), answers(base), CHOICE, NAMES)
    assert better.difference == pytest.approx(0.3)
    assert better.p_value < 0.01
    assert better.key == "all/t/map@10"
    assert (better.n, better.num_recordings, better.baseline) == (40, 40, "other")
    [same] = compare_queries("t", answers(base), answers(base), CHOICE, NAMES)
    assert (same.difference, same.p_value) == (0.0, 1.0)


def test_the_order_of_the_queries_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.random(20), rng.random(20)
    ids = [f"q{i}" for i in range(20)]
    order = rng.permutation(20)
    one = compare_queries("t", answers(ours, ids), answers(theirs, ids), CHOICE, NAMES)
    shuffled = answers(theirs[order], [ids[i] for i in order])
    assert compare_queries("t", answers(ours, ids), shuffled, CHOICE, NAMES) == one


def test_several_runs_of_one_query_are_averaged() -> None:
    ours = answers(np.array([1.0, 0.0, 0.5, 0.5]), ["a", "a", "b", "b"])
    theirs = answers(np.array([0.0, 0.25]), ["a", "b"])
    [test] = compare_queries("t", ours, theirs, CHOICE, NAMES)
    assert test.difference == pytest.approx((0.5 + 0.25) / 2)
    assert test.n == 2


def test_other_queries_or_galleries_are_refused() -> None:
    values = np.ones(3)
    with pytest.raises(DatasetError, match=r"not asked the same queries(.|\n)*1 only here, 1 only in the baseline"):
        compare_queries("t", answers(values, ["a", "b", "c"]), answers(values, ["a", "b", "d"]), CHOICE, NAMES)
    with pytest.raises(DatasetError, match="a gallery of 50"):
        compare_queries("t", answers(values), replace(answers(values), gallery=49), CHOICE, NAMES)


def classes(scores: np.ndarray, names: tuple[str, ...] = ("a", "b")) -> ClassAnswers:
    targets = np.tile([True, False], (len(scores), 1))
    return ClassAnswers(names, scores, targets, tuple(f"r{i}" for i in range(len(scores))), 0, True)


def test_accuracy() -> None:
    right, wrong = np.tile([1.0, 0.0], (30, 1)), np.tile([0.0, 1.0], (30, 1))
    mixed = np.concatenate([right[:20], wrong[:10]])
    [test] = compare_classes(classes(mixed), classes(wrong), CHOICE, NAMES)
    assert test.difference == pytest.approx(2 / 3)
    with pytest.raises(DatasetError, match="2 others"):
        compare_classes(classes(mixed), classes(wrong, ("a", "c")), CHOICE, NAMES)
    assert compare_classes(classes(mixed), classes(wrong), MetricChoice(("map@10",)), NAMES) == []
    assert compare_classes(replace(classes(mixed), is_single=False), classes(wrong), CHOICE, NAMES) == []


def test_holm_by_hand() -> None:
    [test] = compare_queries("t", answers(np.ones(4)), answers(np.zeros(4)), CHOICE, NAMES)
    several = [test.model_copy(update={"key": key, "p_value": p}) for key, p in (("a", 0.01), ("b", 0.04), ("c", 0.03))]
    assert [round(each.p_holm, 6) for each in with_holm(several)] == [0.03, 0.06, 0.06]
    assert with_holm([]) == ()
