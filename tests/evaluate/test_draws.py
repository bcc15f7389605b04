"""Intervals from shared draws, against slow bootstraps and the metrics' own."""

from __future__ import annotations

import numpy as np
import pytest

from audiolect.evaluate.draws import (
    draw_intervals,
    geometric_mean_statistic,
    macro_statistic,
    mean_statistic,
    median_statistic,
    recalls_statistic,
)
from audiolect.metrics.bootstrap import bootstrap_mean, groups_of
from audiolect.metrics.tagging import classification_scores

LABELS = [f"r{i // 3}" for i in range(60)]
VALUES = np.random.default_rng(4).exponential(size=60) + 0.1
GROUPS = groups_of(LABELS, 60)


def counts_of(drawn: np.ndarray) -> np.ndarray:
    return np.bincount(drawn, minlength=GROUPS.num_groups)[None].astype(np.float64)


def test_each_draw_is_the_statistic_of_the_rows_drawn() -> None:
    rng = np.random.default_rng(1)
    recalls = (np.random.default_rng(2).random((3, 60)) < 0.6).astype(float)
    true, predicted = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    names = ("a", "b", "c", "d")
    seen = 0
    for _ in range(20):
        drawn = rng.integers(0, GROUPS.num_groups, GROUPS.num_groups)
        rows, counts = GROUPS.members(drawn), counts_of(drawn)
        pairs = [
            (mean_statistic(VALUES, GROUPS), VALUES[rows].mean()),
            (median_statistic(VALUES, GROUPS), np.median(VALUES[rows])),
            (recalls_statistic(recalls, GROUPS), np.prod(recalls[:, rows].mean(axis=1)) ** (1 / 3)),
        ]
        for name in ("balanced_accuracy", "macro_precision", "macro_f1"):
            statistic = macro_statistic(name, 0.0, true=true, predicted=predicted, num_classes=4, groups=GROUPS)
            pairs.append((statistic, classification_scores(true[rows], predicted[rows], names).values()[name]))
        for statistic, expected in pairs:
            assert statistic.drawn(counts)[0] == pytest.approx(expected)
            seen += 1
        logs = geometric_mean_statistic(VALUES, GROUPS)
        assert np.exp(logs.drawn(counts)[0]) == pytest.approx(np.exp(np.log(VALUES[rows]).mean()))
    assert seen == 120


def test_values_of_all_rows() -> None:
    assert mean_statistic(VALUES, GROUPS).value == pytest.approx(VALUES.mean())
    assert median_statistic(VALUES, GROUPS).value == np.median(VALUES)
    assert geometric_mean_statistic(VALUES, GROUPS).value == pytest.approx(np.exp(np.log(VALUES).mean()))


def test_the_interval_of_a_mean_is_that_of_the_metrics() -> None:
    drawn = draw_intervals(
        {"m": mean_statistic(VALUES, GROUPS)}, GROUPS, rng=np.random.default_rng(0), num_resamples=4000
    )["m"]
    other = bootstrap_mean(VALUES, groups=LABELS, rng=np.random.default_rng(0), num_resamples=4000)
    assert (drawn.low, drawn.high, drawn.method) == pytest.approx((other.low, other.high, other.method))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    statistics = {"m": mean_statistic(VALUES, GROUPS), "median": median_statistic(VALUES, GROUPS)}
    one = draw_intervals(statistics, GROUPS, rng=np.random.default_rng(0), num_resamples=500)
    monkeypatch.setattr("audiolect.evaluate.draws._COUNTS_AT_ONCE", 100)
    many = draw_intervals(statistics, GROUPS, rng=np.random.default_rng(0), num_resamples=500)
    assert one == many


def test_all_right_has_wilsons_interval() -> None:
    groups = groups_of(None, 10)
    drawn = draw_intervals(
        {"a": mean_statistic(np.ones(10), groups)}, groups, rng=np.random.default_rng(0), num_resamples=100
    )
    assert drawn["a"].method == "wilson"
    assert drawn["a"].high == 1.0
    assert drawn["a"].low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)
