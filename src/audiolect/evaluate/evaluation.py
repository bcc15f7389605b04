"""Predictions and a dataset to scores: retrieval in both directions, classification by text, and how sure it all is.

One folder of predictions is one run. Of several (folds, or seeds) each is measured on its own, all of them are pooled,
and ``over_runs`` has mean and spread. A baseline is tested against on the same queries.

Conventions: nothing here knows a model; the card of the predictions says which it was. Randomness is that of the
bootstrap alone, from a stated seed.

Public names: EvaluateRequest, evaluate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiolect import __version__
from audiolect.data.dataset import Dataset
from audiolect.embedding_files import embeddings_fingerprint, read_embeddings
from audiolect.errors import UsageError
from audiolect.evaluate.comparison import compare_classes, compare_queries, with_holm
from audiolect.evaluate.material import Material, gather, parts_of, select
from audiolect.evaluate.measured import (
    ClassAnswers,
    QueryValues,
    measure_classes,
    measure_queries,
    pool_classes,
    pool_queries,
    shared_captions,
)
from audiolect.evaluate.numbers import (
    CLASSIFICATION,
    MetricChoice,
    check_choice,
    class_numbers,
    confusion_of,
    query_numbers,
)
from audiolect.evaluate.runs import coverage_notes, pooled_name, run_context, run_names, spread_over_runs, with_pooled
from audiolect.progress import Progress, silent_progress
from audiolect.scores import Comparison, Confusion, Context, Number, Scores


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """How to evaluate.

    Args:
        choice: metrics, seed and draws.
        ties: a name of ``metrics.ranks.TIE_RULES``.
        relevance: a name of ``measured.RELEVANCES``.
        by: also measure each value of this column on its own.
        allow_partial: count what has no prediction instead of refusing it.
        name: of the system, for the heads of columns; empty: that of the run.
        command: for the file.
    """

    choice: MetricChoice = field(default_factory=MetricChoice)
    ties: str = "pessimistic"
    relevance: str = "own"
    by: str | None = None
    allow_partial: bool = False
    name: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """The runs of one system: key of context → material, and what was answered over all of them."""

    name: str
    runs: Mapping[str, Material]
    queries: dict[str, QueryValues]
    classes: ClassAnswers | None

    @property
    def context(self) -> str:
        """The context of what is measured over all runs."""
        return pooled_name(self.name, self.runs)


def evaluate(
    predictions: Sequence[Path],
    dataset: Dataset,
    request: EvaluateRequest,
    *,
    baseline: Sequence[Path] = (),
    progress: Progress = silent_progress,
) -> Scores:
    """Score one system, from the predictions of one run or of several.

    Args:
        predictions: folders of embeddings.
        dataset: the whole dataset, as opened.
        baseline: folders of another system's embeddings, to be tested against.

    Raises:
        StorageError, UnknownVersion, DamagedFile: predictions that cannot be used.
        DatasetError: of another dataset, of a part only, with ids twice or NaN; a baseline of other queries.
        UsageError: unknown metrics, rules or columns; nothing that could be measured.
    """
    with progress("measuring", total=None, unit="numbers") as advance:
        system = _measured(predictions, dataset, request, request.name)
        numbers = _all_numbers(system, request)
        advance(len(numbers))
        check_choice(request.choice, numbers, system.queries, system.classes)
        if not numbers:
            raise _nothing(predictions)
        contexts = _contexts(system, request)
        tests: list[Comparison] = []
        if baseline:
            other = _measured(baseline, dataset, request, "")
            if other.name == system.name:
                other = _System(f"{other.name} (baseline)", other.runs, other.queries, other.classes)
            contexts, tests = _compared(system, other, contexts, request)
            advance(len(tests))
    return Scores(
        name=system.name,
        producer=f"audiolect {__version__}",
        command=request.command,
        contexts=contexts,
        numbers=tuple(numbers),
        comparisons=with_holm(tests),
        over_runs=spread_over_runs(list(system.runs), numbers),
        confusions=tuple(_confusions(system)),
        notes=_notes(system, request),
    )


def _measured(folders: Sequence[Path], dataset: Dataset, request: EvaluateRequest, name: str) -> _System:
    if not folders:
        raise UsageError("There are no predictions to evaluate.", expected="one folder or more")
    materials = [gather(read_embeddings(folder), dataset, allow_partial=request.allow_partial) for folder in folders]
    queries = [measure_queries(material, ties=request.ties, relevance=request.relevance) for material in materials]
    classes = [measure_classes(material) for material in materials]
    tasks = [task for task in queries[0] if all(task in each for each in queries)]
    known = [each for each in classes if each is not None]
    single = len(materials) == 1
    shared, runs = run_names([material.name for material in materials], materials, folders)
    return _System(
        name or shared,
        runs,
        queries[0] if single else {task: pool_queries([each[task] for each in queries]) for task in tasks},
        (known[0] if single else pool_classes(known)) if len(known) == len(classes) else None,
    )


def _all_numbers(system: _System, request: EvaluateRequest) -> list[Number]:
    numbers = _numbers(system.queries, system.classes, request.choice, "all", system.context)
    for key, material in system.runs.items():
        parts = parts_of(material, request.by)[1:]
        if len(system.runs) > 1:
            queries, classes = (
                measure_queries(material, ties=request.ties, relevance=request.relevance),
                measure_classes(material),
            )
            numbers += _numbers(queries, classes, request.choice, f"run={key}", key)
        for part in parts:
            chosen = select(material, part)
            name = part.name if len(system.runs) == 1 else f"run={key} {part.name}"
            queries, classes = (
                measure_queries(chosen, ties=request.ties, relevance=request.relevance),
                measure_classes(chosen),
            )
            numbers += _numbers(queries, classes, request.choice, name, key)
    return numbers


def _numbers(
    queries: Mapping[str, QueryValues], classes: ClassAnswers | None, choice: MetricChoice, part: str, context: str
) -> list[Number]:
    numbers = []
    for task, answers in queries.items():
        numbers += query_numbers(answers, choice, part=part, task=task, context=context)
    if classes is not None:
        numbers += class_numbers(classes, choice, part=part, context=context)
    return numbers


def _confusions(system: _System) -> list[Confusion]:
    found = None if system.classes is None else confusion_of(system.classes, part="all", context=system.context)
    return [] if found is None else [found]


def _compared(
    system: _System, other: _System, contexts: dict[str, Context], request: EvaluateRequest
) -> tuple[dict[str, Context], list[Comparison]]:
    theirs = {f"baseline {key}": context for key, context in _contexts(other, request).items()}
    names = (other.name, system.context, f"baseline {other.context}")
    tests: list[Comparison] = []
    for task, answers in system.queries.items():
        if task in other.queries:
            tests += compare_queries(task, answers, other.queries[task], request.choice, names)
    if system.classes is not None and other.classes is not None:
        tests += compare_classes(system.classes, other.classes, request.choice, names)
    return contexts | theirs, tests


def _contexts(system: _System, request: EvaluateRequest) -> dict[str, Context]:
    contexts = {key: _context(system.name, material, request) for key, material in system.runs.items()}
    return with_pooled(system.name, contexts)


def _context(name: str, material: Material, request: EvaluateRequest) -> Context:
    card = material.embeddings.card
    rules: dict[str, Any] = {
        "ties": request.ties,
        "relevance": request.relevance,
        "intervals": "bootstrap over recordings; Wilson's of shares of 0 and 1 and of classes; jackknife of labels",
        "num_resamples": request.choice.num_resamples,
    }
    context = run_context(
        name,
        card,
        coverage=material.coverage,
        seed=request.choice.seed,
        rules=rules,
        predictions=embeddings_fingerprint(material.embeddings),
    )
    return context.model_copy(update={"templates": card.templates, "num_labels": len(card.labels)})


def _notes(system: _System, request: EvaluateRequest) -> tuple[str, ...]:
    notes = [note for answers in system.queries.values() for note in answers.notes]
    notes += [note for material in system.runs.values() for note in material.notes]
    shared = sum(shared_captions(material) for material in system.runs.values())
    if shared and request.relevance == "own":
        notes.append(
            f"{shared} captions stand at several recordings; only a caption's own counts (--relevance same-words)."
        )
    for key, material in system.runs.items():
        notes += coverage_notes(key, material.coverage)
    if len(system.runs) > 1:
        ids = [set(material.recordings["recording_id"]) for material in system.runs.values()]
        total = len(set().union(*ids))
        kind = "different recordings (folds)" if total == sum(map(len, ids)) else "recordings in common (seeds)"
        notes.append(f"{len(ids)} runs on {kind}; {total} recordings in all.")
    if system.classes is not None and system.classes.excluded:
        notes.append(f"{CLASSIFICATION}: {system.classes.excluded} recordings without a label have no value.")
    return tuple(dict.fromkeys(notes))


def _nothing(predictions: Sequence[Path]) -> UsageError:
    return UsageError(
        "There is nothing to measure.",
        where=", ".join(map(str, predictions)),
        expected="captions of the recordings, or prompts of their labels",
        found="neither",
        cause="a dataset without captions and labels, or predictions that were made without labels",
        fix="audiolect show DATASET tells what there is; predict with --labels",
    )
