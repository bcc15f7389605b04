from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call

RATE_HZ = 8000


def noise(seed: int, seconds: float = 1.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for index in range(5):
        soundfile.write(folder / f"{index}.wav", noise(index), RATE_HZ)
    soundfile.write(folder / "odd.wav", noise(9, 1.5), RATE_HZ)
    return folder


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert call("prepare", "soundworld", "--out", tmp_path / "world", "--recordings", 6, "--jobs", 1) == 0
    return tmp_path / "world"


def test_a_clean_folder(sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert call("check", sounds, "--out", out, "--jobs", 1) == 0
    printed = capsys.readouterr().out
    for words in ("check of sounds", "6 decoded", "6 8000 Hz", "1.00 s", "odd.wav", "1.500", "no problems"):
        assert words in printed
    assert f"wrote {out}" in printed
    assert "audiolect prepare folder" in printed


def test_errors_end_with_1_and_everything_is_written(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sounds / "0.wav").write_bytes(b"")
    soundfile.write(sounds / "1.wav", np.zeros(RATE_HZ), RATE_HZ)
    out = tmp_path / "out"
    assert call("check", sounds, "--out", out, "--jobs", 1) == 1
    printed = capsys.readouterr()
    assert "silent" in printed.out
    assert "0.wav" in printed.out
    assert f"less {out / 'problems.jsonl'}" in printed.out
    assert "2 of 6 things have problems, more than the limit of 0" in printed.err
    assert "5 decoded, 1 could not be" in printed.out
    assert f"quarantined: 2 recordings, which later stages leave out ({out}/quarantine.jsonl)" in printed.out
    assert (out / "check.json").is_file()
    assert len((out / "quarantine.jsonl").read_text().splitlines()) == 3
    assert call("check", sounds, "--out", out, "--jobs", 1, "--max-problems", 2) == 0
    assert "5 known from an earlier check" in capsys.readouterr().out


def test_warnings_never_count(sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(sounds / "again.wav", noise(0), RATE_HZ)
    assert call("check", sounds, "--out", tmp_path / "out", "--jobs", 1) == 0
    assert "exact-duplicate" in capsys.readouterr().out


def test_json_is_one_object_and_the_exit_code_stays(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("check", sounds, "--out", tmp_path / "out", "--jobs", 1, "--json")
    assert call(*arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_recordings"], report["num_errors"], report["num_decoded"]) == (6, 0, 6)
    assert [odd["recording_id"] for odd in report["summary"]["lengths"]["odd"]] == ["odd.wav"]
    assert call(*arguments, "--longest-seconds", "1.2") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["problems"], report["num_decoded"]) == ({"too-long": 1}, 0)
    assert call(*arguments, "--shortest-seconds", "1.2", "--new", "--no-near-duplicates") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["problems"], report["num_decoded"]) == ({"too-short": 5}, 6)


def test_a_folder_is_checked_beside_where_one_stands(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert call("check", sounds, "--jobs", 1) == 0
    assert (tmp_path / "here" / "sounds-check" / "check.json").is_file()
    assert len(list(sounds.iterdir())) == 6


def test_a_dataset_is_checked_in_its_folder(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert call("check", dataset, "--jobs", 1) == 0
    printed = capsys.readouterr().out
    assert "check of soundworld" in printed
    assert "no problems" in printed
    assert f"audiolect leaks {dataset}" in printed
    assert (dataset / "check" / "facts.parquet").is_file()


def test_orphans_and_labels(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(dataset / "audio" / "stray.wav", noise(1), RATE_HZ)
    (tmp_path / "labels.txt").write_text("dog bark\n", "utf-8")
    ontology = [{"id": "/m/0", "name": "Dog", "child_ids": []}]
    (tmp_path / "ontology.json").write_text(json.dumps(ontology), "utf-8")
    capsys.readouterr()
    labelled = ("--labels", tmp_path / "labels.txt", "--ontology", tmp_path / "ontology.json")
    assert call("check", dataset, "--jobs", 1, *labelled, "--json") == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems["orphan"] == 1
    assert problems["unknown-label"] > 1
    assert set(problems) == {"orphan", "unknown-label"}


def test_of_a_part_orphans_are_not_looked_for(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from audiolect.data.dataset import filter_dataset, open_dataset
    from audiolect.data.merging import save_as

    part = dataset.parent / "part"
    save_as(filter_dataset(open_dataset(dataset), "split == 'train'"), part)
    capsys.readouterr()
    assert call("check", part, "--jobs", 1) == 0
    printed = capsys.readouterr()
    assert "orphan files are not looked for" in printed.err
    assert "no problems" in printed.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gone",), "no such folder to check"),
        ((".",), "no audio to check"),
        ((".", "--labels", "labels.txt"), "has no labels to check"),
        ((".", "--longest-seconds", "0.05"), "No recording can be as long"),
        ((".", "--longest-seconds", "-1"), "Invalid value for '--longest-seconds'"),
        ((".", "--longest-seconds", "inf"), "Invalid value for '--longest-seconds'"),
        ((".", "--shortest-seconds", "-0.1"), "Invalid value for '--shortest-seconds'"),
        ((".", "--shortest-seconds", "nan"), "Invalid value for '--shortest-seconds'"),
        ((".", "--max-problems", "-1"), "Invalid value for '--max-problems'"),
        ((".", "--jobs", "-1"), "Invalid value for '--jobs'"),
    ],
)
def test_requests_that_cannot_be(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("labels.txt").write_text("dog\n", "utf-8")
    assert call("check", *arguments) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["labels.txt"]
