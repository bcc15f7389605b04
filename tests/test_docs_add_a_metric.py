"""``docs/add_a_metric.md`` does what it says."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.evaluate.numbers import HIGHER_IS_WORSE
from audiolect.metrics import retrieval
from audiolect.metrics.ranks import ranks_of_scores
from audiolect.metrics.relevance import relevance_from_lists

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "add_a_metric.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```python (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_a_metric_of_ones_own(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = tones.tone_dataset(tmp_path / "dataset", 12)
    tones.predicted(dataset, tmp_path / "predictions")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(BLOCKS["mine"], names)
    assert names["precision"].shape == (12,)
    assert set(np.round(names["precision"] * 5)) <= {0, 1, 2}
    assert names["interval"].low <= names["interval"].value <= names["interval"].high


def test_the_lines_for_everybody() -> None:
    source = Path(retrieval.__file__).read_text("utf-8")
    place = "    named = {metric.name: metric for metric in metrics}\n"
    assert source.count(place) == 1
    changed = types.ModuleType("changed_retrieval")
    monkey = source.replace(place, BLOCKS["retrieval"] + place)
    changed.__dict__["__name__"] = "audiolect.metrics.retrieval"
    exec(compile(monkey, "retrieval.py", "exec"), changed.__dict__)
    ranks = ranks_of_scores([np.array([[3.0, 2.0, 1.0, 0.0]])], relevance_from_lists([[0, 2]], 4))
    values = changed.__dict__["retrieval_scores"](ranks).values()
    assert values["precision@1"] == 1.0
    assert values["precision@5"] == pytest.approx(2 / 5)


def test_the_page_names_what_there_is() -> None:
    assert "mean_rank" in HIGHER_IS_WORSE
    for name in re.findall(r"`((?:metrics|evaluate|report)/\w+\.py)`", PAGE):
        assert (ROOT / "src" / "audiolect" / name).is_file(), name
