"""What the loop remembers: which validation is the best, how long none was better, and the way to a card and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.training.schedules import Plateau
from audiolect.training.standing import Standing


def seen(values: list[float], goal: str, min_delta: float = 0.0) -> tuple[Standing, list[bool]]:
    """The standing after these validations, at steps 10, 20, …, and what each was called."""
    standing, answers = Standing(), []
    for index, value in enumerate(values, start=1):
        standing.step = 10 * index
        answers.append(standing.see(value, goal, min_delta))
    return standing, answers


def test_the_highest_by_hand() -> None:
    standing, answers = seen([0.2, 0.5, 0.4, 0.5], "max")
    assert answers == [True, True, False, False]
    assert (standing.best_step, standing.best_value) == (20, 0.5)
    assert (standing.waited, standing.validated_step) == (2, 40)


def test_the_lowest_by_hand() -> None:
    standing, answers = seen([0.2, 0.5, 0.1], "min")
    assert answers == [True, False, True]
    assert (standing.best_step, standing.best_value, standing.waited) == (30, 0.1, 0)


@pytest.mark.parametrize(("goal", "values"), [("max", [1.0, 1.5, 3.0]), ("min", [3.0, 2.5, 1.0])])
def test_a_little_better_is_the_best_but_does_not_end_the_waiting(goal: str, values: list[float]) -> None:
    standing, answers = seen(values[:2], goal, min_delta=1.0)
    assert answers == [True, False]
    assert (standing.best_value, standing.waited) == (values[1], 1)
    standing, answers = seen(values, goal, min_delta=1.0)
    assert answers == [True, False, True]
    assert standing.waited == 0


def test_exactly_min_delta_is_not_more_than_it() -> None:
    assert seen([1.0, 1.5], "max", min_delta=0.5)[1] == [True, False]


@pytest.mark.parametrize("goal", ["max", "min"])
def test_what_is_not_a_number_is_never_the_best(goal: str) -> None:
    standing, answers = seen([math.nan, 0.3, math.nan], goal)
    assert answers == [False, True, False]
    assert (standing.best_step, standing.best_value, standing.waited) == (20, 0.3, 1)


@given(values=st.lists(st.floats(-10, 10), min_size=1), goal=st.sampled_from(["max", "min"]))
def test_the_best_is_the_first_of_the_extremes(values: list[float], goal: str) -> None:
    standing, answers = seen(values, goal)
    extreme = max if goal == "max" else min
    best = extreme(values)
    assert standing.best_value == best
    assert standing.best_step == 10 * (values.index(best) + 1)
    assert standing.waited == len(values) - 1 - values.index(best)
    assert answers == [value == extreme(values[: i + 1]) and value not in values[:i] for i, value in enumerate(values)]


def test_a_card_gives_it_back() -> None:
    standing = Standing(
        step=40,
        epoch=1,
        position=640,
        best_step=20,
        best_value=0.5,
        waited=2,
        validated_step=40,
        plateau=Plateau(reductions=1, waited=2),
        average_updates=40,
        ended="all steps are done",
        metrics={"world/validation": {"mAP@10": 0.25}},
    )
    again = Standing.from_dict(json.loads(json.dumps(standing.as_dict())))
    assert again == standing
    assert isinstance(again.plateau, Plateau)
    again.plateau.reductions += 1
    again.metrics["world/validation"]["mAP@10"] = 0.0
    assert standing.plateau.reductions == 1
    assert standing.metrics == {"world/validation": {"mAP@10": 0.25}}


def test_other_keys_are_passed_over_and_absent_ones_are_those_of_the_beginning() -> None:
    found = Standing.from_dict({"step": 3, "format": "audiolect/checkpoint", "version": 1})
    assert found == Standing(step=3)
    assert Standing.from_dict({}) == Standing()
    assert Standing().plateau == Plateau(reductions=0, waited=0)


def test_a_plateau_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="rest"):
        Standing.from_dict({"plateau": {"rest": 1}})
