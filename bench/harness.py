"""How every bench measures, judges and prints: ours and its peers interleaved in one run.

Conventions: a figure is a rate (work per second, higher is better) beside the same rate of one or more peers. In each
round everything is run once, in an order that rotates from round to round, so that a busy neighbour hits all alike.
Rates are medians over the rounds; a ratio is the median of the ratios within the rounds, and a figure holds when its
ratio reaches its bar. Scripts run as ``python bench/NAME.py [--quick] [--json]`` and end with exit code 1 when a bar
is missed.

    def main() -> int:
        options = harness.arguments("What reading costs.")
        figure = harness.compare("read", ours, {"peer": theirs}, work=60.0, unit="audio s/s", bar=0.9, repeats=9)
        return harness.finish([figure], options.json)

Public names: Figure, Peer, arguments, compare, compare_rates, at_most, at_least, finish.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@dataclass(frozen=True)
class Peer:
    """What ours is measured against.

    ``ratio`` is ours over this peer, None where there is no multiple; ``holds`` is None where there is no bar.
    """

    name: str
    value: float
    ratio: float | None
    bar: float | None
    holds: bool | None


@dataclass(frozen=True)
class Figure:
    """One published number: ours, its spread over the rounds, and its peers."""

    name: str
    unit: str
    ours: float
    lowest: float
    highest: float
    peers: tuple[Peer, ...]

    @property
    def holds(self) -> bool:
        """No bar of this figure is missed."""
        return all(peer.holds is not False for peer in self.peers)


def arguments(
    description: str, *, threads: int | None = 1, add: Callable[[argparse.ArgumentParser], Any] | None = None
) -> argparse.Namespace:
    """Parse ``--quick`` and ``--json`` (and what ``add`` adds), and hold numerical libraries to ``threads`` threads.

    The libraries read their thread counts when they are loaded, so the script is started anew with the variables set.
    ``threads=None`` leaves them as they are.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--quick", action="store_true", help="less work and fewer rounds, in seconds instead of minutes"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    if add is not None:
        add(parser)
    options = parser.parse_args()
    if threads is not None and any(os.environ.get(name) != str(threads) for name in _THREAD_VARIABLES):
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return options


def compare(
    name: str,
    ours: Callable[[], object],
    peers: Mapping[str, Callable[[], object]],
    *,
    work: float,
    unit: str,
    bar: float | Mapping[str, float] | None,
    repeats: int,
) -> Figure:
    """Measure ``ours`` and ``peers`` in interleaved rounds.

    Args:
        name: what is measured.
        ours, peers: called without arguments, once each before the rounds, to warm up.
        work: how much one call does, in the numerator of ``unit`` (``unit="audio s/s"``: seconds of audio).
        unit: of the printed rates.
        bar: the least ratio of ours to the first peer, or a ratio for each peer named, or None.
        repeats: number of rounds; an odd number has a middle one.
    """

    def rate_of(function: Callable[[], object]) -> Callable[[], float]:
        def rate() -> float:
            start = time.perf_counter()
            function()
            return work / (time.perf_counter() - start)

        return rate

    rates = {key: rate_of(function) for key, function in peers.items()}
    return compare_rates(name, rate_of(ours), rates, unit=unit, bar=bar, repeats=repeats)


def compare_rates(
    name: str,
    ours: Callable[[], float],
    peers: Mapping[str, Callable[[], float]],
    *,
    unit: str,
    bar: float | Mapping[str, float] | None,
    repeats: int,
) -> Figure:
    """As ``compare``, of functions that time themselves: each call gives work per second."""
    functions = {"": ours, **peers}
    for function in functions.values():
        function()
    rates: dict[str, list[float]] = {key: [] for key in functions}
    keys = list(functions)
    for round_index in range(repeats):
        shift = round_index % len(keys)
        for key in keys[shift:] + keys[:shift]:
            rates[key].append(functions[key]())
    bars = bar if isinstance(bar, Mapping) else {} if bar is None else {next(iter(peers)): bar}
    rated = []
    for key in peers:
        ratio = statistics.median(mine / theirs for theirs, mine in zip(rates[key], rates[""], strict=True))
        least = bars.get(key)
        rated.append(Peer(key, statistics.median(rates[key]), ratio, least, None if least is None else ratio >= least))
    mine = rates[""]
    return Figure(name, unit, statistics.median(mine), min(mine), max(mine), tuple(rated))


def at_least(name: str, value: float, limit: float, *, unit: str) -> Figure:
    """A figure that must reach a limit. Its ratio is value over limit, its bar is 1."""
    return Figure(name, unit, value, value, value, (Peer("limit", limit, value / limit, 1.0, value >= limit),))


def at_most(name: str, value: float, limit: float, *, unit: str) -> Figure:
    """A figure that must stay under a limit (seconds, megabytes). Its ratio is limit over value, its bar is 1."""
    ratio = limit / value if value > 0 else float("inf")
    return Figure(name, unit, value, value, value, (Peer("limit", limit, ratio, 1.0, value <= limit),))


def finish(figures: Sequence[Figure], as_json: bool) -> int:
    """Print the figures, one line for each peer of each. Returns the exit code: 1 if a bar is missed."""
    if as_json:
        rows = [asdict(figure) | {"holds": figure.holds} for figure in figures]
        print(json.dumps({"bench": Path(sys.argv[0]).stem, "machine": machine(), "figures": rows}, indent=2))
    else:
        print_table(figures)
    return 0 if all(figure.holds for figure in figures) else 1


def print_table(figures: Sequence[Figure]) -> None:
    """The figures as an aligned table on standard output."""
    verdicts = {True: "holds", False: "MISSED", None: ""}
    lines = [("figure", "ours", "peer", "", "ratio", "bar", "unit", "")]
    for figure in figures:
        for peer in figure.peers:
            bar = "" if peer.bar is None else f"{peer.bar:g}"
            values = (number(figure.ours), peer.name, number(peer.value), multiple(peer.ratio))
            lines.append((figure.name, *values, bar, figure.unit, verdicts[peer.holds]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    numeric = {1, 3, 4, 5}
    for line in lines:
        cells = (
            cell.rjust(w) if i in numeric else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(cells).rstrip())


def number(value: float) -> str:
    """A measured value in at most four significant digits where it is small, in whole units where it is not."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def multiple(ratio: float | None) -> str:
    """A ratio with two decimals; a dash where there is none."""
    return "-" if ratio is None else f"{ratio:.2f}"


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        named = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    today = time.strftime("%Y-%m-%d")
    return {"cpu": model, "cores": str(os.cpu_count()), "python": platform.python_version(), "date": today}
