"""Folders of embeddings: written whole, read back, and refused where scores could not be trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.embedding_files import (
    TEXT_SCHEMA,
    DatasetPart,
    EmbeddingsCard,
    ModelIdentity,
    embeddings_fingerprint,
    read_embeddings,
    read_embeddings_card,
    write_embeddings,
)
from audiolect.errors import DamagedFile, DatasetError, StorageError, UnknownVersion

IDS = ["w/a", "w/b", "w/c"]


def facts() -> EmbeddingsCard:
    return EmbeddingsCard(
        format="",
        version=0,
        producer="",
        model=ModelIdentity(run="r", checkpoint_hash="f" * 32),
        dataset=DatasetPart(name="w", fingerprint="0" * 32, num_expected=3, num_embedded=3),
        size=1,
        num_recordings=0,
        num_texts=0,
    )


def texts(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TEXT_SCHEMA, orient="row")


CAPTION = ("caption:e:0", "caption", "a dog", "e", "w/a", None, None)
LABEL = ("label:dog:0", "label", "dog", None, None, "dog", "{label}")


def write(folder: Path, **changes: Any) -> EmbeddingsCard:
    folder.mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "recording_ids": pl.Series(IDS),
        "recordings": np.eye(3, 4, dtype=np.float32),
        "text_table": texts(CAPTION, LABEL),
        "texts": np.ones((2, 4), np.float32),
    }
    return write_embeddings(folder, facts(), **(values | changes))


def test_there_and_back(tmp_path: Path) -> None:
    card = write(tmp_path / "p")
    found = read_embeddings(tmp_path / "p")
    assert found.card == card == read_embeddings_card(tmp_path / "p")
    assert (card.size, card.num_recordings, card.num_texts, card.format) == (4, 3, 2, "audiolect/embeddings")
    assert found.recording_ids.to_list() == IDS
    assert (found.recordings == np.eye(3, 4)).all()
    assert found.text_table.rows() == [CAPTION, LABEL]
    assert sorted(card.files) == ["recordings.npy", "recordings.parquet", "texts.npy", "texts.parquet"]


def test_without_texts(tmp_path: Path) -> None:
    write(tmp_path / "p", text_table=texts(), texts=np.zeros((0, 4), np.float32))
    assert read_embeddings(tmp_path / "p").texts.shape == (0, 4)


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    write(tmp_path / "c", recordings=np.eye(3, 4, dtype=np.float32) * 2)
    a, b, c = (embeddings_fingerprint(read_embeddings(tmp_path / name)) for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recording_ids": pl.Series(["w/a", "w/b", "w/a"])}, r"stands twice(.|\n)*'w/a'"),
        ({"recording_ids": pl.Series(["w/a", None, "w/c"])}, "stands twice in the predictions, or has no id"),
        ({"recording_ids": pl.Series(["w/a", "w/b"])}, r"not one vector for each recording"),
        ({"recordings": np.full((3, 4), np.nan, np.float32)}, r"no direction(.|\n)*NaN or infinity"),
        ({"recordings": np.zeros((3, 4), np.float32)}, r"no direction(.|\n)*zeros"),
        ({"texts": np.array([[1, 0, 0, 0], [np.inf, 0, 0, 0]], np.float32)}, r"text 'label:dog:0'(.|\n)*infinity"),
        ({"text_table": texts(CAPTION, CAPTION)}, "A text stands twice"),
        ({"text_table": texts(CAPTION, ("x", "title", "t", None, None, None, None))}, "neither a caption"),
        ({"text_table": texts(LABEL, ("x", "caption", "t", "e", None, None, None))}, "neither a caption"),
    ],
)
def test_what_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        write(tmp_path / "p", **changes)
    assert list((tmp_path / "p").iterdir()) == []


def test_what_others_wrote_is_checked_too(tmp_path: Path) -> None:
    """A card without hashes, as another program may write it: duplicates and NaN are found in reading."""
    write(tmp_path / "p")
    card = json.loads((tmp_path / "p" / "card.json").read_text("utf-8")) | {"files": {}}
    (tmp_path / "p" / "card.json").write_text(json.dumps(card), "utf-8")
    pl.DataFrame({"recording_id": ["w/a", "w/a", "w/c"]}).write_parquet(tmp_path / "p" / "recordings.parquet")
    with pytest.raises(DatasetError, match="stands twice"):
        read_embeddings(tmp_path / "p")
    pl.DataFrame({"recording_id": IDS}).write_parquet(tmp_path / "p" / "recordings.parquet")
    np.save(tmp_path / "p" / "recordings.npy", np.full((3, 4), np.nan, np.float32))
    with pytest.raises(DatasetError, match="no direction"):
        read_embeddings(tmp_path / "p")
    np.save(tmp_path / "p" / "recordings.npy", np.ones((3, 5), np.float32))
    with pytest.raises(DamagedFile, match=r"shape \(3, 5\)"):
        read_embeddings(tmp_path / "p")
    pl.DataFrame({"name": IDS}).write_parquet(tmp_path / "p" / "recordings.parquet")
    np.save(tmp_path / "p" / "recordings.npy", np.ones((3, 4), np.float32))
    with pytest.raises(DatasetError, match="other columns"):
        read_embeddings(tmp_path / "p")


def test_damage_and_other_kinds(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"There are no predictions here(.|\n)*no such folder"):
        read_embeddings(tmp_path / "gone")
    write(tmp_path / "p")
    data = bytearray((tmp_path / "p" / "recordings.npy").read_bytes())
    data[-1] ^= 1
    (tmp_path / "p" / "recordings.npy").write_bytes(bytes(data))
    with pytest.raises(DamagedFile, match="not the one that was written"):
        read_embeddings(tmp_path / "p")
    path = tmp_path / "p" / "card.json"
    card = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(card | {"format": "audiolect/pack"}), "utf-8")
    with pytest.raises(UnknownVersion):
        read_embeddings(tmp_path / "p")
    path.write_text(json.dumps(card | {"size": 0}), "utf-8")
    with pytest.raises(DamagedFile, match="card of predictions cannot be used"):
        read_embeddings(tmp_path / "p")


def test_objects_in_an_array_are_not_loaded(tmp_path: Path) -> None:
    write(tmp_path / "p")
    card = json.loads((tmp_path / "p" / "card.json").read_text("utf-8")) | {"files": {}}
    (tmp_path / "p" / "card.json").write_text(json.dumps(card), "utf-8")
    np.save(tmp_path / "p" / "recordings.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DamagedFile, match="cannot be read"):
        read_embeddings(tmp_path / "p")
