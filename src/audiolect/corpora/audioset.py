"""AudioSet: two million ten-second segments of YouTube videos with labels of an ontology; and AudioSet-small.

    audioset/
      eval_segments.csv  balanced_train_segments.csv  unbalanced_train_segments.csv     any of the three
      class_labels_indices.csv     index, mid, display_name
      ontology.json                optional: without it there are no keyword captions
      any folders with audio       the audio itself is not published

AudioSet-small is a selection from all three: ``train.jsonl``, ``valid.jsonl``, ``test.jsonl`` with youtube_id,
start_seconds, end_seconds, labels, orig_split (made for the Whisper captioners of DCASE 2023).

Conventions: a segments table has three comment lines, no header, and ``, `` between its cells. Ids are
``audioset/YOUTUBE_ID`` in both corpora. ``labels`` are display names, for people and filters; the ids of the ontology
(``/m/09x0r``) stand beside them, in the same order, in the table ``label_ids``. Two examples for each recording:
EventTagging, answered by the display names, and AudioKeywords, answered by the keyword caption of text/keywords.py.
Audio is found by name in any folder, as audio_names.py says.

Public names: NAME, SMALL_NAME, VERSION, LICENSE, CITATION, URLS, SIZES, declare, declare_small, prepare, prepare_small.

Source: J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events", ICASSP 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.audio_names import SegmentNames
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, number_or_none, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, TableLayout, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.data.sources import youtube_source
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS
from audiolect.text.keywords import Ontology, keyword_caption, load_ontology, parse_labels

NAME = "audioset"
SMALL_NAME = "audioset-small"
VERSION = "1.0"
LICENSE = "tables: CC BY 4.0; ontology: CC BY-SA 4.0; audio: as its uploaders to YouTube say"
CITATION = "J. F. Gemmeke et al., Audio Set: An ontology and human-labeled dataset for audio events, ICASSP 2017"
URLS = ("https://research.google.com/audioset/download.html", "https://github.com/prompteus/audio-captioning")

SIZES = {"eval": 20371, "balanced_train": 22160, "unbalanced_train": 2041789}

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(10, 32_000)  # the rate that ``audiolect download`` writes
_COLUMNS = ("youtube_id", "start_seconds", "end_seconds", "labels")
_SEGMENTS = TableLayout(format="csv", header=_COLUMNS, comment="#", trim=True)
_TABLES = {
    "eval": ("eval_segments.csv", "eval.csv"),
    "balanced_train": ("balanced_train_segments.csv", "train_balanced.csv", "balanced_train.csv"),
    "unbalanced_train": ("unbalanced_train_segments.csv", "train_unbalanced.csv", "unbalanced_train.csv"),
}
_SMALL_TABLES = {split: (f"small_{split}.jsonl", f"{split}.jsonl") for split in ("train", "valid", "test")}
_TABLE_FOLDERS = ("", "csvs", "csv", "metadata", "annotations")
_LABEL_TABLE = ("class_labels_indices.csv",)


@dataclass(frozen=True, slots=True)
class _Classes:
    """Label id → display name, and the ontology where it is there."""

    names: Mapping[str, str]
    ontology: Ontology | None


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with tables of AudioSet and what audio there is.

    Raises:
        TableError: no segments table or no names of the labels are there, or a table cannot be read.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    info = CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME)
    declared = declare(source)
    return take_in(info, source, declared, out, options, progress, sizes=SIZES, folders=lambda draft: (draft.split,))


def prepare_small(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with selections of AudioSet-small and what audio there is.

    Raises:
        TableError: no selection or no names of the labels are there, or a table cannot be read.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    info = CorpusInfo(SMALL_NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL)
    return take_in(info, source, declare_small(source), out, options, progress)


def declare(source: Path) -> Declared:
    """What the segments tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    return _declare(source, _TABLES, _SEGMENTS)


def declare_small(source: Path) -> Declared:
    """What the selections of AudioSet-small say, without a look at the audio.

    Raises:
        TableError: as ``prepare_small``.
    """
    return _declare(source, _SMALL_TABLES, TableLayout(format="jsonl"))


def _declare(source: Path, tables: Mapping[str, Iterable[str]], layout: TableLayout) -> Declared:
    found = {split: find_file(source, names, _TABLE_FOLDERS) for split, names in tables.items()}
    if all(path is None for path in found.values()):
        raise wrong_layout(
            "AudioSet",
            source,
            expected="at least one table of segments",
            looked_for=[name for names in tables.values() for name in names],
            url=URLS[0],
        )
    classes = _read_classes(source)
    declared = Declared(notes={"url": URLS[0], "keyword_captions": classes.ontology is not None})
    places: dict[str, str] = {}
    label_ids: dict[str, list[str]] = {}
    for split, path in found.items():
        if path is None:
            continue
        table = read_table(path, layout, needed=_COLUMNS, name=relative_name(path, source))
        declared.problems.extend(table.problems)
        for row in table.rows():
            problem = _add_row(row, split, classes, declared, places, label_ids)
            declared.problems.extend([problem] if problem else [])
    schema: dict[str, Any] = {"recording_id": pl.String, "label_ids": pl.List(pl.String)}
    columns = {"recording_id": list(label_ids), "label_ids": list(label_ids.values())}
    declared.tables["label_ids"] = pl.DataFrame(columns, schema=schema)
    return declared


def _read_classes(source: Path) -> _Classes:
    """The names of the labels, from the label table or from the ontology."""
    of_labels = find_file(source, _LABEL_TABLE, _TABLE_FOLDERS)
    of_ontology = find_file(source, ("ontology.json",), _TABLE_FOLDERS)
    ontology = None if of_ontology is None else load_ontology(of_ontology)
    if of_labels is not None:
        table = read_table(of_labels, needed=("mid", "display_name"))
        names = dict(zip(table.cells["mid"], table.cells["display_name"], strict=True))
        return _Classes(names, ontology)
    if ontology is not None:
        return _Classes({node.id: node.name for node in ontology.nodes.values()}, ontology)
    raise wrong_layout(
        "AudioSet",
        source,
        expected="the names of the labels",
        looked_for=("class_labels_indices.csv", "ontology.json"),
        url=URLS[0],
    )


def _add_row(  # noqa: PLR0917 - the two dicts are what has been met so far
    row: Row, split: str, classes: _Classes, declared: Declared, places: dict[str, str], label_ids: dict[str, list[str]]
) -> Problem | None:
    """Declare the recording and the examples of one row; what makes it unusable, if anything does."""
    video_id = str(row["youtube_id"] or "").strip()
    start, end = number_or_none(row["start_seconds"]), number_or_none(row["end_seconds"])
    if not video_id:
        return Problem("missing-value", row.where, "the id of the video")
    if start is None or end is None or end <= start:
        span = f"{row['start_seconds']!r} to {row['end_seconds']!r}"
        return Problem("bad-value", row.where, f"the span of {video_id}: seconds were expected, {span} was found")
    labels = row["labels"]
    if not isinstance(labels, str | list) or not all(isinstance(label, str) for label in labels):
        return Problem("bad-value", row.where, f"labels: a list of ids was expected, {labels!r} was found")
    ids = parse_labels(labels)
    unknown = [label for label in ids if label not in classes.names or not _is_node(label, classes.ontology)]
    if unknown or not ids:
        return Problem("unknown-label", row.where, unknown[0] if unknown else f"{video_id} has no label")
    one = f"{NAME}/{video_id}"
    if one in places:
        return Problem("duplicate-id", row.where, f"{video_id} stands already at {places[one]}")
    places[one] = row.where
    label_ids[one] = ids
    names = tuple(classes.names[label] for label in ids)
    declared.drafts.append(
        Draft(
            one,
            f"{split}/{video_id}.wav",
            source_id=youtube_source(video_id, start),
            group=youtube_source(video_id),
            split=split,
            labels=names,
            stated_seconds=end - start,
        )
    )
    declared.names[one] = SegmentNames(video_id, start, end)
    answers = {"EventTagging": names}
    if classes.ontology is not None:
        answers["AudioKeywords"] = (keyword_caption(ids, classes.ontology),)
    for task, texts in answers.items():
        declared.examples.append(Example(f"{one}#{task}", one, split, task, TASKS[task].prompts[0], texts))
    return None


def _is_node(label: str, ontology: Ontology | None) -> bool:
    return ontology is None or label in ontology.nodes
