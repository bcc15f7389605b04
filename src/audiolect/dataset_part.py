"""The part of a dataset that was asked for, by split and filter: the same words in predicting and in evaluating.

Conventions: what is quarantined still belongs to the part; it is counted as expected and left out by name.

Public names: PartFacts, part_facts, select_part, describe_part.
"""

from __future__ import annotations

import polars as pl
from pydantic import Field

from audiolect.config import Config
from audiolect.data.dataset import Dataset, filter_dataset
from audiolect.errors import DatasetError, unknown_name


class PartFacts(Config):
    """Which part of which dataset was asked for; a card of predictions adds how much of it there is."""

    name: str = Field(min_length=1, description="name of the dataset")
    corpus_version: str = Field(default="", description="version of the corpus as published")
    fingerprint: str = Field(description="of the recordings of the whole dataset")
    examples_fingerprint: str = Field(default="", description="of the examples of the whole dataset")
    split: str | None = Field(default=None, description="the split that was asked for; null: all")
    where: str | None = Field(default=None, description="the filter that was given; null: none")
    num_expected: int = Field(ge=0, description="recordings of the part asked for")


def part_facts(dataset: Dataset, *, split: str | None, where: str | None, num_expected: int) -> PartFacts:
    """The facts of a part of a dataset that is open."""
    return PartFacts(
        name=dataset.card.name,
        corpus_version=dataset.card.corpus_version,
        fingerprint=dataset.card.fingerprint,
        examples_fingerprint=dataset.card.examples_fingerprint,
        split=split,
        where=where,
        num_expected=num_expected,
    )


def select_part(dataset: Dataset, *, split: str | None = None, where: str | None = None) -> Dataset:
    """The recordings and examples of a split that fulfil a filter.

    Raises:
        UsageError: the dataset has no such split.
        FilterError: the filter cannot be understood.
        DatasetError: nothing is left.
    """
    part = dataset
    if split is not None:
        if split not in dataset.card.splits:
            raise unknown_name("split", split, dataset.card.splits, where=dataset.folder)
        part = filter_dataset(part, f"split == {split!r}")
    if where is not None:
        part = filter_dataset(part, where)
    if not part.scan_recordings.select(pl.len()).collect().item():
        raise DatasetError(
            "No recording is left.",
            where=dataset.folder,
            expected=f"recordings of {describe_part(split, where)}",
            found="none",
            cause="an empty split, or a filter that nothing fulfils",
        )
    return part


def describe_part(split: str | None, where: str | None) -> str:
    """``split test, where fold == 1``; ``all`` where nothing was chosen."""
    words = [f"split {split}"] if split is not None else []
    words += [f"where {where}"] if where is not None else []
    return ", ".join(words) or "all"
