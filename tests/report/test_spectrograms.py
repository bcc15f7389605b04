"""Small spectrograms as PNG, read back by another library."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import image

from audiolect.errors import UsageError
from audiolect.report.spectrograms import HEIGHT, WIDTH, png_bytes, thumbnail

RATE_HZ = 16000


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(image.imread(io.BytesIO(png), format="png"))[..., :3]


def test_png_by_another_reader() -> None:
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 5
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 99, 199]], np.uint8)
    np.testing.assert_allclose(pixels(png_bytes(levels, palette)), palette[levels] / 255, atol=1e-6)


def test_a_tone_is_a_bright_line_where_its_frequency_is() -> None:
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    rows = []
    for hz in (500, 4000):
        found = pixels(thumbnail(np.sin(2 * np.pi * hz * times).astype(np.float32), RATE_HZ))
        assert found.shape == (HEIGHT, WIDTH, 3)
        rows.append(int(found[:, WIDTH // 2].sum(axis=1).argmax()))
    expected = [HEIGHT * (1 - np.log10(1 + hz / 700) / np.log10(1 + 8000 / 700)) for hz in (500, 4000)]
    np.testing.assert_allclose(rows, expected, atol=2)


def test_silence_and_very_short_sounds_have_a_picture() -> None:
    for samples in (np.zeros(RATE_HZ, np.float32), np.ones(1, np.float32)):
        assert pixels(thumbnail(samples, RATE_HZ)).shape == (HEIGHT, WIDTH, 3)


def test_noise_stays_small() -> None:
    noise = np.random.default_rng(0).standard_normal(5 * RATE_HZ).astype(np.float32)
    assert len(thumbnail(noise, RATE_HZ)) < 12_000


def test_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no sound to draw"):
        thumbnail(np.zeros(0, np.float32), RATE_HZ)
