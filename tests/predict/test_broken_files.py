"""Files that cannot be read become problems, and too many of them a letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.data.problems import Problem
from audiolect.errors import TooManyProblems, UnreadableAudio
from audiolect.predict.broken_files import broken_file, refuse_more_broken


def test_a_letter_becomes_one_line() -> None:
    problem = broken_file(Path("a/b.wav"), UnreadableAudio("It is no audio.", where="b.wav", found="a poem"))
    assert (problem.reason, problem.where, problem.severity) == ("unreadable", "a/b.wav", "error")
    assert problem.detail.startswith("It is no audio. ")
    assert "a poem" in problem.detail
    assert "\n" not in problem.detail


def test_as_many_as_the_limit_may_be_broken() -> None:
    problems = [Problem("unreadable", f"{name}.wav", f"why {name}") for name in "abcd"]
    refuse_more_broken([], 0)
    refuse_more_broken(problems, 4)
    refuse_more_broken(problems, None)
    with pytest.raises(
        TooManyProblems, match=r"3 at most(.|\n)*a\.wav: why a\n(.|\n)*d\.wav: why d(.|\n)*--max-problems"
    ):
        refuse_more_broken(problems, 3)
