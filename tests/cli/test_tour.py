"""The verb ``demo`` in small: every stage runs, what it says stands on the disk, and its commands work alone."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from pathlib import Path

import pytest
from called import call

from audiolect.data.dataset import open_dataset
from audiolect.training.recipe import load_recipe

SMALL = ("--recordings", 20, "--epochs", 1, "--jobs", 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a small demo, and what the verb printed."""
    pytest.importorskip("torch")
    pytest.importorskip("lancedb")
    folder = tmp_path_factory.mktemp("tour") / "demo"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert call("demo", "--out", folder, *SMALL) == 0
    return folder, printed.getvalue()


def test_the_demo_walks_the_street(made: tuple[Path, str]) -> None:
    demo, printed = made
    for words in (
        "all 20 recordings decode",
        "packed  20 recordings",
        "soundworld-AudioCaptioning/train",
        "trained  1 step;",
        "embedded  2 recordings and 10 captions",
        "by chance",
        "captions: 2 recordings of the split test",
        "written of the split test",
        f"audiolect caption {demo}/captions {demo}/soundworld/",
        "indexed  6 recordings",
        "a dog barks three times",
        f"wrote {demo}",
    ):
        assert words in printed
    # Of two recordings the right one comes first or second: (1 + 1/2) / 2, in the scores and in the summary.
    assert [line.split()[-1] for line in printed.splitlines() if line.startswith("map@10")] == ["0.75", "0.75"]
    assert (demo / "spectrogram.png").read_bytes().startswith(b"\x89PNG")
    assert "<html" in (demo / "report.html").read_text("utf-8")
    for file in ("soundworld/card.yaml", "soundworld-pack/pack.json", "run/best", "scores.json", "index/card.json"):
        assert (demo / file).exists(), file
    for file in ("captions/best", "captions-test/predictions.jsonl", "captions.json"):
        assert (demo / file).exists(), file
    page = (demo / "report.html").read_text("utf-8")
    assert page.count('id="queries"') == page.count('id="captions"') == 1
    assert load_recipe(demo / "recipe.yaml").training.batches.policy == "pad"
    assert load_recipe(demo / "captions.yaml").model.name == "captioner"
    assert call("pack", "verify", demo / "soundworld-pack", "--jobs", 1) == 0


def test_the_commands_that_it_prints_do_the_same_alone(
    made: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    demo, printed = made
    commands = [shlex.split(line[2:])[1:] for line in printed.splitlines() if line.startswith("$ ")]
    both = ["train", "predict", "evaluate"]
    assert [words[0] for words in commands] == ["prepare", "pack", *both, *both, "report", "index", "search", "search"]
    files = [demo / name for name in ("scores.json", "captions.json")]
    before = [json.loads(file.read_text("utf-8")) for file in files]
    for words in commands:
        if words[0] not in ("prepare", "pack", "train"):
            assert call(*words, *(["--overwrite"] if words[0] in ("predict", "index") else [])) == 0
    after = [json.loads(file.read_text("utf-8")) for file in files]
    values = [[[each["value"] for each in scores["numbers"]] for scores in several] for several in (before, after)]
    assert values[0] == values[1]
    (caption,) = [line.split(maxsplit=3)[3] for line in printed.splitlines() if "audiolect caption" in line]
    assert call(*shlex.split(caption)[1:]) == 0
    assert "soundworld/" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_demo_and_an_old_one_is_kept(
    made: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo, _ = made
    assert call("demo", "--out", demo, *SMALL) == 2
    assert "--overwrite" in capsys.readouterr().err
    (tmp_path / "soundworld").mkdir()
    assert call("demo", "--out", tmp_path, *SMALL, "--overwrite", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    scores = json.loads((demo / "scores.json").read_text("utf-8"))
    first = {each["metric"]: each["value"] for each in scores["numbers"] if each["task"] == "text_to_audio"}
    assert {metric: number["value"] for metric, number in told["numbers"].items()} == first
    assert told["fingerprint"] == open_dataset(demo / "soundworld").card.fingerprint
    assert [len(found) for found in told["searches"].values()] == [3, 3]
    places = ("dataset", "pack", "recipe", "run", "report", "index", "caption_recipe", "caption_run", "caption_scores")
    assert all(Path(told[key]).exists() for key in places)
    captions = json.loads((demo / "captions.json").read_text("utf-8"))
    assert told["caption_numbers"].items() <= {each["metric"]: each["value"] for each in captions["numbers"]}.items()


def test_too_few_recordings_are_refused(tmp_path: Path) -> None:
    assert call("demo", "--out", tmp_path / "demo", "--recordings", 9) == 2
    assert not (tmp_path / "demo").exists()
