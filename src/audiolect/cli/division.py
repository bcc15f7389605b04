"""What ``split``, ``subset`` and ``leaks`` ask for, read from their flags and files.

Public names: SplitWish, choose_assignment, label_targets, allowed_pairs, read_parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from audiolect.audio.fingerprint import Fingerprint
from audiolect.cli.quarantined import leave_out_quarantined
from audiolect.corpora.source_tables import Table, TableLayout, read_table
from audiolect.data.check_state import CHECK_FOLDER, SUMMARY_NAME, read_fingerprints
from audiolect.data.dataset import open_dataset
from audiolect.data.leaks import Part, parts_of_table
from audiolect.data.rules import is_split_name
from audiolect.data.splits import Assignment, balanced_split, divide_split, limit_split, split_by_reference
from audiolect.errors import TableError, UsageError
from audiolect.storage import read_text
from audiolect.text.keywords import descendants, load_ontology

# Columns of other people's tables that tell where a recording comes from, and what their ids are ids of.
_ID_COLUMNS: dict[str, str] = {
    "source_id": "",
    "youtube_id": "youtube:",
    "ytid": "youtube:",
    "video_id": "youtube:",
    "freesound_id": "freesound:",
    "sound_id": "freesound:",
}
_NAME_COLUMNS = ("file_name", "filename", "fname", "path", "recording_id")
_AUDIOSET_COLUMNS = ("YTID", "start_seconds", "end_seconds", "positive_labels")


@dataclass(frozen=True, slots=True)
class SplitWish:
    """The flags of ``split``; exactly one of limit, take, reference, balance and undo is given."""

    limit: str | None
    rest_to: str
    take: str | None
    reference: Path | None
    balance: str | None
    into: str | None
    must_stay: Path | None
    must_move: Path | None
    undo: bool
    seed: int


def choose_assignment(recordings: pl.DataFrame, wish: SplitWish) -> Assignment | None:
    """Who moves where; None where the last split is to be undone.

    Raises:
        UsageError: not exactly one way is asked for, or it cannot be.
    """
    ways = {
        "--limit": wish.limit is not None,
        "--take": wish.take is not None,
        "--reference": wish.reference is not None,
        "--balance": wish.balance is not None,
        "--undo": wish.undo,
    }
    asked = [way for way, given in ways.items() if given]
    if len(asked) != 1:
        raise UsageError(
            "Exactly one way to split is needed.",
            expected="one of " + ", ".join(ways),
            found=" and ".join(asked) or "none of them",
            fix="audiolect split --help shows an example of each",
        )
    if wish.undo:
        return None
    for flag, name in (("--into", wish.into), ("--rest-to", wish.rest_to)):
        if name is not None and not is_split_name(name):
            raise UsageError(f"{flag} names no split.", expected="a word such as train or test_novel", found=repr(name))
    if wish.limit is not None:
        name, limit = _name_and_count("--limit", wish.limit)
        return limit_split(recordings, name, limit, rest_to=wish.rest_to, seed=wish.seed)
    if wish.into is None:
        raise UsageError(
            f"{asked[0]} needs to know which split to fill.", fix=f"add --into NAME, e.g. {asked[0]} … --into val"
        )
    if wish.reference is not None:
        return split_by_reference(recordings, _lines(wish.reference), into=wish.into)
    if wish.take is not None:
        name, amount = _name_and_number("--take", wish.take)
        # One and more is a count, less is a fraction.
        count, fraction = (_whole("--take", wish.take, amount), None) if amount >= 1 else (None, amount)
        return divide_split(recordings, name, into=wish.into, count=count, fraction=fraction, seed=wish.seed)
    name, least = _name_and_count("--balance", wish.balance or "")
    return balanced_split(
        recordings,
        name,
        into=wish.into,
        least_per_label=least,
        seed=wish.seed,
        must_stay=_lines(wish.must_stay) if wish.must_stay else (),
        must_move=_lines(wish.must_move) if wish.must_move else (),
    )


def label_targets(fewer: Iterable[str], ontology: Path | None, labels: Collection[str]) -> dict[str, int]:
    """The targets of ``--fewer LABEL=N``; with an ontology a label stands for all below it.

    Args:
        labels: those that occur. The ontology's other classes need no target; a label given by name must occur.

    Raises:
        UsageError: a target that is not LABEL=N.
        TableError: the ontology is broken, or has no such label.
    """
    known = None if ontology is None else load_ontology(ontology)
    ids = {} if known is None else {node.name: node.id for node in known.nodes.values()}
    targets: dict[str, int] = {}
    for text in fewer:
        label, number = _name_and_count("--fewer", text)
        if known is None:
            targets[label] = number
            continue
        below = [known.nodes[each] for each in descendants(ids.get(label, label), known)]
        spelled = {spelling for node in below for spelling in (node.id, node.name)}
        targets |= dict.fromkeys(sorted(spelled & set(labels)), number)
    return targets


def allowed_pairs(texts: Iterable[str], parts: Collection[str]) -> set[tuple[str, str]]:
    """The pairs of parts of ``--allow A/SPLIT=B/SPLIT``.

    Raises:
        UsageError: not of that form, or a part that is not compared.
    """
    pairs = set()
    for text in texts:
        first, equals, second = text.partition("=")
        if not equals or first not in parts or second not in parts:
            raise UsageError(
                "--allow names two parts that are compared.",
                expected="A/SPLIT=B/SPLIT of " + ", ".join(parts),
                found=text,
            )
        pairs.add((first, second))
    return pairs


def read_parts(source: Path, by: str, *, keep_quarantined: bool = False) -> list[Part]:
    """The parts of a dataset folder, or the one part that a table of ids is.

    A table (CSV, TSV, JSON, JSONL) is a part of the dataset that its folder is named after; its split is the file's
    name.

    Raises:
        DatasetError, TableError, UsageError: it cannot be read, or has no column of ids.
    """
    if source.is_dir():
        dataset = leave_out_quarantined(open_dataset(source), keep=keep_quarantined)
        parts = parts_of_table(dataset.card.name, dataset.recordings, by=by)
        if not (source / CHECK_FOLDER / SUMMARY_NAME).is_file():
            return parts
        known = read_fingerprints(dataset)
        return [replace(part, fingerprints=_in_order(part.recordings["recording_id"], known)) for part in parts]
    if not source.exists():
        raise UsageError("There is no such dataset or table.", where=source)
    table = _id_table(source)
    frame = _recordings_of(table, source)
    folder = source.resolve().parent.name
    return [Part(folder, source.stem, frame)]


def _in_order(recording_ids: Iterable[str], known: Mapping[str, Fingerprint]) -> list[Fingerprint]:
    """The fingerprint of each recording; one without bits, which is like nothing, where the check has none."""
    none = np.zeros((0, 2), np.uint32)
    return [known.get(recording_id, none) for recording_id in recording_ids]


def _id_table(source: Path) -> Table:
    if source.suffix == ".csv" and source.read_bytes()[:1] == b"#":
        return read_table(source, TableLayout(comment="#", header=_AUDIOSET_COLUMNS, trim=True))
    return read_table(source)


def _recordings_of(table: Table, source: Path) -> pl.DataFrame:
    lower = {column.lower(): column for column in table.columns}
    id_column = next((name for name in _ID_COLUMNS if name in lower), None)
    name_column = next((name for name in _NAME_COLUMNS if name in lower), None)
    if id_column is None and name_column is None:
        raise TableError(
            "The table has no column that tells where a recording comes from.",
            where=source,
            expected="one of " + ", ".join((*_ID_COLUMNS, *_NAME_COLUMNS)),
            found=", ".join(table.columns),
        )
    number = len(table.lines)
    none: list[str | None] = [None] * number
    names = [str(value) for value in table.cells[lower[name_column]]] if name_column else none
    sources = none
    if id_column is not None:
        prefix = _ID_COLUMNS[id_column]
        sources = [f"{prefix}{value}" if value else None for value in table.cells[lower[id_column]]]
    both = zip(names, sources, strict=True)
    ids = [name or origin or f"{source.name}:{row}" for row, (name, origin) in enumerate(both)]
    frame = pl.DataFrame(
        {
            "recording_id": ids,
            "path": names,
            "source_id": sources,
            "group": none,
            "pcm_hash": none,
        },
        schema=dict.fromkeys(("recording_id", "path", "source_id", "group", "pcm_hash"), pl.String),
    )
    # Several captions of one recording are several rows of it.
    return frame.unique("recording_id", maintain_order=True)


def _name_and_number(flag: str, text: str) -> tuple[str, float]:
    name, equals, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not equals or not name or value < 0:
        raise UsageError(f"{flag} needs a name and a number.", expected="for instance train=200", found=text)
    return name, value


def _name_and_count(flag: str, text: str) -> tuple[str, int]:
    name, value = _name_and_number(flag, text)
    return name, _whole(flag, text, value)


def _whole(flag: str, text: str, value: float) -> int:
    if not value.is_integer():
        raise UsageError(f"{flag} needs a whole number.", expected="for instance train=200", found=text)
    return int(value)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise UsageError("The list does not exist.", where=path, expected="a text file with one id on each line")
    return [line.strip() for line in read_text(path, error=UsageError).splitlines() if line.strip()]
