"""What every kind of stage has in common: its options, what it reads and writes, and how it is run.

Conventions: options are a subclass of ``StageOptions``; paths in them can be opened as they are. A stage writes only
below its place, or the file that its place names, and goes on with what it began there.

Public names: Kind, StageOptions, Input, Work, Stopped, given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from audiolect.config import Config
from audiolect.progress import Progress, silent_progress

# the option that names it ("dataset", "scores.0"), a name of nouns.NOUNS, where it is
Input: TypeAlias = tuple[str, str, Path]


class StageOptions(Config):
    """The base of the options of every kind."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage is run with, which changes nothing of what it writes.

    Args:
        jobs: processes; 0: one for each processor.
        command: for cards.
        progress: draws bars.
        tell: hears remarks on the way.
    """

    jobs: int = 1
    command: str = ""
    progress: Progress = silent_progress
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the table of kinds.

    Args:
        about: what it does, in a few words.
        options: what it takes.
        inputs: options → what it reads.
        writes: a name of ``nouns.NOUNS``.
        run: does it, at its place; gives lines that say what came of it.
        suffix: of its place, where that is a file.
        says: options → the rest of its line in the plan.
        place: options → where it writes, where that is not below the folder of the street.
        extras: (module, extra of audiolect) that it cannot do without.
    """

    about: str
    options: type[StageOptions]
    inputs: Callable[[Any], list[Input]]
    writes: str
    run: Callable[[Any, Path, Work], list[str]]
    suffix: str = ""
    says: Callable[[Any], str] = lambda _: ""
    place: Callable[[Any], Path] | None = None
    extras: tuple[tuple[str, str], ...] = ()


class Stopped(Exception):  # noqa: N818 - no error: the person asked for it
    """A stage was asked to stop, and has saved what it had."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"stopped with {exit_code}")
        self.exit_code = exit_code


def given(inputs: Iterable[tuple[str, str, Path | None]]) -> list[Input]:
    """The inputs that are named at all."""
    return [(label, noun, path) for label, noun, path in inputs if path is not None]
