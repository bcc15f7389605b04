"""The table of known models."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.models import pretrained
from audiolect.models.pretrained import (
    KNOWN_MODELS,
    KnownModel,
    check_file,
    get_known_model,
    known_file,
    known_models_table,
)


def test_every_row_says_where_it_is_from_and_under_which_licence() -> None:
    assert len(KNOWN_MODELS) >= 10
    rows = KNOWN_MODELS.values()
    assert all(row.what and row.licence and row.paper and row.encoder for row in rows)
    assert all(row.source.startswith("https://") or row.source.count("/") == 1 for row in rows)


def test_the_table_has_a_line_for_each() -> None:
    lines = known_models_table().splitlines()
    assert len(lines) == 1 + len(KNOWN_MODELS)
    assert lines[1].startswith("panns-cnn14 ")
    assert "CC-BY-4.0" in lines[1]


def test_a_name_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean panns-cnn14"):
        get_known_model("pans-cnn14")


def test_a_file_of_another_size_is_told_and_one_of_another_hash_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Cnn14_mAP=0.431.pth"
    with pytest.raises(StorageError, match="zenodo"):
        check_file(path)
    path.write_bytes(b"weights")
    assert check_file(path).startswith("the published file has 327428481 bytes, this one 7; no hash")
    hashed = hashlib.sha256(b"weights").hexdigest()
    row = KnownModel("tiny", "small", "https://example.org/tiny%3D1.pth", "MIT", "none", num_bytes=7, sha256=hashed)
    monkeypatch.setitem(pretrained.KNOWN_MODELS, "tiny", row)
    path = path.rename(tmp_path / "tiny=1.pth")
    assert check_file(path) == f"sha256 {hashed}, as the table of known models has it"
    path.write_bytes(b"Weights")
    with pytest.raises(DamagedFile, match=r"another hash(.|\n)*table of known models(.|\n)*example\.org"):
        check_file(path)


def test_a_hash_that_a_recipe_states_is_held_against_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(b"weights")
    hashed = hashlib.sha256(b"weights").hexdigest()
    assert check_file(path).endswith(f"give the recipe weights_sha256: {hashed}")
    assert check_file(path, hashed.upper()) == f"sha256 {hashed}, as weights_sha256 has it"
    with pytest.raises(DamagedFile, match=rf"weights_sha256(.|\n)*{hashed}"):
        check_file(path, "0" * 64)


def test_every_published_file_is_known_by_its_name() -> None:
    assert known_file("anywhere/Cnn14_mAP=0.431.pth") == "panns-cnn14"
    assert known_file("Wavegram_Logmel_Cnn14_mAP=0.439.pth") == "panns-wavegram-logmel-cnn14"
    assert known_file("ResNet38_mAP=0.434.pth") == "panns-resnet38"
    assert known_file("mine.pth") is None
