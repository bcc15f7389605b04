"""Text predictions and a dataset to scores: how like their references captions are, and how sure that is.

One file of predictions is one run. Of several (folds, or seeds) each is measured on its own, all of them are pooled,
and ``over_runs`` has mean and spread. A baseline is tested against on the same recordings.

Conventions: nothing here knows a model. Randomness is that of the bootstrap alone, from a stated seed. Words are those
of ``metrics/words.py``.

Public names: evaluate_captions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiolect import __version__
from audiolect.corpora.soundworld.caption_scores import METRICS as JUDGED
from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError
from audiolect.evaluate.caption_material import CaptionMaterial, gather_captions
from audiolect.evaluate.caption_numbers import caption_numbers, compare_captions
from audiolect.evaluate.caption_values import (
    CaptionTools,
    CaptionValues,
    measure_captions,
    pool_captions,
    wanted_metrics,
)
from audiolect.evaluate.class_naming import METRIC as CLASS_NAMED
from audiolect.evaluate.comparison import with_holm
from audiolect.evaluate.evaluation import EvaluateRequest
from audiolect.evaluate.material import parts_of_recordings
from audiolect.evaluate.numbers import check_choice
from audiolect.evaluate.runs import coverage_notes, pooled_name, run_context, run_names, spread_over_runs, with_pooled
from audiolect.progress import Progress, silent_progress
from audiolect.scores import Comparison, Context, Number, Scores
from audiolect.text_predictions import read_text_predictions, text_predictions_fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """The runs of one system: key of context → material, and task → values of each run."""

    name: str
    runs: Mapping[str, CaptionMaterial]
    values: Mapping[str, Mapping[str, CaptionValues]]

    @property
    def context(self) -> str:
        """The context of what is measured over all runs."""
        return pooled_name(self.name, self.runs)

    def pooled(self) -> dict[str, CaptionValues]:
        """Task → the values of all runs, of the tasks that all have."""
        first, *others = self.values.values()
        tasks = [task for task in first if all(task in each for each in others)]
        if not others:
            return dict(first)
        return {task: pool_captions([each[task] for each in self.values.values()]) for task in tasks}


def evaluate_captions(
    predictions: Sequence[Path],
    dataset: Dataset,
    request: EvaluateRequest,
    *,
    tools: CaptionTools | None = None,
    baseline: Sequence[Path] = (),
    progress: Progress = silent_progress,
) -> Scores:
    """Score the captions of one system, from the predictions of one run or of several.

    Args:
        predictions: files of text predictions.
        dataset: the whole dataset, as opened.
        tools: what some metrics need.
        baseline: files of another system, to be tested against.

    Raises:
        StorageError, UnknownVersion, DamagedFile: predictions that cannot be used.
        DatasetError: of another dataset, of a part only, or without references; a baseline of other recordings.
        MissingDependency: a metric needs something that is not at hand.
        UsageError: unknown metrics or columns.
    """
    with progress("measuring captions", total=None, unit="numbers") as advance:
        system = _measured(predictions, dataset, request, tools or CaptionTools(), request.name)
        numbers = _all_numbers(system, request)
        advance(len(numbers))
        check_choice(request.choice, numbers)
        contexts = _contexts(system, request)
        tests: list[Comparison] = []
        if baseline:
            other = _measured(baseline, dataset, request, tools or CaptionTools(), "")
            if other.name == system.name:
                other = _System(f"{other.name} (baseline)", other.runs, other.values)
            contexts |= {f"baseline {key}": each for key, each in _contexts(other, request).items()}
            names = (other.name, system.context, f"baseline {other.context}")
            theirs = other.pooled()
            for task, own in system.pooled().items():
                if task in theirs:
                    tests += compare_captions(own, theirs[task], request.choice, names)
            advance(len(tests))
    return Scores(
        name=system.name,
        producer=f"audiolect {__version__}",
        command=request.command,
        contexts=contexts,
        numbers=tuple(numbers),
        comparisons=with_holm(tests),
        over_runs=spread_over_runs(list(system.runs), numbers),
        notes=_notes(system),
    )


def _measured(
    paths: Sequence[Path], dataset: Dataset, request: EvaluateRequest, tools: CaptionTools, name: str
) -> _System:
    materials = [
        gather_captions(read_text_predictions(path), dataset, allow_partial=request.allow_partial) for path in paths
    ]
    shared, runs = run_names([material.name for material in materials], materials, paths)
    wanted = wanted_metrics(request.choice.patterns)
    if tools.judge is not None and not request.choice.patterns:
        wanted |= set(JUDGED)
    if tools.classes is not None and not request.choice.patterns:
        wanted |= {CLASS_NAMED}
    values = {
        key: {own.task: measure_captions(own, wanted, tools) for own in material.sets} for key, material in runs.items()
    }
    return _System(name or shared, runs, values)


def _all_numbers(system: _System, request: EvaluateRequest) -> list[Number]:
    numbers: list[Number] = []
    for measured in system.pooled().values():
        numbers += caption_numbers(measured, request.choice, part="all", context=system.context)
    for key, material in system.runs.items():
        own = system.values[key].values()
        if len(system.runs) > 1:
            for measured in own:
                numbers += caption_numbers(measured, request.choice, part=f"run={key}", context=key)
        for part in parts_of_recordings(material.recordings, request.by)[1:]:
            name = part.name if len(system.runs) == 1 else f"run={key} {part.name}"
            inside = set(material.recordings["recording_id"].gather(list(part.recordings)))
            for measured in own:
                rows = [row for row, recording in enumerate(measured.recordings) if recording in inside]
                numbers += caption_numbers(measured, request.choice, part=name, context=key, rows=rows)
    return numbers


def _contexts(system: _System, request: EvaluateRequest) -> dict[str, Context]:
    contexts = {key: _context(system.name, material, request) for key, material in system.runs.items()}
    contexts = with_pooled(system.name, contexts)
    if len(system.runs) > 1:
        pooled = contexts[system.context]
        rules = pooled.rules | {"cider_d": "weights from the references of all items of each run"}
        contexts[system.context] = pooled.model_copy(update={"rules": rules})
    return contexts


def _context(name: str, material: CaptionMaterial, request: EvaluateRequest) -> Context:
    header = material.predictions.header
    references = [len(own) for each in material.sets for own in each.references]
    rules: dict[str, Any] = {
        "words": "Penn Treebank tokens in small letters, without punctuation",
        "cider_d": f"weights from the references of all {len(references)} items of the run",
        "references": f"{int(np.sum(references))}, {min(references)} to {max(references)} of each item",
        "intervals": "bootstrap over recordings; BLEU and METEOR from the sums of each draw",
        "num_resamples": request.choice.num_resamples,
        "task": header.task,
        "generation": dict(header.generation),
    }
    return run_context(
        name,
        header,
        coverage=material.coverage,
        seed=request.choice.seed,
        rules=rules,
        predictions=text_predictions_fingerprint(material.predictions),
    )


def _notes(system: _System) -> tuple[str, ...]:
    notes = [note for material in system.runs.values() for note in material.notes]
    for key, material in system.runs.items():
        notes += coverage_notes(key, material.coverage)
        empty = sum(not text.strip() for own in material.sets for text in own.candidates)
        if empty:
            notes.append(f"{key}: {empty} predictions are empty.")
        for own in material.sets:
            items = len(own.ids)
            if len(set(own.recordings)) < items:
                notes.append(f"{key}: {own.task} has {items} predictions of {len(set(own.recordings))} recordings.")
            if items == 1:
                notes.append(f"{key}: of one item alone CIDEr-D is 0, because no word is rarer than another.")
    if not any(system.values.values()):
        raise UsageError("There is nothing to measure.")
    return tuple(dict.fromkeys(notes))
