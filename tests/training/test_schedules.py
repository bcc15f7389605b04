"""Learning rates over a training: by hand, and against torch's own schedulers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from audiolect.training.schedules import DEPENDS_ON_LENGTH, Plateau, ScheduleSettings, rate_factor


def factors(settings: ScheduleSettings, steps: int) -> list[float]:
    return [rate_factor(settings, step, steps) for step in range(steps)]


def of_torch(kind: type[Any], steps: int, **options: Any) -> list[float]:
    """The rates that torch gives to steps 0, 1, …, from a rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = kind(optimizer, **options)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_a_warm_up_by_hand() -> None:
    settings = ScheduleSettings(kind="constant", warmup_steps=4)
    assert factors(settings, 6) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_linear_by_hand() -> None:
    settings = ScheduleSettings(kind="linear", warmup_steps=1, final=0.2)
    assert factors(settings, 5) == pytest.approx([1.0, 1.0, 0.8, 0.6, 0.4])
    assert rate_factor(settings, 5, 5) == pytest.approx(0.2)


def test_cosine_by_hand() -> None:
    """0, a third, a half and two thirds of the way."""
    settings = ScheduleSettings(kind="cosine")
    assert [rate_factor(settings, s, 6) for s in (0, 2, 3, 4, 6)] == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])


def test_warm_up_linear_and_cosine_are_those_of_torch() -> None:
    warm = of_torch(lr_scheduler.LinearLR, 8, start_factor=0.2, end_factor=1.0, total_iters=4)
    assert factors(ScheduleSettings(kind="constant", warmup_steps=5), 8) == pytest.approx(warm)
    linear = of_torch(lr_scheduler.LinearLR, 9, start_factor=1.0, end_factor=0.1, total_iters=9)
    assert factors(ScheduleSettings(kind="linear", final=0.1), 9) == pytest.approx(linear)
    cosine = of_torch(lr_scheduler.CosineAnnealingLR, 9, T_max=9, eta_min=0.1)
    assert factors(ScheduleSettings(kind="cosine", final=0.1), 9) == pytest.approx(cosine)


def test_steps_of_its_own_end_before_the_training_and_stay_at_the_end() -> None:
    settings = ScheduleSettings(kind="linear", steps=4, final=0.5)
    assert factors(settings, 7) == pytest.approx([1.0, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5])


def test_a_warm_up_longer_than_the_training_only_rises() -> None:
    settings = ScheduleSettings(kind="cosine", warmup_steps=10)
    assert factors(settings, 5) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert rate_factor(settings, 10, 5) == 1.0


def test_plateau_multiplies_by_how_often_it_reduced() -> None:
    settings = ScheduleSettings(kind="plateau", factor=0.5, warmup_steps=2)
    assert [rate_factor(settings, 9, 10, n) for n in (0, 1, 3)] == [1.0, 0.5, 0.125]
    assert rate_factor(settings, 0, 10, 3) == 0.5
    floored = ScheduleSettings(kind="plateau", factor=0.1, final=0.005)
    assert [rate_factor(floored, 9, 10, n) for n in (0, 1, 2, 3, 9)] == pytest.approx([1.0, 0.1, 0.01, 0.005, 0.005])


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_plateau_reduces_when_torch_does(patience: int) -> None:
    """Torch counts validations that are endured, so that its patience is one less."""
    settings = ScheduleSettings(kind="plateau", factor=0.5, patience=patience)
    values = [3.0, 2.0, 2.5, 2.0, 2.2, 1.0, 1.0, 1.5, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience - 1, threshold=0.0, eps=0.0)
    ours, best, seen = Plateau(), float("inf"), []
    for value in values:
        ours.see(settings, is_better=value < best)
        best = min(best, value)
        theirs.step(value)
        seen.append((rate_factor(settings, 1, 1, ours.reductions), optimizer.param_groups[0]["lr"]))
    assert [mine for mine, _ in seen] == [other for _, other in seen]
    assert ours.reductions >= 2


@given(
    kind=st.sampled_from(DEPENDS_ON_LENGTH),
    warmup=st.integers(0, 20),
    steps=st.integers(1, 60),
    final=st.floats(0, 1),
)
def test_it_rises_then_falls_between_final_and_1(kind: Any, warmup: int, steps: int, final: float) -> None:
    settings = ScheduleSettings(kind=kind, warmup_steps=warmup, final=final)
    found = [rate_factor(settings, step, steps) for step in range(steps + 1)]
    rising, falling = found[:warmup], found[warmup:]
    assert all(0 < a < b <= 1 for a, b in itertools.pairwise(rising))
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(falling))
    assert all(final - 1e-12 <= f <= 1 + 1e-12 for f in falling)


@pytest.mark.parametrize(
    ("key", "value"),
    [("kind", "step"), ("warmup_steps", -1), ("steps", 0), ("final", 1.5), ("factor", 1.0), ("patience", 0)],
)
def test_settings_that_mean_nothing_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=key):
        ScheduleSettings(**{key: value})
