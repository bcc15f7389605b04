"""Checks of a dataset, or of a plain folder of audio: everything is decoded once, and everything wrong is listed.

    report = check_dataset(dataset, dataset.folder / "check", settings, files=list_audio(dataset.audio_root))

The audio of each recording is decoded whole (``audio_checks``), its facts are kept so that a check that was stopped
goes on where it was (``check_state``), and judged (``audio_faults``). Then the whole is looked at: duplicates, missing
and orphan files, ids, labels, texts. The tables of the dataset are never changed; written are, in the folder of the
check, each whole or not at all:

    problems.jsonl     all that is wrong, errors and warnings
    quarantine.jsonl   what later stages leave out (``quarantine``)
    facts.parquet      what decoding told of each recording, with hashes and fingerprints
    check.json         the summary; written last

Conventions: an error is what no stage can use; a warning is what a person should know of.

Public names: CheckSettings, CheckReport, check_dataset, check_folder, check_decoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.audio_at_hand import is_at_hand, need_audio, num_at_hand
from audiolect.data.audio_checks import AudioFacts, Request, cut_in_chunks, look_at_all, lost_facts
from audiolect.data.audio_faults import Limits, find_faults
from audiolect.data.check_state import FACTS_NAME, KIND, SUMMARY_NAME, VERSION, FactsStore, facts_frame
from audiolect.data.check_summary import Summary, summarise
from audiolect.data.dataset import Dataset
from audiolect.data.duplicate_checks import duplicate_problems, exact_duplicates, near_duplicate_pairs
from audiolect.data.problems import Problem, count_by_reason, save_problems
from audiolect.data.quarantine import QUARANTINE_NAME, Entry, entries_of, write_quarantine
from audiolect.data.records import Recording, recording_rows
from audiolect.data.surviving import map_surviving
from audiolect.data.table_checks import (
    LabelSet,
    find_label_problems,
    find_orphans,
    find_table_problems,
    find_whole_files,
    writable,
)
from audiolect.data.tables import write_table
from audiolect.data.text_checks import find_text_problems
from audiolect.errors import DatasetError, UnsafePath, UsageError
from audiolect.progress import Progress, silent_progress
from audiolect.storage import file_header, safe_join, write_json

PROBLEMS_NAME = "problems.jsonl"


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What a check asks for, beyond what it always does.

    Args:
        limits: how long a recording may be.
        labels: the labels that recordings may have; None: any.
        near_duplicates: look for near-duplicates, which needs all fingerprints in memory.
        jobs: processes that decode; 0 means one for each processor.
        afresh: decode everything again, whatever an earlier check has found out.
        command: the command line, for the summary.
    """

    limits: Limits = field(default_factory=Limits)
    labels: LabelSet | None = None
    near_duplicates: bool = True
    jobs: int = 1
    afresh: bool = False
    command: str = ""


@dataclass(frozen=True, eq=False)
class CheckReport:
    """What a check found.

    Args:
        name: of the dataset, or of the folder.
        folder: where the check was written.
        num_recordings, num_examples: looked at.
        num_decoded: decoded now; of the rest with audio an earlier check had told all.
        num_without_audio: of which only the tables were checked, for the dataset was made without their audio.
        problems: errors and warnings.
        quarantined: the entries of the quarantine list.
        summary: of the audio.
    """

    name: str
    folder: Path
    num_recordings: int
    num_examples: int
    num_decoded: int
    num_without_audio: int
    problems: tuple[Problem, ...]
    quarantined: tuple[Entry, ...]
    summary: Summary

    @property
    def errors(self) -> list[Problem]:
        """The problems that are errors."""
        return [problem for problem in self.problems if problem.severity == "error"]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: counts, and the summary; the problems themselves stand in their file."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "num_recordings": self.num_recordings,
            "num_examples": self.num_examples,
            "num_decoded": self.num_decoded,
            "num_without_audio": self.num_without_audio,
            "num_errors": len(self.errors),
            "num_warnings": len(self.problems) - len(self.errors),
            "problems": count_by_reason(self.problems),
            "num_quarantined": len(self.quarantined),
            "summary": self.summary.as_dict(),
        }


def check_dataset(
    dataset: Dataset,
    out: Path,
    settings: CheckSettings,
    *,
    files: Sequence[str] | None = None,
    progress: Progress = silent_progress,
) -> CheckReport:
    """Check a dataset, and write what was found. Of recordings made from tables alone, only the tables are checked.

    Args:
        dataset: an open dataset.
        out: the folder of the check, usually ``check`` in the dataset folder.
        settings: what to ask for.
        files: the audio files under the audio root, to find those that no recording names; None: they are not
            looked for.
        progress: told of each step.

    Raises:
        DatasetError: the audio root is not there, or ``out`` holds a check that cannot be gone on with.
        AlreadyExists: ``out`` holds other things.
        MissingDependency: a file needs a decoder that is not installed.
        WorkerDied: processes die whatever they are given.
    """
    if num_at_hand(dataset.recordings) and not dataset.audio_root.is_dir():
        raise DatasetError(
            "The audio of the dataset is not where its card says.",
            where=dataset.folder,
            expected=dataset.audio_root,
            fix="mount or move it there, or change audio_root on the card",
        )
    store = FactsStore(out, afresh=settings.afresh)
    tables = find_table_problems(dataset)
    found = _Findings(dataset.card.name, tables.recordings, tables.examples, tables.tables)
    if tables.is_usable:
        recordings = dataset.recordings
        heard = recordings.filter(is_at_hand())
        rows = list(recording_rows(heard))
        found.facts, found.num_decoded = _look(dataset.audio_root, _requests_of(rows), store, settings, progress)
        found.recordings += _faults(found.facts, settings.limits, rows, heard)
        splits = dict(recordings.select("recording_id", "split").iter_rows())
        found.recordings += _duplicates(found.facts, dataset.audio_root, splits, settings, progress)
        if settings.labels is not None:
            found.recordings += find_label_problems(recordings, settings.labels)
        if files is not None:
            found.others += find_orphans(recordings["path"], files)
        found.examples += find_text_problems(dataset.examples)
    return _write(store, out, found, settings, dataset)


def check_folder(
    root: Path,
    files: Sequence[str],
    out: Path,
    settings: CheckSettings,
    *,
    progress: Progress = silent_progress,
) -> CheckReport:
    """Check the audio files of a plain folder, each by its path.

    Args:
        root: the folder.
        files: the audio files in it, relative to it.
        out: the folder of the check.
        settings: what to ask for; labels are not.
        progress: told of each step.

    Raises:
        UsageError: there are no files.
        DatasetError, AlreadyExists, MissingDependency, WorkerDied: as ``check_dataset``.
    """
    if not files:
        raise UsageError("There is no audio to check.", where=root, expected="audio files in the folder, or a dataset")
    store = FactsStore(out, afresh=settings.afresh)
    found = _Findings(root.absolute().name)
    nameable = [path for path in files if writable(path) == path]
    found.others = [
        Problem("bad-value", writable(path), "the file name holds bytes that are no Unicode text")
        for path in files
        if writable(path) != path
    ]
    requests = [Request(path, path) for path in nameable]
    found.facts, found.num_decoded = _look(root, requests, store, settings, progress)
    found.recordings += _faults(found.facts, settings.limits)
    found.recordings += _duplicates(found.facts, root, {}, settings, progress)
    return _write(store, out, found, settings)


def check_decoding(dataset: Dataset, *, jobs: int = 1, progress: Progress = silent_progress) -> list[Problem]:
    """Decode every recording and list those that no stage can use; nothing is written.

    Args:
        dataset: an open dataset.
        jobs: processes; 0 means one for each processor.
        progress: told of each recording.

    Raises:
        DatasetError: the dataset was made from tables alone.
        MissingDependency, WorkerDied: as ``check_dataset``.
    """
    need_audio(dataset.recordings, dataset.folder, "to decode")
    recordings = list(recording_rows(dataset.recordings))
    settings = CheckSettings(limits=Limits(shortest_seconds=0), jobs=jobs)
    facts, _ = _look(dataset.audio_root, _requests_of(recordings), FactsStore(None), settings, progress)
    faults = _faults(facts, settings.limits, recordings, dataset.recordings)
    return [problem for problem in faults if problem.severity == "error"]


@dataclass(slots=True)
class _Findings:
    """What has been found so far: problems of recordings, of examples, and of anything else."""

    name: str
    recordings: list[Problem] = field(default_factory=list)
    examples: list[Problem] = field(default_factory=list)
    others: list[Problem] = field(default_factory=list)
    facts: pl.DataFrame = field(default_factory=lambda: facts_frame([]))
    num_decoded: int = 0


def _requests_of(recordings: Iterable[Recording]) -> list[Request]:
    return [Request(r.recording_id, r.path, r.start_sample, r.num_samples) for r in recordings]


def _look(
    root: Path, requests: Sequence[Request], store: FactsStore, settings: CheckSettings, progress: Progress
) -> tuple[pl.DataFrame, int]:
    """The facts about all requests, and how many recordings had to be decoded for them."""
    stamped = []
    with progress("looking for files", total=len(requests), unit="recordings") as advance:
        for request in requests:
            stamped.append(_stamped(root, request))
            advance(1)
    missing = store.missing(stamped)
    look = partial(look_at_all, root=root)
    try:
        with progress("decoding", total=len(missing), unit="recordings") as advance:
            for facts in map_surviving(look, list(cut_in_chunks(missing)), jobs=settings.jobs, stand_in=_killed):
                store.add(facts)
                advance(len(facts))
    finally:
        store.flush()
    return store.facts(stamped), len(missing)


def _stamped(root: Path, request: Request) -> Request:
    """With the size and time of the file, by which the next check sees whether it has changed."""
    try:
        status = safe_join(root, request.path).stat()
    except (OSError, UnsafePath):
        return request  # decoding says what is wrong with it
    return replace(request, num_bytes=status.st_size, modified_ns=status.st_mtime_ns)


def _killed(request: Request) -> AudioFacts:
    detail = "the process that decoded it died: the file crashes a decoder, or needs more memory than there is"
    return lost_facts(request, "unreadable", detail)


def _faults(
    facts: pl.DataFrame, limits: Limits, rows: Sequence[Recording] = (), table: pl.DataFrame | None = None
) -> Iterator[Problem]:
    """The faults of each recording; with those of its row, where there is a table."""
    plain = facts.drop("fingerprint").iter_rows(named=True)
    if table is None:
        for fact in plain:
            yield from find_faults(fact, limits)
        return
    whole = find_whole_files(table, facts["file_samples"])
    for fact, row, is_whole in zip(plain, rows, whole, strict=True):
        yield from find_faults(fact, limits, row, is_whole_file=is_whole)


def _duplicates(
    facts: pl.DataFrame, root: Path, splits: Mapping[str, str], settings: CheckSettings, progress: Progress
) -> list[Problem]:
    groups = exact_duplicates(facts)
    pairs = near_duplicate_pairs(facts, root, jobs=settings.jobs, progress=progress) if settings.near_duplicates else []
    return duplicate_problems(groups, pairs, splits)


def _write(
    store: FactsStore, out: Path, found: _Findings, settings: CheckSettings, dataset: Dataset | None = None
) -> CheckReport:
    """Write all files of the check, the summary last, and take away what only an unfinished check needs."""
    card = None if dataset is None else dataset.card
    problems = [*found.recordings, *found.examples, *found.others]
    entries = [*entries_of("recording", found.recordings), *entries_of("example", found.examples)]
    if found.facts.height or not (out / FACTS_NAME).is_file():
        write_table(out / FACTS_NAME, found.facts)
    save_problems(out / PROBLEMS_NAME, problems)
    fingerprint = None if card is None else card.fingerprint
    entries = write_quarantine(out / QUARANTINE_NAME, entries, name=found.name, fingerprint=fingerprint)
    report = CheckReport(
        name=found.name,
        folder=out,
        num_recordings=found.facts.height if dataset is None else dataset.recordings.height,
        num_examples=0 if card is None else card.num_examples,
        num_decoded=found.num_decoded,
        num_without_audio=0 if dataset is None else dataset.recordings.height - num_at_hand(dataset.recordings),
        problems=tuple(problems),
        quarantined=tuple(entries),
        summary=summarise(found.facts),
    )
    about = {"fingerprint": fingerprint, "command": settings.command, "limits": asdict(settings.limits)}
    write_json(out / SUMMARY_NAME, file_header(KIND, VERSION) | about | report.as_dict())
    store.finish()
    return report
