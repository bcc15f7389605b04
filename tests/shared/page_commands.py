"""Pages of documentation as programs: the files that they show, their commands, and what they show below each.

A line ``…`` of a page stands for any lines, and ``…`` at the end of a line for the rest of it.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

COLUMNS = "100"


def blocks(page: str, *kinds: str) -> list[tuple[str, str]]:
    """The fenced blocks of these languages: what follows the language on the fence, and the text."""
    fences = re.findall(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [(name, text) for kind, name, text in fences if kind in kinds]


def files(page: str) -> list[tuple[str, str]]:
    """Names and texts of the files that a page shows: fences of CSV and YAML with a name."""
    return [(name, text) for name, text in blocks(page, "csv", "yaml") if name]


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Every command of the fences ``console`` with the lines that the page shows below it."""
    found: list[tuple[str, list[str]]] = []
    for _, text in blocks(page, "console"):
        for line in text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line.rstrip())
    return found


def matches(shown: list[str], printed: list[str], *, any_numbers: bool = False) -> bool:
    """Whether the printed lines are the shown ones; with ``any_numbers``, whatever numbers and spaces stand in them."""
    return re.fullmatch("\n".join(_line(line, any_numbers) for line in shown), "\n".join(printed)) is not None


def _line(line: str, any_numbers: bool) -> str:
    if line == "…":
        return "(?s:.*?)"
    rest = ".*" if line.endswith("…") else ""
    pattern = re.escape(line.removesuffix("…"))
    if any_numbers:
        pattern = re.sub(r"\d+(?:(?:,|\\\.)\d+)*", r"[\\d.,]+", pattern)
        pattern = re.sub(r"(?:\\ )+", r" +", pattern)
    return pattern + rest


def lines(output: str) -> list[str]:
    """What a program printed, line by line, without spaces behind."""
    return [line.rstrip() for line in output.rstrip("\n").splitlines()]


def environment() -> dict[str, str]:
    """For the commands of a page: ``audiolect`` is found, lines have one width, nothing is coloured."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
