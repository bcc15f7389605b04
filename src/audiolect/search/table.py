"""The table of an index: one row for each recording in LanceDB, with its vector and what people look for.

Conventions: a row is known by its ``recording_id``; writing it again replaces it. ``sound`` says which samples the
vector is of: where it is unchanged, the vector stands. Vectors are float32, L2-normalised, E components. LanceDB writes
a new version of the table for every change, whole or not at all, so that readers are never disturbed.

Public names: ROW_SCHEMA, TABLE_NAME, connect, create_table, open_table, put_rows, delete_rows, read_rows, read_state,
stream_rows, vectors_of, build_ann, ask_ann, count_rows, tidy, FloatArray, IntArray.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.errors import DamagedFile, missing_extra

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

TABLE_NAME = "recordings"
ROW_SCHEMA: dict[str, Any] = {
    "recording_id": pl.String(),
    "dataset": pl.String(),
    "title": pl.String(),
    "captions": pl.List(pl.String()),
    "labels": pl.List(pl.String()),
    "path": pl.String(),
    "audio_root": pl.String(),
    "start_sample": pl.Int64(),
    "num_samples": pl.Int64(),
    "sample_rate_hz": pl.Int32(),
    "duration_seconds": pl.Float64(),
    "split": pl.String(),
    "fold": pl.Int16(),
    "license": pl.String(),
    "source_id": pl.String(),
    "group": pl.String(),
    "sound": pl.String(),
}
_IDS_AT_ONCE = 1000
_BATCH_ROWS = 16_384
_EF_CONSTRUCTION = 150  # half of the library's, in half the time; the candidates make up for it


def connect(folder: Path) -> Any:
    """The LanceDB connection of an index folder.

    Raises:
        MissingDependency: lancedb is not installed.
    """
    try:
        import lancedb
    except ImportError as error:
        raise missing_extra("An index", "search", "lancedb") from error
    return lancedb.connect(str(folder))


def create_table(folder: Path, size: int) -> Any:
    """An empty table for vectors of ``size`` components."""
    return connect(folder).create_table(TABLE_NAME, schema=_arrow_schema(size))


def open_table(folder: Path) -> Any:
    """The table of an index.

    Raises:
        DamagedFile: it is missing or cannot be read.
        MissingDependency: lancedb is not installed.
    """
    connection = connect(folder)
    try:
        return connection.open_table(TABLE_NAME)
    except (ValueError, OSError, RuntimeError) as problem:
        raise DamagedFile(
            "The table of the index cannot be opened.",
            where=folder / f"{TABLE_NAME}.lance",
            found=str(problem).splitlines()[0],
            fix="make the index again with --overwrite",
        ) from problem


def put_rows(table: Any, rows: pl.DataFrame, vectors: FloatArray) -> None:
    """Add recordings, or replace those that are there.

    Args:
        rows: with the columns of ROW_SCHEMA.
        vectors: (n, E), one for each.
    """
    import pyarrow  # type: ignore[import-untyped]

    schema = _arrow_schema(vectors.shape[1])
    columns = {name: rows[name].to_arrow() for name in ROW_SCHEMA}
    flat = pyarrow.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    columns["vector"] = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    arrays = [columns[field.name].cast(field.type) for field in schema]
    table.merge_insert("recording_id").when_matched_update_all().when_not_matched_insert_all().execute(
        pyarrow.Table.from_arrays(arrays, schema=schema)
    )


def delete_rows(table: Any, recording_ids: Sequence[str]) -> int:
    """Take recordings out; gives how many of them there were."""
    before = count_rows(table)
    for start in range(0, len(recording_ids), _IDS_AT_ONCE):
        quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in recording_ids[start : start + _IDS_AT_ONCE])
        table.delete(f"recording_id IN ({quoted})")
    return before - count_rows(table)


def count_rows(table: Any) -> int:
    """How many recordings there are."""
    return int(table.count_rows())


def read_state(table: Any) -> pl.DataFrame:
    """All rows without their vectors."""
    return read_rows(table, list(ROW_SCHEMA))


def read_rows(table: Any, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of all rows."""
    parts = [pl.from_arrow(batch) for batch in _batches(table, columns)]
    frames = [part for part in parts if isinstance(part, pl.DataFrame)]
    schema = {name: ROW_SCHEMA[name] for name in columns}
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def stream_rows(table: Any) -> Iterator[tuple[pl.DataFrame, FloatArray, IntArray]]:
    """All rows in the order of the table, some thousands at a time, each with its vectors and LanceDB's numbers.

    A number is that of a row in this version of the table; ``ask_ann`` answers with them.
    """
    import pyarrow

    for batch in _batches(table, [*ROW_SCHEMA, "vector"], numbered=True):
        flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
        numbers = batch.column("_rowid").to_numpy(zero_copy_only=False).astype(np.int64)
        rows = pl.from_arrow(pyarrow.Table.from_batches([batch]).drop_columns(["vector", "_rowid"]))
        if isinstance(rows, pl.DataFrame):
            yield rows, flat.reshape(batch.num_rows, -1), numbers


def vectors_of(table: Any, recording_ids: Sequence[str]) -> dict[str, FloatArray]:
    """recording_id → (E,) of those that are there."""
    found: dict[str, FloatArray] = {}
    for start in range(0, len(recording_ids), _IDS_AT_ONCE):
        names = recording_ids[start : start + _IDS_AT_ONCE]
        quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
        query = table.search().where(f"recording_id IN ({quoted})").select(["recording_id", "vector"])
        answer = query.limit(len(names)).to_arrow()
        flat = answer.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        found |= dict(zip(answer.column("recording_id").to_pylist(), flat.reshape(answer.num_rows, -1), strict=True))
    return found


def build_ann(table: Any, num_partitions: int) -> str:
    """Build LanceDB's approximate index over the vectors; gives its kind."""
    from lancedb.index import HnswSq

    config = HnswSq(distance_type="dot", num_partitions=num_partitions, ef_construction=_EF_CONSTRUCTION)
    table.create_index("vector", config=config, replace=True)
    return "IVF_HNSW_SQ"


def ask_ann(table: Any, query: FloatArray, count: int, *, num_probes: int) -> IntArray:
    """The numbers of rows that are near one query (E,), by the approximate index: ``count`` or fewer.

    Only the vectors as the index keeps them are read, and no column of the table: that is two thirds of the time.
    """
    asked = table.search(query).distance_type("dot").nprobes(num_probes).with_row_id(True)
    found = asked.select(["_distance"]).limit(count).to_arrow().column("_rowid")
    numbers: IntArray = found.to_numpy().astype(np.int64)
    return numbers


def tidy(table: Any) -> None:
    """Join small files, bring the approximate index up to date, and remove versions that no reader can still have."""
    table.optimize(cleanup_older_than=timedelta(days=1))


def _batches(table: Any, columns: Sequence[str], *, numbered: bool = False) -> Iterator[Any]:
    rows = count_rows(table)
    if rows:
        asked = table.search().with_row_id(numbered).select(list(columns))
        yield from asked.limit(rows).to_batches(batch_size=_BATCH_ROWS)


def _arrow_schema(size: int) -> Any:
    import pyarrow

    empty = pl.DataFrame(schema=ROW_SCHEMA)
    fields = [pyarrow.field(name, _arrow_type(empty[name])) for name in ROW_SCHEMA]
    return pyarrow.schema([*fields, pyarrow.field("vector", pyarrow.list_(pyarrow.float32(), size))])


def _arrow_type(column: pl.Series) -> Any:
    """As polars has it, but texts as the strings that every reader of Arrow knows."""
    import pyarrow

    if column.dtype == pl.String():
        return pyarrow.string()
    if isinstance(column.dtype, pl.List):
        return pyarrow.list_(pyarrow.string())
    return column.to_arrow().type
