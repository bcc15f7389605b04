"""The queries that a system answered worst and best, with what it found instead.

    text to audio    a caption, the rank of its recording, that recording, and the best three found
    classification   a recording, its label, and the three classes that were nearest

Conventions: worst first. Of captions, the worst are those whose recording has the highest rank; the best those at rank
1 with the greatest distance to the next. Of classes, by the similarity of the true class less that of the best other
one. At most one query of a recording is shown in each list.

Public names: Query, Found, shown_queries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.evaluate.material import Material
from audiolect.evaluate.measured import ClassAnswers, measure_classes
from audiolect.metrics.ranks import ranks_of_embeddings
from audiolect.metrics.relevance import relevance_from_keys
from audiolect.metrics.top_matches import top_matches

FloatArray = npt.NDArray[np.float64]

_FOUND = 3


@dataclass(frozen=True, slots=True)
class Found:
    """One of the best: a recording or a class, its similarity, and whether it is right."""

    name: str
    score: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Args:
        asked: the caption, or the label of the recording.
        recording_id: the recording that was to be found, or that was classified.
        rank: of what is right.
        found: the best, in order; recordings or classes.
    """

    asked: str
    recording_id: str
    rank: int
    found: tuple[Found, ...]


def shown_queries(material: Material, count: int) -> dict[str, dict[str, list[Query]]]:
    """Task → ``worst`` and ``best`` → up to ``count`` queries each; only of the tasks that there are."""
    shown = {}
    if material.captions.height:
        shown["text_to_audio"] = _of_captions(material, count)
    answers = measure_classes(material)
    if answers is not None and answers.is_single:
        shown["classification"] = _of_classes(answers, count)
    return shown


def _of_captions(material: Material, count: int) -> dict[str, list[Query]]:
    ids = material.recordings["recording_id"].to_list()
    owners = material.captions["recording_id"].to_list()
    ranks = ranks_of_embeddings(
        material.caption_vectors, material.recording_vectors, relevance_from_keys(owners, ids)
    ).ranks
    best = top_matches(material.caption_vectors, material.recording_vectors, _FOUND)
    margin = best.scores[:, 0] - (best.scores[:, 1] if best.scores.shape[1] > 1 else 0)
    captions = material.captions["text"].to_list()

    def query(row: int) -> Query:
        found = tuple(
            Found(ids[index], float(score), ids[index] == owners[row])
            for index, score in zip(best.indexes[row], best.scores[row], strict=True)
        )
        return Query(captions[row], owners[row], int(ranks[row]), found)

    worst = np.lexsort((margin, -ranks))
    best_first = np.lexsort((-margin, ranks))
    return {
        "worst": [query(row) for row in _of_different(worst, owners, count) if ranks[row] > 1],
        "best": [query(row) for row in _of_different(best_first, owners, count) if ranks[row] == 1],
    }


def _of_classes(answers: ClassAnswers, count: int) -> dict[str, list[Query]]:
    true = answers.targets.argmax(axis=1)
    rows = np.arange(len(true))
    own = answers.scores[rows, true]
    others = answers.scores.copy()
    others[rows, true] = -np.inf
    margin = own - others.max(axis=1)
    order = np.argsort(-answers.scores, axis=1, kind="stable")
    ranks = (answers.scores > own[:, None]).sum(axis=1) + 1

    def query(row: int) -> Query:
        found = tuple(
            Found(answers.names[index], float(answers.scores[row, index]), bool(index == true[row]))
            for index in order[row, :_FOUND]
        )
        return Query(answers.names[true[row]], answers.recordings[row], int(ranks[row]), found)

    rising = np.argsort(margin, kind="stable")
    return {
        "worst": [query(row) for row in _of_different(rising, answers.recordings, count) if margin[row] < 0],
        "best": [query(row) for row in _of_different(rising[::-1], answers.recordings, count) if margin[row] > 0],
    }


def _of_different(order: Iterable[int], owners: tuple[str, ...] | list[str], count: int) -> list[int]:
    """The first rows whose recordings differ."""
    rows: dict[str, int] = {}
    for row in order:
        rows.setdefault(owners[row], int(row))
        if len(rows) == count:
            break
    return list(rows.values())
