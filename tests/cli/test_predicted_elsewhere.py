"""``audiolect import predictions`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from called import call

from audiolect.text_predictions import read_text_predictions


@pytest.fixture
def table(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "theirs.csv"
    path.write_text('file_name,caption_predicted\n15.wav,a dog\n16.wav,"rain, and wind"\n', "utf-8")
    return path


def test_a_table_becomes_predictions(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("import", "predictions", table, "--dataset", "world", "--split", "test", "--out", "p.jsonl")
    assert call(*arguments, "--dry-run") == 0
    assert "would write p.jsonl: 2 predictions of 5 recordings of world" in capsys.readouterr().out
    assert not Path("p.jsonl").exists()
    assert call(*arguments, "--name", "other lab") == 0
    printed = capsys.readouterr().out
    assert "audiolect evaluate p.jsonl world --allow-partial" in printed
    found = read_text_predictions("p.jsonl")
    assert found.header.model.run == "other lab"
    assert found.rows[1].outputs == ("rain, and wind",)
    assert call(*arguments) == 2
    assert "The target exists" in capsys.readouterr().err
    assert call(*arguments, "--overwrite", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["predictions"], told["num_expected"]) == (2, 5)


def test_letters(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("import", "predictions", table, "--out", "p.jsonl") == 2
    assert "--dataset DATASET" in capsys.readouterr().err
    assert call("import", "audiofolder", table, "--dataset", "world", "--out", "p") == 2
    assert "belong to the import of predictions" in capsys.readouterr().err
