"""The list of what later stages leave out, and how they do so.

    {"format": "audiolect/quarantine", "version": 1, "producer": …, "dataset": "esc10", "fingerprint": …}
    {"kind": "recording", "id": "esc10/1-100032-A-0", "reasons": ["truncated"], "by": "check"}
    {"kind": "example", "id": "esc10/1-100038-A-14/caption", "reasons": ["empty-text"], "by": "check"}

Conventions: ``check/quarantine.jsonl`` in a dataset folder. A check writes the lines that say ``"by": "check"`` anew
each time; lines by others (a person who listened) stay. The tables are never changed: a stage opens the dataset, and
asks ``without_quarantined`` for what is left. With a recording go its examples.

A list belongs to the recordings whose fingerprint its header states, and serves their parts. One of other recordings is
refused: ids that happen to be the same would be left out for nothing.

Public names: Entry, Quarantined, KINDS, QUARANTINE_NAME, entries_of, read_quarantine, write_quarantine,
find_quarantined, without_quarantined, leave_out, own_list,
carry_quarantine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.card import CARD_NAME, facts_of, make_card, read_card
from audiolect.data.check_state import CHECK_FOLDER
from audiolect.data.dataset import Dataset, read_table
from audiolect.data.problems import Problem
from audiolect.errors import DamagedFile, DatasetError, UnknownVersion
from audiolect.storage import check_header, file_header, fingerprint_file, read_jsonl, write_jsonl

QUARANTINE_NAME = "quarantine.jsonl"
KINDS = ("recording", "example")
BY_CHECK = "check"

_KIND = "quarantine"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording or example that is left out.

    Args:
        kind: ``"recording"`` or ``"example"``.
        id: its id.
        reasons: why; keys of ``problems.REASONS``, or words of the person who wrote it.
        by: ``"check"``, or whoever else put it there.
    """

    kind: str
    id: str
    reasons: tuple[str, ...]
    by: str = BY_CHECK


@dataclass(frozen=True, eq=False)
class Quarantined:
    """What a list names of a dataset.

    Args:
        path: the list.
        entries: its lines that name something of the dataset.
        recordings: the ids of the recordings.
        examples: the ids of the examples: those named, and those of the recordings.
        reasons: reason → how many of the entries state it, the most frequent first.
    """

    path: Path
    entries: tuple[Entry, ...]
    recordings: pl.Series
    examples: pl.Series
    reasons: dict[str, int]


def entries_of(kind: str, problems: Iterable[Problem]) -> list[Entry]:
    """The errors among problems as entries, one for each id, in the order of their first problems."""
    reasons: dict[str, dict[str, None]] = {}
    for problem in problems:
        if problem.severity == "error":
            reasons.setdefault(problem.where, {})[problem.reason] = None
    return [Entry(kind, name, tuple(why)) for name, why in reasons.items()]


def read_quarantine(path: Path) -> list[Entry]:
    """The entries of a quarantine file.

    Raises:
        UnknownVersion: not a quarantine file, or of a version that is not known.
        DamagedFile: a line is not an entry.
    """
    rows = _rows(path)
    next(rows)
    return [_entry(row, f"{path}:{line}") for line, row in enumerate(rows, start=2)]


def write_quarantine(path: Path, found: Sequence[Entry], *, name: str, fingerprint: str | None) -> list[Entry]:
    """Write what a check found, and keep the lines of others that stand in the file already.

    Args:
        path: the file.
        found: the entries of the check.
        name, fingerprint: of the dataset; a plain folder has no fingerprint.

    Returns:
        All entries of the file.
    """
    others = [entry for entry in read_quarantine(path) if entry.by != BY_CHECK] if path.is_file() else []
    entries = [*found, *others]
    header = file_header(_KIND, _VERSION) | {"dataset": name, "fingerprint": fingerprint}
    write_jsonl(path, [header, *(asdict(entry) for entry in entries)])
    return entries


def find_quarantined(dataset: Dataset, path: Path | None = None) -> Quarantined | None:
    """What the quarantine list of a dataset names of it; None where nobody has checked it, or nothing is named.

    Args:
        dataset: whole or filtered.
        path: the list; None: ``check/quarantine.jsonl`` in the dataset folder, where there is one.

    Raises:
        DatasetError: a path is given and there is no such file, or the list is of another dataset.
        UnknownVersion, DamagedFile: the list cannot be used.
    """
    target = dataset.folder / CHECK_FOLDER / QUARANTINE_NAME if path is None else path
    if not target.is_file():
        if path is None:
            return None
        raise DatasetError("There is no such quarantine list.", where=path, fix=f"audiolect check {dataset.folder}")
    _check_owner(target, dataset)
    named: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
    for entry in read_quarantine(target):
        named[entry.kind].setdefault(entry.id, entry)
    recordings = dataset.recordings["recording_id"]
    hit = recordings.filter(recordings.is_in(list(named["recording"])))
    examples = dataset.examples.select("example_id", "recording_id")
    is_named = pl.col("example_id").is_in(list(named["example"]))
    gone = examples.filter(is_named | pl.col("recording_id").is_in(hit.implode()))["example_id"]
    by_name = gone.filter(gone.is_in(list(named["example"])))
    if hit.is_empty() and by_name.is_empty():
        return None
    entries = [named["recording"][name] for name in hit] + [named["example"][name] for name in by_name]
    reasons = Counter(reason for entry in entries for reason in entry.reasons)
    return Quarantined(target, tuple(entries), hit, gone, dict(sorted(reasons.items(), key=lambda it: (-it[1], it[0]))))


def without_quarantined(dataset: Dataset, path: Path | None = None) -> Dataset:
    """What is left of a dataset; the dataset itself where nothing is quarantined, or nobody has checked it.

    The card of the rest counts it, and says in ``notes["quarantine"]`` which list was honoured.

    Args:
        dataset: whole or filtered.
        path: the list; None: ``check/quarantine.jsonl`` in the dataset folder, where there is one.

    Raises:
        DatasetError: a path is given and there is no such file, the list is of another dataset, or nothing is left.
        UnknownVersion, DamagedFile: the list cannot be used.
    """
    found = find_quarantined(dataset, path)
    return dataset if found is None else leave_out(dataset, found)


def leave_out(dataset: Dataset, found: Quarantined) -> Dataset:
    """The dataset without what ``find_quarantined`` found of it.

    Raises:
        DatasetError: no recording is left.
    """
    recordings = dataset.recordings.filter(~pl.col("recording_id").is_in(found.recordings.implode()))
    if recordings.is_empty():
        raise DatasetError(
            "All recordings are quarantined.",
            where=found.path,
            fix=f"mend what {found.path.with_name('problems.jsonl')} lists, or use them with --keep-quarantined",
        )
    examples = dataset.examples.filter(~pl.col("example_id").is_in(found.examples.implode()))
    left_out = {"recordings": len(found.recordings), "examples": len(found.examples)}
    part = replace(dataset, scan_recordings=recordings.lazy(), scan_examples=examples.lazy(), in_memory=True)
    facts = facts_of(dataset.card)
    notes = {**facts.notes, "quarantine": {"list": fingerprint_file(found.path), "left_out": left_out}}
    tables = {name: read_table(part, name).height for name in facts.extra_tables}
    card = make_card(replace(facts, notes=notes, extra_tables=tables), recordings, examples)
    return replace(part, card=card.model_copy(update={"files": dataset.card.files}))


def carry_quarantine(sources: Sequence[Dataset], made: Dataset) -> None:
    """Take the entries that still apply over to a dataset that was made of others, into its ``check`` folder.

    Lists of other datasets are passed over. Nothing is written where no entry applies.

    Raises:
        UnknownVersion, DamagedFile: a list cannot be used.
    """
    lists = [path for path in map(own_list, sources) if path is not None]
    ids = {
        "recording": set(made.recordings["recording_id"]) if lists else set(),
        "example": set(made.examples["example_id"]) if lists else set(),
    }
    entries = [entry for path in lists for entry in read_quarantine(path) if entry.id in ids[entry.kind]]
    if entries:
        path = made.folder / CHECK_FOLDER / QUARANTINE_NAME
        entries = list(dict.fromkeys(entries))
        write_quarantine(path, entries, name=made.card.name, fingerprint=made.card.fingerprint)


def own_list(dataset: Dataset) -> Path | None:
    """The quarantine list in the dataset folder; None where there is none, or one of other recordings.

    Raises:
        UnknownVersion, DamagedFile: the list cannot be used.
    """
    path = dataset.folder / CHECK_FOLDER / QUARANTINE_NAME
    return path if path.is_file() and _owner(path).get("fingerprint") in _lineage(dataset) else None


def _owner(path: Path) -> dict[str, Any]:
    return next(_rows(path))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The header, checked, and the lines that follow it; letters say what can be done about the file."""
    try:
        rows = read_jsonl(path)
        header = next(rows, None)
        check_header(header, _KIND, (_VERSION,), path)
        yield header or {}
        yield from rows
    except (DamagedFile, UnknownVersion) as error:
        error.fix = error.fix or f"mend it, or remove {path} and check again"
        raise


def _check_owner(path: Path, dataset: Dataset) -> None:
    """Refuse a list that was written for other recordings than these, or those that these are a part of."""
    owner = _owner(path)
    if owner.get("fingerprint") in _lineage(dataset):
        return
    name = owner.get("dataset") or "a dataset without a name"
    plain = "; it is the list of a plain folder" if owner.get("fingerprint") is None else ""
    raise DatasetError(
        "The quarantine list is of another dataset.",
        where=path,
        expected=f"a list of {dataset.card.name}, whose recordings have the fingerprint {dataset.card.fingerprint}",
        found=f"a list of {name}, fingerprint {owner.get('fingerprint')}{plain}",
        cause="the dataset was made anew since it was checked, or the file comes from elsewhere",
        fix=f"audiolect check {dataset.folder} writes it anew; --keep-quarantined passes it over",
    )


def _lineage(dataset: Dataset) -> set[str]:
    """The fingerprints of the dataset as opened, as it lies on the disk, and of what it says it was made from."""
    notes, stored = dataset.card.notes, dataset.folder / CARD_NAME
    made_from = notes.get("made_from")
    origins = [notes.get("filtered_from"), *(made_from if isinstance(made_from, list) else [])]
    known = {str(origin.get("fingerprint")) for origin in origins if isinstance(origin, dict)}
    on_disk = {read_card(dataset.folder).fingerprint} if stored.is_file() else set()
    return {dataset.card.fingerprint} | on_disk | known


def _entry(row: dict[str, Any], where: str) -> Entry:
    kind, name, reasons, by = (row.get(key) for key in ("kind", "id", "reasons", "by"))
    is_entry = (
        set(row) == {"kind", "id", "reasons", "by"}
        and kind in KINDS
        and isinstance(name, str)
        and isinstance(by, str)
        and isinstance(reasons, list)
        and all(isinstance(reason, str) for reason in reasons)
    )
    if not is_entry:
        raise DamagedFile(
            "A line is not an entry of a quarantine list.",
            where=where,
            expected='{"kind": "recording" or "example", "id": "…", "reasons": ["…"], "by": "…"}',
            found=row,
            fix="mend the line, or take it out",
        )
    return Entry(str(kind), str(name), tuple(reasons or ()), str(by))
