"""The Parquet files of a dataset folder: written so that everybody can read them, opened without reading their rows.

Conventions: zstd, row groups of 65,536 rows, statistics for every column, so that a filter on a split or an id passes
over what it does not need. Nested columns are lists and structs of Parquet, as every reader knows them.

Public names: write_table, scan_table, read_rows, collect_rows, check_content.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.rules import check_schema
from audiolect.errors import DamagedFile, DatasetError
from audiolect.storage import atomic_path, fingerprint_file

_ROW_GROUP_ROWS = 65_536
_COMPRESSION_LEVEL = 3


def write_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a table as Parquet, atomically."""
    with atomic_path(path) as temporary:
        frame.write_parquet(
            temporary,
            compression="zstd",
            compression_level=_COMPRESSION_LEVEL,
            statistics=True,
            row_group_size=_ROW_GROUP_ROWS,
        )


def scan_table(
    path: Path, *, num_rows: int, num_bytes: int | None = None, schema: Mapping[str, Any] | None = None
) -> pl.LazyFrame:
    """A plan over a Parquet file, whose columns and number of rows have been checked at its end, where they stand.

    Args:
        path: the file.
        num_rows: how many rows the card says it has.
        num_bytes: how long the card says it is, if it does.
        schema: the columns that it must have; the plan gives them in this order. None: whatever it has.

    Raises:
        DatasetError: the file is missing, or has other columns.
        DamagedFile: the file cannot be read, or has another length or number of rows.
    """
    _check_there(path)
    if num_bytes is not None and path.stat().st_size != num_bytes:
        raise _changed(path, f"{num_bytes} bytes", f"{path.stat().st_size} bytes")
    scan = _scan(path)
    found_rows = int(collect_rows(scan.select(pl.len()), path).item())
    if found_rows != num_rows:
        raise DamagedFile(
            "A table has another number of rows than the card says.",
            where=path,
            expected=f"{num_rows} rows",
            found=f"{found_rows} rows",
            cause="files of two datasets were mixed",
            fix="make the dataset again with the command on its card",
        )
    if schema is None:
        return scan
    check_schema(scan.collect_schema(), schema, path)
    return scan.select(list(schema))


def read_rows(path: Path) -> pl.DataFrame:
    """All rows of a table, whatever its columns.

    Raises:
        DatasetError: the file is missing.
        DamagedFile: the file cannot be read.
    """
    _check_there(path)
    return collect_rows(_scan(path), path)


def check_content(path: Path, blake2b: str) -> None:
    """Check that a file is, byte by byte, the one that was written. A changed page can stop the reader's process.

    Raises:
        DamagedFile: it is not.
    """
    _check_there(path)
    found = fingerprint_file(path)
    if found != blake2b:
        raise _changed(path, f"BLAKE2b {blake2b}", f"BLAKE2b {found}")


def collect_rows(scan: pl.LazyFrame, where: object, *, streaming: bool = False) -> pl.DataFrame:
    """The rows of a plan.

    Args:
        scan: the plan.
        where: the file or folder behind it, for the letter.
        streaming: read piece by piece: of columns that only a result is made of, never more than a few row groups are
            in memory.

    Raises:
        DamagedFile: the file behind it cannot be read.
    """
    try:
        return scan.collect(engine="streaming" if streaming else "auto")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as problem:
        # Some damage that no check of its own meets ends as a panic of polars, which is not even an Exception.
        raise DamagedFile(
            "A table cannot be read.",
            where=where,
            found=str(problem).splitlines()[0],
            cause="the file was cut short or changed",
            fix="copy it again, or make the dataset again with the command on its card",
        ) from problem


def _scan(path: Path) -> pl.LazyFrame:
    # Stars and brackets in a path are letters, and a folder named seed=7 is no column.
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise DatasetError("A table of the dataset is missing.", where=path, fix="copy the whole folder again")


def _changed(path: Path, expected: str, found: str) -> DamagedFile:
    return DamagedFile(
        "A table is not the one that was written with the card.",
        where=path,
        expected=expected,
        found=found,
        cause="it was cut short in copying, or changed by another program",
        fix="copy the folder again, or make the dataset again with the command on its card",
    )
