"""Sounds within a page: heard again, within a budget."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
import soundfile

from audiolect.errors import UnsupportedAudio
from audiolect.report import sounds
from audiolect.report.sounds import SoundShelf


def heard(address: str) -> tuple[Any, int]:
    return soundfile.read(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_a_sound_can_be_heard_again(tmp_path: Path, tones: Any) -> None:
    sound = SoundShelf(tones.tone_dataset(tmp_path / "t", 3), 10_000_000).sound("tones/002")
    assert sound.audio.startswith("data:audio/ogg;base64,")
    assert sound.picture.startswith("data:image/png;base64,")
    samples, rate_hz = heard(sound.audio)
    assert len(samples) / rate_hz == pytest.approx(sound.seconds, abs=0.05)
    assert (sound.title, sound.is_cut, sound.reason) == ("tone 2", False, "")


def test_long_recordings_are_cut(tmp_path: Path, tones: Any) -> None:
    sound = SoundShelf(tones.tone_dataset(tmp_path / "t", 1, seconds=lambda _: 20.0), 10_000_000).sound("tones/000")
    samples, rate_hz = heard(sound.audio)
    assert sound.is_cut
    assert sound.seconds == 20.0
    assert len(samples) / rate_hz == pytest.approx(15.0, abs=0.05)


def test_the_budget_holds(tmp_path: Path, tones: Any) -> None:
    shelf = SoundShelf(tones.tone_dataset(tmp_path / "t", 6), 40_000)
    made = [shelf.sound(f"tones/{i % 6:03d}") for i in range(12)]
    total = sum(len(each.audio) + len(each.picture) for each in made)
    largest = max(len(each.audio) + len(each.picture) for each in made)
    assert 0 < total < 40_000 + largest
    assert shelf.num_left_out == sum(1 for each in made if each.reason)
    assert shelf.num_left_out > 0


def test_without_opus_it_is_wav(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sounds.write

    def refuses_opus(path: Path, *rest: Any, **named: Any) -> None:
        if path.suffix == ".opus":
            raise UnsupportedAudio("no Opus here.")
        real(path, *rest, **named)

    monkeypatch.setattr(sounds, "write", refuses_opus)
    sound = SoundShelf(tones.tone_dataset(tmp_path / "t", 1), 10_000_000).sound("tones/000")
    assert sound.audio.startswith("data:audio/wav;base64,")
    assert heard(sound.audio)[1] == 16000


def test_a_lost_file_has_a_reason(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "t", 1)
    (tmp_path / "t-audio" / "000.wav").unlink()
    sound = SoundShelf(dataset, 10_000_000).sound("tones/000")
    assert sound.audio == ""
    assert sound.reason
