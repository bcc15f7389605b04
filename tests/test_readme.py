"""The README is executed: its files are written, its commands run in order, their output compared with what it shows.

A line "…" in the README stands for any lines. Standard error is compared where nothing came on standard output.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[1]
ESC10 = ROOT.parent / "shared" / "data" / "esc10"
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS_IN_README = 23
COMMANDS_OF_ESC10 = 6
FILES_IN_README = 5


def blocks(kind: str) -> list[tuple[str, str]]:
    """The fenced blocks of one language: what follows the language on the fence, and the text."""
    return re.findall(rf"^```{kind}(?: ([^\n]+))?\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, list[str]]]:
    """Every command with the lines that the README shows below it."""
    found: list[tuple[str, list[str]]] = []
    for _, text in blocks("console"):
        for line in text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line.rstrip())
    return found


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are the shown ones, "…" standing for any number of lines."""
    pattern = "\n".join("(?s:.*?)" if line == "…" else re.escape(line) for line in shown)
    return re.fullmatch(pattern, "\n".join(printed)) is not None


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the README assumes it: the published corpus, and a folder of one's own sounds."""
    folder = tmp_path_factory.mktemp("readme")
    if ESC10.exists():
        (folder / "ESC-10").symlink_to(ESC10, target_is_directory=True)
    rng = np.random.default_rng(0)
    for name in ("yard/dog.wav", "yard/gate.wav", "street/tram.wav"):
        path = folder / "my_sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(16000), 16000)
    files = blocks("csv") + blocks("yaml")
    assert len(files) == FILES_IN_README
    for name, text in files:
        (folder / name).write_text(text, "utf-8")
    return folder


def test_the_readme_shows_so_many_commands() -> None:
    assert len(commands()) == COMMANDS_IN_README


def test_every_command_prints_what_the_readme_shows(workshop: Path) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    ran = left_out = 0
    for command, shown in commands():
        if "esc10" in command and not ESC10.exists():
            left_out += 1
            continue
        done = subprocess.run(
            command, shell=True, cwd=workshop, env=environment, capture_output=True, text=True, check=False
        )
        output = done.stdout or done.stderr
        printed = [line.rstrip() for line in output.rstrip("\n").splitlines()]
        assert matches(shown, printed), f"$ {command}\nshown:\n{chr(10).join(shown)}\nprinted:\n{chr(10).join(printed)}"
        assert "Traceback" not in done.stderr
        ran += 1
    assert ran == COMMANDS_IN_README - left_out
    assert left_out == (0 if ESC10.exists() else COMMANDS_OF_ESC10)


def test_a_difference_is_seen() -> None:
    assert matches(["a", "…", "c"], ["a", "b", "b", "c"])
    assert not matches(["a", "…", "c"], ["a", "b"])
    assert not matches(["a"], ["a", "b"])
