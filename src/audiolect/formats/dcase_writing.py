"""A dataset → the layout of the DCASE retrieval code: wav.csv, texts of captions, and HDF5 where it is asked for.

    DST/card.json
    DST/wav.csv                 audio_id <tab> file_name (absolute)
    DST/waveform.csv            audio_id <tab> hdf5_path (absolute), with --hdf5
    DST/hdf5/waveforms-000.h5   see dcase_waveforms.py
    DST/train.json              {"audios": [{"audio_id", "captions": [{"caption", "tokens", "cap_id"}]}]}
    DST/train_captions.csv      fname,raw_text,text
    DST/audio/…                 audio that was copied or linked, and what is a part of a file

Conventions: an audio id is the one that the dataset was imported with, or the name of the file; where two files share
one, all ids are whole paths with ``__`` for slashes. Audio stays where it is unless it is asked to come along; a part
of a file is always cut out. ``tokens`` and ``text`` are ``curation.plain_text`` of the caption.

Public names: write.

Source: https://github.com/wsntxxn/DCASE2022T6_CLAP and https://github.com/Yuvraj-Dhepe/dcase2023-audio-retrieval.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.data.dataset import read_table
from audiolect.data.problems import Problem
from audiolect.errors import DatasetError, UsageError
from audiolect.formats import leavings
from audiolect.formats.dcase_tables import CAPTIONS_SUFFIX, WAV_NAME, WAVEFORM_NAME
from audiolect.formats.dcase_waveforms import Waveform, write_waveforms
from audiolect.formats.linking import AudioPlan, Placement, plan_audio
from audiolect.formats.request import Exported, ExportRequest
from audiolect.formats.shipping import CARD_NAME, Cargo, ship
from audiolect.storage import atomic_path, safe_join, write_json
from audiolect.tasks import TASKS
from audiolect.text.curation import plain_text

_PLAIN_SPLIT = re.compile(r"[\w-][\w.-]*")


@dataclass(slots=True)
class _Audio:
    """One audio id: its file here, and the span of it."""

    audio_id: str
    name: str
    source: Path
    start_sample: int
    num_samples: int
    rate_hz: int


@dataclass(slots=True)
class _Texts:
    """The captions of one split: audio id → (caption, cap_id)."""

    captions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def write(request: ExportRequest) -> Exported:
    """Write the DCASE layout.

    Raises:
        UsageError: an unknown coding; a rate without HDF5; HDF5 of recordings of several rates without one.
        DatasetError: nothing is left to write, a split cannot name a file, or audio ids cannot be told apart.
        MissingDependency: HDF5 is asked for, and h5py is absent.
        AlreadyExists, StorageError: as ``shipping.ship``.
    """
    if request.rate_hz is not None and request.hdf5 is None:
        raise UsageError("A rate is given, and nothing is resampled.", where="--rate", fix="--hdf5 float16, or int16")
    return ship(request, "dcase", _fill)


def _fill(folder: Path, cargo: Cargo) -> Exported:
    recordings, examples, problems = cargo.present()
    plan = plan_audio(recordings, cargo.dataset.audio_path, cargo.request.progress)
    problems = [*problems, *plan.problems]
    recordings = recordings.filter(pl.col("recording_id").is_in(list(plan.names)))
    if recordings.is_empty():
        first = "; ".join(f"{problem.where}: {problem.detail}" for problem in problems[:3])
        raise DatasetError("No recording is left to export.", where=cargo.dataset.folder, found=first or None)
    audio_ids = _audio_ids(cargo, recordings, plan)
    audios = _audios(cargo, recordings, plan, audio_ids)
    files: dict[str, int] = {}
    paths = {one.audio_id: _written_path(cargo, plan, one) for one in audios}
    _write_csv(folder / WAV_NAME, ("audio_id", "file_name"), paths.items(), "\t")
    files[WAV_NAME] = len(paths)
    texts, left_out = _texts(cargo, recordings, examples, audio_ids)
    for split, part in texts.items():
        files |= _write_texts(folder, split, part)
    if cargo.request.hdf5 is not None:
        packed, bad = _write_hdf5(folder, cargo, audios)
        problems += bad
        files[WAVEFORM_NAME] = packed
    placements = [
        Placement(one.source, safe_join(folder, f"audio/{one.name}"), *(plan.spans.get(one.name) or (0, None)))
        for one in audios
        if cargo.request.audio is not None or one.name in plan.spans
    ]
    num_audio = cargo.place(placements)
    return Exported(folder, files, num_audio, left_out, tuple(problems), hints=_hints(audios))


def _hints(audios: Sequence[_Audio]) -> tuple[str, ...]:
    if not any("__" in one.audio_id and one.audio_id == _path_id(one.name) for one in audios):
        return ()
    return ("two recordings have one file name, so audio ids are whole paths with __ for slashes",)


def _audio_ids(cargo: Cargo, recordings: pl.DataFrame, plan: AudioPlan) -> dict[str, str]:
    """recording id → audio id; recordings of one file have one id."""
    noted: dict[str, str] = {}
    if "audio_ids" in cargo.dataset.card.extra_tables:
        noted = dict(read_table(cargo.dataset, "audio_ids").select("recording_id", "audio_id").iter_rows())
    names = {recording_id: plan.names[recording_id] for recording_id in recordings["recording_id"]}
    ids = {one: noted.get(one) or PurePosixPath(name).name for one, name in names.items()}
    if _is_one_to_one(ids, names) and not any("/" in one for one in ids.values()):
        return ids
    ids = {one: _path_id(name) for one, name in names.items()}
    if not _is_one_to_one(ids, names):
        raise DatasetError(
            "Two recordings would have the same audio id.",
            where=cargo.dataset.folder,
            expected="file names, or paths with __ for slashes, that differ",
            fix="export them one split at a time",
        )
    return ids


def _is_one_to_one(ids: dict[str, str], names: dict[str, str]) -> bool:
    pairs = {(ids[one], names[one]) for one in ids}
    return len(pairs) == len({audio_id for audio_id, _ in pairs}) == len({name for _, name in pairs})


def _path_id(name: str) -> str:
    return name.replace("/", "__")


def _audios(cargo: Cargo, recordings: pl.DataFrame, plan: AudioPlan, audio_ids: dict[str, str]) -> list[_Audio]:
    audios: dict[str, _Audio] = {}
    columns = recordings.select("recording_id", "path", "start_sample", "num_samples", "sample_rate_hz")
    for recording_id, path, start, count, rate in columns.iter_rows():
        audio_id = audio_ids[recording_id]
        source = cargo.dataset.audio_path(path)
        audios.setdefault(audio_id, _Audio(audio_id, plan.names[recording_id], source, start, count, rate))
    return list(audios.values())


def _written_path(cargo: Cargo, plan: AudioPlan, audio: _Audio) -> str:
    comes_along = cargo.request.audio is not None or audio.name in plan.spans
    return (cargo.out / "audio" / audio.name if comes_along else audio.source.absolute()).as_posix()


def _texts(
    cargo: Cargo, recordings: pl.DataFrame, examples: pl.DataFrame, audio_ids: dict[str, str]
) -> tuple[dict[str, _Texts], dict[str, int]]:
    """The captions of each split, and what the layout has no place for."""
    cap_ids: dict[str, list[str]] = {}
    if "caption_ids" in cargo.dataset.card.extra_tables:
        cap_ids = dict(read_table(cargo.dataset, "caption_ids").select("example_id", "cap_ids").iter_rows())
    texts: dict[str, _Texts] = {split: _Texts() for split in recordings["split"].unique(maintain_order=True)}
    others = 0
    told: set[str] = set()
    columns = examples.select("example_id", "recording_id", "split", "task", "answers")
    for example_id, recording_id, split, task, answers in columns.iter_rows():
        if recording_id not in audio_ids:
            continue  # its file cannot be read, and is listed
        if TASKS[task].family != "caption" or not answers:
            others += 1
            continue
        told.add(recording_id)
        captions = texts[split].captions.setdefault(audio_ids[recording_id], [])
        stated = cap_ids.get(example_id, [])
        stated = stated if len(stated) == len(answers) else [""] * len(answers)
        before = {text for text, _ in captions}  # of another task with the same captions, e.g. Retrieval
        captions += [pair for pair in zip(answers, stated, strict=True) if pair[0] not in before]
    left_out = {
        "examples without captions": others,
        "recordings without captions (they stand in wav.csv alone)": recordings.height - len(told),
    }
    captioned = examples.filter(
        pl.col("task").is_in([name for name, task in TASKS.items() if task.family == "caption"])
    )
    captioned = captioned.filter(pl.col("answers").list.len() > 0)
    left_out |= leavings.left_out(
        recordings, captioned, tables=cargo.dataset.card.extra_tables, uses=("audio_ids", "caption_ids")
    )
    return {split: part for split, part in texts.items() if part.captions}, {k: n for k, n in left_out.items() if n}


def _write_texts(folder: Path, split: str, texts: _Texts) -> dict[str, int]:
    json_name, csv_name = f"{split}.json", f"{split}{CAPTIONS_SUFFIX}"
    if not _PLAIN_SPLIT.fullmatch(split) or json_name == CARD_NAME:
        raise DatasetError(
            "A split cannot be the name of a file.",
            expected="letters, digits, dots and dashes",
            found=repr(split),
            fix=f"--rename-split {split}=test",
        )
    audios: list[dict[str, Any]] = [
        {
            "audio_id": audio_id,
            "captions": [
                {"caption": text, "tokens": plain_text(text), "cap_id": stated or str(number)}
                for number, (text, stated) in enumerate(captions, start=1)
            ],
        }
        for audio_id, captions in texts.captions.items()
    ]
    write_json(safe_join(folder, json_name), {"audios": audios})
    rows = [(audio_id, text, plain_text(text)) for audio_id, captions in texts.captions.items() for text, _ in captions]
    _write_csv(safe_join(folder, csv_name), ("fname", "raw_text", "text"), rows, ",")
    return {json_name: len(audios), csv_name: len(rows)}


def _write_hdf5(folder: Path, cargo: Cargo, audios: Sequence[_Audio]) -> tuple[int, list[Problem]]:
    request = cargo.request
    rates = sorted({one.rate_hz for one in audios})
    if request.rate_hz is None and len(rates) > 1:
        raise UsageError(
            "The recordings have several sample rates, and readers of this layout know of one.",
            where=cargo.dataset.folder,
            found=", ".join(map(str, rates)) + " Hz",
            fix=f"--rate {rates[-1]} resamples all of them",
        )
    (folder / "hdf5").mkdir()
    names, problems = write_waveforms(
        folder / "hdf5",
        [Waveform(one.audio_id, one.source, one.start_sample, one.num_samples) for one in audios],
        coding=str(request.hdf5),
        rate_hz=rates[0] if request.rate_hz is None else request.rate_hz,
        jobs=request.jobs,
        progress=request.progress,
    )
    rows = [(audio_id, (cargo.out / "hdf5" / name).as_posix()) for audio_id, name in names.items()]
    _write_csv(folder / WAVEFORM_NAME, ("audio_id", "hdf5_path"), rows, "\t")
    return len(rows), problems


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
