"""Pages of docs/ are executed: their files are written, their commands run in order, in this process, and what they
print is compared with what the pages show.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call
from page_commands import COLUMNS, commands, files, lines, matches

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
ESC10 = ROOT.parent / "shared" / "data" / "esc10"
COMMANDS = {"prepare.md": 13}
FILES = {"prepare.md": 3}
COMMANDS_OF_ESC10 = 6


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line ``audiolect …``."""
    program, *arguments = shlex.split(command)
    assert program == "audiolect", command
    code = call(*arguments)
    told = capsys.readouterr()
    return code, told.out, told.err


def own_sounds(folder: Path) -> None:
    """Recordings of the folder ``my_sounds``, as the pages assume them."""
    rng = np.random.default_rng(0)
    for name in ("yard/dog.wav", "yard/gate.wav", "street/tram.wav"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(16000), 16000)


def test_how_much_the_pages_show() -> None:
    assert {name: len(commands(page(name))) for name in COMMANDS} == COMMANDS
    assert {name: len(files(page(name))) for name in FILES} == FILES


def test_preparing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", COLUMNS)
    monkeypatch.setenv("NO_COLOR", "1")
    if ESC10.exists():
        (tmp_path / "ESC-10").symlink_to(ESC10, target_is_directory=True)
    own_sounds(tmp_path / "my_sounds")
    text = page("prepare.md")
    for name, content in files(text):
        (tmp_path / name).write_text(content, "utf-8")
    ran = left_out = 0
    for command, shown in commands(text):
        if re.search(r"\besc10\b", command) and not ESC10.exists():
            left_out += 1
            continue
        code, out, err = run(command, capsys)
        assert matches(shown, lines(out or err)), f"$ {command}\nprinted:\n{out or err}"
        assert code == (1 if command.startswith("audiolect leaks") else 0), command
        ran += 1
    assert ran == COMMANDS["prepare.md"] - left_out
    assert left_out == (0 if ESC10.exists() else COMMANDS_OF_ESC10)
