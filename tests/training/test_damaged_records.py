"""Files of a training that are of ours and yet lack what they should hold: a letter, and never a bare KeyError."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import DamagedFile, UnknownVersion
from audiolect.storage import file_header, fingerprint_bytes, read_json, write_json
from audiolect.training.data_gate import find_overlaps
from audiolect.training.recipe import load_recipe
from audiolect.training.run_folder import CHECKPOINT_CARD, CHECKPOINT_KIND, CHECKPOINT_VERSION, read_checkpoint_card
from audiolect.training.training_data import TrainingData, open_training_data

HEADER = file_header(CHECKPOINT_KIND, CHECKPOINT_VERSION)
OVERLAP: dict[str, Any] = {
    "evaluated": "tones/test",
    "trained": "tones/train",
    "num_recordings": 1,
    "kinds": "id",
    "pairs": [["a", "b"]],
}


@pytest.fixture
def data(recipe: Callable[..., Path]) -> TrainingData:
    path = recipe()
    return open_training_data(load_recipe(path), path.parent, where=path)


@pytest.fixture
def remembered(data: TrainingData, tmp_path: Path) -> Path:
    """The file of a comparison that found nothing."""
    find_overlaps(data, tmp_path, tmp_path / ".leaks")
    (path,) = (tmp_path / ".leaks").iterdir()
    return path


@pytest.mark.parametrize("card", [{}, {"files": None}, {"files": ["model.yaml"]}, {"files": "model.yaml"}])
@pytest.mark.parametrize("verify", [True, False])
def test_a_checkpoint_that_names_no_files(card: dict[str, object], verify: bool, tmp_path: Path) -> None:
    write_json(tmp_path / CHECKPOINT_CARD, HEADER | card)
    with pytest.raises(DamagedFile, match="does not say which files"):
        read_checkpoint_card(tmp_path, verify=verify)


def test_a_checkpoint_that_names_files_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"text")
    (tmp_path / "here").mkdir()
    write_json(tmp_path / "here" / CHECKPOINT_CARD, HEADER | {"files": {"../secret": fingerprint_bytes([b"text"])}})
    with pytest.raises(DamagedFile, match="not what was written"):
        read_checkpoint_card(tmp_path / "here")


def test_what_is_remembered_is_what_is_answered(data: TrainingData, remembered: Path, tmp_path: Path) -> None:
    write_json(remembered, read_json(remembered) | {"overlaps": [OVERLAP]})
    (found,), evaluated = find_overlaps(data, tmp_path, remembered.parent)
    assert (found.evaluated, found.num_recordings, found.pairs) == ("tones/test", 1, (("a", "b"),))
    assert evaluated == ["tones/test", "tones/val"]
    assert find_overlaps(data, tmp_path, None) == ([], evaluated)


@pytest.mark.parametrize(
    "overlaps",
    [
        None,
        [1],
        [{"evaluated": "tones/test"}],
        [OVERLAP | {"pairs": 3}],
        [OVERLAP | {"pairs": [["a"]]}],
        [OVERLAP | {"more": 1}],
        [{"evaluated": "tones/test", "pairs": []}],
    ],
)
def test_a_memory_without_overlaps(data: TrainingData, remembered: Path, overlaps: object, tmp_path: Path) -> None:
    write_json(remembered, read_json(remembered) | {"overlaps": overlaps})
    with pytest.raises(DamagedFile, match=r"(?s)remembered comparison.*remove the file"):
        find_overlaps(data, tmp_path, remembered.parent)


def test_a_memory_of_another_kind_or_version(data: TrainingData, remembered: Path, tmp_path: Path) -> None:
    whole = read_json(remembered)
    write_json(remembered, whole | {"version": 99})
    with pytest.raises(UnknownVersion, match="99"):
        find_overlaps(data, tmp_path, remembered.parent)
    write_json(remembered, whole | file_header("dataset", 1))
    with pytest.raises(UnknownVersion, match="another kind"):
        find_overlaps(data, tmp_path, remembered.parent)
    remembered.write_text(remembered.read_text("utf-8")[:40], "utf-8")
    with pytest.raises(DamagedFile, match="not JSON"):
        find_overlaps(data, tmp_path, remembered.parent)
