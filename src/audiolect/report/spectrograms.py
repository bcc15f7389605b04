"""Small pictures of sound for a page, from numpy alone: a spectrogram as a PNG of some kilobytes.

Conventions: waveforms are (T,) float32 at a rate; the picture has time to the right, frequency upward on a mel-like
scale, and colours from dark to light over 70 dB below its loudest place.

Public names: thumbnail, png_bytes, WIDTH, HEIGHT.

Source: the PNG specification, third edition, W3C 2023 (a palette, one IDAT chunk, filter 0); the mel scale of
D. O'Shaughnessy, "Speech communication", 1987.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from audiolect.audio.resample import check_rate
from audiolect.errors import UsageError

WIDTH = 240
HEIGHT = 72

_WINDOW_SAMPLES = 1024
_RANGE_DB = 70.0
_LEAST_POWER = 1e-12
_LEVELS = 24  # fewer levels, fewer bytes: noise compresses badly
# Dark violet to pale yellow, rising evenly in lightness; read between these.
_COLOURS = np.array(
    [
        (9, 6, 30),
        (52, 16, 96),
        (112, 30, 124),
        (176, 48, 112),
        (228, 84, 84),
        (250, 148, 78),
        (253, 212, 130),
        (252, 250, 200),
    ],
    np.float64,
)


def thumbnail(waveform: npt.NDArray[np.float32], rate_hz: int, *, top_hz: float | None = None) -> bytes:
    """The spectrogram of a waveform (T,) as PNG, WIDTH × HEIGHT pixels.

    Args:
        top_hz: the highest frequency that is drawn, where the recording has none above; None: half the rate.

    Raises:
        UsageError: no samples, or no rate.
    """
    rate = check_rate(rate_hz)
    if waveform.ndim != 1 or not len(waveform):
        raise UsageError("There is no sound to draw.", expected="samples in one dimension", found=waveform.shape)
    power = _powers(waveform.astype(np.float64))
    bins = np.linspace(0, _mel(rate / 2 if top_hz is None else min(top_hz, rate / 2)), HEIGHT + 1)
    edges = np.clip(np.round(_hz(bins) / (rate / 2) * (power.shape[1] - 1)).astype(int), 0, power.shape[1] - 1)
    bands = np.stack([power[:, low : max(high, low + 1)].mean(axis=1) for low, high in pairwise(edges)])
    levels_db = 10 * np.log10(np.maximum(bands, _LEAST_POWER))
    shares = np.clip((levels_db - levels_db.max()) / _RANGE_DB + 1, 0, 1)
    return png_bytes((shares[::-1] * (_LEVELS - 1)).round().astype(np.uint8), _palette())


def png_bytes(levels: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file of (height, width) places in a palette (up to 256, 3) of red, green and blue."""
    height, width = levels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(levels, np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = np.ascontiguousarray(palette, np.uint8).tobytes()
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _powers(waveform: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(WIDTH, bins): the power spectra of WIDTH windows, laid evenly over the waveform."""
    padded = np.pad(waveform, (_WINDOW_SAMPLES // 2, _WINDOW_SAMPLES // 2))
    starts = np.linspace(0, len(padded) - _WINDOW_SAMPLES, WIDTH).astype(int)
    frames = padded[starts[:, None] + np.arange(_WINDOW_SAMPLES)] * np.hanning(_WINDOW_SAMPLES)
    return np.asarray(np.abs(np.fft.rfft(frames, axis=1)) ** 2, np.float64)


def _palette() -> npt.NDArray[np.uint8]:
    """(_LEVELS, 3)."""
    places, anchors = np.linspace(0, 1, _LEVELS), np.linspace(0, 1, len(_COLOURS))
    channels = [np.interp(places, anchors, _COLOURS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mels / 2595) - 1), np.float64)
