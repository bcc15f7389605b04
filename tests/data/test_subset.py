from __future__ import annotations

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.data.subset import Subset, SubsetSettings, select_subset
from audiolect.errors import UsageError


def choose(labels: list[list[str]], **named: object) -> Subset:
    ids = pl.Series([f"r{i:04d}" for i in range(len(labels))], dtype=pl.String)
    return select_subset(ids, pl.Series(labels, dtype=pl.List(pl.String)), SubsetSettings(**named))  # type: ignore[arg-type]


def test_rare_labels_are_taken_whole() -> None:
    subset = choose([["rare"], ["rare", "common"], *[["common"]] * 20], target=5)
    assert subset.mask[:2].all()
    assert subset.report.counts == {"common": 5, "rare": 2}
    assert subset.report.below_target == 1


def test_recordings_without_labels_are_never_chosen() -> None:
    assert not choose([[], [], ["a"]], target=3).mask[:2].any()


def test_an_empty_pool() -> None:
    report = choose([]).report
    assert (report.chosen, report.pool, report.labels_in_pool) == (0, 0, 0)


def test_turns_add_a_step_at_a_time() -> None:
    # Both labels of equal number: with a step of 1 they alternate, and what one brings counts for the other.
    subset = choose([["a", "b"]] * 10 + [["a"]] * 10 + [["b"]] * 10, target=8, step=1)
    assert min(subset.report.counts.values()) == 8
    assert max(subset.report.counts.values()) <= 9


def test_limited_labels_are_avoided_while_others_suffice() -> None:
    labels = [["dog"]] * 4 + [["dog", "music"]] * 30 + [["dog", "music", "speech"]] * 30
    few = choose(labels, target=4, targets={"music": 0, "speech": 0}, limited=("music", "speech"))
    assert few.mask[:4].all()
    assert few.report.limited_share == 0
    more = choose(labels, target=40, targets={"music": 0, "speech": 0}, limited=("music", "speech"), step=40)
    assert more.mask[:34].all()
    assert more.mask[34:].sum() == 6


def test_the_order_of_rows_does_not_matter_and_the_seed_does() -> None:
    rng = np.random.default_rng(0)
    labels = [[f"l{k}" for k in rng.choice(6, rng.integers(1, 3), replace=False)] for _ in range(300)]
    ids = [f"r{i:04d}" for i in range(300)]
    order = rng.permutation(300)

    def ids_of(rows: list[int], seed: int) -> set[str]:
        subset = select_subset(
            pl.Series([ids[i] for i in rows]),
            pl.Series([labels[i] for i in rows]),
            SubsetSettings(target=20, seed=seed),
        )
        return {ids[i] for i, chosen in zip(rows, subset.mask, strict=True) if chosen}

    assert ids_of(list(range(300)), 1) == ids_of(order.tolist(), 1)
    assert ids_of(list(range(300)), 1) != ids_of(list(range(300)), 2)


def test_entropy_of_equal_labels_is_the_limit() -> None:
    report = choose([["a"], ["b"], ["c"], ["d"]], target=9).report
    assert report.entropy_nats == pytest.approx(math.log(4))
    assert report.entropy_limit_nats == pytest.approx(math.log(4))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcd"), unique=True, max_size=3), max_size=40),
    st.integers(1, 10),
    st.integers(1, 4),
)
def test_every_label_reaches_its_target_or_is_whole(labels: list[list[str]], target: int, step: int) -> None:
    subset = choose(labels, target=target, step=step)
    totals = Counter(label for each in labels for label in each)
    got = Counter(label for each, chosen in zip(labels, subset.mask, strict=True) if chosen for label in each)
    for label, total in totals.items():
        assert got[label] >= min(total, target)
    assert subset.report.counts == {label: got[label] for label in sorted(totals)}
    # Nothing is chosen without a reason: at most the target for each label.
    assert subset.mask.sum() <= sum(min(total, target) for total in totals.values())


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"step": 0}, "step is too small"),
        ({"target": -1}, "target is too small"),
        ({"target": 0}, "target is too small"),
        ({"targets": {"dog": -1}}, "target of dog is too small"),
        ({"targets": {"dgo": 3}}, "did you mean dog"),
        ({"limited": ("Musik",)}, "occurs nowhere"),
    ],
)
def test_impossible_settings(named: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose([["dog"], ["rain"]], **named)


def test_the_entropy_of_one_label_and_of_nothing_has_no_sign() -> None:
    for labels in ([["a"], ["a"]], [], [[]]):
        assert f"{choose(labels).report.entropy_nats:.3f}" == "0.000"


def test_ids_must_be_distinct() -> None:
    with pytest.raises(UsageError, match="occurs twice"):
        select_subset(pl.Series(["a", "a"]), pl.Series([["x"], ["y"]]), SubsetSettings())
    with pytest.raises(UsageError, match="differ in number"):
        select_subset(pl.Series(["a"]), pl.Series([["x"], ["y"]]), SubsetSettings())
