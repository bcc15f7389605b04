from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from audiolect.data.dataset import Dataset, read_problems, verify_dataset
from audiolect.data.records import Example
from audiolect.errors import DatasetError, TableError, UsageError
from audiolect.formats import conversation
from audiolect.formats.request import ExportRequest, ImportRequest


def said(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[place % 2], "value": text} for place, text in enumerate(texts)]


def entry(number: Any, sound: Any, *texts: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "sound": sound, "duration": 0.5, "conversations": said(*texts)} | more


def write_list(path: Path, entries: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries), "utf-8")
    return path


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def import_(source: Path, out: Path, **asked: Any) -> Dataset:
    dataset = conversation.read(ImportRequest(source, out, **asked))
    verify_dataset(dataset)
    return dataset


@pytest.fixture
def audio(tmp_path: Path, sound: Callable[..., Path]) -> Path:
    for name in ("a.wav", "sub/b.wav"):
        sound(tmp_path / "sounds" / name)
    return tmp_path / "sounds"


def test_exchanges_become_examples_and_dialogues(tmp_path: Path, audio: Path) -> None:
    entries = [
        entry("one", "a.wav", "<sound>\nWhat is it?", "A dog."),
        entry("two", ["sub/b.wav"], "<sound>\nAnd this?", "Rain.", "Sure?", "Yes."),
    ]
    path = write_list(tmp_path / "Mine" / "val.json", entries)
    dataset = import_(path, tmp_path / "out", audio_root=audio)
    assert dataset.recordings.select("recording_id", "path", "split", "num_samples").rows() == [
        ("Mine/a.wav", "a.wav", "val", 4000),
        ("Mine/sub/b.wav", "sub/b.wav", "val", 4000),
    ]
    rows = dataset.examples.select("example_id", "task", "prompt", "answers", "turns").rows()
    assert rows == [
        ("Mine/val/one", "AQA", "What is it?", ["A dog."], []),
        (
            "Mine/val/two",
            "Dialog",
            "",
            [],
            [{"user": "And this?", "assistant": "Rain."}, {"user": "Sure?", "assistant": "Yes."}],
        ),
    ]
    assert read_problems(dataset) == []


def test_the_place_and_the_flags_say_what_a_file_is(tmp_path: Path, audio: Path) -> None:
    entries = [entry("one", "a.wav", "<sound>\nCaption it.", "A dog.")]
    by_place = write_list(tmp_path / "Mine-AudioCaptioning" / "test.json", entries)
    dataset = import_(by_place, tmp_path / "one", audio_root=audio)
    assert dataset.examples.select("task", "split", "example_id").row(0) == ("AudioCaptioning", "test", "Mine/test/one")
    by_name = write_list(tmp_path / "lists" / "skills.json", entries)
    dataset = import_(by_name, tmp_path / "two", audio_root=audio)
    assert dataset.examples.select("task", "split", "example_id").row(0) == ("AQA", "train", "skills/train/one")
    asked = {"name": "n", "task": "QA", "split": "dev"}
    dataset = import_(by_name, tmp_path / "three", audio_root=audio, **asked)
    assert dataset.examples.select("task", "split", "example_id").row(0) == ("AQA", "dev", "n/dev/one")
    with pytest.raises(UsageError, match="no task"):
        import_(by_name, tmp_path / "four", audio_root=audio, task="Singing")


def test_sounds_are_found_by_absolute_paths_also_when_they_have_moved(tmp_path: Path, audio: Path) -> None:
    entries = [entry("1", f"{audio}/a.wav", "q", "a"), entry("2", f"{audio}/sub/b.wav", "q", "a")]
    here = import_(write_list(tmp_path / "Mine" / "train.json", entries), tmp_path / "here")
    assert here.audio_root == audio
    assert here.recordings["path"].to_list() == ["a.wav", "sub/b.wav"]
    for item in entries:
        item["sound"] = item["sound"].replace(str(tmp_path), "/elsewhere")
    path = write_list(tmp_path / "Mine" / "test.json", entries)
    with pytest.raises(UsageError, match="not on this machine"):
        import_(path, tmp_path / "none")
    for root, expected in ((audio, "a.wav"), (tmp_path, "sounds/a.wav")):
        moved = import_(path, tmp_path / f"moved-{root.name}", audio_root=root)
        assert moved.recordings.select("recording_id", "path").row(0) == ("Mine/a.wav", expected)


def test_without_audio_the_durations_count(tmp_path: Path) -> None:
    entries = [entry("1", "a.wav", "q", "a"), entry("2", "b.wav", "q", "a", duration=None)]
    dataset = import_(write_list(tmp_path / "Mine" / "train.json", entries), tmp_path / "out", no_audio=True)
    assert dataset.recordings["num_samples"].to_list() == [8000]
    assert [problem.reason for problem in read_problems(dataset)] == ["missing-value"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("text", "bad-row"),
        (entry("x", None, "q", "a"), "missing-value"),
        (entry("x", [], "q", "a"), "missing-value"),
        (entry("x", ["a.wav", "sub/b.wav"], "q", "a"), "bad-value"),
        (entry("x", 5, "q", "a"), "bad-value"),
        (entry("x", "../a.wav", "q", "a"), "unsafe-path"),
        (entry(True, "a.wav", "q", "a"), "bad-value"),
        (entry("x", "a.wav", "q", "a", duration="long"), "bad-value"),
        (entry("x", "a.wav"), "missing-value"),
        (entry("x", "a.wav", "q"), "missing-value"),
        (entry("x", "a.wav", "q", "a", "q"), "missing-value"),
        (entry("x", "a.wav", "q", " "), "empty-text"),
        (entry("x", "a.wav", "q", "half \ud83d"), "bad-value"),
        (entry("x", "a.wav", conversations=said("q", "a")[::-1]), "bad-value"),
        (entry("x", "a.wav", conversations=[{"from": "human", "value": 3}]), "bad-value"),
        (entry("x", "a.wav", conversations="hello"), "missing-value"),
        (entry("x", "gone.wav", "q", "a"), "missing"),
    ],
)
def test_a_bad_entry_is_left_out_and_listed(bad: Any, reason: str, tmp_path: Path, audio: Path) -> None:
    path = write_list(tmp_path / "Mine" / "train.json", [entry("good", "sub/b.wav", "q", "a"), bad])
    dataset = import_(path, tmp_path / "out", audio_root=audio)
    assert dataset.examples["example_id"].to_list() == ["Mine/train/good"]
    assert [problem.reason for problem in read_problems(dataset)] == [reason]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "object or a list"),
        ("[]", "no conversation"),
        ('{"data": {"0": {}}}', "flamingo-1"),
        ('[{"id": 1', "cut short"),
        ("[3, 4]", "no conversation"),
    ],
)
def test_files_that_are_no_lists(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(text)
    with pytest.raises((TableError, DatasetError), match=words):
        import_(tmp_path / "train.json", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="no JSON file"):
        import_(tmp_path / "empty", tmp_path / "out")


def test_files_come_back_as_they_were(tmp_path: Path, audio: Path) -> None:
    lists = {
        "mixed/train.json": [entry(1, "a.wav", "<sound>\nq", "a"), entry(2, "sub/b.wav", "<sound>\nq", "a", "r", "b")],
        "Mine-AudioCaptioning/val.json": [entry("x-1", "a.wav", "Caption it. <sound>", 'A "dog"\nbarks — ünd.')],
        "plain/test.json": [entry("7", "sub/b.wav", "no placeholder", "a")],
        "nameless.json": [{"sound": "a.wav", "conversations": said("<sound>q", "a")}] * 2,
        "moved/eval.json": [entry("1", f"{audio}/sub/b.wav", "<sound>\nq", "a")],
    }
    for file, entries in lists.items():
        out = tmp_path / file.replace("/", "-")
        write_list(tmp_path / "in" / out.name / file, entries)
        dataset = import_(tmp_path / "in" / out.name, out / "dataset", audio_root=audio)
        conversation.write(ExportRequest(dataset, out / "exported"))
        assert load(out / "exported" / file) == entries


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12).filter(lambda text: "<sound" not in text)
TURNS = st.lists(st.tuples(TEXTS, TEXTS.filter(lambda text: bool(text.strip()))), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dialogues=st.lists(TURNS, min_size=1, max_size=4), form=st.sampled_from(["<sound>\n", ""]))
def test_any_conversations_come_back(dialogues: list[list[tuple[str, str]]], form: str, tmp_path: Path) -> None:
    for folder in tmp_path.iterdir():
        shutil.rmtree(folder)
    entries = []
    for number, turns in enumerate(dialogues):
        texts = [text for turn in turns for text in turn]
        # White space around a question cannot be told from that around the placeholder.
        entries.append(entry(number, f"{number}.wav", form + texts[0].strip(), *texts[1:]))
    path = write_list(tmp_path / "in" / "train.json", entries)
    dataset = import_(path, tmp_path / "dataset", no_audio=True)
    conversation.write(ExportRequest(dataset, tmp_path / "out"))
    assert load(tmp_path / "out" / "train.json") == entries


def test_a_dataset_comes_back_as_it_was(tmp_path: Path, audio: Path) -> None:
    entries = [entry("one", "a.wav", "<sound>\nq", "a"), entry("two", "sub/b.wav", "<sound>\nq", "a", "r", "b")]
    path = write_list(tmp_path / "Mine" / "train.json", entries)
    dataset = import_(path, tmp_path / "dataset", audio_root=audio)
    written = conversation.write(ExportRequest(dataset, tmp_path / "out", audio="copy"))
    assert written.num_audio == 2
    again = import_(tmp_path / "out" / "train.json", tmp_path / "again", name="Mine")
    assert_frame_equal(again.recordings, dataset.recordings)
    assert_frame_equal(again.examples, dataset.examples)


def test_answers_options_labels_and_parts(
    tmp_path: Path, small_dataset: Callable[..., Dataset], recording: Callable[..., Any]
) -> None:
    sounds = [
        recording("mine/a", "a.wav"),
        recording("mine/part", "b.wav", start_sample=1000, num_samples=2000),
    ]
    asked = [
        Example("mine/a#AudioCaptioning", "mine/a", "all", "AudioCaptioning", "say", ("x", "y")),
        Example("mine/a#MultipleChoice", "mine/a", "all", "MultipleChoice", "which?", ("cat",), ("dog", "cat")),
        Example("mine/part#EventTagging", "mine/part", "all", "EventTagging", "tags", ("dog", "rain")),
    ]
    dataset = small_dataset(tmp_path / "dataset", sounds, asked)
    in_place = conversation.write(ExportRequest(dataset, tmp_path / "in-place"))
    assert in_place.files == {"mine-AudioCaptioning/all.json": 2, "mine-MultipleChoice/all.json": 1}
    parts = "examples of parts of files (with --copy or --link they are cut out)"
    assert in_place.left_out == {parts: 1, "recordings without examples": 1}
    captions = load(tmp_path / "in-place" / "mine-AudioCaptioning" / "all.json")
    assert [item["id"] for item in captions] == ["mine/a#AudioCaptioning", "mine/a#AudioCaptioning-2"]
    assert captions[0]["sound"] == str(dataset.audio_root / "a.wav")
    choice = load(tmp_path / "in-place" / "mine-MultipleChoice" / "all.json")[0]["conversations"]
    assert choice == said("<sound>\nwhich? (A) dog. (B) cat.", "(B) cat.")
    brought = conversation.write(ExportRequest(dataset, tmp_path / "brought", audio="link"))
    assert (brought.num_audio, brought.left_out) == (2, {})
    tags = load(tmp_path / "brought" / "mine-EventTagging" / "all.json")[0]
    assert tags["conversations"][1]["value"] == "dog, rain"
    assert tags["duration"] == 0.25
    cut, rate = soundfile.read(tags["sound"], dtype="int16")
    whole, _ = soundfile.read(dataset.audio_root / "b.wav", dtype="int16")
    assert rate == 8000
    assert cut.tolist() == whole[1000:3000].tolist()


def test_references_of_one_recording_are_one_example_and_come_back(tmp_path: Path, audio: Path) -> None:
    entries = [
        entry("1", "a.wav", "<sound>\nCaption it.", "A dog."),
        entry("2", "sub/b.wav", "<sound>\nCaption it.", "Rain."),
        entry("3", "a.wav", "<sound>\nCaption it.", "A dog barks."),
        entry("4", "a.wav", "<sound>\nDescribe it.", "A dog."),
        entry("5", "a.wav", "<sound>\nCaption it.", "Yes.", "Sure?", "Yes."),
    ]
    path = write_list(tmp_path / "Mine-AudioCaptioning" / "train.json", entries)
    dataset = import_(path.parent, tmp_path / "dataset", audio_root=audio)
    assert dataset.examples.select("example_id", "answers").rows() == [
        ("Mine/train/1", ["A dog.", "A dog barks."]),
        ("Mine/train/2", ["Rain."]),
        ("Mine/train/4", ["A dog."]),
        ("Mine/train/5", []),
    ]
    conversation.write(ExportRequest(dataset, tmp_path / "out"))
    assert load(tmp_path / "out" / "train.json") == entries
    apart = import_(path.parent, tmp_path / "apart", audio_root=audio, separate=True)
    assert apart.examples["example_id"].to_list() == [f"Mine/train/{number}" for number in range(1, 6)]
    labels = write_list(tmp_path / "Mine-EventClassification" / "train.json", entries[:3])
    assert import_(labels, tmp_path / "labels", audio_root=audio).examples.height == 3


def test_options_are_taken_out_and_put_back(tmp_path: Path, audio: Path) -> None:
    entries = [
        entry("1", "a.wav", "<sound>\nWhich?\n(A) dog\n(B) rain", "(B) rain"),
        entry("2", "a.wav", "<sound>\nWhy?", "So."),
    ]
    path = write_list(tmp_path / "Mine-AQA" / "train.json", entries)
    dataset = import_(path, tmp_path / "dataset", audio_root=audio)
    assert dataset.examples.select("prompt", "options", "answers").rows() == [
        ("Which?", ["dog", "rain"], ["rain"]),
        ("Why?", [], ["So."]),
    ]
    conversation.write(ExportRequest(dataset, tmp_path / "out"))
    assert load(tmp_path / "out" / "train.json") == entries


def test_an_export_read_and_written_again_is_the_same(
    tmp_path: Path, small_dataset: Callable[..., Dataset], recording: Callable[..., Any]
) -> None:
    sounds = [recording("esc/1-a", "1-a.wav"), recording("esc/2-b", "x/2-b.wav")]
    asked = [
        Example("esc/1-a#AudioCaptioning", "esc/1-a", "all", "AudioCaptioning", "say", ("x", "y", "z")),
        Example("esc/1-a#AudioCaptioning-2", "esc/1-a", "all", "AudioCaptioning", "tell", ("x", "v")),
        Example("esc/2-b#AudioCaptioning", "esc/2-b", "all", "AudioCaptioning", "say", ("w",)),
        Example("esc/2-b#EventClassification", "esc/2-b", "all", "EventClassification", "what?", ("dog",)),
        Example("esc/2-b#MultipleChoice", "esc/2-b", "all", "MultipleChoice", "which?", ("cat",), ("dog", "cat")),
    ]
    dataset = small_dataset(tmp_path / "dataset", sounds, asked, name="esc")
    conversation.write(ExportRequest(dataset, tmp_path / "one", audio="link"))
    again = import_(tmp_path / "one", tmp_path / "again")
    columns = ("example_id", "task", "prompt", "answers", "options")
    assert_frame_equal(again.examples.select(columns), dataset.examples.select(columns), check_row_order=False)
    conversation.write(ExportRequest(again, tmp_path / "two"))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").glob("esc-*/*.json"))
    assert len(files) == 3
    for file in files:
        assert load(tmp_path / "two" / file) == load(tmp_path / "one" / file)


def test_dialogues_go_back_into_the_file_that_they_came_from(tmp_path: Path, audio: Path) -> None:
    talk = [entry("t", "a.wav", "<sound>\nq", "a", "r", "b")]
    lists = {
        "m-AQA/test.json": [entry("1", "a.wav", "<sound>\nq", "a")],
        "m-Dialog/test.json": talk,
        "m-MultipleChoice/test.json": [entry("2", "sub/b.wav", "<sound>\nwhich? (A) x. (B) y.", "(A) x.")],
        "n-AQA/test.json": talk,
        "n-EventTagging/test.json": [entry("3", "sub/b.wav", "<sound>\nwhich?", "x, y")],
    }
    for file, entries in lists.items():
        write_list(tmp_path / "in" / file, entries)
    dataset = import_(tmp_path / "in", tmp_path / "dataset", audio_root=audio)
    written = conversation.write(ExportRequest(dataset, tmp_path / "out"))
    assert written.files == dict.fromkeys(lists, 1)
    assert {file: load(tmp_path / "out" / file) for file in lists} == lists


def test_dialogues_of_several_files_of_one_split_go_back_each_into_its_own(tmp_path: Path, audio: Path) -> None:
    talk = ["<sound>\nq", "a", "r", "b"]
    lists = {
        "m-AQA/test.json": [entry("1", "a.wav", *talk), entry("2", "a.wav", "<sound>\nq", "a")],
        "m-EventTagging/test.json": [entry("3", "sub/b.wav", "<sound>\nwhich?", "x, y"), entry("4", "a.wav", *talk)],
        "again/m-AQA/test.json": [entry("5", "a.wav", "<sound>\nq", "c"), entry("6", "sub/b.wav", *talk)],
        "m-AQA/train.json": [entry("7", "sub/b.wav", *talk)],
    }
    for file, entries in lists.items():
        write_list(tmp_path / "in" / file, entries)
    dataset = import_(tmp_path / "in", tmp_path / "dataset", audio_root=audio)
    written = conversation.write(ExportRequest(dataset, tmp_path / "out"))
    assert written.files == {file: len(entries) for file, entries in lists.items()}
    assert {file: load(tmp_path / "out" / file) for file in lists} == lists
