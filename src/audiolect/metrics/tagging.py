"""One label for each recording: accuracy, accuracy among the k best, per class, macro, and the confusion matrix.

The same for a classifier that was trained and for zero-shot classification by text, where a class's score is the
similarity with its prompt.

- ``accuracy``: the share of right answers. ``balanced_accuracy``: the mean of the classes' recall.
- of a class: ``recall`` (what many papers call class-wise accuracy), ``precision`` (0 of a class never predicted),
  ``f1``, and ``one_vs_rest_accuracy``, the share of all examples that are rightly called this class or not this class.
- macro: the mean over the classes that have examples. Those without are named and left out: they have no recall.

Ties: the class predicted is the first of those with the highest score; among the k best, the later of two classes with
one score comes first. Both are as in numpy and scikit-learn, so that results can be compared; a model whose scores tie
often is not measured well by either.

Conventions: n examples, C classes, numbered from 0. Every example has a value (``correct``, ``top_k_hits``), for
intervals and paired tests.

Public names: ClassificationScores, predicted_classes, top_k_hits, classification_scores.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationScores:
    """What a classifier scored.

    Args:
        names: of the C classes.
        confusion: (C, C) counts; the row is the true class, the column the predicted one.
        correct: (n,) 1.0 where the answer is right, else 0.0.
        recall, precision, f1, one_vs_rest_accuracy: (C,); recall and f1 are NaN for classes without examples.
        classes_without_examples: their names.
        accuracy, balanced_accuracy, macro_precision, macro_f1: over all examples; over the classes that have any.
    """

    names: tuple[str, ...]
    confusion: IntArray
    correct: FloatArray
    recall: FloatArray
    precision: FloatArray
    f1: FloatArray
    one_vs_rest_accuracy: FloatArray
    classes_without_examples: tuple[str, ...]
    accuracy: float
    balanced_accuracy: float
    macro_precision: float
    macro_f1: float

    def values(self) -> dict[str, float]:
        """Name → value of the metrics over all classes."""
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "macro_precision": self.macro_precision,
            "macro_recall": self.balanced_accuracy,
            "macro_f1": self.macro_f1,
        }


def predicted_classes(scores: npt.ArrayLike) -> IntArray:
    """(n, C) scores → (n,) the class with the highest, the first of several.

    Raises:
        UsageError: empty, not of two dimensions, or NaN.
    """
    return np.asarray(_checked_scores(scores).argmax(axis=1), np.int64)


def top_k_hits(scores: npt.ArrayLike, true: npt.ArrayLike, k: int) -> FloatArray:
    """(n,): 1.0 where the true class is among the k best, else 0.0; all 1.0 where k is C or more.

    Args:
        scores: (n, C).
        true: (n,) classes.
        k: 1 or more.

    Raises:
        UsageError: k below 1, NaN, shapes that do not fit, or a class outside 0 to C - 1.
    """
    if operator.index(k) < 1:
        raise UsageError("The accuracy among the k best needs a k of 1 or more.", found=k)
    array = _checked_scores(scores)
    classes = _checked_classes(true, array.shape[1], "true classes")
    _check_lengths(len(classes), len(array), "true classes and rows of scores")
    own = array[np.arange(len(array)), classes][:, None]
    later = np.arange(array.shape[1]) > classes[:, None]
    before = (array > own).sum(axis=1) + ((array == own) & later).sum(axis=1)
    return np.asarray(before < k, np.float64)


def classification_scores(true: npt.ArrayLike, predicted: npt.ArrayLike, names: Sequence[str]) -> ClassificationScores:
    """All metrics of predicted classes.

    Args:
        true, predicted: (n,) classes, 0 to C - 1.
        names: of the C classes, all different.

    Raises:
        UsageError: no examples, numbers of both that differ, a class outside, or a name twice.
    """
    if len(set(names)) != len(names):
        raise UsageError(
            "Two classes have the same name.", found=sorted({n for n in names if list(names).count(n) > 1})
        )
    count = len(names)
    of_true, of_predicted = (
        _checked_classes(true, count, "true classes"),
        _checked_classes(predicted, count, "predicted classes"),
    )
    _check_lengths(len(of_true), len(of_predicted), "true and predicted classes")
    confusion = np.bincount(of_true * count + of_predicted, minlength=count * count).reshape(count, count)
    right, support, called = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    present = support > 0
    recall = right / np.where(present, support, np.nan)
    precision = right / np.maximum(called, 1)
    f1 = 2 * right / np.where(present, support + called, np.nan)
    correct = (of_true == of_predicted).astype(np.float64)
    return ClassificationScores(
        names=tuple(names),
        confusion=confusion,
        correct=correct,
        recall=recall,
        precision=precision,
        f1=f1,
        one_vs_rest_accuracy=1 - (support + called - 2 * right) / len(of_true),
        classes_without_examples=tuple(name for name, has in zip(names, present, strict=True) if not has),
        accuracy=float(correct.mean()),
        balanced_accuracy=float(recall[present].mean()),
        macro_precision=float(precision[present].mean()),
        macro_f1=float(f1[present].mean()),
    )


def _checked_scores(scores: npt.ArrayLike) -> npt.NDArray[np.floating]:
    array = np.asarray(scores)
    if array.ndim != 2 or not array.size:
        raise UsageError(
            "The scores do not fit.",
            expected="one row for each example, one column for each class",
            found=f"shape {array.shape}",
        )
    bad = np.argwhere(np.isnan(array))
    if bad.size:
        raise UsageError("A score is NaN.", where=f"example {bad[0][0]}, class {bad[0][1]}", expected="numbers")
    return array


def _checked_classes(classes: npt.ArrayLike, count: int, name: str) -> IntArray:
    array = np.asarray(classes)
    if array.ndim != 1 or not array.size:
        raise UsageError(f"There are no {name}.", expected="one for each example", found=f"shape {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise UsageError(f"The {name} are not whole numbers.", found=array.dtype, fix="number the names of the classes")
    outside = np.flatnonzero((array < 0) | (array >= count))
    if outside.size:
        raise UsageError(
            f"The {name} hold one that there is not.",
            where=f"example {outside[0]}",
            expected=f"0 to {count - 1}",
            found=array[outside[0]],
        )
    return array.astype(np.int64)


def _check_lengths(first: int, second: int, names: str) -> None:
    if first != second:
        raise UsageError(f"There are different numbers of {names}.", found=f"{first} and {second}")
