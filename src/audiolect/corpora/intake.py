"""From what a corpus declares to a dataset folder: the one door that every corpus goes through.

    drafts = [Draft("mycorpus/a", "audio/a.wav", labels=("dog",))]
    dataset = intake(INFO, source, drafts, examples, out, options, progress)

A corpus reads its own tables, which needs no audio, and declares Drafts and Examples. The intake looks at every audio
file in ``options.jobs`` processes, leaves out what cannot be used together with its examples, lists each fault as a
Problem, and writes the folder whole or not at all. With ``options.no_audio`` no file is looked at, and lengths are what
the tables say (nominal.py).

Conventions: the order of the drafts and of the examples stays. Of two drafts or examples with one id the first counts.
The dataset is the same whatever the number of jobs.

Public names: CorpusInfo, Draft (from inspection.py), Nominal (from nominal.py), IntakeOptions, intake, writable_text.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.audio_listing import list_audio
from audiolect.corpora.inspection import Draft, inspect_draft
from audiolect.corpora.nominal import UNKNOWN_LENGTH, Nominal, describe_lengths, nominal_recording
from audiolect.data.dataset import Dataset, open_dataset, save_dataset
from audiolect.data.problems import Problem, count_by_reason, enforce_limit
from audiolect.data.records import Example, Recording, examples_frame, recordings_frame
from audiolect.errors import DatasetError, UsageError
from audiolect.parallel import map_in_order
from audiolect.progress import Progress, silent_progress
from audiolect.storage import atomic_folder

__all__ = ["CorpusInfo", "Draft", "IntakeOptions", "Nominal", "intake", "writable_text"]

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """What is true of a whole corpus.

    ``num_expected`` is the number of recordings that the published corpus has, where that is known; the dataset card
    then states coverage as "n of N". By default it is the number of drafts. ``nominal`` is what its recordings are
    taken for where no audio is looked at; ``download_name`` what ``audiolect download`` calls it, if it knows it.
    """

    name: str
    version: str
    license: str
    citation: str
    num_expected: int | None = None
    nominal: Nominal = UNKNOWN_LENGTH
    download_name: str | None = None


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """How an intake runs; the same for every corpus.

    Args:
        jobs: processes that look at the audio; 0 means one for each processor.
        overwrite: replace an existing dataset folder, once the new one is complete.
        max_problems: stop above this many errors; None: never.
        hash_audio: decode every recording, which finds damage inside a file and gives ``pcm_hash``.
        command: the command line that the dataset card shows.
        refuse_missing: stop when the audio of a row is missing, instead of listing it and going on without.
        no_audio: look at no audio: lengths are what the tables say.
    """

    jobs: int = 1
    overwrite: bool = False
    max_problems: int | None = None
    hash_audio: bool = True
    command: str = ""
    refuse_missing: bool = False
    no_audio: bool = False


@dataclass(slots=True)
class _Problems:
    """The problems met so far; too many of them stop the intake at once, not after hours."""

    limit: int | None
    total: int
    refuse_missing: bool = False
    found: list[Problem] = field(default_factory=list)
    num_errors: int = 0

    def add(self, problems: Iterable[Problem]) -> None:
        absent: list[Problem] = []
        for problem in problems:
            texts = {"where": writable_text(problem.where), "detail": writable_text(problem.detail)}
            self.found.append(replace(problem, **texts))
            self.num_errors += problem.severity == "error"
            absent += [problem] if (problem.reason, problem.severity) == ("missing", "error") else []
        if self.refuse_missing and absent:
            raise DatasetError(
                f"The audio of {len(absent)} recording{'s' * (len(absent) > 1)} is missing.",
                where=absent[0].where,
                found=absent[0].detail or None,
                fix="fetch it, or go on without it: --missing list",
            )
        if self.limit is not None and self.num_errors > self.limit:
            enforce_limit(self.found, limit=self.limit, total=self.total)


def intake(  # noqa: PLR0917 - in the order of the street
    info: CorpusInfo,
    root: Path,
    drafts: Sequence[Draft],
    examples: Iterable[Example],
    out: Path,
    options: IntakeOptions,
    progress: Progress = silent_progress,
    problems: Sequence[Problem] = (),
    *,
    extra_tables: Mapping[str, pl.DataFrame] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Dataset:
    """Look at the audio of a corpus and write its dataset folder.

    Args:
        info: the facts of the corpus.
        root: the folder that the paths of the drafts start from; the audio root of the dataset.
        drafts: the recordings as declared.
        examples: what is asked of them; those of recordings that are left out are left out too.
        out, options: the dataset folder to write, and how to run.
        progress: told of each recording.
        problems: what the corpus itself found wrong, to be counted and listed with the rest.
        extra_tables: NAME → table for ``NAME.parquet``; of a table with a column ``recording_id`` or ``example_id``,
            the rows of what is left out are left out too.
        notes: for the card.

    Raises:
        UsageError: ``out`` is the folder of the audio or one above it.
        AlreadyExists: ``out`` exists, and ``options.overwrite`` is not given.
        TooManyProblems: there are more errors than ``options.max_problems``.
        DatasetError: no recording is left, or audio is missing and ``options.refuse_missing`` is given.
    """
    _check_target(out, root)
    collected = _Problems(options.max_problems, len(drafts) + len(problems), options.refuse_missing)
    with atomic_folder(out, overwrite=options.overwrite) as folder:
        collected.add(problems)
        usable = _usable_drafts(drafts, collected)
        if options.no_audio:
            notes = {**(notes or {}), "lengths": describe_lengths(usable, info.nominal)}
        recordings = _look_at_all(usable, info.nominal, root, options, progress, collected)
        if not recordings:
            raise _nothing_left(info, root, collected.found, options)
        kept_examples = _usable_examples(examples, drafts, recordings, collected)
        save_dataset(
            folder,
            name=info.name,
            corpus_version=info.version,
            license=info.license,
            citation=info.citation,
            audio_root=root,
            recordings=recordings_frame(recordings),
            examples=examples_frame(kept_examples),
            num_expected=info.num_expected or len(drafts),
            command=options.command,
            problems=collected.found,
            extra_tables=_only_kept(extra_tables or {}, recordings, kept_examples),
            notes=notes,
        )
    return open_dataset(out)


def _check_target(out: Path, root: Path) -> None:
    """Refuse a target whose replacement would take the audio with it."""
    real_out, real_root = Path(os.path.realpath(out)), Path(os.path.realpath(root))
    if real_root.is_relative_to(real_out):
        raise UsageError(
            "The dataset folder would stand in the place of the audio.",
            where=out,
            expected="a folder of its own",
            found=f"the audio is in {root}",
            fix="give another --out",
        )


def _usable_drafts(drafts: Sequence[Draft], problems: _Problems) -> list[Draft]:
    """The drafts that may be looked at: ids unique, texts that can be written."""
    first: dict[str, Draft] = {}
    spans: dict[tuple[Any, ...], str] = {}
    for draft in drafts:
        texts = [getattr(draft, item.name) for item in fields(draft)]
        if _is_unwritable(*texts, *draft.labels):
            problems.add([_unwritable(draft.recording_id, "path or a text of the recording")])
            continue
        if draft.recording_id in first:
            other = first[draft.recording_id].path
            detail = f"{draft.path} is left out, {other} has the id already"
            problems.add([Problem("duplicate-id", draft.recording_id, detail)])
            continue
        first[draft.recording_id] = draft
        span = (draft.path, draft.start_sample, draft.num_samples, draft.start_seconds, draft.end_seconds)
        if span in spans:
            detail = f"{draft.path} is also {spans[span]}"
            problems.add([Problem("duplicate-path", draft.recording_id, detail, "warning")])
        spans.setdefault(span, draft.recording_id)
    return list(first.values())


def _look_at_all(  # noqa: PLR0917 - in the order of the street
    drafts: Sequence[Draft],
    nominal: Nominal,
    root: Path,
    options: IntakeOptions,
    progress: Progress,
    problems: _Problems,
) -> list[Recording]:
    if options.no_audio:
        return _on_their_word(drafts, nominal, problems)
    recordings: list[Recording] = []
    look = partial(inspect_draft, root=root, decode=options.hash_audio)
    what = "decoding" if options.hash_audio else "probing"
    with progress(what, total=len(drafts), unit="recordings") as advance:
        for inspected in map_in_order(look, drafts, jobs=options.jobs):
            problems.add(inspected.problems)
            if inspected.recording is not None:
                recordings.append(inspected.recording)
            advance(1)
    return recordings


def _on_their_word(drafts: Sequence[Draft], nominal: Nominal, problems: _Problems) -> list[Recording]:
    recordings: list[Recording] = []
    for draft in drafts:
        found = nominal_recording(draft, nominal)
        problems.add(found.problems)
        recordings += [] if found.recording is None else [found.recording]
    return recordings


def _usable_examples(
    examples: Iterable[Example], drafts: Sequence[Draft], recordings: Sequence[Recording], problems: _Problems
) -> list[Example]:
    """The examples of the recordings that are left; one that asks about nothing declared is left for the checks."""
    counts = Counter(draft.recording_id for draft in drafts)
    left_out = counts.keys() - {recording.recording_id for recording in recordings}
    kept: dict[str, Example] = {}
    for example in examples:
        if example.recording_id in left_out:
            continue
        turns = [text for turn in example.turns for text in (turn.user, turn.assistant)]
        texts = (example.example_id, example.prompt, *example.answers, *example.options, *turns)
        if _is_unwritable(*texts):
            problems.add([_unwritable(example.example_id, "text of the example")])
        elif example.example_id in kept and counts[example.recording_id] > 1:
            continue  # it came with the second draft of this id, which is listed
        elif example.example_id in kept:
            problems.add([Problem("duplicate-id", example.example_id, "the first example of this id is kept")])
        else:
            kept[example.example_id] = example
    return list(kept.values())


def writable_text(text: str) -> str:
    """The text with what no UTF-8 can hold written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_unwritable(*values: object) -> bool:
    return any(isinstance(value, str) and not value.isascii() and _SURROGATE.search(value) for value in values)


def _unwritable(where: str, what: str) -> Problem:
    # A name that is not UTF-8 on the disk, or half of a surrogate pair in JSON: no file can hold such a text.
    return Problem("bad-value", where, f"a {what} holds characters that are no Unicode text")


def _only_kept(
    tables: Mapping[str, pl.DataFrame], recordings: Sequence[Recording], examples: Sequence[Example]
) -> dict[str, pl.DataFrame]:
    """The rows of the extra tables that speak of what is left."""
    kept = {
        "recording_id": [recording.recording_id for recording in recordings],
        "example_id": [example.example_id for example in examples],
    }
    found = dict(tables)
    for key, ids in kept.items():
        wanted = pl.DataFrame({key: ids}, schema={key: pl.String})
        for name, table in found.items():
            if key in table.columns:
                found[name] = table.join(wanted, on=key, how="semi", maintain_order="left")
    return found


def _nothing_left(info: CorpusInfo, root: Path, problems: Sequence[Problem], options: IntakeOptions) -> DatasetError:
    errors = [problem.reason for problem in problems if problem.severity == "error"]
    num_missing = errors.count("missing")
    if 2 * num_missing > len(errors) and not options.no_audio:
        missing = next(problem for problem in problems if problem.reason == "missing" and problem.severity == "error")
        return _no_audio_found(info, root, num_missing, missing, options.command)
    counts = ", ".join(f"{reason} {n}" for reason, n in count_by_reason(problems).items())
    first = "; ".join(f"{problem.where}: {problem.detail}" for problem in problems[:3])
    return DatasetError(
        "No recording is left to make a dataset of.",
        where=root,
        expected=f"recordings of {info.name}",
        found=f"{counts}. First: {first}" if problems else "none declared: the tables have no rows",
        cause="the source is another folder than the corpus expects" if "missing" in counts else None,
        fix="mend what is listed first, or give the folder that holds the audio"
        if problems
        else "give another source, or loosen what the mapping leaves out (when)",
    )


def _no_audio_found(info: CorpusInfo, root: Path, num_missing: int, first: Problem, command: str) -> DatasetError:
    """The letter for a corpus of which only the tables are there."""
    ways = ["name the folder that holds the audio too"]
    if info.download_name is not None:
        ways.append(f"get the audio: audiolect download {info.download_name} {shlex.quote(str(root))}")
    if command.startswith("audiolect prepare "):
        ways.append(f"or go on with the tables alone: {command} --no-audio")
    there = len(list_audio(root))
    return DatasetError(
        "The tables were read, and none of the audio that they name was found.",
        where=root,
        found=f"{num_missing} audio files were looked for in {root}; "
        + (f"of the {there} that stand there none is one of them" if there else "it holds no audio file")
        + f". First: {first.where}: {first.detail}",
        cause="the tables are published without the audio, or the audio stands in another folder",
        fix="; ".join(ways),
    )
