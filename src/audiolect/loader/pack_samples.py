"""One recording as a pack keeps it: decoded, mixed to mono, resampled, rounded to 16 bits under one scale.

Conventions: x = int16 / 32768 * scale, as ``docs/formats.md`` says. Scale is 1 unless a sample would not fit; then it
is the peak * 32768 / 32767. Short spans are decoded once and held as float32. A span that is longer than
WHOLE_SAMPLES, at the file's rate or at the pack's, is never held: it streams through the resampler block by block, and
is decoded a second time where its peak asks for a scale. Both ways give the same bits.

Public names: SourceSpan, Packed, round_recording, WHOLE_SAMPLES, NotFinite, OtherRate.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from audiolect.audio.resample import mix_down, padding_for_resampling, resample_padded, resampled_length
from audiolect.audio.spans import Span, open_span
from audiolect.errors import UnreadableAudio

Samples = npt.NDArray[np.float32]
Sink = Callable[[npt.NDArray[np.int16]], object]

WHOLE_SAMPLES = 1 << 22  # 16 MiB of float32: 95 s at 44.1 kHz
_FULL_SCALE = 32768.0
_LARGEST = 32767.0
_PIECE_SAMPLES = 1 << 16  # rounded at a time: 256 KiB of float32, which stay in cache


class NotFinite(UnreadableAudio):
    """The audio holds NaN or infinite values."""


class OtherRate(UnreadableAudio):
    """The sample rate of a file is not the one that the table states."""


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A span of an audio file, as a dataset names it: positions count samples at ``rate_hz``, the file's rate."""

    path: Path
    start_sample: int
    num_samples: int
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Packed:
    """What became of a recording: its length at the rate of the pack, and its scale."""

    num_samples: int
    scale: float


def round_recording(span: SourceSpan, rate_hz: int, sink: Sink, start_again: Callable[[], object]) -> Packed:
    """Decode a span and hand its samples, mono and at the rate of the pack, to ``sink`` as int16, piece by piece.

    Args:
        span: what to read.
        rate_hz: of the pack.
        sink: takes the next piece, (n,) little-endian int16, valid until the next one.
        start_again: called when a sample does not fit: what the sink has taken counts for nothing, all pieces come
            again, divided by the scale.

    Raises:
        AudioError, MissingDependency: as ``audio.files.read``.
        NotFinite, OtherRate: see their names.
    """
    num_samples = resampled_length(span.num_samples, span.rate_hz, rate_hz)
    if max(span.num_samples, num_samples) <= WHOLE_SAMPLES:
        whole = _whole(span, num_samples, rate_hz)
        pieces: Callable[[], Iterable[Samples]] = lambda: (whole,)  # noqa: E731 - the shorter of two ways
    else:
        pieces = lambda: _streamed(span, num_samples, rate_hz)  # noqa: E731
    lowest, highest = _hand_over(pieces(), np.float32(_FULL_SCALE), sink, span, clip=False)
    if round(lowest) >= -_FULL_SCALE and round(highest) <= _LARGEST:
        return Packed(num_samples, 1.0)
    start_again()
    scale = np.float32(max(-lowest, highest) / _LARGEST)
    _hand_over(pieces(), np.float32(_FULL_SCALE / float(scale)), sink, span, clip=True)
    return Packed(num_samples, float(scale))


def _hand_over(
    blocks: Iterable[Samples], factor: np.float32, sink: Sink, span: SourceSpan, *, clip: bool
) -> tuple[float, float]:
    """Round blocks times a factor and give them to the sink, up to the first sample that does not fit.

    Returns:
        The lowest and highest value before rounding, and 0.
    """
    scaled, rounded = np.empty(_PIECE_SAMPLES, np.float32), np.empty(_PIECE_SAMPLES, "<i2")
    lowest, highest = 0.0, 0.0
    for block in blocks:
        for start in range(0, len(block), _PIECE_SAMPLES):
            piece = block[start : start + _PIECE_SAMPLES]
            values = np.multiply(piece, factor, out=scaled[: len(piece)])
            least, most = float(values.min()), float(values.max())
            if not np.isfinite(least - most):
                raise NotFinite("The audio holds NaN or infinite values.", where=span.path)
            lowest, highest = min(lowest, least), max(highest, most)
            np.rint(values, out=values)
            if clip:
                np.clip(values, -_FULL_SCALE, _LARGEST, out=values)
            elif lowest < -_FULL_SCALE - 0.5 or highest > _LARGEST + 0.5:
                continue  # the peak is looked for; what was taken so far will be given anew
            integers = rounded[: len(piece)]
            np.copyto(integers, values, casting="unsafe")
            sink(integers)
    return lowest, highest


def _whole(span: SourceSpan, num_samples: int, rate_hz: int) -> Samples:
    padding = 0 if span.rate_hz == rate_hz else padding_for_resampling(span.rate_hz, rate_hz)
    mono = np.empty(span.num_samples + padding, np.float32)
    mono[span.num_samples :] = 0
    done = 0
    with _opened(span) as source:
        for block in source.blocks:
            mix_down(block, mono[done : done + len(block)])
            done += len(block)
    if span.rate_hz == rate_hz:
        return mono
    return resample_padded(mono, num_samples, span.rate_hz, rate_hz)


def _streamed(span: SourceSpan, num_samples: int, rate_hz: int) -> Generator[Samples, None, None]:
    with _opened(span) as source, closing(_mono(source)) as blocks:
        if span.rate_hz == rate_hz:
            yield from blocks
            return
        resampler = soxr.ResampleStream(span.rate_hz, rate_hz, 1, "float32", "HQ")
        left = num_samples
        for block in blocks:
            ready: Samples = resampler.resample_chunk(block)
            left -= len(ready)
            yield ready
        # The zeros that audio.resample puts behind the samples, so that soxr, which rounds, gives all that are due.
        rest: Samples = resampler.resample_chunk(
            np.zeros(padding_for_resampling(span.rate_hz, rate_hz), np.float32), last=True
        )
        yield rest[:left]


def _mono(source: Span) -> Generator[Samples, None, None]:
    """The mean of the channels, in blocks that are valid until the next one."""
    mono = np.empty(0, np.float32)
    for block in source.blocks:
        if len(mono) < len(block):
            mono = np.empty(len(block), np.float32)
        mix_down(block, mono[: len(block)])
        yield mono[: len(block)]


@contextmanager
def _opened(span: SourceSpan) -> Iterator[Span]:
    with open_span(span.path, span.start_sample, span.num_samples) as source:
        found_hz = source.info.sample_rate_hz
        if found_hz != span.rate_hz:
            raise OtherRate(
                "The sample rate of the file is not the one that the table states.",
                where=span.path,
                expected=f"{span.rate_hz} Hz",
                found=f"{found_hz} Hz",
            )
        yield source
