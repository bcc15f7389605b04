"""Plans: exact totals, every pass whole, whoever asks for which positions when."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.loader.permutation import MOST_INDEXES, draw_bits, permute, stream
from audiolect.loader.plan import Draws, Plan, PlanEntry
from audiolect.loader.schedules import Schedule

WEIGHTS = st.one_of(
    st.decimals("0.01", 4, places=2).map(float).map(Schedule.constant),
    st.dictionaries(st.integers(1, 12), st.decimals(0, 4, places=2).map(float), max_size=3).map(
        lambda steps: Schedule.of({0: 0.5} | steps)
    ),
)


def plan_of(sizes: dict[str, int], weight: float = 1.0, global_weight: Fraction = Fraction(1), epochs: int = 1) -> Plan:
    entries = [PlanEntry(key, size, Schedule.constant(weight)) for key, size in sizes.items()]
    return Plan(entries=entries, global_weight=global_weight, epochs=epochs, seed=7)


def all_draws(plan: Plan) -> list[tuple[int, int, int]]:
    """(entry, item, pass) of every position of every epoch, in order."""
    rows = []
    for epoch in range(plan.epochs):
        rows += triples(plan.draws(epoch, np.arange(plan.epoch_size(epoch))))
    return rows


def triples(draws: Draws) -> list[tuple[int, int, int]]:
    return list(zip(draws.entry.tolist(), draws.item.tolist(), draws.pass_index.tolist(), strict=True))


def test_one_pass_in_a_hundred_epochs_has_every_example_once() -> None:
    plan = plan_of({"a-AQA/train": 1003, "b-AQA/train": 17}, 1.0, Fraction(1, 100), 100)
    drawn = Counter((entry, item) for entry, item, _ in all_draws(plan))
    assert len(drawn) == 1020
    assert set(drawn.values()) == {1}
    assert [plan.epoch_size(epoch) for epoch in (0, 32, 33, 34, 99)] == [10, 10, 11, 10, 12]


def test_two_passes_have_every_example_twice() -> None:
    # The published way shows 20 of these once and 20 three times.
    plan = plan_of({"a-AQA/train": 1003}, 2.0, Fraction(1, 100), 100)
    rows = all_draws(plan)
    assert Counter(Counter(item for _, item, _ in rows).values()) == {2: 1003}
    assert Counter(Counter((item, k) for _, item, k in rows).values()) == {1: 2006}
    first, second = ([item for _, item, k in rows if k == number] for number in (0, 1))
    assert first != second


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    weights=st.lists(WEIGHTS, min_size=4, max_size=4),
    global_weight=st.decimals("0.01", 1, places=2).map(Fraction),
    epochs=st.integers(1, 15),
    ranks=st.integers(1, 5),
    stop=st.integers(0, 40),
    slice_length=st.integers(1, 9),
)
def test_exactly_once_over_ranks_slices_and_resumes(
    *,
    sizes: list[int],
    weights: list[Schedule],
    global_weight: Fraction,
    epochs: int,
    ranks: int,
    stop: int,
    slice_length: int,
) -> None:
    entries = [PlanEntry(f"d{i}-AQA/train", size, weights[i]) for i, size in enumerate(sizes)]
    settings_of_plan = {"entries": entries, "global_weight": global_weight, "epochs": epochs, "seed": 3}
    drawn: Counter[tuple[int, int, int]] = Counter()
    for epoch in range(epochs):
        before, after = Plan(**settings_of_plan), Plan(**settings_of_plan)
        size = before.epoch_size(epoch)
        halt = min(stop, size)
        # One process up to the halt; then a new one, with its positions dealt to ranks, in slices.
        drawn.update(triples(before.draws(epoch, np.arange(halt))))
        for rank in range(ranks):
            mine = np.arange(halt + rank, size, ranks)
            for start in range(0, len(mine), slice_length):
                drawn.update(triples(after.draws(epoch, mine[start : start + slice_length])))
    for place, entry in enumerate(entries):
        # The slow way: a stream of items, pass after pass, cut after floor(N g w e).
        total = Fraction(entry.num_items) * global_weight * sum(weights[place].at(e) for e in range(epochs))
        passes, rest = divmod(total.numerator // total.denominator, entry.num_items)
        mine = {key: count for key, count in drawn.items() if key[0] == place}
        assert set(mine.values()) <= {1}
        in_pass = Counter(k for _, _, k in mine)
        assert in_pass == dict.fromkeys(range(passes), entry.num_items) | ({passes: rest} if rest else {})


def test_a_draw_is_what_the_page_of_formats_says() -> None:
    plan = plan_of({"b-AQA/train": 23, "a-AQA/train": 10}, 0.7, Fraction(1), 5)
    # Epoch 3 takes the draws floor(2.1 N) to floor(2.8 N): 7 of the first entry, then 16 of the second.
    assert plan.epoch_counts(3).tolist() == [7, 16]
    draws = plan.draws(3, np.arange(23))
    for position in range(23):
        place = int(permute(stream(7, "epoch", 3), position, 23))
        key, count, draw = ("a-AQA/train", 10, 21 + place) if place < 7 else ("b-AQA/train", 23, 48 + place - 7)
        item = permute(draw_bits(stream(7, "passes", key), draw // count), draw % count, count)
        row = (plan.entries[draws.entry[position]].key, draws.item[position], draws.pass_index[position])
        assert row == (key, item, draw // count)


def test_epochs_telescope_whatever_the_floats() -> None:
    # 0.1 * 3 is not 0.3 in binary, and ten times 0.1 * 7 is not 7.
    plan = plan_of({"a-AQA/train": 7}, 1.0, Fraction(1, 10), 10)
    assert [plan.epoch_size(epoch) for epoch in range(10)] == [0, 1, 1, 0, 1, 1, 0, 1, 1, 1]
    assert plan.total_size() == 7
    assert plan.passes(0) == 1
    assert plan.passes(0, 3) == Fraction(3, 10)


def test_an_entry_keeps_its_order_when_others_come_and_go() -> None:
    def items(sizes: dict[str, int]) -> list[int]:
        plan = plan_of(sizes, 1.0, Fraction(1, 2), 4)
        place = next(i for i, entry in enumerate(plan.entries) if entry.key == "m-AQA/train")
        return [{item for e, item, _ in triples(plan.draws(epoch, np.arange(plan.epoch_size(epoch)))) if e == place}
                for epoch in range(4)]  # fmt: skip

    assert items({"m-AQA/train": 50}) == items({"z-AQA/train": 9, "m-AQA/train": 50, "a-AQA/train": 300})


def test_the_order_of_entries_has_no_effect() -> None:
    sizes = {"b-AQA/train": 20, "a-AQA/train": 30, "c-AQA/val": 5}
    one, other = plan_of(sizes), plan_of(dict(reversed(sizes.items())))
    assert [entry.key for entry in one.entries] == ["a-AQA/train", "b-AQA/train", "c-AQA/val"]
    assert all_draws(one) == all_draws(other)


def test_anagrams_seeds_epochs_and_passes_have_different_orders() -> None:
    one, anagram = (all_draws(plan_of({key: 40}, 2.0)) for key in ("abc-AQA/train", "cab-AQA/train"))
    assert [item for _, item, _ in one] != [item for _, item, _ in anagram]
    reseeded = Plan(entries=plan_of({"abc-AQA/train": 40}, 2.0).entries, global_weight=Fraction(1), epochs=1, seed=8)
    assert all_draws(reseeded) != one
    twice = plan_of({"abc-AQA/train": 40}, 1.0, Fraction(1), 2)
    epochs = [[item for _, item, _ in triples(twice.draws(epoch, np.arange(40)))] for epoch in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(40))
    assert epochs[0] != epochs[1]


def test_a_mixture_is_mixed() -> None:
    plan = plan_of({"a-AQA/train": 5000, "b-AQA/train": 5000})
    first = plan.draws(0, np.arange(1000)).entry
    assert abs(int(first.sum()) - 500) < 80  # five standard deviations


def test_a_schedule_brings_an_entry_in_later() -> None:
    entries = [
        PlanEntry("a-AQA/train", 10, Schedule.constant(1.0)),
        PlanEntry("b-AQA/train", 10, Schedule.of({0: 0.0, 2: 0.5})),
    ]
    plan = Plan(entries=entries, global_weight=Fraction(1), epochs=4, seed=0)
    assert [plan.epoch_counts(epoch).tolist() for epoch in range(4)] == [[10, 0], [10, 0], [10, 5], [10, 5]]
    assert plan.draws_before(1, 3) == 5


def test_positions_may_be_asked_in_any_order_and_none_at_all() -> None:
    plan = plan_of({"a-AQA/train": 100})
    whole = plan.draws(0, np.arange(100))
    some = plan.draws(0, np.array([99, 3, 3, 50]))
    assert len(some) == 4
    assert triples(some) == [triples(whole)[i] for i in (99, 3, 3, 50)]
    assert some.entry.dtype == np.int32
    assert len(plan.draws(0, np.empty(0, np.int64))) == 0


def test_a_plan_of_the_largest_data() -> None:
    plan = plan_of({"a-AQA/train": MOST_INDEXES // 4, "b-AQA/train": MOST_INDEXES // 4}, 1.0, Fraction(1), 3)
    draws = plan.draws(2, np.array([0, plan.epoch_size(2) - 1]))
    assert draws.pass_index.tolist() == [2, 2]
    assert draws.item.max() < MOST_INDEXES // 4


@pytest.mark.parametrize("position", [-1, 10])
def test_no_such_position(position: int) -> None:
    with pytest.raises(UsageError, match="expected: 0 to 9"):
        plan_of({"a-AQA/train": 10}).draws(0, np.array([0, position]))


def test_an_epoch_without_draws_has_no_position() -> None:
    plan = plan_of({"a-AQA/train": 1}, 1.0, Fraction(1, 10), 10)
    assert plan.epoch_size(0) == 0
    with pytest.raises(UsageError, match="draws nothing"):
        plan.draws(0, np.array([0]))


@pytest.mark.parametrize("epoch", [-1, 1])
def test_no_such_epoch(epoch: int) -> None:
    with pytest.raises(UsageError, match="no such epoch"):
        plan_of({"a-AQA/train": 10}).epoch_size(epoch)


def test_plans_that_cannot_be() -> None:
    entry = PlanEntry("a-AQA/train", 10, Schedule.constant(1.0))
    with pytest.raises(UsageError, match="no entry"):
        plan_of({})
    with pytest.raises(UsageError, match="twice: a-AQA/train"):
        Plan(entries=[entry, entry], global_weight=Fraction(1), epochs=1, seed=0)
    with pytest.raises(UsageError, match="global weight 0"):
        Plan(entries=[entry], global_weight=Fraction(0), epochs=1, seed=0)
    with pytest.raises(UsageError, match="0 epochs"):
        Plan(entries=[entry], global_weight=Fraction(1), epochs=0, seed=0)
    with pytest.raises(UsageError, match="too long to be numbered"):
        plan_of({"a-AQA/train": MOST_INDEXES, "b-AQA/train": MOST_INDEXES})
    with pytest.raises(UsageError, match="so many items"):
        PlanEntry("a-AQA/train", 0, Schedule.constant(1.0))
