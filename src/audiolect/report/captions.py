"""The recordings whose captions were worst and best, with what was said, what is true, and the scores of each.

Conventions: worst first. Recordings are ordered by the first metric of ORDER_BY that was measured; of equal values the
first of the dataset comes first. Each recording is shown once in a list.

Public names: ORDER_BY, ShownCaption, CaptionLists, shown_captions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audiolect.evaluate.caption_material import CaptionMaterial, CaptionSet
from audiolect.evaluate.caption_values import CaptionTools, CaptionValues, measure_captions, wanted_metrics

ORDER_BY = ("cider_d", "keyword_f1", "rouge_l")

_SHOWN_VALUES = ("cider_d", "rouge_l", "bleu_1", "bleu_4", "keyword_f1", "keyword_precision", "keyword_recall")


@dataclass(frozen=True, slots=True)
class ShownCaption:
    """One recording on the page.

    Args:
        recording_id: which.
        said: the best output.
        others: the further outputs, best first.
        references: what is true.
        values: metric → value of this recording.
    """

    recording_id: str
    said: str
    others: tuple[str, ...]
    references: tuple[str, ...]
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class CaptionLists:
    """The worst and the best of one task, and by which metric."""

    task: str
    metric: str
    worst: tuple[ShownCaption, ...]
    best: tuple[ShownCaption, ...]


def shown_captions(material: CaptionMaterial, count: int) -> list[CaptionLists]:
    """Up to ``count`` worst and best of each task; no recording stands in both lists.

    Args:
        material: by ``evaluate.caption_material``.
        count: 1 or more.
    """
    found = []
    for own in material.sets:
        measured = measure_captions(own, wanted_metrics(()), CaptionTools())
        metric = next(name for name in ORDER_BY if name in measured.own)
        order = np.argsort(measured.own[metric], kind="stable")
        half = min(count, len(order) // 2) or 1
        rows = [int(row) for row in order]
        worst, best = rows[:half], rows[::-1][: min(half, len(rows) - half)]
        found.append(
            CaptionLists(
                own.task,
                metric,
                tuple(_shown(material, own, measured, row) for row in worst),
                tuple(_shown(material, own, measured, row) for row in best),
            )
        )
    return found


def _shown(material: CaptionMaterial, own: CaptionSet, measured: CaptionValues, row: int) -> ShownCaption:
    said = own.candidates[row]
    outputs = next(
        each.outputs
        for each in material.predictions.rows
        if each.id == own.ids[row] and each.recording_id == own.recordings[row] and each.outputs[0] == said
    )
    values = {name: float(measured.own[name][row]) for name in _SHOWN_VALUES if name in measured.own}
    return ShownCaption(own.recordings[row], said, outputs[1:], own.references[row], values)
