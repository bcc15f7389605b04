"""Candidates of the approximate index, scored by the vectors of the scan, also after rows came, went and were moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.search import candidates
from audiolect.search.candidates import Candidates
from audiolect.search.scan_files import ScanFiles, open_scan_files
from audiolect.search.table import ROW_SCHEMA, build_ann, create_table, delete_rows, open_table, put_rows, tidy

SIZE, COUNT = 16, 600


def named(numbers: range) -> pl.DataFrame:
    ids = pl.DataFrame({"recording_id": [f"r/{i:04d}" for i in numbers]})
    empty = pl.DataFrame(schema=ROW_SCHEMA)
    return pl.concat([empty, ids.with_columns(captions=pl.lit([], pl.List(pl.String)))], how="diagonal")


@pytest.fixture(scope="module")
def vectors() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    drawn = np.random.default_rng(0).standard_normal((COUNT, SIZE))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def opened(vectors: Any, tmp_path: Path) -> tuple[Any, ScanFiles]:
    """An index of which rows were taken out, replaced, added after it was built, and joined to fewer files."""
    table = create_table(tmp_path, SIZE)
    for start in range(0, 500, 100):
        put_rows(table, named(range(start, start + 100)), vectors[start : start + 100])
    build_ann(table, 1)
    delete_rows(table, [f"r/{i:04d}" for i in range(0, 60, 3)])
    put_rows(table, named(range(490, COUNT)), vectors[490:])
    tidy(table)
    put_rows(table, named(range(5)), vectors[:5])
    table = open_table(tmp_path)
    return table, open_scan_files(tmp_path, table, SIZE)


def test_the_nearest_are_those_of_the_exact_scan(opened: tuple[Any, ScanFiles]) -> None:
    table, files = opened
    near, queries = Candidates(table, files), np.array(files.scanner.vectors[::7])
    exact = files.scanner.search(queries, 5)
    found = [near.search(query, 5, num_probes=1, refine_factor=20) for query in queries]
    same = [rows.tolist() == wanted for (rows, _), wanted in zip(found, exact.rows.tolist(), strict=True)]
    assert np.mean(same) > 0.95
    for (rows, scores), wanted, best in zip(found, exact.rows.tolist(), exact.scores, strict=True):
        if rows.tolist() == wanted:
            np.testing.assert_array_equal(scores, best)
    assert all(rows[0] == at for (rows, _), at in zip(found, range(0, len(files.scanner), 7), strict=True))


def test_scores_are_of_whole_vectors_and_the_best_come_first(
    opened: tuple[Any, ScanFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order the index gives, and numbers that nobody knows are passed over."""
    table, files = opened
    query = np.array(files.scanner.vectors[11])
    unknown = np.array([2**40, -1])
    given = np.concatenate([files.numbers[[40, 11, 7, 300]], unknown])
    asked: list[tuple[int, int]] = []

    def ask_ann(_: Any, __: Any, count: int, *, num_probes: int) -> Any:
        asked.append((count, num_probes))
        return given

    monkeypatch.setattr(candidates, "ask_ann", ask_ann)
    rows, scores = Candidates(table, files).search(query, 2, num_probes=3, refine_factor=4)
    by_hand = {row: float(files.scanner.vectors[row].astype(float) @ query.astype(float)) for row in (40, 11, 7, 300)}
    assert rows.tolist() == sorted(by_hand, key=lambda row: -by_hand[row])[:2]
    assert rows[0] == 11
    np.testing.assert_allclose(scores, [by_hand[row] for row in rows.tolist()], rtol=1e-12)
    assert asked == [(8, 3)]


def test_an_empty_table_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = create_table(tmp_path, SIZE)
    monkeypatch.setattr(candidates, "ask_ann", lambda *_, **__: np.array([3, 4]))
    rows, scores = Candidates(table, open_scan_files(tmp_path, table, SIZE)).search(
        np.ones(SIZE, np.float32), 3, num_probes=1, refine_factor=2
    )
    assert (len(rows), len(scores)) == (0, 0)
