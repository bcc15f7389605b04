"""The entries of a mixture joined with their sound, their prefixes and their augmentations: what a batch draws from.

    entries = training_entries(opened, sources, seed=plan.seed, prefix_probs=[0.5, 0.0])

Conventions: entries of one dataset and one source share a table, so that texts and rows are kept once. Whether a prompt
gets the prefix of its task is decided by a number in [0, 1) drawn for each example: below the probability it does.

Public names: TrainingEntry, training_entries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from audiolect.audio.augment_chain import ChainSettings
from audiolect.errors import DatasetError, UsageError
from audiolect.loader.entries import EntryExamples
from audiolect.loader.examples import ExampleTable, example_table, parents_of
from audiolect.loader.waveforms import WaveformSource
from audiolect.text.prefixes import task_prefix

Ints = npt.NDArray[np.int64]
FindRows: TypeAlias = Callable[[Ints, Ints], tuple[Ints, Ints]]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingEntry:
    """One entry of a plan, ready to be read.

    Args:
        key: as in the plan.
        num_items: as in the plan.
        find_rows: (items, passes) → (rows of the table, indexes of the answers), each (n,).
        table: the examples of the entry's dataset with their sound.
        prefix: what may stand before a prompt.
        prefix_prob: how often it does, 0 to 1.
        chain: the augmentations; None: none.
    """

    key: str
    num_items: int
    find_rows: FindRows
    table: ExampleTable
    prefix: str = ""
    prefix_prob: float = 0.0
    chain: ChainSettings | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.prefix_prob <= 1.0:
            raise UsageError(
                "A probability is out of range.",
                where=f"{self.key}: prefix_prob",
                expected="0 to 1",
                found=self.prefix_prob,
            )


def training_entries(
    entries: Sequence[EntryExamples],
    sources: Sequence[WaveformSource],
    *,
    seed: int,
    prefix_probs: Sequence[float] = (),
    chains: Sequence[ChainSettings | None] = (),
) -> list[TrainingEntry]:
    """Join opened entries with their sources, in the order of a plan: sorted by key.

    Args:
        entries: of one or several datasets.
        sources: one for each entry, or one for all.
        seed: that of the plan; it chooses the answers.
        prefix_probs: one for each entry; none: no prefixes.
        chains: the augmentations of each entry; none: none.

    Raises:
        UsageError: not as many sources, probabilities or chains as entries, or a probability out of range.
        DatasetError: a source lacks a recording of an entry, or an entry has no examples.
        DamagedFile: a table of a dataset cannot be read.
    """
    each_source = _one_each("sources", list(sources) * len(entries) if len(sources) == 1 else sources, entries)
    each_prob = _one_each("prefix_probs", prefix_probs or [0.0] * len(entries), entries)
    each_chain = _one_each("chains", chains or [None] * len(entries), entries)
    for entry in entries:
        if not entry.num_items:
            raise DatasetError(
                "An entry has no examples.",
                where=str(entry.key),
                expected="one example or more",
                found="none",
                cause="an empty split, or all of it is quarantined",
                fix=f"audiolect show {entry.dataset.folder} says which splits there are",
            )
    tables = _tables(entries, each_source)
    ready = [
        TrainingEntry(
            str(entry.key),
            entry.num_items,
            partial(_find_rows, entry, seed),
            table,
            task_prefix(entry.key.task, entry.key.dataset) if prob else "",
            prob,
            chain,
        )
        for entry, table, prob, chain in zip(entries, tables, each_prob, each_chain, strict=True)
    ]
    return sorted(ready, key=lambda entry: entry.key)


def _find_rows(entry: EntryExamples, seed: int, items: Ints, pass_index: Ints) -> tuple[Ints, Ints]:
    return entry.rows(items, pass_index, seed)


def _tables(entries: Sequence[EntryExamples], sources: Sequence[WaveformSource]) -> list[ExampleTable]:
    """The table of each entry, the same one for entries of the same dataset and source."""
    datasets = {id(entry.dataset): entry.dataset for entry in entries}
    origins = parents_of(*datasets.values())
    keys = [(id(entry.dataset), id(source)) for entry, source in zip(entries, sources, strict=True)]
    made: dict[tuple[int, int], ExampleTable] = {}
    for key, entry, source in zip(keys, entries, sources, strict=True):
        if key not in made:
            used = [other.all_rows() for other, other_key in zip(entries, keys, strict=True) if other_key == key]
            made[key] = example_table(entry.dataset, source, used_rows=np.concatenate(used), origins=origins)
    return [made[key] for key in keys]


def _one_each(what: str, values: Sequence[T], entries: Sequence[EntryExamples]) -> Sequence[T]:
    if len(values) != len(entries):
        raise UsageError(f"There must be as many {what} as entries.", expected=len(entries), found=len(values))
    return values
