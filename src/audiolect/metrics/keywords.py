"""Keyword captions as sets: precision, recall, F1 and Jaccard index of what was named against what is true.

Conventions: keywords stand between commas; blanks around one do not count, an empty one is none, and no order and no
repetition matters. Of several references a recording's value is the mean over them. Whatever would be divided by 0 is
0: precision where nothing is named, recall where nothing is true.

Public names: METRICS, keyword_set, keyword_scores.

Source: M. Kadlčík et al., "A Whisper transformer for audio captioning trained with synthetic captions and transfer
learning", 2023, arXiv 2305.09690 (keyword captions of AudioSet).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.ngrams import check_captions

FloatArray = npt.NDArray[np.float64]

METRICS = ("keyword_precision", "keyword_recall", "keyword_f1", "keyword_jaccard", "keyword_count")


def keyword_set(caption: str) -> frozenset[str]:
    """The keywords of a caption."""
    return frozenset(part.strip() for part in caption.split(",")) - {""}


def keyword_scores(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, FloatArray]:
    """Name of METRICS → (N,): ``keyword_count`` is how many were named.

    Args:
        candidates: N keyword captions.
        references: N lists of keyword captions.

    Raises:
        UsageError: the numbers differ, there are none, or a recording has no reference.
    """
    check_captions(candidates, references)
    rows = [_means(keyword_set(said), own) for said, own in zip(candidates, references, strict=True)]
    return {name: np.array([row[place] for row in rows]) for place, name in enumerate(METRICS)}


def _means(named: frozenset[str], references: Sequence[str]) -> tuple[float, ...]:
    if isinstance(references, str):
        raise UsageError("References are lists of captions.", expected="a list for each recording", found="a text")
    pairs = [_of_pair(named, keyword_set(reference)) for reference in references]
    return (*(sum(column) / len(pairs) for column in zip(*pairs, strict=True)), float(len(named)))


def _of_pair(named: frozenset[str], true: frozenset[str]) -> tuple[float, float, float, float]:
    common = len(named & true)
    precision, recall = common / max(len(named), 1), common / max(len(true), 1)
    return (
        precision,
        recall,
        2 * precision * recall / (precision + recall) if common else 0.0,
        common / max(len(named | true), 1),
    )
