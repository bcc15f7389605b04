"""The course of a training as charts, from ``journal.jsonl``.

Conventions: one chart for what belongs together: the losses, the learning rate, the gradient norm, each validation
metric with a line for each set, the speed, the share of time that was spent waiting for data, the memory. What has
fewer than two points has no chart.

Public names: training_charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from audiolect.report.charts import Line, line_chart
from audiolect.training.journal import read_journal

_TITLES = {
    "loss": "training loss",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
    "scale": "scale (1 / temperature)",
    "audio_seconds_per_second": "seconds of audio for each second",
    "data_wait_share": "share of time waiting for data",
    "memory_bytes": "memory (MB)",
}
_SHOWN_METRICS = ("map@10", "recall_any@1", "recall_any@5", "recall_any@10", "accuracy", "loss")


def training_charts(journal: Path) -> list[str]:
    """SVG figures, those of the validation first.

    Raises:
        UnknownVersion, DamagedFile: it is no journal.
    """
    rows = read_journal(journal)
    validated = _validated(row for row in rows if row.get("kind") == "validation")
    names = sorted(validated, key=lambda name: (_place(name), name))
    charts = [line_chart(f"validation: {name}", _lines(validated[name])) for name in names if _place(name) < 99]
    charts += [line_chart(f"validation: {name}", _lines(validated[name])) for name in names[:4] if _place(name) == 99]
    steps = [row for row in rows if row.get("kind") == "step"]
    for name, title in _TITLES.items():
        unit = 1e-6 if name == "memory_bytes" else 1.0
        points = [
            (float(row["step"]), float(row[name]) * unit) for row in steps if isinstance(row.get(name), int | float)
        ]
        charts.append(line_chart(title, _lines({"": points})))
    return [chart for chart in charts if chart]


def _validated(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """metric → set → its points."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in rows:
        for name, value in (row.get("metrics") or {}).items():
            if isinstance(value, int | float):
                of_set = found.setdefault(str(name), {}).setdefault(str(row.get("set", "all")), [])
                of_set.append((float(row["step"]), float(value)))
    return found


def _place(name: str) -> int:
    return next((place for place, shown in enumerate(_SHOWN_METRICS) if name.endswith(shown)), 99)


def _lines(of_sets: Mapping[str, list[tuple[float, float]]]) -> list[Line]:
    return [Line(name, tuple(points)) for name, points in of_sets.items()]
