"""The journal of a run: one line of JSON for each thing that happened, in order, never twice.

    {"format": "audiolect/journal", "version": 1, …}          the first line
    {"kind": "step", "step": 40, "epoch": 1, "position": 640, "loss": …, "learning_rate": …, "gradient_norm": …,
     "audio_seconds_per_second": …, "data_wait_share": …, "memory_bytes": …, …}
    {"kind": "validation", "step": 40, "set": "world-AudioCaptioning/validation", "metrics": {…}}
    {"kind": "examples", "step": 40, "set": …, "rows": [{"text": …, "rank": …, "matches": […]}]}
    {"kind": "end", "step": 400, "why": "all steps are done"}

Conventions: a row is on the disk (flushed) before the next thing is done. A run that is resumed at a checkpoint's step
takes back what was written after it, half a line too, so that no step has two rows. Numbers that are not finite are
null.

Public names: Journal, read_journal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from audiolect.errors import DamagedFile
from audiolect.storage import atomic_path, check_header, file_header

_KIND, _VERSION = "journal", 1


class Journal:
    """A journal that is written to.

    Args:
        path: the file; made if it is absent.
        step: the step from which the run goes on: rows of later steps are taken back; None: it begins, with no rows.
    """

    def __init__(self, path: Path, step: int | None = None) -> None:
        there = _lines(path) if step is not None and path.is_file() else ()
        kept = [line for line, row in there if row.get("step", 0) <= (step or 0)]
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(kept or [json.dumps(file_header(_KIND, _VERSION)) + "\n"])
        self._file = path.open("a", encoding="utf-8", newline="\n")

    def add(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Write one row."""
        row = {"kind": kind, "step": step, **values}
        self._file.write(json.dumps(_finite(row), ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The rows of a journal without its header; half a line at its end is not there yet, and left out.

    Raises:
        UnknownVersion, DamagedFile: it is no journal, or a line other than the last is broken.
    """
    return [row for _, row in _lines(path)][1:]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        lines = file.readlines()  # not str.splitlines: captions may hold other ends of lines, such as U+2028
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            return  # whoever wrote it was stopped, or is writing
        try:
            row = json.loads(line)
        except json.JSONDecodeError as problem:
            if number == len(lines):
                return
            raise DamagedFile(
                "A line of the journal is not JSON.", where=f"{path}:{number}", found=line[:80]
            ) from problem
        if number == 1:
            check_header(row, _KIND, {_VERSION}, path)
        yield line, row


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
