"""Scores, reports and pages as stages: what they read, and what they write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiolect.config import parse_config
from audiolect.data.dataset import open_dataset
from audiolect.errors import AudiolectError
from audiolect.scores import read_scores
from audiolect.street.kind import Work
from audiolect.street.kinds import KINDS


def options(kind: str, **given: Any) -> Any:
    return parse_config(json.loads(json.dumps(given, default=str)), KINDS[kind].options, "here")


def test_scores_and_their_report(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "out", split="test")
    several = [tmp_path / "out"]
    asked = options("evaluate", predictions=several, dataset=dataset.folder, metrics=["map@10"], resamples=100)
    told = KINDS["evaluate"].run(asked, tmp_path / "scores.json", Work())
    scores = read_scores(tmp_path / "scores.json")
    assert {number.metric for number in scores.numbers} == {"map@10"}
    assert told[0] == f"{len(scores.numbers)} numbers"
    shown = options(
        "report", scores=[tmp_path / "scores.json"], predictions=[tmp_path / "out"], dataset=dataset.folder, queries=1
    )
    KINDS["report"].run(shown, tmp_path / "report.html", Work())
    assert "<html" in (tmp_path / "report.html").read_text("utf-8")
    assert [noun for _, noun, _ in KINDS["report"].inputs(shown)] == ["scores", "predictions", "dataset"]


def test_what_they_read_is_named_by_its_option() -> None:
    asked = options("evaluate", predictions=["a", "b"], dataset="d", baseline=["c"], trained_on="t")
    assert KINDS["evaluate"].inputs(asked) == [
        ("predictions.0", "predictions", Path("a")),
        ("predictions.1", "predictions", Path("b")),
        ("baseline.0", "predictions", Path("c")),
        ("dataset", "dataset", Path("d")),
        ("trained_on", "dataset", Path("t")),
    ]
    assert KINDS["collection"].inputs(options("collection", dataset="d")) == [("dataset", "dataset", Path("d"))]


def test_nothing_to_measure(world: Path, tmp_path: Path) -> None:
    with pytest.raises(AudiolectError, match="predictions"):
        options("evaluate", predictions=[], dataset="d")
    asked = options("evaluate", predictions=[tmp_path / "nowhere"], dataset=open_dataset(world).folder)
    with pytest.raises(AudiolectError, match="no predictions"):
        KINDS["evaluate"].run(asked, tmp_path / "scores.json", Work())
