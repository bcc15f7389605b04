"""The verb ``plan``, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiolect.cli.main import run
from audiolect.data.dataset import open_dataset
from audiolect.data.quarantine import Entry, write_quarantine

MIX = """
data:
  w: {dataset: world}
mixture:
  global_weight: 0.1
  epochs: 10
  entries:
    w-AudioCaptioning/train: {weight: 1.0}
    w-AQA/train: {weight: 2.5}
"""


@pytest.fixture
def mix(world: Path) -> Path:
    path = world.parent / "mix.yaml"
    path.write_text(MIX, "utf-8")
    return path


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_for_people(mix: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", mix, "--epoch", 1, "--batch-size", 2) == 0
    out = capsys.readouterr().out
    tables = [line.split() for line in out.splitlines() if line.startswith("w-AQA/train ")]
    assert tables[0] == ["w-AQA/train", "15", "2.5", "4", "66.7%", "0.25", "0.01"]
    assert tables[1] == ["w-AQA/train", "37", "2.5", "0.08", "2.5"]
    assert "1 pass over a dataset of weight 1" in out
    assert "7 of 15 items come 3 times, and the others twice" in out
    assert "Steps of 2 examples: 3 in this epoch, 27 in all." in out
    assert f"audiolect pack {world} --rate-hz 32000 --out {world}-pack" in out


def test_for_programs(mix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", mix, "mixture.epochs=20", "--batch-seconds", 60, "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["epochs"], values["batch"], values["draws_in_all"]) == (20, "60 s of audio", 30 + 75)
    assert [(entry["key"], entry["passes_in_all"], entry["pack"]) for entry in values["entries"]] == [
        ("w-AQA/train", 5.0, None),
        ("w-AudioCaptioning/train", 2.0, None),
    ]


def test_with_packs_the_next_command_is_the_last_epoch(mix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mix.parent / "world-pack").mkdir()
    for pack in ("world-pack", "memory://world-pack"):
        assert call("plan", mix, f"data.w.pack={pack}") == 0
        assert f"audiolect plan {mix} --epoch 9" in capsys.readouterr().out


def test_at_the_last_epoch_plan_does_not_propose_itself(mix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mix.parent / "world-pack").mkdir()
    assert call("plan", mix, "data.w.pack=world-pack", "--epoch", 9) == 0
    assert "next " not in capsys.readouterr().out


def test_a_pack_that_is_not_there_yet_is_what_comes_next(
    mix: Path, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("plan", mix, "data.w.pack=my pack") == 0
    assert f"next  audiolect pack {world} --rate-hz 32000 --out '{mix.parent}/my pack'" in capsys.readouterr().out


def test_what_is_left_out_is_said(mix: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "check").mkdir()
    write_quarantine(
        world / "check" / "quarantine.jsonl",
        [Entry("example", "w/02#q", ("empty-text",))],
        name="world",
        fingerprint=open_dataset(world).card.fingerprint,
    )
    assert call("plan", mix) == 0
    assert "w-AQA/train: 1 example left out by the quarantine list" in capsys.readouterr().out
    assert call("plan", mix, "--keep-quarantined") == 0
    assert "left out" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epoch", "10"], "no such epoch"),
        (["--batch-size", "2", "--batch-seconds", "3"], "one budget"),
        (["mixture.global_weight=0"], "global_weight"),
        (["mixture.entries.w-AQA/train.weight=-1"], "a number above 0"),
        (["mixture.entries.w-AQA/tran.weight=1"], "did you mean AQA/train"),
        (["data.w.dataset=nowhere"], "nowhere"),
    ],
)
def test_letters(mix: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert call("plan", mix, *arguments) == 2
    assert words in capsys.readouterr().err
