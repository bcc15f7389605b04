"""What a plan says of itself, against counting its draws one by one."""

from __future__ import annotations

import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.loader.mixture import Mixture, open_mixture
from audiolect.loader.plan import Plan, PlanEntry
from audiolect.loader.plan_report import _steps_in_all, meaning_of_weights, report_plan
from audiolect.loader.schedules import Schedule, exact

MIX = """
data:
  w: {dataset: world}
mixture:
  global_weight: 0.25
  epochs: 6
  entries:
    w-AudioCaptioning/train: {weight: {0: 1.0, 3: 3.0}, captions: all}
    w-AQA/train: {weight: 2.0}
"""


@pytest.fixture
def mixture(world: Path) -> Mixture:
    path = world.parent / "mix.yaml"
    path.write_text(MIX, "utf-8")
    return open_mixture(path)


def counted(mixture: Mixture, epochs: range) -> tuple[Counter[str], dict[str, float]]:
    """Draws and seconds of each entry, one draw at a time."""
    dataset = mixture.datasets["w"]
    lengths = dict(dataset.recordings.select("recording_id", pl.col("num_samples") / 8000).rows())
    draws: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    for epoch in epochs:
        found = mixture.plan.draws(epoch, np.arange(mixture.plan.epoch_size(epoch)))
        for place, item, number in zip(found.entry, found.item, found.pass_index, strict=True):
            entry = mixture.entries[place]
            row = int(entry.rows(np.array([item]), np.array([number]))[0][0])
            draws[entry.key] += 1
            recording = dataset.examples["recording_id"][row]
            seconds[entry.key] = seconds.get(entry.key, 0.0) + lengths[recording]
    return draws, seconds


def test_draws_and_passes_as_counted(mixture: Mixture) -> None:
    report = report_plan(mixture, 4)
    here, _ = counted(mixture, range(4, 5))
    in_all, seconds = counted(mixture, range(6))
    assert len(report.entries) == 2
    for entry in report.entries:
        assert (entry.draws, entry.draws_in_all) == (here[entry.key], in_all[entry.key])
        assert entry.share == pytest.approx(entry.draws / report.draws)
        # 3 passes whole: the hours are exact, not only expected.
        assert entry.passes_in_all == 3
        assert entry.hours_in_all * 3600 == pytest.approx(seconds[entry.key])
        assert entry.hours_per_pass == pytest.approx(entry.hours_in_all / 3)
    assert (report.draws, report.draws_in_all) == (sum(here.values()), sum(in_all.values()))
    questions, captions = report.entries
    assert (captions.num_examples, captions.num_items, captions.weight, captions.passes) == (15, 45, 3, Fraction(3, 4))
    assert questions.weights == "2"


def test_steps_as_counted(mixture: Mixture) -> None:
    sizes = [mixture.plan.epoch_size(epoch) for epoch in range(6)]
    for size in (None, 1, 7, 1000):
        each = size or 16
        report = report_plan(mixture, 1, batch_size=size)
        assert report.steps == len(range(0, sizes[1], each))
        assert report.steps_in_all == sum(len(range(0, length, each)) for length in sizes)
    report = report_plan(mixture, 1, batch_seconds=60.0)
    assert report.steps == pytest.approx(report.hours * 60, abs=1)
    assert report.batch == "60 s of audio"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_steps_of_any_plan_are_those_of_a_slow_sum(data: st.DataObject) -> None:
    weights = st.sampled_from([0.0, 0.1, 1.0, 1 / 3, 2.5e-7, 1e-30])
    starts = st.lists(st.integers(1, 30), max_size=3)
    entries = [
        PlanEntry(
            f"{name}-AQA/train",
            data.draw(st.sampled_from([1, 7, 1000, 1 << 40])),
            Schedule.of({start: data.draw(weights) for start in [0, *data.draw(starts)]}),
        )
        for name in "ab"
    ]
    epochs, size = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 50))
    plan = Plan(entries=entries, global_weight=exact(data.draw(weights.filter(bool))), epochs=epochs, seed=0)
    sizes = [
        sum(plan.draws_before(place, epoch + 1) - plan.draws_before(place, epoch) for place in range(2))
        for epoch in range(epochs)
    ]
    assert _steps_in_all(plan, size) == sum(-(-count // size) for count in sizes)


def test_a_million_epochs_are_told_at_once() -> None:
    entries = [PlanEntry(f"{name}-AQA/train", 12_345, Schedule.of({0: 0.3, 7: 1.7})) for name in "abcdefgh"]
    plan = Plan(entries=entries, global_weight=Fraction(1, 1000), epochs=1_000_000, seed=0)
    begin = time.process_time()
    assert _steps_in_all(plan, 1) == plan.total_size()
    assert time.process_time() - begin < 5


def test_the_plain_values_say_the_same(mixture: Mixture) -> None:
    values = report_plan(mixture).as_dict()
    assert values["global_weight"] == 0.25
    assert [entry["key"] for entry in values["entries"]] == ["w-AQA/train", "w-AudioCaptioning/train"]
    assert values["entries"][1]["passes"] == 0.25
    assert len(values["meaning"]) == 3


def test_the_meaning_in_words() -> None:
    entries = [
        PlanEntry("a-AQA/train", 1000, Schedule.constant(1.0)),
        PlanEntry("b-AQA/train", 10, Schedule.constant(2.25)),
        PlanEntry("c-AQA/train", 7, Schedule.constant(0.1)),
        PlanEntry("d-AQA/train", 7, Schedule.of({0: 0.0, 100: 5.0})),
    ]
    plan = Plan(entries=entries, global_weight=Fraction(1, 100), epochs=100, seed=0)
    assert meaning_of_weights(plan) == (
        "global_weight × epochs = 0.01 × 100 = 1: the whole training makes 1 pass over a dataset of weight 1, "
        "and weight times as many over any other.",
        "a-AQA/train: 1 pass, so every item comes exactly once.",
        "b-AQA/train: 2.25 passes, so 2 of 10 items come 3 times, and the others twice.",
        "c-AQA/train: nothing is ever drawn, for its weights come to less than one example.",
        "d-AQA/train: nothing is ever drawn, for its weight is 0 in all epochs of the training.",
    )


@pytest.mark.parametrize(
    ("epoch", "budget", "words"),
    [
        (6, {}, "no such epoch"),
        (0, {"batch_size": 0}, "this size"),
        (0, {"batch_seconds": float("nan")}, "these seconds"),
        (0, {"batch_seconds": -1.0}, "these seconds"),
        (0, {"batch_size": 4, "batch_seconds": 4.0}, "one budget"),
    ],
)
def test_what_cannot_be(mixture: Mixture, epoch: int, budget: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        report_plan(mixture, epoch, **budget)
