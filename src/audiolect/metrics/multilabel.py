"""Several labels for each recording: average precision, area under the ROC curve, d-prime; per class, macro and micro.

- ``average_precision``: sum over the thresholds of precision times what recall gains there; no interpolation. Its mean
  over classes is the mAP of AudioSet and FSD50K.
- ``roc_auc``: the chance that a positive scores above a negative, ties counting one half.
- ``d_prime``: sqrt(2) times the normal quantile of the AUC; of all classes, that of the macro AUC, as AudioSet's papers
  have it.
- macro: the mean over the classes where the metric exists; micro: all classes as one long list.

A class without positives has neither metric, one without negatives has no AUC and an average precision of 1 that says
nothing: both are named and left out of all means, micro too.

Ties: all examples with one score pass a threshold together, as in scikit-learn; their order never matters.

Conventions: n examples, C classes. For intervals give ``jackknife_interval`` a function that calls
``multilabel_scores`` on the rows left; draws with replacement would lie above the value.

Public names: MultilabelScores, multilabel_scores, average_precision, roc_auc, d_prime.

Source: S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017 (AUC, mAP, d-prime);
T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.distributions import normal_quantile

FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class MultilabelScores:
    """What a tagger scored.

    Args:
        names: of the C classes.
        average_precision, roc_auc, d_prime: (C,), NaN for the classes left out.
        macro_average_precision, macro_roc_auc: means over the others (mAP, mAUC).
        micro_average_precision, micro_roc_auc: over all pairs of an example and one of the others.
        macro_d_prime: of the macro AUC.
        positives: (C,) how many examples have the label.
        classes_without_positives, classes_without_negatives: the names of those left out.
    """

    names: tuple[str, ...]
    average_precision: FloatArray
    roc_auc: FloatArray
    d_prime: FloatArray
    macro_average_precision: float
    macro_roc_auc: float
    micro_average_precision: float
    micro_roc_auc: float
    macro_d_prime: float
    positives: IntArray
    classes_without_positives: tuple[str, ...]
    classes_without_negatives: tuple[str, ...]

    def values(self) -> dict[str, float]:
        """Name → value of the metrics over all classes."""
        return {
            "macro_average_precision": self.macro_average_precision,
            "macro_roc_auc": self.macro_roc_auc,
            "macro_d_prime": self.macro_d_prime,
            "micro_average_precision": self.micro_average_precision,
            "micro_roc_auc": self.micro_roc_auc,
        }


def multilabel_scores(targets: npt.ArrayLike, scores: npt.ArrayLike, names: Sequence[str]) -> MultilabelScores:
    """All metrics of scores for labels.

    Args:
        targets: (n, C), true or 1 where the example has the label.
        scores: (n, C), any numbers, higher is surer.
        names: of the C classes.

    Raises:
        UsageError: shapes that do not fit, targets other than 0 and 1, NaN, no examples, or no class with both
            positives and negatives.
    """
    flags, array = _checked(targets, scores)
    if flags.ndim != 2 or flags.shape[1] != len(names):
        raise UsageError("The targets do not fit the classes.", expected=f"(n, {len(names)})", found=flags.shape)
    positives = flags.sum(axis=0, dtype=np.int64)
    usable = (positives > 0) & (positives < len(flags))
    if not usable.any():
        raise UsageError(
            "No class has both examples with the label and examples without.",
            found=f"{len(names)} classes, {len(flags)} examples",
        )
    precisions, areas = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for column in np.flatnonzero(usable):
        precisions[column], areas[column] = _both(flags[:, column], array[:, column])
    micro = _both(flags[:, usable].ravel(), array[:, usable].ravel())
    macro_area = float(areas[usable].mean())
    return MultilabelScores(
        names=tuple(names),
        average_precision=precisions,
        roc_auc=areas,
        d_prime=np.array([d_prime(float(area)) for area in areas]),
        macro_average_precision=float(precisions[usable].mean()),
        macro_roc_auc=macro_area,
        micro_average_precision=micro[0],
        micro_roc_auc=micro[1],
        macro_d_prime=d_prime(macro_area),
        positives=positives,
        classes_without_positives=_named(names, positives == 0),
        classes_without_negatives=_named(names, positives == len(flags)),
    )


def average_precision(targets: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Of one class: (n,) and (n,) → 0 to 1.

    Raises:
        UsageError: as of ``multilabel_scores``, or no positives.
    """
    flags, array = _checked(targets, scores)
    if flags.ndim != 1 or not flags.any():
        raise UsageError("Average precision needs positives.", found=f"{int(flags.sum())}, shape {flags.shape}")
    passed, hits = _thresholds(flags, array)
    return _precision_sum(passed, hits)


def roc_auc(targets: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Of one class: (n,) and (n,) → 0 to 1.

    Raises:
        UsageError: as of ``multilabel_scores``, or not both positives and negatives.
    """
    flags, array = _checked(targets, scores)
    if flags.ndim != 1 or not flags.any() or flags.all():
        raise UsageError(
            "A ROC curve needs positives and negatives.",
            found=f"{int(flags.sum())} positives of {flags.size}, shape {flags.shape}",
        )
    passed, hits = _thresholds(flags, array)
    return _area(passed, hits)


def d_prime(area: float) -> float:
    """The distance of two normal distributions, in standard deviations, that have this AUC; NaN of NaN.

    Raises:
        UsageError: not from 0 to 1.
    """
    return math.nan if math.isnan(area) else math.sqrt(2) * normal_quantile(area)


def _named(names: Sequence[str], chosen: Flags) -> tuple[str, ...]:
    return tuple(name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen)


def _both(flags: Flags, scores: npt.NDArray[np.floating]) -> tuple[float, float]:
    passed, hits = _thresholds(flags, scores)
    return _precision_sum(passed, hits), _area(passed, hits)


def _thresholds(flags: Flags, scores: npt.NDArray[np.floating]) -> tuple[IntArray, IntArray]:
    """At each distinct score, from the highest: how many examples reach it, and how many of these are positive."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(flags[order], dtype=np.int64)
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    return last + 1, hits[last]


def _precision_sum(passed: IntArray, hits: IntArray) -> float:
    gains = np.diff(hits, prepend=0)
    return float((gains * hits / passed).sum() / hits[-1])


def _area(passed: IntArray, hits: IntArray) -> float:
    false = passed - hits
    heights = hits + np.concatenate([[0], hits[:-1]])
    return float((np.diff(false, prepend=0) * heights).sum() / (2 * int(false[-1]) * int(hits[-1])))


def _checked(targets: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Flags, npt.NDArray[np.floating]]:
    flags, array = np.asarray(targets), np.asarray(scores)
    if flags.shape != array.shape or not flags.size:
        raise UsageError(
            "Targets and scores do not fit.",
            expected="the same shape, not empty",
            found=f"{flags.shape}, {array.shape}",
        )
    if flags.dtype != np.bool_ and not np.isin(flags, (0, 1)).all():
        raise UsageError("A target is neither 0 nor 1.", where="the targets", expected="0 or 1, false or true")
    bad = np.argwhere(np.isnan(array))
    if bad.size:
        raise UsageError("A score is NaN.", where=f"at {tuple(int(place) for place in bad[0])}", expected="numbers")
    return flags.astype(bool), array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)
