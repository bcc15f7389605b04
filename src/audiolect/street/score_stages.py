"""The stages that measure and show: evaluate, report, and the page of a collection.

The first two call what the verbs of their names call.

Conventions: as of ``kind.py``.

Public names: EVALUATE, REPORT, COLLECTION.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from audiolect.data.dataset import open_dataset
from audiolect.evaluate.evaluation import EvaluateRequest
from audiolect.evaluate.numbers import MetricChoice
from audiolect.report.collection import CollectionRequest, write_collection
from audiolect.report.page import ReportRequest, write_report
from audiolect.scores import read_scores, write_scores
from audiolect.street.kind import Input, Kind, StageOptions, Work, given
from audiolect.street.measuring import CaptionOptions, measure

_Paths = Annotated[tuple[Path, ...], Field(min_length=1)]
_Count = Annotated[int, Field(ge=0)]


class EvaluateOptions(StageOptions):
    """As of ``audiolect evaluate``."""

    predictions: _Paths = Field(description="Several are the runs of one system.")
    dataset: Path
    metrics: tuple[str, ...] = Field(default=(), description="Only these; none: those that need nothing more.")
    baseline: tuple[Path, ...] = Field(default=(), description="Predictions of another system, to be tested against.")
    by: str | None = Field(default=None, description="Also each split, fold or corpus on its own.")
    ties: str = "pessimistic"
    relevance: str = "own"
    resamples: Annotated[int, Field(ge=100)] = Field(default=9999, description="Draws of each interval and test.")
    seed: _Count = Field(default=0, description="Of those draws.")
    name: str = Field(default="", description="Of the system, in tables; empty: that of the run.")
    allow_partial: bool = Field(default=False, description="Score predictions that cover only a part.")
    trained_on: Path | None = Field(default=None, description="Whose captions are known, for novel_captions.")


class ReportOptions(StageOptions):
    """As of ``audiolect report``."""

    scores: _Paths
    predictions: tuple[Path, ...] = Field(default=(), description="For queries and captions to listen to: one of each.")
    dataset: Path | None = Field(default=None, description="That of the predictions.")
    runs: tuple[Path, ...] = Field(default=(), description="For the curves of their training.")
    queries: Annotated[int, Field(ge=1, le=50)] = 6
    max_megabytes: Annotated[float, Field(ge=0)] = Field(default=12.0, description="Of sounds in the page.")


class CollectionOptions(StageOptions):
    """A page of a dataset's recordings, what is said of them, and what was left out."""

    dataset: Path
    predictions: Path | None = Field(default=None, description="Captions of it.")
    most: Annotated[int, Field(ge=1)] = Field(default=200, description="Recordings that are shown.")
    max_megabytes: Annotated[float, Field(ge=0)] = Field(default=12.0, description="Of sounds in the page.")


def _evaluate(options: EvaluateOptions, place: Path, work: Work) -> list[str]:
    request = EvaluateRequest(
        choice=MetricChoice(options.metrics, options.seed, options.resamples),
        ties=options.ties,
        relevance=options.relevance,
        by=options.by,
        allow_partial=options.allow_partial,
        name=options.name,
        command=work.command,
    )
    scores = measure(
        options.predictions,
        open_dataset(options.dataset),
        request,
        CaptionOptions(trained_on=options.trained_on),
        baseline=options.baseline,
        progress=work.progress,
    )
    write_scores(place, scores)
    return [f"{len(scores.numbers)} numbers", *scores.notes]


def _report(options: ReportOptions, place: Path, work: Work) -> list[str]:
    request = ReportRequest(
        predictions=options.predictions,
        dataset=options.dataset,
        runs=options.runs,
        num_queries=options.queries,
        budget_bytes=round(options.max_megabytes * 1e6),
        command=work.command,
    )
    write_report(place, [read_scores(path) for path in options.scores], request)
    return [f"{place.stat().st_size / 1e6:.1f} MB in one file"]


def _collection(options: CollectionOptions, place: Path, work: Work) -> list[str]:
    request = CollectionRequest(
        dataset=options.dataset,
        captions=options.predictions,
        most=options.most,
        budget_bytes=round(options.max_megabytes * 1e6),
        command=work.command,
    )
    write_collection(place, request)
    return [f"{place.stat().st_size / 1e6:.1f} MB in one file"]


def _of_evaluation(options: EvaluateOptions) -> list[Input]:
    several = [("predictions", options.predictions), ("baseline", options.baseline)]
    return [
        *((f"{label}.{i}", "predictions", path) for label, paths in several for i, path in enumerate(paths)),
        *given([("dataset", "dataset", options.dataset), ("trained_on", "dataset", options.trained_on)]),
    ]


def _of_collection(options: CollectionOptions) -> list[Input]:
    return given([("dataset", "dataset", options.dataset), ("predictions", "predictions", options.predictions)])


def _of_report(options: ReportOptions) -> list[Input]:
    return [
        *((f"scores.{i}", "scores", path) for i, path in enumerate(options.scores)),
        *((f"runs.{i}", "run", path) for i, path in enumerate(options.runs)),
        *((f"predictions.{i}", "predictions", path) for i, path in enumerate(options.predictions)),
        *given([("dataset", "dataset", options.dataset)]),
    ]


EVALUATE = Kind(
    about="numbers with intervals and cards",
    options=EvaluateOptions,
    inputs=_of_evaluation,
    writes="scores",
    run=_evaluate,
    suffix=".json",
    says=lambda options: ", ".join(options.metrics),
)
REPORT = Kind(
    about="one page that works offline",
    options=ReportOptions,
    inputs=_of_report,
    writes="report",
    run=_report,
    suffix=".html",
)
COLLECTION = Kind(
    about="a page of recordings, captions, and what was left out",
    options=CollectionOptions,
    inputs=_of_collection,
    writes="report",
    run=_collection,
    suffix=".html",
)
