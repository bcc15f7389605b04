"""The worst and best queries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.embedding_files import read_embeddings
from audiolect.evaluate.material import Material, gather
from audiolect.report.queries import shown_queries


@pytest.fixture
def material(tmp_path: Path, tones: Any) -> Material:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "out")
    return gather(read_embeddings(tmp_path / "out"), dataset)


def test_worst_and_best_of_captions(material: Material) -> None:
    shown = shown_queries(material, 4)["text_to_audio"]
    similarity = material.caption_vectors.astype(np.float64) @ material.recording_vectors.T
    ids = material.recordings["recording_id"].to_list()
    ranks = {}
    for row, (caption, own) in enumerate(material.captions.select("text", "recording_id").iter_rows()):
        ranks[caption] = (1 + int((similarity[row] > similarity[row, ids.index(own)]).sum()), own)
    worst = [query.rank for query in shown["worst"]]
    assert len(worst) == 4
    assert worst == sorted(worst, reverse=True)
    assert worst[0] == max(rank for rank, _ in ranks.values())
    for query in (*shown["worst"], *shown["best"]):
        assert (query.rank, query.recording_id) == ranks[query.asked]
        assert len(query.found) == 3
        assert [found.score for found in query.found] == sorted((f.score for f in query.found), reverse=True)
    assert all(query.rank == 1 and query.found[0].is_right for query in shown["best"])
    assert len({query.recording_id for query in shown["worst"]}) == 4


def test_worst_and_best_of_classes(material: Material) -> None:
    shown = shown_queries(material, 5)["classification"]
    assert shown["worst"]
    for query in shown["worst"]:
        assert query.rank > 1
        assert not query.found[0].is_right
    for query in shown["best"]:
        assert query.rank == 1
        assert query.found[0].name == query.asked


def test_a_perfect_system_has_no_worst(material: Material) -> None:
    captions = material.captions.unique("recording_id", maintain_order=True)
    perfect = replace(
        material,
        captions=captions,
        caption_vectors=np.eye(24, dtype=np.float32),
        recording_vectors=np.eye(24, dtype=np.float32),
        embeddings=replace(material.embeddings, text_table=material.embeddings.text_table[:0]),
    )
    shown = shown_queries(perfect, 3)
    assert list(shown) == ["text_to_audio"]
    assert shown["text_to_audio"]["worst"] == []
    assert len(shown["text_to_audio"]["best"]) == 3
