"""Recordings straight from their audio files, through the same interface as a pack: for small jobs and for inference.

Conventions: those of ``waveforms``. Values are those of ``audio.files.read_mono``: the mean of the channels, resampled
by soxr; a pack holds the same, rounded to 16 bits. Lengths come from the table of the dataset, not from the files.

Where a file can be entered at any sample (WAV and its kin, FLAC), a short span of a long recording is decoded alone,
with as much before and after it as the filter of the resampler reaches. Everything else is decoded whole once and kept
while ``cache_bytes`` last, those used last longest. What a span holds depends on recording, place and length alone, to
the last bit, whatever was read before. Decoding costs 5 to 50 times what a pack costs, at every reading
that finds nothing kept; to train for more than an epoch, pack.

Public names: AudioFiles, open_audio_files, open_files.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from audiolect.audio.files import probe, read_mono
from audiolect.audio.resample import check_rate, resampled_length
from audiolect.data.audio_at_hand import need_audio
from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError
from audiolect.loader.waveforms import (
    Integers,
    IntegersLike,
    RecordingRows,
    Waveforms,
    absent_recordings,
    as_ids,
    check_spans,
    row_and_span,
)

# What soxr's filter reaches on each side, at the lower of the two rates: 91 samples change the result by 1e-7 at most.
_REACH_SAMPLES = 256
# A span is decoded alone where the whole is at least so many times as long, counted with the reach of the filter.
_ALONE_FROM = 4
_CODINGS_ENTERED_ANYWHERE = {"pcm_s8", "pcm_u8", "pcm_16", "pcm_24", "pcm_32", "float", "double", "ulaw", "alaw"}
_CACHE_BYTES = 512 << 20


class AudioFiles:
    """Recordings read from their files; a ``waveforms.WaveformSource``. Made by ``open_audio_files``, ``open_files``.

    Args:
        table: recording_id, path (of the file, absolute), start_sample, num_samples, sample_rate_hz, codec.
        rate_hz: the rate of everything that is read.
        cache_bytes: how many bytes of decoded recordings are kept.
    """

    def __init__(self, table: pl.DataFrame, rate_hz: int, *, cache_bytes: int = _CACHE_BYTES) -> None:
        self.rate_hz = check_rate(rate_hz)
        self.recording_ids: pl.Series = table["recording_id"]
        self._paths: list[str] = table["path"].to_list()
        self._starts: list[int] = table["start_sample"].to_list()
        self._source_lengths: list[int] = table["num_samples"].to_list()
        self._rates: list[int] = table["sample_rate_hz"].to_list()
        self._codecs: list[str] = table["codec"].to_list()
        lengths = zip(self._source_lengths, self._rates, strict=True)
        self.num_samples: Integers = np.array(
            [resampled_length(length, from_hz, self.rate_hz) for length, from_hz in lengths], np.int64
        )
        self._rows = RecordingRows(self.recording_ids)
        self._cache_bytes = max(0, cache_bytes)
        self._kept: OrderedDict[int, Waveforms] = OrderedDict()
        self._kept_bytes = 0
        self._lock, self._pid = threading.Lock(), os.getpid()

    def __len__(self) -> int:
        """How many recordings there are."""
        return len(self.num_samples)

    @property
    def kept_bytes(self) -> int:
        """How many bytes of decoded recordings are kept now."""
        return self._kept_bytes

    def rows_of(self, recording_ids: Sequence[str] | pl.Series) -> Integers:
        """(M,) int64: the rows of M recordings.

        Raises:
            DatasetError: some of them are not here.
            UsageError: the ids are not texts.
        """
        wanted = as_ids(recording_ids)
        rows, absent = self._rows.find(wanted)
        if len(absent):
            raise absent_recordings(
                absent,
                num_asked=wanted.n_unique(),
                where="the opened audio files",
                cause="they belong to another dataset, or to a part of it that was filtered out",
                fix="open the dataset that has them: audiolect show DATASET",
            )
        return rows

    def read(self, recording: int | str, start_sample: int = 0, num_samples: int | None = None) -> Waveforms:
        """A span of one recording, given by its row or its id: (num_samples,) float32; None: all to the end.

        Raises:
            SpanError: the span does not lie within the recording.
            DatasetError, UsageError: there is no such recording.
            AudioError: its file cannot be read.
        """
        row, start, count = row_and_span(self, recording, start_sample, num_samples)
        # A copy: what is kept must not change when the caller changes what it got.
        return self._span(row, start, count).copy() if count else np.empty(0, np.float32)

    def read_into(self, out: Waveforms, rows: IntegersLike, starts: IntegersLike, counts: IntegersLike) -> None:
        """Read B spans into ``out`` (B, T) float32: row b gets the samples of span b, then zeros.

        Raises:
            UsageError, SpanError: as ``waveforms.check_spans``; nothing has been read.
            AudioError: a file cannot be read, or is shorter than the table says.
            UnsafePath: the path of a recording leaves the audio root.
        """
        spans = check_spans(self, out, rows, starts, counts)
        places = zip(spans.rows.tolist(), spans.starts.tolist(), spans.counts.tolist(), strict=True)
        for at, (row, start, count) in enumerate(places):
            if count:
                out[at, :count] = self._span(row, start, count)
            out[at, count:] = 0

    def _span(self, row: int, start: int, count: int) -> Waveforms:
        # Row and span alone decide, not what happens to be kept: a resampled span that was decoded alone differs from
        # the same one cut from the whole in its last bits, and batches must not depend on what was read before.
        if self._is_entered_anywhere(row):
            first, length, skipped = self._source_span(row, start, count)
            if length * _ALONE_FROM <= self._source_lengths[row]:
                decoded = read_mono(self._paths[row], self._starts[row] + first, length, rate_hz=self.rate_hz)
                return decoded[skipped : skipped + count]
        whole = self._look_up(row)
        if whole is None:
            whole = read_mono(self._paths[row], self._starts[row], self._source_lengths[row], rate_hz=self.rate_hz)
            self._keep(row, whole)
        return whole[start : start + count]

    def _source_span(self, row: int, start: int, count: int) -> tuple[int, int, int]:
        """What must be decoded for a span: first sample and length at the file's rate, and how much to leave out."""
        from_hz, to_hz, whole = self._rates[row], self.rate_hz, self._source_lengths[row]
        if from_hz == to_hz:
            return start, count, 0
        # Only from every unit of samples on does the resampler fall on the same instants as from the beginning.
        divisor = math.gcd(from_hz, to_hz)
        unit, resampled_unit = from_hz // divisor, to_hz // divisor
        reach = math.ceil(_REACH_SAMPLES * max(1.0, from_hz / to_hz))
        first_unit = max(0, start * from_hz // to_hz - reach) // unit
        first = first_unit * unit
        end = min(whole, -(-(start + count) * from_hz // to_hz) + reach)
        return first, end - first, start - first_unit * resampled_unit

    def _is_entered_anywhere(self, row: int) -> bool:
        return self._codecs[row].partition("/")[2] in _CODINGS_ENTERED_ANYWHERE

    def _look_up(self, row: int) -> Waveforms | None:
        with self._own_lock():
            whole = self._kept.get(row)
            if whole is not None:
                self._kept.move_to_end(row)
        return whole

    def _keep(self, row: int, whole: Waveforms) -> None:
        if whole.nbytes > self._cache_bytes:
            return
        with self._own_lock():
            if row in self._kept:
                return  # another thread decoded it at the same time
            self._kept[row] = whole
            self._kept_bytes += whole.nbytes
            while self._kept_bytes > self._cache_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= oldest.nbytes

    def _own_lock(self) -> threading.Lock:
        """The lock of this process. At a fork another thread may have been at work on what is kept: begin anew."""
        if self._pid != os.getpid():
            self._lock, self._kept, self._kept_bytes = threading.Lock(), OrderedDict(), 0
            self._pid = os.getpid()
        return self._lock


def open_audio_files(dataset: Dataset, rate_hz: int, *, cache_bytes: int = _CACHE_BYTES) -> AudioFiles:
    """The recordings of a dataset, in the order of its table, at a rate.

    Args:
        dataset: an open dataset; its audio must be there when it is read, not now.
        rate_hz: the rate of everything that is read.
        cache_bytes: how many bytes of decoded recordings are kept, 4 for each sample.

    Raises:
        UsageError: ``rate_hz`` is no rate.
        DatasetError: the dataset was made from tables alone.
        UnsafePath: the path of a recording leaves the audio root.
        DamagedFile: the table cannot be read.
    """
    columns = ("recording_id", "path", "start_sample", "num_samples", "sample_rate_hz", "codec")
    table = dataset.recordings.select(columns)
    need_audio(table, dataset.folder, "to read")
    unique = table["path"].unique(maintain_order=True).to_list()
    paths = {path: str(dataset.audio_path(path)) for path in unique}
    located = pl.Series("path", [paths[path] for path in table["path"].to_list()], dtype=pl.String)
    return AudioFiles(table.with_columns(located), rate_hz, cache_bytes=cache_bytes)


def open_files(paths: Sequence[str | Path], rate_hz: int, *, cache_bytes: int = _CACHE_BYTES) -> AudioFiles:
    """A person's own audio files, in the order given, at a rate. The id of each is its path as given.

    Raises:
        UsageError: ``rate_hz`` is no rate, or a file is named twice.
        AudioError, MissingDependency: a file cannot be read.
    """
    names = [str(path) for path in paths]
    doubled = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if doubled is not None:
        raise UsageError("A file is named twice.", found=doubled, fix="name every file once")
    facts = [probe(name) for name in names]
    table = pl.DataFrame(
        {
            "recording_id": names,
            "path": names,
            "start_sample": [0] * len(names),
            "num_samples": [info.num_samples for info in facts],
            "sample_rate_hz": [info.sample_rate_hz for info in facts],
            "codec": [info.codec for info in facts],
        },
        schema_overrides={"recording_id": pl.String, "path": pl.String, "codec": pl.String},
    )
    return AudioFiles(table, rate_hz, cache_bytes=cache_bytes)
