"""What the verbs print: progress bars, tables, small plots, and the last line that says what to do next.

Conventions: results for people and for ``--json`` go to standard output, bars and letters to standard error, so that
output can be piped. Nothing is drawn where standard error is not a terminal, except one line when long work begins.

Public names: command_line, console, errors_console, rich_progress, print_table, print_bars, print_lines, print_json,
print_done, human_bytes, human_seconds, human_count.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from audiolect.progress import Advance

_BLOCKS = " ▏▎▍▌▋▊▉█"


def console() -> Console:
    """Standard output."""
    return Console(highlight=False)


def errors_console() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False)


@contextmanager
def rich_progress(what: str, *, total: int | None, unit: str) -> Iterator[Advance]:
    """A ``Progress`` that draws one bar with counts, rate and the time left."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = errors_console()
    if not screen.is_terminal:
        amount = "" if total is None else f" {total} {unit}"
        screen.print(f"{what}{amount}", markup=False)
    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=False, disable=not screen.is_terminal) as bars:
        bar = bars.add_task(what, total=total)

        def advance(amount: int) -> None:
            bars.advance(bar, amount)

        yield advance


def print_table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Collection[int] = (),
    whole: Collection[int] = (),
) -> None:
    """A table; the columns numbered in ``right`` are aligned to the right, those in ``whole`` are never broken.

    Cells are printed as they are: brackets in a caption are no markup. A coloured cell is a ``rich.text.Text``.
    """
    out = console()
    # Printed apart from the table: a title inside would be broken to the table's width.
    out.print(Text(plain(title), style="bold"), soft_wrap=True)
    table = Table(show_header=any(header), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, name in enumerate(header):
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    out.print(table)


def print_bars(title: str, counts: Mapping[str, int], *, width: int = 36) -> None:
    """A bar chart in the terminal: one line for each name with its count."""
    out = console()
    out.print(Text(plain(title), style="bold"), soft_wrap=True)
    if not counts:
        out.print("  (none)")
        return
    largest = max(counts.values()) or 1
    margin = max(len(name) for name in counts)
    digits = max(len(str(count)) for count in counts.values())
    for name, count in counts.items():
        out.print(Text(f"  {plain(name):<{margin}}  {count:>{digits}}  {_bar(count / largest, width)}"), soft_wrap=True)


def _bar(share: float, width: int) -> str:
    eighths = round(share * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_BLOCKS[rest] if rest else "")


def plain(value: object) -> str:
    """A value as one line of text that cannot steer the terminal: control characters become visible; None is empty."""
    text = "" if value is None else str(value)
    return "".join(
        c if c.isprintable() else "\N{SYMBOL FOR NEWLINE}" if c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def print_lines(text: str, *, aside: bool = False) -> None:
    """A text of several lines; ``aside``, on standard error."""
    out = errors_console() if aside else console()
    for line in text.splitlines():
        out.print(plain(line), markup=False, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_done(wrote: str, next_command: str) -> None:
    """The last words of a verb: what it wrote, where, and the next command."""
    out = console()
    out.print(Text.assemble(("wrote", "green"), f" {plain(wrote)}"), soft_wrap=True)
    out.print(Text.assemble(("next ", "cyan"), f" {plain(next_command)}"), soft_wrap=True)


def command_line() -> str:
    """The command that runs, as a person would type it again."""
    return shlex.join(["audiolect", *sys.argv[1:]])


def human_bytes(count: int) -> str:
    """1536 → ``1.5 KiB``."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def human_seconds(seconds: float) -> str:
    """75.2 → ``1 min 15 s``; 5400 → ``1.5 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{seconds / 3600:.1f} h"


def human_count(number: int, noun: str) -> str:
    """1, ``pair`` → ``1 pair``; 2, ``pair`` → ``2 pairs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
