"""Names that a reader gives: paths that stay below the audio root, ids that differ, answers from outputs.

Conventions: an example has the id ``RECORDING#NAME``, and ``RECORDING#NAME-2`` for the second one of a recording. A
recording stands in one split: a file that a source has in several is a recording of its own in each, with the plain id
in the first of train, val, test (then by name) and ``…~split`` in the others; each is listed.

Public names: drop_unsafe, part_splits, numbered_ids, answers_from, NO_TEXTS, GATHERED.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from audiolect.data.problems import Problem
from audiolect.tasks import TASKS

NO_TEXTS = pl.lit([], dtype=pl.List(pl.String()))

# Families whose outputs to one prompt are alternatives: references, or accepted answers.
GATHERED = frozenset({"caption", "keywords", "question"})

_LABEL_SEPARATOR = ", "
_SPLIT_ORDER = {"train": 0, "val": 1, "test": 2}
# The rules of ``storage.safe_join`` on a column; symbolic links are looked at when a file is opened.
_UNSAFE = r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00|^$"


def drop_unsafe(table: pl.DataFrame, column: str, label: str, problems: list[Problem]) -> pl.DataFrame:
    """The rows whose path stays below its root; the others are listed as ``LABEL: number``."""
    unsafe = table[column].str.contains(_UNSAFE)
    if not unsafe.any():
        return table
    for number, path in table.filter(unsafe).select("number", column).iter_rows():
        detail = f"{path!r} is not a path below the folder of the audio"
        problems.append(Problem("unsafe-path", f"{label}: {number}", detail))
    return table.filter(~unsafe)


def part_splits(tables: Sequence[pl.DataFrame], problems: list[Problem]) -> list[pl.DataFrame]:
    """The tables, with ids of their own for recordings that stand in several splits.

    Args:
        tables: with the columns recording_id and split; each of one split.
        problems: where such recordings are listed.
    """
    if pl.concat([table.select("split").head(1) for table in tables]).n_unique() < 2:
        return list(tables)
    pairs = pl.concat([table.select("recording_id", "split") for table in tables]).unique(maintain_order=True)
    twice = pairs.filter(pl.col("recording_id").is_duplicated())
    if twice.is_empty():
        return list(tables)
    rank = pl.col("split").replace_strict(_SPLIT_ORDER, default=len(_SPLIT_ORDER))
    first = twice.sort(rank, "split", maintain_order=True).unique("recording_id", keep="first", maintain_order=True)
    parted = twice.join(first.rename({"split": "home"}), on="recording_id", maintain_order="left")
    parted = parted.filter(pl.col("split") != pl.col("home"))
    for recording_id, split, home in parted.iter_rows():
        detail = f"the file stands in {home} and in {split}; there the recording is {recording_id}~{split}"
        problems.append(Problem("duplicate-path", recording_id, detail, "warning"))
    return [_with_ids(table, parted) for table in tables]


def _with_ids(table: pl.DataFrame, parted: pl.DataFrame) -> pl.DataFrame:
    foreign = parted.select("recording_id", "split", mark=pl.lit("~") + pl.col("split"))
    marked = table.join(foreign, on=["recording_id", "split"], how="left", maintain_order="left")
    return marked.with_columns(pl.col("recording_id") + pl.col("mark").fill_null("")).drop("mark")


def numbered_ids(recording_ids: pl.Series, name: str) -> pl.Series:
    """The ids of examples of one kind, from the ids of their recordings."""
    plain = recording_ids + f"#{name}"
    if recording_ids.n_unique() == len(recording_ids):
        return plain.alias("example_id")
    frame = pl.DataFrame({"recording": recording_ids, "example_id": plain})
    count = pl.int_range(pl.len()).over("recording") + 1
    suffix = pl.when(count > 1).then(pl.format("-{}", count)).otherwise(pl.lit(""))
    return frame.select(pl.col("example_id") + suffix).to_series()


def answers_from(output: str, task: str) -> pl.Expr:
    """The answers of an example from the one text that it should bring forth: several labels are cut at ", "."""
    if TASKS[task].family == "labels":
        return pl.col(output).str.split(_LABEL_SEPARATOR)
    return pl.concat_list(output)
