"""Augmentations by hand, at the measured SNR, on silence, and never in place."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from audiolect.audio.augment import (
    AUGMENTATIONS,
    Gain,
    Mix,
    Noise,
    Parameters,
    Shift,
    Speed,
    apply_augmentation,
    apply_gain,
    apply_mix,
    apply_noise,
    apply_shift,
    apply_speed,
    draw_gain,
    draw_mix,
    draw_noise,
    draw_shift,
    draw_speed,
)
from audiolect.errors import AudioError, UsageError

shapes = st.one_of(st.tuples(st.integers(0, 50)), st.tuples(st.integers(0, 50), st.integers(1, 3)))
waveforms = npst.arrays(np.float32, shapes, elements=st.floats(-1, 1, width=32))
levels_db = st.floats(-60, 60)
parameters_of_all_kinds = st.one_of(
    st.builds(Gain, levels_db),
    st.builds(Shift, st.floats(-1, 1), st.sampled_from(["wrap", "silence"])),
    st.builds(Speed, st.floats(0.25, 4), st.sampled_from(["wrap", "silence"])),
    st.builds(Noise, levels_db, st.integers(0, 2**63 - 1), st.sampled_from(["white", "pink"])),
    st.builds(Mix, levels_db, st.floats(0, 1), st.sampled_from(["snr", "gain"])),
)


def power(samples: np.ndarray) -> float:
    """The mean square, one sample after the other."""
    values = [float(x) ** 2 for x in samples.reshape(-1)]
    return math.fsum(values) / len(values)


def snr_db(before: np.ndarray, after: np.ndarray) -> float:
    added = after.astype(np.float64) - before
    return 10 * math.log10(power(before) / power(added))


def speechlike(num_samples: int = 4000, channels: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = (num_samples,) if channels is None else (num_samples, channels)
    return (0.2 * rng.standard_normal(shape)).astype(np.float32)


def test_gain_by_hand() -> None:
    samples = np.array([0.1, -0.2, 0.0], np.float32)
    np.testing.assert_allclose(apply_gain(samples, Gain(20.0)), [1.0, -2.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(apply_gain(samples, Gain(-20.0)), [0.01, -0.02, 0.0], rtol=1e-6)
    np.testing.assert_array_equal(apply_gain(samples, Gain(0.0)), samples)


def test_shift_by_hand() -> None:
    samples = np.arange(10, dtype=np.float32)
    assert apply_shift(samples, Shift(0.2)).tolist() == [8, 9, 0, 1, 2, 3, 4, 5, 6, 7]
    assert apply_shift(samples, Shift(-0.2)).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert apply_shift(samples, Shift(0.2, "silence")).tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert apply_shift(samples, Shift(-0.2, "silence")).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 0, 0]
    assert apply_shift(samples, Shift(1.0, "silence")).tolist() == [0] * 10
    stereo = np.stack([samples, -samples], axis=1)
    np.testing.assert_array_equal(apply_shift(stereo, Shift(0.3)), np.roll(stereo, 3, axis=0))


@given(waveforms, st.floats(-1, 1))
def test_a_shift_with_roll_over_can_be_undone(samples: np.ndarray, fraction: float) -> None:
    back = apply_shift(apply_shift(samples, Shift(fraction)), Shift(-fraction))
    np.testing.assert_array_equal(back, samples)


@pytest.mark.parametrize(("factor", "fill"), [(1.25, "wrap"), (0.8, "wrap"), (1.25, "silence"), (1.0, "silence")])
def test_a_tone_played_faster_is_as_much_higher(factor: float, fill: str) -> None:
    times = np.arange(16000) / 16000
    tone = (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    played = apply_speed(tone, Speed(factor, fill))
    half = played[2000:10000].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(half * np.hanning(len(half)), 1 << 18))
    assert np.argmax(spectrum) * 16000 / (1 << 18) == pytest.approx(440 * factor, abs=0.5)
    assert np.sqrt(np.mean(half**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    ends = int(16000 / factor)
    if factor > 1:
        again = played[: 16000 - ends]
        np.testing.assert_allclose(played[ends:], again if fill == "wrap" else 0 * again, atol=0.02)


def test_a_speed_is_drawn_in_semitones() -> None:
    assert draw_speed(np.random.default_rng(0), semitones=(12.0, 12.0)).factor == pytest.approx(2)
    factors = [draw_speed(np.random.default_rng(seed)).factor for seed in range(200)]
    assert 2 ** (-2 / 12) <= min(factors) < 0.92
    assert 1.09 < max(factors) <= 2 ** (2 / 12)
    with pytest.raises(UsageError, match="factor"):
        Speed(5.0)


@pytest.mark.parametrize("color", ["white", "pink"])
@pytest.mark.parametrize("channels", [None, 2])
@pytest.mark.parametrize("wanted_db", [-10.0, 0.0, 12.5, 40.0])
def test_noise_has_the_snr_asked_for(color: str, channels: int | None, wanted_db: float) -> None:
    samples = speechlike(channels=channels)
    noisy = apply_noise(samples, Noise(wanted_db, seed=3, color=color))
    assert snr_db(samples, noisy) == pytest.approx(wanted_db, abs=1e-3)


def test_noise_is_the_same_for_a_seed_and_another_for_another() -> None:
    samples = speechlike()
    first = apply_noise(samples, Noise(10.0, seed=3))
    np.testing.assert_array_equal(apply_noise(samples, Noise(10.0, seed=3)), first)
    assert not np.array_equal(apply_noise(samples, Noise(10.0, seed=4)), first)


def test_channels_get_noise_of_their_own() -> None:
    mono = speechlike()
    noisy = apply_noise(np.stack([mono, mono], axis=1), Noise(0.0, seed=1))
    assert not np.array_equal(noisy[:, 0], noisy[:, 1])


@pytest.mark.parametrize(("color", "slope_db_per_octave"), [("white", 0.0), ("pink", -3.01)])
def test_the_color_of_noise_is_the_slope_of_its_spectrum(color: str, slope_db_per_octave: float) -> None:
    num_samples = 1 << 16
    carrier = np.zeros(num_samples, np.float32)
    carrier[0] = 1.0  # has power, and a flat and tiny spectrum
    noise = apply_noise(carrier, Noise(-60.0, seed=0, color=color)) - carrier
    density = np.abs(np.fft.rfft(noise)) ** 2
    edges = [2**k for k in range(6, 16)]
    octaves_db = [10 * np.log10(density[a:b].mean()) for a, b in itertools.pairwise(edges)]
    slope, _ = np.polyfit(range(len(octaves_db)), octaves_db, 1)
    assert slope == pytest.approx(slope_db_per_octave, abs=0.35)


def test_mix_by_hand() -> None:
    samples = np.zeros(5, np.float32)
    other = np.array([1.0, 2.0, 3.0], np.float32)
    mixed = apply_mix(samples, Mix(20.0, start_fraction=0.34, reference="gain"), other)
    np.testing.assert_allclose(mixed, [20, 30, 10, 20, 30])
    stereo = apply_mix(np.zeros((2, 2), np.float32), Mix(0.0, reference="gain"), other)
    np.testing.assert_allclose(stereo, [[1, 1], [2, 2]])


@given(st.floats(-30, 60), st.floats(0, 1), st.integers(1, 9000))
def test_mix_has_the_snr_asked_for(wanted_db: float, start_fraction: float, num_other: int) -> None:
    samples = speechlike()
    other = np.cos(np.arange(num_other), dtype=np.float32)
    mixed = apply_mix(samples, Mix(wanted_db, start_fraction), other)
    assert snr_db(samples, mixed) == pytest.approx(wanted_db, abs=0.02)


@pytest.mark.parametrize("parameters", [Noise(5.0, 1), Noise(5.0, 1, "pink"), Mix(5.0), Gain(5.0), Shift(0.3)])
@pytest.mark.parametrize("shape", [(0,), (0, 2), (100,), (100, 2)])
def test_silence_stays_silence(parameters: Parameters, shape: tuple[int, ...]) -> None:
    silence = np.zeros(shape, np.float32)
    augmented = apply_augmentation(silence, parameters, other=speechlike(50))
    np.testing.assert_array_equal(augmented, silence)


def test_a_silent_second_waveform_adds_nothing() -> None:
    samples = speechlike()
    np.testing.assert_array_equal(apply_mix(samples, Mix(0.0), np.zeros(10, np.float32)), samples)


@given(waveforms, parameters_of_all_kinds)
def test_all_kinds_keep_type_shape_and_input(samples: np.ndarray, parameters: Parameters) -> None:
    before, other = samples.copy(), np.array([0.5, -0.25, 0.125], np.float32)
    samples.flags.writeable = False
    other.flags.writeable = False
    augmented = apply_augmentation(samples, parameters, other=other)
    assert augmented.dtype == np.float32
    assert augmented.shape == samples.shape
    assert np.isfinite(augmented).all()
    assert not np.shares_memory(augmented, samples)
    assert augmented.flags.writeable
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(apply_augmentation(samples, parameters, other=other), augmented)


@given(st.integers(0, 2**32), st.floats(-100, 100), st.floats(0, 50))
def test_draws_stay_within_their_range(seed: int, lowest: float, width: float) -> None:
    bounds = (lowest, lowest + width)
    assert lowest <= draw_gain(np.random.default_rng(seed), gain_db=bounds).gain_db <= bounds[1]
    assert lowest <= draw_noise(np.random.default_rng(seed), snr_db=bounds).snr_db <= bounds[1]
    mix = draw_mix(np.random.default_rng(seed), level_db=bounds)
    assert lowest <= mix.level_db <= bounds[1]
    assert 0 <= mix.start_fraction < 1
    assert -0.1 <= draw_shift(np.random.default_rng(seed)).fraction <= 0.1
    again = draw_noise(np.random.default_rng(seed), snr_db=bounds)
    assert again == draw_noise(np.random.default_rng(seed), snr_db=bounds)


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_draws_differ_between_generators(name: str) -> None:
    drawn = {AUGMENTATIONS[name](np.random.default_rng(seed)) for seed in range(20)}
    assert len(drawn) == 20


def test_bad_ranges_are_refused() -> None:
    rng = np.random.default_rng(0)
    for bounds in ((3.0, -3.0), (math.nan, 1.0), (0.0, math.inf), (-300.0, 0.0)):
        with pytest.raises(UsageError, match="range to draw from") as caught:
            draw_gain(rng, gain_db=bounds)
        assert caught.value.where == "gain_db"
    with pytest.raises(UsageError, match="range to draw from"):
        draw_shift(rng, fraction=(-0.5, 1.5))
    with pytest.raises(UsageError, match="no fill named 'rap'"):
        draw_shift(rng, fill="rap")
    with pytest.raises(UsageError, match="no color named 'brown'"):
        draw_noise(rng, color="brown")
    with pytest.raises(UsageError, match="no reference named"):
        draw_mix(rng, reference="sdr")


def test_bad_parameters_are_refused() -> None:
    for make in (lambda: Gain(math.nan), lambda: Shift(1.1), lambda: Noise(1e9, 0), lambda: Mix(0.0, -0.1)):
        with pytest.raises(UsageError, match="out of range"):
            make()
    with pytest.raises(UsageError, match="no fill named"):
        Shift(0.0, "zero")


def test_bad_waveforms_are_refused() -> None:
    with pytest.raises(UsageError, match="wrong type or shape"):
        apply_gain(np.zeros(3), Gain(0.0))
    with pytest.raises(UsageError, match="wrong type or shape"):
        apply_shift(np.zeros((1, 2, 3), np.float32), Shift(0.0))
    broken = np.array([0.0, np.nan], np.float32)
    with pytest.raises(AudioError, match="not finite"):
        apply_noise(broken, Noise(10.0, 0))
    with pytest.raises(AudioError, match="not finite"):
        apply_mix(speechlike(2), Mix(10.0), broken)


def test_a_mix_that_does_not_fit_is_refused() -> None:
    mono = speechlike()
    with pytest.raises(UsageError, match="needs a second waveform"):
        apply_augmentation(mono, Mix(0.0))
    with pytest.raises(UsageError, match="no samples"):
        apply_mix(mono, Mix(0.0), np.zeros(0, np.float32))
    with pytest.raises(UsageError, match="different channels"):
        apply_mix(mono, Mix(0.0), np.zeros((5, 2), np.float32))
    with pytest.raises(UsageError, match="different channels"):
        apply_mix(speechlike(channels=2), Mix(0.0), np.zeros((5, 3), np.float32))
