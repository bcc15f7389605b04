"""The part of a dataset that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.data.dataset import open_dataset
from audiolect.dataset_part import PartFacts, describe_part, part_facts, select_part
from audiolect.errors import DatasetError, FilterError, UsageError


def test_parts(world: Path) -> None:
    dataset = open_dataset(world)
    assert select_part(dataset).recordings.height == 20
    assert select_part(dataset, split="test").recordings["recording_id"].to_list() == [f"w/{i}" for i in range(15, 20)]
    short = select_part(dataset, split="train", where="duration_seconds < 3")
    assert short.recordings.height == 2
    captions = select_part(dataset, where="task == 'AudioCaptioning'")
    assert set(captions.examples["task"]) == {"AudioCaptioning"}


def test_letters(world: Path) -> None:
    dataset = open_dataset(world)
    with pytest.raises(UsageError, match=r"no split named 'tset'(.|\n)*did you mean test"):
        select_part(dataset, split="tset")
    with pytest.raises(DatasetError, match=r"No recording is left(.|\n)*split test, where fold == 9"):
        select_part(dataset, split="test", where="fold == 9")
    with pytest.raises(FilterError):
        select_part(dataset, where="fold ==")


def test_words_for_a_part() -> None:
    assert describe_part(None, None) == "all"
    assert describe_part("test", None) == "split test"
    assert describe_part(None, "fold == 1") == "where fold == 1"


def test_the_facts_of_a_part(world: Path) -> None:
    dataset = open_dataset(world)
    facts = part_facts(dataset, split="test", where=None, num_expected=5)
    assert list(facts.model_dump()) == list(PartFacts.model_fields)
    assert (facts.name, facts.corpus_version, facts.split, facts.where, facts.num_expected) == (
        "world",
        "1",
        "test",
        None,
        5,
    )
    assert (facts.fingerprint, facts.examples_fingerprint) == (
        dataset.card.fingerprint,
        dataset.card.examples_fingerprint,
    )
