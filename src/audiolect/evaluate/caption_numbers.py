"""From values of captions to numbers with intervals, and to paired tests against a baseline.

Conventions: intervals draw recordings. BLEU and METEOR are made of sums, so each draw has its exact value; CIDEr-D
holds the weights of the whole set. Counts of a vocabulary grow with the set and have no interval.

Public names: TESTED_CAPTIONS, caption_numbers, compare_captions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from audiolect.errors import DatasetError
from audiolect.evaluate.caption_values import CaptionValues
from audiolect.evaluate.draws import Statistic, mean_statistic
from audiolect.evaluate.numbers import MetricChoice, Place, one_group, one_number, statistic_numbers
from audiolect.metrics import bleu
from audiolect.metrics.bootstrap import Groups, groups_of
from audiolect.metrics.meteor import meteor_of_counts
from audiolect.metrics.paired import paired_bootstrap
from audiolect.scores import Comparison, Number, number_key

FloatArray = npt.NDArray[np.float64]

TESTED_CAPTIONS = ("cider_d", "spider", "spice", "meteor", "rouge_l", "bleu_4", "fense", "keyword_f1")

_PART = "all"
_OF_THE_WHOLE = "of all captions together: not drawn"
_LOWER = ("fluency_error", "empty_captions")
_DRAWN_AT_ONCE = 1 << 20


def caption_numbers(
    measured: CaptionValues, choice: MetricChoice, *, part: str, context: str, rows: Sequence[int] | None = None
) -> list[Number]:
    """The numbers of one set.

    Args:
        part: its name in keys.
        rows: the items of a part; None: all of them, and the counts of the vocabulary with them.
    """
    chosen = np.arange(len(measured.ids)) if rows is None else np.asarray(rows, np.int64)
    if not len(chosen):
        return []
    recordings = [measured.recordings[row] for row in chosen]
    total = len(set(recordings))
    place = Place(part, measured.task, len(chosen), total, 0, measured.excluded if rows is None else 0, context)
    groups = groups_of(recordings, len(recordings)) if total > 1 else None
    statistics = _statistics(measured, chosen, groups or one_group(len(chosen)))
    wanted = {name: each for name, each in statistics.items() if choice.wants(name) or name.startswith("keyword_")}
    numbers = statistic_numbers(wanted, groups, choice, place)
    if rows is None:
        numbers += [
            one_number(name, value, None, place, reason=_OF_THE_WHOLE) for name, value in measured.counts.items()
        ]
    return [
        number.model_copy(update={"higher_is_better": False}) if number.metric in _LOWER else number
        for number in numbers
    ]


def compare_captions(
    ours: CaptionValues, theirs: CaptionValues, choice: MetricChoice, names: tuple[str, str, str]
) -> list[Comparison]:
    """Paired tests of the metrics that both have.

    Args:
        names: of the baseline, the context of ours, and the context of the baseline.

    Raises:
        DatasetError: the recordings differ.
    """
    mine, others = _places(ours), _places(theirs)
    if mine.keys() != others.keys():
        only = len(mine.keys() - others.keys()), len(others.keys() - mine.keys())
        raise DatasetError(
            "The baseline did not describe the same recordings.",
            where=ours.task,
            expected=f"the same {len(mine)} items",
            found=f"{only[0]} only here, {only[1]} only in the baseline",
            fix="predict both with the same --split and --where",
        )
    recordings = [ours.recordings[rows[0]] for rows in mine.values()]
    if len(set(recordings)) < 2:
        return []
    groups = groups_of(recordings, len(recordings))
    tests = []
    for metric in TESTED_CAPTIONS:
        test = _of_means((ours, theirs), metric, places=(mine, others), groups=recordings, choice=choice) or _of_sums(
            (ours, theirs), metric, places=(mine, others), groups=groups, choice=choice
        )
        if test is None:
            continue
        difference, low, high, p_value, method = test
        tests.append(
            Comparison(
                key=number_key(_PART, ours.task, metric),
                baseline=names[0],
                difference=difference,
                low=low,
                high=high,
                p_value=p_value,
                p_holm=p_value,
                method=method,
                n=len(mine),
                num_recordings=groups.num_groups,
                context=names[1],
                baseline_context=names[2],
            )
        )
    return tests


_Places = dict[str, list[int]]
_Found = tuple[float, float | None, float | None, float, str]
_Systems = tuple[CaptionValues, CaptionValues]


def _of_means(
    systems: _Systems,
    metric: str,
    *,
    places: tuple[_Places, _Places],
    groups: Sequence[str],
    choice: MetricChoice,
) -> _Found | None:
    """The paired bootstrap of a mean; of an item that several runs described, of the mean over these."""
    if not all(metric in measured.values for measured in systems):
        return None
    pair = [
        np.array([measured.values[metric][rows].mean() for rows in own.values()])
        for measured, own in zip(systems, places, strict=True)
    ]
    rng = np.random.default_rng(choice.seed)
    test = paired_bootstrap(*pair, rng=rng, groups=groups, num_resamples=choice.num_resamples)
    low, high = (None, None) if test.interval is None else (test.interval.low, test.interval.high)
    return test.difference, low, high, test.p_value, test.method


def _places(measured: CaptionValues) -> _Places:
    """item → its rows: several where several runs described it."""
    found: _Places = {}
    for row, item in enumerate(measured.ids):
        found.setdefault(item, []).append(row)
    return {item: found[item] for item in sorted(found)}


def _statistics(measured: CaptionValues, rows: npt.NDArray[np.int64], groups: Groups) -> dict[str, Statistic]:
    statistics = {name: mean_statistic(values[rows], groups) for name, values in measured.values.items()}
    for name, (sums, finish) in _sums(measured).items():
        of_groups = np.stack([groups.sums(column) for column in sums[rows].T], axis=1)
        value = float(finish(sums[rows].sum(axis=0)))
        statistics[name] = Statistic(value, lambda counts, own=of_groups, made=finish: made(counts @ own))  # type: ignore[misc]
    return statistics


Finish = Callable[[FloatArray], FloatArray]


def _sums(measured: CaptionValues) -> dict[str, tuple[FloatArray, Finish]]:
    """metric → what it adds up, (n, k), and what is made of the sums, (…, k) → (…,)."""
    found: dict[str, tuple[FloatArray, Finish]] = {}
    if measured.meteor is not None:
        found["meteor"] = (measured.meteor, meteor_of_counts)
    if measured.bleu is not None:
        parts = measured.bleu
        table = np.column_stack([parts.matches, parts.guesses, parts.lengths, parts.reference_lengths])
        for place, name in enumerate(bleu.METRICS):
            found[name] = (table, lambda sums, place=place: _bleu_of(sums)[..., place])  # type: ignore[misc]
    return found


def _bleu_of(sums: FloatArray) -> FloatArray:
    half = (sums.shape[-1] - 2) // 2
    return bleu.corpus_bleu(sums[..., :half], sums[..., half : 2 * half], sums[..., -2], sums[..., -1])


def _of_sums(
    systems: _Systems,
    metric: str,
    *,
    places: tuple[_Places, _Places],
    groups: Groups,
    choice: MetricChoice,
) -> _Found | None:
    """The paired bootstrap of a metric that is made of sums: the same draws of recordings for both systems."""
    both = [_sums(measured).get(metric) for measured in systems]
    if both[0] is None or both[1] is None or any(len(rows) > 1 for own in places for rows in own.values()):
        return None
    order = [np.array([rows[0] for rows in own.values()]) for own in places]
    tables = [
        np.stack([groups.sums(column) for column in pair[0][rows].T], axis=1)
        for pair, rows in zip(both, order, strict=True)
        if pair is not None
    ]
    finish, count = both[0][1], groups.num_groups
    found = float(finish(tables[0].sum(axis=0)) - finish(tables[1].sum(axis=0)))
    rng, drawn, left = np.random.default_rng(choice.seed), [], choice.num_resamples
    while left:
        rows = min(left, max(1, _DRAWN_AT_ONCE // count))
        chosen = rng.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        counts = np.bincount(chosen.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        drawn.append(finish(counts @ tables[0]) - finish(counts @ tables[1]))
        left -= rows
    differences = np.concatenate(drawn)
    low, high = np.quantile(differences, (0.025, 0.975))
    hits = np.count_nonzero(np.abs(differences - found) >= abs(found) - 1e-12)
    p_value = (1 + int(hits)) / (1 + choice.num_resamples)
    return found, float(low), float(high), p_value, "paired bootstrap of sums, percentile"
