"""Reading packs: any span of any recording, many at once into one array, from this disk or from anywhere.

Conventions: those of ``waveforms``; a value is ``int16 / 32768 * scale``. A pack of PCM is read by positional reads
into int16 and one multiplication into the float32 row; a pack of FLAC gives the same values, and takes as long as
decoding does. What is read is checked by the CRCs of its blocks (``verify``): ``first``, each block when this process
first touches it; ``always``; or ``never``. One Pack serves all threads, and goes on working after a fork. With
``threads`` above 1 the spans of one call are shared out among as many; callers with threads of their own leave it.

Public names: Pack, open_pack, open_pack_of, check_pack_of, check_same_spans.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shlex import quote

import numpy as np
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.errors import DamagedFile, DatasetError, UsageError, unknown_name
from audiolect.loader.block_checks import VERIFY_POLICIES
from audiolect.loader.flac_entries import Entry, decode_span
from audiolect.loader.pack_format import BYTES_PER_SAMPLE, FULL_SCALE
from audiolect.loader.pack_opening import PackFiles, open_files_of_pack
from audiolect.loader.remote_ranges import is_url
from audiolect.loader.waveforms import (
    Integers,
    IntegersLike,
    RecordingRows,
    Spans,
    Waveforms,
    absent_recordings,
    as_ids,
    check_spans,
    row_and_span,
)

_INT16 = np.dtype("<i2")
_PIECE_BYTES = 1 << 20  # of PCM read at once: 16 s at 32 kHz; more would not stay in cache until it is multiplied
_SOURCE_COLUMNS = ("recording_id", "source_start_sample", "source_num_samples", "source_rate_hz")


class Pack:
    """An open pack; a ``waveforms.WaveformSource``. Made by ``open_pack``.

    Args:
        files: its files, opened and checked.
        threads: how many threads share the spans of one call.
        verify: the policy, for a copy of the pack in another process.
    """

    def __init__(self, files: PackFiles, *, threads: int = 1, verify: str = "first") -> None:
        self.place, self.card, index = files.place, files.card, files.index
        self.recording_ids: pl.Series = index["recording_id"]
        self.num_samples: Integers = index["num_samples"].to_numpy()
        self.sources: pl.DataFrame = index.select(_SOURCE_COLUMNS)
        self._rows = RecordingRows(self.recording_ids)
        self._shard = index["shard"].to_numpy()
        self._start_byte = index["start_byte"].to_numpy()
        self._num_bytes = index["num_bytes"].to_numpy()
        self._factor = (index["scale"].to_numpy() * np.float32(1 / FULL_SCALE)).astype(np.float32)
        self._shards = files.shards
        self._threads, self._verify = threads, verify
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def __reduce__(self) -> tuple[Callable[..., Pack], tuple[str, str, int]]:
        # Another process opens the files anew.
        return (_opened_again, (self.place, self._verify, self._threads))

    def __len__(self) -> int:
        """How many recordings there are."""
        return len(self.num_samples)

    @property
    def rate_hz(self) -> int:
        """The rate of everything that is read."""
        return self.card.rate_hz

    def rows_of(self, recording_ids: Sequence[str] | pl.Series) -> Integers:
        """(M,) int64: the rows of M recordings.

        Raises:
            DatasetError: some of them are not in the pack.
            UsageError: the ids are not texts.
        """
        wanted = as_ids(recording_ids)
        rows, absent = self._rows.find(wanted)
        if len(absent):
            raise self._absent(absent, wanted.n_unique(), "DATASET")
        return rows

    def read(self, recording: int | str, start_sample: int = 0, num_samples: int | None = None) -> Waveforms:
        """A span of one recording, given by its row or its id.

        Args:
            recording: its row or its id.
            start_sample: the first sample, at ``rate_hz``.
            num_samples: how many; None: all to the end.

        Returns:
            (num_samples,) float32.

        Raises:
            SpanError: the span does not lie within the recording.
            DatasetError, UsageError: there is no such recording.
            DamagedFile, DownloadError: as ``read_into``.
        """
        row, start, count = row_and_span(self, recording, start_sample, num_samples)
        out = np.empty((1, count), np.float32)
        self._read_part(out, Spans(*(np.array([value]) for value in (row, start, count))))
        waveform: Waveforms = out[0]
        return waveform

    def read_into(
        self,
        out: Waveforms,
        rows: IntegersLike,
        starts: IntegersLike,
        counts: IntegersLike,
    ) -> None:
        """Read B spans into ``out`` (B, T) float32: row b gets the samples of span b, then zeros.

        Args:
            out: written from its first sample to its last; its rows need not lie end to end.
            rows: (B,) rows of the pack.
            starts: (B,) first samples of the spans.
            counts: (B,) their lengths, at most T.

        Raises:
            UsageError: an array has the wrong form, or there is no such row.
            SpanError: a span does not lie within its recording, or is longer than T. Nothing has been read.
            DamagedFile: bytes of the pack have changed since it was written, or are gone.
            DownloadError: a remote pack cannot be reached.
        """
        spans = check_spans(self, out, rows, starts, counts)
        parts = min(self._threads, len(out))
        if parts < 2:
            self._read_part(out, spans)
            return
        ends = [len(out) * part // parts for part in range(parts + 1)]
        slices = [slice(ends[part], ends[part + 1]) for part in range(parts)]
        pool = self._own_pool()
        pending = [pool.submit(self._read_part, out[part], _part_of(spans, part)) for part in slices[1:]]
        try:
            self._read_part(out[slices[0]], _part_of(spans, slices[0]))
        finally:
            failures = [future.exception() for future in pending]  # waits: nobody may write to out after this call
        for failure in failures:
            if failure is not None:
                raise failure

    def _read_part(self, out: Waveforms, spans: Spans) -> None:
        if self.card.codec == "flac":
            self._read_flac(out, spans)
        else:
            self._read_pcm(out, spans)

    def _read_pcm(self, out: Waveforms, spans: Spans) -> None:
        rows, width = spans.rows, out.shape[1]
        sizes = spans.counts * BYTES_PER_SAMPLE
        begins = self._start_byte[rows] + spans.starts * BYTES_PER_SAMPLE
        shards, factors, counts = self._shard[rows], self._factor[rows], spans.counts.tolist()
        if len(rows) and sizes.max() > _PIECE_BYTES:
            self._read_in_pieces(out, shards, begins, sizes, factors)
        else:
            views = self._shards.fetch(shards.tolist(), begins.tolist(), sizes.tolist())
            for at, (view, count) in enumerate(zip(views, counts, strict=True)):
                if count:
                    np.multiply(np.frombuffer(view, _INT16), factors[at], out=out[at, :count])
        for at, count in enumerate(counts):
            if count < width:
                out[at, count:] = 0

    def _read_in_pieces(
        self, out: Waveforms, shards: Integers, begins: Integers, sizes: Integers, factors: Waveforms
    ) -> None:
        """As ``_read_pcm`` for long spans: in pieces that stay in cache until they have been multiplied."""
        num_pieces = -(-sizes // _PIECE_BYTES)
        owners = np.repeat(np.arange(len(sizes)), num_pieces)
        offsets = (np.arange(len(owners)) - np.repeat(np.cumsum(num_pieces) - num_pieces, num_pieces)) * _PIECE_BYTES
        piece_sizes = np.minimum(sizes[owners] - offsets, _PIECE_BYTES)
        views = self._shards.fetch(shards[owners].tolist(), (begins[owners] + offsets).tolist(), piece_sizes.tolist())
        places = (offsets // BYTES_PER_SAMPLE).tolist()
        for view, at, place in zip(views, owners.tolist(), places, strict=True):
            samples = np.frombuffer(view, _INT16)
            np.multiply(samples, factors[at], out=out[at, place : place + len(samples)])

    def _read_flac(self, out: Waveforms, spans: Spans) -> None:
        scratch = np.empty(int(spans.counts.max(initial=0)), np.int16)
        for at, (row, start, count) in enumerate(
            zip(spans.rows.tolist(), spans.starts.tolist(), spans.counts.tolist(), strict=True)
        ):
            shard, length = int(self._shard[row]), int(self.num_samples[row])
            entry = Entry(int(self._start_byte[row]), int(self._num_bytes[row]), length)

            def fetch(first: int, size: int, shard: int = shard) -> bytes:
                return b"".join(self._shards.fetch([shard], [first], [size]))

            samples = scratch[:count]
            try:
                decode_span(fetch, entry, start, samples)
            except DamagedFile as problem:
                if problem.where is None:
                    raise self._undecodable(row, problem) from problem
                raise
            np.multiply(samples, self._factor[row], out=out[at, :count])
            out[at, count:] = 0

    def _own_pool(self) -> ThreadPoolExecutor:
        """The threads of this process; those of its parent have not come along."""
        pool = self._pool
        if pool is None or pool[0] != os.getpid():
            pool = self._pool = (os.getpid(), ThreadPoolExecutor(self._threads - 1, "pack"))
        return pool[1]

    def _absent(self, absent: pl.Series, num_asked: int, dataset: str) -> DatasetError:
        left_out = ", ".join(f"{reason} {count}" for reason, count in self.card.left_out.items() if count)
        cause = f"left out when it was packed: {left_out} (problems.jsonl of the pack)" if left_out else None
        codec = "" if self.card.codec == "pcm" else f" --codec {self.card.codec}"
        return absent_recordings(
            absent,
            num_asked=num_asked,
            where=f"pack {self.place}",
            cause=cause or "they came to the dataset after it was packed, or this is the pack of another dataset",
            fix=f"audiolect pack {quote(dataset)} --rate-hz {self.rate_hz}{codec} --out {quote(self.place)}",
        )

    def _undecodable(self, row: int, problem: DamagedFile) -> DamagedFile:
        first, shard = int(self._start_byte[row]), self.card.shards[int(self._shard[row])].name
        return DamagedFile(
            problem.what,
            where=f"{self.place}/{shard}, bytes {first} to {first + int(self._num_bytes[row])}, "
            f"recording {self.recording_ids[row]!r}",
            expected=problem.expected,
            found=problem.found,
            fix=f"audiolect pack verify {self.place}",
        )


def open_pack(folder: str | Path, *, verify: str = "first", threads: int = 1) -> Pack:
    """Open a pack: its card and index are read and checked, and the lengths of its shards.

    Args:
        folder: a folder, or a URL of any kind that fsspec knows (extra ``remote``); credentials come from where fsspec
            looks for them.
        verify: ``first``, ``always`` or ``never``; see above.
        threads: how many threads share the spans of one call.

    Raises:
        StorageError: there is no pack.
        UnknownVersion: its version or its codec is not known.
        DamagedFile: a file of it is missing, short, or not the one that was written.
        UsageError: an argument is wrong.
        DownloadError, MissingDependency: a URL cannot be read.
    """
    if verify not in VERIFY_POLICIES:
        raise unknown_name("policy of verifying", verify, VERIFY_POLICIES)
    if threads < 1:
        raise UsageError("A pack is read by one thread or more.", expected="1 or more", found=threads)
    place = str(folder)
    place = place.rstrip("/") if is_url(place) else place.removeprefix("file://")
    return Pack(open_files_of_pack(place, verify), threads=threads, verify=verify)


def open_pack_of(folder: str | Path, dataset: Dataset) -> Pack:
    """Open a pack that should hold recordings of a dataset; it need not hold all.

    Raises:
        As ``open_pack`` and ``check_same_spans``.
    """
    pack = open_pack(folder)
    check_same_spans(pack, dataset)
    return pack


def check_pack_of(pack: Pack, dataset: Dataset) -> None:
    """Check that every recording of a dataset stands in a pack, with the same span of the same rate.

    Raises:
        DatasetError: some are absent, or are other spans.
    """
    if pack.card.fingerprint == dataset.card.fingerprint:
        return
    wanted = dataset.recordings.select("recording_id")
    absent = wanted.join(pack.sources, on="recording_id", how="anti", maintain_order="left")["recording_id"]
    if len(absent):
        raise pack._absent(absent, wanted.height, str(dataset.folder))
    check_same_spans(pack, dataset)


def check_same_spans(pack: Pack, dataset: Dataset) -> None:
    """Check that those recordings of a dataset that stand in a pack are the same spans of the same rate there.

    Raises:
        DatasetError: some are other spans, as in a pack of another dataset whose recordings have the same names.
    """
    if pack.card.fingerprint == dataset.card.fingerprint:
        return
    wanted = dataset.recordings.select("recording_id", "start_sample", "num_samples", "sample_rate_hz")
    both = wanted.join(pack.sources, on="recording_id", how="inner", maintain_order="left")
    pairs = (("start_sample",) * 2, ("num_samples",) * 2, ("sample_rate_hz", "rate_hz"))
    other = both.filter(pl.any_horizontal(pl.col(mine) != pl.col(f"source_{theirs}") for mine, theirs in pairs))
    if other.height:
        row = other.row(0, named=True)
        there = f"{row['source_num_samples']} samples from {row['source_start_sample']}"
        raise DatasetError(
            f"{other.height} of {wanted.height} recordings are other spans in the pack than in the dataset.",
            where=f"pack {pack.place}, e.g. recording {row['recording_id']!r}",
            expected=f"{row['num_samples']} samples from {row['start_sample']} at {row['sample_rate_hz']} Hz",
            found=f"{there} at {row['source_rate_hz']} Hz",
            cause="the dataset was prepared again, or this is the pack of another dataset",
            fix=f"audiolect pack {quote(str(dataset.folder))} --rate-hz {pack.rate_hz} --out ANOTHER_PACK",
        )


def _part_of(spans: Spans, part: slice) -> Spans:
    return Spans(spans.rows[part], spans.starts[part], spans.counts[part])


def _opened_again(place: str, verify: str, threads: int) -> Pack:
    return open_pack(place, verify=verify, threads=threads)
