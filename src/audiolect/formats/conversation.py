"""Audio Flamingo 3: conversations about sounds, one JSON list for each split.

    [{"id": "1", "sound": "sounds/dog.wav", "duration": 4.0,
      "conversations": [{"from": "human", "value": "<sound>\\nWhat barks?"}, {"from": "gpt", "value": "A dog."}]}]

    import:  one such file, or a folder of them                        →  one dataset
    export:  DST/DATASET-Task/split.json, and DST/audio/… where asked for

One exchange is an example with a prompt and an answer, of the task that the folder ``DATASET-Task`` or ``--task`` says
(else AQA); several are a dialogue. Entries are read by conversation_entries.py, written by conversation_writing.py.

Conventions: a file called ``train.json`` or the like is that split of the dataset that its folder is named after; any
other is a dataset of its own, in the split train. A recording has the id ``DATASET/sound``; an example has the id
``DATASET/split/id`` where every entry of its file has an id of its own, else ``RECORDING#Task``. Sounds are paths below
``--audio-root``, or below the folder of the source; absolute ones are found as flamingo_places.py says.

Public names: read, write.

Source: the README of https://github.com/NVIDIA/audio-flamingo, branch audio_flamingo_3.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import EXAMPLE_SCHEMA
from audiolect.errors import DatasetError, TableError, UsageError
from audiolect.formats.conversation_entries import STANDARD_FORM, read_entries
from audiolect.formats.conversation_ids import entries_table, example_ids, files_table, part_files
from audiolect.formats.conversation_writing import fill_folder
from audiolect.formats.extraction import info_from_card
from audiolect.formats.flamingo_places import find_below
from audiolect.formats.landing import Declared, declared_frame, land
from audiolect.formats.lettering import Lettering, take_letters_off
from audiolect.formats.naming import GATHERED, NO_TEXTS, answers_from, drop_unsafe, numbered_ids, part_splits
from audiolect.formats.request import Exported, ExportRequest, ImportRequest
from audiolect.formats.shipping import CARD_NAME, ship
from audiolect.tasks import TASKS, DatasetKey, get_task, parse_dataset_key

DEFAULT_TASK = "AQA"

_SPLIT_NAMES = ("train", "training", "val", "valid", "validation", "dev", "development", "test", "eval", "evaluation")


@dataclass(frozen=True, slots=True)
class _File:
    """The entries of one file: the columns of ``conversation_entries.SCHEMA``, then path, recording_id and split."""

    path: Path
    label: str
    key: DatasetKey
    table: pl.DataFrame


def read(request: ImportRequest) -> Dataset:
    """Make a dataset of conversations.

    Raises:
        TableError: a file is not a list of conversations.
        UsageError: a task is unknown, or the folder of the audio is not there.
        DatasetError: there are no entries.
        AlreadyExists, TooManyProblems: as ``land``.
    """
    problems: list[Problem] = []
    paths = _find(request.source)
    files = []
    with request.progress("reading", total=len(paths), unit="files") as advance:
        for path in paths:
            base = request.source if request.source.is_dir() else request.source.parent
            label = path.relative_to(base).as_posix()
            files.append(_File(path, label, _key(path, request), read_entries(path, label, problems)))
            advance(1)
    if not any(file.table.height for file in files):
        first = "; ".join(f"{problem.where}: {problem.detail}" for problem in problems[:3])
        raise DatasetError("There is no conversation that can be used.", where=request.source, found=first or "none")
    return land(_declare(files, request, problems), request)


def write(request: ExportRequest) -> Exported:
    """Write conversations; every answer of an example is one."""
    return ship(request, "flamingo-3", fill_folder)


def _find(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    found = [path for path in sorted(source.rglob("*.json")) if path.name != CARD_NAME and path.is_file()]
    if not found:
        raise TableError("There is no JSON file in the folder.", where=source, expected="train.json, val.json, …")
    return found


def _key(path: Path, request: ImportRequest) -> DatasetKey:
    """What a file is, by its place and by what was asked."""
    folder, stem = path.absolute().parent.name, path.stem
    try:
        key = parse_dataset_key(f"{folder}/{stem}")
    except UsageError:
        is_split = stem in _SPLIT_NAMES
        key = DatasetKey(folder if is_split and folder else stem, DEFAULT_TASK, stem if is_split else "train")
    task = get_task(request.task or key.task).name
    return DatasetKey(request.name or key.dataset, task, request.split or key.split)


def _declare(files: Sequence[_File], request: ImportRequest, problems: list[Problem]) -> Declared:
    base, root, below = _places(files, request)
    located = [_locate(file, base, below, problems) for file in files]
    tables = part_splits([file.table for file in located], problems)
    located = [replace(file, table=table) for file, table in zip(located, tables, strict=True)]
    names = ("recording_id", "path", "duration_seconds", "split")
    recordings = pl.concat([table.select(names) for table in tables]).unique(
        "recording_id", keep="first", maintain_order=True
    )
    made = [_examples(file, request, problems) for file in located]
    examples = part_files([table for table, _ in made])
    notes = [
        _note(file, base, below) | {"options": lettering.note()}
        for file, (_, lettering) in zip(files, made, strict=True)
    ]
    datasets = list(dict.fromkeys(file.key.dataset for file in located))
    name = request.name or (datasets[0] if len(datasets) == 1 else request.source.absolute().stem)
    return Declared(
        info=info_from_card(request.source, replace(request, name=name)),
        audio_root=root,
        recordings=declared_frame(recordings),
        examples=examples.select(list(EXAMPLE_SCHEMA)),
        problems=problems,
        extra_tables=entries_table(examples) | files_table(examples),
        notes={"layout": "flamingo-3", "files": notes},
    )


def _places(files: Sequence[_File], request: ImportRequest) -> tuple[str, Path, str]:
    """The folder that absolute sounds share ("" where there are none), the audio root, and the one below the other."""
    sounds = pl.concat([file.table["sound"] for file in files])
    absolute = sounds.filter(sounds.str.starts_with("/"))
    base = os.path.commonpath(absolute.str.extract("^(.*)/", 1).unique().to_list()) if len(absolute) else ""
    source = request.source if request.source.is_dir() else request.source.parent
    root = request.audio_root or (Path(base) if base else source)
    if not request.no_audio and not root.is_dir():
        raise UsageError(
            "The folder of the audio is not on this machine.",
            where=files[0].path,
            found=root,
            cause="the file was made on another machine" if request.audio_root is None else None,
            fix="--audio-root FOLDER names where its audio is here",
        )
    root = root.absolute()
    return base, root, find_below(root, base, moved=request.audio_root is not None) if base else ""


def _locate(file: _File, base: str, below: str, problems: list[Problem]) -> _File:
    """The entries with the paths of their sounds below the audio root, and the ids of their recordings."""
    sound = pl.col("sound").str.replace(r"^(\./+)+", "").str.replace_all("//+", "/")
    inner = sound.str.strip_prefix(f"{base}/") if base else sound
    prefix = pl.when(sound.str.starts_with("/")).then(pl.lit(f"{below}/" if below else "")).otherwise(pl.lit(""))
    table = file.table.with_columns(path=prefix + inner, inner=inner, split=pl.lit(file.key.split))
    table = drop_unsafe(table, "path", file.label, problems)
    return replace(file, table=table.with_columns(recording_id=pl.lit(f"{file.key.dataset}/") + pl.col("inner")))


def _examples(file: _File, request: ImportRequest, problems: list[Problem]) -> tuple[pl.DataFrame, Lettering]:
    """EXAMPLE_SCHEMA, then dataset, key, file, numbers and ids: which entries of which file an example was made of."""
    key, family = file.key, TASKS[file.key.task].family
    one = pl.col("turns").list.len() == 1
    first = pl.col("turns").list.first()
    has_ids = _ids(file.table) is not None
    rows = file.table.select(
        "recording_id",
        "turns",
        prompt=pl.when(one).then(first.struct.field("user")).otherwise(pl.lit("")),
        output=pl.when(one).then(first.struct.field("assistant")).otherwise(pl.lit("")),
        task=pl.when(one).then(pl.lit(key.task)).otherwise(pl.lit("Dialog")),
        numbers="number",
        ids=pl.col("id") if has_ids else pl.lit(None, dtype=pl.String),
    )
    # What is not gathered is a group of its own.
    alone = pl.lit(value=True) if family not in GATHERED or request.separate else pl.col("task") == "Dialog"
    rows = rows.with_columns(alone=pl.when(alone).then("numbers"))
    rows = rows.group_by("recording_id", "prompt", "task", "alone", maintain_order=True).agg(
        pl.col("turns").first(), answers="output", numbers="numbers", ids="ids"
    )
    if family == "labels":
        rows = rows.with_columns(answers=pl.col("answers").list.first()).with_columns(
            answers=answers_from("answers", key.task)
        )
    is_dialogue = pl.col("task") == "Dialog"
    no_turns = pl.lit([], dtype=EXAMPLE_SCHEMA["turns"])
    rows = rows.with_columns(
        answers=pl.when(is_dialogue).then(NO_TEXTS).otherwise("answers"),
        turns=pl.when(is_dialogue).then("turns").otherwise(no_turns),
    )
    rows, lettering = take_letters_off(rows, family, file.label, problems)
    ids = example_ids(rows["ids"].list.first(), key) if has_ids else numbered_ids(rows["recording_id"], key.task)
    columns = [*EXAMPLE_SCHEMA, "dataset", "key", "file", "numbers", "ids"]
    told = rows.with_columns(
        ids,
        split=pl.lit(key.split),
        shots=NO_TEXTS,
        dataset=pl.lit(key.dataset),
        key=pl.lit(str(key)),
        file=pl.lit(file.label),
    )
    return told.select(columns), lettering


def _ids(table: pl.DataFrame) -> str | None:
    """Whether the ids of a file can stand in the ids of examples: numbers, texts, or not."""
    if not table.height or table["id"].null_count() or table["id"].n_unique() < table.height:
        return None
    numbers = table["id_is_number"]
    return "numbers" if numbers.all() else None if numbers.any() else "texts"


def _note(file: _File, base: str, below: str) -> dict[str, Any]:
    forms = file.table["form"].unique()
    return {
        "file": file.label,
        "key": str(file.key),
        "form": forms[0] if len(forms) == 1 and forms[0] is not None else STANDARD_FORM,
        "ids": _ids(file.table),
        "dialogues": bool((file.table["turns"].list.len() > 1).any()),
        "states_duration": not file.table["duration_seconds"].null_count(),
        "base": base,
        "below": str(PurePosixPath(below)) if below else "",
    }
