"""The runs of one system, whatever they predict: their names, what their numbers rest on, and their spread.

Conventions: a run is a fold or a seed. Each has a context of its own; of several there is one more, of all of them
pooled, whose counts are sums.

Public names: run_names, pooled_name, run_context, with_pooled, coverage_notes, spread_over_runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from audiolect import __version__
from audiolect.embedding_files import EmbeddingsCard
from audiolect.errors import UsageError
from audiolect.metrics.uncertainty import over_runs
from audiolect.scores import Context, Coverage, Number, OverRuns, number_key
from audiolect.text_predictions import TextPredictionsHeader

_Run = TypeVar("_Run")
_COUNTS = {"num_expected", "num_embedded", "num_predicted", "left_out"}


def run_names(names: Sequence[str], runs: Sequence[_Run], paths: Sequence[Path]) -> tuple[str, dict[str, _Run]]:
    """The name of a system, and each of its runs by its own name, or by its path where two have one name.

    Raises:
        UsageError: no runs, or the same path twice.
    """
    if not names:
        raise UsageError("There are no predictions to evaluate.", expected="one of them or more")
    keys = list(names) if len(set(names)) == len(names) else [path.name or str(path) for path in paths]
    if len(set(keys)) < len(keys):
        keys = [str(path) for path in paths]
    if len(set(keys)) < len(keys):
        raise UsageError("The same predictions are given twice.", found=", ".join(keys))
    return names[0] if len(names) == 1 else _shared_name(names), dict(zip(keys, runs, strict=True))


def _shared_name(names: Sequence[str]) -> str:
    """What the names of folds or seeds begin with, or the first."""
    shared = names[0]
    for name in names:
        while not name.startswith(shared):
            shared = shared[:-1]
    return shared.rstrip("-_ .=") or names[0]


def pooled_name(system: str, runs: Mapping[str, object]) -> str:
    """The context of what is measured over all runs: that of the only one, or one of its own."""
    return next(iter(runs)) if len(runs) == 1 else f"{system} pooled"


def run_context(
    system: str,
    facts: EmbeddingsCard | TextPredictionsHeader,
    *,
    coverage: Coverage,
    seed: int,
    rules: dict[str, Any],
    predictions: str,
) -> Context:
    """What the numbers of one run rest on.

    Args:
        system: its name.
        facts: of its predictions.
        seed: of the bootstrap.
        rules: how it was measured.
        predictions: their fingerprint.
    """
    return Context(
        system=system,
        checkpoint=facts.model.model_dump(mode="json", exclude={"seeds"}),
        seeds=facts.model.seeds | {"bootstrap": seed},
        dataset=facts.dataset.model_dump(mode="json", exclude=_COUNTS),
        coverage=coverage,
        preprocessing=dict(facts.preprocessing),
        rules=rules,
        predictions=predictions,
        producer=f"audiolect {__version__}",
    )


def with_pooled(system: str, contexts: dict[str, Context]) -> dict[str, Context]:
    """The contexts of runs, and of several also that of all of them."""
    if len(contexts) == 1:
        return contexts
    each = list(contexts.values())
    first = each[0]
    left_out: Counter[str] = Counter()
    for context in each:
        left_out.update(context.coverage.left_out)
    runs = {key: [context.dataset["split"], context.dataset["where"]] for key, context in contexts.items()}
    alike = all(context.preprocessing == first.preprocessing for context in each)
    pooled = first.model_copy(
        update={
            "system": system,
            "checkpoint": {"runs": {key: context.checkpoint for key, context in contexts.items()}},
            "seeds": {"bootstrap": first.seeds["bootstrap"]},
            "dataset": first.dataset | {"split": None, "where": None, "runs": runs},
            "coverage": Coverage(
                available=sum(context.coverage.available for context in each),
                expected=sum(context.coverage.expected for context in each),
                left_out=dict(left_out),
            ),
            "preprocessing": first.preprocessing
            if alike
            else {"runs": {key: context.preprocessing for key, context in contexts.items()}},
            "predictions": ", ".join(context.predictions for context in each),
        }
    )
    return contexts | {pooled_name(system, contexts): pooled}


def coverage_notes(run: str, coverage: Coverage) -> list[str]:
    """A sentence where a run lacks recordings, with the reasons."""
    if coverage.available == coverage.expected:
        return []
    why = ", ".join(f"{count} {reason}" for reason, count in coverage.left_out.items())
    return [f"{run}: {coverage.available} of {coverage.expected} recordings ({why})."]


def spread_over_runs(runs: Sequence[str], numbers: Sequence[Number]) -> tuple[OverRuns, ...]:
    """Mean and spread of each number that every run has; not of single classes, nor of one run."""
    if len(runs) == 1:
        return ()
    values: dict[tuple[str, str], dict[str, float]] = {}
    for number in numbers:
        run = number.part.removeprefix("run=")
        if number.part.startswith("run=") and run in runs and "[" not in number.metric:
            values.setdefault((number.task, number.metric), {})[run] = number.value
    found = []
    for (task, metric), of_runs in values.items():
        if len(of_runs) == len(runs):
            summary = over_runs(np.array(list(of_runs.values())))
            found.append(
                OverRuns(
                    key=number_key("all", task, metric),
                    values=of_runs,
                    mean=summary.mean,
                    std=summary.std,
                    low=summary.low,
                    high=summary.high,
                    num_runs=summary.num_runs,
                )
            )
    return tuple(found)
