"""A flag means the same for every verb: same spelling, same help, same type."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
import typer.main

from audiolect.cli.main import app
from audiolect.cli.options import finite

BOUNDED = ("download", "prepare", "show", "check", "split", "subset", "leaks", "demo")
COMMON = ("--jobs", "--seed", "--json", "--where", "--overwrite", "--dry-run")


def test_the_common_flags_mean_the_same_for_every_verb() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    seen: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for command in commands.values():
        for parameter in command.params:
            for flag in parameter.opts:
                seen[flag].add((parameter.help, str(parameter.type_descriptor.annotation)))
    assert {flag: len(seen[flag]) for flag in COMMON} == dict.fromkeys(COMMON, 1)
    # What --out defaults to may differ; that it is a place to write does not.
    assert {annotation for _, annotation in seen["--out"]} == {"<class 'pathlib.Path'>"}
    assert all(str(words).startswith("Where to write.") for words, _ in seen["--out"])


def test_every_verb_can_answer_in_json() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert len(commands) >= 5
    without = [name for name, command in commands.items() if not any("--json" in p.opts for p in command.params)]
    assert without == []


def test_every_number_of_these_verbs_has_a_least_value() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    numbers = [
        (verb, parameter)
        for verb in BOUNDED
        for parameter in commands[verb].params
        if parameter.type_descriptor.annotation in (int, float, int | None, float | None)
    ]
    assert len(numbers) >= 15
    assert [(verb, parameter.opts[0]) for verb, parameter in numbers if parameter.min is None] == []


def test_finite_numbers() -> None:
    assert [finite(value) for value in (None, 0.0, 1e300)] == [None, 0.0, 1e300]
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(typer.BadParameter, match="not a finite number"):
            finite(value)
