"""The files of the scan: kept, made anew when the table changes, and whenever they cannot be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiolect.search import first_pass, scan_files
from audiolect.search.scan_files import open_scan_files
from audiolect.search.table import ROW_SCHEMA, create_table, delete_rows, open_table, put_rows

SIZE = 64


def rows(count: int) -> pl.DataFrame:
    empty = pl.DataFrame(schema=ROW_SCHEMA)
    names = pl.DataFrame({"recording_id": [f"r/{i:04d}" for i in range(count)]})
    return pl.concat([empty, names.with_columns(captions=pl.lit([], pl.List(pl.String)))], how="diagonal")


def vectors(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((count, 6)) @ rng.standard_normal((6, SIZE)) + 0.01 * rng.standard_normal((count, SIZE))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_rows(create_table(tmp_path, SIZE), rows(300), vectors(300))
    return tmp_path


def test_rows_and_vectors_are_in_one_order(folder: Path) -> None:
    files = open_scan_files(folder, open_table(folder), SIZE)
    order = [int(name[2:]) for name in files.rows["recording_id"]]
    assert sorted(order) == list(range(300))
    np.testing.assert_array_equal(files.scanner.vectors, vectors(300)[order])


def test_they_are_read_again_and_made_anew_after_a_change(folder: Path) -> None:
    table = open_table(folder)
    open_scan_files(folder, table, SIZE)
    written = (folder / "scan" / "vectors.npy").stat().st_mtime_ns
    open_scan_files(folder, open_table(folder), SIZE)
    assert (folder / "scan" / "vectors.npy").stat().st_mtime_ns == written
    assert delete_rows(table, ["r/0003", "r/0004", "r/none"]) == 2
    files = open_scan_files(folder, open_table(folder), SIZE)
    assert len(files.scanner) == files.rows.height == 298


@pytest.mark.parametrize("name", ["card.json", "vectors.npy", "recordings.parquet"])
def test_damaged_files_are_made_anew(folder: Path, name: str) -> None:
    open_scan_files(folder, open_table(folder), SIZE)
    (folder / "scan" / name).write_bytes(b"{}")
    assert len(open_scan_files(folder, open_table(folder), SIZE).scanner) == 300
    assert json.loads((folder / "scan" / "card.json").read_text())["num_recordings"] == 300


def test_the_leading_axes_are_kept_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_pass, "_LEAST_ROWS", 100)
    monkeypatch.setattr(first_pass, "multiplies_bfloat16", lambda: False)
    monkeypatch.setattr("audiolect.search.scan.multiplies_bfloat16", lambda: False)
    for _ in range(2):
        files = open_scan_files(folder, open_table(folder), SIZE)
        assert files.scanner.first.kind == "leading"
        assert files.scanner.first.matrix.shape == (300, 32)
        found = files.scanner.search(files.scanner.vectors[:5], 1)
        assert found.rows[:, 0].tolist() == list(range(5))
        assert found.num_repeated == 0


def test_a_folder_that_cannot_be_written_is_searched_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_files.os, "access", lambda *_: False)
    assert len(open_scan_files(folder, open_table(folder), SIZE).scanner) == 300
    assert not (folder / "scan").exists()


def test_no_recordings(tmp_path: Path) -> None:
    table = create_table(tmp_path, SIZE)
    for _ in range(2):
        assert len(open_scan_files(tmp_path, table, SIZE).scanner) == 0
