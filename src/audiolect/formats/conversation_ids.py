"""Ids of conversations ↔ ids of examples, so that what is written and read again has the ids that it had.

    "id": "17"                            ↔   DATASET/SPLIT/17           an id of the file's own
    "id": "esc50/1-100-A#AQA"             ↔   esc50/1-100-A#AQA          an id of ours, taken whole
    "id": "17", "17-2", "17-3"            ↔   DATASET/SPLIT/17           three answers of one example

Conventions: an id of ours begins with the dataset. Where an id of an example would stand in two files, those of the
second file have its whole key: ``DATASET-Task/SPLIT/17``. What these rules do not give back (ids of another form, an
order in which answers to one question do not stand together) is kept in the table ``entries``: example_id, numbers of
the entries, ids. Which file an example goes back into is told by its dataset, task and split; where several files share
these (any file may hold dialogues), it is kept in the table ``files``: example_id, file.

Public names: example_ids, part_files, entry_ids, entries_table, files_table, ENTRIES, FILES.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from audiolect.tasks import DatasetKey

ENTRIES = "entries"
FILES = "files"


def example_ids(own: pl.Series, key: DatasetKey) -> pl.Series:
    """The ids of examples, from the ids of their first entries."""
    text = pl.col("id")
    whole = text.str.starts_with(f"{key.dataset}/")
    full = pl.when(whole).then(text).otherwise(pl.lit(f"{key.dataset}/{key.split}/") + text)
    return own.to_frame("id").select(example_id=full).to_series()


def part_files(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The examples of all files, with other ids for those of a file that another one before it has.

    Args:
        tables: with the columns example_id, key and ids; ids once each in each of them.
    """
    together = pl.concat(tables)
    again = ~pl.col("example_id").is_first_distinct()
    first = pl.col("ids").list.first()
    keyed = pl.format("{}/{}", "key", pl.coalesce(first, "example_id"))
    return together.with_columns(example_id=pl.when(again).then(keyed).otherwise("example_id"))


def entry_ids(examples: pl.DataFrame) -> pl.Series:
    """The ids that the entries of examples get by themselves, one row for each answer.

    Args:
        examples: example_id, dataset and split; rows of one example stand together, one for each answer.
    """
    own = pl.col("example_id").str.strip_prefix(pl.format("{}/{}/", "dataset", "split"))
    count = pl.int_range(pl.len()).over("example_id") + 1
    taken = examples["example_id"].unique().implode()
    second = pl.format("{}-{}", "example_id", count)
    # An example may be called like the second answer of another one.
    mark = pl.when(second.is_in(taken).any().over("example_id")).then(pl.lit("~")).otherwise(pl.lit("-"))
    numbered = pl.when(count > 1).then(pl.format("{}{}{}", own, mark, count)).otherwise(own)
    return examples.select(numbered.alias("id")).to_series()


def entries_table(examples: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The table ``entries``, where the ids or the order of the entries cannot be told from the examples.

    Args:
        examples: example_id, key, dataset, split, numbers, and ids (null where those of the file are not used).
    """
    flat = examples.select("example_id", "key", "dataset", "split", "numbers", "ids").explode("numbers", "ids")
    falls = (flat["numbers"] < flat["numbers"].shift(1)) & (flat["key"] == flat["key"].shift(1))
    others = flat["ids"].is_not_null() & (flat["ids"] != entry_ids(flat))
    if not (falls.any() or others.any()):
        return {}
    return {ENTRIES: examples.select("example_id", "numbers", "ids")}


def files_table(examples: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The table ``files``, of those examples whose dataset, split and task stand in several files.

    Args:
        examples: example_id, dataset, split, task and file.
    """
    shared = examples.filter(pl.col("file").n_unique().over("dataset", "split", "task") > 1)
    return {} if shared.is_empty() else {FILES: shared.select("example_id", "file")}
