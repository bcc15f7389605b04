"""What a recipe trains on and looks at, opened: the mixture, its sound, and the validation sets.

Conventions: each dataset and each pack is opened once. Captions for a tokenizer are those of the training entries
alone, in the order of the datasets' tables.

Public names: TrainingData, open_training_data, training_captions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.data.dataset import Dataset
from audiolect.data.tables import collect_rows
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batching import TrainingBatches
from audiolect.loader.mixture import Mixture, mixture_of, open_source
from audiolect.loader.mixture_settings import canonical_key
from audiolect.loader.pack import Pack, open_pack
from audiolect.loader.training_entries import TrainingEntry, open_sources, training_entries
from audiolect.loader.waveforms import WaveformSource
from audiolect.training.recipe import Recipe
from audiolect.training.validation import ValidationSet, validation_set


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """All data of a training.

    Args:
        mixture: with its plan.
        entries: of the mixture, with their sound.
        datasets: name → dataset, of the mixture and of the validation.
        validation: the sets, in the order of the recipe.
    """

    recipe: Recipe
    mixture: Mixture
    entries: list[TrainingEntry]
    datasets: dict[str, Dataset]
    validation: tuple[ValidationSet, ...]

    def batches(self, rank: int = 0, world_size: int = 1) -> TrainingBatches:
        """The batches of all epochs, as one rank reads them."""
        settings = self.recipe.training.batches
        return TrainingBatches(self.mixture.plan, self.entries, settings, rank=rank, world_size=world_size)

    def facts(self) -> dict[str, dict[str, Any]]:
        """For the run's card: what each dataset is, what is trained on it, and what was left out."""
        facts: dict[str, dict[str, Any]] = {
            name: {
                "dataset": dataset.card.name,
                "version": dataset.card.corpus_version,
                "license": dataset.card.license,
                "fingerprint": dataset.card.fingerprint,
                "examples_fingerprint": dataset.card.examples_fingerprint,
                "entries": {},
                "validation": {},
            }
            for name, dataset in self.datasets.items()
        }
        for entry in self.mixture.entries:
            examples = entry.examples
            row = {"num_items": examples.num_items, "num_quarantined": examples.num_quarantined}
            facts[examples.key.dataset]["entries"][entry.key] = row
        for each in self.validation:
            row = {"num_examples": each.dataset.examples.height, "num_quarantined": each.num_quarantined}
            facts[canonical_key(each.key).dataset]["validation"][each.key] = row
        return facts


def open_training_data(recipe: Recipe, folder: Path, *, where: object, keep_quarantined: bool = False) -> TrainingData:
    """Open everything that a recipe names.

    Args:
        recipe: read.
        folder: what its paths are relative to.
        where: the recipe's file, for letters.
        keep_quarantined: also use what checks have put on quarantine lists.

    Raises:
        ConfigError, DatasetError, StorageError: something cannot be opened, or has no examples.
    """
    mixture = mixture_of(recipe, folder, where=where, keep_quarantined=keep_quarantined)
    rate_hz = recipe.training.batches.rate_hz
    opened = open_sources(mixture, rate_hz)
    entries = training_entries(mixture.entries, opened)
    datasets = dict(mixture.datasets)
    sources = {e.examples.key.dataset: source for e, source in zip(mixture.entries, opened, strict=True)}
    settings = recipe.evaluation.batches or recipe.training.batches
    validation = []
    for text in recipe.evaluation.validation:
        name = canonical_key(text).dataset
        if name not in datasets:
            datasets[name] = open_source(recipe.data[name], folder)
        if name not in sources:
            sources[name] = _source(recipe, name, datasets[name], folder)
        validation.append(
            validation_set(text, datasets[name], sources[name], settings, keep_quarantined=keep_quarantined)
        )
    return TrainingData(recipe, mixture, entries, datasets, tuple(validation))


def training_captions(mixture: Mixture) -> Iterator[str]:
    """The answers of all training examples; read when they are asked for."""
    for entry in mixture.entries:
        dataset = entry.examples.dataset
        answers = collect_rows(dataset.scan_examples.select("answers"), dataset.folder)["answers"]
        yield from answers[entry.examples.all_rows()].explode(empty_as_null=True).drop_nulls()


def _source(recipe: Recipe, name: str, dataset: Dataset, folder: Path) -> WaveformSource:
    pack = recipe.data[name].pack
    if pack is None:
        return open_audio_files(dataset, recipe.training.batches.rate_hz)
    opened: Pack = open_pack(pack if "://" in pack else str(folder / pack))
    return opened
