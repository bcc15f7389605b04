"""The PCM hash against a slow one, the fingerprint against brute force, and both on made and on real recordings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from audiolect.audio import fingerprint as fingerprint_module
from audiolect.audio.fingerprint import (
    DUPLICATE_SIMILARITY,
    best_alignment,
    fingerprint,
    is_near_duplicate,
    pcm_hash,
    similarity,
)
from audiolect.errors import AudioError, UsageError

RATE_HZ = 44100
ESC10 = Path(__file__).resolve().parents[3] / "shared" / "data" / "esc10" / "audio"
# Uploads of other names that hold the same sound; found by this fingerprint, confirmed by correlating the waveforms.
SAME_SOUND = {("2-28314-A-12", "2-30322-A-12"), ("3-151080-A-20", "5-151085-A-20")}

words = npst.arrays(np.uint32, st.tuples(st.integers(0, 12), st.just(2)))


def noise(seed: int, seconds: float = 3.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * rate_hz))).astype(np.float32)


def notes(seed: int, seconds: float = 3.0) -> np.ndarray:
    """A little tune: decaying notes of five partials."""
    rng = np.random.default_rng(seed)
    samples = np.zeros(round(seconds * RATE_HZ))
    for start in range(0, len(samples), RATE_HZ // 5):
        time_seconds = np.arange(min(RATE_HZ // 2, len(samples) - start)) / RATE_HZ
        pitch_hz = 220 * 2 ** (rng.integers(0, 25) / 12)
        waves = (np.sin(2 * np.pi * pitch_hz * partial * time_seconds) / partial for partial in range(1, 6))
        samples[start : start + len(time_seconds)] += 0.1 * sum(waves) * np.exp(-8 * time_seconds)
    return samples.astype(np.float32)


def encoded(samples: np.ndarray, rate_hz: int, **options: object) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **options)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def as_mp3(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """At a constant 64 kbit/s where the rate is 44.1 kHz."""
    options = {"format": "MP3", "compression_level": 0.88, "bitrate_mode": "CONSTANT"}
    return encoded(samples, rate_hz, **options)


def as_ogg(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """At quality 0."""
    return encoded(samples, rate_hz, format="OGG", subtype="VORBIS", compression_level=1.0)


def of_rate(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    return fingerprint(soxr.resample(samples, RATE_HZ, rate_hz), rate_hz)


# what became of a copy → its fingerprint. 0.237 and 0.493 s fall between two frames, the worst place to cut.
COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "20 dB softer": lambda x: fingerprint(x * np.float32(0.1), RATE_HZ),
    "10 dB louder": lambda x: fingerprint(x * np.float32(3.16), RATE_HZ),
    "upside down": lambda x: fingerprint(-x, RATE_HZ),
    "MP3 at 64 kbit/s": lambda x: fingerprint(as_mp3(x, RATE_HZ), RATE_HZ),
    "OGG at quality 0": lambda x: fingerprint(as_ogg(x, RATE_HZ), RATE_HZ),
    "at 8 kHz": lambda x: of_rate(x, 8000),
    "at 16 kHz": lambda x: of_rate(x, 16000),
    "at 48 kHz": lambda x: of_rate(x, 48000),
    "0.237 s later": lambda x: fingerprint(np.concatenate([np.zeros(10452, np.float32), x]), RATE_HZ),
    "0.493 s cut off": lambda x: fingerprint(x[21741:], RATE_HZ),
    "cut, softer, MP3, at 8 kHz": lambda x: of_rate(as_mp3(x[10452:] * np.float32(0.3), RATE_HZ), 8000),
}


def slow_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Bit by bit at every shift."""
    bits = [sum(bin(counts).count("1") for _, counts in words.tolist()) for words in (first, second)]
    best = 0.0
    for shift in range(-len(second), len(first) + 1):
        agree = differ = 0
        for row, (signs, counts) in enumerate(second.tolist()):
            if not 0 <= row + shift < len(first):
                continue
            other_signs, other_counts = first[row + shift].tolist()
            compared = counts & other_counts
            differing = (signs ^ other_signs) & compared
            differ += bin(differing).count("1")
            agree += bin(compared).count("1") - bin(differing).count("1")
        if 4 * (agree + differ) >= min(bits):
            best = max(best, (agree - differ) / (agree + differ + 50))
    return best


def slow_hash(samples: np.ndarray, rate_hz: int, channels: int) -> str:
    values = [max(-32768, min(32767, round(float(x) * 32768))) for x in samples.reshape(-1)]
    data = b"".join(value.to_bytes(2, "little", signed=True) for value in values)
    head = f"audiolect PCM 2: {rate_hz} Hz, {channels} channels\n".encode()
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()[:32]


# --- PCM hash


@given(
    npst.arrays(np.float32, st.tuples(st.integers(0, 40), st.integers(1, 3)), elements=st.floats(-1.5, 1.5, width=32)),
    st.integers(1, 200000),
)
def test_the_hash_is_that_of_the_slow_way(samples: np.ndarray, rate_hz: int) -> None:
    expected = slow_hash(samples, rate_hz, samples.shape[1])
    assert pcm_hash(samples, rate_hz) == expected
    assert pcm_hash(np.asfortranarray(samples), rate_hz) == expected


def test_the_hash_does_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(0, seconds=0.5)
    whole = pcm_hash(samples, RATE_HZ)
    for block_samples in (1, 7, 4096):
        monkeypatch.setattr(fingerprint_module, "_HASH_BLOCK_SAMPLES", block_samples)
        assert pcm_hash(samples[:5000], RATE_HZ) == slow_hash(samples[:5000], RATE_HZ, 1)
    assert whole == slow_hash(samples, RATE_HZ, 1)


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("WAV", "PCM_24"), ("AIFF", "FLOAT")]
)
def test_the_same_16_bit_audio_hashes_the_same_from_any_lossless_file(kind: str, subtype: str) -> None:
    integers = np.random.default_rng(0).integers(-32768, 32768, (3000, 2), np.int16)
    exact = integers.astype(np.float32) / np.float32(32768)
    read = encoded(exact, 48000, format=kind, subtype=subtype)
    assert pcm_hash(read, 48000) == pcm_hash(exact, 48000) == pcm_hash(integers, 48000)
    assert pcm_hash(integers[:, 0], 48000) == pcm_hash(exact[:, 0], 48000)


def test_the_hash_tells_what_differs() -> None:
    samples = noise(0, seconds=0.1)
    one_step = samples.copy()
    one_step[100] += np.float32(1 / 32768)
    stereo = np.stack([samples, samples], axis=1)
    hashes = {
        pcm_hash(samples, 44100),
        pcm_hash(samples, 48000),
        pcm_hash(one_step, 44100),
        pcm_hash(samples[:-1], 44100),
        pcm_hash(stereo, 44100),
        pcm_hash(stereo.reshape(-1), 44100),
        pcm_hash(samples[:0], 44100),
    }
    assert len(hashes) == 7
    assert pcm_hash(samples[:, None], 44100) == pcm_hash(samples, 44100)


def test_24_bit_audio_is_hashed_as_its_nearest_16_bit_audio() -> None:
    exact = np.array([0.0, 0.25, -0.5], np.float32)
    finer = exact + np.float32(0.4 / 32768)
    assert pcm_hash(finer, 44100) == pcm_hash(exact, 44100)
    assert pcm_hash(exact + np.float32(0.6 / 32768), 44100) != pcm_hash(exact, 44100)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    samples = noise(0, seconds=2.0)
    samples[70000] = value
    for function in (pcm_hash, fingerprint):
        with pytest.raises(AudioError, match="not finite"):
            function(samples, RATE_HZ)


def test_huge_values_are_full_scale_to_the_hash() -> None:
    assert pcm_hash(np.array([1e30, -1e30], np.float32), 1) == slow_hash(np.array([2.0, -2.0]), 1, 1)


def test_bad_arguments_are_refused() -> None:
    for samples in (np.zeros((1, 2, 3), np.float32), np.zeros(3, np.int32), np.zeros(3, np.uint8)):
        with pytest.raises(UsageError, match="wrong type or shape"):
            pcm_hash(samples, 44100)
    with pytest.raises(UsageError, match="one channel"):
        fingerprint(np.zeros((10, 2), np.float32), 44100)
    for function in (pcm_hash, fingerprint):
        with pytest.raises(UsageError, match="rate must be positive"):
            function(np.zeros(10, np.float32), 0)
    with pytest.raises(UsageError, match="not a fingerprint"):
        similarity(np.zeros((5, 2), np.int64), np.zeros((5, 2), np.uint32))
    with pytest.raises(UsageError, match="not a fingerprint"):
        similarity(np.zeros((5, 2), np.uint32), np.zeros(5, np.uint32))


# --- similarity


@settings(max_examples=50)
@given(words, words)
def test_similarity_is_that_of_brute_force(first: np.ndarray, second: np.ndarray) -> None:
    assert similarity(first, second) == pytest.approx(slow_similarity(first, second), abs=1e-12)
    assert similarity(first, second) == similarity(second, first)


@given(words.filter(lambda w: len(w) > 0 and w[:, 1].any()))
def test_a_fingerprint_is_most_like_itself(first: np.ndarray) -> None:
    bits = int(np.bitwise_count(first[:, 1]).sum())
    found = best_alignment(first, first)
    assert found.similarity == pytest.approx(bits / (bits + 50))
    assert (found.offset_seconds, found.num_bits) == (0.0, bits)


def test_the_offset_is_where_the_second_begins() -> None:
    whole = fingerprint(noise(0), RATE_HZ)
    part = best_alignment(whole, whole[25:60])
    assert part.offset_seconds == pytest.approx(25 * 0.032)
    assert part.similarity > 0.9
    assert best_alignment(whole[25:60], whole).offset_seconds == pytest.approx(-25 * 0.032)


def test_a_short_piece_is_found_in_a_long_recording() -> None:
    long, start = noise(0, seconds=60, rate_hz=8000), 8000 * 41 + 77
    found = best_alignment(fingerprint(long, 8000), fingerprint(long[start : start + 16000], 8000))
    assert found.similarity > 0.7
    assert found.offset_seconds == pytest.approx(start / 8000, abs=0.032)


# --- what has no fingerprint


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(3 * RATE_HZ, np.float32),
        (np.random.default_rng(0).integers(-1, 2, 3 * RATE_HZ) / 32768).astype(np.float32),
        (0.5 * np.sin(2 * np.pi * 440 / RATE_HZ * np.arange(3 * RATE_HZ))).astype(np.float32),
        np.full(3 * RATE_HZ, 0.5, np.float32),
        noise(0, seconds=0.25),
    ],
    ids=["no samples", "silence", "16-bit dither", "steady tone", "constant", "a quarter of a second"],
)
def test_some_sounds_have_no_fingerprint_and_match_nothing(samples: np.ndarray) -> None:
    found = fingerprint(samples, RATE_HZ)
    assert found.shape == (0, 2)
    assert found.dtype == np.uint32
    assert similarity(found, found) == 0.0
    assert similarity(found, fingerprint(noise(0), RATE_HZ)) == 0.0
    assert not is_near_duplicate(found, found)


def test_silence_around_a_sound_says_nothing() -> None:
    sound = noise(0, seconds=1.0)
    silence = np.zeros(2 * RATE_HZ, np.float32)
    padded = fingerprint(np.concatenate([silence, sound, silence]), RATE_HZ)
    assert best_alignment(padded, fingerprint(sound, RATE_HZ)).offset_seconds == pytest.approx(2.0, abs=0.033)
    counts = np.bitwise_count(padded[:, 1])
    assert counts[:50].max() == 0
    assert counts[-50:].max() == 0


# --- copies and strangers, made by code


@pytest.mark.parametrize("copy", list(COPIES))
@pytest.mark.parametrize("make", [noise, notes])
def test_copies_are_recognised(make: Callable[[int], np.ndarray], copy: str) -> None:
    samples = make(0)
    assert similarity(fingerprint(samples, RATE_HZ), COPIES[copy](samples)) > 0.7


@pytest.mark.parametrize("make", [noise, notes])
def test_strangers_of_the_same_kind_are_told_apart(make: Callable[[int], np.ndarray]) -> None:
    prints = [fingerprint(make(seed), RATE_HZ) for seed in range(10)]
    found = [similarity(prints[i], prints[j]) for i in range(10) for j in range(i)]
    assert len(found) == 45
    assert max(found) < DUPLICATE_SIMILARITY - 0.1


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(-30, 10), st.floats(0, 0.5), st.sampled_from([8000, 16000, 22050, 44100, 48000]))
def test_gain_shift_and_rate_do_not_matter(seed: int, gain_db: float, shift_seconds: float, rate_hz: int) -> None:
    samples = noise(seed, seconds=2.0)
    copy = samples[round(shift_seconds * RATE_HZ) :] * np.float32(10 ** (gain_db / 20))
    assert is_near_duplicate(fingerprint(samples, RATE_HZ), of_rate(copy, rate_hz))


def test_seven_tenths_of_a_second_are_enough() -> None:
    for seed in range(10):
        samples = noise(seed, seconds=0.7)
        assert is_near_duplicate(fingerprint(samples, RATE_HZ), fingerprint(as_mp3(samples, RATE_HZ), RATE_HZ))
        assert not is_near_duplicate(fingerprint(samples, RATE_HZ), fingerprint(noise(seed + 100, 0.7), RATE_HZ))


# --- real recordings


@pytest.fixture(scope="module")
def esc10() -> dict[str, np.ndarray]:
    """Every fifth recording of ESC-10 and those of SAME_SOUND, by name."""
    if not ESC10.is_dir():
        pytest.skip(f"the real recordings of ESC-10 are not at {ESC10}")
    paths = sorted(ESC10.glob("*.ogg"))
    assert len(paths) == 400
    wanted = {name for pair in SAME_SOUND for name in pair}
    chosen = [path for i, path in enumerate(paths) if i % 5 == 0 or path.stem in wanted]
    return {path.stem: soundfile.read(path, dtype="float32")[0] for path in chosen}


@pytest.fixture(scope="module")
def esc10_prints(esc10: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: fingerprint(samples, RATE_HZ) for name, samples in esc10.items()}


def test_real_recordings_are_told_apart(esc10_prints: dict[str, np.ndarray]) -> None:
    names = sorted(esc10_prints)
    different, same = [], {}
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            found = similarity(esc10_prints[first], esc10_prints[second])
            if (first, second) in SAME_SOUND:
                same[first, second] = found
            elif first.split("-")[1] != second.split("-")[1]:  # takes of one source may overlap
                different.append(found)
    assert len(different) > 3000
    assert max(different) < DUPLICATE_SIMILARITY - 0.15
    assert set(same) == SAME_SOUND
    assert min(same.values()) > DUPLICATE_SIMILARITY + 0.1


@pytest.mark.parametrize("copy", [name for name in COPIES if name not in ("upside down", "10 dB louder", "at 16 kHz")])
def test_real_recordings_are_recognised(
    esc10: dict[str, np.ndarray], esc10_prints: dict[str, np.ndarray], copy: str
) -> None:
    found = {}
    for name in sorted(esc10)[::9]:
        # What half a second cut off may leave must hold enough sound: dogs that bark once at the start do not.
        if np.bitwise_count(esc10_prints[name][16:, 1]).sum() > 400:
            found[name] = similarity(esc10_prints[name], COPIES[copy](esc10[name]))
    assert len(found) >= 8
    assert min(found.values()) > DUPLICATE_SIMILARITY + 0.1, min(found, key=found.__getitem__)
