"""Augmentations of waveforms: gain, shift, speed, noise and mix, drawn apart from where they are applied.

``draw_…`` turns a random generator into frozen parameters; ``apply_…`` turns a waveform and parameters into a new
waveform, always the same one. So parameters can be kept, printed and repeated, on any worker. Several augmentations
with probabilities make a chain (``augment_chain.py``).

    parameters = draw_noise(rng, snr_db=(10.0, 30.0))
    noisy = apply_noise(samples, parameters)

Conventions: waveforms are float32, (T,) or (T, C), nominally within -1 to 1, and are never changed in place; results
are new arrays of the same shape. Ranges are (lowest, highest), drawn uniformly. Powers are means of squares over all
samples and channels. Silence has no level to relate to: noise and mix at an SNR leave a silent waveform as it is, and
add nothing of a silent other one. Results may go beyond full scale; what becomes of that is the chain's matter.

Public names: Gain, Shift, Speed, Noise, Mix, Parameters; draw_gain, draw_shift, draw_speed, draw_noise, draw_mix;
apply_gain, apply_shift, apply_speed, apply_noise, apply_mix, apply_augmentation; AUGMENTATIONS, check_samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from audiolect.errors import AudioError, UsageError, unknown_name

Samples = npt.NDArray[np.float32]
Range = tuple[float, float]

_LARGEST_DB = 200.0  # keeps every factor well inside float32
_SLOWEST, _FASTEST = 0.25, 4.0
_FILLS = ("wrap", "silence")
_COLORS = ("white", "pink")
_REFERENCES = ("snr", "gain")


@dataclass(frozen=True, slots=True)
class Gain:
    """Multiply by a factor, given in dB, within ±200."""

    gain_db: float

    def __post_init__(self) -> None:
        _check_within("gain_db", self.gain_db, -_LARGEST_DB, _LARGEST_DB)


@dataclass(frozen=True, slots=True)
class Shift:
    """Move by a fraction of the length, from -1 to 1, later where positive.

    What leaves comes back at the other end (``fill="wrap"``), or silence takes its place (``"silence"``).
    """

    fraction: float
    fill: str = "wrap"

    def __post_init__(self) -> None:
        _check_within("fraction", self.fraction, -1.0, 1.0)
        _check_choice("fill", self.fill, _FILLS)


@dataclass(frozen=True, slots=True)
class Speed:
    """Play faster or slower, as a tape does: a factor of 2 takes half as long and sounds an octave higher.

    From 1/4 to 4. The number of samples stays: what is too long is cut, and what is missing begins again
    (``fill="wrap"``) or is silence (``"silence"``).
    """

    factor: float
    fill: str = "wrap"

    def __post_init__(self) -> None:
        _check_within("factor", self.factor, _SLOWEST, _FASTEST)
        _check_choice("fill", self.fill, _FILLS)


@dataclass(frozen=True, slots=True)
class Noise:
    """Add gaussian noise at exactly this signal-to-noise ratio.

    White noise has equal power per Hz, pink noise equal power per octave. The seed makes it the same each time.
    """

    snr_db: float
    seed: int
    color: str = "white"

    def __post_init__(self) -> None:
        _check_within("snr_db", self.snr_db, -_LARGEST_DB, _LARGEST_DB)
        _check_choice("color", self.color, _COLORS)


@dataclass(frozen=True, slots=True)
class Mix:
    """Add a second waveform, read from ``start_fraction`` (0 to 1) of its length and repeated as needed.

    ``level_db`` is the signal-to-noise ratio with the second as the noise (``reference="snr"``), or the gain of the
    second whatever the levels are (``"gain"``).
    """

    level_db: float
    start_fraction: float = 0.0
    reference: str = "snr"

    def __post_init__(self) -> None:
        _check_within("level_db", self.level_db, -_LARGEST_DB, _LARGEST_DB)
        _check_within("start_fraction", self.start_fraction, 0.0, 1.0)
        _check_choice("reference", self.reference, _REFERENCES)


Parameters = Gain | Shift | Speed | Noise | Mix


def draw_gain(rng: np.random.Generator, *, gain_db: Range = (-10.0, 10.0)) -> Gain:
    """A gain from a range in dB."""
    return Gain(_draw(rng, "gain_db", gain_db, _LARGEST_DB))


def draw_shift(rng: np.random.Generator, *, fraction: Range = (-0.1, 0.1), fill: str = "wrap") -> Shift:
    """A shift from a range of fractions of the length."""
    return Shift(_draw(rng, "fraction", fraction, 1.0), fill)


def draw_speed(rng: np.random.Generator, *, semitones: Range = (-2.0, 2.0), fill: str = "wrap") -> Speed:
    """A speed from a range in semitones: 12 are a factor of 2."""
    return Speed(2.0 ** (_draw(rng, "semitones", semitones, 24.0) / 12.0), fill)


def draw_noise(rng: np.random.Generator, *, snr_db: Range = (40.0, 100.0), color: str = "white") -> Noise:
    """Noise from a range of signal-to-noise ratios in dB, with a seed of its own."""
    return Noise(_draw(rng, "snr_db", snr_db, _LARGEST_DB), int(rng.integers(1 << 63)), color)


def draw_mix(rng: np.random.Generator, *, level_db: Range = (0.0, 20.0), reference: str = "snr") -> Mix:
    """A mix from a range of signal-to-noise ratios or gains in dB, beginning anywhere in the second waveform."""
    return Mix(_draw(rng, "level_db", level_db, _LARGEST_DB), float(rng.random()), reference)


def apply_gain(samples: Samples, parameters: Gain) -> Samples:
    """The waveform at another level."""
    check_samples(samples)
    return samples * np.float32(_factor(parameters.gain_db))


def apply_shift(samples: Samples, parameters: Shift) -> Samples:
    """The waveform moved by ``round(fraction * T)`` samples."""
    check_samples(samples)
    shift_samples = round(parameters.fraction * len(samples))
    shifted = np.roll(samples, shift_samples, axis=0)
    if parameters.fill == "silence":
        empty = slice(0, shift_samples) if shift_samples >= 0 else slice(shift_samples, None)
        shifted[empty] = 0.0
    return shifted


def apply_speed(samples: Samples, parameters: Speed) -> Samples:
    """The waveform faster or slower, of as many samples; those above half the rate are filtered away."""
    check_samples(samples)
    played = soxr.resample(samples, parameters.factor, 1.0, quality="LQ") if len(samples) else samples
    if len(played) >= len(samples):
        return np.array(played[: len(samples)])
    if parameters.fill == "wrap" and len(played):
        return np.take(played, np.arange(len(samples)), axis=0, mode="wrap")
    silent = np.zeros_like(samples)
    silent[: len(played)] = played
    return silent


def apply_noise(samples: Samples, parameters: Noise) -> Samples:
    """The waveform with noise of its own in each channel; a copy where the waveform is silent.

    Raises:
        AudioError: the waveform holds NaN or infinity, so it has no level.
    """
    check_samples(samples)
    noise = np.random.default_rng(parameters.seed).standard_normal(samples.shape, np.float32)
    if parameters.color == "pink":
        noise = _make_pink(noise)
    return _add_at_snr(samples, noise, parameters.snr_db)


def apply_mix(samples: Samples, parameters: Mix, other: Samples) -> Samples:
    """The waveform with a second one of the same sampling rate.

    Args:
        samples: (T,) or (T, C).
        parameters: where the second begins, and how loud it is. Its level is measured over the part that is heard.
        other: (U,) or (U, C). A mono one goes into all channels.

    Raises:
        UsageError: the channels do not fit, or the second waveform has no samples.
        AudioError: a waveform holds NaN or infinity, so it has no level.
    """
    check_samples(samples)
    check_samples(other)
    if len(other) == 0:
        raise UsageError("The waveform to mix in has no samples.", expected="at least one", found=other.shape)
    if other.ndim == 1 and samples.ndim == 2:
        other = other[:, None]
    if other.ndim != samples.ndim or (other.ndim == 2 and other.shape[1] not in (1, samples.shape[1])):
        raise UsageError(
            "Two waveforms to mix have different channels.",
            expected=f"mono, or channels as in {samples.shape}",
            found=other.shape,
            fix="mix the second one down with audiolect.audio.resample.to_mono",
        )
    start = math.floor(parameters.start_fraction * len(other))
    heard = np.take(other, np.arange(start, start + len(samples)), axis=0, mode="wrap")
    heard = np.broadcast_to(heard, samples.shape)
    if parameters.reference == "gain":
        return samples + heard * np.float32(_factor(parameters.level_db))
    return _add_at_snr(samples, heard, parameters.level_db)


def apply_augmentation(samples: Samples, parameters: Parameters, *, other: Samples | None = None) -> Samples:
    """Apply parameters of any kind; ``other`` is the second waveform that Mix needs.

    Raises:
        UsageError, AudioError: as the function for these parameters; or ``other`` is missing.
    """
    match parameters:
        case Gain():
            return apply_gain(samples, parameters)
        case Shift():
            return apply_shift(samples, parameters)
        case Speed():
            return apply_speed(samples, parameters)
        case Noise():
            return apply_noise(samples, parameters)
        case Mix():
            if other is None:
                raise UsageError("A mix needs a second waveform.", expected="other=(U,) or (U, C)", found="None")
            return apply_mix(samples, parameters, other)


# name → what draws it. The keyword arguments of a draw function are what a step of a chain may set.
AUGMENTATIONS: dict[str, Callable[..., Parameters]] = {
    "gain": draw_gain,
    "shift": draw_shift,
    "speed": draw_speed,
    "noise": draw_noise,
    "mix": draw_mix,
}


def check_samples(samples: Samples) -> None:
    """Refuse anything but float32 of shape (T,) or (T, C).

    Raises:
        UsageError: saying what it is.
    """
    if samples.dtype != np.float32 or samples.ndim not in (1, 2):
        raise UsageError(
            "A waveform to augment has the wrong type or shape.",
            expected="float32 of shape (T,) or (T, C)",
            found=f"{samples.dtype} of shape {samples.shape}",
        )


def _add_at_snr(samples: Samples, addition: Samples, snr_db: float) -> Samples:
    wanted = _power(samples) * _factor(-snr_db) ** 2
    present = _power(addition)
    if wanted == 0.0 or present == 0.0:
        return samples.copy()
    return samples + addition * np.float32(math.sqrt(wanted / present))


def _make_pink(white: Samples) -> Samples:
    """Weigh the spectrum by one over the root of frequency; no mean remains."""
    if len(white) == 0:
        return white
    spectrum = np.fft.rfft(white, axis=0)
    weights = np.zeros(len(spectrum), np.float32)
    weights[1:] = np.arange(1, len(spectrum)) ** -0.5
    spectrum *= weights.reshape(-1, *[1] * (white.ndim - 1))
    return np.fft.irfft(spectrum, len(white), axis=0).astype(np.float32, copy=False)


def _power(samples: Samples) -> float:
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    if not math.isfinite(power):
        raise AudioError(
            "A waveform to augment holds values that are not finite, so it has no level.",
            expected="float32 numbers, nominally from -1 to 1",
            found="NaN or infinity",
        )
    return power


def _factor(level_db: float) -> float:
    return float(10.0 ** (level_db / 20.0))


def _draw(rng: np.random.Generator, name: str, bounds: Range, largest: float) -> float:
    lowest, highest = bounds if _is_pair(bounds) else (math.nan, math.nan)
    if not -largest <= lowest <= highest <= largest:
        raise UsageError(
            "A range to draw from cannot be used.",
            where=name,
            expected=f"(lowest, highest) with {-largest:g} <= lowest <= highest <= {largest:g}",
            found=bounds,
        )
    return float(rng.uniform(lowest, highest))


def _is_pair(bounds: object) -> bool:
    """Whether it is two numbers; a mixture's file may hold anything."""
    return (
        isinstance(bounds, tuple | list)
        and len(bounds) == 2
        and all(isinstance(bound, int | float) for bound in bounds)
    )


def _check_within(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise UsageError("A parameter is out of range.", where=name, expected=f"{lowest:g} to {highest:g}", found=value)


def _check_choice(name: str, found: str, choices: tuple[str, ...]) -> None:
    if found not in choices:
        raise unknown_name(name, found, choices)
