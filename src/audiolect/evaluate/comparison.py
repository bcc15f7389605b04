"""Is one system better than another on the same queries? Paired tests of the scores of two systems.

Conventions: both must have been asked the same queries, in galleries of the same size. Where several runs answered one
query (seeds), its value is their mean. The tests draw recordings (``metrics/paired.py``), and Holm's correction counts
all of them; only TESTED metrics are tested, so that a question has few tests. Differences are system minus baseline.

Public names: TESTED, compare_queries, compare_classes, with_holm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from audiolect.errors import DatasetError
from audiolect.evaluate.measured import ClassAnswers, QueryValues
from audiolect.evaluate.numbers import CLASSIFICATION, MetricChoice
from audiolect.metrics.paired import PairedTest, holm, paired_bootstrap
from audiolect.metrics.tagging import predicted_classes
from audiolect.scores import Comparison, number_key

FloatArray = npt.NDArray[np.float64]

TESTED = ("map@10", "recall_any@1", "recall_any@5", "recall_any@10", "accuracy")

_PART = "all"


def compare_queries(
    task: str, ours: QueryValues, theirs: QueryValues, choice: MetricChoice, names: tuple[str, str, str]
) -> list[Comparison]:
    """Tests of one direction of retrieval.

    Args:
        names: of the baseline, the context of ours, and the context of the baseline.

    Raises:
        DatasetError: the queries or the galleries differ.
    """
    if ours.gallery != theirs.gallery:
        raise _different(task, f"a gallery of {ours.gallery}", f"a gallery of {theirs.gallery}")
    tests = []
    for metric in TESTED:
        if metric not in ours.values or metric not in theirs.values or not choice.wants(metric):
            continue
        aligned = _aligned(
            task,
            _by_item(ours.queries, ours.values[metric], ours.recordings),
            _by_item(theirs.queries, theirs.values[metric], theirs.recordings),
        )
        tests += _tested(number_key(_PART, task, metric), *aligned, choice=choice, names=names)
    return tests


def compare_classes(
    ours: ClassAnswers, theirs: ClassAnswers, choice: MetricChoice, names: tuple[str, str, str]
) -> list[Comparison]:
    """A test of accuracy; none where recordings have several labels.

    Raises:
        DatasetError: the recordings or the classes differ.
    """
    if not (ours.is_single and theirs.is_single and choice.wants("accuracy")):
        return []
    if set(ours.names) != set(theirs.names):
        raise _different(CLASSIFICATION, f"{len(ours.names)} classes", f"{len(theirs.names)} others")
    aligned = _aligned(CLASSIFICATION, _correct(ours), _correct(theirs))
    return _tested(number_key(_PART, CLASSIFICATION, "accuracy"), *aligned, choice=choice, names=names)


def with_holm(tests: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The tests with p-values adjusted for their number."""
    adjusted = holm({test.key: test.p_value for test in tests})
    return tuple(test.model_copy(update={"p_holm": adjusted[test.key]}) for test in tests)


_Items = Mapping[str, tuple[float, str]]


def _correct(answers: ClassAnswers) -> _Items:
    hits = (predicted_classes(answers.scores) == answers.targets.argmax(axis=1)).astype(np.float64)
    return _by_item(answers.recordings, hits, answers.recordings)


def _by_item(items: Sequence[str], values: FloatArray, recordings: Sequence[str]) -> _Items:
    """item → the mean of its values, and its recording."""
    sums: dict[str, list[float]] = {}
    owners = dict(zip(items, recordings, strict=True))
    for item, value in zip(items, values.tolist(), strict=True):
        sums.setdefault(item, []).append(value)
    return {item: (sum(each) / len(each), owners[item]) for item, each in sums.items()}


def _aligned(task: str, ours: _Items, theirs: _Items) -> tuple[FloatArray, FloatArray, list[str]]:
    if ours.keys() != theirs.keys():
        only = len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys())
        raise _different(task, f"the same {len(ours)} queries", f"{only[0]} only here, {only[1]} only in the baseline")
    items = list(ours)
    return (
        np.array([ours[item][0] for item in items]),
        np.array([theirs[item][0] for item in items]),
        [ours[item][1] for item in items],
    )


def _tested(
    key: str,
    ours: FloatArray,
    theirs: FloatArray,
    recordings: list[str],
    *,
    choice: MetricChoice,
    names: tuple[str, str, str],
) -> list[Comparison]:
    if len(set(recordings)) < 2:
        return []
    rng = np.random.default_rng(choice.seed)
    test: PairedTest = paired_bootstrap(ours, theirs, rng=rng, groups=recordings, num_resamples=choice.num_resamples)
    interval = test.interval
    return [
        Comparison(
            key=key,
            baseline=names[0],
            difference=test.difference,
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            p_value=test.p_value,
            p_holm=test.p_value,
            method=test.method,
            n=len(ours),
            num_recordings=test.num_groups,
            context=names[1],
            baseline_context=names[2],
        )
    ]


def _different(task: str, expected: str, found: str) -> DatasetError:
    return DatasetError(
        "The baseline was not asked the same queries.",
        where=task,
        expected=expected,
        found=found,
        cause="predictions of another split, or with other labels",
        fix="predict both with the same --split, --where and --labels",
    )
