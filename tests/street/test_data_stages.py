"""Stages of data say what they found; leaks stop, and broken files are counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.config import parse_config
from audiolect.errors import AudiolectError
from audiolect.loader.pack import open_pack
from audiolect.street.kind import Work
from audiolect.street.kinds import KINDS


def do(kind: str, place: Path, **options: Any) -> list[str]:
    plain = json.loads(json.dumps(options, default=str))
    return KINDS[kind].run(parse_config(plain, KINDS[kind].options, "here"), place, Work(jobs=1))


def test_broken_files_are_counted_by_reason(audio: Path, tmp_path: Path) -> None:
    (audio / "empty.wav").touch()
    (audio / "text.wav").write_text("no sound", "utf-8")
    told = do("prepare", tmp_path / "data", corpus="folder", source=audio)
    assert told[0].startswith("3 recordings")
    assert any(line.startswith("left out: 1 empty") and "empty.wav" in line for line in told)
    assert any("unreadable" in line and "text.wav" in line for line in told)
    with pytest.raises(AudiolectError, match="limit of 1"):
        do("prepare", tmp_path / "other", corpus="folder", source=audio, max_problems=1)


def test_a_check_quarantines_and_the_pack_leaves_out(audio: Path, tone: Callable[..., None], tmp_path: Path) -> None:
    tone(audio / "short.wav", 100, 0.05)
    data = tmp_path / "data"
    do("prepare", data, corpus="folder", source=audio)
    with pytest.raises(AudiolectError, match="limit of 0"):
        do("check", data / "check", dataset=data)
    told = do("check", data / "check", dataset=data, max_problems=None)
    assert told[0] == "4 recordings looked at; quarantined: 1 recordings"
    assert any("too-short" in line and "short" in line for line in told)
    assert do("pack", tmp_path / "pack", dataset=data, rate_hz=4000)[1] == "left out: 1 quarantined"
    assert open_pack(tmp_path / "pack").rate_hz == 4000


def test_leaks_stop_the_street(audio: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    for split, names in {"train": "01", "test": "2"}.items():
        (parts / split).mkdir(parents=True)
        for name in names:
            shutil.copy(audio / f"{name}.wav", parts / split / f"{split}-{name}.wav")
    do("prepare", tmp_path / "clean", corpus="folder", source=parts)
    told = do("leaks", tmp_path / "leaks.json", datasets=[tmp_path / "clean"])
    assert told[0].startswith("no leak between 2 parts")
    assert json.loads((tmp_path / "leaks.json").read_text("utf-8"))["leaks"] == 0
    shutil.copy(audio / "0.wav", parts / "test" / "copy.wav")
    do("prepare", tmp_path / "leaky", corpus="folder", source=parts)
    with pytest.raises(AudiolectError, match=r"1 pairs of recordings(.|\n)*train-0(.|\n)*allow"):
        do("leaks", tmp_path / "other.json", datasets=[tmp_path / "leaky"])
    assert not (tmp_path / "other.json").exists()
    told = do("leaks", tmp_path / "other.json", datasets=[tmp_path / "leaky"], allow=[told_pair(tmp_path / "leaky")])
    assert told[0].endswith("1 accepted pairs")
    do("prepare", tmp_path / "flat", corpus="folder", source=audio)
    with pytest.raises(AudiolectError, match="one part"):
        do("leaks", tmp_path / "flat.json", datasets=[tmp_path / "flat"])


def told_pair(folder: Path) -> str:
    """A/train=A/test of the dataset in a folder."""
    from audiolect.data.dataset import open_dataset

    name = open_dataset(folder).card.name
    return f"{name}/train={name}/test"
