"""Manifests of Audio Flamingo → the two tables of a dataset, column by column.

Conventions: a recording has the id ``DATASET/split_path/name``, and ``…@START`` or ``…@START-END`` (seconds) where it
is a part of its file. An example has the id ``RECORDING#Task`` with the task as the manifest writes it, and
``RECORDING#Task-2`` for the second one. Entries that ask the same of one recording become one example with all their
outputs as answers, in the families of GATHERED; not where in-context manifests point at single entries.

Options that stand behind a question become ``options``, as lettering.py says. Of two lengths for one recording the
first counts. Outputs of several labels are cut at ", "; the full stop that ends them all in some manifests is taken
off, and noted, so that it can be put back.

Public names: declare_manifests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo
from audiolect.data.problems import Problem
from audiolect.data.records import EXAMPLE_SCHEMA, no_turns
from audiolect.formats.extraction import info_from_card
from audiolect.formats.flamingo_manifest import Manifest
from audiolect.formats.flamingo_places import Place, find_places
from audiolect.formats.flamingo_shots import attach_shots
from audiolect.formats.landing import Declared, declared_frame
from audiolect.formats.lettering import Lettering, take_letters_off
from audiolect.formats.naming import GATHERED, NO_TEXTS, answers_from, drop_unsafe, numbered_ids, part_splits
from audiolect.formats.request import ImportRequest
from audiolect.tasks import TASKS


@dataclass(frozen=True, slots=True)
class _Entries:
    """The entries of one manifest with path, recording_id and split, and whether they are gathered."""

    manifest: Manifest
    place: Place
    table: pl.DataFrame
    gathers: bool
    ends_in_stop: bool


def declare_manifests(manifests: Sequence[Manifest], request: ImportRequest) -> Declared:
    """The tables that the manifests declare.

    Raises:
        UsageError, TableError: the folder of the audio is not told, or is not there.
    """
    audio_root, places = find_places(manifests, request)
    problems: list[Problem] = [problem for manifest in manifests for problem in manifest.problems]
    plain = [manifest for manifest in manifests if manifest.interleaved is None]
    shots = [manifest for manifest in manifests if manifest.interleaved is not None]
    with_shots = {(manifest.key.dataset, manifest.key.task) for manifest in shots}
    read = []
    for manifest in plain:
        key = (manifest.key.dataset, manifest.key.task)
        separate = key in with_shots if request.separate is None else request.separate
        read.append(_locate_entries(manifest, places[manifest.label], separate, problems))
    tables = part_splits([entries.table for entries in read], problems)
    read = [replace(entries, table=table) for entries, table in zip(read, tables, strict=True)]
    notes = [_note(entries) for entries in read] + [_shot_note(manifest) for manifest in shots]
    recordings = _recordings(read)
    examples, numbers, letterings = _examples(read, problems)
    for note, lettering in zip(notes, letterings, strict=False):
        note["options"] = lettering.note()
    if shots:
        examples = attach_shots(shots, examples, numbers, problems, refused=request.separate is False)
    return Declared(
        info=_info(manifests, request),
        audio_root=audio_root,
        recordings=recordings,
        examples=examples.select(list(EXAMPLE_SCHEMA)),
        problems=problems,
        extra_tables=_order_table(numbers),
        notes={"layout": "flamingo", "manifests": notes},
    )


def _info(manifests: Sequence[Manifest], request: ImportRequest) -> CorpusInfo:
    names = list(dict.fromkeys(manifest.key.dataset for manifest in manifests))
    name = request.name or (names[0] if len(names) == 1 else request.source.absolute().stem)
    return info_from_card(request.source, replace(request, name=name))


def _locate_entries(manifest: Manifest, place: Place, separate: bool, problems: list[Problem]) -> _Entries:
    """The entries with their paths and the ids of their recordings; those whose path leads away are left out."""
    name = pl.col("name").str.replace(r"^(\./+)+", "").str.replace_all("//+", "/")
    if place.absolute:
        name = name.str.strip_prefix(f"{place.absolute}/")
    table = manifest.table.with_columns(name.alias("name"))
    has_parts = bool((table["start_seconds"] > 0).any())
    start, length = pl.col("start_seconds"), pl.col("duration_seconds")
    # Of a file that is told in parts, the entry that begins with it is a part too, if it says where it ends.
    begins = (start == 0) & length.is_not_null() & (start.max().over("name") > 0)
    is_part = ((start > 0) | begins).fill_null(value=False) if has_parts else pl.lit(value=False)
    table = drop_unsafe(table, "name", manifest.label, problems)
    family = TASKS[manifest.task].family
    outputs = table["output"]
    ends_in_stop = family == "labels" and table.height > 0 and bool(outputs.str.ends_with(".").all())
    span = (
        pl.when(is_part & length.is_not_null())
        .then(pl.format("@{}-{}", _plain_number(start), _plain_number(start + length)))
        .when(is_part)
        .then(pl.format("@{}", _plain_number(start)))
        .otherwise(pl.lit(""))
        if has_parts
        else pl.lit("")
    )
    table = table.select(
        "number",
        "prompt",
        "turns",
        pl.col("output").str.strip_suffix(".") if ends_in_stop else pl.col("output"),
        pl.when(is_part).then(start).alias("start_seconds"),
        pl.when(is_part).then(start + length).alias("end_seconds"),
        pl.when(~is_part).then(length).alias("duration_seconds"),
        pl.lit(manifest.key.split).alias("split"),
        path=pl.lit(place.prefix) + pl.col("name"),
        recording_id=pl.lit(f"{manifest.key.dataset}/{place.inner}") + pl.col("name") + span,
    )
    return _Entries(manifest, place, table, family in GATHERED and not separate, ends_in_stop)


def _plain_number(seconds: pl.Expr) -> pl.Expr:
    """Seconds as a text without needless zeros."""
    return seconds.round(6).cast(pl.String).str.strip_suffix(".0")


def _recordings(read: Sequence[_Entries]) -> pl.DataFrame:
    names = ("recording_id", "path", "start_seconds", "end_seconds", "duration_seconds", "split")
    parts = [entries.table.select(names).unique("recording_id", keep="first", maintain_order=True) for entries in read]
    together = pl.concat(parts)
    if len(parts) > 1:
        together = together.unique("recording_id", keep="first", maintain_order=True)
    return declared_frame(together)


def _examples(read: Sequence[_Entries], problems: list[Problem]) -> tuple[pl.DataFrame, pl.DataFrame, list[Lettering]]:
    """The examples; which entries each was made of: (key, example_id, numbers); how each manifest writes options."""
    parts, letterings = [], []
    for entries in read:
        part, lettering = _examples_of(entries, problems)
        parts.append(part)
        letterings.append(lettering)
    examples = pl.concat(parts)
    numbers = examples.select("key", "example_id", "numbers")
    return examples.drop("key", "numbers"), numbers, letterings


def _examples_of(entries: _Entries, problems: list[Problem]) -> tuple[pl.DataFrame, Lettering]:
    manifest, table = entries.manifest, entries.table
    asked = table.select("recording_id", "prompt")
    if entries.gathers and asked.n_unique() < table.height:
        alike = table.group_by("recording_id", "prompt", maintain_order=True)
        rows = alike.agg(answers=pl.col("output"), numbers=pl.col("number"))
        rows = rows.with_columns(no_turns(rows.height))
    else:
        answers = pl.when(pl.col("turns").list.len() == 0).then(answers_from("output", manifest.task))
        rows = table.select(
            "recording_id", "prompt", "turns", answers=answers.otherwise(NO_TEXTS), numbers=pl.concat_list("number")
        )
    rows, lettering = take_letters_off(rows, TASKS[manifest.task].family, manifest.label, problems)
    examples = rows.select(
        numbered_ids(rows["recording_id"], manifest.key.task),
        "recording_id",
        pl.lit(manifest.key.split).alias("split"),
        pl.lit(manifest.task).alias("task"),
        "prompt",
        "answers",
        "options",
        "turns",
        NO_TEXTS.alias("shots"),
        pl.lit(str(manifest.key)).alias("key"),
        "numbers",
    )
    return examples, lettering


def _order_table(numbers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The numbers of the entries of each example, where the order of the tables does not tell them."""
    flat = numbers.select("key", "numbers").explode("numbers")
    falls = (flat["numbers"] < flat["numbers"].shift(1)) & (flat["key"] == flat["key"].shift(1))
    return {"entries": numbers.select("example_id", "numbers")} if falls.any() else {}


def _note(entries: _Entries) -> dict[str, Any]:
    manifest = entries.manifest
    return {
        "key": str(manifest.key),
        "dataset_path": manifest.dataset_path,
        "split_path": manifest.split_path,
        "prefix": entries.place.prefix,
        "inner": entries.place.inner,
        "states_start": manifest.states_start,
        "ends_in_stop": entries.ends_in_stop,
    }


def _shot_note(manifest: Manifest) -> dict[str, Any]:
    return {"key": str(manifest.key), "interleaved": manifest.interleaved}
