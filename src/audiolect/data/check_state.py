"""What a check has found out about the audio so far, kept on the disk, so that nothing is decoded twice.

    CHECK/facts.parquet         one row for each recording, written when all have been looked at
    CHECK/unfinished/           while a check runs, and after one that was stopped:
        state.json              the header of this format, and whether it began afresh
        part-NNNNNN-XXXX.parquet   some recordings each, with the columns of facts.parquet

Conventions: facts hold as long as the span, and the size and time of the file, are the same. What could not be read is
tried again by the next check. Every file is written whole or not at all, so a check may be killed at any time. A
dataset made of one that was checked gets what is known of its recordings, as a check that has begun.

Public names: FactsStore, FACTS_SCHEMA, FACTS_NAME, facts_frame, read_facts, has_facts, known_facts, read_fingerprints,
carry_facts.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.audio.fingerprint import Fingerprint
from audiolect.data.audio_checks import AudioFacts, Request, fingerprint_words
from audiolect.data.dataset import Dataset
from audiolect.data.tables import read_rows, write_table
from audiolect.errors import AlreadyExists, DatasetError, StorageError, UnknownVersion
from audiolect.storage import check_header, file_header, read_json, write_json

CHECK_FOLDER = "check"
FACTS_NAME = "facts.parquet"
SUMMARY_NAME = "check.json"
KIND = "check"
VERSION = 2  # 1 had another PCM hash

FACTS_SCHEMA: dict[str, Any] = {
    "recording_id": pl.String(),
    "path": pl.String(),
    "start_sample": pl.Int64(),
    "asked_samples": pl.Int64(),
    "num_bytes": pl.Int64(),
    "modified_ns": pl.Int64(),
    "reason": pl.String(),
    "detail": pl.String(),
    "file_samples": pl.Int64(),
    "num_samples": pl.Int64(),
    "sample_rate_hz": pl.Int32(),
    "num_channels": pl.Int16(),
    "codec": pl.String(),
    "peak": pl.Float64(),
    "rms": pl.Float64(),
    "dc_offset": pl.Float64(),
    "clipped_samples": pl.Int64(),
    "longest_run_samples": pl.Int64(),
    "num_not_finite": pl.Int64(),
    "sound_start_sample": pl.Int64(),
    "sound_end_sample": pl.Int64(),
    "num_stray_bytes": pl.Int64(),
    "pcm_hash": pl.String(),
    "fingerprint": pl.Binary(),
}

_KEY = ["recording_id", "path", "start_sample", "asked_samples", "num_bytes", "modified_ns"]
_SPAN = _KEY[:4]
_UNFINISHED = "unfinished"
_STATE_NAME = "state.json"
_FLUSH_SECONDS = 5.0


class FactsStore:
    """Takes facts as they come, and gives them back; with a folder, also after this process has ended.

    Args:
        folder: the folder of the check; None keeps everything in memory.
        afresh: forget what an earlier check found out.

    Raises:
        AlreadyExists: the folder holds other things.
        UnknownVersion, DamagedFile: it holds a check that cannot be gone on with.
    """

    def __init__(self, folder: Path | None, *, afresh: bool = False) -> None:
        self._folder = folder
        self._waiting: list[AudioFacts] = []
        self._frames: list[pl.DataFrame] = [facts_frame([])]
        self._flushed = time.monotonic()
        if folder is None:
            return
        _check_folder(folder, afresh=afresh)
        state = folder / _UNFINISHED / _STATE_NAME
        if afresh:
            shutil.rmtree(folder / _UNFINISHED, ignore_errors=True)
        elif state.is_file():
            afresh = read_json(state).get("afresh", False)
        self._frames += _kept_frames(folder, with_facts=not afresh)
        write_json(state, file_header(KIND, VERSION) | {"afresh": afresh})

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests that nothing is known about, in order."""
        known = self._known().filter(pl.col("reason").is_null())
        wanted = _request_frame(requests).with_row_index("row")
        rows = wanted.join(known.select(_KEY), on=_KEY, how="anti", nulls_equal=True)["row"].sort()
        return [requests[row] for row in rows]

    def add(self, facts: Sequence[AudioFacts]) -> None:
        """Keep facts. They reach the disk within some seconds."""
        self._waiting += facts
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Bring what is waiting to the disk."""
        if self._waiting:
            frame = facts_frame(self._waiting)
            self._waiting = []
            self._frames.append(frame)
            if self._folder is not None:
                name = f"part-{len(self._frames):06d}-{secrets.token_hex(2)}.parquet"
                write_table(self._folder / _UNFINISHED / name, frame)
        self._flushed = time.monotonic()

    def facts(self, requests: Sequence[Request]) -> pl.DataFrame:
        """The facts about requests, one row for each, in order."""
        self.flush()
        wanted = _request_frame(requests)
        found = wanted.join(self._known(), on=_KEY, how="left", nulls_equal=True, maintain_order="left")
        return found.select(list(FACTS_SCHEMA))

    def finish(self) -> None:
        """Take away what only an unfinished check needs. Call it when everything else has been written."""
        if self._folder is not None:
            shutil.rmtree(self._folder / _UNFINISHED)

    def _known(self) -> pl.DataFrame:
        # Later rows count: a recording that could not be read may have been tried again.
        return pl.concat(self._frames).unique(_KEY, keep="last", maintain_order=True)


def facts_frame(facts: Sequence[AudioFacts]) -> pl.DataFrame:
    """Facts as a table with the columns of FACTS_SCHEMA."""
    columns = {item.name: [getattr(each, item.name) for each in facts] for item in fields(AudioFacts)}
    return pl.DataFrame(columns, schema=FACTS_SCHEMA)


def read_facts(folder: Path) -> pl.DataFrame:
    """The facts of a finished check.

    Raises:
        DatasetError: there is no finished check in the folder.
        UnknownVersion, DamagedFile: it cannot be used.
    """
    if not (folder / SUMMARY_NAME).is_file():
        raise DatasetError(
            "There is no finished check here.", where=folder, expected=SUMMARY_NAME, fix="audiolect check DATASET"
        )
    _check_version(folder / SUMMARY_NAME)
    return _read_part(folder / FACTS_NAME)


def has_facts(dataset: Dataset, folder: Path | None = None) -> bool:
    """Whether anything has been found out about the audio of a dataset: it was checked, or made of one that was."""
    where = dataset.folder / CHECK_FOLDER if folder is None else folder
    return (where / SUMMARY_NAME).is_file() or (where / _UNFINISHED / _STATE_NAME).is_file()


def known_facts(dataset: Dataset, folder: Path | None = None) -> pl.DataFrame:
    """What is known of a dataset's recordings, from a check that is finished, under way, or of what it was made from.

    Args:
        dataset: whole or filtered.
        folder: the folder of the check, if it is not ``check`` in the dataset folder.

    Returns:
        Rows of FACTS_SCHEMA, in the order of the recordings: of each whose span is the one that was checked and could
        be decoded. The files themselves are not looked at.

    Raises:
        DatasetError: nothing is known: the dataset has not been checked.
        UnknownVersion, DamagedFile: the check cannot be used.
    """
    where = dataset.folder / CHECK_FOLDER if folder is None else folder
    if not has_facts(dataset, where):
        raise DatasetError(
            "There is no finished check here.", where=where, expected=SUMMARY_NAME, fix="audiolect check DATASET"
        )
    _check_folder(where, afresh=False)
    state = where / _UNFINISHED / _STATE_NAME
    afresh = state.is_file() and read_json(state).get("afresh", False)
    frames = [facts_frame([]), *_kept_frames(where, with_facts=not afresh)]
    known = pl.concat(frames).filter(pl.col("reason").is_null()).unique(_SPAN, keep="last", maintain_order=True)
    asked = pl.col("num_samples").alias("asked_samples")
    spans = dataset.recordings.select("recording_id", "path", "start_sample", asked)
    return spans.join(known, on=_SPAN, how="inner", maintain_order="left").select(list(FACTS_SCHEMA))


def read_fingerprints(dataset: Dataset, folder: Path | None = None) -> dict[str, Fingerprint]:
    """The spectral fingerprints of a dataset's recordings, as its check computed them.

    Args:
        dataset, folder: as for ``known_facts``, of whose rows these are.

    Returns:
        recording id → fingerprint.

    Raises:
        DatasetError, UnknownVersion, DamagedFile: as ``known_facts``.
    """
    found = known_facts(dataset, folder).drop_nulls("fingerprint")
    return {name: fingerprint_words(data) for name, data in found.select("recording_id", "fingerprint").iter_rows()}


def carry_facts(sources: Sequence[Dataset], made: Dataset) -> None:
    """Take what is known of the recordings of datasets over to a dataset that was made of them.

    Into the folder of the new dataset goes a check that has begun: ``audiolect check`` goes on with it, and decodes
    nothing that is known. Nothing is written where nothing is known.

    Args:
        sources: datasets, whole or filtered. Of a recording that several hold, what the first knows counts. What a
            check of another version knows is not taken over.
        made: a dataset in its folder, whose audio root is that of the sources, or above theirs.

    Raises:
        DamagedFile, DatasetError: the check of a source cannot be used.
    """
    frames = []
    for source in filter(has_facts, sources):
        try:
            frames.append(_rebased(known_facts(source), source, made))
        except UnknownVersion:
            continue  # its facts mean something else; the next check decodes anew
    if not frames:
        return
    known = pl.concat(frames).unique(_SPAN, keep="first", maintain_order=True)
    asked = pl.col("num_samples").alias("asked_samples")
    spans = made.recordings.select("recording_id", "path", "start_sample", asked)
    kept = spans.join(known, on=_SPAN, how="inner", maintain_order="left").select(list(FACTS_SCHEMA))
    if kept.is_empty():
        return
    unfinished = made.folder / CHECK_FOLDER / _UNFINISHED
    write_table(unfinished / f"part-000000-{secrets.token_hex(2)}.parquet", kept)
    write_json(unfinished / _STATE_NAME, file_header(KIND, VERSION) | {"afresh": False})


def _rebased(facts: pl.DataFrame, source: Dataset, made: Dataset) -> pl.DataFrame:
    """Facts with paths that begin at the audio root of another dataset."""
    prefix = source.audio_root.relative_to(made.audio_root).as_posix()
    return facts if prefix == "." else facts.with_columns(path=pl.concat_str(pl.lit(f"{prefix}/"), "path"))


def _check_folder(folder: Path, *, afresh: bool) -> None:
    summary, state = folder / SUMMARY_NAME, folder / _UNFINISHED / _STATE_NAME
    if folder.exists() and not folder.is_dir():
        raise StorageError("A folder should be written where a file stands.", where=folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not summary.is_file() and not state.is_file():
        raise AlreadyExists(
            "The folder holds things that are not those of a check.",
            where=folder,
            expected=f"a new folder, or one with {SUMMARY_NAME}",
            found=", ".join(sorted(entry.name for entry in folder.iterdir())[:5]),
            fix="give another --out",
        )
    for header in (summary, state):
        if header.is_file() and not afresh:
            _check_version(header)


def _check_version(header: Path) -> None:
    try:
        check_header(read_json(header), KIND, (VERSION,), header)
    except UnknownVersion as error:
        error.fix = "check afresh: audiolect check DATASET --new"
        raise


def _kept_frames(folder: Path, *, with_facts: bool) -> list[pl.DataFrame]:
    parts = sorted((folder / _UNFINISHED).glob("part-*.parquet"), key=os.path.getmtime)
    facts = [folder / FACTS_NAME] if with_facts and (folder / FACTS_NAME).is_file() else []
    return [_read_part(path) for path in facts + parts]


def _read_part(path: Path) -> pl.DataFrame:
    frame = read_rows(path)
    if dict(frame.schema) != FACTS_SCHEMA:
        raise DatasetError(
            "The table of facts has other columns than it should.",
            where=path,
            expected=", ".join(FACTS_SCHEMA),
            found=", ".join(frame.columns),
            fix="check afresh with --new",
        )
    return frame


def _request_frame(requests: Sequence[Request]) -> pl.DataFrame:
    columns = {name: [getattr(request, name) for request in requests] for name in _KEY}
    return pl.DataFrame(columns, schema={name: FACTS_SCHEMA[name] for name in _KEY})
