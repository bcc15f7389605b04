from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.data.dataset import Dataset, read_problems, verify_dataset
from audiolect.errors import DatasetError, TableError, UsageError
from audiolect.formats import audiofolder
from audiolect.formats.request import ImportRequest

PROMPT = "describe the sound in a sentence."


def import_(source: Path, out: Path, **asked: Any) -> Dataset:
    dataset = audiofolder.read(ImportRequest(source, out, **asked))
    verify_dataset(dataset)
    return dataset


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path, sound: Callable[..., Path]) -> Path:
    root = tmp_path / "Mine"
    for name in ("train/a.wav", "train/b.wav", "valid/a.wav", "valid/sub/c.wav"):
        sound(root / name)
    return root


def test_captions_of_one_and_of_several_columns(tmp_path: Path, folder: Path) -> None:
    write_rows(
        folder / "train/metadata.jsonl",
        [{"file_name": "a.wav", "caption": "x"}, {"file_name": "b.wav", "caption": "y"}],
    )
    csv = (
        'file_name,caption_10,caption_2,caption_1\na.wav,last,second,"first, ""quoted""\nand long"\nsub/c.wav,,,only\n'
    )
    (folder / "valid/metadata.csv").write_text(csv)
    dataset = import_(folder, tmp_path / "out")
    assert dataset.card.name == "Mine"
    assert dataset.recordings.select("recording_id", "path", "split").rows() == [
        ("Mine/train/a.wav", "train/a.wav", "train"),
        ("Mine/train/b.wav", "train/b.wav", "train"),
        ("Mine/valid/a.wav", "valid/a.wav", "valid"),
        ("Mine/valid/sub/c.wav", "valid/sub/c.wav", "valid"),
    ]
    assert dataset.examples["example_id"][0] == "Mine/train/a.wav#AudioCaptioning"
    assert set(dataset.examples["prompt"]) == {PROMPT}
    assert dataset.examples["answers"].to_list() == [
        ["x"],
        ["y"],
        ['first, "quoted"\nand long', "second", "last"],
        ["only"],
    ]


def test_labels_and_what_is_known_of_recordings(tmp_path: Path, folder: Path) -> None:
    rows = [
        {
            "file_name": "a.wav",
            "labels": ["dog", "rain"],
            "source_id": "youtube:x",
            "fold": 3,
            "mood": "gay",
            "title": "",
        },
        {"file_name": "b.wav", "labels": [], "recording_id": "other/b", "group": "g"},
    ]
    write_rows(folder / "train/metadata.jsonl", rows)
    (folder / "valid/metadata.csv").write_text(
        'file_name,label,labels\na.wav,dog,"[""dog"", ""pet""]"\nsub/c.wav,cat,\n'
    )
    dataset = import_(folder, tmp_path / "out", name="N")
    assert dataset.recordings.select("recording_id", "source_id", "fold", "group", "title", "labels").rows() == [
        ("N/train/a.wav", "youtube:x", 3, None, None, ["dog", "rain"]),
        ("other/b", None, None, "g", None, []),
        ("N/valid/a.wav", None, None, None, None, ["dog", "pet"]),
        ("N/valid/sub/c.wav", None, None, None, None, ["cat"]),
    ]
    assert dataset.examples.select("task", "answers").rows() == [
        ("EventTagging", ["dog", "rain"]),
        ("EventClassification", ["dog"]),
        ("EventClassification", ["cat"]),
    ]
    assert dataset.card.notes["columns_left_alone"] == ["mood"]


def test_one_table_without_split_folders(tmp_path: Path, folder: Path) -> None:
    write_rows(folder / "train/metadata.jsonl", [{"file_name": "a.wav", "captions": ["x", "y"]}])
    dataset = import_(folder / "train", tmp_path / "one")
    assert dataset.recordings.select("recording_id", "split").rows() == [("train/a.wav", "train")]
    assert dataset.examples["answers"].to_list() == [["x", "y"]]
    dataset = import_(folder / "train", tmp_path / "two", split="dev", task="MusicCaptioning", name="M")
    assert dataset.examples.select("split", "task").rows() == [("dev", "MusicCaptioning")]


@pytest.mark.parametrize(
    ("row", "reason", "severity"),
    [
        ({"caption": "x"}, "missing-value", "error"),
        ({"file_name": "", "caption": "x"}, "missing-value", "error"),
        ({"file_name": ["a.wav"]}, "bad-value", "error"),
        ({"file_name": "b.wav", "caption": {"x": 1}}, "bad-value", "error"),
        ({"file_name": "b.wav", "labels": [3]}, "bad-value", "error"),
        ({"file_name": "b.wav", "labels": "[3"}, "bad-value", "error"),
        ({"file_name": "b.wav", "fold": "third"}, "bad-value", "error"),
        ({"file_name": "a.wav", "caption": "x"}, "duplicate-id", "error"),
        ({"file_name": "../valid/a.wav", "caption": "x"}, "unsafe-path", "error"),
        ({"file_name": "gone.wav", "caption": "x"}, "missing", "error"),
        ({"file_name": "b.wav", "caption": " "}, "empty-text", "warning"),
        ({"file_name": "b.wav", "caption": None}, "empty-text", "warning"),
    ],
)
def test_a_bad_row_is_listed(row: dict[str, Any], reason: str, severity: str, tmp_path: Path, folder: Path) -> None:
    write_rows(folder / "train/metadata.jsonl", [{"file_name": "a.wav", "caption": "good"}, row])
    dataset = import_(folder, tmp_path / "out")
    assert [(problem.reason, problem.severity) for problem in read_problems(dataset)] == [(reason, severity)]
    assert dataset.examples["answers"].to_list() == [["good"]]
    assert dataset.recordings.height == (2 if severity == "warning" else 1)


def test_folders_that_are_none(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(TableError, match="no table"):
        import_(folder, tmp_path / "out")
    write_rows(folder / "train/metadata.jsonl", [{"name": "a.wav"}])
    with pytest.raises(TableError, match="lacks the column 'file_name'"):
        import_(folder, tmp_path / "out")
    (folder / "train/metadata.csv").write_text("file_name\na.wav\n")
    with pytest.raises(TableError, match="two tables"):
        import_(folder, tmp_path / "out")
    with pytest.raises(UsageError, match="not a folder"):
        import_(folder / "train/metadata.csv", tmp_path / "out")
    with pytest.raises(UsageError, match="not one of captions"):
        import_(folder, tmp_path / "out", task="AQA")


def test_missing_audio_can_be_refused(tmp_path: Path, folder: Path) -> None:
    write_rows(folder / "train/metadata.jsonl", [{"file_name": "a.wav"}, {"file_name": "gone.wav"}])
    with pytest.raises(DatasetError, match="1 of 2 audio files are missing"):
        import_(folder, tmp_path / "out", missing="refuse")


@pytest.mark.parametrize(
    ("column", "severity", "words"),
    [
        ("captoin", "error", "'captoin' is not read; the nearest known: caption"),
        ("Caption_1", "error", "'Caption_1' is not read; the nearest known: caption_1"),
        ("lable", "error", "'lable' is not read; the nearest known: label"),
        (
            "remark",
            "warning",
            "no captions and no labels are read; the columns there: file_name, remark; known: caption",
        ),
    ],
)
def test_no_caption_is_lost_to_a_misspelt_column(
    column: str, severity: str, words: str, *, tmp_path: Path, folder: Path
) -> None:
    write_rows(folder / "train/metadata.jsonl", [{"file_name": "a.wav", column: "a dog barks"}])
    dataset = import_(folder, tmp_path / "out")
    (problem,) = read_problems(dataset)
    assert (problem.reason, problem.where, problem.severity) == (
        "unknown-column",
        "train/metadata.jsonl",
        severity,
    )
    assert words in problem.detail
