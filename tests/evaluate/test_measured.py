"""What was answered, item by item, against slow formulas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.embedding_files import read_embeddings
from audiolect.errors import DatasetError, UsageError
from audiolect.evaluate.material import Material, gather
from audiolect.evaluate.measured import measure_classes, measure_queries, pool_classes, pool_queries, shared_captions


@pytest.fixture
def material(tmp_path: Path, tones: Any) -> Material:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "out")
    return gather(read_embeddings(tmp_path / "out"), dataset)


def test_queries_by_a_slow_formula(material: Material) -> None:
    found = measure_queries(material)
    assert list(found) == ["text_to_audio", "audio_to_text"]
    similarity = material.caption_vectors.astype(np.float64) @ material.recording_vectors.T.astype(np.float64)
    ids = material.recordings["recording_id"].to_list()
    owners = material.captions["recording_id"].to_list()
    ranks = [1 + sum(other > row[ids.index(own)] for other in row) for row, own in zip(similarity, owners, strict=True)]
    forward = found["text_to_audio"]
    assert forward.values["mean_rank"].tolist() == ranks
    assert forward.values["recall_any@5"].tolist() == [float(rank <= 5) for rank in ranks]
    assert forward.recordings == tuple(owners)
    assert (forward.gallery, forward.excluded) == (24, 0)
    backward = found["audio_to_text"]
    assert backward.gallery == 48
    for column, own in enumerate(ids):
        order = sorted(range(48), key=lambda row: -similarity[row, column])
        hits = [owners[row] == own for row in order]
        assert backward.values["recall_any@10"][column] == float(any(hits[:10]))
        assert backward.values["recall_share@10"][column] == sum(hits[:10]) / 2


def test_classes_are_means_of_their_prompts(material: Material) -> None:
    found = measure_classes(material)
    assert found is not None
    assert found.names == ("high tone", "low tone", "middle tone")
    assert found.is_single
    table = material.embeddings.text_table
    expected = []
    for name in found.names:
        rows = [i for i, label in enumerate(table["label"].to_list()) if label == name]
        mean = material.embeddings.texts[rows].astype(np.float64).mean(axis=0)
        expected.append(mean / np.linalg.norm(mean))
    np.testing.assert_allclose(found.scores, material.recording_vectors @ np.stack(expected).T, atol=1e-6)
    assert found.targets.argmax(axis=1).tolist() == [(0, 1, 2)[i % 3] for i in range(24)]


def test_recordings_without_a_label_have_no_value(material: Material) -> None:
    labels = material.recordings["labels"].to_list()
    some = replace(material, recordings=material.recordings.with_columns(labels=pl.Series([[], *labels[1:]])))
    found = measure_classes(some)
    assert found is not None
    assert (len(found.recordings), found.excluded) == (23, 1)
    none = replace(
        material,
        recordings=material.recordings.with_columns(labels=pl.Series([[] for _ in labels], dtype=pl.List(pl.String()))),
    )
    assert measure_classes(none) is None


def test_a_label_without_prompts_is_refused(material: Material) -> None:
    labels = [["owl"], *material.recordings["labels"].to_list()[1:]]
    changed = replace(material, recordings=material.recordings.with_columns(labels=pl.Series(labels)))
    with pytest.raises(DatasetError, match=r"no prompts(.|\n)*'owl'(.|\n)*--labels"):
        measure_classes(changed)


def test_several_labels(material: Material) -> None:
    labels = [["high tone", "low tone"], *material.recordings["labels"].to_list()[1:]]
    changed = replace(material, recordings=material.recordings.with_columns(labels=pl.Series(labels)))
    found = measure_classes(changed)
    assert found is not None
    assert not found.is_single
    assert found.targets[0].tolist() == [True, True, False]


def test_without_captions_there_is_no_retrieval(material: Material) -> None:
    bare = replace(material, captions=material.captions[:0], caption_vectors=material.caption_vectors[:0])
    assert measure_queries(bare) == {}


def test_pools(material: Material) -> None:
    forward = measure_queries(material)["text_to_audio"]
    pooled = pool_queries([forward, forward])
    assert len(pooled.queries) == 96
    assert pooled.values["map@10"].mean() == pytest.approx(forward.values["map@10"].mean())
    classes = measure_classes(material)
    assert classes is not None
    both = pool_classes([classes, classes])
    assert both.scores.shape == (48, 3)
    with pytest.raises(UsageError, match="different classes"):
        pool_classes([classes, replace(classes, names=("a", "b", "c"))])


def test_captions_of_the_same_words_mean_all_their_recordings(material: Material) -> None:
    texts = ["A tone.", " a  TONE. ", *material.captions["text"].to_list()[2:]]
    owners = ["tones/000", "tones/001", *material.captions["recording_id"].to_list()[2:]]
    changed = replace(
        material, captions=material.captions.with_columns(text=pl.Series(texts), recording_id=pl.Series(owners))
    )
    own = measure_queries(changed)["text_to_audio"].values["mean_rank"]
    both = measure_queries(changed, relevance="same-words")["text_to_audio"].values["mean_rank"]
    similarity = material.caption_vectors[:2].astype(np.float64) @ material.recording_vectors.T
    for row in (0, 1):
        ranks = [1 + int((similarity[row] > similarity[row, column]).sum()) for column in (0, 1)]
        assert own[row] == ranks[row]
        assert both[row] == min(ranks)
    assert (own[2:] == both[2:]).all()
    assert shared_captions(changed) == 2
    assert shared_captions(material) == 0
    with pytest.raises(UsageError, match="rule of what is relevant"):
        measure_queries(material, relevance="all")
