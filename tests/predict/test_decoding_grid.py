"""Grids of ways to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.errors import ConfigError
from audiolect.predict.decoding_grid import read_grid


def grid(folder: Path, text: str) -> Path:
    path = folder / "grid.yaml"
    path.write_text(text, "utf-8")
    return path


def test_every_combination_once(tmp_path: Path) -> None:
    text = "greedy: {method: greedy}\nb: {method: beam, num_beams: [2, 5], length_penalty: [0.5, 1.0], suppress: [3]}\n"
    found = read_grid(grid(tmp_path, text))
    assert list(found) == [
        "greedy",
        "b num_beams=2 length_penalty=0.5",
        "b num_beams=2 length_penalty=1",
        "b num_beams=5 length_penalty=0.5",
        "b num_beams=5 length_penalty=1",
    ]
    last = found["b num_beams=5 length_penalty=1"]
    assert (last.method, last.num_beams, last.length_penalty, last.suppress) == ("beam", 5, 1.0, [3])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no grid"),
        ("{}", "no grid"),
        ("a: greedy", "no grid"),
        ("a: {method: best}", "one of greedy, beam"),
        ("a: {methods: greedy}", "did you mean method"),
        ("a: {seed: [" + ", ".join(map(str, range(501))) + "]}", "too large"),
    ],
)
def test_what_is_no_grid(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_grid(grid(tmp_path, text))
