"""AudioCaps: about 51,000 ten-second segments of YouTube videos (of AudioSet) with captions by crowd workers.

    audiocaps/
      train.csv  val.csv (or valid.csv)  test.csv      audiocap_id, youtube_id, start_time, caption
      any folders with audio                           the audio itself is not published

Conventions: ids are ``audiocaps/YOUTUBE_ID``. Training recordings have one caption (one row), those of ``valid`` and
``test`` five: all rows of a recording make one AudioCaptioning example. Audio is found by name in any folder and with
any audio suffix: ``ID``, ``YID``, ``ID_START``, ``AUDIOCAP-ID_ID`` and the like; a folder named after the split goes
first. What has vanished from YouTube is a Problem ``missing`` each, and coverage on the card. The table ``captions``
keeps ``audiocap_id`` of each caption.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, declare, prepare.

Source: C. D. Kim, B. Kim, H. Lee, G. Kim, "AudioCaps: Generating Captions for Audios in The Wild", NAACL-HLT 2019. The
repository names the second table ``val.csv``; ``valid.csv`` and the folders searched are other people's spellings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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

NAME = "audiocaps"
VERSION = "1.0"
LICENSE = "tables: MIT; audio: as its uploaders to YouTube say"
CITATION = "C. D. Kim et al., AudioCaps: Generating Captions for Audios in The Wild, NAACL-HLT 2019"
URLS = ("https://github.com/cdjkim/audiocaps",)

SIZES = {"train": 49838, "valid": 495, "test": 975}

_DEFAULTS = IntakeOptions()
_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
_TABLES = {"train": ("train.csv",), "valid": ("valid.csv", "val.csv", "validation.csv"), "test": ("test.csv",)}
_TABLE_FOLDERS = ("", "dataset", "csv_files", "csv")
_AUDIO_FOLDERS = {"train": ("train",), "valid": ("valid", "val", "validation"), "test": ("test",)}
_SECONDS = 10  # every segment is ten seconds long
_NOMINAL = Nominal(_SECONDS, 32_000)  # the rate that ``audiolect download`` writes


@dataclass(slots=True)
class _Segment:
    """One segment: its split, start, first row, and its captions with their ids."""

    split: str
    start_seconds: float
    where: str
    audiocap_ids: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with tables of AudioCaps and what audio there is.

    Raises:
        TableError: no table is there, or one cannot be read or lacks a column.
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
        folders=lambda draft: _AUDIO_FOLDERS[draft.split],
    )


def declare(source: Path) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    problems: list[Problem] = []
    segments: dict[str, _Segment] = {}
    found = {split: find_file(source, names, _TABLE_FOLDERS) for split, names in _TABLES.items()}
    for split, path in found.items():
        if path is not None:
            table = read_table(path, needed=_COLUMNS, name=relative_name(path, source))
            problems += table.problems
            for row in table.rows():
                problem = _add_row(row, split, segments)
                problems += [problem] if problem else []
    if all(path is None for path in found.values()):
        raise wrong_layout(
            "AudioCaps",
            source,
            expected="at least one table with the columns " + ", ".join(_COLUMNS),
            looked_for=[name for names in _TABLES.values() for name in names],
            url=URLS[0],
        )
    notes: dict[str, Any] = {
        "url": URLS[0],
        "splits_without_table": [split for split, path in found.items() if path is None],
    }
    return _declared(segments, problems, notes)


def _add_row(row: Row, split: str, segments: dict[str, _Segment]) -> Problem | None:
    """Add one row to its segment; what makes it unusable, if anything does."""
    video_id, caption = row["youtube_id"].strip(), row["caption"]
    start_seconds = number_or_none(row["start_time"])
    if not video_id:
        return Problem("missing-value", row.where, "youtube_id")
    if start_seconds is None:
        return Problem("bad-value", row.where, f"start_time: seconds were expected, {row['start_time']!r} was found")
    if not caption.strip():
        return Problem("empty-text", row.where, f"the caption of {video_id}")
    segment = segments.setdefault(video_id, _Segment(split, start_seconds, row.where))
    if (segment.split, segment.start_seconds) != (split, start_seconds):
        return Problem("duplicate-id", row.where, f"{video_id} stands already at {segment.where}, as another segment")
    segment.audiocap_ids.append(row["audiocap_id"].strip())
    segment.captions.append(caption)
    return None


def _declared(segments: dict[str, _Segment], problems: list[Problem], notes: dict[str, Any]) -> Declared:
    declared = Declared(problems=problems, notes=notes)
    prompt = TASKS["AudioCaptioning"].prompts[0]
    captions: list[tuple[str, str, str]] = []
    for video_id, segment in segments.items():
        one = f"{NAME}/{video_id}"
        start, split = segment.start_seconds, segment.split
        declared.drafts.append(
            Draft(
                one,
                f"{split}/{video_id}.wav",
                source_id=youtube_source(video_id, start),
                group=youtube_source(video_id),
                split=split,
            )
        )
        numbered = tuple(f"{number}_{video_id}" for number in segment.audiocap_ids)
        declared.names[one] = SegmentNames(video_id, start, start + _SECONDS, numbered)
        example_id = f"{one}#AudioCaptioning"
        declared.examples.append(Example(example_id, one, split, "AudioCaptioning", prompt, tuple(segment.captions)))
        captions += [(one, number, text) for number, text in zip(segment.audiocap_ids, segment.captions, strict=True)]
    schema = dict.fromkeys(("recording_id", "audiocap_id", "caption"), pl.String)
    declared.tables["captions"] = pl.DataFrame(captions, schema=schema, orient="row")
    return declared
