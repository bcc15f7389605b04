"""Rounding recordings: against soundfile and soxr by hand, with peaks beyond full scale, short and streamed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.audio.source import MissingAudio
from audiolect.errors import SpanError
from audiolect.loader import pack_samples
from audiolect.loader.pack_samples import NotFinite, OtherRate, Packed, SourceSpan, round_recording


def taken(span: SourceSpan, rate_hz: int) -> tuple[np.ndarray, Packed]:
    pieces: list[np.ndarray] = []
    packed = round_recording(span, rate_hz, lambda piece: pieces.append(piece.copy()), pieces.clear)
    return np.concatenate(pieces), packed


def by_hand(path: Path, rate_hz: int) -> tuple[np.ndarray, float]:
    """Decode, mix, resample, scale and round in double precision, from the formula of docs/formats.md."""
    samples, from_hz = soundfile.read(path, dtype="float64", always_2d=True)
    mono = samples.mean(axis=1)
    if from_hz != rate_hz:
        length = -(-len(mono) * rate_hz // from_hz)
        zeros = np.zeros(from_hz // rate_hz + 1)
        mono = soxr.resample(np.concatenate([mono, zeros]), from_hz, rate_hz, "HQ")[:length]
    scale = 1.0
    if np.rint(mono.max() * 32768) > 32767 or np.rint(mono.min() * 32768) < -32768:
        scale = np.abs(mono).max() * 32768 / 32767
    return np.rint(mono * 32768 / scale), scale


@pytest.mark.parametrize("bits", ["short", "streamed"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_sixteen_bits_at_their_own_rate_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: str, channels: int
) -> None:
    if bits == "streamed":
        monkeypatch.setattr(pack_samples, "WHOLE_SAMPLES", 10)
    one = np.random.default_rng(0).integers(-32768, 32768, 70_001).astype(np.int16)
    one[:2] = (-32768, 32767)
    soundfile.write(tmp_path / "a.wav", np.repeat(one[:, None], channels, axis=1), 32000)
    found, packed = taken(SourceSpan(tmp_path / "a.wav", 0, len(one), 32000), 32000)
    assert np.array_equal(found, one)
    assert packed == Packed(70_001, 1.0)


@pytest.mark.parametrize("level", [0.3, 0.6, 4.0])
@pytest.mark.parametrize("from_hz", [44100, 8000, 32000, 47999])
def test_against_soundfile_and_soxr(tmp_path: Path, from_hz: int, level: float) -> None:
    rng = np.random.default_rng(from_hz)
    soundfile.write(tmp_path / "a.wav", level * rng.uniform(-1, 1, (30_001, 2)), from_hz, subtype="FLOAT")
    found, packed = taken(SourceSpan(tmp_path / "a.wav", 0, 30_001, from_hz), 32000)
    wanted, scale = by_hand(tmp_path / "a.wav", 32000)
    assert len(found) == len(wanted) == packed.num_samples == -(-30_001 * 32000 // from_hz)
    assert packed.scale == pytest.approx(scale, rel=1e-6)
    assert (packed.scale > 1) == (scale > 1)
    assert (scale > 1) == (level > 1)
    assert np.abs(found - wanted).max() <= 1  # soxr counts in single precision here, in double there
    assert np.mean(found != wanted) < 0.02


@settings(deadline=None, max_examples=25)
@given(
    num_samples=st.integers(1, 9000),
    from_hz=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    to_hz=st.sampled_from([8000, 16000, 32000, 44100]),
    level=st.sampled_from([0.5, 3.0]),
    channels=st.integers(1, 2),
)
def test_streaming_gives_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, *, num_samples: int, from_hz: int, to_hz: int, level: float, channels: int
) -> None:
    path = tmp_path_factory.mktemp("sounds") / "a.wav"
    sound = level * np.random.default_rng(num_samples).uniform(-1, 1, (num_samples, channels))
    soundfile.write(path, sound, from_hz, subtype="FLOAT")
    span = SourceSpan(path, 0, num_samples, from_hz)
    whole, packed = taken(span, to_hz)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_samples, "WHOLE_SAMPLES", 0)
        patch.setattr(pack_samples, "_PIECE_SAMPLES", 1000)
        streamed, same = taken(span, to_hz)
    assert np.array_equal(whole, streamed)
    assert packed == same


@pytest.mark.parametrize(
    ("highest", "lowest", "scale"),
    [
        (32767.4 / 32768, -1.0, 1.0),
        (0.0, -32768.4 / 32768, 1.0),
        (32767.6 / 32768, 0.0, 32767.6 / 32767),
        (0.5, -2.0, 2.0 * 32768 / 32767),
    ],
)
def test_scale_is_one_unless_a_sample_does_not_fit(tmp_path: Path, highest: float, lowest: float, scale: float) -> None:
    sound = np.zeros(100_000)
    sound[[70_000, 99_999]] = (highest, lowest)
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="FLOAT")
    found, packed = taken(SourceSpan(tmp_path / "a.wav", 0, 100_000, 8000), 8000)
    assert packed.scale == pytest.approx(scale, rel=1e-6)
    assert found[[70_000, 99_999]] / 32768 * packed.scale == pytest.approx((highest, lowest), abs=1.01 / 32768)


def test_a_span_is_the_slice_of_the_whole(tmp_path: Path) -> None:
    sound = np.random.default_rng(3).integers(-30000, 30000, 5000).astype(np.int16)
    soundfile.write(tmp_path / "a.flac", sound, 8000)
    found, _ = taken(SourceSpan(tmp_path / "a.flac", 1234, 777, 8000), 8000)
    assert np.array_equal(found, sound[1234 : 1234 + 777])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("whole", [1 << 22, 10])
def test_values_that_are_no_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, whole: int) -> None:
    monkeypatch.setattr(pack_samples, "WHOLE_SAMPLES", whole)
    sound = np.zeros(900)
    sound[500] = value
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="FLOAT")
    with pytest.raises(NotFinite, match="NaN or infinite"):
        taken(SourceSpan(tmp_path / "a.wav", 0, 900, 8000), 8000)


def test_tables_that_do_not_fit_the_files(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(900), 8000)
    with pytest.raises(OtherRate, match="not the one that the table states"):
        taken(SourceSpan(tmp_path / "a.wav", 0, 900, 16000), 8000)
    with pytest.raises(SpanError, match="does not lie within"):
        taken(SourceSpan(tmp_path / "a.wav", 0, 901, 8000), 8000)
    with pytest.raises(MissingAudio):
        taken(SourceSpan(tmp_path / "b.wav", 0, 901, 8000), 8000)
