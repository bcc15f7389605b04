"""Two ways to know a recording again: a hash of its samples, and a spectral fingerprint that survives re-encoding.

``pcm_hash`` is equal exactly where two recordings are the same 16-bit audio, whatever file holds it. ``fingerprint``
is for copies that went through MP3 or OGG, a change of gain, of sampling rate, or of the start.

Conventions: a fingerprint is an array (F, 2) of uint32, one row for each 32 ms. Column 0 holds 32 signs, column 1
says which of them count. Bit m of row t is the sign of ``(L[t+4, m+1] - L[t, m+1]) - (L[t+4, m] - L[t, m])``, L being
the level in dB of 33 smoothed bands: did the upper of two neighbouring bands gain more in 128 ms than the lower one? A
constant factor of gain or of frequency response cancels. Differences below 1 dB do not count, so that bands without
sound and steady sounds say nothing. Two fingerprints are laid over one another at every shift at which at least a
quarter of the bits of the poorer one is compared; their similarity is

    (agreeing bits - disagreeing bits) / (bits compared + 50)

at the best one, at least 0. The 50 keep short coincidences low. Unrelated recordings of ESC-10 give 0.12 and at most
0.4 in 79,700 pairs, re-encoded copies of them 0.96 and at least 0.77, copies through a chain of changes at least 0.65.

What is guaranteed: silence (below -90 dBFS between 200 and 3400 Hz), steady tones and anything under 0.3 s have a
fingerprint without rows, which is similar to nothing, itself included. At least 0.7 s of changing sound, and a quarter
of the poorer recording, must be shared for a near-duplicate: compare shorter recordings by ``pcm_hash``. Changes above
3400 Hz are not seen, and copies of changed pitch or speed are not recognised. Noise (rain, waves) of different origin
differs, as it never repeats.

Source: the signs follow J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002, section
4.2; the bits that do not count, the time lag and the evidence term are ours. ``bench/fingerprint.py`` prints how well
it separates.

Public names: pcm_hash, fingerprint, similarity, is_near_duplicate, best_alignment, Alignment, DUPLICATE_SIMILARITY,
Fingerprint, check_fingerprint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolect.audio.band_energies import HOP_SECONDS, NUM_BANDS, band_energies, fast_length
from audiolect.audio.pcm_stream import NUM_DIGITS, start_digest
from audiolect.errors import AudioError, UsageError

Fingerprint = npt.NDArray[np.uint32]

# Between what strangers reach and what copies fall to, and above most sounds made by one and the same synthesiser.
DUPLICATE_SIMILARITY = 0.6

_HASH_BLOCK_SAMPLES = 1 << 16
_SMOOTHING = np.array([0.25, 0.75, 1.0, 0.75, 0.25], np.float32) / np.float32(3.0)
_LAG_FRAMES = 4
_LEAST_DIFFERENCE_DB = 1.0
_RANGE_DB = 60.0  # levels further below the loudest frame than this are floor
_SILENCE_POWER = 1e-9  # mean square of the loudest frame below which a recording counts as silent
_PRIOR_BITS = 50
_LEAST_SHARE = 0.25  # of the bits of the poorer fingerprint: short overlaps at the ends agree by chance


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well one fingerprint lies over another at the best shift.

    ``offset_seconds`` is where the second begins on the time axis of the first (negative: before it), to 32 ms.
    ``num_bits`` is how many bits were compared there: 0 where the two have nothing to compare.
    """

    similarity: float
    offset_seconds: float
    num_bits: int


def pcm_hash(samples: npt.NDArray[np.float32] | npt.NDArray[np.int16], sample_rate_hz: int) -> str:
    """The hash of rate, channel count and 16-bit samples, as 32 hexadecimal digits; ``pcm_stream`` says which.

    Samples are scaled by 32768, rounded half to even, and held to 16 bits. So 16-bit audio hashes the same from WAV,
    FLAC or any other lossless file. 24-bit and float audio is hashed as its nearest 16-bit audio: two masters that
    differ by less than that are one, and values beyond full scale count as full scale. Decoded MP3, OGG and Opus hash
    the same as long as the decoder gives the same values.

    Args:
        samples: (T,) or (T, C); (T,) and (T, 1) are the same, and T may be 0. float32 with a full scale of 1, or int16
            where the file holds 16-bit integers, which saves the rounding.
        sample_rate_hz: a positive integer.

    Raises:
        UsageError: wrong shape or type, or a rate that is not positive.
        AudioError: a sample is NaN or infinite.
    """
    if samples.ndim not in (1, 2) or samples.dtype not in (np.float32, np.float64, np.int16):
        raise UsageError(
            "A waveform to hash has the wrong type or shape.",
            expected="(T,) or (T, C) of float32 or int16",
            found=f"{samples.shape} of {samples.dtype}",
        )
    _check_rate(sample_rate_hz)
    num_channels = samples.shape[1] if samples.ndim == 2 else 1
    digest = start_digest(sample_rate_hz, num_channels)
    flat = np.ascontiguousarray(samples).reshape(-1)
    if flat.dtype == np.int16:
        digest.update(flat.astype("<i2", copy=False).data)
    else:
        _hash_quantised(digest, flat.astype(np.float32, copy=False))
    return str(digest.hexdigest())[:NUM_DIGITS]


def fingerprint(samples: npt.NDArray[np.float32], sample_rate_hz: int) -> Fingerprint:
    """The spectral fingerprint of a mono waveform; see the top of this file.

    Args:
        samples: (T,) float32.
        sample_rate_hz: a positive integer.

    Returns:
        (F, 2) uint32, F = 0 for silence, steady tones and anything too short.

    Raises:
        UsageError: not one channel, or a rate that is not positive.
        AudioError: a sample is NaN or infinite.
    """
    if samples.ndim != 1:
        raise UsageError(
            "A fingerprint is taken of one channel.",
            expected="(T,)",
            found=samples.shape,
            fix="mix down with audiolect.audio.resample.to_mono",
        )
    _check_rate(sample_rate_hz)
    samples = np.asarray(samples, np.float32)
    _check_finite(samples)
    energies = band_energies(samples, sample_rate_hz)
    num_smooth = len(energies) - len(_SMOOTHING) + 1
    if num_smooth <= _LAG_FRAMES:
        return _no_bits()
    smooth = sum(weight * energies[i : i + num_smooth] for i, weight in enumerate(_SMOOTHING))
    power = np.sum(smooth, axis=1)
    loudest = float(np.max(power))
    if loudest < _SILENCE_POWER:
        return _no_bits()
    floor = np.float32(loudest / NUM_BANDS * 10.0 ** (-_RANGE_DB / 10.0))
    levels_db = np.float32(10.0 / math.log(10.0)) * np.log(smooth + floor)  # three times faster than log10
    gains_db = levels_db[_LAG_FRAMES:] - levels_db[:-_LAG_FRAMES]
    differences_db = np.diff(gains_db, axis=1)
    words = np.stack([_pack(differences_db > 0), _pack(np.abs(differences_db) > _LEAST_DIFFERENCE_DB)], axis=1)
    return words if words[:, 1].any() else _no_bits()


def best_alignment(first: Fingerprint, second: Fingerprint) -> Alignment:
    """Lay two fingerprints over one another at every shift, and give the best.

    Costs about 0.1 ms for recordings of 5 s, and grows as n log n with their length.

    Raises:
        UsageError: not arrays that ``fingerprint`` makes.
    """
    check_fingerprint(first)
    check_fingerprint(second)
    if len(first) == 0 or len(second) == 0:
        return Alignment(0.0, 0.0, 0)
    num_shifts = fast_length(len(first) + len(second))
    balance, counts = _correlate(_signs(first), _signs(second), num_shifts)
    least_bits = max(1.0, _LEAST_SHARE * min(_count_bits(first), _count_bits(second)))
    scores = np.where(counts >= least_bits, balance / (counts + _PRIOR_BITS), -np.inf)
    best = int(np.argmax(scores))
    if scores[best] == -np.inf:
        return Alignment(0.0, 0.0, 0)
    offset = best if best < len(first) else best - num_shifts
    return Alignment(max(0.0, float(scores[best])), offset * HOP_SECONDS, int(counts[best]))


def similarity(first: Fingerprint, second: Fingerprint) -> float:
    """How alike two fingerprints are at their best shift, from 0 to 1, in either order the same."""
    return best_alignment(first, second).similarity


def is_near_duplicate(first: Fingerprint, second: Fingerprint, threshold: float = DUPLICATE_SIMILARITY) -> bool:
    """Whether two fingerprints are of the same sound, at least in part."""
    return similarity(first, second) >= threshold


def check_fingerprint(words: Fingerprint) -> None:
    """Refuse an array that ``fingerprint`` cannot have made.

    Raises:
        UsageError: saying what it is.
    """
    if words.ndim != 2 or words.shape[1] != 2 or words.dtype != np.uint32:
        raise UsageError(
            "This array is not a fingerprint.",
            expected="(F, 2) uint32, as audiolect.audio.fingerprint.fingerprint gives",
            found=f"{words.shape} {words.dtype}",
        )


def _hash_quantised(digest: Any, flat: npt.NDArray[np.float32]) -> None:
    """Feed the 16-bit samples in blocks that fit the processor's cache, through the same two buffers."""
    scaled = np.empty(min(len(flat), _HASH_BLOCK_SAMPLES), np.float32)
    quantised = np.empty(len(scaled), "<i2")
    for first in range(0, len(flat), _HASH_BLOCK_SAMPLES):
        n = min(_HASH_BLOCK_SAMPLES, len(flat) - first)
        block = np.multiply(flat[first : first + n], np.float32(32768.0), out=scaled[:n])
        _check_finite(block)
        np.rint(block, out=block)
        np.clip(block, -32768.0, 32767.0, out=block)
        np.copyto(quantised[:n], block, casting="unsafe")
        digest.update(quantised[:n].data)


def _correlate(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], num_shifts: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For every circular shift the sum of products, and the number of products that are not 0. Inputs are (32, F)."""
    totals = []
    for a, b in ((first, second), (np.abs(first), np.abs(second))):
        spectrum = np.fft.rfft(a, num_shifts) * np.conj(np.fft.rfft(b, num_shifts))
        # Whole numbers by nature: rounding takes away what the transform adds, so that the order does not matter.
        totals.append(np.rint(np.fft.irfft(np.sum(spectrum, axis=0), num_shifts)).astype(np.float64))
    return totals[0], totals[1]


def _count_bits(words: Fingerprint) -> int:
    return int(np.bitwise_count(words[:, 1]).sum())


def _signs(words: Fingerprint) -> npt.NDArray[np.float32]:
    """(32, F) float32: 1 or -1 where a bit counts, 0 where it does not."""
    bits = np.unpackbits(np.ascontiguousarray(words.T, "<u4").view(np.uint8), axis=1, bitorder="little")
    up, counts = bits.reshape(2, len(words), 32).astype(np.float32)
    return np.ascontiguousarray(((2.0 * up - 1.0) * counts).T, np.float32)


def _pack(bits: npt.NDArray[np.bool_]) -> Fingerprint:
    """(F, 32) of bool → (F,) uint32, the first column being the lowest bit."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    return packed.view("<u4").reshape(-1).astype(np.uint32, copy=False)


def _no_bits() -> Fingerprint:
    return np.zeros((0, 2), np.uint32)


def _check_rate(sample_rate_hz: int) -> None:
    if sample_rate_hz <= 0:
        raise UsageError("A sampling rate must be positive.", expected="1 Hz or more", found=sample_rate_hz)


def _check_finite(samples: npt.NDArray[np.float32]) -> None:
    # The sum of squares is not finite if any sample is not: one fast pass instead of a mask. It may overflow by itself.
    flat = samples.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.dot(flat, flat))
    if not math.isfinite(squares) and not np.isfinite(samples).all():
        raise AudioError(
            "The waveform holds values that are not finite.",
            expected="float32 numbers, nominally from -1 to 1",
            found="NaN" if np.isnan(samples).any() else "infinity",
            cause="a damaged float file, or a division by zero in what made it",
            fix="mend or remove the recording",
        )
