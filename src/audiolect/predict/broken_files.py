"""Files of a person that cannot be read: each is a problem that stops no other, up to a limit.

Conventions: the place of a problem is the path as given; its detail is the letter on one line.

Public names: broken_file, refuse_more_broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiolect.data.problems import Problem
from audiolect.errors import AudioError, MissingDependency, TooManyProblems


def broken_file(path: Path, error: AudioError | MissingDependency) -> Problem:
    """The problem that stands for a file that could not be read."""
    return Problem("unreadable", str(path), " ".join(str(error).split()))


def refuse_more_broken(problems: Sequence[Problem], limit: int | None) -> None:
    """Stop where more files are broken than ``limit``; None: no limit.

    Raises:
        TooManyProblems: with every broken file.
    """
    if limit is not None and len(problems) > limit:
        raise TooManyProblems(
            "More files are broken than may be.",
            expected=f"{limit} at most",
            found="".join(f"\n    {problem.where}: {problem.detail}" for problem in problems),
            fix="mend them, leave them out, or give a larger --max-problems",
        )
