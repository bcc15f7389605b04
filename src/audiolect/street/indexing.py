"""Whose vectors an index gets, and how they are made: by the model of a run, or read from predictions.

Conventions: the sound of a pack and that of the files that it was made of are one, but for the rounding to 16 bits;
the card of an index does not tell them apart.

Public names: model_side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audiolect.data.dataset import Dataset
from audiolect.embedding_files import read_embeddings
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.pack import open_pack_of
from audiolect.loader.waveforms import WaveformSource
from audiolect.predict.prediction import preprocessing_of
from audiolect.predict.run_model import open_run_model
from audiolect.search.from_run import embed_from_predictions, embed_with
from audiolect.search.index import AddRequest, Embed

_HOW_STORED = ("source", "precision")


def model_side(
    source: Path, checkpoint: str, dataset: Dataset, pack: Path | None, *, threads: int = 0, **asked: Any
) -> tuple[AddRequest, Embed]:
    """What ``add_dataset`` is to be asked for, and what embeds for it.

    Args:
        source: a run, or predictions of one.
        checkpoint: of a run: best, last or a step.
        dataset: what is to be indexed.
        pack: where its sound is read; None: its files.
        threads: that read sound; 0: as the run says.
        asked: the rest of the ``AddRequest``.

    Raises:
        UsageError, DatasetError, StorageError: run, predictions or pack cannot be used.
        MissingDependency: torch is not installed.
    """
    opened = None if pack is None else open_pack_of(pack, dataset)
    if (source / "recordings.npy").is_file():
        predicted = read_embeddings(source)
        card = predicted.card
        request = AddRequest(identity=card.model, size=card.size, preprocessing=_as_heard(card.preprocessing), **asked)
        return request, embed_from_predictions(predicted)
    model = open_run_model(source, checkpoint)
    settings = model.settings.model_copy(update={"threads": threads} if threads else {})
    rate_hz, name = model.embedder.rate_hz, "files" if pack is None else "pack"
    request = AddRequest(
        identity=model.embedder.identity,
        size=model.embedder.embedding_size,
        run_folder=str(source.resolve()),
        preprocessing=_as_heard(preprocessing_of(settings, name)),
        **asked,
    )

    def sound_of(part: Dataset) -> WaveformSource:
        return open_audio_files(part, rate_hz) if opened is None else opened

    return request, embed_with(model.embedder, settings, sound_of, source=name)


def _as_heard(preprocessing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in preprocessing.items() if name not in _HOW_STORED}
