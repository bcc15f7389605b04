"""Classification metrics by hand and against scikit-learn, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from audiolect.errors import UsageError
from audiolect.metrics.tagging import classification_scores, predicted_classes, top_k_hits

NAMES = ("dog", "rain", "owl", "train")


def test_by_hand() -> None:
    got = classification_scores([0, 0, 0, 1, 1, 3], [0, 0, 1, 1, 0, 2], NAMES)
    assert got.confusion.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert got.correct.tolist() == [1, 1, 0, 1, 0, 0]
    assert got.recall.tolist() == pytest.approx([2 / 3, 1 / 2, np.nan, 0], nan_ok=True)
    assert got.precision.tolist() == pytest.approx([2 / 3, 1 / 2, 0, 0])
    assert got.f1.tolist() == pytest.approx([2 / 3, 1 / 2, np.nan, 0], nan_ok=True)
    assert got.one_vs_rest_accuracy.tolist() == pytest.approx([4 / 6, 4 / 6, 5 / 6, 5 / 6])
    assert got.classes_without_examples == ("owl",)
    assert got.values() == pytest.approx(
        {
            "accuracy": 0.5,
            "balanced_accuracy": 7 / 18,
            "macro_recall": 7 / 18,
            "macro_precision": 7 / 18,
            "macro_f1": 7 / 18,
        }
    )


def test_perfect() -> None:
    got = classification_scores(np.arange(4), np.arange(4), NAMES)
    assert set(got.values().values()) == {1.0}
    assert got.classes_without_examples == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_sklearn_agrees(pairs: list[tuple[int, int]]) -> None:
    true, predicted = np.array(pairs).T
    got = classification_scores(true, predicted, NAMES)
    present = sorted(set(true.tolist()))
    assert np.array_equal(got.confusion, sklearn_metrics.confusion_matrix(true, predicted, labels=range(4)))
    assert got.accuracy == pytest.approx(sklearn_metrics.accuracy_score(true, predicted))
    options = {"labels": present, "zero_division": 0}
    each = sklearn_metrics.precision_recall_fscore_support(true, predicted, **options)
    for ours, theirs in zip((got.precision, got.recall, got.f1), each, strict=False):
        assert ours[present].tolist() == pytest.approx(theirs.tolist())
    macro = sklearn_metrics.precision_recall_fscore_support(true, predicted, average="macro", **options)
    assert (got.macro_precision, got.balanced_accuracy, got.macro_f1) == pytest.approx(macro[:3])
    assert [NAMES[number] for number in range(4) if number not in present] == list(got.classes_without_examples)
    for number in range(4):
        expected = sklearn_metrics.accuracy_score(true == number, predicted == number)
        assert got.one_vs_rest_accuracy[number] == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 7), st.booleans())
def test_hits_among_the_best_are_sklearns(seed: int, num_classes: int, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random((25, num_classes))
    scores = np.round(3 * scores) if coarse else scores
    true = rng.integers(0, num_classes, 25)
    for k in range(1, num_classes):
        expected = sklearn_metrics.top_k_accuracy_score(true, scores, k=k, labels=range(num_classes))
        assert top_k_hits(scores, true, k).mean() == pytest.approx(expected)
    assert top_k_hits(scores, true, num_classes).tolist() == [1.0] * 25
    if not coarse:
        assert top_k_hits(scores, true, 1).tolist() == (predicted_classes(scores) == true).tolist()


def test_ties_by_hand() -> None:
    scores = [[1.0, 1.0, 0.0], [0.5, 0.5, 0.5]]
    assert predicted_classes(scores).tolist() == [0, 0]
    assert top_k_hits(scores, [0, 0], 1).tolist() == [0.0, 0.0]
    assert top_k_hits(scores, [1, 2], 1).tolist() == [1.0, 1.0]


def test_what_cannot_be_is_refused() -> None:
    scores = np.ones((2, 4))
    with pytest.raises(UsageError, match="k of 1 or more"):
        top_k_hits(scores, [0, 1], 0)
    with pytest.raises(UsageError, match="different numbers of true classes and rows"):
        top_k_hits(scores, [0], 1)
    with pytest.raises(UsageError, match=r"NaN.\n  where: example 1, class 2"):
        predicted_classes([[1.0, 2.0, 3.0], [1.0, 2.0, np.nan]])
    with pytest.raises(UsageError, match="scores do not fit"):
        predicted_classes(np.ones((0, 3)))
    with pytest.raises(UsageError, match=r"hold one that there is not.\n  where: example 1\n  expected: 0 to 3"):
        classification_scores([0, 1], [0, 4], NAMES)
    with pytest.raises(UsageError, match="hold one that there is not"):
        classification_scores([0, -1], [0, 1], NAMES)
    with pytest.raises(UsageError, match="not whole numbers"):
        classification_scores([0.0, 1.0], [0, 1], NAMES)
    with pytest.raises(UsageError, match="There are no true classes"):
        classification_scores([], [], NAMES)
    with pytest.raises(UsageError, match="different numbers of true and predicted"):
        classification_scores([0, 1], [0], NAMES)
    with pytest.raises(UsageError, match=r"same name.\n  found: \['dog'\]"):
        classification_scores([0], [0], ["dog", "rain", "dog"])
