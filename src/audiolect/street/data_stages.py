"""The stages of data: prepare, check, leaks and pack. Each calls what the verb of its name calls.

Conventions: as of ``kind.py``. Options have the names of the verbs' flags.

Public names: PREPARE, CHECK, LEAKS, PACK.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from audiolect.corpora.intake import IntakeOptions
from audiolect.corpora.table import Request, check_request, get_corpus
from audiolect.data.audio_faults import Limits
from audiolect.data.check_state import CHECK_FOLDER
from audiolect.data.checks import CheckSettings, check_dataset
from audiolect.data.dataset import open_dataset, read_problems
from audiolect.data.leaks import KINDS as EVIDENCE
from audiolect.data.leaks import find_leaks
from audiolect.data.problems import REASONS, Problem, enforce_limit
from audiolect.errors import DatasetError, UsageError
from audiolect.loader.pack_plan import PackSettings
from audiolect.loader.pack_writer import write_pack
from audiolect.storage import file_header, write_json
from audiolect.street.checking import files_to_check
from audiolect.street.kind import Input, Kind, StageOptions, Work, given
from audiolect.street.parts import Source, allowed_pairs, read_parts, without_allowed

_SHOWN = 3
_Count = Annotated[int, Field(ge=0)]


class PrepareOptions(StageOptions):
    """As of ``audiolect prepare``."""

    corpus: str = Field(description="A corpus: esc50, clotho, folder, soundworld …")
    source: Path | None = Field(default=None, description="The folder that holds it as published.")
    mapping: Path | None = Field(default=None, description="folder: the file that maps columns to fields.")
    recordings: Annotated[int, Field(ge=1)] | None = Field(default=None, description="soundworld: how many to make.")
    curate: bool = Field(default=False, description="clotho: clean the captions up.")
    seed: _Count = Field(default=0, description="soundworld: of what is made.")
    max_problems: _Count | None = Field(default=None, description="Stop above this many; null: no limit.")


class CheckOptions(StageOptions):
    """As of ``audiolect check``, of a dataset."""

    dataset: Path
    max_problems: _Count | None = Field(default=0, description="Stop above this many errors; null: no limit.")
    shortest_seconds: Annotated[float, Field(ge=0)] = Field(default=0.1, description="Shorter ones are errors.")
    longest_seconds: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Longer ones are errors.")
    near_duplicates: bool = Field(default=True, description="Look for re-encoded and shifted copies.")


class LeaksOptions(StageOptions):
    """As of ``audiolect leaks``."""

    datasets: Annotated[tuple[Path, ...], Field(min_length=1)]
    by: Literal["split", "fold"] = Field(default="split", description="What the parts of a dataset are.")
    kinds: tuple[str, ...] = Field(default=EVIDENCE, description="The evidence that counts.")
    allow: tuple[str, ...] = Field(default=(), description="A/SPLIT=B/SPLIT: a leak that is accepted.")


class PackOptions(StageOptions):
    """As of ``audiolect pack``."""

    dataset: Path
    rate_hz: Annotated[int, Field(ge=1)]
    codec: Literal["pcm", "flac"] = "pcm"
    split: str | None = None
    where: str | None = None
    max_problems: _Count | None = Field(default=None, description="Stop above this many; null: no limit.")


def _request(options: PrepareOptions, place: Path, work: Work) -> Request:
    return Request(
        out=place,
        source=options.source,
        mapping=options.mapping,
        num_recordings=options.recordings,
        curate=options.curate,
        seed=options.seed,
        options=IntakeOptions(jobs=work.jobs, overwrite=True, max_problems=options.max_problems, command=work.command),
        progress=work.progress,
    )


def _prepare(options: PrepareOptions, place: Path, work: Work) -> list[str]:
    request = _request(options, place, work)
    check_request(options.corpus, request)
    dataset = get_corpus(options.corpus).prepare(request)
    card = dataset.card
    counted = f"{card.num_recordings} recordings, {card.num_examples} examples, {card.duration_seconds:.0f} s"
    return [counted, *_by_reason("left out", [p for p in read_problems(dataset) if p.severity == "error"])]


def _check(options: CheckOptions, place: Path, work: Work) -> list[str]:
    dataset = open_dataset(options.dataset)
    settings = CheckSettings(
        limits=Limits(options.shortest_seconds, options.longest_seconds),
        near_duplicates=options.near_duplicates,
        jobs=work.jobs,
        command=work.command,
    )
    report = check_dataset(dataset, place, settings, files=files_to_check(dataset), progress=work.progress)
    enforce_limit(report.problems, limit=options.max_problems, total=report.num_recordings + report.num_examples)
    quarantined = Counter(entry.kind for entry in report.quarantined)
    listed = ", ".join(f"{count} {kind}s" for kind, count in quarantined.items()) or "nothing"
    warnings = [problem for problem in report.problems if problem.severity != "error"]
    return [
        f"{report.num_recordings} recordings looked at; quarantined: {listed}",
        *_by_reason("error", report.errors),
        *_by_reason("warning", warnings),
    ]


def _by_reason(what: str, problems: Sequence[Problem]) -> list[str]:
    """A line for each reason: how many, what it means, and the first places."""
    places: dict[str, list[str]] = {}
    for problem in problems:
        places.setdefault(problem.reason, []).append(problem.where)
    return [
        f"{what}: {len(found)} {reason} ({REASONS[reason]}): "
        + ", ".join(found[:_SHOWN])
        + (", …" if len(found) > _SHOWN else "")
        for reason, found in sorted(places.items(), key=lambda item: -len(item[1]))
    ]


def _leaks(options: LeaksOptions, place: Path, work: Work) -> list[str]:
    parts = [part for folder in options.datasets for part in read_parts(Source(folder), options.by)]
    if len(parts) < 2:
        raise UsageError(
            "There is nothing to compare with: there is one part.",
            where=options.datasets[0],
            found=", ".join(part.name for part in parts) or "no recordings",
            fix="compare its folds (by: fold), or name a second dataset",
        )
    report = find_leaks(parts, kinds=options.kinds, progress=work.progress)
    if not report.compared:
        raise UsageError(
            "Nothing could be compared.",
            expected="evidence by " + ", ".join(options.kinds),
            fix="put a stage with `do: check` before this one, or name other kinds",
        )
    found = without_allowed(report.leaks, allowed_pairs(options.allow, report.parts))
    if found.height:
        _refuse(found.to_dicts(), place)
    facts: dict[str, Any] = {
        "parts": dict(report.parts),
        "compared_by": list(report.compared),
        "leaks": 0,
        "accepted": report.leaks.height,
        "suspicions": report.suspicions.height,
    }
    write_json(place, {**file_header("leaks", 1), **facts})
    by = ", ".join(report.compared)
    return [f"no leak between {len(report.parts)} parts, by {by}; {report.leaks.height} accepted pairs"]


def _refuse(pairs: list[dict[str, Any]], place: Path) -> None:
    first = "".join(
        f"\n    {pair['part_a']} {pair['recording_a']} = {pair['part_b']} {pair['recording_b']} ({pair['kinds']})"
        for pair in pairs[:_SHOWN]
    )
    raise DatasetError(
        f"The parts share what they must not: {len(pairs)} pairs of recordings are in two of them.",
        where=place.stem,
        found=first,
        cause="what a model is measured on, it would have heard in training",
        fix="remove them from one side, or accept a pair of parts: allow: [A/PART=B/PART]",
    )


def _pack(options: PackOptions, place: Path, work: Work) -> list[str]:
    settings = PackSettings(
        rate_hz=options.rate_hz,
        codec=options.codec,
        jobs=work.jobs,
        split=options.split,
        where=options.where,
        max_problems=options.max_problems,
        command=work.command,
    )
    report = write_pack(open_dataset(options.dataset), place, settings, progress=work.progress)
    card = report.card
    counted = f"{card.num_recordings} recordings, {card.num_samples / card.rate_hz:.0f} s at {card.rate_hz} Hz"
    return [counted, *(f"left out: {count} {reason}" for reason, count in card.left_out.items())]


def _sources(options: PrepareOptions) -> list[Input]:
    return given([("source", "folder", options.source), ("mapping", "file", options.mapping)])


PREPARE = Kind(
    about="a corpus becomes a dataset",
    options=PrepareOptions,
    inputs=_sources,
    writes="dataset",
    run=_prepare,
    says=lambda options: options.corpus,
)
CHECK = Kind(
    about="all is decoded once, and what is broken is listed",
    options=CheckOptions,
    inputs=lambda options: [("dataset", "tables", options.dataset)],
    writes="check",
    run=_check,
    place=lambda options: options.dataset / CHECK_FOLDER,
)
LEAKS = Kind(
    about="what parts share that they must not",
    options=LeaksOptions,
    inputs=lambda options: [(f"datasets.{i}", "dataset", path) for i, path in enumerate(options.datasets)],
    writes="leaks",
    run=_leaks,
    suffix=".json",
    says=lambda options: f"by {options.by}",
)
PACK = Kind(
    about="sound as samples of one rate",
    options=PackOptions,
    inputs=lambda options: [("dataset", "dataset", options.dataset)],
    writes="pack",
    run=_pack,
    says=lambda options: f"{options.rate_hz} Hz",
)
