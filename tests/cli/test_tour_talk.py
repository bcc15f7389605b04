"""What the demo prints: commands that can be copied, facts, and a few examples."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from audiolect.cli.tour_plan import Tour
from audiolect.cli.tour_talk import MOST_EXAMPLES, fact, print_examples, say


def tour(*, quiet: bool) -> Tour:
    return Tour(Path("demo"), recordings=10, epochs=1, seed=7, jobs=1, overwrite=False, quiet=quiet)


def test_a_command_stands_on_a_line_of_its_own_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    command = f"audiolect pack {'a' * 200} --out 'two words' --where \"fold == 5\""
    say(tour(quiet=False), command)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each]
    assert line.startswith("$ ")
    assert shlex.split(line[2:]) == shlex.split(command)


def test_a_quiet_tour_says_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    say(tour(quiet=True), "audiolect pack")
    assert capsys.readouterr().out == ""


def test_facts_are_printed_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    fact("wrote", "demo/[bold]report.html")
    assert capsys.readouterr().out == "wrote  demo/[bold]report.html\n"


def test_a_few_examples_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_examples("written", [(f"r{i}", f"said {i}", f"true {i}") for i in range(MOST_EXAMPLES + 3)])
    printed = capsys.readouterr().out
    assert [f"said {i}" in printed for i in range(MOST_EXAMPLES + 3)] == [True] * MOST_EXAMPLES + [False] * 3
    assert "true 0" in printed
    assert "r0" in printed
