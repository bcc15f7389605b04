"""Recordings within a page: sound as base64 and a small spectrogram, within a budget of bytes.

Conventions: mono Opus at 24 kHz in an Ogg container, at most some seconds from the beginning of each recording; 16-bit
WAV at 16 kHz where libsndfile cannot write Opus. When the budget is spent, further recordings have a name but no sound,
and the page says so. A recording that cannot be read has a reason in the place of its sound.

Public names: Sound, SoundShelf, MOST_SECONDS.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.audio.files import read_mono
from audiolect.audio.writing import write
from audiolect.data.dataset import Dataset
from audiolect.errors import AudioError, StorageError, UnsafePath, UnsupportedAudio
from audiolect.report.spectrograms import thumbnail

MOST_SECONDS = 15.0

_OPUS_HZ = 24_000
_WAV_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording on the page.

    Args:
        name: its id.
        title: its title, labels or nothing.
        seconds: how long the recording is.
        is_cut: only its beginning can be heard here.
        audio, picture: ``data:`` addresses; empty where there is none.
        reason: why there is no sound.
    """

    name: str
    title: str
    seconds: float
    is_cut: bool = False
    audio: str = ""
    picture: str = ""
    reason: str = ""


class SoundShelf:
    """Makes each recording's sound once, as long as the budget lasts.

    Args:
        dataset: where the recordings are.
        budget_bytes: of all sounds and pictures together, as base64.
    """

    def __init__(self, dataset: Dataset, budget_bytes: int) -> None:
        self.dataset = dataset
        self._left_bytes = budget_bytes
        self._made: dict[str, Sound] = {}
        self.num_left_out = 0

    def sound(self, recording_id: str) -> Sound:
        """The recording of this id; each time it is shown it takes its room on the page."""
        if recording_id not in self._made or self._left_bytes <= 0:
            self._made[recording_id] = self._make(recording_id)
        made = self._made[recording_id]
        self._left_bytes -= len(made.audio) + len(made.picture)
        return made

    def _make(self, recording_id: str) -> Sound:
        row = self.dataset.recordings.filter(pl.col("recording_id") == recording_id).row(0, named=True)
        rate_hz = int(row["sample_rate_hz"])
        seconds = row["num_samples"] / rate_hz
        bare = Sound(recording_id, row["title"] or ", ".join(row["labels"]), seconds)
        if self._left_bytes <= 0:
            self.num_left_out += 1
            return Sound(bare.name, bare.title, seconds, reason="left out: the page has its full size")
        count = min(row["num_samples"], round(MOST_SECONDS * rate_hz))
        try:
            path = self.dataset.audio_path(row["path"])
            waveform = read_mono(path, row["start_sample"], count, rate_hz=_OPUS_HZ)
        except (AudioError, UnsafePath, StorageError) as error:
            return Sound(bare.name, bare.title, seconds, reason=error.what)
        audio = _audio_address(waveform, lambda: read_mono(path, row["start_sample"], count, rate_hz=_WAV_HZ))
        picture = _address("image/png", thumbnail(waveform, _OPUS_HZ, top_hz=rate_hz / 2))
        return Sound(bare.name, bare.title, seconds, count < row["num_samples"], audio, picture)


def _audio_address(waveform: npt.NDArray[np.float32], at_wav_rate: Callable[[], npt.NDArray[np.float32]]) -> str:
    try:
        return _address("audio/ogg", _written(".opus", waveform, _OPUS_HZ))
    except UnsupportedAudio:
        return _address("audio/wav", _written(".wav", at_wav_rate(), _WAV_HZ))


def _written(suffix: str, waveform: npt.NDArray[np.float32], rate_hz: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"sound{suffix}")
        write(path, waveform, rate_hz, clip=True)
        return path.read_bytes()


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
