"""A world of tones, and a model without weights that hears them: what predicting and evaluating are tested on.

A recording is a tone among noise; its label says how high it is. The model's vector is made of the energies in three
bands; a text's vector has a component for each label that it names, and a little that is its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from saved_tables import save_tables

from audiolect.data.dataset import Dataset
from audiolect.data.records import Example, Recording
from audiolect.embedding_files import ModelIdentity
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.predict.prediction import PredictReport, PredictRequest, predict

RATE_HZ = 8000
LABELS = ("high tone", "low tone", "middle tone")
TONES_HZ = {"low tone": 250.0, "middle tone": 900.0, "high tone": 2800.0}
SIZE = 8


class FakeModel:
    """Hears the energies of bands; counts its calls, and can fail at the call that it is told."""

    def __init__(self, run: str = "fake", *, skill: float = 1.0, fails_at: int = -1) -> None:
        self.identity = ModelIdentity(
            run=run, checkpoint="best", step=7, checkpoint_hash="0" * 32, seeds={"training": 3}
        )
        self.rate_hz = RATE_HZ
        self.embedding_size = SIZE
        self.skill = skill
        self.calls = 0
        self.fails_at = fails_at
        self.heard: list[int] = []

    def embed_audio(self, waveforms: Any, lengths: Any) -> Any:
        self.calls += 1
        if self.calls == self.fails_at:
            raise KeyboardInterrupt
        self.heard += [int(length) for length in lengths]
        return np.stack([self._hear(row[:length]) for row, length in zip(waveforms, lengths, strict=True)])

    def embed_texts(self, texts: Sequence[str]) -> Any:
        return np.stack([self._read(text) for text in texts]).astype(np.float32)

    def _hear(self, waveform: Any) -> Any:
        power = np.abs(np.fft.rfft(waveform.astype(np.float64))) ** 2
        bands = np.array([part.sum() for part in np.array_split(power, 8)])
        low, middle, high = bands[0] * 0.7, bands[1], bands[4:7].sum()
        vector = np.zeros(SIZE)
        vector[:3] = np.array([high, low, middle]) / (bands.sum() + 1e-9)
        vector[3:] = 0.2 * np.tanh(bands[3:] / (bands.mean() + 1e-9))
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def _read(self, text: str) -> Any:
        digest = hashlib.blake2b(text.encode(), digest_size=SIZE).digest()
        vector = 0.5 * (np.frombuffer(digest, np.uint8) / 255 - 0.5)
        for place, label in enumerate(LABELS):
            if label.split()[0] in text:
                vector[place] += self.skill
        return vector / np.linalg.norm(vector)


def tone_dataset(
    folder: Path, num_recordings: int = 24, *, name: str = "tones", seconds: Callable[[int], float] | None = None
) -> Dataset:
    """Recording i is a tone of label i % 3, split test where i is even, fold 1 + i % 4, with two captions.

    Args:
        seconds: i → its length; None: 0.5 s and more, all different.
    """
    audio = folder.with_name(f"{folder.name}-audio")
    audio.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    recordings, examples = [], []
    for i in range(num_recordings):
        label = LABELS[i % 3]
        count = round((0.5 + 0.03 * i if seconds is None else seconds(i)) * RATE_HZ)
        times = np.arange(count) / RATE_HZ
        sound = 0.3 * np.sin(2 * np.pi * TONES_HZ[label] * (1 + 0.01 * i) * times) + 0.1 * rng.standard_normal(count)
        soundfile.write(audio / f"{i:03d}.wav", sound, RATE_HZ, subtype="PCM_16")
        split, recording_id = "test" if i % 2 == 0 else "train", f"{name}/{i:03d}"
        recordings.append(
            Recording(
                recording_id,
                f"{i:03d}.wav",
                count,
                RATE_HZ,
                1,
                "wav/pcm_16",
                44 + 2 * count,
                split=split,
                fold=1 + i % 4,
                labels=(label,),
                title=f"tone {i}",
            )
        )
        captions = (f"a {label} number {i}", f"somebody plays a {label}, take {i}")
        examples.append(Example(f"{recording_id}#c", recording_id, split, "AudioCaptioning", "describe it", captions))
        examples.append(Example(f"{recording_id}#l", recording_id, split, "EventClassification", "which?", (label,)))
    return save_tables(folder, recordings, examples, name=name, audio_root=audio)


def window_settings(window_seconds: float = 2.0, batch_size: int = 4) -> BatchSettings:
    """Windows of some seconds, read by no thread."""
    return BatchSettings(
        rate_hz=RATE_HZ, policy="windows", window_seconds=window_seconds, batch_size=batch_size, threads=0
    )


def predicted(dataset: Dataset, target: Path, model: FakeModel | None = None, **request: Any) -> PredictReport:
    """Predictions of the model, from the audio files."""
    settings = request.pop("settings", window_settings())
    source = open_audio_files(dataset, RATE_HZ)
    return predict(PredictRequest(settings=settings, **request), dataset, model or FakeModel(), source, target)
