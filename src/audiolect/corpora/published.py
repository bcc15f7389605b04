"""What the published corpora share: where their tables stand, what they declare, and how the audio joins in.

A corpus file reads its tables into a Declared, which needs no audio; ``take_in`` then finds the audio of every
recording under the source folder, lists what is missing, and hands the rest to the intake.

Conventions: coverage counts against the published size of each split, or against its table where that is longer. Where
``audiolect download`` brought the audio, its own coverage (n of N segments with the fingerprints of both lists of ids)
stands in the notes under ``download``.

Public names: Declared, find_file, relative_name, wrong_layout, number_or_none, take_in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.audio_names import find_audio, index_audio
from audiolect.corpora.download_card import CARD_NAME, read_coverage
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, intake
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem, problem_from
from audiolect.data.records import Example
from audiolect.errors import AudiolectError, TableError
from audiolect.progress import Progress

_NAMED = 3
_NO_FOLDERS: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """What the tables of a corpus say.

    ``names`` gives the names, without suffix, under which the audio of a recording may stand; the ``path`` of a draft
    is only where it should be until the audio is found. ``tables`` become extra tables of the dataset.
    """

    drafts: list[Draft] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, Iterable[str]] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def find_file(source: Path, names: Iterable[str], folders: Iterable[str] = ("",)) -> Path | None:
    """The first of these files that exists, looked for in each folder in turn."""
    folders = tuple(folders)
    candidates = (source / folder / name for name in names for folder in folders)
    return next((path for path in candidates if path.is_file()), None)


def relative_name(path: Path, source: Path) -> str:
    """What Problems call a table: its place under the source, or its name where it stands elsewhere."""
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else path.name


def wrong_layout(title: str, source: Path, *, expected: str, looked_for: Iterable[str], url: str) -> TableError:
    """The letter for a folder that is not the corpus: what was looked for, and what is there."""
    there = sorted(path.name + "/" * path.is_dir() for path in source.glob("*"))
    more = f" and {len(there) - 5} more" if len(there) > 5 else ""
    return TableError(
        f"The folder is not laid out as {title}.",
        where=source,
        expected=f"{expected}; looked for {', '.join(looked_for)}",
        found=", ".join(there[:5]) + more if there else "an empty folder",
        fix=f"name the folder that holds the tables and the audio as published at {url}",
    )


def number_or_none(cell: Any) -> float | None:
    """The seconds in a cell, from 0 on; None where it holds no such number."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def take_in(  # noqa: PLR0917 - in the order of the street
    info: CorpusInfo,
    source: Path,
    declared: Declared,
    out: Path,
    options: IntakeOptions,
    progress: Progress,
    *,
    sizes: Mapping[str, int] | None = None,
    folders: Callable[[Draft], Collection[str]] = lambda _: _NO_FOLDERS,
    foreign: Callable[[Draft], Collection[str]] = lambda _: _NO_FOLDERS,
) -> Dataset:
    """Find the audio and write the dataset.

    Args:
        info: the facts of the corpus; ``num_expected`` is worked out here.
        source: the folder of the corpus, and the audio root of the dataset.
        declared: what the tables say.
        out: the dataset folder to write.
        options: how the intake runs.
        progress: told of each recording.
        sizes: split → recordings as published.
        folders: draft → names of folders in which its audio should stand.
        foreign: draft → names of folders in which a file of its name is another recording.

    Raises:
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    problems = list(declared.problems)
    notes = declared.notes | _download_notes(source, problems)
    drafts: list[Draft] = []
    index = {} if options.no_audio else index_audio(source)
    for draft in declared.drafts:
        if options.no_audio:
            drafts.append(draft)
            continue
        names = tuple(declared.names[draft.recording_id])
        found = find_audio(index, names, folders=folders(draft), foreign=foreign(draft))
        if not found:
            tried = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
            problems.append(Problem("missing", draft.recording_id, f"no audio file is named {tried}"))
            continue
        if len(found) > 1:
            detail = f"{found[0]} is taken, {', '.join(found[1:_NAMED])} has the same name"
            problems.append(Problem("duplicate-path", draft.recording_id, detail, "warning"))
        drafts.append(replace(draft, path=found[0]))
    kept = {draft.recording_id for draft in drafts}
    return intake(
        replace(info, num_expected=_num_expected(declared.drafts, sizes or {})),
        source,
        drafts,
        [example for example in declared.examples if example.recording_id in kept],
        out,
        options,
        progress,
        problems,
        extra_tables=declared.tables,
        notes=notes,
    )


def _download_notes(source: Path, problems: list[Problem]) -> dict[str, Any]:
    """How much of a corpus of films ``audiolect download`` has brought into the folder, for the notes of the card."""
    try:
        coverage = read_coverage(source)
    except AudiolectError as error:
        problems.append(replace(problem_from(error, "bad-value", CARD_NAME), severity="warning"))
        return {}
    return {} if coverage is None else {"download": coverage.model_dump(mode="json")}


def _num_expected(drafts: Iterable[Draft], sizes: Mapping[str, int]) -> int:
    counts = Counter(draft.split for draft in drafts)
    return sum(max(count, sizes.get(split, 0)) for split, count in counts.items())
