"""What every generation of Audio Flamingo says of an example, on the way out.

Conventions: the dataset of an example is the first part of its recording's id. Of the columns added, ``written`` is
the task as the manifest that it came from wrote it (``AQA_All`` for AQA), which stands in its id; ``is_part`` says that
the recording is a part of its file, as far as the table can tell: it begins later, or another recording of the file
ends later. Several labels are one text, joined by ", ". Options that letters cannot tell apart are left out.

Public names: SPAN_COLUMNS, with_recordings, unplaced, outputs_of.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from audiolect.data.card import DatasetCard
from audiolect.formats.leavings import left_out
from audiolect.formats.lettering import can_have_letters
from audiolect.formats.naming import NO_TEXTS
from audiolect.tasks import ALIASES, TASKS

SPAN_COLUMNS = ("path", "start_sample", "num_samples", "sample_rate_hz")

_WRITTEN_TASK = r"#([A-Za-z0-9_]+?)(?:-\d+)?$"
_JOINED = ", "


def with_recordings(recordings: pl.DataFrame, examples: pl.DataFrame, name: str) -> tuple[pl.DataFrame, dict[str, int]]:
    """The examples that say something, each with the columns of SPAN_COLUMNS, ``dataset``, ``written``, ``family`` and
    ``is_part``; and how many say nothing.

    Args:
        recordings, examples: of one dataset.
        name: of the dataset, for recordings whose id names none.
    """
    families = {task.name: task.family for task in TASKS.values()}
    written = pl.col("example_id").str.extract(_WRITTEN_TASK, 1)
    is_alias = written.replace_strict(ALIASES, default=None, return_dtype=pl.String) == pl.col("task")
    end = pl.col("start_sample") + pl.col("num_samples")
    is_part = (pl.col("start_sample") > 0) | (end < end.max().over("path"))
    spans = recordings.select("recording_id", *SPAN_COLUMNS, is_part=is_part)
    table = examples.join(spans, on="recording_id", how="left", maintain_order="left").with_columns(
        dataset=pl.col("recording_id").str.extract("^([^/]+)/", 1).fill_null(name),
        written=pl.when(is_alias.fill_null(value=False)).then(written).otherwise(pl.col("task")),
        family=pl.col("task").replace_strict(families, default="question", return_dtype=pl.String),
    )
    said = (
        pl.when(pl.col("family") == "dialogue").then(pl.col("turns").list.len()).otherwise(pl.col("answers").list.len())
    )
    kept = table.filter(said > 0)
    odd = kept["options"].list.len() > 0
    if odd.any():
        told = kept["options"].map_elements(can_have_letters, return_dtype=pl.Boolean, skip_nulls=False)
        odd = odd & ~told
        kept = kept.with_columns(options=pl.when(odd).then(NO_TEXTS).otherwise(pl.col("options")))
    return kept, {
        "examples without an answer": table.height - kept.height,
        "lists of options that letters cannot tell (one, more than 26, or an empty one)": int(odd.sum()),
    }


def unplaced(
    recordings: pl.DataFrame, table: pl.DataFrame, card: DatasetCard, keeps: Collection[str]
) -> dict[str, int]:
    """What none of these formats has a place for, counted.

    Args:
        recordings: those that could be written.
        table: the examples that are.
        card: of the dataset.
        keeps: the columns of examples that have a place.
    """
    mute = recordings.join(table.select("recording_id"), on="recording_id", how="anti").height
    written = recordings.join(table.select("recording_id"), on="recording_id", how="semi")
    # The manifests that it came from have the order of the entries.
    uses = ("entries",) if "manifests" in card.notes or "files" in card.notes else ()
    counts = {"recordings without examples": mute} if mute else {}
    return counts | left_out(written, table, keeps=keeps, tables=card.extra_tables, uses=uses)


def outputs_of(stop: str = "") -> pl.Expr:
    """The texts that an example should bring forth: one for each entry. A dialogue has one, which is empty.

    Args:
        stop: what stands behind the labels of an example of several.
    """
    joined = pl.concat_list(pl.col("answers").list.join(_JOINED) + stop)
    return pl.when(pl.col("family").is_in(["labels", "dialogue"])).then(joined).otherwise(pl.col("answers"))
