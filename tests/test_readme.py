"""The README is executed: its files are written, its commands run in order, their output compared with what it shows.

A line "…" in the README stands for any lines. Standard error is compared where nothing came on standard output.
Commands that take minutes are run in a reduced form, derived from them; of those any numbers may stand where the README
has some.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from page_commands import commands, environment, files, lines, matches

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS_IN_README = 13
REDUCED_COMMANDS = 1
FILES_IN_README = 2


def reduced(command: str) -> str | None:
    """The same in seconds; None for a command that is run as it stands."""
    if command.startswith("make "):
        (line,) = re.findall(
            rf"^{command[5:]}:.*\n\t\$\(BIN\)/(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
        )
        return f"{line} --recordings 20 --epochs 1 --jobs 1"
    return None


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the README assumes it: the recipes of a clone, and a folder of one's own sounds."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    rng = np.random.default_rng(0)
    for name in ("yard/dog.wav", "yard/gate.wav", "street/tram.wav"):
        path = folder / "my_sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(16000), 16000)
    for name, text in files(README):
        (folder / name).write_text(text, "utf-8")
    return folder


def test_the_readme_shows_so_much() -> None:
    assert len(commands(README)) == COMMANDS_IN_README
    assert len([command for command, _ in commands(README) if reduced(command)]) == REDUCED_COMMANDS
    assert len(files(README)) == FILES_IN_README


def test_every_command_prints_what_the_readme_shows(workshop: Path) -> None:
    ran = 0
    for command, shown in commands(README):
        in_small = reduced(command)
        done = subprocess.run(
            in_small or command,
            shell=True,
            cwd=workshop,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout or done.stderr
        assert matches(shown, lines(output), any_numbers=in_small is not None), f"$ {command}\nprinted:\n{output}"
        assert "Traceback" not in done.stderr
        assert done.returncode == 0, command
        ran += 1
    assert ran == COMMANDS_IN_README


def test_the_picture_is_there() -> None:
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert "</svg>" in (ROOT / picture).read_text("utf-8")


def test_a_difference_is_seen() -> None:
    assert matches(["a", "…", "c"], ["a", "b", "b", "c"])
    assert not matches(["a", "…", "c"], ["a", "b"])
    assert not matches(["a"], ["a", "b"])
    assert matches(["a b…"], ["a bcd"])
    assert not matches(["a 1  b"], ["a 2 b"])
    assert matches(["a 1.25  b"], ["a 1,000 b"], any_numbers=True)
    assert not matches(["a 1  b"], ["a x b"], any_numbers=True)
