"""Entries of a pack that are FLAC: a span of one is decoded from where it begins, not from the start of the entry.

Conventions: an entry is a whole FLAC stream, 16 bit, mono. Short entries are fetched whole; of a long one only the
pieces that the decoder asks for while it looks for the span, a few besides those of the span itself. FLAC is lossless
and libsndfile seeks in it exactly, so the integers are those of a pack of PCM.

Public names: Entry, decode_span.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]

from audiolect.audio.sndfile import Forward
from audiolect.errors import AudiolectError, DamagedFile

# An entry up to this length is fetched whole: a minute or so, less than the pieces that seeking in it would touch.
_WHOLE_BYTES = 1 << 21
_PIECE_BYTES = 1 << 18

# (first byte, number of bytes) of a shard → those bytes, checked
Fetch = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry lies in its shard, and how many samples it has."""

    start_byte: int
    num_bytes: int
    num_samples: int


def decode_span(fetch: Fetch, entry: Entry, start_sample: int, out: npt.NDArray[np.int16]) -> None:
    """Decode a span of an entry into ``out`` (T,) int16, T samples from ``start_sample``.

    Args:
        fetch: gives bytes of the shard.
        entry: what the index says of it.
        start_sample: where the span begins; it lies within the entry.

    Raises:
        DamagedFile: the entry cannot be decoded, or is not the one that the index describes.
    """
    if not len(out):
        return
    if entry.num_bytes <= _WHOLE_BYTES:
        decoded = _decode(io.BytesIO(fetch(entry.start_byte, entry.num_bytes)), entry.num_samples, start_sample, out)
    else:
        pieces = _Pieces(fetch, entry)
        try:
            decoded = _decode(pieces, entry.num_samples, start_sample, out)
        finally:
            if pieces.problem is not None:
                raise pieces.problem
    if decoded < len(out):
        raise _damaged(f"{len(out)} samples from sample {start_sample}", f"{decoded} samples")


def _decode(file: Any, num_samples: int, start_sample: int, out: npt.NDArray[np.int16]) -> int:
    try:
        with Forward(file) as decoder:
            form = (decoder.frames, decoder.channels, decoder.format, decoder.subtype)
            if form != (num_samples, 1, "FLAC", "PCM_16"):
                raise _damaged(f"{num_samples} samples of mono FLAC, 16 bit", "{} samples x {}, {} {}".format(*form))
            if start_sample:
                decoder.seek(start_sample)
            return len(decoder.read(out=out))
    except soundfile.LibsndfileError as problem:
        raise _damaged("FLAC", f"libsndfile says: {problem.error_string}") from problem


class _Pieces:
    """An entry as a file to read and seek in, fetched piece by piece as it is needed; the last few pieces are kept."""

    _most_kept = 4

    def __init__(self, fetch: Fetch, entry: Entry) -> None:
        self._fetch, self._start, self._size = fetch, entry.start_byte, entry.num_bytes
        self._at = 0
        # What went wrong in fetching: libsndfile calls this file from C, where no exception can pass.
        self.problem: AudiolectError | None = None
        self._kept: dict[int, bytes] = {}

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as files do."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        """Where the file stands."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, less at the end."""
        end = self._size if size < 0 else min(self._size, self._at + size)
        parts = []
        while self._at < end:
            number = self._at // _PIECE_BYTES
            offset = self._at - number * _PIECE_BYTES
            try:
                part = self._piece(number)[offset : offset + end - self._at]
            except AudiolectError as problem:
                self.problem = problem
                break
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def _piece(self, number: int) -> bytes:
        piece = self._kept.pop(number, None)
        if piece is None:
            first = number * _PIECE_BYTES
            piece = self._fetch(self._start + first, min(_PIECE_BYTES, self._size - first))
            if len(self._kept) >= self._most_kept:
                del self._kept[next(iter(self._kept))]
        self._kept[number] = piece
        return piece


def _damaged(expected: str, found: str) -> DamagedFile:
    return DamagedFile("An entry of a pack cannot be decoded.", expected=expected, found=found)
