"""Vectors of recordings depend on nothing but the recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.predict.recordings import cut_parts, embed_part, recordings_in


def ignore(amount: int) -> None:
    """Nobody is told."""


@given(st.lists(st.integers(1, 5_000_000), max_size=700), st.sampled_from([1000, 32000]))
def test_parts_hold_each_recording_once_and_no_more_than_they_may(lengths: list[int], rate_hz: int) -> None:
    parts = cut_parts(np.array(lengths, np.int64), rate_hz)
    rows = [int(row) for part in parts for row in part.rows]
    assert sorted(rows) == list(range(len(lengths)))
    found = [lengths[row] for row in rows]
    assert found == sorted(found, reverse=True)
    for part in parts:
        assert len(part.rows) <= 256
        assert len(part.rows) == 1 or sum(lengths[row] for row in part.rows) <= 3600 * rate_hz * (1 + 1e-9)


def test_no_recordings_no_parts() -> None:
    assert cut_parts(np.zeros(0, np.int64), 8000) == []


@pytest.mark.parametrize("policy", ["windows", "pad"])
def test_a_recording_alone_and_among_32_others_has_one_vector(tmp_path: Path, tones: Any, policy: str) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 33, seconds=lambda i: 0.3 + 0.11 * i)
    source = open_audio_files(dataset, tones.RATE_HZ)
    settings = BatchSettings(rate_hz=tones.RATE_HZ, policy=policy, window_seconds=1.0, batch_size=33, threads=0)
    [everyone] = cut_parts(source.num_samples, source.rate_hz)
    together = embed_part(tones.FakeModel(), dataset, everyone, source, settings, done=ignore)
    assert together.shape == (33, tones.SIZE)
    for place, row in enumerate(everyone.rows):
        alone = replace(everyone, rows=np.array([row]))
        vector = embed_part(tones.FakeModel(), dataset, alone, source, settings, done=ignore)
        np.testing.assert_allclose(vector[0], together[place], atol=1e-6)


def test_windows_by_hand(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 1, seconds=lambda _: 2.5)
    source = open_audio_files(dataset, tones.RATE_HZ)
    model = tones.FakeModel()
    [part] = cut_parts(source.num_samples, source.rate_hz)
    found = embed_part(model, dataset, part, source, tones.window_settings(1.0), done=ignore)
    assert model.heard == [8000, 8000, 4000]  # the last window holds only what there is
    sound = source.read(0)
    windows = [
        tones.FakeModel().embed_audio(w[None], [len(w)])[0] for w in (sound[:8000], sound[8000:16000], sound[16000:])
    ]
    mean = np.average(np.asarray(windows, np.float64), axis=0, weights=[2, 2, 1])  # by what each holds
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_what_the_source_has(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 3)
    source = open_audio_files(dataset, tones.RATE_HZ)
    assert recordings_in(dataset, source).to_list() == [True, True, True]
    other = tones.tone_dataset(tmp_path / "others", 4, name="others")
    assert recordings_in(other, source).to_list() == [False] * 4
