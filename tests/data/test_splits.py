from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.data.records import Example, Recording, examples_frame, recordings_frame
from audiolect.data.splits import (
    Assignment,
    apply_assignment,
    balanced_split,
    divide_split,
    limit_split,
    split_by_reference,
    undo_assignment,
)
from audiolect.errors import DatasetError, UsageError


def table(
    groups: list[str | None], labels: list[tuple[str, ...]] | None = None, split: str = "validation"
) -> pl.DataFrame:
    return recordings_frame(
        Recording(
            f"c/{i:03d}", f"d/{i:03d}.wav", 10, 10, 1, "wav/pcm_16", 1,
            group=group, split=split, labels=labels[i] if labels else (),
        )
        for i, group in enumerate(groups)
    )  # fmt: skip


def moved(assignment: Assignment) -> set[str]:
    return set(assignment.changes["recording_id"])


def test_limit_keeps_exactly_so_many_and_sends_the_rest() -> None:
    assignment = limit_split(table([None] * 10), "validation", 4, rest_to="development", seed=1)
    assert len(moved(assignment)) == 6
    assert set(assignment.changes["split"]) == {"development"}
    assert assignment.notes == ()


def test_a_limit_that_is_the_whole_split_changes_nothing() -> None:
    assert moved(limit_split(table([None] * 3), "validation", 3, rest_to="development", seed=1)) == set()


@pytest.mark.parametrize("limit", [-1, 4])
def test_an_impossible_limit_is_refused(limit: int) -> None:
    with pytest.raises(UsageError, match="0 to 3, which is what it has"):
        limit_split(table([None] * 3), "validation", limit, rest_to="development", seed=1)


def test_an_unknown_split_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean validation"):
        limit_split(table([None]), "validaton", 1, rest_to="development", seed=1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([None, "a", "b", "c", "d"]), min_size=2, max_size=25),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_groups_stay_together_and_the_order_of_rows_does_not_matter(
    groups: list[str | None], seed: int, shuffler: object
) -> None:
    frame = table(groups)
    wanted = len(groups) // 2
    gone = moved(limit_split(frame, "validation", wanted, rest_to="development", seed=seed))
    kept = set(frame["recording_id"]) - gone
    assert len(kept) <= wanted
    for group in ("a", "b", "c", "d"):
        members = set(frame.filter(pl.col("group") == group)["recording_id"])
        assert members <= gone or members <= kept
    order = list(range(len(groups)))
    shuffler.shuffle(order)  # type: ignore[attr-defined]
    assert moved(limit_split(frame[order], "validation", wanted, rest_to="development", seed=seed)) == gone


def test_a_limit_that_groups_make_unreachable_is_noted() -> None:
    assignment = limit_split(table(["a", "a", "a"]), "validation", 2, rest_to="development", seed=0)
    assert len(moved(assignment)) == 3
    assert "0 instead of 2" in assignment.notes[0]


def test_seeds_matter_and_repeat() -> None:
    frame = table([None] * 40)
    chosen = [moved(limit_split(frame, "validation", 20, rest_to="x", seed=seed)) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_choices_do_not_depend_on_other_recordings() -> None:
    few = moved(divide_split(table([None] * 10), "validation", into="val", count=3, seed=5))
    many = moved(divide_split(table([None] * 20), "validation", into="val", count=19, seed=5))
    assert few <= many


def test_division_by_fraction_and_by_count() -> None:
    frame = table([None] * 10)
    assert len(moved(divide_split(frame, "validation", into="val", fraction=0.3, seed=0))) == 3
    assert len(moved(divide_split(frame, "validation", into="val", count=7, seed=0))) == 7


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "Exactly one"),
        ({"fraction": 0.5, "count": 2}, "Exactly one"),
        ({"fraction": 1.5}, "a fraction less than all"),
        ({"fraction": 0.0}, "more than nothing"),
        ({"count": 10}, "leave a split empty"),
        ({"fraction": 0.01}, "leave a split empty"),
    ],
)
def test_impossible_divisions(wanted: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        divide_split(table([None] * 10), "validation", into="val", seed=0, **wanted)  # type: ignore[arg-type]


def test_a_reference_list_takes_ids_or_file_names_and_brings_groups() -> None:
    frame = table([None, "a", "a", None])
    assignment = split_by_reference(frame, ["c/000", "001.wav"], into="val")
    assert moved(assignment) == {"c/000", "c/001", "c/002"}
    assert "1 more came along" in assignment.notes[0]
    with pytest.raises(
        UsageError, match=r"1 id of the reference list is not(.*\n)+.*9.wav(.*\n)+.*take these lines out"
    ):
        split_by_reference(frame, ["9.wav", "c/000"], into="val")


LABELS = [("dog",), ("dog", "rain"), ("rain",), ("dog",), ("rain",), ("cat",), ("dog", "cat"), ("dog",)]


def test_balance_by_hand() -> None:
    frame = table([None] * 8, LABELS, split="train")
    assignment = balanced_split(frame, "train", into="test", least_per_label=2, seed=3)
    chosen = frame.filter(pl.col("recording_id").is_in(list(moved(assignment))))
    counts = dict(chosen.explode("labels").group_by("labels").len().iter_rows())
    assert counts["cat"] == 2  # there are no more
    assert counts["dog"] >= 2
    assert counts["rain"] >= 2
    assert assignment.notes == ()


def test_rare_labels_and_what_must_stay_are_noted() -> None:
    frame = table([None] * 8, LABELS, split="train")
    assignment = balanced_split(
        frame, "train", into="test", least_per_label=3, seed=3, must_stay=["c/002"], must_move=["c/000"]
    )
    assert "c/000" in moved(assignment)
    assert "c/002" not in moved(assignment)
    assert "fewer than 3 in test are there of cat, rain" in assignment.notes[0]
    with pytest.raises(UsageError, match=r"both stay and move(.*\n)+.*c/000(.*\n)+.*out of one of the two lists"):
        balanced_split(frame, "train", into="t", least_per_label=1, seed=0, must_stay=["c/000"], must_move=["c/000"])
    with pytest.raises(UsageError, match=r"2 ids of the list are not in the split(.*\n)+.*such as c/00(.*\n)+.*c/999"):
        balanced_split(frame, "train", into="t", least_per_label=1, seed=0, must_stay=["c/999", "c/0000"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(["a", "b", "c"])), min_size=1, max_size=20).filter(any),
    st.integers(1, 4),
    st.integers(0, 5),
)
def test_every_label_with_enough_recordings_gets_enough(labels: list[set[str]], least: int, seed: int) -> None:
    frame = table([None] * len(labels), [tuple(sorted(each)) for each in labels], split="train")
    gone = moved(balanced_split(frame, "train", into="test", least_per_label=least, seed=seed))
    for label in "abc":
        holders = {f"c/{i:03d}" for i, each in enumerate(labels) if label in each}
        if len(holders) >= least:
            assert len(holders & gone) >= least
    assert len(gone) <= 3 * least


def test_what_moves_nothing_is_refused_or_noted() -> None:
    frame = table([None] * 8, LABELS, split="train")
    for ask in (
        lambda: limit_split(frame, "train", 3, rest_to="train", seed=0),
        lambda: divide_split(frame, "train", into="train", count=3, seed=0),
        lambda: balanced_split(frame, "train", into="train", least_per_label=1, seed=0),
    ):
        with pytest.raises(UsageError, match="cannot be moved into the split that they are in"):
            ask()
    with pytest.raises(UsageError, match="names nobody"):
        split_by_reference(frame, [], into="val")
    with pytest.raises(UsageError, match="one recording or more"):
        balanced_split(frame, "train", into="test", least_per_label=0, seed=0)
    with pytest.raises(UsageError, match="has a label to balance"):
        balanced_split(table([None] * 3, split="train"), "train", into="test", least_per_label=1, seed=0)
    noted = {
        limit_split(frame, "train", 8, rest_to="val", seed=0).notes: "train has 8 recordings, as many as it may keep",
        split_by_reference(frame, ["c/001"], into="train").notes: "all that the list names is in train",
        balanced_split(frame, "train", into="test", least_per_label=9, seed=0).notes: "no label can be brought to 9",
        divide_split(table(["g"] * 4 + ["h"] * 4), "validation", into="val", count=2, seed=0).notes: "no group is as",
    }
    assert len(noted) == 4
    for notes, words in noted.items():
        assert notes[-1].startswith(f"nothing moves: {words}")


def test_what_is_there_already_counts_for_the_balance() -> None:
    frame = table([None] * 8, LABELS, split="train")
    once, _, _ = apply_assignment(
        frame, examples_frame([]), balanced_split(frame, "train", into="test", least_per_label=1, seed=3)
    )
    again = balanced_split(once, "train", into="test", least_per_label=1, seed=3)
    assert moved(again) == set()
    assert again.notes == ("nothing moves: each label has 1 in test",)
    more = balanced_split(once, "train", into="test", least_per_label=2, seed=3)
    both = once.filter(pl.col("split").eq("test") | pl.col("recording_id").is_in(list(moved(more))))
    assert min(both.explode("labels").group_by("labels").len()["len"]) >= 2


def test_apply_and_undo_are_inverse() -> None:
    frame = table([None] * 6)
    asked = examples_frame(Example(f"e/{i}", f"c/{i % 6:03d}", "validation", "AudioCaptioning") for i in range(9))
    first = limit_split(frame, "validation", 4, rest_to="development", seed=1)
    one = apply_assignment(frame, asked, first)
    second = divide_split(one[0], "validation", into="test", count=2, seed=2)
    two = apply_assignment(*one[:2], second, one[2])
    assert sorted(two[0]["split"]) == ["development"] * 2 + ["test"] * 2 + ["validation"] * 2
    splits = dict(two[0].select("recording_id", "split").iter_rows())
    assert all(splits[recording] == split for recording, split in two[1].select("recording_id", "split").iter_rows())
    back = undo_assignment(*undo_assignment(*two))
    assert back[0].equals(frame)
    assert back[1].equals(asked)
    assert back[2].is_empty()
    with pytest.raises(DatasetError, match="no split to undo"):
        undo_assignment(*back)
