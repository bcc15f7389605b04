"""The page: whole, offline, escaped, and of these predictions only."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from audiolect.data.dataset import open_dataset, save_dataset
from audiolect.errors import UsageError
from audiolect.evaluate.evaluation import EvaluateRequest, evaluate
from audiolect.evaluate.numbers import MetricChoice
from audiolect.report.page import ReportRequest, html_report, write_report

QUICK = EvaluateRequest(choice=MetricChoice(num_resamples=200), command="audiolect evaluate a b")
VOID = {"meta", "img", "br", "line", "circle", "polyline"}


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value)
            if name == "id":
                self.ids.add(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def parsed(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


@pytest.fixture
def made(tmp_path: Path, tones: Any) -> Any:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "out", split="test")
    return evaluate([tmp_path / "out"], dataset, QUICK)


def request(tmp_path: Path, **changes: Any) -> ReportRequest:
    return ReportRequest(predictions=(tmp_path / "out",), dataset=tmp_path / "tones", **changes)


def test_the_whole_page(tmp_path: Path, made: Any) -> None:
    write_report(tmp_path / "report.html", [made], request(tmp_path, command="audiolect report"))
    page = (tmp_path / "report.html").read_text("utf-8")
    found = parsed(page)
    assert found.seen["audio"] > 5
    assert found.seen["img"] == found.seen["audio"]
    assert found.seen["table"] > 5
    assert "script" not in found.seen
    outside = [link for link in found.links if not link.startswith(("data:", "#"))]
    assert outside == []
    assert "http" not in re.sub(r"data:[^\"]*", "", page)
    anchors = [link[1:] for link in found.links if link.startswith("#")]
    assert len(anchors) > 40
    assert set(anchors) <= found.ids
    for words in (made.contexts["fake"].predictions, "audiolect evaluate a b", "coverage", "map@10", "tone 2"):
        assert words in page


def test_it_is_no_larger_than_asked(tmp_path: Path, made: Any) -> None:
    small = html_report([made], request(tmp_path, budget_bytes=30_000))
    bare = html_report([made], ReportRequest())
    assert len(small) - len(bare) < 120_000
    assert "did not fit into the size of the page" in small
    assert parsed(bare).seen.get("audio", 0) == 0


def test_two_systems_side_by_side(tmp_path: Path, tones: Any, made: Any) -> None:
    dataset = open_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "weak", tones.FakeModel("weak", skill=0.0), split="test")
    weak = evaluate([tmp_path / "weak"], dataset, QUICK, baseline=[tmp_path / "out"])
    page = html_report([made, weak], request(tmp_path))
    assert "<title>Report: fake and weak</title>" in page
    assert "Paired tests" in page
    parsed(page)
    with pytest.raises(UsageError, match="systems with one name"):
        html_report([made, made], ReportRequest())


def test_texts_of_datasets_are_escaped(tmp_path: Path, tones: Any) -> None:
    plain = tones.tone_dataset(tmp_path / "plain", 12)
    evil = "<script>alert('a')</script>"
    folder = tmp_path / "evil"
    folder.mkdir()
    captions = pl.when(pl.col("task") == "AudioCaptioning").then(pl.concat_list(pl.lit(evil) + pl.col("recording_id")))
    dataset = save_dataset(
        folder,
        name="evil",
        corpus_version="1",
        license="",
        citation="",
        audio_root=plain.audio_root,
        recordings=plain.recordings.with_columns(title=pl.lit(evil)),
        examples=plain.examples.with_columns(answers=captions.otherwise("answers")),
    )
    tones.predicted(open_dataset(folder), tmp_path / "out", tones.FakeModel(evil))
    scores = evaluate([tmp_path / "out"], dataset, QUICK)
    page = html_report([scores], ReportRequest(predictions=(tmp_path / "out",), dataset=folder))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    parsed(page)


def test_letters(tmp_path: Path, tones: Any, made: Any) -> None:
    with pytest.raises(UsageError, match="There are no scores to report"):
        html_report([], ReportRequest())
    with pytest.raises(UsageError, match="need the predictions and their dataset"):
        html_report([made], ReportRequest(predictions=(tmp_path / "out",)))
    tones.predicted(open_dataset(tmp_path / "tones"), tmp_path / "other", split="train")
    with pytest.raises(UsageError, match="not of these predictions"):
        html_report([made], ReportRequest(predictions=(tmp_path / "other",), dataset=tmp_path / "tones"))
