"""The DCASE retrieval layout → datasets: by hand as the code of 2022 writes it, and every fault that it can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile

from audiolect.audio.files import read_mono
from audiolect.corpora.intake import IntakeOptions
from audiolect.data.dataset import Dataset, read_problems, read_table, verify_dataset
from audiolect.errors import AlreadyExists, DatasetError, TableError, TooManyProblems, UsageError
from audiolect.formats.request import ImportRequest
from audiolect.formats.table import FORMATS, check_import

Sound = Callable[..., Path]


def text_of(captions: dict[str, list[str]]) -> str:
    audios = [
        {
            "audio_id": audio_id,
            "captions": [{"caption": text, "tokens": text.lower(), "cap_id": str(n)} for n, text in enumerate(texts)],
        }
        for audio_id, texts in captions.items()
    ]
    return json.dumps({"audios": audios}, ensure_ascii=False)


@pytest.fixture
def source(tmp_path: Path, sound: Sound) -> Path:
    folder, audio = tmp_path / "clotho", tmp_path / "waves"
    folder.mkdir()
    rows = ["audio_id\tfile_name"]
    rows += [f"{name}\t{sound(audio / name)}" for name in ("a.wav", "Böö x.wav", "c.wav", "Yabc-1.wav", "unasked.wav")]
    (folder / "wav.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "train.json").write_text(text_of({"a.wav": ['A "dog", barks.', "Ein Hund böllt."], "abc-1": ["Rain."]}))
    (folder / "val.json").write_text(text_of({"Böö x.wav": ["A cat."], "c.wav": ["Wind.", "Storm."]}))
    return folder


def load(source: Path, **facts: Any) -> Dataset:
    out = facts.pop("out", source.parent / "out" if source.is_dir() else source.parent.parent / "out")
    request = ImportRequest(source, out, **facts)
    check_import("dcase", request)
    reader = FORMATS["dcase"].read
    assert reader is not None
    dataset = reader(request)
    verify_dataset(dataset)
    return dataset


def reasons(dataset: Dataset) -> list[tuple[str, str]]:
    return [(problem.reason, problem.where) for problem in read_problems(dataset)]


def pack(folder: Path, waves: dict[str, Any], rate_hz: int | None = 16000) -> Path:
    """A folder as pack_waveform.py makes it: one dataset for each id, and no word of the rate unless told."""
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "w.h5", "w") as file:
        for audio_id, values in waves.items():
            file[audio_id] = values
            if rate_hz:
                file[audio_id].attrs["sample_rate_hz"] = rate_hz
    rows = "".join(f"{audio_id}\t{folder / 'w.h5'}\n" for audio_id in waves)
    (folder / "waveform.csv").write_text("audio_id\thdf5_path\n" + rows)
    (folder / "train.json").write_text(text_of({audio_id: [f"{audio_id} sounds."] for audio_id in waves}))
    return folder


def test_a_folder_by_hand(source: Path) -> None:
    dataset = load(source)
    rows = dataset.recordings.select("recording_id", "path", "split", "num_samples").rows()
    assert rows == [
        ("clotho/a.wav", "a.wav", "train", 4000),
        ("clotho/abc-1", "Yabc-1.wav", "train", 4000),
        ("clotho/Böö x.wav", "Böö x.wav", "val", 4000),
        ("clotho/c.wav", "c.wav", "val", 4000),
    ]
    assert dataset.examples.select("example_id", "answers").rows() == [
        ("clotho/a.wav#AudioCaptioning", ['A "dog", barks.', "Ein Hund böllt."]),
        ("clotho/abc-1#AudioCaptioning", ["Rain."]),
        ("clotho/Böö x.wav#AudioCaptioning", ["A cat."]),
        ("clotho/c.wav#AudioCaptioning", ["Wind.", "Storm."]),
    ]
    assert dataset.audio_root == source.parent / "waves"
    assert reasons(dataset) == [("passed-over", "wav.csv")]
    assert read_table(dataset, "caption_ids")["cap_ids"].to_list() == [["0", "1"], ["0"], ["0"], ["0", "1"]]


def test_one_text_with_another_split_task_and_name(source: Path) -> None:
    dataset = load(source / "val.json", split="test", task="Retrieval", name="mine", separate=True)
    assert dataset.examples.select("example_id", "split", "answers").rows() == [
        ("mine/Böö x.wav#Retrieval", "test", ["A cat."]),
        ("mine/c.wav#Retrieval", "test", ["Wind."]),
        ("mine/c.wav#Retrieval-2", "test", ["Storm."]),
    ]


def test_captions_tables_and_audio_in_folders_of_splits(tmp_path: Path, sound: Sound) -> None:
    folder = tmp_path / "Clotho"
    sound(folder / "development" / "x.wav")
    sound(folder / "evaluation" / "x.wav", 0.25)
    (folder / "development_captions.csv").write_text(
        'fname,raw_text,text\nx.wav,"A dog, barks.",a dog barks\nx.wav,B.,b\n'
    )
    (folder / "evaluation_captions.csv").write_text("fname,raw_text,text\nx.wav,Rain.,rain\n")
    dataset = load(folder)
    assert dataset.recordings.select("recording_id", "path", "num_samples").rows() == [
        ("Clotho/x.wav", "development/x.wav", 4000),
        ("Clotho/x.wav~evaluation", "evaluation/x.wav", 2000),
    ]
    assert dataset.examples["answers"].to_list() == [["A dog, barks.", "B."], ["Rain."]]


def test_audio_that_has_moved_is_found_again(source: Path) -> None:
    moved = source.parent / "disk" / "waves"
    moved.parent.mkdir()
    (source.parent / "waves").rename(moved)
    assert load(source, audio_root=moved.parent).recordings.height == 4
    assert load(source, audio_root=moved, out=source.parent / "again").recordings.height == 4


def test_a_table_of_audio_without_texts(source: Path) -> None:
    dataset = load(source / "wav.csv", out=source.parent / "with")
    assert dataset.examples.height == 4
    for text in source.glob("*.json"):
        text.unlink()
    bare = load(source, split="test")
    assert (bare.recordings.height, bare.examples.height, bare.recordings["split"].unique().to_list()) == (
        5,
        0,
        ["test"],
    )


def test_missing_audio_is_listed_or_refused(source: Path) -> None:
    (source.parent / "waves" / "c.wav").unlink()
    (source / "train.json").write_text(text_of({"a.wav": ["A."], "ghost": ["B."]}))
    dataset = load(source)
    assert [pair for pair in reasons(dataset) if pair[0] == "missing"] == [
        ("missing", "clotho/ghost"),
        ("missing", "clotho/c.wav"),
    ]
    assert dataset.recordings["recording_id"].to_list() == ["clotho/a.wav", "clotho/Böö x.wav"]
    with pytest.raises(DatasetError, match="audio of 1 audio ids is missing"):
        load(source, missing="refuse", out=source.parent / "other")
    with pytest.raises(TooManyProblems, match="more than the limit"):
        load(source, options=IntakeOptions(max_problems=1), out=source.parent / "other")


def test_bad_entries_are_listed_with_their_places(source: Path) -> None:
    entries = [
        {
            "audio_id": "a.wav",
            "captions": [{"caption": "A."}, {"caption": " "}, {"caption": 3}, "x", {"caption": "\ud800"}],
        },
        {"audio_id": "a.wav", "captions": [{"caption": "B."}]},
        {"audio_id": "", "captions": []},
        {"captions": []},
        7,
    ]
    (source / "train.json").write_text(json.dumps({"audios": entries}))
    dataset = load(source / "train.json")
    assert dataset.examples["answers"].to_list() == [["A."]]
    assert reasons(dataset)[:-1] == [
        ("empty-text", "train.json: audios[0].captions[1]"),
        ("bad-value", "train.json: audios[0].captions[2]"),
        ("bad-value", "train.json: audios[0].captions[3]"),
        ("bad-value", "train.json: audios[0].captions[4]"),
        ("duplicate-id", "train.json: audios[1]"),
        ("missing-value", "train.json: audios[2]"),
        ("bad-row", "train.json: audios[3]"),
        ("bad-row", "train.json: audios[4]"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("wav.csv", b"audio_id\tpath\na\tb\n", "lacks the column 'file_name'"),
        ("wav.csv", b"audio_id\tfile_name\na\tx\na\ty\n", "Two files have the audio id 'a'"),
        ("wav.csv", b"audio_id\tfile_name\na\t\xff\xfe\n", "not UTF-8"),
        ("train.json", b'{"audios": [', "not JSON"),
        ("train.json", b"[]", "no list of audios"),
        ("train.json", b'{"audios": "\xff"}', "not UTF-8"),
        ("train_text.json", b"{}", "Two texts are of one split"),
    ],
)
def test_files_that_cannot_be_used(source: Path, name: str, content: bytes, message: str) -> None:
    (source / name).write_bytes(content)
    with pytest.raises(TableError, match=message):
        load(source)
    assert not (source.parent / "out").exists()


def test_requests_that_cannot_be(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="nothing of the DCASE layout"):
        load(tmp_path / "empty")
    with pytest.raises(UsageError, match="split is given for several"):
        load(source, split="train")
    with pytest.raises(UsageError, match="captions"):
        load(source, task="AQA")
    with pytest.raises(UsageError, match="rate is told for audio files"):
        load(source, rate_hz=16000)
    load(source)
    with pytest.raises(AlreadyExists):
        load(source)


def test_waveforms_become_flac_inside_of_the_dataset(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    whole = np.round(rng.uniform(-0.06, 0.06, 1600) * 32768) / 32768
    waves = {"a.wav": whole.astype(np.float16), "b/c": rng.integers(-32768, 32767, 800).astype(np.int16)}
    dataset = load(pack(tmp_path / "packed", waves))
    assert dataset.recordings.select("recording_id", "path", "sample_rate_hz", "codec").rows() == [
        ("packed/a.wav", "a.flac", 16000, "flac/pcm_16"),
        ("packed/b/c", "b_c.flac", 16000, "flac/pcm_16"),
    ]
    assert dataset.audio_root == tmp_path / "out" / "audio"
    read = [read_mono(dataset.audio_path(path)) for path in dataset.recordings["path"]]
    np.testing.assert_array_equal(read[0], waves["a.wav"].astype(np.float32))
    np.testing.assert_array_equal(read[1], waves["b/c"] / np.float32(32768))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "audio", "audio_ids.parquet", "caption_ids.parquet", "card.yaml", "examples.parquet", "problems.jsonl",
        "recordings.parquet",
    ]  # fmt: skip


def test_the_rate_of_other_peoples_waveforms_must_be_told(tmp_path: Path) -> None:
    folder = pack(tmp_path / "packed", {"a": np.zeros(80, np.float16)}, rate_hz=None)
    with pytest.raises(UsageError, match="does not say its sample rate"):
        load(folder)
    assert load(folder, rate_hz=32000).recordings["sample_rate_hz"].to_list() == [32000]
    stated = pack(tmp_path / "stated", {"a": np.zeros(80, np.float16)}, rate_hz=16000)
    with pytest.raises(UsageError, match="states another sample rate"):
        load(stated, rate_hz=32000, out=tmp_path / "other")


def test_broken_waveforms_are_listed_and_the_rest_is_kept(tmp_path: Path) -> None:
    good = np.linspace(-0.5, 0.5, 80).astype(np.float16)
    loud = good * np.float16(4)
    waves = {
        "good": good,
        "loud": loud,
        "nan": good * np.float16(np.nan),
        "none": good[:0],
        "flat": good.reshape(2, 40),
    }
    folder = pack(tmp_path / "packed", waves)
    (folder / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    with h5py.File(folder / "w.h5", "a") as file:
        file["linked"] = h5py.ExternalLink("/etc/hostname", "/x")
    with (folder / "waveform.csv").open("a") as table:
        table.write(f"linked\t{folder / 'w.h5'}\nbad\t{folder / 'broken.h5'}\ngone\t{folder / 'gone.h5'}\nodd\n")
    ids = [*waves, "linked", "bad", "gone"]
    (folder / "train.json").write_text(text_of({audio_id: ["A."] for audio_id in ids}))
    dataset = load(folder)
    assert dataset.recordings["recording_id"].to_list() == ["packed/good", "packed/loud"]
    assert sorted(reasons(dataset)) == [
        ("bad-row", "waveform.csv:10"), ("bad-value", "flat"), ("bad-value", "loud"), ("missing", "gone"),
        ("missing", "linked"), ("no-samples", "none"), ("not-finite", "nan"), ("unreadable", "bad"),
    ]  # fmt: skip
    clipped = read_mono(dataset.audio_path("loud.flac"))
    np.testing.assert_allclose(clipped, np.clip(loud.astype(np.float32), -1, 1), atol=2**-22)
    with pytest.raises(DatasetError, match="is missing"):
        load(folder, missing="refuse", out=tmp_path / "other")


def test_quiet_float16_needs_24_bits(tmp_path: Path) -> None:
    quiet = (np.arange(1, 81) * 2.0**-20).astype(np.float16)
    dataset = load(pack(tmp_path / "packed", {"a": quiet}))
    assert dataset.recordings["codec"].to_list() == ["flac/pcm_24"]
    samples, _ = soundfile.read(dataset.audio_path("a.flac"), dtype="float32")
    np.testing.assert_array_equal(samples, quiet.astype(np.float32))


def test_no_caption_is_lost_to_a_misspelt_key_or_name(source: Path) -> None:
    audios = [
        {"audio_id": "a.wav", "captions": [{"captoin": "A dog."}, {"caption": None, "cap_id": 1}, {"cap_id": 2}]},
        {"audio_id": "c.wav", "captoins": [{"caption": "A dog."}]},
    ]
    (source / "train.json").write_text(json.dumps({"audios": audios}))
    (source / "train_caption.csv").write_text("fname,raw_text\na.wav,A dog.\n")
    problems = read_problems(load(source))
    found = {problem.where: problem for problem in problems}
    assert "'captoin' is not read; the nearest known: caption" in found["train.json: audios[0].captions[0]"].detail
    assert found["train.json: audios[0].captions[0]"].severity == "error"
    for place in (1, 2):
        assert found[f"train.json: audios[0].captions[{place}]"].reason == "bad-value"
    assert "captoins is close to captions" in found["train.json: audios[1]"].detail
    assert "SPLIT_captions.csv" in found["train_caption.csv"].detail
    (source / "train.json").write_text(json.dumps({"audios": [{"audio_id": "a.wav", "captions": [{"caption": "x"}]}]}))
    (source / "train_captions.csv").write_text("fname,raw_txt\na.wav,A dog.\n")
    with pytest.raises(TableError, match="raw_txt"):
        load(source / "train_captions.csv", out=source.parent / "other")
