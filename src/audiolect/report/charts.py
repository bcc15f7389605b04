"""Charts as SVG in the page: lines over steps, and values with their intervals. No library, no script.

Conventions: colours are CSS variables of the page (``--line-0`` …), texts take the colour of the page, so that a chart
can be read in light and in dark. Sizes are in the units of the view box; the page scales the whole.

Public names: Line, Bar, line_chart, interval_chart, nice_ticks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

NUM_COLOURS = 6

_WIDTH, _HEIGHT = 420.0, 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 12.0, 12.0, 34.0
_MOST_POINTS = 400
_ROW = 22.0


@dataclass(frozen=True, slots=True)
class Line:
    """A series of points, rising in x."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with its interval, of one system (a number, for its colour)."""

    label: str
    value: float
    low: float | None
    high: float | None
    system: int


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round numbers from at or above ``low`` to at or below ``high``."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def line_chart(title: str, lines: Sequence[Line], *, x_name: str = "step") -> str:
    """Lines with axes; an empty text where no line has two points."""
    drawn = [Line(line.name, _thinned(line.points)) for line in lines if len(line.points) > 1]
    if not drawn:
        return ""
    xs = [x for line in drawn for x, _ in line.points]
    ys = [y for line in drawn for _, y in line.points]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    if high_y == low_y:
        margin = abs(high_y) * 0.05 or 1.0
        low_y, high_y = low_y - margin, high_y + margin
    across = _Scale(low_x, high_x if high_x > low_x else low_x + 1, _LEFT, _WIDTH - _RIGHT)
    upward = _Scale(low_y, high_y, _HEIGHT - _BOTTOM, _TOP)
    parts = _axes(across, upward, x_name)
    for number, line in enumerate(drawn):
        points = " ".join(f"{across(x):.1f},{upward(y):.1f}" for x, y in line.points)
        colour = f"var(--line-{number % NUM_COLOURS})"
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
    legend = "".join(
        f'<span><i style="background:var(--line-{number % NUM_COLOURS})"></i>{escape(line.name)}</span>'
        for number, line in enumerate(drawn)
    )
    return _figure(title, _WIDTH, _HEIGHT, parts, legend if len(drawn) > 1 else "")


def interval_chart(title: str, bars: Sequence[Bar], systems: Sequence[str]) -> str:
    """A row for each value, with its interval; the axis begins at 0 and ends at 1 where all values are fractions."""
    if not bars:
        return ""
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if end is not None]
    width, left = 420.0, 150.0
    scale = _Scale(0.0, 1.0 if max(ends) <= 1 else max(ends) * 1.05, left, width - 52)
    height = _ROW * len(bars) + 34
    parts = []
    for tick in nice_ticks(scale.low, scale.high):
        x = scale(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{height - 24:.1f}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8:.1f}" text-anchor="middle">{_short(tick)}</text>')
    shown = ""
    for row, bar in enumerate(bars):
        y = 18 + row * _ROW
        colour = f"var(--line-{bar.system % NUM_COLOURS})"
        if bar.label != shown:
            parts.append(f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(bar.label)}</text>')
            shown = bar.label
        if bar.low is not None and bar.high is not None:
            parts.append(
                f'<line x1="{scale(bar.low):.1f}" y1="{y:.1f}" x2="{scale(bar.high):.1f}" y2="{y:.1f}" '
                f'stroke="{colour}" stroke-width="3" opacity="0.55" stroke-linecap="round"/>'
            )
        parts.append(f'<circle cx="{scale(bar.value):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')
        parts.append(f'<text x="{width - 4}" y="{y + 4:.1f}" text-anchor="end" class="value">{bar.value:.3f}</text>')
    legend = "".join(
        f'<span><i style="background:var(--line-{number % NUM_COLOURS})"></i>{escape(name)}</span>'
        for number, name in enumerate(systems)
        if any(bar.system == number for bar in bars)
    )
    return _figure(title, width, height, parts, legend if len(systems) > 1 else "")


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


def _axes(across: _Scale, upward: _Scale, x_name: str) -> list[str]:
    parts = []
    for tick in nice_ticks(upward.low, upward.high, 4):
        y = upward(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in nice_ticks(across.low, across.high):
        x = across(tick)
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 15:.1f}" text-anchor="middle">{_short(tick)}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT - 3:.1f}" text-anchor="middle">{escape(x_name)}</text>')
    return parts


def _figure(title: str, width: float, height: float, parts: Sequence[str], legend: str) -> str:
    below = f'<div class="legend">{legend}</div>' if legend else ""
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
        f"{below}</figure>"
    )


def _short(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    if abs(value) >= 1000:
        return f"{value:g}"  # three digits would print 1.5e+03
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.2g}"


def _thinned(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """At most some hundred points: the means of equal runs of them, so that noise does not hide the course."""
    if len(points) <= _MOST_POINTS:
        return points
    run = -(-len(points) // _MOST_POINTS)
    groups = [points[start : start + run] for start in range(0, len(points), run)]
    return tuple((sum(x for x, _ in each) / len(each), sum(y for _, y in each) / len(each)) for each in groups)
