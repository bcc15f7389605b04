"""The worst and best captions: in order, each once, with what was said and what is true; and on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from audiolect.embedding_files import ModelIdentity
from audiolect.errors import UsageError
from audiolect.evaluate.caption_material import CaptionMaterial, gather_captions
from audiolect.evaluate.captions import evaluate_captions
from audiolect.evaluate.evaluation import EvaluateRequest, evaluate
from audiolect.evaluate.numbers import MetricChoice
from audiolect.report.captions import shown_captions
from audiolect.report.page import ReportRequest, html_report
from audiolect.text_predictions import (
    TextPart,
    TextPrediction,
    TextPredictionsHeader,
    read_text_predictions,
    write_text_predictions,
)


@pytest.fixture
def dataset(tmp_path: Path, tones: Any) -> Any:
    return tones.tone_dataset(tmp_path / "tones")


def predictions_of(dataset: Any, path: Path, *, good: int) -> CaptionMaterial:
    """The first ``good`` recordings have one of their captions, the others nonsense."""
    examples = dataset.examples.filter(dataset.examples["task"] == "AudioCaptioning")
    answers = dict(zip(examples["recording_id"], examples["answers"], strict=True))
    rows = []
    for place, recording in enumerate(dataset.recordings["recording_id"]):
        said = answers[recording][0] if place < good else "<b>nonsense & noise</b>"
        rows.append(TextPrediction(recording, recording, (said, "a second one"), (-1.0, -2.0)))
    card = dataset.card
    header = TextPredictionsHeader(
        model=ModelIdentity(run="speaker", checkpoint_hash="0" * 32),
        dataset=TextPart(name=card.name, fingerprint=card.fingerprint, num_expected=len(rows), num_predicted=len(rows)),
    )
    write_text_predictions(path, header, rows)
    return gather_captions(read_text_predictions(path), dataset)


def test_the_worst_and_the_best(dataset: Any, tmp_path: Path) -> None:
    (lists,) = shown_captions(predictions_of(dataset, tmp_path / "p.jsonl", good=12), 5)
    assert (lists.task, lists.metric) == ("captioning", "cider_d")
    assert len(lists.worst) == len(lists.best) == 5
    assert all(each.said.startswith("<b>nonsense") and each.values["cider_d"] == 0 for each in lists.worst)
    assert all(each.said in each.references and each.values["bleu_1"] > 0.9 for each in lists.best)
    assert lists.best[0].others == ("a second one",)
    values = [each.values["cider_d"] for each in lists.best]
    assert values == sorted(values, reverse=True)


def test_no_recording_stands_in_both_lists(dataset: Any, tmp_path: Path) -> None:
    material = predictions_of(dataset, tmp_path / "p.jsonl", good=3)
    for count in (1, 12, 50):
        (lists,) = shown_captions(material, count)
        names = [each.recording_id for each in (*lists.worst, *lists.best)]
        assert len(names) == len(set(names)) == min(2 * count, 24)


def test_the_page_plays_each_sound_beside_its_captions(dataset: Any, tmp_path: Path) -> None:
    predictions_of(dataset, tmp_path / "p.jsonl", good=12)
    quick = EvaluateRequest(choice=MetricChoice(num_resamples=100))
    scores = evaluate_captions([tmp_path / "p.jsonl"], dataset, quick)
    request = ReportRequest(predictions=(tmp_path / "p.jsonl",), dataset=tmp_path / "tones", num_queries=3)
    page = html_report([scores], request)
    assert page.count("<audio") == 6
    assert 'id="captions"' in page
    assert "&lt;b&gt;nonsense &amp; noise&lt;/b&gt;" in page
    assert "<b>nonsense" not in page
    assert "cider_d" in page
    predictions_of(dataset, tmp_path / "p.jsonl", good=1)
    with pytest.raises(UsageError, match="not of these predictions"):
        html_report([scores], request)


def test_a_page_plays_queries_and_captions_beside_each_other(dataset: Any, tones: Any, tmp_path: Path) -> None:
    """Those of one run each, and half of the budget for each of them."""
    predictions_of(dataset, tmp_path / "p.jsonl", good=12)
    tones.predicted(dataset, tmp_path / "out")
    quick = EvaluateRequest(choice=MetricChoice(num_resamples=100), name="found")
    scores = [
        evaluate([tmp_path / "out"], dataset, quick),
        evaluate_captions([tmp_path / "p.jsonl"], dataset, replace(quick, name="told")),
    ]
    both = ReportRequest(
        predictions=(tmp_path / "out", tmp_path / "p.jsonl"), dataset=tmp_path / "tones", num_queries=2
    )
    page = html_report(scores, both)
    alone = [html_report(scores, replace(both, predictions=(path,))) for path in both.predictions]
    assert [(text.count('id="queries"'), text.count('id="captions"')) for text in (page, *alone)] == [
        (1, 1),
        (1, 0),
        (0, 1),
    ]
    assert page.count("<audio") == sum(text.count("<audio") for text in alone)
    heads = re.findall(
        r"<h3>([^<]*?)\s*(?:<small>.*?)?</h3>\s*<div class=.wide.><table>\s*<thead><tr><th>metric</th>(.*?)</tr>",
        page,
        re.DOTALL,
    )
    assert {columns for _, columns in heads} == {"<th>found</th>", "<th>told</th>"}
    assert "did not fit" in html_report(scores, replace(both, budget_bytes=1))
    with pytest.raises(UsageError, match="plays the sounds of one captioner"):
        html_report(scores, replace(both, predictions=(tmp_path / "p.jsonl",) * 2))
    with pytest.raises(UsageError, match="plays the sounds of one retrieval run"):
        html_report(scores, replace(both, predictions=(tmp_path / "out",) * 2))


def test_on_a_narrow_screen_captions_stand_below_their_sound() -> None:
    style = resources.files("audiolect.report").joinpath("templates", "report.css").read_text("utf-8")
    narrow = style.partition("@media (max-width: 560px)")[2].partition("@media")[0]
    stacked = re.search(r"(table\.captions[^{}]*)\{ display: block; \}", narrow)
    assert stacked is not None
    assert {"table.captions tr", "table.captions td"} <= {part.strip() for part in stacked[1].split(",")}
    assert "table.captions thead { display: none; }" in narrow
