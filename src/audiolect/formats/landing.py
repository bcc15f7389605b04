"""From what another format declares to a dataset folder: the one door that every reader goes through.

    def read(request: ImportRequest) -> Dataset:
        ...
        return land(Declared(info, root, recordings, examples, problems), request)

A reader makes two tables without looking at audio: recordings with the columns of DECLARED_SCHEMA (those that it knows;
``declared_frame`` adds the others) and examples. Then either the intake looks at every audio file, as for a corpus; or,
with ``no_audio``, lengths are what the source says, counted at a stated rate, and the card says so.

Conventions: tables are columns from end to end without audio, so that millions of entries cost seconds. Without audio
the codec is NO_CODEC, the size 0, the channels 1. What the source says of a whole file's length
(``duration_seconds``) is used only then: where there is audio, the audio counts.

Public names: DECLARED_SCHEMA, DEFAULT_RATE_HZ, Declared, declared_frame, land.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.corpora.audio_listing import locate
from audiolect.corpora.intake import CorpusInfo, Draft, intake
from audiolect.data.dataset import Dataset, open_dataset, save_dataset
from audiolect.data.problems import Problem, count_by_reason, enforce_limit
from audiolect.data.records import NO_CODEC, RECORDING_SCHEMA, example_rows
from audiolect.errors import DatasetError, UnsafePath, UsageError, unknown_name
from audiolect.formats.request import MISSING_POLICIES, ImportRequest
from audiolect.storage import atomic_folder, safe_join

DEFAULT_RATE_HZ = 16_000
_SHOWN = 3

# What a source may say of a recording: the texts of RECORDING_SCHEMA, and its span in seconds (null: from the start,
# to the end). ``duration_seconds`` is how long the source says that the recording is.
_KNOWN = ("source_id", "parent_id", "group", "split", "fold", "labels", "title", "license")
DECLARED_SCHEMA: dict[str, Any] = {
    "recording_id": pl.String(),
    "path": pl.String(),
    "start_seconds": pl.Float64(),
    "end_seconds": pl.Float64(),
    "duration_seconds": pl.Float64(),
} | {name: RECORDING_SCHEMA[name] for name in _KNOWN}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a source says of itself.

    Args:
        info: name, version, licence, citation.
        audio_root: where the paths of the recordings begin.
        recordings: DECLARED_SCHEMA; ids once each.
        examples: EXAMPLE_SCHEMA; ids once each, of recordings of the table.
        problems: what the reader left out or doubts.
        extra_tables, notes: for the dataset.
    """

    info: CorpusInfo
    audio_root: Path
    recordings: pl.DataFrame
    examples: pl.DataFrame
    problems: Sequence[Problem] = ()
    extra_tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def declared_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with all columns of DECLARED_SCHEMA in their order. What it does not say is null; of the split "all",
    of the labels an empty list."""
    defaults: dict[str, Any] = {"split": "all", "labels": []}
    columns = []
    for name, dtype in DECLARED_SCHEMA.items():
        default = pl.lit(defaults.get(name), dtype=dtype)
        told = pl.col(name).cast(dtype) if name in frame.columns else default
        columns.append((told.fill_null(default) if name in defaults else told).alias(name))
    return frame.select(columns) if frame.width else pl.DataFrame(schema=DECLARED_SCHEMA)


def land(declared: Declared, request: ImportRequest) -> Dataset:
    """Make the dataset folder.

    Raises:
        DatasetError: nothing is left to make a dataset of, or audio is missing and the request refuses that.
        TooManyProblems: there are more problems than allowed.
        UsageError: an unknown policy, a rate that cannot be, or a target that holds the audio.
        AlreadyExists: ``request.out`` exists and is not to be replaced.
    """
    if request.missing not in MISSING_POLICIES:
        raise unknown_name("policy for missing audio", request.missing, MISSING_POLICIES, where="--missing")
    if request.no_audio:
        return _land_on_their_word(declared, request)
    recordings = _located(declared, request)
    drafts = [
        Draft(**(row | {"labels": tuple(row["labels"])}))
        for row in recordings.drop("duration_seconds").iter_rows(named=True)
    ]
    return intake(
        declared.info,
        declared.audio_root,
        drafts,
        example_rows(declared.examples),
        request.out,
        request.options,
        request.progress,
        problems=declared.problems,
        extra_tables=declared.extra_tables,
        notes=declared.notes,
    )


def _located(declared: Declared, request: ImportRequest) -> pl.DataFrame:
    """The recordings with the names under which their files are really found; missing ones as they are."""
    root, others, absent = declared.audio_root, {}, []
    for path in declared.recordings["path"].unique(maintain_order=True):
        if not _is_file(root, path):
            found = locate(root, path)
            if found != path:
                others[path] = found
            elif not _is_file(root, found):
                absent.append(path)
    if absent and request.missing == "refuse":
        raise DatasetError(
            f"{len(absent)} of {declared.recordings['path'].n_unique()} audio files are missing.",
            where=root,
            found="not found: " + ", ".join(absent[:_SHOWN]) + (", …" if len(absent) > _SHOWN else ""),
            cause="the audio is elsewhere, or not all of it was downloaded",
            fix="--audio-root FOLDER names where it is; --missing list leaves those recordings out",
        )
    return declared.recordings.with_columns(pl.col("path").replace(others)) if others else declared.recordings


def _is_file(root: Path, path: str) -> bool:
    try:
        return safe_join(root, path).is_file()
    except (UnsafePath, OSError):
        return False  # the intake finds it again, and makes it a Problem


def _land_on_their_word(declared: Declared, request: ImportRequest) -> Dataset:
    rate_hz = request.rate_hz or DEFAULT_RATE_HZ
    if rate_hz < 1:
        raise UsageError("The rate is not a rate.", where="--rate", expected="1 Hz or more", found=rate_hz)
    recordings, lengthless = _with_lengths(declared.recordings, rate_hz)
    problems = [*declared.problems, *lengthless]
    enforce_limit(problems, limit=request.options.max_problems, total=declared.recordings.height)
    if recordings.is_empty():
        raise _nothing_left(declared, problems)
    examples, extra_tables = declared.examples, dict(declared.extra_tables)
    if lengthless:
        kept = recordings.select("recording_id")
        examples = examples.join(kept, on="recording_id", how="semi", maintain_order="left")
        asked = examples.select("example_id")
        for name, table in extra_tables.items():
            key = "example_id" if "example_id" in table.columns else "recording_id"
            ids = asked if key == "example_id" else kept
            extra_tables[name] = table.join(ids, on=key, how="semi", maintain_order="left")
    with atomic_folder(request.out, overwrite=request.options.overwrite) as folder:
        save_dataset(
            folder,
            name=declared.info.name,
            corpus_version=declared.info.version,
            license=declared.info.license,
            citation=declared.info.citation,
            audio_root=declared.audio_root,
            recordings=recordings,
            examples=examples,
            num_expected=declared.info.num_expected or declared.recordings.height,
            command=request.options.command,
            problems=problems,
            extra_tables=extra_tables,
            notes={**declared.notes, "lengths": f"as the source says, counted at {rate_hz} Hz; no audio was looked at"},
        )
    return open_dataset(request.out)


def _with_lengths(declared: pl.DataFrame, rate_hz: int) -> tuple[pl.DataFrame, list[Problem]]:
    """Recordings on the word of their source, and a Problem for each one whose length it does not say."""
    start = pl.col("start_seconds").fill_null(0.0)
    stated = pl.coalesce(pl.col("end_seconds") - start, pl.col("duration_seconds"))
    samples = (stated * rate_hz).round()
    told = declared.with_columns(samples.alias("num_samples"), (start * rate_hz).round().alias("start_sample"))
    usable = told["num_samples"].is_finite() & (told["num_samples"] >= 1) & (told["start_sample"] >= 0)
    usable = usable.fill_null(value=False)
    problems = [
        Problem(
            "missing-value" if seconds is None else "bad-value",
            recording_id,
            "no duration is stated" if seconds is None else f"the length of {seconds!r} samples at {rate_hz} Hz",
        )
        for recording_id, seconds in told.filter(~usable).select("recording_id", "num_samples").iter_rows()
    ]
    known = {"sample_rate_hz": rate_hz, "num_channels": 1, "codec": NO_CODEC, "num_bytes": 0}
    columns = [
        pl.lit(known[name], dtype=dtype).alias(name)
        if name in known
        else pl.col(name).cast(dtype)
        if name in told.columns
        else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in RECORDING_SCHEMA.items()
    ]
    return told.filter(usable).select(columns), problems


def _nothing_left(declared: Declared, problems: Sequence[Problem]) -> DatasetError:
    counts = ", ".join(f"{reason} {n}" for reason, n in count_by_reason(problems).items())
    first = "; ".join(f"{problem.where}: {problem.detail}" for problem in problems[:_SHOWN])
    return DatasetError(
        "No recording is left to make a dataset of.",
        where=declared.info.name,
        expected="entries that state a duration" if declared.recordings.height else "a source with entries",
        found=f"{counts}. First: {first}" if problems else "no entries",
        fix="leave --no-audio away, so that lengths are read from the audio" if declared.recordings.height else None,
    )
