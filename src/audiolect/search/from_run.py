"""What an index needs of a run: chunks of embedded recordings, and the model on the side of the queries.

Recordings are embedded in the parts of ``predict/recordings.py``. Where a part cannot be read it is halved until the
broken recordings stand alone; they are Problems, and all others are embedded. Vectors that ``audiolect predict`` has
written are taken as they are.

Conventions: E components, L2-normalised float32. Torch is imported only by the embedder that is handed in.

Public names: embed_with, embed_from_predictions, RunQueries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from audiolect.audio.files import problem_reason
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem, problem_from
from audiolect.embedding_files import Embeddings, ModelIdentity
from audiolect.errors import AudioError, UnreadableAudio, UnsafePath
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.waveforms import WaveformSource
from audiolect.predict.embedder import Embedder, normalised
from audiolect.predict.own_files import embed_files
from audiolect.predict.recordings import Part, cut_parts, embed_part, recordings_in
from audiolect.predict.texts import embed_texts
from audiolect.search.first_pass import FloatArray
from audiolect.search.index import Chunk, Embed


def embed_with(
    embedder: Embedder, settings: BatchSettings, open_source: Callable[[Dataset], WaveformSource], *, source: str
) -> Embed:
    """Embed the recordings of a dataset with a model.

    Args:
        settings: how recordings are read and batched.
        open_source: gives the sound of a dataset: a pack, or its files.
        source: what that is called, for the Problem of a recording that is not in it.
    """

    def embed(dataset: Dataset) -> Iterator[Chunk]:
        opened = open_source(dataset)
        rows = dataset.recordings
        here = recordings_in(dataset, opened)
        absent = rows.filter(~here)["recording_id"].to_list()
        if absent:
            lacking = tuple(Problem("missing", name, f"it is not in the {source}") for name in absent)
            yield Chunk([], np.empty((0, embedder.embedding_size), np.float32), lacking)
        places = np.flatnonzero(here.to_numpy())
        lengths = opened.num_samples[opened.rows_of(rows["recording_id"].gather(places))]
        for part in cut_parts(lengths, opened.rate_hz):
            yield from _embedded(embedder, dataset, Part(places[part.rows]), opened, settings)

    return embed


def embed_from_predictions(embeddings: Embeddings) -> Embed:
    """Take the vectors that were predicted; recordings that have none are Problems."""
    place_of = {name: place for place, name in enumerate(embeddings.recording_ids.to_list())}

    def embed(dataset: Dataset) -> Iterator[Chunk]:
        names = dataset.recordings["recording_id"].to_list()
        ids = [name for name in names if name in place_of]
        lacking = tuple(
            Problem("missing", name, "the predictions have no vector of it") for name in names if name not in place_of
        )
        vectors = embeddings.recordings[[place_of[name] for name in ids]]
        yield Chunk(ids, normalised(vectors.reshape(len(ids), embeddings.card.size)), lacking)

    return embed


class RunQueries:
    """The side of the queries: an ``engine.QueryEncoder`` of an embedder.

    Args:
        embedder: the model of the index.
        settings: how sounds are heard; those of the recordings of the index.
    """

    def __init__(self, embedder: Embedder, settings: BatchSettings) -> None:
        self._embedder = embedder
        self._settings = settings

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""
        return self._embedder.identity

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Q texts → (Q, E)."""
        return embed_texts(self._embedder, list(texts), done=lambda _: None)

    def embed_files(self, paths: Sequence[Path]) -> FloatArray:
        """Q audio files → (Q, E).

        Raises:
            UnreadableAudio: one cannot be read.
            UsageError: one is named twice.
        """
        found = embed_files(self._embedder, list(paths), [], self._settings)
        if found.problems:
            first = found.problems[0]
            raise UnreadableAudio("A sound to search by cannot be read.", where=first.where, found=first.detail)
        return found.vectors


def _embedded(
    embedder: Embedder, dataset: Dataset, part: Part, source: WaveformSource, settings: BatchSettings
) -> Iterator[Chunk]:
    names = dataset.recordings["recording_id"].gather(part.rows)
    try:
        vectors = embed_part(embedder, dataset, part, source, settings, done=lambda _: None)
    except (AudioError, UnsafePath) as error:
        if len(part.rows) > 1:
            half = len(part.rows) // 2
            for rows in (part.rows[:half], part.rows[half:]):
                yield from _embedded(embedder, dataset, Part(rows), source, settings)
            return
        reason = "unsafe-path" if isinstance(error, UnsafePath) else problem_reason(error)
        yield Chunk([], np.empty((0, embedder.embedding_size), np.float32), (problem_from(error, reason, names[0]),))
        return
    # A vector without a direction can be of one recording alone: silence, to some models.
    bad = ~np.isfinite(vectors).all(axis=1) | (np.linalg.norm(vectors, axis=1) == 0)
    broken = tuple(Problem("not-finite", names[int(at)], "the model gives no direction") for at in np.flatnonzero(bad))
    yield Chunk(names.filter(pl.Series(~bad)).to_list(), vectors[~bad], broken)
