"""What an index is asked for: by a run or by predictions, of a pack that fits or does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiolect.data.dataset import open_dataset
from audiolect.embedding_files import TEXT_SCHEMA, DatasetPart, EmbeddingsCard, ModelIdentity, write_embeddings
from audiolect.errors import AudiolectError, UsageError
from audiolect.street.indexing import model_side


@pytest.fixture
def predictions(world: Path, tmp_path: Path) -> Path:
    """Vectors of the first 3 recordings of ``world``, e_0, e_1 and e_2, as `predict` writes them."""
    dataset = open_dataset(world)
    ids = dataset.recordings["recording_id"].head(3)
    card = EmbeddingsCard(
        format="",
        version=0,
        producer="",
        command="",
        model=ModelIdentity(run="r", checkpoint_hash="abc"),
        dataset=DatasetPart(
            name="world", fingerprint=dataset.card.fingerprint, split=None, where=None, num_expected=3, num_embedded=3
        ),
        preprocessing={"rate_hz": 8000, "source": "pack", "precision": "int16 samples"},
        size=4,
        num_recordings=3,
        num_texts=0,
    )

    folder = tmp_path / "predictions"
    folder.mkdir()
    table = pl.DataFrame({name: [] for name in TEXT_SCHEMA}, schema=TEXT_SCHEMA)

    write_embeddings(
        folder,
        card,
        recording_ids=ids,
        recordings=np.eye(3, 4, dtype=np.float32),
        text_table=table,
        texts=np.empty((0, 4), np.float32),
    )
    return folder


def test_predictions_give_their_vectors_and_say_how_sound_was_heard(world: Path, predictions: Path) -> None:
    dataset = open_dataset(world)
    request, embed = model_side(predictions, "best", dataset, None, split="train", command="c")
    assert (request.size, request.split, request.command, request.run_folder) == (4, "train", "c", None)
    assert request.preprocessing == {"rate_hz": 8000}
    (chunk,) = embed(dataset)
    assert list(chunk.recording_ids) == dataset.recordings["recording_id"].head(3).to_list()
    np.testing.assert_array_equal(chunk.vectors, np.eye(3, 4))
    assert len(chunk.problems) == 17


def test_what_is_no_run_and_no_pack_is_told(world: Path, predictions: Path, tmp_path: Path) -> None:
    dataset = open_dataset(world)
    with pytest.raises(UsageError, match="no run"):
        model_side(tmp_path, "best", dataset, None)
    with pytest.raises(AudiolectError):
        model_side(predictions, "best", dataset, tmp_path / "no-pack")
