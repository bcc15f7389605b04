from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiolect.cli.main import run


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_the_demo_walks_the_street(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("demo", "--out", tmp_path / "demo", "--recordings", 10, "--jobs", 1) == 0
    printed = capsys.readouterr().out
    assert "all 10 recordings decode" in printed
    assert (tmp_path / "demo" / "spectrogram.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "demo" / "soundworld" / "card.yaml").exists()
    assert "packed  10 recordings" in printed
    assert "epoch 0 of 0 to 9" in printed
    assert "soundworld-AudioCaptioning/train" in printed
    assert call("pack", "verify", tmp_path / "demo" / "soundworld-pack", "--jobs", 1) == 0
    assert call("plan", tmp_path / "demo" / "mixture.yaml") == 0
    assert f"audiolect show {tmp_path / 'demo' / 'soundworld'}" in printed.replace("\n", "")


def test_the_same_seed_gives_the_same_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prints = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert call("demo", "--out", tmp_path / name, "--recordings", 5, "--seed", seed, "--jobs", 1, "--json") == 0
        prints.append(json.loads(capsys.readouterr().out)["fingerprint"])
    assert prints[0] == prints[1] != prints[2]


def test_an_existing_demo_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("demo", "--out", tmp_path / "demo", "--recordings", 5, "--jobs", 1)
    assert call(*arguments) == 0
    assert call(*arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
