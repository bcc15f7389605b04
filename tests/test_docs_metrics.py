"""The page on metrics: its examples run, and it names the metrics there are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from audiolect.evaluate.caption_values import CAPTION_METRICS
from audiolect.metrics.keywords import METRICS as KEYWORD_METRICS
from audiolect.metrics.ranks import ranks_of_scores
from audiolect.metrics.relevance import relevance_from_lists
from audiolect.metrics.retrieval import retrieval_scores

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "metrics.md").read_text("utf-8")


def test_the_examples_run_one_after_another() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert names["interval"].low < names["interval"].value < names["interval"].high  # type: ignore[attr-defined]
    assert names["test"].p_value < 0.05  # type: ignore[attr-defined]
    assert names["one"].accuracy == 0.75  # type: ignore[attr-defined]
    assert names["said"][0] == ["a", "dog", "barks", "and", "it", "'s", "raining"]  # type: ignore[index]
    assert names["cider"][0] > 1  # type: ignore[index]


def table_of(heading: str) -> list[str]:
    """The rows of the table of a section, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_every_metric_stands_in_the_table() -> None:
    table = set(re.findall(r"`([\w@]+)`", "\n".join(table_of("Retrieval"))))
    measured = retrieval_scores(ranks_of_scores([np.eye(3)], relevance_from_lists([[0], [1], [2]], 3))).values()
    assert {re.sub(r"@\d+", "@k", name) for name in measured} == table


def test_every_metric_of_captions_stands_in_its_table() -> None:
    firsts = " ".join(row.split("|")[1] for row in table_of("Captions")).replace("`bleu_1` … `bleu_4`", "")
    table = set(re.findall(r"`(\w+)`", firsts)) | {f"bleu_{order}" for order in range(1, 5)}
    assert table == set(CAPTION_METRICS) | set(KEYWORD_METRICS)
