"""Entries of a mixture opened on a dataset: rows, answers and lengths, against the table read whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiolect.data.dataset import Dataset, filter_dataset, open_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import DatasetError
from audiolect.loader.entries import EntryExamples, EntryRequest, count_splits, open_entries
from audiolect.tasks import parse_dataset_key


def opened(dataset: Dataset, key: str, captions: str = "one", *, keep: bool = False) -> EntryExamples:
    request = EntryRequest(parse_dataset_key(key), captions)
    (entry,) = open_entries(dataset, [request], keep_quarantined=keep)
    return entry


def table_rows(dataset: Dataset, task: str, split: str) -> list[int]:
    """The rows, the slow way."""
    pairs = dataset.examples.select("task", "split").rows()
    return [row for row, pair in enumerate(pairs) if pair == (task, split)]


def test_the_rows_are_those_of_task_and_split(world: Path) -> None:
    dataset = open_dataset(world)
    keys = ["w-AudioCaptioning/train", "w-AQA/test", "w-Dialog/train", "w-EventTagging/train"]
    entries = open_entries(dataset, [EntryRequest(parse_dataset_key(key)) for key in keys])
    assert [entry.num_items for entry in entries] == [15, 5, 4, 15]
    for entry in entries:
        rows, _ = entry.rows(np.arange(entry.num_items), np.zeros(entry.num_items, np.int64), 0)
        assert rows.tolist() == table_rows(dataset, entry.key.task, entry.key.split)
        assert entry.all_rows().tolist() == rows.tolist()
        assert entry.num_examples == entry.num_items


def test_an_alias_of_a_task_means_the_task(world: Path) -> None:
    assert opened(open_dataset(world), "w-AQA_All/train").num_items == 15


def test_one_answer_a_pass_and_all_before_one_comes_again(world: Path) -> None:
    dataset = open_dataset(world)
    entry = opened(dataset, "w-AudioCaptioning/train")
    items, passes = np.arange(15), 60
    drawn = np.stack([entry.rows(items, np.full(15, k), 7)[1] for k in range(passes)])
    for item, row in enumerate(entry.all_rows().tolist()):
        count = len(dataset.examples["answers"][row])
        rounds = drawn[: passes // count * count, item].reshape(-1, count)
        assert len(rounds) >= 12
        assert all(sorted(each) == list(range(count)) for each in rounds.tolist())
        if count > 1:
            assert len({tuple(each) for each in rounds.tolist()}) > 1  # a fresh order each round
    assert not np.array_equal(drawn, np.stack([entry.rows(items, np.full(15, k), 8)[1] for k in range(passes)]))


def test_answers_of_different_passes_may_be_asked_together(world: Path) -> None:
    entry = opened(open_dataset(world), "w-AudioCaptioning/train")
    _, together = entry.rows(np.array([4, 4, 9]), np.array([0, 3, 2]), 7)
    alone = [int(entry.rows(np.array([i]), np.array([k]), 7)[1][0]) for i, k in ((4, 0), (4, 3), (9, 2))]
    assert together.tolist() == alone


def test_all_captions_are_items_of_their_own(world: Path) -> None:
    dataset = open_dataset(world)
    entry = opened(dataset, "w-AudioCaptioning/train", "all")
    expected = [
        (row, answer)
        for row in table_rows(dataset, "AudioCaptioning", "train")
        for answer in range(len(dataset.examples["answers"][row]))
    ]
    rows, answers = entry.rows(np.arange(entry.num_items), np.full(entry.num_items, 9), 7)
    assert list(zip(rows.tolist(), answers.tolist(), strict=True)) == expected
    assert (entry.num_items, entry.num_examples) == (45, 15)
    assert len(entry.all_rows()) == 15


@pytest.mark.parametrize("captions", ["one", "all"])
def test_labels_stay_together_and_dialogues_have_no_answer(world: Path, captions: str) -> None:
    dataset = open_dataset(world)
    for key, count, answer in (("w-EventTagging/train", 15, 0), ("w-Dialog/train", 4, -1)):
        entry = opened(dataset, key, captions)
        assert entry.num_items == count
        _, answers = entry.rows(np.arange(count), np.arange(count), 7)
        assert set(answers.tolist()) == {answer}


def test_seconds_of_a_pass(world: Path) -> None:
    dataset = open_dataset(world)
    assert opened(dataset, "w-AudioCaptioning/train").seconds() == sum(range(1, 16))
    assert opened(dataset, "w-AudioCaptioning/train", "all").seconds() == sum((i + 1) * (1 + i % 5) for i in range(15))
    assert opened(dataset, "w-EventTagging/test", "all").seconds() == sum(range(16, 21))


def test_quarantined_examples_are_left_out_and_counted(world: Path) -> None:
    dataset = open_dataset(world)
    (world / "check").mkdir()
    write_quarantine(
        world / "check" / "quarantine.jsonl",
        [Entry("recording", "w/03", ("truncated",)), Entry("example", "w/05#c", ("empty-text",))],
        name="world",
        fingerprint=dataset.card.fingerprint,
    )
    entry, questions = (opened(dataset, key) for key in ("w-AudioCaptioning/train", "w-AQA/train"))
    ids = dataset.examples["example_id"].gather(entry.all_rows()).to_list()
    assert ids == [f"w/{i:02d}#c" for i in range(15) if i not in (3, 5)]
    assert (entry.num_quarantined, questions.num_quarantined) == (2, 1)
    assert entry.seconds() == sum(range(1, 16)) - 4 - 6
    kept = opened(dataset, "w-AudioCaptioning/train", keep=True)
    assert (kept.num_items, kept.num_quarantined) == (15, 0)


def test_the_list_of_another_dataset_is_refused(world: Path) -> None:
    (world / "check").mkdir()
    write_quarantine(world / "check" / "quarantine.jsonl", [], name="other", fingerprint="0" * 32)
    with pytest.raises(DatasetError, match="of another dataset"):
        opened(open_dataset(world), "w-AQA/train")


def test_nothing_found_is_an_entry_without_items(world: Path) -> None:
    entry = opened(open_dataset(world), "w-MIR/train")
    assert (entry.num_items, entry.seconds()) == (0, 0.0)
    assert entry.all_rows().tolist() == []


def test_a_filtered_dataset_counts_its_own_rows(world: Path) -> None:
    part = filter_dataset(open_dataset(world), "recording_id in ['w/02', 'w/16']")
    assert part.examples.height == 7
    assert opened(part, "w-AQA/train").all_rows().tolist() == [1]


def test_splits_with_their_counts(world: Path) -> None:
    dataset = open_dataset(world)
    slow = Counter(f"{task}/{split}" for task, split in dataset.examples.select("task", "split").rows())
    found = count_splits(dataset)
    assert found == dict(slow)
    assert next(iter(found)) == "AQA/train"


def test_opening_reads_no_answers(world: Path) -> None:
    # A plan over the table that fails as soon as any other column than these is read.
    dataset = open_dataset(world)
    few = pl.scan_parquet(world / "examples.parquet").select("task", "split")
    part = Dataset(dataset.folder, dataset.card, dataset.audio_root, dataset.scan_recordings, few)
    assert opened(part, "w-AudioCaptioning/train").num_items == 15
