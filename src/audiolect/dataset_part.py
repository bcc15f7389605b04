"""The part of a dataset that was asked for, by split and filter: the same words in predicting and in evaluating.

Conventions: what is quarantined still belongs to the part; it is counted as expected and left out by name.

Public names: select_part, describe_part.
"""

from __future__ import annotations

import polars as pl

from audiolect.data.dataset import Dataset, filter_dataset
from audiolect.errors import DatasetError, unknown_name


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
