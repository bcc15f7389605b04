"""What a plan means before anything is trained: draws, passes, hours and steps, of each entry and of all.

    report = report_plan(open_mixture("mix.yaml"), epoch=0, batch_size=16)
    report.entries[0].passes_in_all   # Fraction(5, 2): two and a half passes over this entry

Conventions: draws are counted exactly. Hours are those of whole recordings, as the tables of the datasets state their
lengths: the mean of the entry times its draws. Steps are batches over all ranks together, an epoch's last batch kept.
With a budget of seconds they are the least that the hours need: padding makes more of them, crops fewer.

Public names: report_plan, PlanReport, EntryReport, meaning_of_weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.loader.mixture import Mixture
from audiolect.loader.plan import Plan

_EPOCHS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class EntryReport:
    """One entry in numbers.

    Args:
        key: ``DATASET-Task/split``.
        num_examples: of the task and split, without what is left out.
        num_items: N, what one pass goes over: examples, or (example, answer) pairs.
        num_quarantined: examples left out.
        weight: that of the epoch; ``weights`` says all of them.
        weights: the schedule in words.
        draws, draws_in_all: of the epoch, of all epochs.
        share: of the draws of the epoch, 0 to 1.
        passes, passes_in_all: g * w of the epoch; its sum over all epochs; exactly.
        hours_per_pass, hours, hours_in_all: of one pass, of the epoch, of all epochs.
    """

    key: str
    num_examples: int
    num_items: int
    num_quarantined: int
    weight: Fraction
    weights: str
    draws: int
    draws_in_all: int
    share: float
    passes: Fraction
    passes_in_all: Fraction
    hours_per_pass: float
    hours: float
    hours_in_all: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; fractions as numbers."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: float(value) if isinstance(value, Fraction) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A plan in numbers, seen from one epoch; ``batch`` is the budget, ``meaning`` what the weights come to."""

    epoch: int
    epochs: int
    global_weight: Fraction
    seed: int
    batch: str
    entries: tuple[EntryReport, ...]
    draws: int
    draws_in_all: int
    hours: float
    hours_in_all: float
    steps: int
    steps_in_all: int
    meaning: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {
            "global_weight": float(self.global_weight),
            "entries": [entry.as_dict() for entry in self.entries],
            "meaning": list(self.meaning),
        }


def report_plan(
    mixture: Mixture, epoch: int = 0, *, batch_size: int | None = None, batch_seconds: float | None = None
) -> PlanReport:
    """Count what an epoch and all epochs draw.

    Args:
        mixture: opened.
        epoch: which epoch to look at, from 0.
        batch_size: examples of a batch; 16 where neither budget is given.
        batch_seconds: seconds of audio of a batch.

    Raises:
        UsageError: there is no such epoch, or a budget that cannot be.
        DamagedFile: a table cannot be read.
    """
    if batch_size is not None and batch_seconds is not None:
        raise UsageError("Batches have one budget.", expected="a size or a number of seconds", found="both")
    if batch_seconds is not None and not (math.isfinite(batch_seconds) and batch_seconds > 0):
        raise UsageError("A batch cannot have these seconds.", expected="more than 0", found=batch_seconds)
    if batch_size is not None and batch_size < 1:
        raise UsageError("A batch cannot have this size.", expected="1 or more", found=batch_size)
    plan = mixture.plan
    size = plan.epoch_size(epoch)
    entries = tuple(_report_entry(mixture, place, epoch, size) for place in range(len(plan.entries)))
    hours, hours_in_all = sum(e.hours for e in entries), sum(e.hours_in_all for e in entries)
    if batch_seconds is not None:
        batch = f"{batch_seconds:g} s of audio"
        steps, steps_in_all = (math.ceil(part * 3600 / batch_seconds) for part in (hours, hours_in_all))
    else:
        each = batch_size or 16
        batch = f"{each} examples"
        steps, steps_in_all = -(-size // each), _steps_in_all(plan, each)
    return PlanReport(
        epoch=epoch,
        epochs=plan.epochs,
        global_weight=plan.global_weight,
        seed=plan.seed,
        batch=batch,
        entries=entries,
        draws=size,
        draws_in_all=plan.total_size(),
        hours=hours,
        hours_in_all=hours_in_all,
        steps=steps,
        steps_in_all=steps_in_all,
        meaning=meaning_of_weights(plan),
    )


def meaning_of_weights(plan: Plan) -> tuple[str, ...]:
    """What ``global_weight × epochs`` comes to, in sentences."""
    product = plan.global_weight * plan.epochs
    sentences = [
        f"global_weight × epochs = {_number(plan.global_weight)} × {plan.epochs} = {_number(product)}: the whole "
        f"training makes {_passes(product)} over a dataset of weight 1, and weight times as many over any other."
    ]
    for place, entry in enumerate(plan.entries):
        passes = plan.passes(place)
        draws = plan.draws_before(place, plan.epochs)
        whole, rest = divmod(draws, entry.num_items)
        if not passes:
            sentences.append(f"{entry.key}: nothing is ever drawn, for its weight is 0 in all epochs of the training.")
        elif not draws:
            sentences.append(f"{entry.key}: nothing is ever drawn, for its weights come to less than one example.")
        elif rest == 0:
            sentences.append(f"{entry.key}: {_passes(passes)}, so every item comes exactly {_times(whole)}.")
        else:
            sentences.append(
                f"{entry.key}: {_passes(passes)}, so {rest} of {entry.num_items} items come {_times(whole + 1)}, "
                f"and the others {_times(whole)}."
            )
    return tuple(sentences)


def _report_entry(mixture: Mixture, place: int, epoch: int, size: int) -> EntryReport:
    plan, examples = mixture.plan, mixture.entries[place].examples
    here = plan.entries[place]
    draws, in_all = int(plan.epoch_counts(epoch)[place]), plan.draws_before(place, plan.epochs)
    per_pass = examples.seconds() / 3600
    per_draw = per_pass / here.num_items
    return EntryReport(
        key=here.key,
        num_examples=examples.num_examples,
        num_items=here.num_items,
        num_quarantined=examples.num_quarantined,
        weight=here.weights.at(epoch),
        weights=str(here.weights),
        draws=draws,
        draws_in_all=in_all,
        share=draws / size if size else 0.0,
        passes=plan.global_weight * here.weights.at(epoch),
        passes_in_all=plan.passes(place),
        hours_per_pass=per_pass,
        hours=per_draw * draws,
        hours_in_all=per_draw * in_all,
    )


def _steps_in_all(plan: Plan, batch_size: int) -> int:
    """The sum over epochs of the batches of each, the last one kept; a hundredth of a second for 100,000 epochs."""
    borders = sorted({start for entry in plan.entries for start in entry.weights.starts if start < plan.epochs})
    steps = 0
    for first, end in pairwise([*borders, plan.epochs]):
        for begin in range(first, end, _EPOCHS_AT_ONCE):
            count = min(end - begin, _EPOCHS_AT_ONCE)
            draws = [_draws_before(plan, place, begin, count) for place in range(len(plan.entries))]
            sizes = np.diff(np.sum(draws, axis=0))
            steps += int((-(-sizes // batch_size)).sum())
    return steps


def _draws_before(plan: Plan, place: int, begin: int, count: int) -> npt.NDArray[Any]:
    """(count + 1,) ``plan.draws_before`` of the epochs from ``begin`` on, between two changes of the weights."""
    entry = plan.entries[place]
    all_items = entry.num_items * plan.global_weight
    first, each = all_items * entry.weights.total(begin), all_items * entry.weights.at(begin)
    divisor = math.lcm(first.denominator, each.denominator)
    start, step = int(first * divisor), int(each * divisor)
    # Whole numbers of any length where 64 bits are too few.
    kind = np.int64 if start + step * count < 1 << 62 and divisor < 1 << 62 else object
    draws: npt.NDArray[Any] = (start + step * np.arange(count + 1).astype(kind)) // divisor
    return draws


def _passes(count: Fraction) -> str:
    return f"{_number(count)} pass" if count == 1 else f"{_number(count)} passes"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _number(value: Fraction) -> str:
    """A fraction as a decimal of few digits."""
    return f"{float(value):.6g}"
