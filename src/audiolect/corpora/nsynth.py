"""NSynth: 305,979 single notes of 4 s from 1,006 instruments.

    nsynth/
      nsynth-train/examples.json  nsynth-valid/examples.json  nsynth-test/examples.json    any of the three
      nsynth-train/audio/NOTE.wav …

A table is an object of NOTE → {instrument_str, instrument_family_str, instrument_source_str, pitch, velocity,
qualities_str, …}.

Conventions: ids are ``nsynth/NOTE``, e.g. ``nsynth/bass_synthetic_068-049-025``; the splits are ``train``, ``valid``,
``test``. Notes of one instrument share ``group``. The published training split shares no instrument with the others,
while ``valid`` and ``test`` share theirs: whoever divides NSynth anew by group gets another division. Names of
families, sources and qualities stay as published (``synth_lead``, ``long_release``). The labels of a recording are its
family and its source. Four examples for each note:

    InstrClassification: its family.
    SourceClassification: its source.
    QualityClassification: its qualities; none where it has none.
    MIR: all of it as one text of fields (``mir_answer``), which can be taken apart at "; " and ": ". The text of Audio
        Flamingo for this task is not published; this one is ours.

The table ``notes`` keeps instrument, pitch (a MIDI number) and velocity.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, FAMILIES, SOURCES, MIR_PROMPT, mir_answer, declare,
prepare.

Source: J. Engel et al., "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", ICML 2017.
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
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS

NAME = "nsynth"
VERSION = "1.0"
LICENSE = "CC BY 4.0"
CITATION = "J. Engel et al., Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders, ICML 2017"
URLS = ("https://magenta.tensorflow.org/datasets/nsynth",)

SIZES = {"train": 289205, "valid": 12678, "test": 4096}
FAMILIES = (
    *("bass", "brass", "flute", "guitar", "keyboard", "mallet"),
    *("organ", "reed", "string", "synth_lead", "vocal"),
)
SOURCES = ("acoustic", "electronic", "synthetic")
MIR_PROMPT = "what are the instrument, source, pitch, velocity and qualities of this note?"

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(4, 16_000)
_COLUMNS = (
    *("instrument_str", "instrument_family_str", "instrument_source_str"),
    *("pitch", "velocity", "qualities_str"),
)
_LAYOUT = TableLayout(key_column="note_name")
_HIGHEST_MIDI = 127


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with splits of NSynth.

    Raises:
        TableError: no table is there, or one cannot be read or lacks a key.
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
        folders=lambda draft: (f"nsynth-{draft.split}",),
    )


def declare(source: Path) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    found = {split: find_file(source, ("examples.json",), (f"nsynth-{split}", split)) for split in SIZES}
    if all(path is None for path in found.values()):
        raise wrong_layout(
            "NSynth",
            source,
            expected="at least one of the three splits",
            looked_for=[f"nsynth-{split}/examples.json" for split in SIZES],
            url=URLS[0],
        )
    absent = [split for split, path in found.items() if path is None]
    declared = Declared(notes={"url": URLS[0], "splits_without_table": absent})
    notes: list[tuple[str, str, int, int]] = []
    for split, path in found.items():
        if path is None:
            continue
        table = read_table(path, _LAYOUT, needed=("note_name", *_COLUMNS), name=relative_name(path, source))
        declared.problems.extend(table.problems)
        for row in table.rows():
            problem = _unusable(row, declared)
            if problem is not None:
                declared.problems.append(problem)
                continue
            one = _declare_one(row, split, declared)
            notes.append((one, row["instrument_str"], row["pitch"], row["velocity"]))
    schema: dict[str, Any] = {
        "recording_id": pl.String,
        "instrument": pl.String,
        "pitch": pl.Int16,
        "velocity": pl.Int16,
    }
    declared.tables["notes"] = pl.DataFrame(notes, schema=schema, orient="row")
    return declared


def mir_answer(family: str, origin: str, pitch: int, velocity: int, qualities: tuple[str, ...]) -> str:
    """All that is known of a note as one text; qualities are left out where there are none."""
    fields = [f"instrument: {family}", f"source: {origin}", f"pitch: {pitch}", f"velocity: {velocity}"]
    return "; ".join([*fields, f"qualities: {', '.join(qualities)}"] if qualities else fields)


def _unusable(row: Row, declared: Declared) -> Problem | None:
    """What makes a note unusable, if anything does."""
    name = row["note_name"]
    if f"{NAME}/{name}" in declared.names:
        return Problem("duplicate-id", row.where, f"{NAME}/{name} stands above already")
    if not isinstance(row["instrument_str"], str) or not row["instrument_str"]:
        return Problem("missing-value", row.where, f"instrument_str of {name}")
    for column, known in (("instrument_family_str", FAMILIES), ("instrument_source_str", SOURCES)):
        if row[column] not in known:
            return Problem("unknown-label", row.where, f"{column} of {name}: {row[column]!r}")
    for column in ("pitch", "velocity"):
        value = row[column]
        if type(value) is not int or not 0 <= value <= _HIGHEST_MIDI:
            return Problem("bad-value", row.where, f"{column} of {name}: 0 to 127 was expected, {value!r} was found")
    qualities = row["qualities_str"]
    if not isinstance(qualities, list) or not all(isinstance(one, str) and one for one in qualities):
        return Problem("bad-value", row.where, f"qualities_str of {name}: a list of texts was expected")
    return None


def _declare_one(row: Row, split: str, declared: Declared) -> str:
    name, family, origin = row["note_name"], row["instrument_family_str"], row["instrument_source_str"]
    one, qualities = f"{NAME}/{name}", tuple(row["qualities_str"])
    declared.drafts.append(
        Draft(
            one,
            f"nsynth-{split}/audio/{name}.wav",
            group=f"{NAME}:{row['instrument_str']}",
            split=split,
            labels=(family, origin),
        )
    )
    declared.names[one] = (name,)
    answers = {
        "InstrClassification": (family,),
        "SourceClassification": (origin,),
        "QualityClassification": qualities,
        "MIR": (mir_answer(family, origin, row["pitch"], row["velocity"], qualities),),
    }
    for task, texts in answers.items():
        if texts:
            prompt = MIR_PROMPT if task == "MIR" else TASKS[task].prompts[0]
            declared.examples.append(Example(f"{one}#{task}", one, split, task, prompt, texts))
    return one
