"""Multi-label metrics by hand and against scikit-learn, ties included; what has no value is named and left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from audiolect.errors import UsageError
from audiolect.metrics.bootstrap import bootstrap_statistic
from audiolect.metrics.multilabel import average_precision, d_prime, multilabel_scores, roc_auc


def test_by_hand() -> None:
    # Positive, negative, positive, negative: precision 1 and 2/3; of four pairs, three are in order.
    assert average_precision([1, 0, 1, 0], [4, 3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)
    assert roc_auc([1, 0, 1, 0], [4, 3, 2, 1]) == 0.75
    assert d_prime(0.75) == pytest.approx(math.sqrt(2) * 0.6744897501960817)


def test_ties_by_hand() -> None:
    """One score for all is chance: precision is the share of positives, and the area one half."""
    assert average_precision([1, 0, 0, 0], [7, 7, 7, 7]) == 0.25
    assert roc_auc([1, 0, 0, 0], [7, 7, 7, 7]) == 0.5
    assert d_prime(0.5) == 0.0


def test_perfect_and_its_opposite() -> None:
    targets = np.array([[1, 0], [1, 0], [0, 1]])
    got = multilabel_scores(targets, targets, ("a", "b"))
    assert set(got.values().values()) == {1.0, math.inf}
    worst = multilabel_scores(targets, 1 - targets, ("a", "b"))
    assert (worst.macro_roc_auc, worst.macro_d_prime) == (0.0, -math.inf)


def made(seed: int, coarse: bool, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.random((30, 5)) < [[0.02, 0.1, 0.5, 0.9, 0.99]]
    targets[0], targets[1, 2] = [False, False, True, True, True], False
    scores = rng.random((30, 5)) + 0.3 * targets
    return targets, (np.round(4 * scores) if coarse else scores).astype(dtype)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([np.float64, np.float32, np.int64]))
def test_sklearn_agrees(seed: int, coarse: bool, dtype: type) -> None:
    targets, scores = made(seed, coarse, dtype)
    got = multilabel_scores(targets, scores, "abcde")
    usable = [column for column in range(5) if 0 < targets[:, column].sum() < 30]
    for column in range(5):
        if column in usable:
            expected = average_precision_score(targets[:, column], scores[:, column])
            assert got.average_precision[column] == pytest.approx(expected)
            assert average_precision(targets[:, column], scores[:, column]) == pytest.approx(expected)
            assert got.roc_auc[column] == pytest.approx(roc_auc_score(targets[:, column], scores[:, column]))
            assert roc_auc(targets[:, column], scores[:, column]) == got.roc_auc[column]
        else:
            assert math.isnan(got.average_precision[column])
            assert math.isnan(got.roc_auc[column])
            assert math.isnan(got.d_prime[column])
    for average in ("macro", "micro"):
        parts = targets[:, usable], scores[:, usable]
        assert got.values()[f"{average}_average_precision"] == pytest.approx(
            average_precision_score(*parts, average=average)
        )
        assert got.values()[f"{average}_roc_auc"] == pytest.approx(roc_auc_score(*parts, average=average))
    assert got.macro_d_prime == pytest.approx(math.sqrt(2) * stats.norm.ppf(got.macro_roc_auc))
    positives = targets.sum(axis=0).tolist()
    assert got.positives.tolist() == positives
    assert got.classes_without_positives == tuple(c for c, n in zip("abcde", positives, strict=True) if n == 0)
    assert got.classes_without_negatives == tuple(c for c, n in zip("abcde", positives, strict=True) if n == 30)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_order_of_examples_and_any_rising_map_change_nothing(seed: int, coarse: bool) -> None:
    targets, scores = made(seed, coarse, np.float64)
    order = np.random.default_rng(seed).permutation(30)
    expected, got = (
        multilabel_scores(targets, scores, "abcde"),
        multilabel_scores(targets[order], np.exp(scores[order]), "abcde"),
    )
    assert np.array_equal(got.average_precision, expected.average_precision, equal_nan=True)
    # Micro averages compare scores across classes: exp keeps their order too.
    assert got.values() == expected.values()


def test_a_mean_over_classes_has_an_interval_by_recording() -> None:
    targets, scores = made(3, False, np.float64)
    columns = [2]

    def mean_average_precision(rows: np.ndarray) -> float:
        return multilabel_scores(targets[rows][:, columns], scores[rows][:, columns], "c").macro_average_precision

    got = bootstrap_statistic(mean_average_precision, 30, rng=np.random.default_rng(0), num_resamples=100)
    assert 0 < got.low < got.value < got.high <= 1


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="Targets and scores do not fit"):
        multilabel_scores(np.ones((2, 3)), np.ones((2, 2)), "abc")
    with pytest.raises(UsageError, match="Targets and scores do not fit"):
        multilabel_scores(np.ones((0, 3)), np.ones((0, 3)), "abc")
    with pytest.raises(UsageError, match="do not fit the classes"):
        multilabel_scores(np.ones((2, 3)), np.ones((2, 3)), "ab")
    with pytest.raises(UsageError, match="neither 0 nor 1"):
        multilabel_scores([[0.5], [1]], [[1.0], [2.0]], "a")
    with pytest.raises(UsageError, match=r"NaN.\n  where: at \(1, 0\)"):
        multilabel_scores([[0], [1]], [[1.0], [np.nan]], "a")
    with pytest.raises(UsageError, match="No class has both"):
        multilabel_scores([[0, 1], [0, 1]], np.ones((2, 2)), "ab")
    with pytest.raises(UsageError, match=r"needs positives.\n  found: 0"):
        average_precision([0, 0], [1.0, 2.0])
    for targets in ([0, 0], [1, 1]):
        with pytest.raises(UsageError, match="needs positives and negatives"):
            roc_auc(targets, [1.0, 2.0])
    with pytest.raises(UsageError, match="no probability"):
        d_prime(1.5)
