"""``audiolect train`` begun, done, begun afresh, stopped and refused, by a tiny model of tones."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from called import call

from audiolect.training import step
from audiolect.yaml_text import yaml_text

RECIPE: dict[str, Any] = {
    "data": {"tones": {"dataset": "tones"}},
    "mixture": {"epochs": 2, "seed": 3, "entries": {"tones-AudioCaptioning/train": {}}},
    "model": {
        "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}},
        "text": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300, "min_count": 1},
        "projection": {"size": 8},
    },
    "training": {
        "batches": {"rate_hz": 16000, "crop_seconds": 0.25, "batch_size": 3, "threads": 0},
        "optimizer": {"learning_rate": 0.01},
        "precision": "float32",
    },
}
LOUD = ("training.optimizer.learning_rate=1e30", "training.clip_norm=null")


def everything(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def home(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a dataset of 12 tones, 6 of them to train on, and the recipe ``tiny.yaml``: 4 steps in all."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    tones.tone_dataset(tmp_path / "tones", 12)
    (tmp_path / "tiny.yaml").write_text(yaml_text(RECIPE), "utf-8")
    yield tmp_path
    torch.set_num_threads(threads)


def test_a_training_that_is_done_stays_done_and_new_begins_afresh(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("train", "tiny.yaml") == 0
    printed = capsys.readouterr().out
    for words in ("run runs/tiny", "4: all epochs are done", "wrote runs/tiny", "audiolect predict runs/tiny DATASET"):
        assert words in printed
    assert "gone on from" not in printed
    written = everything(home / "runs" / "tiny" / "checkpoints")
    assert call("train", "tiny.yaml") == 0
    assert "gone on from step" in capsys.readouterr().out
    assert call("train", "tiny.yaml", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["folder"], told["resumed_at"], told["step"], told["ended"]) == (
        "runs/tiny", 4, 4, "all epochs are done"
    )  # fmt: skip
    assert everything(home / "runs" / "tiny" / "checkpoints") == written
    assert call("train", "tiny.yaml", "training.max_steps=1", "--new", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["resumed_at"], told["step"], told["ended"]) == (None, 1, "all steps are done")
    assert (home / "runs" / "tiny.old-1" / "last").read_text() == "4\n"


def test_a_dry_run_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(home)
    assert call("train", "tiny.yaml", "--dry-run") == 0
    printed = capsys.readouterr().out
    for words in ("nothing is written", "tones-AudioCaptioning/train", "loss of the first batch", "from its beginning"):
        assert words in printed
    assert call("train", "tiny.yaml", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["folder"], told["steps"], told["resumes_at"]) == (None, 4, None)
    assert everything(home) == before
    assert not (home / "runs").exists()


def test_a_dry_run_of_a_run_that_is_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tiny.yaml", "training.max_steps=1", "--out", "here") == 0
    before = everything(home)
    capsys.readouterr()
    assert call("train", "tiny.yaml", "training.max_steps=1", "--out", "here", "--dry-run") == 0
    assert "going on from step 1" in capsys.readouterr().out
    assert call("train", "tiny.yaml", "training.max_steps=1", "--out", "here", "--dry-run", "--new") == 0
    assert "from its beginning" in capsys.readouterr().out
    assert everything(home) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gone.yaml",), "gone.yaml"),
        (("tiny.yaml", "training.optimizer.learning_rat=1"), "did you mean learning_rate"),
        (("tiny.yaml", "data.tones.dataset=gone"), "There is no such dataset folder"),
        (("tiny.yaml", "training.trackers=[tensorbord]"), "tensorboard"),
        (("tiny.yaml", "training.optimizer.rates.ear=2"), "nothing to train of this name"),
        (("tiny.yaml", "evaluation.validation=[tones-AudioCaptioning/test]"), "is a test split"),
    ],
)
def test_letters(home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str) -> None:
    assert call("train", *arguments) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_another_recipe_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tiny.yaml", "training.max_steps=1") == 0
    written = everything(home / "runs" / "tiny" / "checkpoints")
    assert call("train", "tiny.yaml", "training.max_steps=1", "training.optimizer.learning_rate=0.02") == 2
    assert "0.01 in the run, 0.02 now" in " ".join(capsys.readouterr().err.split())
    assert everything(home / "runs" / "tiny" / "checkpoints") == written


def test_a_loss_that_is_no_number_stops_with_the_examples(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tiny.yaml", *LOUD) != 0
    told = " ".join(capsys.readouterr().err.split())
    assert "is not finite; the training stops" in told
    assert "tones/0" in told
    journal = [json.loads(line) for line in (home / "runs/tiny/journal.jsonl").read_text("utf-8").splitlines()]
    assert journal[-1]["kind"] == "failed"
    assert journal[-1]["where"].count("#c") == 3


def test_a_stop_is_told_and_the_same_command_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = step.clip_gradients, []

    def interrupted(*arguments: Any) -> float:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return original(*arguments)

    monkeypatch.setattr(step, "clip_gradients", interrupted)
    assert call("train", "tiny.yaml") == 128 + signal.SIGTERM
    stopped = capsys.readouterr().out
    assert "Stopped and saved at step" in stopped
    at = int((home / "runs" / "tiny" / "last").read_text())
    assert at in (2, 3)
    assert call("train", "tiny.yaml", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["resumed_at"], told["step"]) == (at, 4)
