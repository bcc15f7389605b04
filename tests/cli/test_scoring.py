"""``audiolect evaluate`` and ``report`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from called import call


@pytest.fixture
def home(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Predictions of a strong and of a weak system, and of another split."""
    monkeypatch.chdir(tmp_path)
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "strong", tones.FakeModel("strong"), split="test")
    tones.predicted(dataset, tmp_path / "weak", tones.FakeModel("weak", skill=0.0), split="test")
    tones.predicted(dataset, tmp_path / "train", tones.FakeModel("train"), split="train")
    return tmp_path


QUICK = ("--resamples", 200)


def test_evaluate_and_report(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "strong", "tones", "--baseline", "weak", "--by", "fold", *QUICK) == 0
    printed = capsys.readouterr().out
    for words in ("scores of strong", "text_to_audio", "map@10", "fold=3", "against weak", "wrote scores.json"):
        assert words in printed
    assert (
        call("evaluate", "weak", "tones", "--out", "weak.json", "--metrics", "map@10,accuracy", "--json", *QUICK) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert {number["metric"] for number in told["numbers"]} == {"map@10", "accuracy"}
    assert call("report", "scores.json", "weak.json", "--predictions", "strong", "--dataset", "tones") == 0
    assert "wrote report.html" in capsys.readouterr().out
    assert "<audio" in (home / "report.html").read_text("utf-8")
    assert call("report", "scores.json", "--format", "md", "--out", "table.md", "--json") == 0
    assert json.loads(capsys.readouterr().out)["num_bytes"] == (home / "table.md").stat().st_size
    assert "| all | text to audio | map@10 |" in (home / "table.md").read_text("utf-8")


def test_a_submission(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "strong", "tones", "--submission", "dcase.csv", *QUICK) == 0
    assert "dcase.csv: the ten best files for 24 captions" in capsys.readouterr().out
    assert (home / "dcase.csv").read_text("utf-8").count("\n") == 25


def test_several_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "strong", "weak", "tones", "--name", "both", *QUICK) == 0
    printed = capsys.readouterr().out
    assert "scores of both" in printed
    assert "±" in printed
    assert "in common (seeds)" in printed
    assert call("evaluate", "strong", "weak", "tones", "--submission", "dcase.csv", *QUICK) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("evaluate", "strong"), "takes predictions and the dataset"),
        (("evaluate", "strong", "weak"), "has no card.yaml"),
        (("evaluate", "gone", "tones"), "There are no predictions here"),
        (("evaluate", "strong", "tones", "--metrics", "bleu"), "No metric of these predictions"),
        (("evaluate", "strong", "tones", "--ties", "lucky"), "rule for ties"),
        (("evaluate", "strong", "tones", "--by", "labels"), "column to divide scores by"),
        (("evaluate", "strong", "tones", "--baseline", "train"), "not asked the same queries"),
        (("report", "gone.json"), "There are no scores here"),
        (("report", "tones/card.yaml"), "not JSON"),
    ],
)
def test_letters(home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str) -> None:
    assert call(*arguments) == 2
    assert says in capsys.readouterr().err
    assert not (home / "scores.json").exists()
    assert not (home / "report.html").exists()


def test_another_form_of_report(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "strong", "tones", *QUICK) == 0
    assert call("report", "scores.json", "--format", "pdf") == 2
    assert "no format of a report named 'pdf'" in capsys.readouterr().err
    assert call("report", "scores.json", "--predictions", "strong") == 2
    assert "need the predictions and their dataset" in capsys.readouterr().err
