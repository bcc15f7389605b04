"""Embeddings of recordings, in parts that do not depend on each other.

Recordings are sorted by length, the longest first, and cut into parts of some hundred; each part is batched on its own.
A part is therefore the same to the last bit, whether it is embedded in one go with the others or after a restart.

A recording that is longer than a window is embedded window by window (``audio/windows.py``); its vector is the mean of
the windows' vectors, weighed by the samples that each holds, normalised again. The last window holds only the samples
that there are: some milliseconds behind five seconds say almost nothing, and count for as little.

Conventions: rows of a part stand in its own order; B rows of a batch, W windows, S samples of a window, E components.

Public names: Part, AGGREGATION, cut_parts, embed_part, embed_batch, embed_recording, recordings_in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.crops import span_lengths, span_starts, windows_of
from audiolect.loader.evaluation import evaluation_batches
from audiolect.loader.waveforms import WaveformSource
from audiolect.predict.embedder import Embedder, Vectors, normalised

Ints = npt.NDArray[np.int64]

AGGREGATION = "mean of the windows' vectors, weighed by their lengths, L2-normalised"

_PART_RECORDINGS = 256
_PART_SECONDS = 3600.0
_WINDOWS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Part:
    """Recordings that are embedded together: the rows of the dataset's table, the longest first."""

    rows: npt.NDArray[np.int64]


def cut_parts(num_samples: npt.NDArray[np.int64], rate_hz: int, *, most_seconds: float = _PART_SECONDS) -> list[Part]:
    """Parts of at most 256 recordings and, unless one alone is longer, ``most_seconds`` of sound.

    Args:
        num_samples: (N,) of each recording, at ``rate_hz``.
    """
    order = np.argsort(-num_samples, kind="stable")
    parts, start, seconds = [], 0, 0.0
    for place, row in enumerate(order):
        length = float(num_samples[row]) / rate_hz
        if place > start and (place - start >= _PART_RECORDINGS or seconds + length > most_seconds):
            parts.append(Part(order[start:place]))
            start, seconds = place, 0.0
        seconds += length
    if len(order):
        parts.append(Part(order[start:]))
    return parts


def embed_part(
    embedder: Embedder,
    dataset: Dataset,
    part: Part,
    source: WaveformSource,
    settings: BatchSettings,
    *,
    done: Callable[[int], None],
) -> Vectors:
    """(n, E): the vectors of the recordings of a part, in its order.

    Args:
        done: is told how many recordings are done, batch by batch.

    Raises:
        AudioError, DamagedFile: a recording cannot be read.
        UsageError: the model gives vectors of another shape than it says.
    """
    rows = dataset.recordings[part.rows]
    part_of_dataset = replace(dataset, scan_recordings=rows.lazy(), in_memory=True)
    places = {name: place for place, name in enumerate(rows["recording_id"])}
    vectors = np.full((len(places), embedder.embedding_size), np.nan, np.float32)
    with evaluation_batches(part_of_dataset, source, settings, of="recordings") as batches:
        for batch in batches:
            vectors[[places[name] for name in batch.recording_ids]] = embed_batch(embedder, batch, settings)
            done(len(batch))
    return vectors


def embed_batch(embedder: Embedder, batch: Batch, settings: BatchSettings) -> Vectors:
    """(B, E): one vector for each row of a batch."""
    if batch.windows is None or batch.window_mask is None:
        return normalised(embedder.embed_audio(batch.waveforms, batch.lengths))
    owners, numbers = np.nonzero(batch.window_mask)
    lengths = _valid_samples(batch.lengths[owners], numbers, settings)
    found = _embed_pieces(embedder, batch.windows[owners, numbers], lengths)
    return _mean_of_owners(found, lengths, owners, len(batch))


def embed_recording(embedder: Embedder, source: WaveformSource, row: int, settings: BatchSettings) -> Vectors:
    """(1, E): the vector of one recording of a source, by itself, heard as ``embed_part`` hears it.

    Raises:
        AudioError, DamagedFile: it cannot be read.
    """
    length = source.num_samples[row : row + 1]
    start, count = int(span_starts(settings, length, None)[0]), int(span_lengths(settings, length)[0])
    waveform = source.read(row, start, count)[None, :]
    if not settings.has_windows:
        return normalised(embedder.embed_audio(waveform, np.array([count], np.int64)))
    numbers = np.arange(int(windows_of(settings, length)[0]))
    lengths = _valid_samples(np.full(len(numbers), count), numbers, settings)
    pieces = np.zeros((len(numbers), settings.window_samples), np.float32)
    for number, valid in enumerate(lengths):
        first = number * (settings.window_samples - settings.overlap_samples)
        pieces[number, :valid] = waveform[0, first : first + valid]
    return _mean_of_owners(_embed_pieces(embedder, pieces, lengths), lengths, np.zeros_like(numbers), 1)


def recordings_in(dataset: Dataset, source: WaveformSource) -> pl.Series:
    """(N,) truth values: which recordings of the dataset the source has."""
    return dataset.recordings["recording_id"].is_in(source.recording_ids.implode())


def _valid_samples(lengths: Ints, numbers: Ints, settings: BatchSettings) -> Ints:
    """How many samples of each window are of its recording, whose length is given with each."""
    step = settings.window_samples - settings.overlap_samples
    valid: Ints = np.clip(lengths - numbers * step, 1, settings.window_samples)
    return valid


def _embed_pieces(embedder: Embedder, pieces: npt.NDArray[np.float32], lengths: Ints) -> Vectors:
    found = np.empty((len(pieces), embedder.embedding_size), np.float32)
    # Windows of like length together, so that little is padded; where all are full nothing moves.
    order = np.argsort(-lengths, kind="stable")
    for start in range(0, len(order), _WINDOWS_AT_ONCE):
        chosen = order[start : start + _WINDOWS_AT_ONCE]
        longest = int(lengths[chosen].max())
        found[chosen] = embedder.embed_audio(np.ascontiguousarray(pieces[chosen, :longest]), lengths[chosen])
    return found


def _mean_of_owners(found: Vectors, lengths: Ints, owners: Ints, num_owners: int) -> Vectors:
    sums = np.zeros((num_owners, found.shape[1]))
    np.add.at(sums, owners, found.astype(np.float64) * lengths[:, None])
    return normalised(sums / np.bincount(owners, weights=lengths, minlength=num_owners)[:, None])
