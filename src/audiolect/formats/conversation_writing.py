"""The tables of a dataset → conversations of Audio Flamingo 3.

    DST/card.json
    DST/Clotho-AQA-AQA/train.json
    DST/audio/…                          where audio is copied or linked

Conventions: the dataset of an example is the first part of its recording's id. Every answer of an example is an entry
of its own, with the ids of conversation_ids.py; a dialogue is one entry. Several labels are joined by ", ", the options
of a question stand behind it as lettering.py says. Sounds are absolute paths, unless the source of the
dataset had relative ones. A part of a file has no place here while audio stays where it is; where audio is copied or
linked it is cut out. What was imported goes back into a file of the same name.

Public names: fill_folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.dataset import read_table
from audiolect.data.problems import Problem
from audiolect.errors import DatasetError
from audiolect.formats.conversation_entries import STANDARD_FORM
from audiolect.formats.conversation_ids import ENTRIES, FILES, entry_ids
from audiolect.formats.flamingo_rows import outputs_of, unplaced, with_recordings
from audiolect.formats.lettering import Lettering, put_letters_on
from audiolect.formats.linking import AudioPlan, plan_audio
from audiolect.formats.request import Exported
from audiolect.formats.shipping import Cargo
from audiolect.storage import atomic_path, safe_join
from audiolect.tasks import parse_dataset_key

_COLUMNS = ("id", "prompt", "outputs", "options", "turns", "path", "num_samples", "sample_rate_hz")


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the entries of one file are written."""

    form: str = STANDARD_FORM
    ids: str | None = "texts"
    states_duration: bool = True
    relative: bool = False
    options: Lettering = field(default_factory=Lettering)


def fill_folder(folder: Path, cargo: Cargo) -> Exported:
    """Write every file of the dataset, and bring its audio along where that is asked for.

    Raises:
        DatasetError: nothing of the dataset has a place in this format, or its audio is missing.
    """
    recordings, examples = cargo.dataset.recordings, cargo.dataset.examples
    problems: list[Problem] = []
    num_audio = 0
    if cargo.request.audio is not None:
        recordings, examples, problems = cargo.present()
        plan = plan_audio(recordings, cargo.dataset.audio_path, cargo.request.progress, jobs=cargo.request.jobs)
        problems += plan.problems
        targets = {recording_id: safe_join(folder, f"audio/{name}") for recording_id, name in plan.names.items()}
        num_audio = cargo.place_each(recordings, plan, targets)
        recordings = _with_own_files(recordings, plan)
        examples = examples.join(recordings, on="recording_id", how="semi", maintain_order="left")
    table, left_out = with_recordings(recordings, examples, cargo.dataset.card.name)
    parts = "examples of parts of files (with --copy or --link they are cut out)"
    left_out |= {parts: int(table["is_part"].sum())}
    table = table.filter(~pl.col("is_part"))
    left_out |= unplaced(recordings, table, cargo.dataset.card, keeps=("prompt", "options", "turns"))
    if table.is_empty():
        found = ", ".join(f"{what}: {n}" for what, n in left_out.items() if n) or "no examples"
        raise DatasetError("No example has a place in these files.", where=cargo.dataset.folder, found=found)
    files: dict[str, int] = {}
    for (file,), part in _with_files(table, cargo).group_by(["file"], maintain_order=True):
        files[str(file)] = _write(safe_join(folder, str(file)), _entries(part, _shape(cargo, str(file)), cargo))
    return Exported(folder, files, num_audio, {what: n for what, n in left_out.items() if n}, tuple(problems))


def _with_own_files(recordings: pl.DataFrame, plan: AudioPlan) -> pl.DataFrame:
    """The recordings that have a file of their own now, each all of it."""
    columns = {"recording_id": list(plan.names), "path": list(plan.names.values())}
    named = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    own = recordings.drop("path").join(named, on="recording_id", how="inner", maintain_order="left")
    return own.with_columns(start_sample=pl.lit(0, dtype=pl.Int64))


def _with_files(table: pl.DataFrame, cargo: Cargo) -> pl.DataFrame:
    """With the column ``file``: the noted one where the examples came from one, else by dataset, task and split."""
    own = pl.format("{}-{}/{}.json", "dataset", "written", "split")
    keyed = [(note, parse_dataset_key(note["key"])) for note in _notes(cargo)]
    # Files of any task may hold dialogues; one that is called Dialog has the last word.
    for note, key in sorted(keyed, key=lambda pair: pair[1].task == "Dialog"):
        came = (pl.col("dataset") == key.dataset) & (pl.col("split") == key.split)
        came &= pl.col("task").is_in([key.task, "Dialog"] if note.get("dialogues", True) else [key.task])
        own = pl.when(came).then(pl.lit(note["file"])).otherwise(own)
    told = table.with_columns(file=own)
    if not keyed or FILES not in cargo.dataset.card.extra_tables:
        return told
    # An example that has changed its split since goes with the split.
    homes = pl.DataFrame([(note["file"], key.split) for note, key in keyed], schema=["noted", "split"], orient="row")
    noted = read_table(cargo.dataset, FILES).rename({"file": "noted"}).join(homes, on="noted", how="inner")
    joined = told.join(noted, on=["example_id", "split"], how="left", maintain_order="left")
    return joined.with_columns(file=pl.coalesce("noted", "file")).drop("noted")


def _notes(cargo: Cargo) -> list[dict[str, Any]]:
    notes = cargo.dataset.card.notes
    listed = notes.get("files") if notes.get("layout") == "flamingo-3" and not cargo.request.rename_splits else None
    return [note for note in listed if isinstance(note, dict)] if isinstance(listed, list) else []


def _shape(cargo: Cargo, file: str) -> _Shape:
    note = next((note for note in _notes(cargo) if note["file"] == file), None)
    if note is None:
        return _Shape()
    options = Lettering.noted(note.get("options"))
    return _Shape(note["form"], note["ids"], note["states_duration"], relative=not note["base"], options=options)


def _entries(part: pl.DataFrame, shape: _Shape, cargo: Cargo) -> Iterator[dict[str, Any]]:
    root = cargo.dataset.audio_root if cargo.request.audio is None else cargo.out / "audio"
    before = "" if shape.relative and cargo.request.audio is None else f"{root.as_posix()}/"
    rows = _one_for_each_answer(part, cargo)
    for own, prompt, output, options, turns, path, length, rate in rows.select(_COLUMNS).iter_rows():
        entry: dict[str, Any] = {}
        if shape.ids is not None:
            entry["id"] = int(own) if shape.ids == "numbers" and own.isdigit() else own
        entry["sound"] = before + path
        if shape.states_duration:
            entry["duration"] = round(length / rate, 6)
        said = [(turn["user"], turn["assistant"]) for turn in turns]
        if not said:
            said = [put_letters_on(prompt, options, output, shape.options) if options else (prompt, output)]
        entry["conversations"] = _conversation(said, shape.form)
        yield entry


def _one_for_each_answer(part: pl.DataFrame, cargo: Cargo) -> pl.DataFrame:
    """The rows of the entries with their ids, in the order in which they stood where they came from."""
    table = part.with_columns(outputs=outputs_of())
    if _notes(cargo) and ENTRIES in cargo.dataset.card.extra_tables:
        table = table.join(read_table(cargo.dataset, ENTRIES), on="example_id", how="left", maintain_order="left")
        fits = (pl.col("numbers").list.len() == pl.col("outputs").list.len()).fill_null(value=False)
        table = table.with_columns(
            numbers=pl.when(fits).then("numbers").otherwise(pl.col("outputs").list.eval(pl.lit(None, dtype=pl.Int64))),
            ids=pl.when(fits).then("ids").otherwise(pl.col("outputs").list.eval(pl.lit(None, dtype=pl.String))),
        ).explode("outputs", "numbers", "ids")
        if not table["numbers"].null_count():
            table = table.sort("numbers", maintain_order=True)
    else:
        table = table.explode("outputs").with_columns(ids=pl.lit(None, dtype=pl.String))
    return table.with_columns(id=pl.coalesce("ids", entry_ids(table)))


def _conversation(said: list[tuple[str, str]], form: str) -> list[dict[str, str]]:
    speeches = []
    for place, (question, answer) in enumerate(said):
        asked = question if place else _with_placeholder(question, form)
        speeches += [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    return speeches


def _with_placeholder(question: str, form: str) -> str:
    return question + form if form.endswith(">") and form != "<sound>" else form + question


def _write(path: Path, entries: Iterator[dict[str, Any]]) -> int:
    """Write the entries, one on each line, and count them."""
    count = 0
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for entry in entries:
            file.write((",\n " if count else "\n ") + json.dumps(entry, ensure_ascii=False, allow_nan=False))
            count += 1
        file.write("\n]\n")
    return count
