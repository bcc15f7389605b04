"""Clotho 2.1: 5,929 recordings of 15 to 30 s from Freesound, each with five captions by crowd workers.

    clotho/
      clotho_captions_development.csv    and _validation, _evaluation: file_name, caption_1 … caption_5
      clotho_metadata_development.csv    and so on: file_name, keywords, sound_id, sound_link, start_end_samples,
                                         manufacturer, license
      development/ validation/ evaluation/ with *.wav; also below audiofolder/ or clotho_audio_files/

Conventions: ids are ``clotho/SPLIT/NAME``. One AudioCaptioning example for each recording, with its five captions as
answers. The metadata gives ``source_id`` and ``group`` (``freesound:ID``), ``labels`` (the uploader's keywords) and the
licence of each recording; the rest of it (the span of the upload, its author, its address) is kept in the table
``attribution``. Some published file names begin with a space: names are compared without it, on the disk too.

With ``curate`` the captions go through the rules of text/curation.py; with ``captions`` the caption tables come from
another folder, say a hand-corrected copy. Either way the table ``curation`` lists every changed cell, and the notes of
the card count them. With ``captions`` the table ``differences`` lists every cell in which the given tables are not what
the rules make of those of the source: what the rules miss, and what they do too much.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, declare, prepare.

Source: K. Drossos, S. Lipping, T. Virtanen, "Clotho: an Audio Captioning Dataset", ICASSP 2020. The columns and the
Latin-1 of the published metadata are as the readers of other projects have them; the metadata was not at hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, Table, TableLayout, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.data.sources import freesound_source
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS
from audiolect.text.curation import CellChange, CellDifference, compare_tables, curate, curate_file_name, curate_table

NAME = "clotho"
VERSION = "2.1"
LICENSE = "captions: Tampere University, non-commercial with attribution; audio: CC licence of each recording"
CITATION = "K. Drossos, S. Lipping, T. Virtanen, Clotho: an Audio Captioning Dataset, ICASSP 2020"
URLS = ("https://zenodo.org/records/4783391",)

SIZES = {"development": 3839, "validation": 1045, "evaluation": 1045}

_DEFAULTS = IntakeOptions()
_CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))
_COLUMNS = ("file_name", *_CAPTIONS)
_METADATA = ("file_name", "keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer", "license")
_TABLE_FOLDERS = ("", "clotho_csv_files", "csv", "audiofolder")
_PUBLISHED_ENCODING = "iso-8859-1"
_RATE_HZ = 44_100
_NOMINAL = Nominal(22.5, _RATE_HZ)  # the middle of 15 to 30 s
_SPAN = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*\]")


def prepare(
    source: Path,
    out: Path,
    options: IntakeOptions = _DEFAULTS,
    progress: Progress = silent_progress,
    *,
    curate: bool = False,
    captions: Path | None = None,
) -> Dataset:
    """Make a dataset of a folder in the layout of Clotho.

    Args:
        source: the folder with the tables and the audio.
        out: the dataset folder to write.
        options: how the intake runs.
        progress: told of each recording.
        curate: clean the captions up.
        captions: a folder with caption tables to take in place of those of ``source``.

    Raises:
        TableError: no caption table is there, or a table cannot be read or lacks a column.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    return take_in(
        CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME),
        source,
        declare(source, curate=curate, captions=captions),
        out,
        options,
        progress,
        sizes=SIZES,
        folders=lambda draft: _audio_folders(draft.split),
        foreign=lambda draft: [folder for split in SIZES if split != draft.split for folder in _audio_folders(split)],
    )


def declare(source: Path, *, curate: bool = False, captions: Path | None = None) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    looked_for = [f"clotho_captions_{split}.csv" for split in SIZES]
    place = captions or source
    found = {split: find_file(place, [name], _TABLE_FOLDERS) for split, name in zip(SIZES, looked_for, strict=True)}
    if all(path is None for path in found.values()):
        expected = "tables with the columns file_name, caption_1 … caption_5"
        raise wrong_layout("Clotho", place, expected=expected, looked_for=looked_for, url=URLS[0])
    declared = Declared(notes={"url": URLS[0]})
    changes: list[tuple[str, CellChange]] = []
    attribution: list[dict[str, Any]] = []
    differences: list[tuple[str, CellDifference]] = []
    for split, path in found.items():
        if path is None:
            continue
        table = read_table(path, needed=_COLUMNS, name=relative_name(path, source))
        declared.problems.extend(table.problems)
        if captions is not None:
            own = _own_captions(source, split)
            changes += [(split, change) for change in _given(own, table)]
            differences += [(split, cell) for cell in _differences(own, table)]
        metadata = _read_metadata(source, split, declared)
        for row in table.rows():
            changes += [(split, change) for change in _add_row(row, split, metadata, declared, attribution, curate)]
    declared.notes["splits_without_table"] = [split for split, path in found.items() if path is None]
    if curate or captions is not None:
        declared.tables["curation"] = _curation_table(changes)
        declared.notes["curation"] = dict(Counter(rule for _, change in changes for rule in change.rules))
    if captions is not None:
        declared.tables["differences"] = _difference_table(differences)
        declared.notes["differences"] = len(differences)
    if attribution:
        declared.tables["attribution"] = pl.DataFrame(attribution, infer_schema_length=None)
    return declared


def _audio_folders(split: str) -> tuple[str, ...]:
    return (split, f"clotho_audio_{split}")


def _key(file_name: str) -> str:
    """What a file name is compared by."""
    return unicodedata.normalize("NFC", curate_file_name(file_name))


def _own_captions(source: Path, split: str) -> list[dict[str, str]] | None:
    """The captions of the source itself; None where it has no table."""
    path = find_file(source, [f"clotho_captions_{split}.csv"], _TABLE_FOLDERS)
    return None if path is None else _captions_of(read_table(path, needed=_COLUMNS))


def _captions_of(table: Table) -> list[dict[str, str]]:
    return [
        {column: row[column] for column in _CAPTIONS} | {"file_name": _key(row["file_name"])} for row in table.rows()
    ]


def _given(own: list[dict[str, str]] | None, table: Table) -> list[CellChange]:
    """Where given captions differ from those of the source, if it has any."""
    if own is None:
        return []
    return [
        CellChange(cell.row, cell.column, ("given",), cell.ours, cell.theirs)
        for cell in compare_tables(own, _captions_of(table), id_column="file_name")
    ]


def _differences(own: list[dict[str, str]] | None, table: Table) -> list[CellDifference]:
    """Where given captions differ from what the rules make of those of the source, if it has any."""
    if own is None:
        return []
    curated, _ = curate_table(own, id_column="file_name", text_columns=_CAPTIONS)
    return compare_tables(curated, _captions_of(table), id_column="file_name")


def _read_metadata(source: Path, split: str, declared: Declared) -> dict[str, Row]:
    """File name → row of the metadata; nothing, and a warning, where there is no such table."""
    name = f"clotho_metadata_{split}.csv"
    path = find_file(source, [name], _TABLE_FOLDERS)
    if path is None:
        detail = "without it there are no sources, groups, keywords and licences"
        declared.problems.append(Problem("missing", name, detail, "warning"))
        return {}
    layout = TableLayout(encoding=_encoding(path))
    table = read_table(path, layout, needed=_METADATA, name=relative_name(path, source))
    declared.problems.extend(table.problems)
    declared.notes.setdefault("metadata_encoding", {})[split] = layout.encoding
    return {_key(row["file_name"]): row for row in table.rows()}


def _encoding(path: Path) -> str:
    """UTF-8 where the file is, else the encoding of the published metadata.

    Latin-1 with any letter beyond ASCII is practically never valid UTF-8, so that this tells a copy that somebody has
    converted from one that is as published.
    """
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return _PUBLISHED_ENCODING
    return "utf-8"


def _add_row(  # noqa: PLR0917 - what the row is added to stands behind it
    row: Row,
    split: str,
    metadata: dict[str, Row],
    declared: Declared,
    attribution: list[dict[str, Any]],
    with_rules: bool,
) -> list[CellChange]:
    """Declare the recording of one row; the cells that were changed for it."""
    file_name = curate_file_name(row["file_name"])
    one = f"{NAME}/{split}/{PurePosixPath(file_name).stem}"
    texts = {column: row[column] for column in _CAPTIONS}
    empty = [column for column, text in texts.items() if not text.strip()]
    if not file_name or one in declared.names:
        reason, detail = (
            ("duplicate-id", f"{one} stands above already") if file_name else ("missing-value", "file_name")
        )
        declared.problems.append(Problem(reason, row.where, detail))
        return []
    declared.problems.extend(Problem("empty-text", row.where, column, "warning") for column in empty)
    if len(empty) == len(texts):
        declared.problems.append(Problem("empty-text", row.where, "the recording has no caption at all"))
        return []
    known = metadata.get(_key(file_name))
    if metadata and known is None:
        declared.problems.append(Problem("missing-value", row.where, f"{file_name} has no metadata", "warning"))
    changes = _curated(row, file_name, texts) if with_rules else []
    declared.drafts.append(_draft(one, split, file_name, known))
    declared.names[one] = (PurePosixPath(file_name).stem,)
    answers = tuple(text for text in texts.values() if text.strip())
    prompt = TASKS["AudioCaptioning"].prompts[0]
    declared.examples.append(Example(f"{one}#AudioCaptioning", one, split, "AudioCaptioning", prompt, answers))
    if known is not None:
        attribution.append(_attribution(one, known))
    return changes


def _curated(row: Row, file_name: str, texts: dict[str, str]) -> list[CellChange]:
    """Clean ``texts`` up in place; the changes, each against the cell as published."""
    changes = []
    if file_name != row["file_name"]:
        changes.append(CellChange(file_name, "file_name", ("file-names",), row["file_name"], file_name))
    for column in _CAPTIONS:
        texts[column], rules = curate(row[column])
        if rules:
            changes.append(CellChange(file_name, column, rules, row[column], texts[column]))
    return changes


def _draft(one: str, split: str, file_name: str, known: Row | None) -> Draft:
    cells = {} if known is None else {column: known[column].strip() for column in _METADATA}
    sound = cells.get("sound_id", "")
    origin = freesound_source(sound) if sound.isascii() and sound.isdigit() else None  # the table says "Not found" too
    keywords = (word.strip() for word in cells.get("keywords", "").split(";"))
    return Draft(
        one,
        f"{split}/{file_name}",
        source_id=origin,
        group=origin,
        split=split,
        labels=tuple(dict.fromkeys(word for word in keywords if word)),
        title=PurePosixPath(file_name).stem.strip(),
        license=cells.get("license") or None,
        stated_seconds=_stated_seconds(cells.get("start_end_samples", "")),
    )


def _stated_seconds(cell: str) -> float | None:
    """How long the span of the upload is, counted at the rate of Clotho."""
    span = _SPAN.search(cell)
    return None if span is None or int(span[2]) <= int(span[1]) else (int(span[2]) - int(span[1])) / _RATE_HZ


def _attribution(one: str, known: Row) -> dict[str, Any]:
    span = _SPAN.search(known["start_end_samples"])
    return {
        "recording_id": one,
        "author": known["manufacturer"].strip() or None,
        "link": known["sound_link"].strip() or None,
        "license": known["license"].strip() or None,
        "upload_start_sample": int(span[1]) if span else None,
        "upload_end_sample": int(span[2]) if span else None,
    }


def _curation_table(changes: Iterable[tuple[str, CellChange]]) -> pl.DataFrame:
    schema: dict[str, Any] = dict.fromkeys(("recording_id", "column", "rules", "before", "after"), pl.String)
    schema["rules"] = pl.List(pl.String)
    rows = [
        (f"{NAME}/{split}/{PurePosixPath(one.row).stem}", one.column, list(one.rules), one.before, one.after)
        for split, one in changes
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _difference_table(differences: Iterable[tuple[str, CellDifference]]) -> pl.DataFrame:
    schema = dict.fromkeys(("recording_id", "column", "by_rule", "given"), pl.String)
    rows = [
        (f"{NAME}/{split}/{PurePosixPath(one.row).stem}", one.column, one.ours, one.theirs)
        for split, one in differences
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")
