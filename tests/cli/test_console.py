from __future__ import annotations

import json

import pytest

from audiolect.cli import console


def test_bars_are_in_proportion(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_bars("labels", {"dog": 8, "rain": 4, "none": 0}, width=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "labels"
    assert [line.count("█") for line in lines[1:]] == [10, 5, 0]
    assert lines[1].split()[:2] == ["dog", "8"]


def test_bars_of_nothing_and_of_zeros(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_bars("labels", {})
    console.print_bars("labels", {"dog": 0})
    output = capsys.readouterr().out
    assert "(none)" in output
    assert "█" not in output


def test_parts_of_a_block_round_to_eighths(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_bars("x", {"a": 16, "b": 1}, width=2)
    assert capsys.readouterr().out.splitlines()[2].endswith("▏")


def test_a_table_prints_every_cell_and_none_as_empty(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("things", ("name", "count"), [("dog", 3), (None, 4)], right=(1,))
    output = capsys.readouterr().out
    assert "None" not in output
    assert {"things", "name", "dog", "4"} <= set(output.split())


def test_cells_titles_and_names_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "[laughs] a man, [red]told[/red] [/i] a joke"
    console.print_table(odd, ("words",), [(odd,)])
    console.print_bars(odd, {odd: 1})
    console.print_done(odd, odd)
    assert capsys.readouterr().out.replace("\n", " ").count(odd) == 6


def test_a_text_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("x", ("words",), [("\x1b[2Jgone\x07",), ("two\nlines",)])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "gone" in printed
    assert "two␤lines" in printed


def test_json_is_one_line_and_keeps_unicode(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"title": "Vögel"})
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert json.loads(output) == {"title": "Vögel"}
    assert "Vögel" in output


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB"), (2**50, "1024.0 TiB")],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert console.human_bytes(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0.0 s"), (59.94, "59.9 s"), (75.2, "1 min 15 s"), (5400, "1.5 h")])
def test_seconds_for_people(seconds: float, text: str) -> None:
    assert console.human_seconds(seconds) == text


def test_progress_speaks_once_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.rich_progress("decoding", total=3, unit="recordings") as advance:
        for _ in range(3):
            advance(1)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.strip() == "decoding 3 recordings"


def test_done_says_what_and_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_done("world", "audiolect show world")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["wrote", "world"],
        ["next", "audiolect", "show", "world"],
    ]


def test_counts() -> None:
    assert [console.human_count(number, "pair") for number in (0, 1, 2)] == ["0 pairs", "1 pair", "2 pairs"]
