"""The flags that mean the same for every verb.

Conventions: every number has its bounds here or where it is declared, so that nonsense ends before any work.

Public names: the annotated types below, one for each flag; finite, the callback of options that are numbers with a
fraction.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write. Must not exist, unless --overwrite.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes to use; 0 means one for each processor.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random choice.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what --out names, once the new one is complete.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on standard output.")]
Where = Annotated[
    str | None,
    typer.Option("--where", help="Keep what fulfils this, e.g. \"duration_seconds < 30 and split == 'train'\"."),
]
MaxProblems = Annotated[
    int | None,
    typer.Option("--max-problems", min=0, help="Stop when more things than this are broken. Default: no limit."),
]
KeepQuarantined = Annotated[
    bool, typer.Option("--keep-quarantined", help="Also use what `audiolect check` has put on the quarantine list.")
]
DatasetFolder = Annotated[Path, typer.Argument(help="A dataset folder, as `prepare` writes it.", show_default=False)]


def finite(value: float | None) -> float | None:
    """The value of an option, which bounds alone do not keep from being NaN or infinite.

    Raises:
        BadParameter: it is.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value
