from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from audiolect.data.dataset import Dataset, open_dataset, read_problems, read_table, verify_dataset
from audiolect.errors import AlreadyExists, DatasetError, TableError, UsageError
from audiolect.formats import flamingo
from audiolect.formats.request import ExportRequest, ImportRequest

PROMPT = "describe the sound in a sentence."


def entry(name: str, output: str = "a dog barks.", prompt: str = PROMPT, **more: Any) -> dict[str, Any]:
    return {"name": name, "prompt": prompt, "output": output, **more}


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def import_(source: Path, out: Path, **asked: Any) -> Dataset:
    dataset = flamingo.read(ImportRequest(source, out, **asked))
    verify_dataset(dataset)
    return dataset


def reasons(dataset: Dataset) -> list[tuple[str, str]]:
    return [(problem.reason, problem.severity) for problem in read_problems(dataset)]


@pytest.fixture
def audio(tmp_path: Path, sound: Callable[..., Path]) -> Path:
    root = tmp_path / "data" / "Mine"
    for name in ("train/a.wav", "train/b.wav", "train/c.wav", "val/d.wav"):
        sound(root / name)
    return root


def test_one_manifest_becomes_recordings_and_examples(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    entries = [
        entry("a.wav", "a dog barks."),
        entry("a.wav", "one dog."),
        entry("b.wav", "rain."),
        entry("a.wav", "2", "how many dogs?"),
    ]
    path = manifest(
        tmp_path / "files" / "My-Set-AudioCaptioning" / "train.json",
        entries,
        dataset_path=str(audio),
        split_path="train",
    )
    dataset = import_(path, tmp_path / "out")
    assert dataset.card.name == "My-Set"
    assert dataset.audio_root == audio
    assert dataset.recordings.select("recording_id", "path", "num_samples", "sample_rate_hz", "split").rows() == [
        ("My-Set/train/a.wav", "train/a.wav", 4000, 8000, "train"),
        ("My-Set/train/b.wav", "train/b.wav", 4000, 8000, "train"),
    ]
    assert dataset.recordings["pcm_hash"].null_count() == 0
    assert dataset.examples.select("example_id", "recording_id", "task", "prompt", "answers").rows() == [
        (
            "My-Set/train/a.wav#AudioCaptioning",
            "My-Set/train/a.wav",
            "AudioCaptioning",
            PROMPT,
            ["a dog barks.", "one dog."],
        ),
        ("My-Set/train/b.wav#AudioCaptioning", "My-Set/train/b.wav", "AudioCaptioning", PROMPT, ["rain."]),
        ("My-Set/train/a.wav#AudioCaptioning-2", "My-Set/train/a.wav", "AudioCaptioning", "how many dogs?", ["2"]),
    ]
    assert read_problems(dataset) == []


def test_a_tree_becomes_one_dataset_whose_tasks_share_recordings(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    files = tmp_path / "files"
    header = {"dataset_path": str(audio), "split_path": None}
    manifest(files / "Mine-AudioCaptioning" / "train.json", [entry("train/a.wav")], **header)
    manifest(files / "Mine-AQA_All" / "train.json", [entry("train/a.wav", "yes", "is it a dog?")], **header)
    manifest(files / "Mine-AQA_All" / "val.json", [entry("val/d.wav", "no", "is it a dog?")], **header)
    manifest(files / "notes" / "other.json", [])  # not a manifest by its place, although it looks like one
    (files / "metadata.json").write_text("[1, 2]")
    dataset = import_(files, tmp_path / "out", name="mixture")
    assert dataset.card.name == "mixture"
    assert dataset.recordings["recording_id"].to_list() == ["mixture/train/a.wav", "mixture/val/d.wav"]
    assert dataset.examples.select("task", "split").rows() == [
        ("AQA", "train"),
        ("AQA", "val"),
        ("AudioCaptioning", "train"),
    ]
    assert [(p.where, p.severity) for p in read_problems(dataset)] == [("notes/other.json", "warning")]


def test_parts_of_files(tmp_path: Path, audio: Path, sound: Callable[..., Path], manifest: Callable[..., Path]) -> None:
    sound(audio / "long.wav", 3.0)
    entries = [
        entry("long.wav", audio_start=0, duration=1),
        entry("long.wav", audio_start="1.5", duration=0.5),
        entry("long.wav", audio_start=2.0),
        entry("train/a.wav", audio_start=0, duration=99),
    ]
    path = manifest(tmp_path / "Mine-AudioCaptioning" / "train.json", entries, dataset_path=str(audio))
    dataset = import_(path, tmp_path / "out")
    assert dataset.recordings.select("recording_id", "start_sample", "num_samples").rows() == [
        ("Mine/long.wav@0-1", 0, 8000),
        ("Mine/long.wav@1.5-2", 12000, 4000),
        ("Mine/long.wav@2", 16000, 8000),
        ("Mine/train/a.wav", 0, 4000),
    ]


def test_separate_entries_and_families_that_are_not_gathered(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    entries = [entry("train/a.wav", "x"), entry("train/a.wav", "y")]
    path = manifest(tmp_path / "Mine-AudioCaptioning" / "train.json", entries, dataset_path=str(audio))
    apart = import_(path, tmp_path / "apart", separate=True)
    assert apart.examples["answers"].to_list() == [["x"], ["y"]]
    path = manifest(tmp_path / "Mine-EventClassification" / "train.json", entries, dataset_path=str(audio))
    labels = import_(path, tmp_path / "labels")
    assert labels.examples["answers"].to_list() == [["x"], ["y"]]


def test_labels_are_cut_at_commas_and_lose_a_stop_that_all_have(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    entries = [entry("train/a.wav", "dog, rain."), entry("train/b.wav", "cat.")]
    path = manifest(tmp_path / "Mine-Tagging" / "train.json", entries, dataset_path=str(audio))
    dataset = import_(path, tmp_path / "out")
    assert dataset.examples["answers"].to_list() == [["dog", "rain"], ["cat"]]


def test_audio_that_has_moved_is_found_by_the_end_of_its_path(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    path = manifest(
        tmp_path / "Mine-AudioCaptioning" / "train.json",
        [entry("a.wav")],
        dataset_path="/somewhere/else/data/Mine",
        split_path="train/",
    )
    with pytest.raises(UsageError, match="not on this machine"):
        import_(path, tmp_path / "none")
    for root, expected in (
        (audio, "train/a.wav"),
        (tmp_path, "data/Mine/train/a.wav"),
        (audio.parent, "Mine/train/a.wav"),
    ):
        dataset = import_(path, tmp_path / f"out-{root.name}", audio_root=root)
        assert dataset.recordings.select("recording_id", "path").rows() == [("Mine/train/a.wav", expected)]


def test_version_2_needs_a_root_or_no_audio(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    path = manifest(
        tmp_path / "Mine-AudioCaptioning" / "train.json", [entry("a.wav", duration=0.4)], split_path="Mine/train"
    )
    with pytest.raises(UsageError, match="does not say where its audio is"):
        import_(path, tmp_path / "none")
    looked = import_(path, tmp_path / "looked", audio_root=audio.parent)
    assert looked.recordings.select("num_samples", "codec").rows() == [(4000, "wav/pcm_16")]
    trusted = import_(path, tmp_path / "trusted", no_audio=True, rate_hz=1000)
    assert trusted.recordings.select("recording_id", "num_samples", "sample_rate_hz", "codec").rows() == [
        ("Mine/Mine/train/a.wav", 400, 1000, "unknown")
    ]
    assert "1000 Hz" in str(trusted.card.notes["lengths"])


def test_an_absolute_split_path_is_the_folder(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    path = manifest(
        tmp_path / "Mine-AudioCaptioning" / "train.json",
        [entry("a.wav"), entry(f"{audio}/train/b.wav")],
        split_path=f"{audio}/train",
    )
    dataset = import_(path, tmp_path / "out")
    assert dataset.recordings["recording_id"].to_list() == ["Mine/a.wav", "Mine/b.wav"]


def test_a_file_in_two_splits_is_two_recordings_and_is_listed(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    for split in ("val", "train"):
        manifest(
            tmp_path / "files" / "Mine-AudioCaptioning" / f"{split}.json",
            [entry("train/a.wav")],
            dataset_path=str(audio),
        )
    dataset = import_(tmp_path / "files", tmp_path / "out")
    assert dataset.recordings.select("recording_id", "split").rows() == [
        ("Mine/train/a.wav", "train"),
        ("Mine/train/a.wav~val", "val"),
    ]
    assert ("duplicate-path", "warning") in reasons(dataset)


# What is wrong with entries: listed and left out, or listed.


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"prompt": "p", "output": "o"}, "missing-value"),
        ({"name": "", "prompt": "p", "output": "o"}, "missing-value"),
        ({"name": 7, "prompt": "p", "output": "o"}, "missing-value"),
        ({"name": "a.wav", "output": "o"}, "missing-value"),
        ({"name": "a.wav", "prompt": "p"}, "missing-value"),
        ({"name": "a.wav", "prompt": "p", "output": 3}, "bad-value"),
        ({"name": "a.wav", "prompt": "p", "output": ""}, "empty-text"),
        ({"name": "a.wav", "prompt": "p", "output": " \n"}, "empty-text"),
        ({"name": "a.wav", "prompt": "p", "output": "half \ud83d"}, "bad-value"),
        ({"name": "../a.wav", "prompt": "p", "output": "o"}, "unsafe-path"),
        ({"name": "x/../../a.wav", "prompt": "p", "output": "o"}, "unsafe-path"),
        ({"name": "/etc/a.wav", "prompt": "p", "output": "o"}, "unsafe-path"),
        ({"name": "C:/a.wav", "prompt": "p", "output": "o"}, "unsafe-path"),
        ({"name": "a.wav", "prompt": "p", "output": "o", "audio_start": -1}, "bad-value"),
        ({"name": "a.wav", "prompt": "p", "output": "o", "audio_start": "soon"}, "bad-value"),
        ({"name": "a.wav", "prompt": "p", "output": "o", "duration": True}, "bad-value"),
        ({"name": "a.wav", "dialogue": []}, "empty-text"),
        ({"name": "a.wav", "dialogue": [{"user": "hm"}]}, "bad-value"),
        ("a.wav", "bad-row"),
        (None, "bad-row"),
    ],
)
def test_a_bad_entry_is_left_out_and_listed(
    bad: Any, reason: str, tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    path = tmp_path / "Mine-AudioCaptioning" / "train.json"
    manifest(path, [entry("b.wav")], dataset_path=str(audio), split_path="train", total_num=2)
    text = path.read_text("utf-8").replace('"data": {', '"data": {"1": ' + json.dumps(bad) + ", ")
    path.write_text(text, "utf-8")
    dataset = import_(path, tmp_path / "out")
    assert dataset.recordings["path"].to_list() == ["train/b.wav"]
    problems = read_problems(dataset)
    assert [(problem.reason, problem.where) for problem in problems] == [(reason, "Mine-AudioCaptioning/train.json: 1")]


@pytest.mark.parametrize(
    ("data", "total", "expected"),
    [
        ({"1": "b.wav", "0": "a.wav"}, 2, []),
        ({"0": "a.wav", "1": "b.wav"}, 7, ["bad-value"]),
        ({"0": "a.wav", "1": "b.wav"}, None, ["bad-value"]),
        ({"0": "a.wav", "5": "b.wav"}, 2, ["missing-value"]),
        ({"0": "a.wav", "1": "b.wav", "last": "c.wav"}, 3, ["bad-value"]),
        ({"0": "a.wav", "1": "b.wav", "-1": "c.wav"}, 3, ["bad-value"]),
    ],
)
def test_numbers_and_totals_that_do_not_fit(
    data: dict[str, str],
    total: int | None,
    expected: list[str],
    *,
    tmp_path: Path,
    audio: Path,
    manifest: Callable[..., Path],
) -> None:
    path = manifest(
        tmp_path / "Mine-AudioCaptioning" / "train.json",
        {key: entry(name) for key, name in data.items()},
        dataset_path=str(audio),
        split_path="train",
        total_num=total,
    )
    dataset = import_(path, tmp_path / "out")
    assert dataset.recordings["path"].to_list() == ["train/a.wav", "train/b.wav"]
    assert [reason for reason, _ in reasons(dataset)] == expected


def test_a_key_that_stands_twice(tmp_path: Path, audio: Path) -> None:
    path = tmp_path / "Mine-AudioCaptioning" / "train.json"
    path.parent.mkdir()
    entries = f'"0": {json.dumps(entry("a.wav"))}, "0": {json.dumps(entry("b.wav"))}'
    path.write_text(f'{{"dataset_path": "{audio}/train", "total_num": 2, "data": {{{entries}}}}}')
    dataset = import_(path, tmp_path / "out")
    assert dataset.recordings["path"].to_list() == ["a.wav"]
    assert reasons(dataset) == [("duplicate-id", "error")]


def test_missing_audio_is_listed_or_refused(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    path = manifest(
        tmp_path / "Mine-AudioCaptioning" / "train.json",
        [entry("a.wav"), entry("gone.wav"), entry("lost.wav")],
        dataset_path=str(audio),
        split_path="train",
    )
    with pytest.raises(DatasetError, match=r"2 of 3 audio files are missing"):
        import_(path, tmp_path / "out", missing="refuse")
    assert not (tmp_path / "out").exists()
    dataset = import_(path, tmp_path / "out")
    assert dataset.card.coverage.available == 1
    assert dataset.card.problems == {"missing": 2}
    with pytest.raises(UsageError, match="keep"):
        import_(path, tmp_path / "other", missing="keep")


def test_the_same_entry_twice_stays_twice(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    path = manifest(tmp_path / "Mine-AQA" / "train.json", [entry("train/a.wav", "yes")] * 2, dataset_path=str(audio))
    assert import_(path, tmp_path / "out").examples["answers"].to_list() == [["yes", "yes"]]


# What is wrong with a whole file: a letter.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing|object or a list"),
        ("[]", "not a manifest"),
        ('[{"id": 1}]', "flamingo-3"),
        ("{}", "not a manifest"),
        ('{"data": 3}', "not a manifest"),
        ('{"colour": "red"}', "not a manifest"),
        ('{"data": {"0": {"name": "a.wav"', "cut short"),
        ('{"data": {"0": {"name": "a", "name": "b"}}}', "stands twice"),
        ('{"split": "train", "split": "val", "data": {"0": {}}}', "twice"),
        ('{"dataset_path": 3, "data": {"0": {}}}', "no text"),
        ('{"data": {}, "total_num": 0}', "no entry"),
        ('{"data": {"0": {"name": "a.wav", "prompt": "", "output": ""}}}', "no entry"),
        ('{"split_path": "../x", "data": {"0": {"name": "a.wav", "prompt": "", "output": "o"}}}', "leaves the folder"),
    ],
)
def test_files_that_are_no_manifest(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "Mine-AQA" / "train.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises((TableError, DatasetError), match=words):
        import_(path, tmp_path / "out", no_audio=True)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "Mine-AQA"]


def test_a_manifest_in_latin_1_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "Mine-AQA" / "train.json"
    path.parent.mkdir()
    path.write_bytes('{"data":\n {"0": {"name": "é"}}}'.encode("latin-1"))
    with pytest.raises(TableError, match=r"train\.json:2"):
        import_(path, tmp_path / "out", no_audio=True)


def test_a_folder_without_manifests_and_one_with_two_of_one_key(tmp_path: Path, manifest: Callable[..., Path]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="no manifest"):
        import_(tmp_path / "empty", tmp_path / "out")
    for copy in ("one", "two"):
        manifest(tmp_path / "twice" / copy / "Mine-AQA" / "train.json", [entry("a.wav")])
    with pytest.raises(TableError, match="Two manifests have the key Mine-AQA/train"):
        import_(tmp_path / "twice", tmp_path / "out", no_audio=True)
    with pytest.raises(UsageError, match="whole folder"):
        import_(tmp_path / "twice", tmp_path / "out", task="AQA")


def test_durations_that_are_not_there(tmp_path: Path, manifest: Callable[..., Path]) -> None:
    entries = [entry("a.wav", duration=2), entry("b.wav"), entry("c.wav", duration=0)]
    path = manifest(tmp_path / "Mine-AQA" / "train.json", entries)
    dataset = import_(path, tmp_path / "out", no_audio=True)
    assert dataset.recordings["num_samples"].to_list() == [32000]
    assert dataset.examples.height == 1
    assert reasons(dataset) == [("missing-value", "error"), ("bad-value", "error")]
    path = manifest(tmp_path / "Mine-AQA" / "val.json", entries[1:])
    with pytest.raises(DatasetError, match="leave --no-audio away"):
        import_(path, tmp_path / "none", no_audio=True)
    with pytest.raises(UsageError, match="not a rate"):
        import_(path, tmp_path / "none", no_audio=True, rate_hz=-5)


# Round trips: format → dataset → format.


def round_trip(source: Path, tmp_path: Path, version: int, **asked: Any) -> Path:
    dataset = import_(source, tmp_path / "dataset", **asked)
    write = flamingo.write_version_1 if version == 1 else flamingo.write_version_2
    write(ExportRequest(dataset, tmp_path / "exported"))
    return tmp_path / "exported"


def assert_same_manifests(source: Path, exported: Path, count: int) -> None:
    before = sorted(path.relative_to(source) for path in source.rglob("*.json"))
    after = sorted(path.relative_to(exported) for path in exported.rglob("*.json") if path.name != "card.json")
    assert before == after
    assert len(before) == count
    for path in before:
        assert load(exported / path) == load(source / path)


def test_version_1_comes_back_as_it_was(
    tmp_path: Path, audio: Path, sound: Callable[..., Path], manifest: Callable[..., Path]
) -> None:
    sound(audio / "long.wav", 3.0)
    files, header = tmp_path / "files", {"dataset_path": str(audio)}
    captions = [entry("a.wav", "x"), entry("b.wav", "y"), entry("a.wav", 'a "dog"\nbarks — ünd'), entry("b.wav", "x")]
    manifest(files / "Mine-AudioCaptioning" / "train.json", captions, split_path="train", **header)
    manifest(files / "Mine-AudioCaptioning" / "val.json", [entry("val/d.wav")], split_path=None, **header)
    manifest(files / "Mine-AVQA_All" / "train.json", [entry("train/a.wav", "yes", "is it?")], **header)
    manifest(files / "Mine-AVQA" / "train.json", [entry("train/a.wav", "no", "is it?")], split_path="./", **header)
    manifest(files / "Mine-Tagging" / "val.json", [entry("d.wav", "dog, rain.")], split_path="val", **header)
    parts = [entry("long.wav", audio_start=0.0, duration=1.0), entry("long.wav", audio_start=1.25, duration=0.5)]
    manifest(files / "Parts-AudioCaptioning" / "test.json", parts, **header)
    starts = [entry("train/a.wav", audio_start=0), entry("train/b.wav", audio_start=0)]
    manifest(files / "Starts-AudioCaptioning" / "test.json", starts, **header)
    dialogue = [{"user": "what is it?", "assistant": "a dog."}, {"user": "sure?", "assistant": "yes."}]
    manifest(files / "dialog_Mine-Dialog" / "train.json", [{"name": "train/a.wav", "dialogue": dialogue}], **header)
    exported = round_trip(files, tmp_path, 1)
    assert_same_manifests(files, exported, 8)


def test_version_2_comes_back_as_it_was(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    files = tmp_path / "files"
    entries = [entry("a.wav", "x", duration=0.5), entry("b.wav", "y", duration=0.5)]
    manifest(files / "Mine-AudioCaptioning" / "train.json", entries, split_path="Mine/train")
    manifest(files / "Mine-AQA" / "val.json", [entry("d.wav", duration=0.5)], split_path=f"{audio}/val")
    exported = round_trip(files, tmp_path, 2, audio_root=audio.parent)
    assert_same_manifests(files, exported, 2)


def test_shots_come_back_as_they_were(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    files, header = tmp_path / "files", {"dataset_path": str(audio), "split_path": None}
    train = [entry("train/a.wav", "x"), entry("train/a.wav", "y"), entry("train/b.wav", "z"), entry("train/c.wav", "w")]
    manifest(files / "Mine-AudioCaptioning" / "train.json", train, **header)
    manifest(files / "Mine-AudioCaptioning" / "val.json", [entry("val/d.wav", "v"), entry("val/d.wav", "u")], **header)
    lists = [([0], [2, 3]), ([1], [3, 2]), ([3], [0, 1, 2])]
    shots = [{"generation_index_in_split": q[0], "fewshot_indices_in_train": s} for q, s in lists]
    manifest(files / "Mine-AudioCaptioning" / "interleaved_knn-train.json", shots, **header)
    manifest(files / "Mine-AudioCaptioning" / "interleaved_random-val.json", shots[1:2], **header)
    dataset = import_(files, tmp_path / "dataset")
    assert dataset.examples.filter(pl.col("split") == "train")["shots"].to_list() == [
        ["Mine/train/b.wav#AudioCaptioning", "Mine/train/c.wav#AudioCaptioning"],
        ["Mine/train/c.wav#AudioCaptioning", "Mine/train/b.wav#AudioCaptioning"],
        [],
        ["Mine/train/a.wav#AudioCaptioning", "Mine/train/a.wav#AudioCaptioning-2", "Mine/train/b.wav#AudioCaptioning"],
    ]
    flamingo.write_version_1(ExportRequest(dataset, tmp_path / "exported"))
    assert_same_manifests(files, tmp_path / "exported", 4)
    written = flamingo.write_version_2(ExportRequest(dataset, tmp_path / "two"))
    assert sum(written.left_out.values()) == 4


def test_shots_that_point_at_nothing(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    files, header = tmp_path / "files", {"dataset_path": str(audio)}
    manifest(files / "Mine-AQA" / "train.json", [entry("train/a.wav"), entry("train/b.wav")], **header)
    lists = [(0, [1, 9]), (7, [0]), (0, [1]), ("x", [0]), (1, "0")]
    shots = [{"generation_index_in_split": q, "fewshot_indices_in_train": s} for q, s in lists]
    manifest(files / "Mine-AQA" / "interleaved_knn-train.json", shots, **header)
    manifest(files / "Mine-AQA" / "interleaved_random-train.json", shots[:1], **header)
    manifest(files / "Mine-AQA" / "interleaved_knn-test.json", shots[:1], **header)
    dataset = import_(files, tmp_path / "out")
    assert dataset.examples["shots"].to_list() == [["Mine/train/b.wav#AQA"], []]
    assert sorted(reasons(dataset)) == sorted(
        [
            ("bad-value", "error"),  # generation_index is a text
            ("bad-value", "error"),  # shots are a text
            ("bad-value", "error"),  # entry 7 does not exist
            ("bad-value", "warning"),  # shot 9 does not exist
            ("duplicate-id", "error"),  # entry 0 twice
            ("passed-over", "warning"),  # random beside knn
            ("missing", "error"),  # test.json
        ]
    )
    gathered = import_(files, tmp_path / "gathered", separate=False)
    assert gathered.examples["shots"].list.len().sum() == 0
    assert [reason for reason, _ in reasons(gathered)].count("passed-over") == 3


def test_a_gathered_manifest_keeps_the_order_of_its_entries(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    adjacent = [entry("train/a.wav", "x"), entry("train/a.wav", "y"), entry("train/b.wav", "z")]
    path = manifest(tmp_path / "Mine-AQA" / "train.json", adjacent, dataset_path=str(audio))
    assert import_(path, tmp_path / "one").card.extra_tables == {}
    mixed = [adjacent[0], adjacent[2], adjacent[1]]
    path = manifest(tmp_path / "Mine-AQA" / "val.json", mixed, dataset_path=str(audio))
    dataset = import_(path, tmp_path / "two")
    assert read_table(dataset, "entries")["numbers"].to_list() == [[0, 2], [1]]


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
OUTPUTS = TEXTS.filter(lambda text: bool(text.strip()))
NAMES = {"a.wav": 1.0, "b/a.wav": 0.5, "ü 'x' \"y\".wav": 2.0, "c,d.wav": 0.0625}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(sorted(NAMES)), st.sampled_from(["", "what?"]) | TEXTS, OUTPUTS), min_size=1
    ),
    task=st.sampled_from(["AudioCaptioning", "AQA", "EventClassification", "Tagging"]),
    separate=st.sampled_from([None, True]),
)
def test_any_entries_come_back(
    rows: list[tuple[str, str, str]], task: str, separate: bool | None, tmp_path: Path, manifest: Callable[..., Path]
) -> None:
    for folder in tmp_path.iterdir():
        shutil.rmtree(folder)
    entries = [entry(name, output, prompt, duration=NAMES[name]) for name, prompt, output in rows]
    source = manifest(tmp_path / "files" / f"Mine-{task}" / "train.json", entries, split_path="sounds")
    exported = round_trip(tmp_path / "files", tmp_path, 2, no_audio=True, separate=separate)
    assert load(exported / f"Mine-{task}" / "train.json") == load(source)


# Round trips: dataset → format → dataset.


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("audio_mode", [None, "copy", "link"])
def test_a_dataset_comes_back_as_it_was(
    version: int, audio_mode: str | None, tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    files, header = tmp_path / "files", {"dataset_path": str(audio.parent)}
    train = [entry("a.wav", "x"), entry("b.wav", "y"), entry("a.wav", "z")]
    manifest(files / "One-AudioCaptioning" / "train.json", train, split_path="Mine/train", **header)
    manifest(files / "Two-AQA" / "val.json", [entry("d.wav", "yes", "is it?")], split_path="Mine/val", **header)
    dataset = import_(files, tmp_path / "dataset")
    write = flamingo.write_version_1 if version == 1 else flamingo.write_version_2
    exported = write(ExportRequest(dataset, tmp_path / "exported", audio=audio_mode))
    assert exported.num_audio == (0 if audio_mode is None else 3)
    again = import_(tmp_path / "exported", tmp_path / "again", name="files")
    different = ["path"]
    assert_frame_equal(again.recordings.drop(different), dataset.recordings.drop(different))
    assert_frame_equal(again.examples, dataset.examples)
    assert (audio / "train" / "a.wav").is_file()  # copied or linked, never moved


def test_options_and_renamed_splits_are_written_as_version_2_asks(
    tmp_path: Path, small_dataset: Callable[..., Dataset], recording: Callable[..., Any]
) -> None:
    from audiolect.data.records import Example

    sounds = [recording("mine/a.wav", "a.wav", split="development"), recording("plain", "b.wav", split="development")]
    asked = [
        Example("q", "mine/a.wav", "development", "MultipleChoice", "What is it?", ("cat",), ("a dog", "cat")),
        Example("t", "plain", "development", "EventTagging", "", ("dog", "rain")),
        Example("n", "plain", "development", "AQA", "why?", ()),
    ]
    dataset = small_dataset(tmp_path / "dataset", sounds, asked)
    request = ExportRequest(dataset, tmp_path / "out", rename_splits={"development": "train"})
    written = flamingo.write_version_2(request)
    assert written.files == {"mine-MultipleChoice/train.json": 1, "mine-EventTagging/train.json": 1}
    assert written.left_out == {"examples without an answer": 1}
    question = load(tmp_path / "out" / "mine-MultipleChoice" / "train.json")["data"]["0"]
    assert question == {
        "name": "a.wav",
        "prompt": "What is it? (A) a dog. (B) cat.",
        "output": "(B) cat.",
        "duration": 0.5,
    }
    assert load(tmp_path / "out" / "mine-EventTagging" / "train.json")["data"]["0"]["output"] == "dog, rain"
    card = load(tmp_path / "out" / "card.json")
    assert (card["format"], card["layout"], card["left_out"]) == ("audiolect/export", "flamingo-2", written.left_out)
    with pytest.raises(UsageError, match="developmnt"):
        flamingo.write_version_2(ExportRequest(dataset, tmp_path / "x", rename_splits={"developmnt": "train"}))


def test_dialogues_have_no_place_in_version_2(
    tmp_path: Path, small_dataset: Callable[..., Dataset], recording: Callable[..., Any]
) -> None:
    from audiolect.data.records import Example, Turn

    turns = (Turn("what?", "a dog."),)
    dataset = small_dataset(
        tmp_path / "dataset",
        [recording("mine/a.wav", "a.wav")],
        [Example("d", "mine/a.wav", "all", "Dialog", turns=turns)],
    )
    with pytest.raises(DatasetError, match="Audio Flamingo 2 has none"):
        flamingo.write_version_2(ExportRequest(dataset, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    flamingo.write_version_1(ExportRequest(dataset, tmp_path / "out"))
    entry_of = load(tmp_path / "out" / "mine-Dialog" / "all.json")["data"]["0"]
    assert entry_of == {"name": "a.wav", "dialogue": [{"user": "what?", "assistant": "a dog."}]}


def test_an_export_without_its_audio(tmp_path: Path, audio: Path, manifest: Callable[..., Path]) -> None:
    header = {"dataset_path": str(audio), "split_path": "train"}
    path = manifest(tmp_path / "Mine-AQA" / "train.json", [entry("a.wav"), entry("b.wav")], **header)
    dataset = import_(path, tmp_path / "dataset")
    (audio / "train" / "b.wav").unlink()
    with pytest.raises(DatasetError, match="1 of 2 files"):
        flamingo.write_version_1(ExportRequest(dataset, tmp_path / "out", audio="copy"))
    assert not (tmp_path / "out").exists()
    written = flamingo.write_version_1(ExportRequest(dataset, tmp_path / "out", audio="copy", missing="list"))
    assert [problem.reason for problem in written.problems] == ["missing"]
    assert (tmp_path / "out" / "problems.jsonl").is_file()
    assert load(tmp_path / "out" / "Mine-AQA" / "train.json")["total_num"] == 1
    in_place = flamingo.write_version_1(ExportRequest(dataset, tmp_path / "in-place"))
    assert in_place.files == {"Mine-AQA/train.json": 2}  # manifests alone do not ask for audio
    with pytest.raises(AlreadyExists):
        flamingo.write_version_1(ExportRequest(dataset, tmp_path / "out"))
    flamingo.write_version_1(ExportRequest(dataset, tmp_path / "out", overwrite=True))
    assert open_dataset(tmp_path / "dataset").card.num_examples == 2


def test_options_behind_a_question_become_options_and_go_back(
    tmp_path: Path, audio: Path, manifest: Callable[..., Path]
) -> None:
    entries = [
        entry("a.wav", "(B) rain.", "Which? (A) a dog. (B) rain."),
        entry("b.wav", "yes", "Is it?"),
        entry("a.wav", "(A) a dog.", "Which? (A) a dog. (B) wind."),
    ]
    path = manifest(tmp_path / "Mine-AQA" / "train.json", entries, dataset_path=str(audio), split_path="train")
    dataset = import_(path, tmp_path / "dataset")
    assert dataset.examples.select("prompt", "options", "answers").rows() == [
        ("Which?", ["a dog", "rain"], ["rain"]),
        ("Is it?", [], ["yes"]),
        ("Which?", ["a dog", "wind"], ["a dog"]),
    ]
    flamingo.write_version_1(ExportRequest(dataset, tmp_path / "out"))
    assert load(tmp_path / "out" / "Mine-AQA" / "train.json") == load(path)
