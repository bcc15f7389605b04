"""docs/troubleshooting.md: each letter is provoked by the command above it, and printed as it is shown.

The README lists the first lines of these letters, and nothing else.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call
from page_commands import COLUMNS, commands, files, lines, matches

from audiolect.folder_lock import hold_folder

pytest.importorskip("torch")
pytest.importorskip("lancedb")

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
NUM_LETTERS = 25
IN_README = 20
FILES = 4
# Without a library that is installed here, and while somebody else is at work.
WITHOUT = {"audiolect search sounds": ("lancedb",), "audiolect prepare folder phone": ("av",)}
AT_WORK = {"audiolect index runs/first world --out sounds": "sounds"}


def prepare(folder: Path) -> None:
    """The working directory as the page assumes it."""
    rng = np.random.default_rng(0)
    for name in ("my_sounds/dog.wav", "copies/gate.wav", "copies/tram.wav"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(32000), 32000)
    shutil.copy(folder / "copies" / "gate.wav", folder / "copies" / "gate-again.wav")
    (folder / "phone").mkdir()
    # How files of phones begin: MPEG-4, which libsndfile does not read.
    (folder / "phone" / "memo.m4a").write_bytes(b"\0\0\0\x1cftypM4A \0\0\0\0M4A mp42isom" + bytes(4000))
    for name, text in files(PAGE):
        (folder / name).write_text(text, "utf-8")
    for name, recordings, seed in (("world", 20, 7), ("other", 10, 8)):
        make = ("prepare", "soundworld", "--out", name, "--recordings", recordings, "--seed", seed, "--jobs", 1)
        assert call(*make) == 0
        assert call("pack", name, "--rate-hz", 32000, "--out", f"{name}-32k", "--jobs", 1) == 0
    assert call("prepare", "folder", "copies", "--mapping", "copies.yaml", "--out", "doubled", "--jobs", 1) == 0
    assert call("train", "retrieval.yaml", "--out", "runs/first") == 0
    assert call("predict", "runs/first", "world", "--split", "test", "--out", "first-test") == 0
    assert call("index", "runs/first", "world", "--pack", "world-32k", "--out", "sounds") == 0
    # The list of another dataset, copied by hand.
    assert call("check", "world", "--jobs", 1) == 0
    shutil.copytree("world/check", "other/check")


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Exit code and letter of a command, under the circumstances that the page tells of."""
    program, *arguments = shlex.split(command)
    assert program == "audiolect"
    missing = next((names for begin, names in WITHOUT.items() if command.startswith(begin)), ())
    busy = next((folder for begin, folder in AT_WORK.items() if command.startswith(begin)), None)
    with pytest.MonkeyPatch.context() as patch:
        for name in missing:
            patch.setitem(sys.modules, name, None)
            patch.setenv("PATH", "")
        capsys.readouterr()
        if busy is None:
            code = call(*arguments)
        else:
            with hold_folder(Path(busy)):
                code = call(*arguments)
    told = capsys.readouterr().err
    return code, lines(told[told.index("audiolect: ") :])


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("trouble")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", COLUMNS)
        patch.setenv("NO_COLOR", "1")
        # As without a connection, and without the minute in which the Hub is asked again and again.
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        prepare(folder)
        yield folder


def test_how_much_the_page_shows() -> None:
    assert len(commands(PAGE)) == NUM_LETTERS
    assert len(files(PAGE)) == FILES


def test_every_letter_is_printed_as_it_is_shown(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Path.cwd() == workshop
    for command, shown in commands(PAGE):
        code, letter = printed(command, capsys)
        assert code == 2, command
        assert matches(shown, letter), f"$ {command}\nprinted:\n{chr(10).join(letter)}"


def test_the_readme_lists_letters_of_the_page_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.split("\n## When something goes wrong\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    first = [shown[0].removeprefix("audiolect: ") for _, shown in commands(PAGE)]
    assert len(listed) == len(set(listed)) == IN_README
    assert [each for each in listed if each not in first] == []
