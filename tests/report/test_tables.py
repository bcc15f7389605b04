"""Scores side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiolect.evaluate.evaluation import EvaluateRequest, evaluate
from audiolect.evaluate.numbers import MetricChoice
from audiolect.report.tables import MAIN, class_rows, main_rows, markdown_report, percent, rows_of
from audiolect.scores import Scores


@pytest.fixture
def pair(tmp_path: Path, tones: Any) -> list[Scores]:
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "a", split="test")
    tones.predicted(dataset, tmp_path / "b", tones.FakeModel("weak|one", skill=0.0), split="test")
    quick = EvaluateRequest(choice=MetricChoice(num_resamples=200))
    retrieval = EvaluateRequest(choice=MetricChoice(("map@10", "mean_rank"), 0, 200))
    return [
        evaluate([tmp_path / "a"], dataset, quick, baseline=[tmp_path / "b"]),
        evaluate([tmp_path / "b"], dataset, retrieval),
    ]


def test_rows_align_the_systems(pair: list[Scores]) -> None:
    rows = {(row.task, row.metric): row for row in rows_of(pair)}
    assert len(rows) == len([number for number in pair[0].numbers if "[" not in number.metric])
    cells = rows["text_to_audio", "map@10"].cells
    assert [cell.number.value for cell in cells if cell] == [
        next(number.value for number in scores.numbers if number.key == "all/text_to_audio/map@10") for scores in pair
    ]
    assert rows["classification", "accuracy"].cells[1] is None
    ranks = rows["text_to_audio", "mean_rank"].cells
    best = min(cell.number.value for cell in ranks if cell)
    assert all(cell.is_best == (cell.number.value == best) for cell in ranks if cell)


def test_main_and_class_rows(pair: list[Scores]) -> None:
    metrics = [row.metric for row in main_rows(pair) if row.task == "text_to_audio"]
    assert metrics == ["map@10", "recall_any@1", "recall_any@5", "recall_any@10", "median_rank"]
    assert set(metrics) <= set(MAIN)
    assert [row.metric for row in class_rows(pair)] == [
        f"class_recall[{name}]" for name in ("high tone", "low tone", "middle tone")
    ]


def test_numbers_as_people_read_them() -> None:
    assert percent(0.12345, "map@10") == "0.123"
    assert percent(12.25, "median_rank") == "12.2"


def test_markdown(pair: list[Scores]) -> None:
    text = markdown_report(pair)
    lines = text.splitlines()
    header = next(line for line in lines if line.startswith("| part"))
    assert header == r"| part | task | metric | fake | weak\|one |"
    rows = [line for line in lines if line.startswith("| all | ")]
    assert len(rows) == len(rows_of(pair))
    assert all(line.replace("\\|", "").count("|") == 6 for line in rows)
    assert "## Paired tests" in text
    assert pair[0].contexts["fake"].dataset["fingerprint"] in text
