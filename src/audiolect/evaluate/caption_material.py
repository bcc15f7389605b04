"""Text predictions joined with the references of their dataset, after everything was checked that scores rest on.

Conventions: an item is one prediction of one example of one recording, in one style. Its references are all answers of
the examples of its recording that have its task; where a prediction is of a recording and of no example, those of the
task of the header. Items of one task and style are scored together: ``captioning``, ``keywords``, and with the style in
brackets where there are several.

Public names: CaptionSet, CaptionMaterial, gather_captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.errors import DatasetError, UsageError
from audiolect.evaluate.material import covered_part
from audiolect.scores import Coverage
from audiolect.tasks import TASKS, get_task
from audiolect.text_predictions import TextPrediction, TextPredictions

_NAMES = {"caption": "captioning", "keywords": "keywords"}


@dataclass(frozen=True, slots=True)
class CaptionSet:
    """What is scored together.

    Args:
        task: its name in scores.
        family: ``caption`` or ``keywords``.
        ids: (n,) of the items.
        recordings: (n,) recording of each.
        candidates: (n,) the best output of each.
        references: (n,) texts, one or more of each.
        excluded: predictions without a reference.
    """

    task: str
    family: str
    ids: tuple[str, ...]
    recordings: tuple[str, ...]
    candidates: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    excluded: int


@dataclass(frozen=True, slots=True, eq=False)
class CaptionMaterial:
    """What one run said of one part of a dataset.

    Args:
        name: of the system.
        predictions: as read.
        recordings: rows of the recordings of the part, in the order of the dataset.
        sets: by task and style.
        coverage: of the part that was asked for.
        notes: what a reader of the scores should know.
    """

    name: str
    predictions: TextPredictions
    recordings: pl.DataFrame
    sets: tuple[CaptionSet, ...]
    coverage: Coverage
    notes: tuple[str, ...]


def gather_captions(
    predictions: TextPredictions, dataset: Dataset, *, allow_partial: bool = False, name: str = ""
) -> CaptionMaterial:
    """Join text predictions with their dataset.

    Args:
        dataset: the whole dataset, as opened; the part is chosen as the header of the predictions says.
        allow_partial: count what is missing instead of refusing it.
        name: of the system; empty: that of the run.

    Raises:
        DatasetError: predictions of another dataset, of recordings that were not asked for, of a part of what was asked
            for, or without any reference.
        UsageError: a task that is not measured by its words.
    """
    header = predictions.header
    predicted = pl.Series([row.recording_id for row in predictions.rows], dtype=pl.String).unique().sort()
    part, coverage = covered_part(
        predicted, header.dataset, dataset, where=predictions.path, command=header.command, allow_partial=allow_partial
    )
    columns = ("recording_id", "path", "start_sample", "num_samples", "split", "fold", "labels", "title")
    sets = _sets(predictions, part)
    notes = [f"{own.task}: {own.excluded} predictions have no reference and no value." for own in sets if own.excluded]
    return CaptionMaterial(
        name or header.model.run, predictions, part.recordings.select(columns), sets, coverage, tuple(notes)
    )


def _sets(predictions: TextPredictions, part: Dataset) -> tuple[CaptionSet, ...]:
    examples = part.examples.select("example_id", "recording_id", "task", "answers")
    task_of = dict(zip(examples["example_id"], examples["task"], strict=True))
    answers: dict[tuple[str, str], dict[str, None]] = {}
    for recording, task, own in examples.select("recording_id", "task", "answers").iter_rows():
        answers.setdefault((recording, task), {}).update(dict.fromkeys(own))
    fallback = get_task(predictions.header.task).name
    grouped: dict[tuple[str, str], list[tuple[TextPrediction, tuple[str, ...]]]] = {}
    for row in predictions.rows:
        task = task_of.get(row.id, fallback)
        own = answers.get((row.recording_id, task), {})
        grouped.setdefault((_family(task, row.id), row.style), []).append((row, tuple(own)))
    families = [family for family, _ in grouped]
    sets = []
    for (family, style), pairs in grouped.items():
        named = _NAMES[family] if families.count(family) == 1 else f"{_NAMES[family]} ({style or 'no style'})"
        sets.append(_set_of(named, family, pairs))
    if not any(own.ids for own in sets):
        raise DatasetError(
            "No prediction has a reference.",
            where=predictions.path,
            expected=f"examples of {part.card.name} with answers, of the task {fallback}",
            found="none",
            cause="a dataset without captions, or predictions of another task",
        )
    return tuple(own for own in sets if own.ids)


def _set_of(task: str, family: str, pairs: Sequence[tuple[TextPrediction, tuple[str, ...]]]) -> CaptionSet:
    kept = sorted(((row, own) for row, own in pairs if own), key=lambda pair: (pair[0].recording_id, pair[0].id))
    return CaptionSet(
        task=task,
        family=family,
        ids=tuple(row.id for row, _ in kept),
        recordings=tuple(row.recording_id for row, _ in kept),
        candidates=tuple(row.outputs[0] for row, _ in kept),
        references=tuple(own for _, own in kept),
        excluded=len(pairs) - len(kept),
    )


def _family(task: str, where: str) -> str:
    family = get_task(task).family
    if family not in _NAMES:
        raise UsageError(
            "Predictions of this task are not measured by their words.",
            where=where,
            expected="a task with captions or keywords: "
            + ", ".join(each.name for each in TASKS.values() if each.family in _NAMES),
            found=task,
        )
    return family
