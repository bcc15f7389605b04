"""FSD50K: 51,197 recordings of Freesound with labels of 200 classes of the AudioSet ontology.

    FSD50K/
      FSD50K.ground_truth/dev.csv            fname, labels, mids, split (train or val)
      FSD50K.ground_truth/eval.csv           fname, labels, mids
      FSD50K.ground_truth/vocabulary.csv     number, label, mid, without a header; optional
      FSD50K.metadata/dev_clips_info_FSD50K.json   FSD50K.metadata/eval_clips_info_FSD50K.json      optional
      FSD50K.dev_audio/FNAME.wav             FSD50K.eval_audio/FNAME.wav

Conventions: ids are ``fsd50k/FNAME``, where FNAME is the number of the upload to Freesound, and so are ``source_id``
and ``group``. The splits are ``train``, ``valid`` (``val`` of dev.csv) and ``test`` (eval.csv). Labels keep their
order, from the specific to the general, with ``_`` as spaces; one EventTagging example holds them all. With the
metadata each recording has its title and licence, and the table ``attribution`` keeps author, title, licence,
description and tags, as CC BY asks. Descriptions are what uploaders wrote about their upload; they are no captions.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, declare, prepare.

Source: E. Fonseca, X. Favory, J. Pons, F. Font, X. Serra, "FSD50K: An Open Dataset of Human-Labeled Sound Events",
IEEE/ACM TASLP 30, 2022.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, TableLayout, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.data.sources import freesound_source
from audiolect.errors import TableError
from audiolect.progress import Progress, silent_progress
from audiolect.storage import read_json
from audiolect.tasks import TASKS

NAME = "fsd50k"
VERSION = "1.0"
LICENSE = "the whole: CC BY 4.0; each recording has its own (CC0, CC BY, CC BY-NC or CC Sampling+)"
CITATION = "E. Fonseca et al., FSD50K: An Open Dataset of Human-Labeled Sound Events, IEEE/ACM TASLP 30, 2022"
URLS = ("https://zenodo.org/record/4060432",)

SIZES = {"train": 36796, "valid": 4170, "test": 10231}

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(7.6, 44_100)  # the mean; 0.3 to 30 s
_COLUMNS = ("fname", "labels", "mids")
_SPLITS = {"train": "train", "val": "valid"}
_TABLE_FOLDERS = ("FSD50K.ground_truth", "ground_truth", "labels", "")
_METADATA_FOLDERS = ("FSD50K.metadata", "metadata", "")
_AUDIO_FOLDERS = {"dev": ("FSD50K.dev_audio", "dev_audio", "dev"), "eval": ("FSD50K.eval_audio", "eval_audio", "eval")}
_VOCABULARY = TableLayout(header=("number", "label", "mid"))
_ATTRIBUTION = ("recording_id", "author", "title", "license", "description")


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with FSD50K.

    Raises:
        TableError: no table is there, or a table or the metadata cannot be read.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    return take_in(
        CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME),
        source,
        declare(source),
        out,
        options,
        progress,
        sizes=SIZES,
        folders=lambda draft: _AUDIO_FOLDERS["eval" if draft.split == "test" else "dev"],
    )


def declare(source: Path) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    found = {part: find_file(source, [f"{part}.csv"], _TABLE_FOLDERS) for part in _AUDIO_FOLDERS}
    if all(path is None for path in found.values()):
        raise wrong_layout(
            "FSD50K",
            source,
            expected="the tables of FSD50K.ground_truth",
            looked_for=[f"FSD50K.ground_truth/{part}.csv" for part in found],
            url=URLS[0],
        )
    declared = Declared(notes={"url": URLS[0], "parts": [part for part, path in found.items() if path is not None]})
    vocabulary = _read_vocabulary(source)
    attribution: list[dict[str, Any]] = []
    for part, path in found.items():
        if path is None:
            continue
        needed = (*_COLUMNS, "split") if part == "dev" else _COLUMNS
        table = read_table(path, needed=needed, name=relative_name(path, source))
        declared.problems.extend(table.problems)
        known = _read_metadata(source, part, declared)
        for row in table.rows():
            _add_row(row, known, vocabulary, declared, attribution)
    schema: dict[str, Any] = dict.fromkeys(_ATTRIBUTION, pl.String) | {"tags": pl.List(pl.String)}
    if attribution:
        declared.tables["attribution"] = pl.DataFrame(attribution, schema=schema)
    return declared


def _add_row(
    row: Row,
    known: dict[str, dict[str, Any]],
    vocabulary: frozenset[str],
    declared: Declared,
    attribution: list[dict[str, Any]],
) -> None:
    number = row["fname"].strip()
    one, given = f"{NAME}/{number}", row.cells.get("split", "").strip()
    split = _SPLITS.get(given, "") if "split" in row.cells else "test"
    names = [name.strip() for name in row["labels"].split(",") if name.strip()]
    if not number.isascii() or not number.isdigit():
        declared.problems.append(Problem("bad-value", row.where, f"fname: a number was expected, {number!r} was found"))
    elif not split:
        declared.problems.append(Problem("bad-value", row.where, f"split: train or val was expected, not {given!r}"))
    elif not names:
        declared.problems.append(Problem("missing-value", row.where, "labels"))
    elif one in declared.names:
        declared.problems.append(Problem("duplicate-id", row.where, f"{one} stands above already"))
    else:
        unknown = [name for name in names if vocabulary and name not in vocabulary]
        if unknown:
            detail = f"{', '.join(unknown)}: not in vocabulary.csv"
            declared.problems.append(Problem("unknown-label", row.where, detail, "warning"))
        _declare_one(one, number, split, names, known.get(number), declared, attribution)


def _declare_one(  # noqa: PLR0917 - what is declared, then what it is added to
    one: str,
    number: str,
    split: str,
    names: list[str],
    known: dict[str, Any] | None,
    declared: Declared,
    attribution: list[dict[str, Any]],
) -> None:
    facts = known or {}
    labels = tuple(dict.fromkeys(name.replace("_", " ") for name in names))
    folder = _AUDIO_FOLDERS["eval" if split == "test" else "dev"][0]
    origin = freesound_source(number)
    declared.drafts.append(
        Draft(
            one,
            f"{folder}/{number}.wav",
            source_id=origin,
            group=origin,
            split=split,
            labels=labels,
            title=_text(facts.get("title")),
            license=_text(facts.get("license")),
        )
    )
    declared.names[one] = (number,)
    prompt = TASKS["EventTagging"].prompts[0]
    declared.examples.append(Example(f"{one}#EventTagging", one, split, "EventTagging", prompt, labels))
    if known is not None:
        texts = {key: _text(facts.get(key)) for key in ("title", "license", "description")}
        tags = facts.get("tags")
        listed = [str(tag) for tag in tags] if isinstance(tags, list) else []
        attribution.append({"recording_id": one, "author": _text(facts.get("uploader")), **texts, "tags": listed})


def _read_vocabulary(source: Path) -> frozenset[str]:
    """The names of the classes; none where there is no such table, and then none are checked."""
    path = find_file(source, ["vocabulary.csv"], _TABLE_FOLDERS)
    if path is None:
        return frozenset()
    return frozenset(row["label"].strip() for row in read_table(path, _VOCABULARY).rows())


def _read_metadata(source: Path, part: str, declared: Declared) -> dict[str, dict[str, Any]]:
    """fname → what its uploader says; nothing, and a warning, where there is no such file."""
    name = f"{part}_clips_info_FSD50K.json"
    path = find_file(source, [name], _METADATA_FOLDERS)
    if path is None:
        detail = "without it there are no titles, authors and licences"
        declared.problems.append(Problem("missing", name, detail, "warning"))
        return {}
    value = read_json(path, error=TableError)
    if not isinstance(value, dict):
        raise TableError(
            "The metadata of FSD50K is something else.",
            where=path,
            expected="an object of fname → {title, description, tags, license, uploader}",
            found=type(value).__name__,
        )
    return {key: facts for key, facts in value.items() if isinstance(facts, dict)}


def _text(value: Any) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None
