"""What an exact scan reads, kept beside the table: opened in an instant, however many recordings there are.

    INDEX/scan/
      card.json           the version of the table that it was made from; another version makes it anew
      recordings.parquet  the rows without their vectors, in the order of the table
      vectors.npy         (N, E) float32, mapped into memory, not read
      numbers.npy         (N,) int64, LanceDB's numbers of these rows
      matrix.npy, order.npy, unseen.npy, axes.npy   the leading first pass, where there is one (``first_pass.py``)

Everything in it can be made again from the table, and is whenever the table has changed. Where the folder of the index
cannot be written, the same arrays are made in memory.

Conventions: N recordings, E components.

Public names: ScanFiles, open_scan_files, SCAN_FOLDER.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from audiolect.errors import DamagedFile, UnknownVersion
from audiolect.search.first_pass import FirstPass, FloatArray, leading_pass, number_of_axes
from audiolect.search.scan import Scanner, make_scanner
from audiolect.search.table import ROW_SCHEMA, IntArray, count_rows, stream_rows
from audiolect.storage import atomic_folder, check_header, file_header, read_json, write_json

SCAN_FOLDER = "scan"
_KIND = "scan"
_VERSION = 2
_ARRAYS = ("matrix", "order", "unseen", "axes")
_FILES = {"card.json", "recordings.parquet", "vectors.npy", "numbers.npy", *(f"{name}.npy" for name in _ARRAYS)}


@dataclass(frozen=True, slots=True, eq=False)
class ScanFiles:
    """The rows of an index and a scanner of their vectors, in the same order."""

    rows: pl.DataFrame
    scanner: Scanner
    numbers: IntArray
    """(N,) LanceDB's numbers of the rows, in the version of the table that they were read from."""


def open_scan_files(folder: Path, table: Any, size: int) -> ScanFiles:
    """Open what was kept of this version of the table, or make it.

    Args:
        folder: of the index.
        table: of the index, open.
        size: E.

    Raises:
        DamagedFile: the table cannot be read.
        StorageError: there is no room for it.
    """
    version = int(table.version)
    kept = _kept(folder / SCAN_FOLDER, version, size)
    if kept is not None:
        return kept
    if not os.access(folder, os.W_OK):
        vectors = np.empty((count_rows(table), size), np.float32)
        rows, numbers = _filled(table, vectors)
        return ScanFiles(rows, make_scanner(vectors), numbers)
    stale = folder / SCAN_FOLDER
    if stale.is_dir() and {entry.name for entry in stale.iterdir()} <= _FILES:
        shutil.rmtree(stale)  # also where its card is damaged, so that nothing says any more that it is ours
    with atomic_folder(stale, overwrite=True) as fresh:
        _write(fresh, table, version, size)
    made = _kept(stale, version, size)
    if made is None:
        raise DamagedFile("The files of the scan cannot be read back.", where=stale, fix=f"remove {stale}")
    return made


def _write(fresh: Path, table: Any, version: int, size: int) -> None:
    count = count_rows(table)
    vectors: Any = np.empty((0, size), np.float32)
    if count:
        vectors = np.lib.format.open_memmap(fresh / "vectors.npy", mode="w+", dtype=np.float32, shape=(count, size))
    else:
        np.save(fresh / "vectors.npy", vectors)
    rows, numbers = _filled(table, vectors)
    np.save(fresh / "numbers.npy", numbers)
    rows.write_parquet(fresh / "recordings.parquet", compression="zstd")
    num_axes = number_of_axes(vectors)
    facts: dict[str, Any] = {"table_version": version, "num_recordings": count, "size": size, "first": None}
    if num_axes:
        leading = leading_pass(vectors, num_axes)
        for name in _ARRAYS:
            np.save(fresh / f"{name}.npy", getattr(leading, name))
        facts["first"] = {name: getattr(leading, name) for name in ("largest_norm", "mean_norm", "skew")}
    if count:
        vectors.flush()
    write_json(fresh / "card.json", file_header(_KIND, _VERSION) | facts)


def _filled(table: Any, vectors: FloatArray) -> tuple[pl.DataFrame, IntArray]:
    """Copy the vectors of a table; gives its rows, and their numbers, in the same order."""
    parts, start = [pl.DataFrame(schema=ROW_SCHEMA)], 0
    numbers = [np.empty(0, np.int64)]
    for rows, block, numbered in stream_rows(table):
        vectors[start : start + len(block)] = block
        parts.append(rows)
        numbers.append(numbered)
        start += len(block)
    if start != len(vectors):
        raise DamagedFile(
            "The table of the index changed while it was read.",
            expected=f"{len(vectors)} recordings",
            found=start,
            fix="search again",
        )
    return pl.concat(parts), np.concatenate(numbers)


def _kept(scan: Path, version: int, size: int) -> ScanFiles | None:
    """What is there, unless it is of another version of the table, of another form, or damaged: it is made anew."""
    try:
        card = read_json(scan / "card.json")
        check_header(card, _KIND, (_VERSION,), scan)
        if (card.get("table_version"), card.get("size")) != (version, size):
            return None
        rows = pl.read_parquet(scan / "recordings.parquet")
        vectors = _mapped(scan / "vectors.npy")
        numbers = _mapped(scan / "numbers.npy")
        if vectors.shape != (rows.height, size) or rows.height != card.get("num_recordings"):
            return None
        if numbers.shape != (rows.height,) or numbers.dtype != np.int64:
            return None
        first = card.get("first")
        leading = None
        if isinstance(first, dict):
            arrays = {name: _mapped(scan / f"{name}.npy") for name in _ARRAYS}
            leading = FirstPass("leading", **arrays, **first)
            if not len(leading) == len(leading.matrix) == len(vectors):
                return None
    except (DamagedFile, UnknownVersion, OSError, ValueError, TypeError, pl.exceptions.PolarsError):
        return None
    return ScanFiles(rows, make_scanner(vectors, first=leading), numbers)


def _mapped(path: Path) -> Any:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array.view(np.ndarray)
