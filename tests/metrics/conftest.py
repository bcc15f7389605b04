"""The programs whose numbers caption metrics must be: the Java tokenizer, and captions of other people to feed them."""

from __future__ import annotations

import csv
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from java_stand_in import write_java

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REMOVED = ("''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";")


@pytest.fixture(scope="session")
def coco_folder() -> Path:
    """The folder of pycocoevalcap, which carries the jars."""
    spec = importlib.util.find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pycocoevalcap is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="session")
def java_words(coco_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], list[list[str]]]:
    """Captions to words by the Java tokenizer, as the caption evaluation of MS COCO runs it."""
    jar = coco_folder / "tokenizer" / "stanford-corenlp-3.4.1.jar"

    def tokenized(captions: list[str]) -> list[list[str]]:
        # A caption that is not the last of the file: what stands at its very end the program treats in another way.
        file = tmp_path_factory.mktemp("words") / "captions.txt"
        file.write_text("\n".join([*captions, "end"]), "utf-8")
        command = ["java", "-cp", str(jar), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
        done = subprocess.run([*command, str(file)], capture_output=True, check=True, timeout=120)
        lines = done.stdout.decode("utf-8").split("\n")
        assert [line.strip() for line in lines[len(captions) :] if line.strip()] == ["end"]
        return [
            [word for word in line.rstrip().split(" ") if word and word not in REMOVED]
            for line in lines[: len(captions)]
        ]

    return tokenized


@pytest.fixture(scope="session")
def published_captions() -> list[str]:
    """Every different caption of Clotho (as published and as curated) and of AudioCaps."""
    files = sorted(SHARED.glob("clotho/*/*.csv")) + sorted(SHARED.glob("audiocaps/*.csv"))
    if not files:
        pytest.skip(f"there are no published captions beside the project ({os.path.relpath(SHARED)})")
    found: dict[str, None] = {}
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found |= {text: None for name, text in row.items() if "caption" in name}
    return list(found)


@pytest.fixture(scope="session")
def clotho_evaluation() -> list[list[str]]:
    """The five captions of each recording of Clotho's evaluation split."""
    path = SHARED / "clotho" / "original" / "clotho_captions_evaluation.csv"
    if not path.is_file():
        pytest.skip(f"there are no published captions beside the project ({os.path.relpath(SHARED)})")
    with path.open(encoding="utf-8", newline="") as file:
        return [[row[f"caption_{number}"] for number in range(1, 6)] for row in csv.DictReader(file)]


@pytest.fixture
def make_java(tmp_path: Path) -> Callable[..., str]:
    """A program that stands in for Java: says a version, and else runs some lines of Python with ``argv``."""

    def made(body: str = "", *, version: str = 'openjdk version "17.0.1"') -> str:
        return str(write_java(tmp_path / "bin" / "java", body, version))

    return made
