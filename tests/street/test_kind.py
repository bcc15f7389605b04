"""The little that all kinds share."""

from __future__ import annotations

from pathlib import Path

from audiolect.street.kind import Stopped, Work, given


def test_only_what_is_named_is_read() -> None:
    here = Path("a")
    assert given([("pack", "pack", None), ("dataset", "dataset", here)]) == [("dataset", "dataset", here)]


def test_work_is_silent_by_itself() -> None:
    work = Work()
    work.tell("nobody hears this")
    with work.progress("x", total=1, unit="y") as advance:
        advance(1)


def test_a_stop_says_with_what_to_end() -> None:
    assert Stopped(143).exit_code == 143
