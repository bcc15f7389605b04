"""What chooses the best checkpoint: which numbers of which validation sets ``evaluation.metric`` means.

    cider_d                  of every set: their mean
    clotho/cider_d           of the sets of one dataset, by its name in ``data``
    clotho > caption cider_d     of the sets that are described in one style, of captioners

Conventions: an objective's settings tell ``metric_names``, which every set has, and ``metrics_to_ask_for``. So what is
meant is known, and what does not exist refused, when a recipe is read.

Public names: find_chosen, check_metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from audiolect.errors import UsageError, nearest_names
from audiolect.loader.mixture_settings import canonical_key
from audiolect.text.styles import spoken_style
from audiolect.training.captioning import CaptioningSettings, style_of


class _Measured(Protocol):
    """Settings of an objective."""

    @property
    def metric_names(self) -> tuple[str, ...]: ...

    @property
    def metrics_to_ask_for(self) -> dict[str, str]: ...


def find_chosen(metric: str, sets: Sequence[str], objective: _Measured) -> tuple[tuple[str, str], ...]:
    """The numbers whose mean chooses: (key of the set, name of its metric) each.

    Args:
        metric: as a recipe has it.
        sets: keys of the validation sets, one or more.
        objective: its settings.

    Raises:
        UsageError: no set has such a metric.
    """
    meant = {found: keys for keys, found in _groups(sets, objective)}
    for start, keys in meant.items():
        name = metric.removeprefix(start)
        if metric.startswith(start) and name in objective.metric_names:
            return tuple((key, name) for key in keys)
    raise _unknown(metric, list(meant), objective)


def check_metric(
    metric: str | None, sets: Sequence[str], objective: _Measured, place: tuple[str | int, ...] = ()
) -> None:
    """Refuse a metric that no validation will have, while a recipe is read.

    Args:
        metric: None: that of the objective.
        sets: none: nothing is chosen.
        objective: its settings.
        place: of ``metric`` in the file.

    Raises:
        ValidationError: of pydantic, at this place.
    """
    if metric is None or not sets:
        return
    try:
        find_chosen(metric, sets, objective)
    except UsageError as problem:
        words = f"{problem.what} Expected {problem.expected}; found {problem.found}"
        error = ValueError(words if problem.fix is None else f"{words}; {problem.fix}")
        raise ValidationError.from_exception_data(
            "metric", [InitErrorDetails(type="value_error", loc=place, input=metric, ctx={"error": error})]
        ) from problem


def _groups(sets: Sequence[str], objective: _Measured) -> Iterable[tuple[list[str], str]]:
    """Sets that can be meant together, and how the metrics of each begin: of all, of a dataset, of a style."""
    yield list(sets), ""
    for dataset in dict.fromkeys(canonical_key(key).dataset for key in sets):
        yield [key for key in sets if canonical_key(key).dataset == dataset], f"{dataset}/"
    if isinstance(objective, CaptioningSettings):
        styles = {key: _style(key, objective) for key in sets}
        for style in dict.fromkeys(styles.values()):
            if style:
                yield [key for key in sets if styles[key] == style], f"{style} "


def _style(key: str, settings: CaptioningSettings) -> str:
    try:
        return spoken_style(style_of(key, settings))
    except UsageError:
        return ""  # a set that cannot be described, which its own letter says


def _unknown(metric: str, starts: list[str], objective: _Measured) -> UsageError:
    asked = {start + name: key for start in starts for name, key in objective.metrics_to_ask_for.items()}
    near = nearest_names(metric, [start + name for start in starts for name in objective.metric_names])
    fix = f"did you mean {' or '.join(near)}?" if near else None
    if metric in asked:
        fix = f"{asked[metric]} gives it"
    datasets = " or ".join(start.removesuffix("/") for start in starts if start.endswith("/"))
    return UsageError(
        "The metric that chooses the best checkpoint does not exist.",
        where="evaluation.metric",
        expected=f"one of {', '.join(objective.metric_names)}, or DATASET/METRIC with {datasets} as the dataset",
        found=metric,
        fix=fix,
    )
