"""A person's own files: formats mixed, broken ones listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

from audiolect.errors import TooManyProblems, UsageError
from audiolect.predict.own_files import embed_files, save_embedded
from audiolect.predict.prediction import PredictRequest


@pytest.fixture
def files(tmp_path: Path, tones: Any) -> list[Path]:
    times = np.arange(2 * 16000) / 16000
    sound = 0.3 * np.sin(2 * np.pi * 900 * times)
    for name in ("a.wav", "b.flac", "c.mp3", "d.ogg"):
        soundfile.write(tmp_path / name, sound, 16000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF....")
    return [tmp_path / name for name in ("a.wav", "b.flac", "broken.wav", "c.mp3", "d.ogg", "gone.wav")]


def test_formats_and_broken_files(tones: Any, files: list[Path]) -> None:
    found = embed_files(tones.FakeModel(), files, ["a low tone"], tones.window_settings())
    assert found.table["kind"].to_list() == ["audio"] * 4 + ["text"]
    assert [Path(name).name for name in found.table["id"][:4]] == ["a.wav", "b.flac", "c.mp3", "d.ogg"]
    np.testing.assert_allclose(found.table["seconds"][:2].to_list(), 2.0)
    assert found.table["seconds"][4] is None
    assert [Path(problem.where).name for problem in found.problems] == ["broken.wav", "gone.wav"]
    np.testing.assert_allclose(found.vectors[0], found.vectors[1], atol=1e-3)  # the same sound, in 16 bits
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)


def test_they_are_heard_as_in_predict(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 4, seconds=lambda i: 0.7 + i)
    for settings in (tones.window_settings(1.0), PredictRequest(settings=tones.window_settings()).settings):
        tones.predicted(dataset, tmp_path / f"out-{settings.window_seconds}", settings=settings)
        paths = [dataset.audio_path(path) for path in dataset.recordings["path"]]
        found = embed_files(tones.FakeModel(), paths, [], settings)
        expected = np.load(tmp_path / f"out-{settings.window_seconds}" / "recordings.npy")
        np.testing.assert_allclose(found.vectors, expected, atol=1e-6)


def test_too_many_are_broken(tones: Any, files: list[Path]) -> None:
    with pytest.raises(TooManyProblems, match=r"More files are broken(.|\n)*broken\.wav"):
        embed_files(tones.FakeModel(), files, [], tones.window_settings(), max_problems=0)
    assert len(embed_files(tones.FakeModel(), files, [], tones.window_settings(), max_problems=2).problems) == 2


def test_letters(tones: Any, files: list[Path]) -> None:
    with pytest.raises(UsageError, match="nothing to embed"):
        embed_files(tones.FakeModel(), [], [], tones.window_settings())
    with pytest.raises(UsageError, match=r"named twice(.|\n)*a\.wav"):
        embed_files(tones.FakeModel(), [files[0], files[0]], [], tones.window_settings())


def test_vectors_are_written_and_read_by_others(tmp_path: Path, tones: Any, files: list[Path]) -> None:
    found = embed_files(tones.FakeModel(), files, ["words"], tones.window_settings())
    save_embedded(tmp_path / "v.npz", found)
    arrays = np.load(tmp_path / "v.npz", allow_pickle=False)
    assert arrays["id"].tolist() == found.table["id"].to_list()
    assert (arrays["vectors"] == found.vectors).all()
    assert str(arrays["checkpoint_hash"]) == "0" * 32
    save_embedded(tmp_path / "v.parquet", found)
    table = pl.read_parquet(tmp_path / "v.parquet")
    assert (table["vector"].to_numpy() == found.vectors).all()
    assert table["id"].to_list() == found.table["id"].to_list()
    with pytest.raises(UsageError, match=r"\.npz or \.parquet"):
        save_embedded(tmp_path / "v.csv", found)
