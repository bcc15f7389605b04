"""``audiolect index`` and ``audiolect search`` as a user runs them, with predictions and with an untrained model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from called import call


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset ``world`` and a folder ``model`` with weights as they were drawn."""
    pytest.importorskip("lancedb")
    torch = pytest.importorskip("torch")
    from audiolect.data.dataset import open_dataset
    from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, save_model

    folder = tmp_path_factory.mktemp("street")
    assert call("prepare", "soundworld", "--out", folder / "world", "--recordings", 8, "--jobs", 1) == 0
    captions = open_dataset(folder / "world").examples["answers"].explode().drop_nulls().to_list()
    torch.manual_seed(0)
    save_model(build_dual_encoder(DualEncoderSettings(), captions), folder / "model")
    assert call("index", folder / "model", folder / "world", "--out", folder / "index", "--jobs", 1) == 0
    return folder


def test_searching_by_words_sound_and_recording(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert call("search", street / "index", "dog far away in the rain", "--k", 3) == 0
    printed = capsys.readouterr().out
    for words in ("dog far away in the rain", "score", "8 recordings, exact", "next", "--like soundworld/"):
        assert words in printed
    assert call("search", street / "index", "dog", "rain", "-k", 2, "--json", "--where", "split == 'train'") == 0
    found = told(capsys)
    assert [result["query"] for result in found["results"]] == ["dog", "rain"]
    assert {hit["split"] for result in found["results"] for hit in result["hits"]} == {"train"}
    hit = found["results"][0]["hits"][0]
    assert Path(hit["path"]).is_file()
    assert hit["captions"]

    assert call("search", street / "index", "--audio", hit["path"], "-k", 1, "--json") == 0
    (best,) = told(capsys)["results"][0]["hits"]
    assert best["recording_id"] == hit["recording_id"]
    assert best["score"] == pytest.approx(1, abs=1e-4)
    assert call("search", street / "index", "--like", hit["recording_id"], "-k", 8, "--json") == 0
    like = [each["recording_id"] for each in told(capsys)["results"][0]["hits"]]
    assert len(like) == 7
    assert hit["recording_id"] not in like


def test_several_queries_from_a_file(street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "queries.txt").write_text("a dog\n\n  rain \n", "utf-8")
    assert call("search", street / "index", "--queries", tmp_path / "queries.txt", "-k", 1, "--json") == 0
    assert [result["query"] for result in told(capsys)["results"]] == ["a dog", "rain"]


def test_adding_and_removing(street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = tmp_path / "i"
    one = ("index", street / "model", street / "world", "--out", index, "--jobs", 1, "--json")
    assert call(*one, "--where", "duration_seconds > 7") == 0
    few = told(capsys)
    assert 0 < few["added"] < 8
    assert call(*one) == 2
    assert told(capsys)["error"] == "AlreadyExists"
    assert call(*one, "--add") == 0
    both = told(capsys)
    assert (both["added"], both["unchanged"], both["num_recordings"]) == (8 - few["added"], few["added"], 8)
    assert call("index", "remove", index, "--where", "duration_seconds > 7", "--json") == 0
    assert told(capsys) == {"folder": str(index), "removed": few["added"], "recordings": 8 - few["added"]}
    assert call("index", "remove", index, "soundworld/none") == 2


def test_another_checkpoint_is_refused(street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    from audiolect.models.clap import load_model, save_model

    model = load_model(street / "model")
    with torch.no_grad():
        next(iter(model.parameters())).add_(1)
    save_model(model, tmp_path / "other")
    capsys.readouterr()
    assert call("search", street / "index", "dog", "--run", tmp_path / "other") == 2
    assert "The index is of another checkpoint." in capsys.readouterr().err


def test_predictions_are_indexed_without_a_model(
    street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", street / "model", street / "world", "--out", tmp_path / "p") == 0
    capsys.readouterr()
    assert call("index", tmp_path / "p", street / "world", "--out", tmp_path / "i", "--json") == 0
    assert told(capsys)["added"] == 8
    assert call("search", tmp_path / "i", "dog") == 2
    assert "--run RUN" in capsys.readouterr().err
    assert call("search", tmp_path / "i", "dog", "--run", street / "model", "--json") == 0
    mine = told(capsys)["results"][0]["hits"]
    assert call("search", street / "index", "dog", "--json") == 0
    theirs = told(capsys)["results"][0]["hits"]
    assert [hit["recording_id"] for hit in mine] == [hit["recording_id"] for hit in theirs]


def test_what_cannot_be_asked(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("search", street / "index") == 2
    assert call("search", street / "index", "dog", "--like", "x") == 2
    assert call("search", street / "index", "dog", "--ann") == 2
    assert call("search", street / "world", "dog") == 2
    assert call("index", street / "model", street / "world") == 2
    letters = capsys.readouterr().err
    for words in ("by words, by sound", "no approximate index", "no index here", "a place to write"):
        assert words in letters


def test_quarantined_recordings_are_left_out_and_broken_ones_listed(
    street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    from audiolect.data.check_state import CHECK_FOLDER
    from audiolect.data.dataset import open_dataset
    from audiolect.data.quarantine import Entry, write_quarantine

    shutil.copytree(street / "world", tmp_path / "world")
    dataset = open_dataset(tmp_path / "world")
    first, second = dataset.recordings["recording_id"].head(2)
    (tmp_path / "world" / CHECK_FOLDER).mkdir()
    entry = replace(Entry("recording", "x", ("silent",)), id=first)
    path = tmp_path / "world" / CHECK_FOLDER / "quarantine.jsonl"
    write_quarantine(path, [entry], name="soundworld", fingerprint=dataset.card.fingerprint)
    dataset.audio_path(dataset.recordings["path"][1]).unlink()
    capsys.readouterr()
    assert call("index", street / "model", tmp_path / "world", "--out", tmp_path / "i", "--jobs", 1) == 0
    printed = capsys.readouterr()
    assert "quarantine: left out 1 recording" in printed.err
    for words in ("left out: quarantined", "left out: missing", f"missing: {second}", "problems.jsonl", "added"):
        assert words in printed.out


def test_an_index_refuses_the_pack_of_another_dataset(
    street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another soundworld has recordings of the same names."""
    assert call("prepare", "soundworld", "--out", tmp_path / "w", "--recordings", 8, "--seed", 9, "--jobs", 1) == 0
    assert call("pack", tmp_path / "w", "--rate-hz", 32000, "--out", tmp_path / "p", "--jobs", 1) == 0
    capsys.readouterr()
    assert call("index", street / "model", street / "world", "--out", tmp_path / "i", "--pack", tmp_path / "p") == 2
    assert "8 of 8 recordings are other spans in the pack" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "i").exists()
