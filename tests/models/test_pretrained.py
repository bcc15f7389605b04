"""The table of known models."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.models import pretrained
from audiolect.models.pretrained import KNOWN_MODELS, KnownModel, check_file, get_known_model, known_models_table
from audiolect.storage import fingerprint_file


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


def test_a_file_of_another_size_or_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(StorageError, match="zenodo"):
        check_file("panns-cnn14", path)
    path.write_bytes(b"weights")
    with pytest.raises(DamagedFile, match=r"327428481 bytes[\s\S]*7 bytes[\s\S]*cut short"):
        check_file("panns-cnn14", path)
    row = KnownModel("tiny", "small", "a/b", "MIT", "none", num_bytes=7, hash=fingerprint_file(path))
    monkeypatch.setitem(pretrained.KNOWN_MODELS, "tiny", row)
    assert check_file("tiny", path) == row.hash
    path.write_bytes(b"Weights")
    with pytest.raises(DamagedFile, match="its hash is another"):
        check_file("tiny", path)
