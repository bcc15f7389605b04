"""The table in LanceDB: rows in, replaced, out."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiolect.errors import DamagedFile, MissingDependency
from audiolect.search.table import (
    ROW_SCHEMA,
    ask_ann,
    build_ann,
    connect,
    count_rows,
    create_table,
    delete_rows,
    open_table,
    put_rows,
    read_rows,
    read_state,
    stream_rows,
    tidy,
    vectors_of,
)


def row(name: str, **values: object) -> pl.DataFrame:
    filled = dict.fromkeys(ROW_SCHEMA) | {"captions": [], "labels": []} | {"recording_id": name} | values
    return pl.DataFrame([filled], schema=ROW_SCHEMA, orient="row")


def test_a_row_comes_back_as_it_was(tmp_path: Path) -> None:
    table = create_table(tmp_path, 4)
    mine = row("a/'x\" ; ü", title="rain\nand 'wind'", captions=["one", "two"], fold=3, num_samples=2**40)
    put_rows(table, mine, np.array([[1, 2, 3, 4]], np.float32))
    assert read_state(open_table(tmp_path)).equals(mine)
    assert vectors_of(table, ["a/'x\" ; ü"])["a/'x\" ; ü"].tolist() == [1, 2, 3, 4]
    assert delete_rows(table, ["a/'x\" ; ü"]) == 1
    assert read_state(table).schema == ROW_SCHEMA
    assert list(stream_rows(table)) == []


def test_the_same_id_is_replaced(tmp_path: Path) -> None:
    table = create_table(tmp_path, 2)
    put_rows(table, pl.concat([row("a"), row("b")]), np.eye(2, dtype=np.float32))
    put_rows(table, pl.concat([row("b", title="new"), row("c")]), 5 * np.ones((2, 2), np.float32))
    tidy(table)
    assert count_rows(table) == 3
    titles = read_rows(table, ["recording_id", "title"]).sort("recording_id")
    assert titles.rows() == [("a", None), ("b", "new"), ("c", None)]
    assert vectors_of(table, ["b"])["b"].tolist() == [5, 5]


def test_the_approximate_index_finds_a_row_by_its_own_vector(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((400, 8)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    table = create_table(tmp_path, 8)
    put_rows(table, pl.concat([row(str(i)) for i in range(400)]), drawn)
    assert build_ann(table, 2) == "IVF_HNSW_SQ"
    ((rows, _, numbers),) = stream_rows(table)
    named = dict(zip(numbers.tolist(), rows["recording_id"].to_list(), strict=True))
    for i in (0, 200, 399):
        assert named[ask_ann(table, drawn[i], 3, num_probes=2).tolist()[0]] == str(i)


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DamagedFile, match="cannot be opened"):
        open_table(tmp_path)
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(MissingDependency, match="index"):
        connect(tmp_path)
