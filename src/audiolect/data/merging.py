"""Datasets made of datasets: a part written to a folder of its own, several merged into one.

Conventions: audio is never copied; the new dataset points to where it is. Where it came from stands on its card, in
``notes["made_from"]``: name, folder, fingerprints and command of each source. Splits, groups and ids stay as they are.
What a check has found out about the audio comes along (``check_state.carry_facts``), so that nothing is decoded again;
so do the entries of the quarantine list that still apply.

Public names: save_as, merge_datasets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.data.check_state import carry_facts
from audiolect.data.dataset import Dataset, open_dataset, read_problems, read_table, save_dataset
from audiolect.data.quarantine import carry_quarantine
from audiolect.errors import DatasetError, UsageError
from audiolect.storage import atomic_folder

_SHOWN = 5


def save_as(
    dataset: Dataset,
    out: str | Path,
    *,
    name: str | None = None,
    command: str = "",
    notes: Mapping[str, Any] | None = None,
    tables: Mapping[str, pl.DataFrame] | None = None,
    overwrite: bool = False,
) -> Dataset:
    """Write a dataset, usually a filtered one, to a folder of its own, with its problems and extra tables.

    Args:
        out: the new folder.
        name: of the new dataset; None: as it was.
        command: the command line that makes it.
        notes: more for the card, over what stands there.
        tables: extra tables, beside those of the dataset or in their place.

    Raises:
        AlreadyExists: ``out`` exists and ``overwrite`` is not given.
        DatasetError: ``out`` is the folder that the rows or the audio are read from.
    """
    _check_apart(out, [dataset])
    card = dataset.card
    with atomic_folder(out, overwrite=overwrite) as folder:
        made = save_dataset(
            folder,
            name=name or card.name,
            corpus_version=card.corpus_version,
            license=card.license,
            citation=card.citation,
            audio_root=dataset.audio_root,
            recordings=dataset.recordings,
            examples=dataset.examples,
            num_expected=card.coverage.expected,
            command=command,
            problems=read_problems(dataset),
            extra_tables={table: read_table(dataset, table) for table in card.extra_tables} | dict(tables or {}),
            notes={**card.notes, **(notes or {}), "made_from": [_source(dataset)]},
        )
        _carry([dataset], made)
    return open_dataset(out)


def merge_datasets(
    datasets: Sequence[Dataset], out: str | Path, *, name: str, command: str = "", overwrite: bool = False
) -> Dataset:
    """Write several datasets as one.

    The audio root becomes the deepest folder that holds all of theirs, and paths begin there. A recording or example
    that stands in several with the same values is kept once. Licences, citations and versions are named together.

    Args:
        datasets: in this order.
        out: the new folder.
        name: of the new dataset.
        command: the command line that makes it.

    Raises:
        UsageError: there are no datasets.
        DatasetError: an id stands for different things in two of them, or there is no folder above all their audio.
        AlreadyExists: ``out`` exists and ``overwrite`` is not given.
    """
    if not datasets:
        raise UsageError("There are no datasets to merge.", expected="one or more")
    _check_apart(out, datasets)
    root = _common_root(datasets)
    merged = _merged_tables(datasets, root)
    cards = [dataset.card for dataset in datasets]
    expected = [card.coverage.expected for card in cards]
    with atomic_folder(out, overwrite=overwrite) as folder:
        made = save_dataset(
            folder,
            name=name,
            corpus_version=" + ".join(f"{card.name} {card.corpus_version}".strip() for card in cards),
            license=_together((card.license for card in cards), "; "),
            citation=_together((card.citation for card in cards), "\n"),
            audio_root=root,
            recordings=merged.recordings,
            examples=merged.examples,
            # Of corpora that share recordings, how many there should be together is not known.
            num_expected=None if merged.num_shared or None in expected else sum(n for n in expected if n is not None),
            command=command,
            problems=list(dict.fromkeys(problem for dataset in datasets for problem in read_problems(dataset))),
            extra_tables=merged.extra_tables,
            notes={"made_from": [_source(dataset) for dataset in datasets]},
        )
        _carry(datasets, made)
    return open_dataset(out)


@dataclass(frozen=True, slots=True)
class _Merged:
    recordings: pl.DataFrame
    examples: pl.DataFrame
    extra_tables: dict[str, pl.DataFrame]
    num_shared: int


def _merged_tables(datasets: Sequence[Dataset], root: Path) -> _Merged:
    first = datasets[0]
    recordings, examples = _rebased(first, root), first.examples
    tables = {name: read_table(first, name) for name in first.card.extra_tables}
    num_shared = 0
    for dataset in datasets[1:]:
        more = _rebased(dataset, root)
        new = _new_rows(recordings, more, "recording_id", dataset)
        for name in dataset.card.extra_tables:
            table = read_table(dataset, name)
            if name in tables:
                # What is said of a recording that both hold is said already.
                keep = new if "recording_id" in table.columns else None
                table = table if keep is None else table.join(keep, on="recording_id", how="semi")
                table = _stacked(tables[name], table, name, dataset)
            tables[name] = table
        num_shared += more.height - new.height
        examples = pl.concat([examples, _new_rows(examples, dataset.examples, "example_id", dataset)])
        recordings = pl.concat([recordings, new])
    return _Merged(recordings, examples, tables, num_shared)


def _rebased(dataset: Dataset, root: Path) -> pl.DataFrame:
    """The recordings, with paths that begin at ``root``, a folder above the dataset's own root."""
    prefix = PurePosixPath(dataset.audio_root.relative_to(root).as_posix())
    if prefix == PurePosixPath():
        return dataset.recordings
    return dataset.recordings.with_columns(path=pl.concat_str(pl.lit(f"{prefix}/"), "path"))


def _new_rows(known: pl.DataFrame, more: pl.DataFrame, key: str, dataset: Dataset) -> pl.DataFrame:
    """The rows of ``more`` whose ids are not known. Those that are must have the same values.

    Raises:
        DatasetError: an id stands for something else.
    """
    shared = known.join(more, on=key, how="inner", suffix=":more", maintain_order="left")
    names = [name for name in known.columns if name != key]
    equal = shared.select(pl.col(name).eq_missing(pl.col(f"{name}:more")) for name in names)
    differing = [name for name in names if not equal[name].all()]
    if differing:
        rows = ~equal.select(pl.all_horizontal(pl.all())).to_series()
        clashes = shared.filter(rows)
        first = clashes.row(0, named=True)
        column = next(name for name in differing if first[name] != first[f"{name}:more"])
        raise DatasetError(
            f"{clashes.height} ids stand for different things in the datasets that are merged.",
            where=f"{dataset.folder}, column {key}",
            expected=f"other ids, or the same values; of {first[key]} the {column} was {first[column]!r}",
            found=f"{column} {first[f'{column}:more']!r}; differing columns: {', '.join(differing)}; "
            f"first ids: {', '.join(clashes[key].head(_SHOWN))}",
            cause="two corpora have the same name, or one corpus was prepared twice in different ways",
            fix="prepare one of them under another name, or leave the shared ids out of one with a filter",
        )
    return more.join(known.select(key), on=key, how="anti", maintain_order="left")


def _stacked(first: pl.DataFrame, second: pl.DataFrame, name: str, dataset: Dataset) -> pl.DataFrame:
    if first.schema != second.schema:
        raise DatasetError(
            f"The extra tables named {name} have different columns.",
            where=dataset.folder / f"{name}.parquet",
            expected=", ".join(f"{column} {dtype}" for column, dtype in first.schema.items()),
            found=", ".join(f"{column} {dtype}" for column, dtype in second.schema.items()),
        )
    return pl.concat([first, second])


def _common_root(datasets: Sequence[Dataset]) -> Path:
    try:
        return Path(os.path.commonpath([dataset.audio_root for dataset in datasets]))
    except ValueError:
        raise DatasetError(
            "There is no folder above the audio of all datasets.",
            expected="audio on one drive",
            found=", ".join(str(dataset.audio_root) for dataset in datasets),
        ) from None


def _check_apart(out: str | Path, datasets: Sequence[Dataset]) -> None:
    """Refuse an output folder whose replacement would take the sources or their audio away."""
    target = Path(os.path.realpath(out))
    for dataset in datasets:
        for source in (dataset.folder, dataset.audio_root):
            if Path(os.path.realpath(source)).is_relative_to(target):
                raise DatasetError(
                    "A dataset cannot be written over the folder that it is made from.",
                    where=out,
                    found=f"{source} is in it",
                    fix="give another --out",
                )


def _together(texts: Any, between: str) -> str:
    return between.join(dict.fromkeys(text for text in texts if text))


def _carry(sources: Sequence[Dataset], made: Dataset) -> None:
    carry_facts(sources, made)
    carry_quarantine(sources, made)


def _source(dataset: Dataset) -> dict[str, Any]:
    card = dataset.card
    return {
        "name": card.name,
        "folder": str(dataset.folder.absolute()),
        "license": card.license,
        "fingerprint": card.fingerprint,
        "examples_fingerprint": card.examples_fingerprint,
        "command": card.command,
    }
