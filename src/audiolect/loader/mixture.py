"""A mixture, opened: datasets found, entries counted, and the plan of the training laid.

    mixture = open_mixture("mix.yaml")
    draws = mixture.plan.draws(epoch=3, positions=np.arange(16))
    for place, entry in enumerate(mixture.entries):
        here = draws.entry == place
        rows, answer_index = entry.rows(draws.item[here], draws.pass_index[here])

Conventions: ``mixture.entries`` stand in the order of ``mixture.plan.entries``, sorted by key. Paths of the file are
relative to the file. Nothing depends on the order of the file, the machine or the number of processes: every draw is a
function of the seed, the key of the entry, the row and the pass.

Public names: Mixture, MixtureEntry, open_mixture, mixture_of, open_source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiolect.audio.augment_chain import ChainSettings
from audiolect.config import load_config
from audiolect.data.dataset import Dataset, filter_dataset, open_dataset
from audiolect.errors import ConfigError, nearest_names
from audiolect.loader.entries import EntryExamples, EntryRequest, Ints, count_splits, open_entries
from audiolect.loader.mixture_settings import DataSource, EntrySettings, MixtureFile, canonical_key
from audiolect.loader.permutation import draw_bits, draw_uniform, stream
from audiolect.loader.plan import Plan, PlanEntry
from audiolect.loader.schedules import exact
from audiolect.tasks import spoken_name
from audiolect.text.prefixes import task_prefix

_SHOWN_SPLITS = 8


@dataclass(frozen=True, eq=False)
class MixtureEntry:
    """One entry, opened.

    Args:
        settings: as in the file.
        examples: its rows of its dataset.
        pack: the folder or URL of the pack of its dataset; None where the dataset's own audio files are read.
        seed: that of the mixture.
    """

    settings: EntrySettings
    examples: EntryExamples
    pack: str | None
    seed: int

    @property
    def key(self) -> str:
        """``DATASET-Task/split``."""
        return str(self.examples.key)

    @property
    def prefix(self) -> str:
        """What stands before a prompt that says its task, with a space at its end."""
        return task_prefix(spoken_name(self.examples.key.task, self.examples.key.dataset))

    @cached_property
    def chain(self) -> ChainSettings | None:
        """The augmentations of its waveforms; None where there are none."""
        return self.settings.chain

    def rows(self, items: Ints, pass_index: Ints) -> tuple[Ints, Ints]:
        """As ``EntryExamples.rows``, with the mixture's seed."""
        return self.examples.rows(items, pass_index, self.seed)

    def has_prefix(self, rows: Ints, pass_index: Ints) -> npt.NDArray[np.bool_]:
        """(n,) whether the prompts of these rows say their task in these passes."""
        keys = draw_bits(stream(self.seed, "prefix", self.key), rows)
        return draw_uniform(keys, pass_index) < self.settings.prefix_prob


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A mixture, opened.

    Args:
        file: the file, as read.
        datasets: name → dataset, of the names that entries use.
        entries: in the order of ``plan.entries``.
        plan: which draw stands where.
    """

    file: MixtureFile
    datasets: Mapping[str, Dataset]
    entries: tuple[MixtureEntry, ...]
    plan: Plan


def open_mixture(path: str | Path, overrides: Iterable[str] = (), *, keep_quarantined: bool = False) -> Mixture:
    """Read the file of a mixture, open its datasets, and find the rows of its entries.

    Args:
        path: a YAML file as ``mixture_settings.py`` says.
        overrides: ``mixture.epochs=20`` and the like.
        keep_quarantined: also use what checks have put on quarantine lists.

    Raises:
        ConfigError: with every problem of the file; or with every entry whose dataset has no such examples; or
            where nothing is ever drawn.
        DatasetError, UnknownVersion, DamagedFile: a dataset cannot be opened.
        UsageError: the epochs are too long to be numbered.
    """
    file = load_config(path, MixtureFile, overrides)
    return mixture_of(file, Path(path).parent, where=path, keep_quarantined=keep_quarantined)


def mixture_of(file: MixtureFile, folder: Path, *, where: object, keep_quarantined: bool = False) -> Mixture:
    """As ``open_mixture``, of a file that has been read; its paths are relative to ``folder``."""
    settings = {str(canonical_key(key)): entry for key, entry in file.mixture.entries.items()}
    keys = {key: canonical_key(key) for key in sorted(settings)}
    names = sorted({key.dataset for key in keys.values()})
    datasets = {name: open_source(file.data[name], folder) for name in names}
    examples: dict[str, EntryExamples] = {}
    for name, dataset in datasets.items():
        requests = [
            EntryRequest(key, settings[text].captions or file.mixture.captions)
            for text, key in keys.items()
            if key.dataset == name
        ]
        for entry in open_entries(dataset, requests, keep_quarantined=keep_quarantined):
            examples[str(entry.key)] = entry
    _refuse_empty([examples[key] for key in keys], file, where)
    seed = file.mixture.seed
    entries = tuple(
        MixtureEntry(settings[key], examples[key], _pack_of(file, parts.dataset, folder), seed)
        for key, parts in keys.items()
    )
    plan = Plan(
        entries=[PlanEntry(entry.key, entry.examples.num_items, entry.settings.schedule) for entry in entries],
        global_weight=exact(file.mixture.global_weight),
        epochs=file.mixture.epochs,
        seed=seed,
    )
    if not plan.total_size():
        raise ConfigError(
            "The mixture draws nothing, in none of its epochs.",
            where=where,
            found=f"global_weight {file.mixture.global_weight:g}, epochs {plan.epochs}, and "
            + ", ".join(
                f"{entry.key} of {entry.num_items} items with weight {entry.weights}" for entry in plan.entries
            ),
            cause="weights come to less than one example, or a schedule begins after the last epoch",
            fix="raise the weights, mixture.global_weight or mixture.epochs",
        )
    return Mixture(file, datasets, entries, plan)


def open_source(source: DataSource, folder: Path) -> Dataset:
    """The dataset that a file names, and of it the part that is meant; paths are relative to ``folder``.

    Raises:
        DatasetError, UnknownVersion, DamagedFile: it cannot be opened.
        FilterError: ``where`` cannot be understood.
    """
    dataset = open_dataset(folder / source.dataset)
    return dataset if source.where is None else filter_dataset(dataset, source.where)


def _pack_of(file: MixtureFile, name: str, folder: Path) -> str | None:
    pack = file.data[name].pack
    return pack if pack is None or "://" in pack else str(folder / pack)


def _refuse_empty(entries: list[EntryExamples], file: MixtureFile, where: object) -> None:
    """One letter on all entries that have no example."""
    lines = [
        f"mixture.entries.{entry.key}: {_why_empty(entry, file.data[entry.key.dataset].where)}"
        for entry in entries
        if not entry.num_items
    ]
    if not lines:
        return
    count = "An entry has" if len(lines) == 1 else f"{len(lines)} entries have"
    raise ConfigError(
        f"{count} no examples.",
        where=where,
        found="".join(f"\n    {line}" for line in lines),
        fix="correct the keys; `audiolect show DATASET` lists tasks and splits",
    )


def _why_empty(entry: EntryExamples, condition: str | None) -> str:
    if entry.num_quarantined:
        return f"all its {entry.num_quarantined} examples are quarantined; --keep-quarantined uses them"
    splits = count_splits(entry.dataset)
    asked = f"{entry.key.task}/{entry.key.split}"
    if not splits and condition is not None:
        return f"no example of the dataset in {entry.dataset.folder} fulfils its where, {condition}"
    if not splits:
        return f"the dataset in {entry.dataset.folder} has no examples at all"
    part = "the dataset" if condition is None else f"the part of the dataset where {condition}"
    has = [f"{name} ({count})" for name, count in splits.items()]
    more = f" and {len(has) - _SHOWN_SPLITS} more" if len(has) > _SHOWN_SPLITS else ""
    near = nearest_names(asked, splits)
    guess = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{part} has no {asked}; it has {', '.join(has[:_SHOWN_SPLITS])}{more}{guess}"
