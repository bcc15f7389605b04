"""``audiolect pack`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from called import call


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    assert call("prepare", "soundworld", "--out", "world", "--recordings", 6, "--jobs", 1) == 0
    capsys.readouterr()
    return tmp_path


def packed(*more: object) -> int:
    return call("pack", "world", "--rate-hz", 16000, "--out", "packed", "--jobs", 1, *more)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_pack_verify_and_pack_again(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert packed() == 0
    printed = capsys.readouterr().out
    for words in (
        "pack of soundworld",
        "16000 Hz, mono, pcm: 1 shard,",
        "wrote packed",
        "audiolect pack verify packed",
    ):
        assert words in printed
    assert call("pack", "verify", "packed", "--jobs", 1) == 0
    assert "Whole: 6 recordings in 1 shard," in capsys.readouterr().out
    assert packed() == 0
    assert "Nothing new" in capsys.readouterr().out
    assert packed("--json") == 0
    facts = told(capsys)
    assert (facts["recordings"], facts["added"], facts["shards"], facts["left_out"]) == (6, 0, 1, {})
    assert (world / "packed" / "shard-00000.pcm").stat().st_size == facts["num_bytes"]


def test_a_damage_ends_with_1_and_is_told(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert packed() == 0
    shard = world / "packed" / "shard-00000.pcm"
    data = bytearray(shard.read_bytes())
    data[1000] ^= 8
    shard.write_bytes(bytes(data))
    capsys.readouterr()
    assert call("pack", "verify", "packed", "--jobs", 1, "--json") == 1
    found = told(capsys)
    assert found["is_whole"] is False
    assert {damage["file"] for damage in found["damages"]} == {"shard-00000.pcm"}
    assert found["damages"][0]["start_byte"] == 0
    named = [damage["recording_id"] for damage in found["damages"] if "recording_id" in damage]
    assert len(named) == 1
    assert call("pack", "verify", "packed", "--jobs", 1) == 1
    printed = capsys.readouterr().out
    assert "damaged: 2" in printed
    assert named[0] in printed


def test_a_dry_run_writes_nothing(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert packed("--dry-run", "--json") == 0
    facts = told(capsys)
    assert facts["to pack"] == 6
    assert facts["bytes as pcm"] == pytest.approx(facts["seconds"] * 32000, rel=1e-3)
    assert packed("--dry-run") == 0
    assert "nothing is written" in capsys.readouterr().out
    assert [path.name for path in world.iterdir()] == ["world"]


def test_what_could_not_be_read_is_shown(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = next(path for path in (world / "world").rglob("*.*") if path.suffix in {".wav", ".flac"})
    data = lost.read_bytes()
    lost.write_bytes(data[: len(data) // 2])
    assert packed() == 0
    printed = capsys.readouterr().out
    assert "left out: truncated  1" in printed
    assert lost.stem in printed
    assert "--retry" in printed
    lost.write_bytes(data)
    assert packed("--retry", "--json") == 0
    assert told(capsys)["added"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("world",), "without --rate-hz and --out"),
        (("world", "--rate-hz", 16000), "without --out"),
        (("world", "world", "--rate-hz", 16000, "--out", "packed"), "2 datasets"),
        (("verify",), "0 packs"),
        (("verify", "world"), "There is no pack here"),
        (("world", "--rate-hz", 16000, "--out", "world/packed"), "would lie in one another"),
        (("world", "--rate-hz", 16000, "--out", "packed", "--max-shard-gb", 0.00001), "longer than a shard may be"),
        (("world", "--rate-hz", 16000, "--out", "packed", "--max-shard-gb", "nan"), "A shard must hold something"),
        (("world", "--rate-hz", 16000, "--out", "packed", "--split", "tset"), "no split named"),
        (("world", "--rate-hz", 16000, "--out", "packed", "--audio-root", "gone"), "not where its card says"),
    ],
)
def test_letters(world: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], says: str) -> None:
    assert call("pack", *arguments) == 2
    assert says in capsys.readouterr().err
    assert [path.name for path in world.iterdir()] == ["world"]
