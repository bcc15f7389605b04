"""From what was answered, item by item, to numbers with intervals.

    retrieval        recall_any@k, recall_share@k, map@k, map_capped@k, mrr, ndcg@k, ranks: ``metrics/retrieval.py``
    one label        accuracy, accuracy@5, balanced_accuracy, macro_precision, macro_f1, class_recall[NAME]
    several labels   macro_average_precision (mAP), macro_roc_auc, micro …, class_average_precision[NAME]

Conventions: intervals draw recordings, never captions; with fewer than two recordings there is none, and the number
says so. Those of several labels leave recordings out instead (``metrics/jackknife.py``). Metrics are chosen by name or
by pattern, as ``recall_any@*``.

Public names: MetricChoice, Place, CLASSIFICATION, query_numbers, class_numbers, statistic_numbers, one_number,
one_group, confusion_of, check_choice, HIGHER_IS_WORSE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from audiolect.errors import UsageError, nearest_names
from audiolect.evaluate.draws import (
    Drawn,
    Statistic,
    draw_intervals,
    geometric_mean_statistic,
    macro_statistic,
    mean_statistic,
    median_statistic,
    recalls_statistic,
)
from audiolect.evaluate.measured import ClassAnswers, QueryValues
from audiolect.metrics.bootstrap import NUM_RESAMPLES, Groups, groups_of
from audiolect.metrics.jackknife import NUM_BLOCKS, jackknife_interval
from audiolect.metrics.multilabel import multilabel_scores
from audiolect.metrics.tagging import ClassificationScores, classification_scores, predicted_classes, top_k_hits
from audiolect.metrics.uncertainty import wilson_interval
from audiolect.scores import Confusion, Number, number_key

CLASSIFICATION = "classification"
HIGHER_IS_WORSE = ("mean_rank", "median_rank", "geometric_mean_rank")

_RECALLS = ("recall_any@1", "recall_any@5", "recall_any@10")
_MACRO = ("balanced_accuracy", "macro_precision", "macro_f1")
_TOP = 5
_FEW = "fewer than two recordings"
_PER_CLASS = "of one class: not drawn"
_TOO_FEW = "without some recordings no class has both positives and negatives"
_MULTILABEL_WORK = 40_000_000
# What there is to choose from, where recordings have one label, and where they have several.
_SINGLE = ("accuracy", f"accuracy@{_TOP}", *_MACRO, "class_recall[NAME]")
_SEVERAL = (
    "macro_average_precision",
    "macro_roc_auc",
    "macro_d_prime",
    "micro_average_precision",
    "micro_roc_auc",
    "class_average_precision[NAME]",
)
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """Which metrics are wanted, and how their intervals are drawn.

    Args:
        patterns: names, or patterns with ``*``; empty: all.
        seed: of the draws.
        num_resamples: draws.
    """

    patterns: tuple[str, ...] = ()
    seed: int = 0
    num_resamples: int = NUM_RESAMPLES

    def wants(self, metric: str) -> bool:
        """Whether a metric is wanted."""
        return not self.patterns or any(fnmatchcase(metric, pattern) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Place:
    """Where numbers stand, and on how many items they rest."""

    part: str
    task: str
    n: int
    num_recordings: int
    gallery: int
    excluded: int
    context: str


def query_numbers(answers: QueryValues, choice: MetricChoice, *, part: str, task: str, context: str) -> list[Number]:
    """The numbers of one direction of retrieval."""
    values = {name: array for name, array in answers.values.items() if choice.wants(name)}
    place = Place(
        part, task, len(answers.queries), len(set(answers.recordings)), answers.gallery, answers.excluded, context
    )
    groups = groups_of(answers.recordings, len(answers.recordings)) if place.num_recordings > 1 else None
    anyone = groups or one_group(len(answers.queries))
    statistics: dict[str, Statistic] = {}
    for name, array in values.items():
        make = {"median_rank": median_statistic, "geometric_mean_rank": geometric_mean_statistic}
        statistics[name] = make.get(name, mean_statistic)(array, anyone)
    if choice.wants("recall_geometric_mean") and all(name in answers.values for name in _RECALLS):
        recalls = np.stack([answers.values[name] for name in _RECALLS])
        statistics["recall_geometric_mean"] = recalls_statistic(recalls, anyone)
    return statistic_numbers(statistics, groups, choice, place)


def class_numbers(answers: ClassAnswers, choice: MetricChoice, *, part: str, context: str) -> list[Number]:
    """The numbers of classification: of one label for each recording, or of several; none where all have the same."""
    recordings = len(set(answers.recordings))
    place = Place(
        part, CLASSIFICATION, len(answers.recordings), recordings, len(answers.names), answers.excluded, context
    )
    groups = groups_of(answers.recordings, len(answers.recordings)) if recordings > 1 else None
    if not answers.is_single:
        return _label_numbers(answers, choice, groups, place)
    scores = _classification(answers)
    true = answers.targets.argmax(axis=1)
    predicted = predicted_classes(answers.scores)
    anyone = groups or one_group(place.n)
    statistics = {"accuracy": mean_statistic(scores.correct, anyone)}
    if len(answers.names) > _TOP:
        statistics[f"accuracy@{_TOP}"] = mean_statistic(top_k_hits(answers.scores, true, _TOP), anyone)
    for name in _MACRO:
        statistics[name] = macro_statistic(
            name,
            scores.values()[name],
            true=true,
            predicted=predicted,
            num_classes=len(answers.names),
            groups=anyone,
        )
    kept = {name: statistic for name, statistic in statistics.items() if choice.wants(name)}
    return [*statistic_numbers(kept, groups, choice, place), *_class_recalls(scores, choice, place)]


def confusion_of(answers: ClassAnswers, *, part: str, context: str) -> Confusion | None:
    """The confusion matrix; None where recordings have several labels."""
    if not answers.is_single:
        return None
    scores = _classification(answers)
    rows = tuple(tuple(int(count) for count in row) for row in scores.confusion)
    return Confusion(part=part, names=scores.names, counts=rows, context=context)


def check_choice(
    choice: MetricChoice,
    numbers: Iterable[Number],
    queries: Mapping[str, QueryValues] | None = None,
    classes: ClassAnswers | None = None,
) -> None:
    """Every name and pattern must have found something.

    Args:
        numbers: what was found.
        queries, classes: what was answered, for the letter.

    Raises:
        UsageError: one has not.
    """
    found = {number.metric for number in numbers}
    idle = [pattern for pattern in choice.patterns if not any(fnmatchcase(metric, pattern) for metric in found)]
    if not idle:
        return
    there = [name for answers in (queries or {}).values() for name in answers.values]
    others: tuple[str, ...] = ()
    if classes is not None:
        there += list(_SINGLE if classes.is_single else _SEVERAL)
        others = _SEVERAL if classes.is_single else _SINGLE
    strange = [name for name in idle if name in others]
    labels = "one label each" if classes is not None and classes.is_single else "several labels"
    near = [name for pattern in idle for name in nearest_names(pattern, there)]
    raise UsageError(
        "No metric of these predictions has this name.",
        expected="one of " + ", ".join(dict.fromkeys(there)) + ", or patterns such as 'recall_any@*'"
        if there
        else "names of docs/metrics.md, or patterns such as 'recall_any@*'",
        found=", ".join(idle),
        cause=f"these recordings have {labels}, which {', '.join(strange)} cannot measure" if strange else None,
        fix=f"did you mean {' or '.join(dict.fromkeys(near))}?" if near and not strange else None,
    )


def _classification(answers: ClassAnswers) -> ClassificationScores:
    return classification_scores(answers.targets.argmax(axis=1), predicted_classes(answers.scores), answers.names)


def _class_recalls(scores: ClassificationScores, choice: MetricChoice, place: Place) -> list[Number]:
    numbers = []
    support = scores.confusion.sum(axis=1)
    for row, name in enumerate(scores.names):
        metric = f"class_recall[{name}]"
        if not support[row] or not choice.wants(metric):
            continue
        interval = wilson_interval(int(scores.confusion[row, row]), int(support[row]), level=_LEVEL)
        drawn = Drawn(interval.low, interval.high, interval.method)
        numbers.append(one_number(metric, interval.value, drawn, place, n=int(support[row])))
    return numbers


def _label_numbers(answers: ClassAnswers, choice: MetricChoice, groups: Groups | None, place: Place) -> list[Number]:
    if not _tells_apart(answers.targets):
        return []
    scores = multilabel_scores(answers.targets, answers.scores, answers.names)
    # Every block sorts the scores of every class: fewer blocks for large problems.
    blocks = int(np.clip(_MULTILABEL_WORK // answers.scores.size, 20, NUM_BLOCKS))
    numbers = []
    for name, value in scores.values().items():
        if choice.wants(name) and np.isfinite(value):  # d' has no number where all or none are told apart
            drawn = None if groups is None else _label_interval(answers, name, choice, blocks)
            reason = _FEW if groups is None else _TOO_FEW
            numbers.append(one_number(name, value, drawn, place, reason=reason))
    for name, value in zip(scores.names, scores.average_precision, strict=True):
        metric = f"class_average_precision[{name}]"
        if choice.wants(metric) and np.isfinite(value):
            numbers.append(one_number(metric, float(value), None, place, reason=_PER_CLASS))
    return numbers


def _tells_apart(targets: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> bool:
    """Whether some class has recordings with it and without it."""
    return bool((targets.any(axis=0) & ~targets.all(axis=0)).any())


def _label_interval(answers: ClassAnswers, name: str, choice: MetricChoice, blocks: int) -> Drawn | None:
    def statistic(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        if not _tells_apart(answers.targets[rows]):
            return float("nan")
        return multilabel_scores(answers.targets[rows], answers.scores[rows], answers.names).values()[name]

    try:
        interval = jackknife_interval(
            statistic,
            len(answers.recordings),
            rng=np.random.default_rng(choice.seed),
            groups=answers.recordings,
            num_blocks=blocks,
            level=_LEVEL,
            is_share=name != "macro_d_prime",
        )
    except UsageError:
        return None
    return Drawn(interval.low, interval.high, interval.method)


def statistic_numbers(
    statistics: dict[str, Statistic], groups: Groups | None, choice: MetricChoice, place: Place
) -> list[Number]:
    """The numbers of statistics, with intervals where there are groups to draw."""
    drawn: dict[str, Drawn] = {}
    if groups is not None and statistics:
        rng = np.random.default_rng(choice.seed)
        drawn = draw_intervals(statistics, groups, rng=rng, num_resamples=choice.num_resamples, level=_LEVEL)
    return [one_number(name, each.value, drawn.get(name), place) for name, each in statistics.items()]


def one_number(
    metric: str, value: float, drawn: Drawn | None, place: Place, *, n: int | None = None, reason: str = _FEW
) -> Number:
    """One number, with an interval or the reason why there is none."""
    return Number(
        key=number_key(place.part, place.task, metric),
        part=place.part,
        task=place.task,
        metric=metric,
        value=value,
        low=None if drawn is None else drawn.low,
        high=None if drawn is None else drawn.high,
        level=_LEVEL,
        method="" if drawn is None else drawn.method,
        reason=reason if drawn is None else "",
        n=place.n if n is None else n,
        num_recordings=place.num_recordings if n is None else n,
        gallery=place.gallery,
        excluded=place.excluded,
        higher_is_better=metric not in HIGHER_IS_WORSE,
        context=place.context,
    )


def one_group(num_rows: int) -> Groups:
    """All rows as one group, of which nothing can be drawn."""
    rows = np.arange(num_rows)
    return Groups(np.zeros(num_rows, np.int64), rows, np.array([0, num_rows]))
