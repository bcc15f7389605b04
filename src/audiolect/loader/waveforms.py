"""What a pack and a dataset's own audio files both are: recordings at one rate, of which any span can be read.

Conventions: rows are positions in the source's own order of recordings; positions and lengths count samples at
``rate_hz``. What comes back is mono float32, (T,) for one span, or rows of a (B, T) array that the caller owns: the
first ``counts[b]`` samples of row b are the span, the rest of the row is set to zero. A span of no samples is a span.
A span that does not lie within its recording is an error before anything is read. Every source may be read from many
threads at once, and after a fork.

Public names: WaveformSource, Spans, check_spans, row_and_span, RecordingRows, as_ids, absent_recordings; the types
Waveforms, Integers, IntegersLike.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.errors import AudiolectError, DatasetError, SpanError, UsageError

Waveforms = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
IntegersLike = Sequence[int] | npt.NDArray[np.integer[Any]]

_MOST_NAMES = 5


class WaveformSource(Protocol):
    """Recordings at one rate. ``num_samples`` (N,) and ``recording_ids`` (N,) stand in the source's order of rows."""

    @property
    def rate_hz(self) -> int:
        """The rate of everything that is read."""

    @property
    def num_samples(self) -> Integers:
        """(N,) int64: the length of each recording."""

    @property
    def recording_ids(self) -> pl.Series:
        """(N,) texts: the id of each recording."""

    def rows_of(self, recording_ids: Sequence[str] | pl.Series) -> Integers:
        """(M,) int64: the rows of M recordings.

        Raises:
            DatasetError: some of them are absent; how many, some of their names, and what adds them.
        """

    def read(self, recording: int | str, start_sample: int = 0, num_samples: int | None = None) -> Waveforms:
        """A span of one recording, given by its row or its id: (T,) float32. None: all to the end."""

    def read_into(self, out: Waveforms, rows: IntegersLike, starts: IntegersLike, counts: IntegersLike) -> None:
        """Read B spans into ``out`` (B, T) float32, which need not be contiguous between its rows.

        Args:
            out: row b gets the samples of span b, then zeros.
            rows: (B,) rows of the source.
            starts: (B,) first samples of the spans.
            counts: (B,) their lengths, at most T.
        """


@dataclass(frozen=True, slots=True)
class Spans:
    """B spans that lie within their recordings: rows, first samples and lengths, each (B,) int64."""

    rows: Integers
    starts: Integers
    counts: Integers


def check_spans(
    source: WaveformSource, out: Waveforms, rows: IntegersLike, starts: IntegersLike, counts: IntegersLike
) -> Spans:
    """The spans as arrays, when they can be read into ``out``.

    Raises:
        UsageError: ``out`` is not (B, T) float32 that can be written, an argument is not B integers, or a row does not
            exist.
        SpanError: a span does not lie within its recording, or is longer than T.
    """
    if not isinstance(out, np.ndarray) or out.dtype != np.float32 or out.ndim != 2 or not out.flags.writeable:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise UsageError("The array for the waveforms has the wrong form.", expected="(B, T) float32", found=found)
    size, width = out.shape
    spans = Spans(
        *(_integers(values, name, size) for values, name in ((rows, "rows"), (starts, "starts"), (counts, "counts")))
    )
    if not size:
        return spans
    lengths = source.num_samples
    if spans.rows.min() < 0 or spans.rows.max() >= len(lengths):
        wrong = int(spans.rows[(spans.rows < 0) | (spans.rows >= len(lengths))][0])
        raise UsageError("There is no such row.", expected=f"0 to {len(lengths) - 1}", found=wrong)
    rest = lengths[spans.rows] - spans.starts
    bad = (spans.starts < 0) | (spans.counts < 0) | (spans.counts > rest) | (spans.counts > width)
    if bad.any():
        raise _outside(source, spans, int(bad.argmax()), width)
    return spans


def row_and_span(
    source: WaveformSource, recording: int | str, start_sample: int, num_samples: int | None
) -> tuple[int, int, int]:
    """Row, first sample and length of a span that lies within one recording, given by row or id.

    Raises:
        SpanError: the span does not lie within the recording.
        DatasetError: there is no recording of this id.
        UsageError: there is no such row.
    """
    row = int(source.rows_of([recording])[0]) if isinstance(recording, str) else operator.index(recording)
    if not 0 <= row < len(source.num_samples):
        raise UsageError("There is no such row.", expected=f"0 to {len(source.num_samples) - 1}", found=row)
    start, length = operator.index(start_sample), int(source.num_samples[row])
    count = length - start if num_samples is None else operator.index(num_samples)
    if not 0 <= start <= start + count <= length:
        spans = Spans(*(np.array([value], np.int64) for value in (row, start, count)))
        raise _outside(source, spans, 0, count)
    return row, start, count


class RecordingRows:
    """From ids to rows, for any number of recordings: by their hashes, sorted at the first question, 16 bytes each."""

    def __init__(self, recording_ids: pl.Series) -> None:
        self._ids = recording_ids

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.intp]]:
        hashes = _hashes(self._ids)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def find(self, wanted: pl.Series) -> tuple[Integers, pl.Series]:
        """The row of each id, -1 where there is none, and the ids that there are none of."""
        rows = np.full(len(wanted), -1, np.int64)
        ordered, order = self._sorted
        hashes = _hashes(wanted)
        places = np.searchsorted(ordered, hashes)
        pending = np.arange(len(wanted))
        while len(pending):  # once, and once more for each id that another one shares its hash with
            pending = pending[places[pending] < len(ordered)]
            pending = pending[ordered[places[pending]] == hashes[pending]]
            candidates = order[places[pending]]
            same = (self._ids.gather(candidates) == wanted.gather(pending)).fill_null(value=False).to_numpy()
            rows[pending[same]] = candidates[same]
            pending = pending[~same]
            places[pending] += 1
        return rows, wanted.filter(pl.Series(rows < 0, dtype=pl.Boolean))


def as_ids(recording_ids: Sequence[str] | pl.Series) -> pl.Series:
    """The ids as a column of texts.

    Raises:
        UsageError: they are not texts.
    """
    if isinstance(recording_ids, pl.Series):
        column = recording_ids
    else:
        wrong = [value for value in recording_ids if not isinstance(value, str)]
        if isinstance(recording_ids, str) or wrong:
            found = repr(wrong[0]) if wrong else "one text"
            raise UsageError("Recording ids are given as a list of texts.", expected='["a.wav"]', found=found)
        column = pl.Series("recording_id", recording_ids, dtype=pl.String)
    if column.dtype != pl.String:
        raise UsageError("Recording ids are texts.", expected="a column of texts", found=column.dtype)
    return column


def absent_recordings(
    absent: pl.Series, *, num_asked: int, where: object, fix: str, cause: str | None = None
) -> DatasetError:
    """The letter for recordings that a source does not have: how many, some of their names, and what adds them."""
    names = absent.unique(maintain_order=True)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return DatasetError(
        f"{len(names)} of {num_asked} recordings are absent.",
        where=where,
        found=", ".join(repr(name) for name in names.head(_MOST_NAMES)) + more,
        cause=cause,
        fix=fix,
    )


def _hashes(ids: pl.Series) -> npt.NDArray[np.uint64]:
    return ids.hash().to_numpy()


def _integers(values: IntegersLike, name: str, size: int) -> Integers:
    array = np.asarray(values)
    if array.shape != (size,) or (size and array.dtype.kind not in "iu"):
        raise UsageError(
            f"The {name} of the spans have the wrong form.",
            expected=f"({size},) integers, one for each row of the array",
            found=f"{array.dtype} {array.shape}",
        )
    return array.astype(np.int64, copy=False)


def _outside(source: WaveformSource, spans: Spans, at: int, width: int) -> AudiolectError:
    row, start, count = int(spans.rows[at]), int(spans.starts[at]), int(spans.counts[at])
    length = int(source.num_samples[row])
    fits = start >= 0 and 0 <= count <= length - start
    return SpanError(
        "A span is longer than the row that it is read into." if fits else "A span does not lie within its recording.",
        where=f"recording {source.recording_ids[row]!r}",
        expected=f"at most {width} samples" if fits else f"within the {length} samples at {source.rate_hz} Hz",
        found=f"from sample {start}, {count} samples",
        cause=None if fits else "positions counted at another rate than that of the source",
    )
