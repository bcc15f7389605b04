"""The ranking that the DCASE challenge asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.embedding_files import read_embeddings
from audiolect.errors import DatasetError
from audiolect.evaluate.material import Material, gather
from audiolect.evaluate.submission import rankings, write_ranking
from audiolect.formats.dcase_submission import read_submission


@pytest.fixture
def material(tmp_path: Path, tones: Any) -> Material:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "out", split="test")
    return gather(read_embeddings(tmp_path / "out"), dataset)


def test_it_ranks_by_similarity(tmp_path: Path, material: Material) -> None:
    assert write_ranking(tmp_path / "out.csv", material) == 24
    names = [Path(path).name for path in material.recordings["path"]]
    found = read_submission(tmp_path / "out.csv", file_names=names, captions=material.captions["text"].to_list())
    similarity = material.caption_vectors @ material.recording_vectors.T
    for row, caption in enumerate(material.captions["text"]):
        order = np.argsort(-similarity[row], kind="stable")[:10]
        assert found[caption] == tuple(names[index] for index in order)


def test_what_cannot_be_ranked(material: Material) -> None:
    few = replace(material, recordings=material.recordings[:9], recording_vectors=material.recording_vectors[:9])
    with pytest.raises(DatasetError, match="24 captions, 9 recordings"):
        rankings(few)
    paths = ["x/a.wav", "y/a.wav", *material.recordings["path"].to_list()[2:]]
    doubled = replace(material, recordings=material.recordings.with_columns(path=pl.Series(paths)))
    with pytest.raises(DatasetError, match=r"one file name(.|\n)*'a\.wav'"):
        rankings(doubled)
