from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from called import call

from audiolect.data.dataset import open_dataset
from audiolect.data.quarantine import Entry, write_quarantine


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A manifest of Audio Flamingo 1 with three entries, of which one has no audio and one no output."""
    audio = tmp_path / "data" / "Mine"
    audio.mkdir(parents=True)
    soundfile.write(audio / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 4000), 8000)
    entries = [("a.wav", "a dog."), ("gone.wav", "rain."), ("a.wav", "")]
    manifest = {
        "dataset_path": str(audio),
        "split": "train",
        "split_path": None,
        "flamingo_task": "Mine-AudioCaptioning",
        "total_num": 3,
        "data": {
            str(n): {"name": name, "prompt": "what?", "output": output} for n, (name, output) in enumerate(entries)
        },
    }
    path = tmp_path / "files" / "Mine-AudioCaptioning" / "train.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(manifest))
    return tmp_path / "files"


@pytest.fixture
def dataset(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "dataset"
    assert call("import", "flamingo-1", files, "--out", out, "--jobs", 1) == 0
    capsys.readouterr()
    return out


def output(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_import_says_what_it_wrote_what_is_wrong_and_the_next_command(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dataset"
    assert call("import", "flamingo-1", files, "--out", out, "--jobs", 1) == 0
    printed = capsys.readouterr().out
    for words in ("Mine: fingerprint", "empty-text", "missing", f"audiolect show {out}"):
        assert words in printed
    assert "Mine-AudioCaptioning/train.json: 2: output is empty" in printed
    assert "audiolect import flamingo-1" in (out / "card.yaml").read_text("utf-8")


def test_import_as_json_is_the_card(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = ("--name", "N", "--corpus-version", "3", "--license", "CC0", "--citation", "me")
    assert call("import", "flamingo-1", files, "--out", tmp_path / "d", "--jobs", 1, "--json", *facts) == 0
    card = output(capsys)
    assert (card["name"], card["corpus_version"], card["license"], card["citation"]) == ("N", "3", "CC0", "me")
    assert card["problems"] == {"empty-text": 1, "missing": 1}


@pytest.mark.parametrize("layout", ["flamingo-1", "flamingo-3", "audiofolder"])
def test_an_export_is_read_back_by_the_command_that_it_names(
    layout: str, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "exported"
    assert call("export", layout, dataset, "--out", out, "--link") == 0
    printed = capsys.readouterr().out
    assert "files of audio: 1" in printed
    command = next(line for line in printed.splitlines() if line.startswith("next")).split()
    assert call(*command[2:]) == 0
    assert (tmp_path / "exported-read-back" / "card.yaml").is_file()


def test_export_as_json_and_with_a_filter(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    renamed = ("--rename-split", "train=dev", "--where", "duration_seconds < 3")
    assert call("export", "flamingo-2", dataset, "--out", tmp_path / "e", "--json", *renamed) == 0
    written = output(capsys)
    assert written["files"] == {"Mine-AudioCaptioning/dev.json": 1}
    assert written["num_audio"] == 0
    card = json.loads((tmp_path / "e" / "card.json").read_text("utf-8"))
    assert card["command"].startswith("audiolect export flamingo-2")


def test_a_dry_run_writes_nothing(
    files: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert call("import", "flamingo-1", files, "--out", tmp_path / "x", "--dry-run", "--json") == 0
    assert output(capsys)["would_import"] == "flamingo-1"
    assert call("export", "audiofolder", dataset, "--out", tmp_path / "x", "--dry-run") == 0
    assert "would_export" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "flamingo-1", "FILES"), "exists"),
        (
            ("import", "flamingo-1", "FILES/Mine-AudioCaptioning/train.json", "--task", "Captionin", "--overwrite"),
            "AudioCaptioning",
        ),
        (("export", "audiofolder", "DATASET"), "exists"),
        (("export", "audiofolder", "DATASET", "--overwrite", "--table", "xls"), "jsonl"),
        (("export", "audiofolder", "DATASET", "--overwrite", "--rename-split", "tran=x"), "train"),
        (("export", "dcase", "DATASET", "--overwrite", "--rate", "8000"), "nothing is resampled"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would_refuse(
    arguments: tuple[str, ...],
    words: str,
    *,
    files: Path,
    dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "out").mkdir()
    real = [argument.replace("FILES", str(files)).replace("DATASET", str(dataset)) for argument in arguments]
    for dry_run in (["--dry-run"], []):
        assert call(*real, "--out", tmp_path / "out", *dry_run) == 2
        assert words in capsys.readouterr().err
        assert list((tmp_path / "out").iterdir()) == []


def test_quarantined_recordings_stay_behind_unless_kept(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = open_dataset(dataset)
    (dataset / "check").mkdir()
    entry = Entry("example", opened.examples["example_id"][0], ("empty-text",))
    path = dataset / "check" / "quarantine.jsonl"
    write_quarantine(path, [entry], name=opened.card.name, fingerprint=opened.card.fingerprint)
    assert call("export", "audiofolder", dataset, "--out", tmp_path / "x", "--dry-run", "--json") == 0
    plan = output(capsys)
    assert (plan["recordings"], plan["examples"], plan["quarantined_examples"]) == (1, 0, 1)
    assert call("export", "audiofolder", dataset, "--out", tmp_path / "a") == 0
    assert "quarantined, and left out: 0 recordings, 1 examples; --keep-quarantined" in capsys.readouterr().out
    assert call("export", "audiofolder", dataset, "--out", tmp_path / "b", "--keep-quarantined", "--json") == 0
    assert output(capsys)["quarantined"] == {}
    rows = [(tmp_path / name / "train" / "metadata.jsonl").read_text() for name in "ab"]
    assert ["a dog." in row for row in rows] == [False, True]


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "flamingo-1", "FILES", "--no-audio", "--rate", "0"),
        ("import", "flamingo-1", "FILES", "--rate-hz", "-8000"),
        ("import", "flamingo-1", "FILES", "--max-problems", "-1"),
        ("import", "flamingo-1", "FILES", "--jobs", "-1"),
        ("export", "dcase", "DATASET", "--hdf5", "int16", "--rate", "0"),
        ("export", "webdataset", "DATASET", "--shard-recordings", "0"),
        ("export", "webdataset", "DATASET", "--shard-bytes", "-5"),
    ],
)
def test_numbers_that_cannot_be_are_refused_by_name(
    arguments: tuple[str, ...], *, files: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"FILES": files, "DATASET": dataset}
    assert call(*(places.get(argument, argument) for argument in arguments), "--out", tmp_path / "out") == 2
    printed = " ".join(capsys.readouterr().err.replace("│", "").split())
    assert arguments[-2] in printed
    assert "should be greater than or equal to" in printed
    assert not (tmp_path / "out").exists()


def test_an_existing_target_is_kept_unless_overwrite(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    assert call("export", "audiofolder", dataset, "--out", out) == 0
    assert call("export", "audiofolder", dataset, "--out", out) == 2
    assert call("export", "audiofolder", dataset, "--out", out, "--overwrite") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "flamingo-4", "FILES"), "flamingo-3"),
        (("import", "flamingo-1", "nowhere"), "does not exist"),
        (("import", "audiofolder", "FILES", "--no-audio"), "--no-audio belongs to flamingo-1"),
        (("import", "flamingo-1", "FILES", "--missing", "refuse"), "1 of 2 audio files are missing"),
        (("import", "flamingo-1", "FILES", "--task", "AQA"), "whole folder"),
        (("export", "flamingo-1", "DATASET", "--copy", "--link"), "one way"),
        (("export", "flamingo-1", "DATASET", "--table", "csv"), "--table belongs to audiofolder"),
        (("export", "flamingo-1", "DATASET", "--rename-split", "train"), "OLD=NEW"),
        (("export", "flamingo-1", "DATASET", "--rename-split", "tran=x"), "train"),
        (("export", "flamingo-1", "FILES"), "card.yaml"),
        (("export", "audiofolder", "DATASET", "--audio-root", "FILES"), "1 of 1 files"),
    ],
)
def test_requests_that_cannot_be(
    arguments: tuple[str, ...],
    words: str,
    *,
    files: Path,
    dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"FILES": files, "DATASET": dataset}
    assert call(*(places.get(argument, argument) for argument in arguments), "--out", tmp_path / "out") == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_too_many_problems_end_with_1(files: Path, tmp_path: Path) -> None:
    assert call("import", "flamingo-1", files, "--out", tmp_path / "d", "--jobs", 1, "--max-problems", 1) == 1
    assert not (tmp_path / "d").exists()
