"""``audiolect predict`` and ``embed`` as a user runs them, with a model that hears tones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from called import call

from audiolect.data.dataset import open_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.predict import run_model
from audiolect.predict.run_model import RunModel
from audiolect.text.label_prompts import DEFAULT_TEMPLATES


@pytest.fixture
def home(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A dataset of tones, its pack, and a run that is a fake."""
    monkeypatch.chdir(tmp_path)
    tones.tone_dataset(tmp_path / "tones", 8)
    assert call("pack", "tones", "--rate-hz", tones.RATE_HZ, "--out", "packed", "--jobs", 1) == 0

    def opened(folder: Path, checkpoint: str = "best") -> RunModel:
        return RunModel(tones.FakeModel(folder.name), tones.window_settings(), DEFAULT_TEMPLATES)

    monkeypatch.setattr(run_model, "open_run_model", opened)
    capsys.readouterr()
    return tmp_path


def test_predict_from_a_pack_and_from_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("predict", "run", "tones", "--split", "test", "--out", "from-pack", "--pack", "packed") == 0
    printed = capsys.readouterr().out
    for words in ("predictions of tones", "4 of 4", "wrote from-pack", "audiolect evaluate from-pack tones"):
        assert words in printed
    assert call("predict", "run", "tones", "--split", "test", "--out", "from-files", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["num_recordings"], told["preprocessing"]["source"]) == (4, "files")
    one, two = (np.load(home / name / "recordings.npy") for name in ("from-pack", "from-files"))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_labels_and_templates(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--labels", "low tone,high tone", "--template", "hear {label}", "--where", "fold == 1")
    assert call("predict", "run", "tones", "--out", "out", "--json", *options) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["labels"], told["templates"]) == (["low tone", "high tone"], ["hear {label}"])
    assert told["command"].startswith("audiolect predict run tones")


def test_quarantine_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = open_dataset(home / "tones")
    target = home / "tones" / "check" / "quarantine.jsonl"
    target.parent.mkdir()
    entries = [Entry("recording", "tones/002", ("silent",))]
    write_quarantine(target, entries, name="tones", fingerprint=dataset.card.fingerprint)
    assert call("predict", "run", "tones", "--out", "out") == 0
    printed = capsys.readouterr()
    assert "left out 1 recording" in printed.err
    assert "left out: quarantined" in printed.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "gone", "--out", "out"), "There is no such dataset folder"),
        (("run", "tones", "--out", "out", "--split", "tset"), "no split named"),
        (("run", "tones", "--out", "out", "--template", "x"), "does not hold {label} once"),
        (("run", "tones", "--out", "out", "--pack", "tones"), "There is no pack here"),
        (("run", "tones", "--out", "tones"), "The folder holds other things"),
    ],
)
def test_letters(home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str) -> None:
    assert call("predict", *arguments) == 2
    assert says in capsys.readouterr().err
    assert not (home / "out").exists()


def test_a_pack_of_another_dataset_with_the_same_names(
    home: Path, tones: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its recordings are called the same and sound otherwise: they are told by their lengths."""
    tones.tone_dataset(home / "others", 8, seconds=lambda i: 0.7)
    assert call("pack", "others", "--rate-hz", tones.RATE_HZ, "--out", "packed-others", "--jobs", 1) == 0
    capsys.readouterr()
    assert call("predict", "run", "tones", "--out", "out", "--pack", "packed-others", "--allow-partial") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "8 of 8 recordings are other spans in the pack" in told
    assert "this is the pack of another dataset" in told
    assert not (home / "out").exists()


def test_embed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["tones-audio/000.wav", "tones-audio/001.wav"]
    assert call("embed", "run", *files, "--text", "a low tone", "--out", "v.npz") == 0
    assert "v.npz: 3 vectors of 8 components" in capsys.readouterr().out
    assert np.load(home / "v.npz")["vectors"].shape == (3, 8)
    assert call("embed", "run", *files, "--text", "a low tone") == 0
    assert "similarity" in capsys.readouterr().out
    assert call("embed", "run", *files, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [len(row["vector"]) for row in told["rows"]] == [8, 8]


def test_embed_broken_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "broken.wav").write_bytes(b"not audio")
    assert call("embed", "run", "tones-audio/000.wav", "broken.wav", "--out", "v.parquet") == 0
    assert "left out: broken.wav" in capsys.readouterr().err
    assert call("embed", "run", "tones-audio/000.wav", "broken.wav", "--max-problems", 0) == 1
    assert "More files are broken" in capsys.readouterr().err
    assert call("embed", "run", "broken.wav") == 2
    assert call("embed", "run") == 2
    assert "nothing to embed" in capsys.readouterr().err
