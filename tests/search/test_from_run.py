"""Chunks from a model and from predictions; broken recordings stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from made_index import IDENTITY

from audiolect.data.dataset import Dataset, open_dataset
from audiolect.embedding_files import DatasetPart, Embeddings, EmbeddingsCard
from audiolect.errors import UnreadableAudio
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.search.from_run import RunQueries, embed_from_predictions, embed_with

SETTINGS = BatchSettings(rate_hz=8000, policy="pad", batch_size=4)


class Listener:
    """Hears the level and the length of a sound; of a text the number of its letters."""

    identity = IDENTITY
    rate_hz = 8000
    embedding_size = 3

    def embed_audio(
        self, waveforms: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        levels = np.abs(waveforms).max(axis=1)
        found = np.stack([levels, lengths / 8000, np.ones(len(lengths))], axis=1)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return np.where(levels[:, None] > 0, found, np.nan).astype(np.float32)

    def embed_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.array([[len(text), 1, 0] for text in texts], np.float32)


@pytest.fixture
def dataset(world: Path) -> Dataset:
    """With its audio: number 3 is missing, 7 cut short, 11 silent."""
    (world / "audio").mkdir()
    for i in range(20):
        length, level = (i + 1) * 8000, 0.0 if i == 11 else 0.5
        if i != 3:
            soundfile.write(world / "audio" / f"{i:02d}.wav", np.full(length // (2 if i == 7 else 1), level), 8000)
    return open_dataset(world)


def test_what_is_broken_stands_alone_and_all_else_is_embedded(dataset: Dataset) -> None:
    embed = embed_with(Listener(), SETTINGS, lambda part: open_audio_files(part, 8000), source="files")
    chunks = list(embed(dataset))
    found = {name: vector for chunk in chunks for name, vector in zip(chunk.recording_ids, chunk.vectors, strict=True)}
    problems = {problem.where: problem.reason for chunk in chunks for problem in chunk.problems}
    assert problems.keys() == {"w/03", "w/07", "w/11"}
    assert (problems["w/03"], problems["w/11"]) == ("missing", "not-finite")
    assert sorted([*found, *problems]) == [f"w/{i:02d}" for i in range(20)]
    np.testing.assert_allclose(found["w/05"], np.array([0.5, 6, 1]) / np.sqrt(37.25), atol=1e-4)


def test_recordings_that_a_pack_lacks_are_problems(dataset: Dataset) -> None:
    part = dataset.recordings.head(3)
    less = open_audio_files(_only(dataset, part["recording_id"].to_list()), 8000)
    chunks = list(embed_with(Listener(), SETTINGS, lambda _: less, source="pack")(dataset))
    problems = [problem for chunk in chunks for problem in chunk.problems]
    assert len(problems) == 17
    assert {(problem.reason, problem.detail) for problem in problems} == {("missing", "it is not in the pack")}
    assert sorted(name for chunk in chunks for name in chunk.recording_ids) == ["w/00", "w/01", "w/02"]


def _only(dataset: Dataset, names: list[str]) -> Dataset:
    from audiolect.data.dataset import filter_dataset

    return filter_dataset(dataset, f"recording_id in {names}")


def test_predictions_are_taken_as_they_are(dataset: Dataset, tmp_path: Path) -> None:
    names = dataset.recordings["recording_id"].head(19)
    vectors = np.random.default_rng(0).standard_normal((19, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    part = DatasetPart(name="world", fingerprint="", num_expected=20, num_embedded=19)
    card = EmbeddingsCard(
        format="", version=1, producer="", model=IDENTITY, dataset=part, size=3, num_recordings=19, num_texts=0
    )
    predicted = Embeddings(tmp_path, card, names, vectors, dataset.examples, np.empty((0, 3), np.float32))
    (chunk,) = embed_from_predictions(predicted)(dataset)
    assert list(chunk.recording_ids) == names.to_list()
    np.testing.assert_allclose(chunk.vectors, vectors, atol=1e-7)
    assert [problem.where for problem in chunk.problems] == ["w/19"]


def test_queries(dataset: Dataset, tmp_path: Path) -> None:
    queries = RunQueries(Listener(), SETTINGS)
    assert queries.identity is IDENTITY
    np.testing.assert_allclose(queries.embed_texts(["a", "abc"]), [[0.7071, 0.7071, 0], [0.9487, 0.3162, 0]], atol=1e-4)
    heard = queries.embed_files([dataset.audio_path("05.wav")])
    np.testing.assert_allclose(heard[0], np.array([0.5, 6, 1]) / np.sqrt(37.25), atol=1e-4)
    with pytest.raises(UnreadableAudio, match="to search by"):
        queries.embed_files([tmp_path / "none.wav"])
