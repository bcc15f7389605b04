"""MusicCaps: 5,521 ten-second segments of music of AudioSet, each described by a musician.

    musiccaps/
      musiccaps-public.csv      ytid, start_s, end_s, audioset_positive_labels, aspect_list, caption, author_id,
                                is_balanced_subset, is_audioset_eval
      any folders with audio    the audio itself is not published

Conventions: ids are ``musiccaps/YOUTUBE_ID``. Segments of AudioSet's evaluation part are split ``test``, the others
``train``. Audio is found by name in any folder, as for AudioCaps, and also as ``[ID]-[START-END]``; what has vanished
from YouTube is a Problem ``missing`` each. One MusicCaptioning example each; the aspects, which are free words of the
musician and no label set, are the labels of the recording. The table ``musiccaps`` keeps the AudioSet labels (ids of
the ontology), the author, and whether a segment is in the balanced subset.

``aspect_list`` is a Python list written as text. It is read as a literal, never run.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, parse_aspects, declare, prepare.

Source: A. Agostinelli et al., "MusicLM: Generating Music From Text", 2023.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.audio_names import SegmentNames
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, number_or_none, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.data.sources import youtube_source
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS

NAME = "musiccaps"
VERSION = "1.0"
LICENSE = "table: CC BY-SA 4.0; audio: as its uploaders to YouTube say"
CITATION = "A. Agostinelli et al., MusicLM: Generating Music From Text, arXiv 2301.11325"
URLS = ("https://www.kaggle.com/datasets/googleai/musiccaps", "https://huggingface.co/datasets/google/MusicCaps")

SIZES = {"train": 2663, "test": 2858}

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(10, 32_000)  # the rate that ``audiolect download`` writes
_TABLE = "musiccaps-public.csv"
_COLUMNS = ("ytid", "start_s", "end_s", "aspect_list", "caption", "is_audioset_eval")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_MOST_CHARACTERS = 20_000  # of a list of aspects; the longest published has a thousand


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with the table of MusicCaps and what audio there is.

    Raises:
        TableError: the table is missing, cannot be read, or lacks a column.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    info = CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME)
    return take_in(info, source, declare(source), out, options, progress, sizes=SIZES)


def declare(source: Path) -> Declared:
    """What the table says, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    path = find_file(source, (_TABLE,))
    if path is None:
        raise wrong_layout("MusicCaps", source, expected=_TABLE, looked_for=(_TABLE,), url=URLS[0])
    table = read_table(path, needed=_COLUMNS, name=relative_name(path, source))
    declared = Declared(problems=list(table.problems), notes={"url": URLS[0]})
    facts: list[dict[str, Any]] = []
    for row in table.rows():
        problem = _unusable(row, declared)
        if problem is not None:
            declared.problems.append(problem)
            continue
        one = _declare_one(row, declared)
        mids = row.cells.get("audioset_positive_labels") or ""
        facts.append(
            {
                "recording_id": one,
                "audioset_labels": [mid.strip() for mid in mids.split(",") if mid.strip()],
                "author_id": (row.cells.get("author_id") or "").strip() or None,
                "is_balanced": _TRUTH.get((row.cells.get("is_balanced_subset") or "").strip().lower()),
            }
        )
    schema: dict[str, Any] = {
        "recording_id": pl.String,
        "audioset_labels": pl.List(pl.String),
        "author_id": pl.String,
        "is_balanced": pl.Boolean,
    }
    declared.tables["musiccaps"] = pl.DataFrame(facts, schema=schema)
    return declared


def parse_aspects(cell: str) -> tuple[str, ...] | None:
    """The texts of a Python list written as text, without edge spaces; None where the cell is something else."""
    if len(cell) > _MOST_CHARACTERS:
        return None
    try:
        value = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None  # literal_eval says in one of these ways that it is no literal
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(dict.fromkeys(one.strip() for one in value if one.strip()))


def _unusable(row: Row, declared: Declared) -> Problem | None:
    """What makes a row unusable, if anything does."""
    video_id, start, end = row["ytid"].strip(), number_or_none(row["start_s"]), number_or_none(row["end_s"])
    if not video_id:
        return Problem("missing-value", row.where, "ytid")
    if start is None or end is None or end <= start:
        found = f"{row['start_s']!r} to {row['end_s']!r}"
        return Problem("bad-value", row.where, f"start_s and end_s: seconds were expected, {found} were found")
    if row["is_audioset_eval"].strip().lower() not in _TRUTH:
        return Problem(
            "bad-value", row.where, f"is_audioset_eval: True or False was expected, not {row['is_audioset_eval']!r}"
        )
    if not row["caption"].strip():
        return Problem("empty-text", row.where, f"the caption of {video_id}")
    if f"{NAME}/{video_id}" in declared.names:
        return Problem("duplicate-id", row.where, f"{NAME}/{video_id} stands above already")
    return None


def _declare_one(row: Row, declared: Declared) -> str:
    video_id, task = row["ytid"].strip(), "MusicCaptioning"
    one, split = f"{NAME}/{video_id}", "test" if _TRUTH[row["is_audioset_eval"].strip().lower()] else "train"
    aspects = parse_aspects(row["aspect_list"])
    if aspects is None:
        detail = f"aspect_list: a list of texts was expected, {row['aspect_list'][:40]!r} was found"
        declared.problems.append(Problem("bad-value", row.where, detail, "warning"))
    start, end = float(row["start_s"]), float(row["end_s"])
    declared.drafts.append(
        Draft(
            one,
            f"{video_id}.wav",
            source_id=youtube_source(video_id, start),
            group=youtube_source(video_id),
            split=split,
            labels=aspects or (),
            stated_seconds=end - start,
        )
    )
    declared.names[one] = SegmentNames(video_id, start, end, (f"[{video_id}]-[{start:g}-{end:g}]",))
    answers = (row["caption"].strip(),)
    declared.examples.append(Example(f"{one}#{task}", one, split, task, TASKS[task].prompts[0], answers))
    return one
