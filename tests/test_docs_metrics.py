"""The page on metrics: its examples run, and it names the metrics there are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from audiolect.metrics.ranks import ranks_of_scores
from audiolect.metrics.relevance import relevance_from_lists
from audiolect.metrics.retrieval import retrieval_scores

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "metrics.md").read_text("utf-8")


def test_the_examples_run_one_after_another() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert names["interval"].low < names["interval"].value < names["interval"].high  # type: ignore[attr-defined]
    assert names["test"].p_value < 0.05  # type: ignore[attr-defined]
    assert names["one"].accuracy == 0.75  # type: ignore[attr-defined]


def test_every_metric_stands_in_the_table() -> None:
    table = set(re.findall(r"`([\w@]+)`", "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))))
    measured = retrieval_scores(ranks_of_scores([np.eye(3)], relevance_from_lists([[0], [1], [2]], 3))).values()
    assert {re.sub(r"@\d+", "@k", name) for name in measured} == table
