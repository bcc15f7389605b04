"""One manifest of Audio Flamingo 1 or 2: its key, its header, and its entries as columns.

    Clotho-v2-AudioCaptioning/train.json
    {"dataset_path": "/data/datasets/Clotho-v2", "split": "train", "split_path": "train",
     "flamingo_task": "Clotho-v2-AudioCaptioning", "total_num": 2,
     "data": {"0": {"name": "a.wav", "prompt": "describe the sound in a sentence.", "output": "a dog barks."},
              "1": {"name": "b.wav", "prompt": "…", "output": "…", "audio_start": 30.5}}}

Version 1 has ``dataset_path``; version 2 has none, and ``duration`` in each entry. An entry of a dialogue has
``dialogue`` in the place of prompt and output. An interleaved manifest (``interleaved_knn-train.json``) has
``interleaved_data`` in the place of ``data``: see flamingo_shots.py. Entries are read by flamingo_entries.py.

Conventions: the place of a file says its key, ``DATASET-Task/split.json``; where it does not, its header does; and what
the caller says goes before both. What is wrong with the whole file is a letter, what is odd is a Problem.

Public names: Manifest, INTERLEAVED, find_manifests, read_manifest.

Source: the data code and READMEs of https://github.com/NVIDIA/audio-flamingo, branches legacy_audio_flamingo_1 and
audio_flamingo_2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.problems import Problem
from audiolect.errors import TableError, UsageError
from audiolect.formats.flamingo_entries import CONTAINERS, EntryReading
from audiolect.formats.json_members import LIST, read_blocks
from audiolect.tasks import DatasetKey, get_task, parse_dataset_key

INTERLEAVED = re.compile(r"interleaved_(knn|random)-(.+)")

_LOOK_CHARACTERS = 4096
_SHOWN_CHARACTERS = 80
_MARKS = ('"flamingo_task"', '"split_path"', '"interleaved_data"')


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one file holds.

    Args:
        path: the file.
        label: what Problems call it: ``DATASET-Task/split.json``.
        key: dataset, task as it is written, and split; of an interleaved manifest, of the one that it speaks of.
        task: the task as ``tasks.TASKS`` names it.
        interleaved: ``"knn"``, ``"random"``, or None for a manifest of entries.
        dataset_path, split_path: of the header; None where there is none.
        table: ENTRY_SCHEMA, or SHOT_SCHEMA where it is interleaved, in the order of the numbers.
        states_start: every entry has ``audio_start``, also where it is 0.
        problems: what was left out, and what is odd.
    """

    path: Path
    label: str
    key: DatasetKey
    task: str
    interleaved: str | None
    dataset_path: str | None
    split_path: str | None
    table: pl.DataFrame
    states_start: bool
    problems: tuple[Problem, ...]


def find_manifests(source: Path) -> tuple[list[Path], list[Problem]]:
    """The manifests of a tree, in the order of their names, and a Problem for each file that only looks like one.

    A file is one where its folder is called ``DATASET-Task``; other JSON files belong to somebody else.
    """
    if source.is_file():
        return [source], []
    found, problems = [], []
    for path in sorted(source.rglob("*.json")):
        if path.name.startswith(".") or not path.is_file():
            continue
        if _key_of_place(path) is not None:
            found.append(path)
        elif _looks_like_one(path):
            detail = f"the folder {path.parent.name!r} is not called DATASET-Task; import the file by itself"
            problems.append(Problem("bad-value", path.relative_to(source).as_posix(), detail, "warning"))
    if not found:
        raise TableError(
            "There is no manifest of Audio Flamingo in the folder.",
            where=source,
            expected="files such as Clotho-v2-AudioCaptioning/train.json",
            found=f"{len(problems)} files in folders of other names: {problems[0].where}, …" if problems else "none",
            fix="import one file: audiolect import flamingo-1 FILE --name DATASET --task TASK" if problems else None,
        )
    return found, problems


def read_manifest(
    path: Path, *, name: str | None = None, task: str | None = None, split: str | None = None
) -> Manifest:
    """Read one manifest.

    Args:
        path: the file.
        name, task, split: what to go by, in the place of what the file's place and header say.

    Raises:
        TableError: it is not JSON, or not a manifest, or its key is not told.
        UsageError: its task is unknown.
    """
    header: dict[str, Any] = {}
    problems: list[Problem] = []
    reading: EntryReading | None = None
    for container, pairs in read_blocks(path, CONTAINERS):
        if container is None:
            for key, value in pairs:
                _set_header(path, header, str(key), value)
            continue
        if reading is None:
            if container == LIST:
                raise _not_a_manifest(path, "a list")
            reading = EntryReading(_label(path), container, problems)
        elif reading.container != container:
            raise _not_a_manifest(path, f"both {reading.container} and {container}")
        reading.add(pairs)
    if reading is None:
        reading = _without_entries(path, header, problems)
    table = reading.table(header)
    match = INTERLEAVED.fullmatch(path.stem)
    kind = (match.group(1) if match else "knn") if reading.container == "interleaved_data" else None
    chosen = _choose_key(path, header, (name, task, split), problems)
    return Manifest(
        path=path,
        label=_label(path),
        key=chosen,
        task=get_task(chosen.task).name,
        interleaved=kind,
        dataset_path=_text_or_none(path, header, "dataset_path"),
        split_path=_text_or_none(path, header, "split_path"),
        table=table,
        states_start=0 < reading.num_entries == reading.num_starts,
        problems=tuple(problems),
    )


def _without_entries(path: Path, header: dict[str, Any], problems: list[Problem]) -> EntryReading:
    """Of a file in which no entry was met: an empty manifest, or no manifest at all."""
    container = next((name for name in CONTAINERS if name in header), None)
    if container is not None:
        found = f"{container} is {header[container]!r}"[:_SHOWN_CHARACTERS]
        raise _not_a_manifest(path, found)
    if not any(name in header for name in ("flamingo_task", "split_path", "total_num")):
        raise _not_a_manifest(path, "the keys " + ", ".join(header) if header else "an empty object or list")
    problems.append(Problem("bad-row", _label(path), "the manifest has no entries", "warning"))
    container = "interleaved_data" if INTERLEAVED.fullmatch(path.stem) else "data"
    return EntryReading(_label(path), container, problems)


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def _key_of_place(path: Path) -> DatasetKey | None:
    match = INTERLEAVED.fullmatch(path.stem)
    try:
        return parse_dataset_key(f"{path.absolute().parent.name}/{match.group(2) if match else path.stem}")
    except UsageError:
        return None


def _looks_like_one(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(_LOOK_CHARACTERS)
    return any(mark in head for mark in _MARKS)


def _set_header(path: Path, header: dict[str, Any], key: str, value: Any) -> None:
    if key in header:
        raise TableError(f"The header names {key!r} twice.", where=path)
    header[key] = value


def _text_or_none(path: Path, header: dict[str, Any], key: str) -> str | None:
    value = header.get(key)
    if value is not None and not isinstance(value, str):
        raise TableError(f"The header's {key} is no text.", where=path, expected="a folder, or null", found=repr(value))
    return value


def _choose_key(
    path: Path, header: dict[str, Any], asked: tuple[str | None, str | None, str | None], problems: list[Problem]
) -> DatasetKey:
    """The key that the file goes by; where its header says otherwise, a Problem."""
    name, task, split = asked
    place, stated = _key_of_place(path), _key_of_header(path, header)
    key = place or stated
    if key is None and not (name and task):
        raise TableError(
            "Neither the place of the manifest nor its header says what it is.",
            where=path,
            expected="a folder called DATASET-Task, or flamingo_task: DATASET-Task in the header, with a known task",
            found=f"the folder {path.absolute().parent.name!r}, flamingo_task {header.get('flamingo_task')!r}",
            fix="--name DATASET --task TASK",
        )
    if place is not None:
        here = {"flamingo_task": f"{place.dataset}-{place.task}", "split": place.split}
        there = {"flamingo_task": header.get("flamingo_task"), "split": _plain_split(header.get("split"))}
        for what, value in there.items():
            if value is not None and value != here[what]:
                detail = f"{what} is {value!r} in the header and {here[what]!r} by the place of the file, which counts"
                problems.append(Problem("bad-value", _label(path), detail, "warning"))
    known = key or DatasetKey("", "", _split_of(path, header))
    return DatasetKey(name or known.dataset, task or known.task, split or known.split)


def _key_of_header(path: Path, header: dict[str, Any]) -> DatasetKey | None:
    try:
        return parse_dataset_key(f"{header.get('flamingo_task')}/{_split_of(path, header)}")
    except UsageError:
        return None


def _split_of(path: Path, header: dict[str, Any]) -> str:
    return _plain_split(header.get("split")) or _plain_split(path.stem) or path.stem


def _plain_split(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    match = INTERLEAVED.fullmatch(value)
    return match.group(2) if match else value


def _not_a_manifest(path: Path, found: str) -> TableError:
    return TableError(
        "The file is not a manifest of Audio Flamingo 1 or 2.",
        where=path,
        expected="an object with data, or interleaved_data, and a header (split, split_path, flamingo_task, total_num)",
        found=found,
        cause="it is for Audio Flamingo 3: audiolect import flamingo-3" if found == "a list" else None,
    )
