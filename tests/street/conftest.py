"""A folder of tones, and streets of it that need no model: seconds, not minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audiolect.audio.writing import write

RATE_HZ = 8000
STREET = """\
street: tones
out: out
values:
  audio: {kind: folder, about: your recordings, get: record some}
  rate: {kind: number, default: 8000}
  other: {kind: folder, default: null}
stages:
  data: {do: prepare, corpus: folder, source: $audio}
  look: {do: check, dataset: $data, max_problems: null}
  low: {do: pack, dataset: $data, rate_hz: $rate}
  high: {do: pack, dataset: $data, rate_hz: 16000}
  page: {do: collection, dataset: $data}
last:
  open: $page
  commands: ["audiolect show $data", "audiolect show $other"]
"""


def write_tone(path: Path, pitch_hz: float, seconds: float = 0.5) -> None:
    """A tone in a little noise."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(round(pitch_hz)).standard_normal(len(time))
    write(path, (0.3 * np.sin(2 * np.pi * pitch_hz * time) + 0.02 * noise).astype(np.float32), RATE_HZ)


@pytest.fixture
def tone() -> Callable[..., None]:
    """Writes a tone: ``tone(path, 440)``."""
    return write_tone


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """A folder of three tones."""
    folder = tmp_path / "audio"
    for number, pitch_hz in enumerate((300, 500, 900)):
        write_tone(folder / f"{number}.wav", pitch_hz)
    return folder


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """The file of a street that takes ``audio=DIR``."""
    path = tmp_path / "street.yaml"
    path.write_text(STREET, "utf-8")
    return path
