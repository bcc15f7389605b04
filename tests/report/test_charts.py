"""Charts as SVG: well-formed, legible ticks, every point within the picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.report.charts import Bar, Line, interval_chart, line_chart, nice_ticks

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@given(FINITE, st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_within(low: float, width: float) -> None:
    high = low + width
    if not high > low:
        return
    ticks = nice_ticks(low, high)
    margin = (high - low) * 1e-6 + abs(low) * 1e-12
    assert 1 <= len(ticks) <= 12
    assert all(low - margin <= tick <= high + margin for tick in ticks)
    assert ticks == sorted(ticks)


def test_ticks_by_hand() -> None:
    assert nice_ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert nice_ticks(0, 900) == [0, 200, 400, 600, 800]
    assert nice_ticks(3, 3) == [3]


@given(st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=900))
def test_every_point_is_in_the_picture(points: list[tuple[float, float]]) -> None:
    svg = line_chart("loss", [Line("a", tuple(sorted(points)))])
    found = re.search(r'points="([^"]*)"', svg)
    assert found is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in found[1].split()]
    assert 2 <= len(pairs) <= 450
    assert all(0 <= x <= 420 and 0 <= y <= 220 for x, y in pairs)
    parsed(svg)


def test_texts_are_escaped() -> None:
    svg = line_chart("<b>", [Line("a & b", ((0, 1), (1, 2))), Line("<i>", ((0, 1), (1, 2)))])
    assert "<b>" not in svg
    assert "a &amp; b" in svg
    parsed(svg)


def test_nothing_to_draw() -> None:
    assert line_chart("a", []) == ""
    assert line_chart("a", [Line("one", ((0, 1),))]) == ""
    assert interval_chart("a", [], []) == ""


def test_intervals() -> None:
    bars = [Bar("map@10", 0.5, 0.4, 0.6, 0), Bar("map@10", 0.3, None, None, 1)]
    svg = interval_chart("t", bars, ["one", "two"])
    root = parsed(svg)
    assert len(root.findall(".//circle")) == 2
    assert svg.count("map@10") == 1  # the label stands once for both systems
    assert svg.count('stroke-width="3"') == 1
    assert "two" in svg


def test_thousands_are_written_out() -> None:
    svg = line_chart("memory", [Line("run", ((0.0, 1000.0), (1800.0, 4000.0)))])
    labels = re.findall(r">([^<>]+)</text>", svg)
    assert {"500", "1000", "1500", "2000", "4000"} <= set(labels)
    assert not any("e+" in label for label in labels)
