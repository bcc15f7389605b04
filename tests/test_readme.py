"""The README is executed: its files are written, its commands run in order, their output compared with what it shows.

A line "…" in the README stands for any lines. Standard error is compared where nothing came on standard output.
Commands that take minutes are run in a reduced form, derived from them; of those any numbers may stand where the README
has some.
"""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call
from page_commands import COLUMNS, commands, environment, files, lines, matches

pytest.importorskip("torch")
pytest.importorskip("lancedb")

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS_IN_README = 14
REDUCED_COMMANDS = 2
FILES_IN_README = 2
CLASSES = ("dog", "rooster", "rain", "sea_waves", "crackling_fire", "crying_baby", "sneezing", "clock_tick", "chainsaw")


def reduced(command: str) -> str | None:
    """The same in seconds; None for a command that is run as it stands."""
    if command.startswith("make "):
        makefile = (ROOT / "Makefile").read_text("utf-8")
        (line,) = re.findall(rf"^{command[5:]}:.*\n\t\$\(BIN\)/(.*)$", makefile, re.MULTILINE)
        return f"{line} --recordings 20 --epochs 1 --jobs 1"
    if command.startswith("audiolect run recipes/esc10.yaml"):
        return f"{command} audio=ESC-10 epochs=1 --jobs 1"
    return None


def miniature(folder: Path) -> None:
    """Noise in the layout of ESC-10: a recording of each class in each fold."""
    rng = np.random.default_rng(1)
    (folder / "audio").mkdir(parents=True)
    (folder / "meta").mkdir()
    with (folder / "meta" / "esc50.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("filename", "fold", "target", "category", "esc10", "src_file", "take"))
        for fold in range(1, 6):
            for target, category in enumerate(CLASSES):
                name = f"{fold}-{1000 * fold + target}-A-{target}.wav"
                soundfile.write(folder / "audio" / name, 0.1 * rng.standard_normal(16000), 16000)
                writer.writerow((name, fold, target, category, True, 1000 * fold + target, "A"))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the README assumes it: the recipes of a clone, a corpus, and a folder of one's own sounds."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    miniature(folder / "ESC-10")
    rng = np.random.default_rng(0)
    for name in ("yard/dog.wav", "yard/gate.wav", "street/tram.wav"):
        path = folder / "my_sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(16000), 16000)
    for name, text in files(README):
        (folder / name).write_text(text, "utf-8")
    return folder


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, output and errors: of ``audiolect`` in this process, which has torch already; of others in a shell."""
    if not command.startswith("audiolect "):
        done = subprocess.run(command, shell=True, env=environment(), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr
    code = call(*shlex.split(command)[1:])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_readme_shows_so_much() -> None:
    assert len(commands(README)) == COMMANDS_IN_README
    assert len([command for command, _ in commands(README) if reduced(command)]) == REDUCED_COMMANDS
    assert len(files(README)) == FILES_IN_README


def test_every_command_prints_what_the_readme_shows(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workshop)
    monkeypatch.setenv("COLUMNS", COLUMNS)
    monkeypatch.setenv("NO_COLOR", "1")
    ran = 0
    for command, shown in commands(README):
        in_small = reduced(command)
        code, out, err = run(in_small or command, capsys)
        assert matches(shown, lines(out or err), any_numbers=in_small is not None), (
            f"$ {command}\nprinted:\n{out or err}"
        )
        assert "Traceback" not in err
        assert code == 0, command
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
