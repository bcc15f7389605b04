from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import soundfile
from polars.testing import assert_frame_equal

from audiolect.data.dataset import Dataset
from audiolect.data.records import Example
from audiolect.errors import DatasetError, UsageError
from audiolect.formats import audiofolder, audiofolder_writing
from audiolect.formats.request import Exported, ExportRequest, ImportRequest

PROMPT = "describe the sound in a sentence."

Make = Callable[..., Any]


def caption(recording_id: str, split: str, *answers: str) -> Example:
    return Example(f"{recording_id}#AudioCaptioning", recording_id, split, "AudioCaptioning", PROMPT, answers)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def load_with_datasets(folder: Path, cache: Path) -> Any:
    """What Hugging Face datasets makes of a folder: split → rows, the audio as its path."""
    import datasets

    loaded = datasets.load_dataset("audiofolder", data_dir=str(folder), cache_dir=str(cache))
    return {
        split: [
            row | {"audio": row["audio"]["path"]} for row in table.cast_column("audio", datasets.Audio(decode=False))
        ]
        for split, table in loaded.items()
    }


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    importlib.import_module("datasets")
    if importlib.util.find_spec("torchcodec") is None:
        # datasets asks for it before it stores the path of a file, and does nothing with it then.
        encoders = ModuleType("torchcodec.encoders")
        encoders.AudioEncoder = object  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "torchcodec", ModuleType("torchcodec"))
        monkeypatch.setitem(sys.modules, "torchcodec.encoders", encoders)


@pytest.fixture
def captioned(tmp_path: Path, small_dataset: Make, recording: Make) -> Dataset:
    """AudioCaps as it is laid out: one caption in train, several in valid."""
    sounds = [
        recording("mine/train/a.wav", "audio/train/a.wav", split="train"),
        recording("mine/train/b.wav", "audio/train/b.wav", split="train"),
        recording("mine/valid/a.wav", "audio/valid/a.wav", split="valid"),
        recording("mine/valid/sub/c.wav", "audio/valid/sub/c.wav", split="valid"),
    ]
    asked = [
        caption("mine/train/a.wav", "train", 'a "dog", barking'),
        caption("mine/train/b.wav", "train", "two\nlines — ünd"),
        caption("mine/valid/a.wav", "valid", "x", "y"),
        caption("mine/valid/sub/c.wav", "valid", "z", "w"),
    ]
    return small_dataset(tmp_path / "dataset", sounds, asked, audio_root=tmp_path / "corpus")


def write(dataset: Dataset, out: Path, **asked: Any) -> Exported:
    return audiofolder_writing.write(ExportRequest(dataset, out, **asked))


@pytest.mark.parametrize("table", ["jsonl", "csv"])
@pytest.mark.parametrize("audio", [None, "copy", "link"])
def test_a_dataset_comes_back_as_it_was(table: str, audio: str | None, captioned: Dataset, tmp_path: Path) -> None:
    written = write(captioned, tmp_path / "out", table=table, audio=audio)
    assert written.files == {f"train/metadata.{table}": 2, f"valid/metadata.{table}": 2}
    assert written.num_audio == 4
    again = audiofolder.read(ImportRequest(tmp_path / "out", tmp_path / "again", name="mine"))
    ignored = ["path", "pcm_hash", "num_bytes"]
    assert_frame_equal(again.recordings.drop(ignored), captioned.recordings.drop(ignored))
    assert_frame_equal(again.examples, captioned.examples)
    assert (captioned.audio_root / "audio/train/a.wav").is_file()


def test_the_columns_are_those_of_the_layout(captioned: Dataset, tmp_path: Path) -> None:
    written = write(captioned, tmp_path / "out")
    assert rows(tmp_path / "out/train/metadata.jsonl")[0] == {"file_name": "a.wav", "caption": 'a "dog", barking'}
    assert rows(tmp_path / "out/valid/metadata.jsonl")[1] == {
        "file_name": "sub/c.wav",
        "caption_1": "z",
        "caption_2": "w",
    }
    assert "different columns" in written.hints[0]


def test_manifests_come_back_byte_for_byte(captioned: Dataset, tmp_path: Path) -> None:
    for table in ("jsonl", "csv"):
        first, second = tmp_path / f"first-{table}", tmp_path / f"second-{table}"
        write(captioned, first, table=table)
        dataset = audiofolder.read(ImportRequest(first, tmp_path / f"dataset-{table}", name="mine"))
        write(dataset, second, table=table)
        for split in ("train", "valid"):
            name = f"{split}/metadata.{table}"
            assert (second / name).read_bytes() == (first / name).read_bytes()


def test_datasets_loads_each_split(captioned: Dataset, tmp_path: Path, offline: None) -> None:
    out = tmp_path / "out"
    write(captioned, out)
    loaded = load_with_datasets(out / "valid", tmp_path / "cache")
    (table,) = loaded.values()
    assert [row["caption_1"] for row in table] == ["x", "z"]
    assert [Path(row["audio"]) for row in table] == [out / "valid/a.wav", out / "valid/sub/c.wav"]


@pytest.mark.parametrize("audio", ["copy", "link", "symlink"])
def test_datasets_loads_all_splits_at_once(audio: str, captioned: Dataset, tmp_path: Path, offline: None) -> None:
    out = tmp_path / "out"
    written = write(captioned, out, caption_lists=True, audio=audio)
    assert written.hints == ()
    loaded = load_with_datasets(out, tmp_path / "cache")
    assert set(loaded) == {"train", "validation"}
    assert [row["captions"] for row in loaded["train"]] == [['a "dog", barking'], ["two\nlines — ünd"]]
    for row in loaded["train"] + loaded["validation"]:
        assert len(soundfile.read(row["audio"])[0]) == 4000


def test_what_only_one_split_has_does_not_keep_datasets_from_loading_all(
    tmp_path: Path, small_dataset: Make, recording: Make, offline: None
) -> None:
    sounds = [
        recording("mine/test/2.wav", "2.wav", split="test", labels=("cat",)),
        recording("mine/1", "1.wav", split="train", title="T", labels=("dog",)),
    ]
    asked = [
        caption("mine/1", "train", "x", "y", "z"),
        caption("mine/test/2.wav", "test", "v", "w"),
        Example("mine/1#EventClassification", "mine/1", "train", "EventClassification", "classify this sound.", ("a",)),
    ]
    dataset = small_dataset(tmp_path / "dataset", sounds, asked)
    out = tmp_path / "out"
    assert write(dataset, out).hints == ()
    loaded = load_with_datasets(out, tmp_path / "cache")
    columns = ("recording_id", "label", "title", "caption_2", "caption_3")
    told = {split: [tuple(row[column] for column in columns) for row in table] for split, table in loaded.items()}
    assert told == {"test": [("mine/test/2.wav", "", "", "w", "")], "train": [("mine/1", "a", "T", "y", "z")]}
    again = audiofolder.read(ImportRequest(out, tmp_path / "again", name="mine"))
    same = ["recording_id", "split", "labels", "title"]
    assert_frame_equal(again.recordings.select(same), dataset.recordings.select(same))
    assert again.examples.filter(task="AudioCaptioning")["answers"].to_list() == [["v", "w"], ["x", "y", "z"]]


def test_labels_parts_and_what_else_is_known(tmp_path: Path, small_dataset: Make, recording: Make) -> None:
    sounds = [
        recording("mine/a", "a.wav", labels=("dog", "pet"), fold=1, title="T"),
        recording("mine/part", "b.wav", labels=("rain",), start_sample=1000, num_samples=2000, source_id="freesound:1"),
        recording("mine/rest", "b.wav", labels=(), start_sample=3000, num_samples=1000),
    ]
    tags = [
        Example(f"{r.recording_id}#t", r.recording_id, "all", "EventTagging", "tags?", r.labels) for r in sounds[:2]
    ]
    asked = [*tags, Example("q", "mine/a", "all", "AQA", "why?", ("because",))]
    dataset = small_dataset(tmp_path / "dataset", sounds, asked)
    written = write(dataset, tmp_path / "out")
    assert written.left_out == {"AQA examples": 1, "prompts that are not the first of their task": 2}
    table = rows(tmp_path / "out/all/metadata.jsonl")
    assert [row["file_name"] for row in table] == ["a.wav", "b.wav@0.125-0.375.wav", "b.wav@0.375-0.5.wav"]
    assert [row["labels"] for row in table] == [["dog", "pet"], ["rain"], []]
    assert [(row["recording_id"], row["fold"], row["title"], row["source_id"]) for row in table] == [
        ("mine/a", 1, "T", ""),
        ("mine/part", None, "", "freesound:1"),
        ("mine/rest", None, "", ""),
    ]
    cut, _ = soundfile.read(tmp_path / "out/all/b.wav@0.125-0.375.wav", dtype="int16")
    whole, _ = soundfile.read(dataset.audio_root / "b.wav", dtype="int16")
    assert cut.tolist() == whole[1000:3000].tolist()
    again = audiofolder.read(ImportRequest(tmp_path / "out", tmp_path / "again", name="mine"))
    same = ["recording_id", "split", "fold", "labels", "title", "source_id", "num_samples", "group"]
    assert_frame_equal(again.recordings.select(same), dataset.recordings.select(same))


def test_one_label_each_is_the_column_label(tmp_path: Path, small_dataset: Make, recording: Make) -> None:
    sounds = [recording(f"mine/all/{x}.wav", f"{x}.wav", labels=(label,)) for x, label in (("a", "dog"), ("b", "cat"))]
    asked = [
        Example(
            f"{r.recording_id}#EventClassification",
            r.recording_id,
            "all",
            "EventClassification",
            "classify this sound.",
            r.labels,
        )
        for r in sounds
    ]
    dataset = small_dataset(tmp_path / "dataset", sounds, asked)
    assert write(dataset, tmp_path / "out").left_out == {}
    assert rows(tmp_path / "out/all/metadata.jsonl") == [
        {"file_name": "a.wav", "label": "dog"},
        {"file_name": "b.wav", "label": "cat"},
    ]
    again = audiofolder.read(ImportRequest(tmp_path / "out", tmp_path / "again", name="mine"))
    assert_frame_equal(again.examples, dataset.examples)


def test_files_of_one_name_in_two_folders_stay_apart(tmp_path: Path, small_dataset: Make, recording: Make) -> None:
    sounds = [recording("mine/x", "x/a.wav", split="train"), recording("mine/y", "y/a.wav", split="train")]
    dataset = small_dataset(tmp_path / "dataset", sounds, [])
    written = write(dataset, tmp_path / "out", audio="copy", rename_splits={"train": "test"})
    assert written.num_audio == 2
    assert [row["file_name"] for row in rows(tmp_path / "out/test/metadata.jsonl")] == ["x/a.wav", "y/a.wav"]


def test_requests_that_cannot_be(captioned: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jsonl"):
        write(captioned, tmp_path / "out", table="json")
    with pytest.raises(UsageError, match="symlink"):
        write(captioned, tmp_path / "out", audio="simlink")
    with pytest.raises(UsageError, match="in the place of the audio"):
        write(captioned, tmp_path / "corpus")
    (captioned.audio_root / "audio/train/a.wav").write_bytes(b"no sound")
    (captioned.audio_root / "audio/train/b.wav").unlink()
    with pytest.raises(DatasetError, match="1 of 4 files"):
        write(captioned, tmp_path / "out")
    written = write(captioned, tmp_path / "out", missing="list")
    assert [(p.reason, p.where) for p in written.problems] == [
        ("missing", "mine/train/b.wav"),
        ("unreadable", "mine/train/a.wav"),
    ]
    assert written.files == {"valid/metadata.jsonl": 2}


def test_a_split_that_datasets_does_not_know_is_hinted_at(tmp_path: Path, small_dataset: Make, recording: Make) -> None:
    sounds = [recording("m/a", "a.wav", split="development"), recording("m/b", "b.wav", split="test")]
    dataset = small_dataset(tmp_path / "dataset", sounds, [])
    (hint,) = write(dataset, tmp_path / "out").hints
    assert "--rename-split development=train" in hint
