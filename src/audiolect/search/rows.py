"""The recordings of a dataset as rows of an index: what people look for and filter by, without a model.

Conventions: captions are the answers of captioning examples, in the order of the table, each once. ``sound`` names the
samples that a vector is made of: the PCM hash where there is one, else the file, its size and the span.

Public names: rows_of.
"""

from __future__ import annotations

import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.search.table import ROW_SCHEMA
from audiolect.tasks import TASKS


def rows_of(dataset: Dataset) -> pl.DataFrame:
    """One row for each recording, with the columns of ROW_SCHEMA, in the order of the dataset's table.

    Raises:
        DamagedFile: the tables of the dataset cannot be read.
    """
    captioning = [task.name for task in TASKS.values() if task.family == "caption"]
    captions = (
        dataset.examples.filter(pl.col("task").is_in(captioning))
        .select("recording_id", captions=pl.col("answers"))
        .explode("captions")
        .drop_nulls()
        .group_by("recording_id", maintain_order=True)
        .agg(pl.col("captions").unique(maintain_order=True))
    )
    span = pl.concat_str(
        [pl.lit("file"), pl.col("path"), pl.col("num_bytes"), pl.col("start_sample"), pl.col("num_samples")],
        separator=":",
    )
    # A recording of another length is other sound, even if somebody kept an old hash.
    heard = pl.concat_str([pl.lit("pcm"), pl.col("pcm_hash"), pl.col("num_samples")], separator=":")
    return (
        dataset.recordings.join(captions, on="recording_id", how="left", maintain_order="left")
        .with_columns(
            pl.lit(dataset.card.name).alias("dataset"),
            pl.lit(dataset.audio_root.as_posix()).alias("audio_root"),
            pl.col("captions").fill_null([]),
            (pl.col("num_samples") / pl.col("sample_rate_hz")).alias("duration_seconds"),
            pl.coalesce(heard, span).alias("sound"),
        )
        .select([pl.col(name).cast(dtype) for name, dtype in ROW_SCHEMA.items()])
    )
