"""Spans and ids: what is let through, what each letter says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import SpanError, UsageError
from audiolect.loader import waveforms
from audiolect.loader.waveforms import RecordingRows, absent_recordings, as_ids, check_spans, row_and_span

SOURCE: Any = SimpleNamespace(
    rate_hz=100,
    num_samples=np.array([10, 0, 25], np.int64),
    recording_ids=pl.Series(["a", "b", "c"]),
    rows_of=lambda ids: np.array(["abc".index(name) for name in ids]),
)


def array(size: int, width: int = 30) -> np.ndarray:
    return np.empty((size, width), np.float32)


def test_spans_become_arrays() -> None:
    spans = check_spans(SOURCE, array(3), [0, 1, 2], [3, 0, 0], np.array([7, 0, 25], np.int32))
    assert spans.rows.dtype == spans.starts.dtype == spans.counts.dtype == np.int64
    assert spans.counts.tolist() == [7, 0, 25]


def test_no_spans_are_spans() -> None:
    assert len(check_spans(SOURCE, array(0), [], [], []).rows) == 0


@given(row=st.integers(-2, 5), start=st.integers(-3, 40), count=st.integers(-3, 40), width=st.integers(0, 30))
def test_a_span_is_let_through_when_it_lies_within(row: int, start: int, count: int, width: int) -> None:
    out = array(2, width)
    lengths = [10, 0, 25]
    if not 0 <= row < 3:
        with pytest.raises(UsageError, match="no such row"):
            check_spans(SOURCE, out, [0, row], [0, start], [0, count])
    elif start >= 0 and count >= 0 and start + count <= lengths[row] and count <= width:
        assert check_spans(SOURCE, out, [0, row], [0, start], [0, count]).starts.tolist() == [0, start]
    else:
        with pytest.raises(SpanError, match=f"recording '{'abc'[row]}'"):
            check_spans(SOURCE, out, [0, row], [0, start], [0, count])


def test_numbers_near_the_end_of_64_bits_are_no_way_around() -> None:
    with pytest.raises(SpanError, match="does not lie within"):
        check_spans(SOURCE, array(1), [0], [2**63 - 1], [2])


@pytest.mark.parametrize(
    "out",
    [np.empty((1, 5)), np.empty(5, np.float32), [[0.0]], np.broadcast_to(np.float32(0), (1, 5))],
    ids=["float64", "one axis", "a list", "read-only"],
)
def test_an_array_of_the_wrong_form_is_refused(out: Any) -> None:
    with pytest.raises(UsageError, match="wrong form"):
        check_spans(SOURCE, out, [0], [0], [1])


@pytest.mark.parametrize("rows", [[0, 1], [0.0], [[0]], ["a"], 0], ids=["two", "float", "nested", "text", "scalar"])
def test_rows_of_the_wrong_form_are_refused(rows: Any) -> None:
    with pytest.raises(UsageError, match="rows of the spans"):
        check_spans(SOURCE, array(1), rows, [0], [1])


def test_one_recording_is_given_by_row_or_by_id() -> None:
    assert row_and_span(SOURCE, "c", 5, None) == row_and_span(SOURCE, 2, 5, None) == (2, 5, 20)
    with pytest.raises(SpanError, match="does not lie within"):
        row_and_span(SOURCE, "c", 26, None)
    with pytest.raises(SpanError, match="does not lie within"):
        row_and_span(SOURCE, "c", 0, -1)
    with pytest.raises(UsageError, match="no such row"):
        row_and_span(SOURCE, -1, 0, 1)


@pytest.mark.parametrize("shared", [False, True], ids=["hashes of their own", "hashes shared by a third of them"])
@given(
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), unique=True, max_size=20),
    wanted=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=20),
)
def test_rows_are_found_as_a_dictionary_finds_them(shared: bool, ids: list[str], wanted: list[str]) -> None:
    wanted = wanted + ids[::2]
    with pytest.MonkeyPatch.context() as patch:
        if shared:
            patch.setattr(waveforms, "_hashes", lambda names: (names.hash() % 3).to_numpy())
        rows, absent = RecordingRows(pl.Series(ids, dtype=pl.String)).find(pl.Series(wanted, dtype=pl.String))
    places = {name: row for row, name in enumerate(ids)}
    assert rows.tolist() == [places.get(name, -1) for name in wanted]
    assert absent.to_list() == [name for name in wanted if name not in places]


def test_a_null_is_no_id() -> None:
    rows, absent = RecordingRows(pl.Series(["a"])).find(pl.Series(["a", None]))
    assert (rows.tolist(), len(absent)) == ([0, -1], 1)


@pytest.mark.parametrize("ids", ["abc", ["a", 3], pl.Series([1])], ids=["a text", "a number", "numbers"])
def test_ids_are_texts(ids: Any) -> None:
    with pytest.raises(UsageError, match=r"[Rr]ecording ids"):
        as_ids(ids)


def test_the_letter_for_absent_recordings_counts_and_names() -> None:
    letter = str(absent_recordings(pl.Series(list("xyxzuvw")), num_asked=9, where="here", fix="audiolect pack D"))
    assert "6 of 9 recordings are absent" in letter
    assert "'x', 'y', 'z', 'u', 'v' and 1 more" in letter
    assert "audiolect pack D" in letter
