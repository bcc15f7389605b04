"""The entries of a mixture joined with their sound: what training batches draw from.

    mixture = open_mixture("mix.yaml")
    entries = training_entries(mixture.entries, open_sources(mixture, rate_hz=32000))
    batches = TrainingBatches(mixture.plan, entries, settings)

Conventions: entries of one dataset and one source share a table, so that texts and rows are kept once. A pack must hold
the recordings of the entries, as they stand in the dataset; it need not hold those of other splits.

Public names: TrainingEntry, training_entries, open_sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audiolect.audio.augment_chain import ChainSettings
from audiolect.data.dataset import Dataset
from audiolect.data.tables import collect_rows
from audiolect.errors import UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.examples import ExampleTable, example_table, parents_of
from audiolect.loader.mixture import Mixture, MixtureEntry
from audiolect.loader.pack import Pack, check_pack_of, open_pack
from audiolect.loader.waveforms import WaveformSource

Ints = npt.NDArray[np.int64]
FindRows: TypeAlias = Callable[[Ints, Ints], tuple[Ints, Ints]]
HasPrefix: TypeAlias = Callable[[Ints, Ints], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingEntry:
    """One entry of a plan, ready to be read.

    Args:
        key: as in the plan.
        num_items: as in the plan.
        find_rows: (items, passes) → (rows of the table, indexes of the answers), each (n,).
        table: the examples of the entry's dataset with their sound.
        prefix: what may stand before a prompt.
        has_prefix: (rows, passes) → (n,) whether it does; None: never.
        chain: the augmentations; None: none.
    """

    key: str
    num_items: int
    find_rows: FindRows
    table: ExampleTable
    prefix: str = ""
    has_prefix: HasPrefix | None = None
    chain: ChainSettings | None = None


def open_sources(mixture: Mixture, rate_hz: int, *, verify: str = "first") -> list[WaveformSource]:
    """Where each entry of a mixture reads its sound: the pack of its dataset, or the dataset's own audio files.

    Args:
        rate_hz: for audio files; a pack has a rate of its own.
        verify: for packs, as in ``open_pack``.

    Raises:
        StorageError, UnknownVersion, DamagedFile, DownloadError, MissingDependency: a pack cannot be read.
        UnsafePath: the path of a recording leaves the audio root.
    """
    opened: dict[str | int, WaveformSource] = {}
    sources = []
    for entry in mixture.entries:
        dataset = entry.examples.dataset
        key = entry.pack if entry.pack is not None else id(dataset)
        if key not in opened:
            is_packed = entry.pack is not None
            opened[key] = open_pack(str(entry.pack), verify=verify) if is_packed else open_audio_files(dataset, rate_hz)
        sources.append(opened[key])
    return sources


def training_entries(entries: Sequence[MixtureEntry], sources: Sequence[WaveformSource]) -> list[TrainingEntry]:
    """Join the entries of a mixture with their sources, one for each.

    Raises:
        UsageError: not as many sources as entries.
        DatasetError: a source lacks a recording of an entry, or holds another span of it.
        DamagedFile: a table of a dataset cannot be read.
    """
    if len(sources) != len(entries):
        raise UsageError("Every entry needs its source.", expected=f"{len(entries)} sources", found=len(sources))
    return [
        TrainingEntry(
            entry.key,
            entry.examples.num_items,
            entry.rows,
            table,
            entry.prefix,
            entry.has_prefix if entry.settings.prefix_prob else None,
            entry.chain,
        )
        for entry, table in zip(entries, _tables(entries, sources), strict=True)
    ]


def _tables(entries: Sequence[MixtureEntry], sources: Sequence[WaveformSource]) -> list[ExampleTable]:
    """The table of each entry, the same one for entries of the same dataset and source."""
    datasets = {id(entry.examples.dataset): entry.examples.dataset for entry in entries}
    origins = parents_of(*datasets.values())
    keys = [(id(entry.examples.dataset), id(source)) for entry, source in zip(entries, sources, strict=True)]
    made: dict[tuple[int, int], ExampleTable] = {}
    for key, source in zip(keys, sources, strict=True):
        if key not in made:
            rows = [entry.examples.all_rows() for entry, other in zip(entries, keys, strict=True) if other == key]
            made[key] = _table(datasets[key[0]], source, np.concatenate(rows), origins)
    return [made[key] for key in keys]


def _table(dataset: Dataset, source: WaveformSource, rows: Ints, origins: Mapping[str, str]) -> ExampleTable:
    if isinstance(source, Pack):
        asked = collect_rows(dataset.scan_examples.select("recording_id"), dataset.folder)[rows]
        recordings = collect_rows(dataset.scan_recordings, dataset.folder)
        part = recordings.join(asked, on="recording_id", how="semi", maintain_order="left")
        check_pack_of(source, replace(dataset, scan_recordings=part.lazy(), in_memory=True))
    return example_table(dataset, source, used_rows=rows, origins=origins)
