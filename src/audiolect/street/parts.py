"""The parts that ``leaks`` compares: splits or folds of dataset folders, and tables of ids.

Conventions: a source is ``PATH`` or ``NAME=PATH``; the name stands for the dataset's own, so that two versions of one
dataset can be compared. A part is ``NAME/SPLIT``.

Public names: Source, parse_source, read_parts, allowed_pairs, without_allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from audiolect.audio.fingerprint import Fingerprint
from audiolect.corpora.source_tables import Table, TableLayout, read_table
from audiolect.data.audio_checks import fingerprint_words
from audiolect.data.check_state import has_facts, known_facts
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.data.leaks import Part, parts_of_table
from audiolect.data.quarantine import without_quarantined
from audiolect.errors import TableError, UsageError

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


_NAME = re.compile(r"[^/=\s][^/=]*")


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset folder or a table, and the name that it was given, if any."""

    path: Path
    name: str | None = None


def parse_source(text: str) -> Source:
    """The source that ``PATH`` or ``NAME=PATH`` stands for; what exists as it is written is a path.

    Raises:
        UsageError: there is no such folder or file.
    """
    name, equals, path = text.partition("=")
    if Path(text).exists():
        return Source(Path(text))
    if equals and _NAME.fullmatch(name) and path and Path(path).exists():
        return Source(Path(path), name)
    raise UsageError(
        "There is no such dataset or table.",
        where=text,
        expected="a dataset folder or a table of ids, PATH or NAME=PATH; a name has no slash",
    )


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


def without_allowed(pairs: pl.DataFrame, allowed: Collection[tuple[str, str]]) -> pl.DataFrame:
    """The pairs of recordings whose parts are not accepted, in either order."""
    parts = pairs.select("part_a", "part_b").iter_rows()
    return pairs.filter([(a, b) not in allowed and (b, a) not in allowed for a, b in parts])


def read_parts(source: Source, by: str, *, leave_out: Callable[[Dataset], Dataset] = without_quarantined) -> list[Part]:
    """The parts of a dataset folder, or the one part that a table of ids is.

    A dataset brings the hashes and fingerprints that its check has found, without what the check has quarantined. A
    table (CSV, TSV, JSON, JSONL) is a part of the dataset that its folder is named after; its split is the file's name.

    Args:
        by: ``split`` or ``fold``.
        leave_out: gives a dataset without what is quarantined.

    Raises:
        DatasetError, TableError, UsageError: it cannot be read, or has no column of ids.
    """
    path = source.path
    if not path.is_dir():
        frame = _recordings_of(_id_table(path), path)
        return [Part(source.name or path.resolve().parent.name, path.stem, frame)]
    dataset = leave_out(open_dataset(path))
    corpus = dataset.card.name
    if not has_facts(dataset):
        return parts_of_table(source.name or corpus, dataset.recordings, by=by, corpus=corpus)
    facts = known_facts(dataset)
    hashes = facts.select("recording_id", found_hash="pcm_hash")
    recordings = dataset.recordings.join(hashes, on="recording_id", how="left", maintain_order="left")
    recordings = recordings.with_columns(pcm_hash=pl.coalesce("found_hash", "pcm_hash")).drop("found_hash")
    words = facts.drop_nulls("fingerprint").select("recording_id", "fingerprint")
    known = {name: fingerprint_words(data) for name, data in words.iter_rows()}
    parts = parts_of_table(source.name or corpus, recordings, by=by, corpus=corpus)
    return [replace(part, fingerprints=_in_order(part.recordings["recording_id"], known)) for part in parts]


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
