"""The course of a training from its journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.errors import UnknownVersion
from audiolect.report.curves import training_charts
from audiolect.storage import file_header, write_jsonl


def test_charts_of_a_journal(tmp_path: Path) -> None:
    rows = [
        {"kind": "step", "step": i, "loss": 1 / i, "learning_rate": 0.1, "gradient_norm": None} for i in range(1, 9)
    ]
    for step, name, value in ((4, "a/val", 0.1), (4, "b/val", 0.2), (8, "a/val", 0.3), (8, "b/val", 0.4)):
        rows.append({"kind": "validation", "step": step, "set": name, "metrics": {"map@10": value, "strange": value}})
    rows.append({"kind": "end", "step": 8, "why": "done"})
    write_jsonl(tmp_path / "journal.jsonl", [file_header("journal", 1), *rows])
    charts = training_charts(tmp_path / "journal.jsonl")
    titles = [chart.partition("<figcaption>")[2].partition("</figcaption>")[0] for chart in charts]
    assert titles == ["validation: map@10", "validation: strange", "training loss", "learning rate"]
    assert charts[0].count("<polyline") == 2
    assert "a/val" in charts[0]


def test_a_run_that_has_just_begun_has_none(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "journal.jsonl", [file_header("journal", 1), {"kind": "step", "step": 1, "loss": 2.0}])
    assert training_charts(tmp_path / "journal.jsonl") == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "journal.jsonl", [{"loss": 1}])
    with pytest.raises(UnknownVersion):
        training_charts(tmp_path / "journal.jsonl")
