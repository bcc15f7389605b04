"""What a layout has no place for, counted, so that an export never loses a column in silence.

    left_out(recordings, examples, keeps={"labels", "prompt"}, …)   →   {"source_id of recordings": 400, …}

Conventions: counted are the values that are there: not null, not an empty list, not an empty text. What reading makes
anew from the audio (lengths, codec, hashes) is not counted. Of prompts, those count that reading would not put there by
itself: all but the first of their task.

Public names: left_out, RECORDING_FACTS, EXAMPLE_FACTS.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from audiolect.tasks import TASKS

RECORDING_FACTS = ("source_id", "parent_id", "group", "fold", "labels", "title", "license")
EXAMPLE_FACTS = ("prompt", "options", "turns", "shots")


def left_out(
    recordings: pl.DataFrame,
    examples: pl.DataFrame,
    *,
    keeps: Collection[str] = (),
    tables: Mapping[str, int] | None = None,
    uses: Collection[str] = (),
) -> dict[str, int]:
    """What of a dataset does not get into a layout.

    Args:
        recordings: those that are written.
        examples: those that are written.
        keeps: the columns that have a place there, of RECORDING_FACTS and EXAMPLE_FACTS.
        tables: the extra tables of the dataset, with their rows.
        uses: those of them that have a place there.

    Returns:
        what → how many; only what there is.
    """
    counts = {f"{name} of recordings": _count(recordings[name]) for name in RECORDING_FACTS if name not in keeps}
    counts |= {f"{name} of examples": _count(examples[name]) for name in EXAMPLE_FACTS[1:] if name not in keeps}
    if "prompt" not in keeps:
        usual = {name: next(iter(task.prompts), "") for name, task in TASKS.items()}
        own = examples["prompt"] != examples["task"].replace_strict(usual, default="", return_dtype=pl.String)
        counts["prompts that are not the first of their task"] = int(own.sum())
    counts |= {f"rows of {name}.parquet": rows for name, rows in (tables or {}).items() if name not in uses}
    return {what: count for what, count in counts.items() if count}


def _count(column: pl.Series) -> int:
    if isinstance(column.dtype, pl.List):
        return int((column.list.len() > 0).sum())
    told = column.drop_nulls()
    return int((told != "").sum()) if told.dtype == pl.String else len(told)
