"""A person's own files, described: formats mixed, broken ones listed, gone on with."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiolect.embedding_files import ModelIdentity
from audiolect.errors import StorageError, TooManyProblems, UsageError
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict import own_captions
from audiolect.predict.own_captions import COLUMNS, caption_files, find_files

RATE_HZ = 8000


class FakeWriter:
    """Says how many samples it has heard."""

    def __init__(self, styles: tuple[str, ...] = ("a > caption: ",), model: str = "0" * 32) -> None:
        self.identity = ModelIdentity(run="fake", checkpoint_hash=model)
        self.rate_hz = RATE_HZ
        self.styles = frozenset(styles)
        self.heard: list[str] = []

    def write(self, waveforms: Any, lengths: Any, prefix: str, keys: Any, settings: Any) -> Any:
        self.heard += list(keys)
        return [[(f"{prefix}{length} samples, loud", -0.25)] for length in lengths]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "sounds"
    (folder / "inner").mkdir(parents=True)
    for name, seconds in (("a.wav", 2.0), ("b.flac", 0.1), ("inner/c.ogg", 1.0), ("d.wav", 0.5)):
        times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        soundfile.write(folder / name, 0.3 * np.sin(2 * np.pi * 900 * times), RATE_HZ)
    (folder / "broken.wav").write_bytes(b"RIFF....")
    return [folder / name for name in ("a.wav", "broken.wav", "b.flac", "inner/c.ogg", "d.wav")]


def captioned(files: list[Path], writer: Any = None, **options: Any) -> Any:
    return caption_files(writer or FakeWriter(), files, GenerationSettings(), **options)


def test_each_file_has_a_caption_in_the_order_given(files: list[Path]) -> None:
    found = captioned(files)
    assert [Path(each.file).name for each in found.captions] == ["a.wav", "b.flac", "c.ogg", "d.wav"]
    assert found.captions[0].caption == "a > caption: 16000 samples, loud"
    assert [each.seconds for each in found.captions] == [2.0, 0.1, 1.0, 0.5]
    assert {(each.style, each.model, each.score) for each in found.captions} == {("a > caption", "0" * 32, -0.25)}
    assert [Path(problem.where).name for problem in found.problems] == ["broken.wav"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_the_same_command_goes_on(
    files: list[Path], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_captions, "_FILES_AT_ONCE", 2)
    out = tmp_path / name
    captioned(files[:1], out=out)
    whole = out.read_bytes()
    out.write_bytes(whole + b'{"file": "half')  # killed while writing
    writer = FakeWriter()
    found = captioned(files, writer, out=out)
    assert found.num_resumed == 1
    assert str(files[0]) not in writer.heard
    assert out.read_bytes().startswith(whole)
    text = out.read_text("utf-8")
    if name.endswith("csv"):
        rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
    else:
        rows = [json.loads(line) for line in text.splitlines()]
    assert [Path(row["file"]).name for row in rows] == ["a.wav", "b.flac", "c.ogg", "d.wav"]
    assert all(tuple(row) == COLUMNS for row in rows)
    captioned(files, FakeWriter(), out=out)
    assert out.read_text("utf-8") == text


def test_another_model_or_style_does_not_go_on(files: list[Path], tmp_path: Path) -> None:
    captioned(files, out=tmp_path / "out.csv")
    with pytest.raises(StorageError, match="another model or style"):
        captioned(files, FakeWriter(model="1" * 32), out=tmp_path / "out.csv")
    with pytest.raises(StorageError, match="b > caption"):
        captioned(files, FakeWriter(("a > caption: ", "b > caption: ")), style="b", out=tmp_path / "out.csv")


def test_letters(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not trained with this style"):
        captioned(files, style="clotho")
    with pytest.raises(UsageError, match=r"\.jsonl or \.csv"):
        captioned(files, out=tmp_path / "out.txt")
    with pytest.raises(TooManyProblems, match=r"broken\.wav"):
        captioned(files, max_problems=0)
    (tmp_path / "bad.jsonl").write_text("no\n", "utf-8")
    with pytest.raises(StorageError, match="not JSON"):
        captioned(files, out=tmp_path / "bad.jsonl")


def test_folders_are_what_is_in_them(files: list[Path]) -> None:
    folder = files[0].parent
    assert [path.name for path in find_files([folder])] == ["a.wav", "b.flac", "broken.wav", "d.wav"]
    assert [path.name for path in find_files([folder], recursive=True)] == [
        "a.wav", "b.flac", "broken.wav", "d.wav", "c.ogg",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="named twice"):
        find_files([folder, files[0]])
    with pytest.raises(UsageError, match="nothing to describe"):
        find_files([])


def test_a_folder_without_audio_of_its_own(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--recursive"):
        find_files([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no audio"):
        find_files([tmp_path / "empty"])
