"""Shards of tar: round trips, other people's shards, the faults of a tar; the webdataset package reads along."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiolect.audio.files import read
from audiolect.corpora.intake import IntakeOptions
from audiolect.data.dataset import Dataset, open_dataset, read_problems, verify_dataset
from audiolect.data.records import Example, Recording, Turn
from audiolect.errors import AlreadyExists, DatasetError, TableError, TooManyProblems, UsageError
from audiolect.formats.request import Exported, ExportRequest, ImportRequest
from audiolect.formats.table import FORMATS, check_export, check_import

Make = Callable[..., Any]


@pytest.fixture
def dataset(tmp_path: Path, small_dataset: Make, recording: Make) -> Dataset:
    """Three recordings of their own files, one of them twice in parts; captions, a dialogue and a question."""
    facts = {"labels": ("dog", "Hund ö"), "group": "g", "fold": 3, "title": "T", "license": "CC0", "source_id": "s"}
    recordings = [
        recording("mine/b c.wav", "b c.wav", split="train", **facts),
        recording("mine/a.x.wav", "a.x.wav", split="train"),
        recording("mine/long@0", "long.wav", split="test", num_samples=1000),
        recording("mine/long@1", "long.wav", split="test", start_sample=1000, num_samples=3000),
    ]
    examples = [
        Example("e1", "mine/b c.wav", "train", "AudioCaptioning", "say", ("A “dog”.", "Two.")),
        Example("e2", "mine/a.x.wav", "train", "Dialog", turns=(Turn("q", "a"),)),
        Example("e3", "mine/long@1", "test", "MultipleChoice", "which?", ("b",), ("a", "b"), shots=("e1",)),
    ]
    small_dataset(tmp_path / "set", recordings, examples)
    return open_dataset(tmp_path / "set")


def export(dataset: Dataset, out: Path, **facts: Any) -> Exported:
    request = ExportRequest(dataset, out, **facts)
    check_export("webdataset", request)
    writer = FORMATS["webdataset"].write
    assert writer is not None
    return writer(request)


def load(source: Path, out: Path, **facts: Any) -> Dataset:
    request = ImportRequest(source, out, **facts)
    check_import("webdataset", request)
    reader = FORMATS["webdataset"].read
    assert reader is not None
    loaded = reader(request)
    verify_dataset(loaded)
    return loaded


def tar(path: Path, members: dict[str, bytes] | list[tuple[str, bytes]], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def wav(seed: int = 0, samples: int = 400) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(seed).uniform(-0.5, 0.5, samples), 8000, format="WAV")
    return buffer.getvalue()


def reasons(dataset: Dataset) -> list[tuple[str, str]]:
    return [(problem.reason, problem.where) for problem in read_problems(dataset)]


def test_what_is_written(dataset: Dataset, tmp_path: Path) -> None:
    done = export(dataset, tmp_path / "shards")
    assert dict(done.files) == {"test/mine-000000.tar": 2, "train/mine-000000.tar": 2}
    assert (done.num_audio, done.problems) == (4, ())
    with tarfile.open(tmp_path / "shards" / "train" / "mine-000000.tar") as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == [
            "a_x_wav.wav",
            "a_x_wav.json",
            "b_c_wav.wav",
            "b_c_wav.json",
            "b_c_wav.txt",
        ]
        assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in members} == {
            (0, 0, 0, "", 0o644)
        }
        stored = archive.extractfile("b_c_wav.wav")
        assert stored is not None
        assert stored.read() == dataset.audio_path("b c.wav").read_bytes()
        text = archive.extractfile("b_c_wav.txt")
        assert text is not None
        assert text.read().decode() == "A “dog”."
    index = json.loads((tmp_path / "shards" / "index.json").read_text("utf-8"))
    assert (index["fingerprint"], index["num_recordings"], index["num_examples"]) == (dataset.card.fingerprint, 4, 3)
    assert [shard["num_examples"] for shard in index["shards"]] == [1, 2]
    assert json.loads((tmp_path / "shards" / "train" / "sizes.json").read_text()) == {"mine-000000.tar": 2}


def test_the_same_bytes_each_time(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(dataset, tmp_path / name)
    for name in ("test/mine-000000.tar", "train/mine-000000.tar", "index.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_round_trip_keeps_all_but_paths(dataset: Dataset, tmp_path: Path, jobs: int) -> None:
    export(dataset, tmp_path / "shards", shard_recordings=1)
    back = load(tmp_path / "shards", tmp_path / "back", options=IntakeOptions(jobs=jobs))
    assert reasons(back) == []
    assert back.examples.sort("example_id").equals(dataset.examples.sort("example_id"))
    same = [
        name
        for name in Recording.__dataclass_fields__
        if name not in {"path", "start_sample", "codec", "num_bytes", "pcm_hash"}
    ]
    key = "recording_id"
    assert back.recordings.select(same).sort(key).equals(dataset.recordings.select(same).sort(key))
    assert (back.card.name, back.card.license, back.card.citation) == ("mine", "CC0", "none")
    whole, _ = read(dataset.audio_path("long.wav"), 1000, 3000)
    path = back.recordings.filter(recording_id="mine/long@1")["path"].item()
    assert path.endswith(".flac")
    np.testing.assert_array_equal(read(back.audio_path(path))[0], whole)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its files open
def test_the_webdataset_package_reads_them(dataset: Dataset, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    export(dataset, tmp_path / "shards")
    url = str(tmp_path / "shards" / "train" / "mine-000000.tar")
    entries = list(webdataset.WebDataset(url, shardshuffle=False))
    assert [entry["__key__"] for entry in entries] == ["a_x_wav", "b_c_wav"]
    assert entries[1]["wav"] == dataset.audio_path("b c.wav").read_bytes()
    assert json.loads(entries[1]["json"])["text"] == ["A “dog”.", "Two."]
    assert entries[1]["txt"].decode() == "A “dog”."


@pytest.mark.parametrize(
    ("limit", "shards"), [({"shard_recordings": 1}, 2), ({"shard_bytes": 9000}, 2), ({"shard_bytes": 1}, 2), ({}, 1)]
)
def test_shards_end_at_their_limit(dataset: Dataset, tmp_path: Path, limit: dict[str, int], shards: int) -> None:
    done = export(dataset, tmp_path / "shards", **limit)
    assert sorted(name for name in done.files if name.startswith("train")) == [
        f"train/mine-{n:06d}.tar" for n in range(shards)
    ]


def test_other_peoples_shards(tmp_path: Path) -> None:
    folder = tmp_path / "laion"
    entries = [
        ("dir/1.wav", wav(1)), ("dir/1.json", b'{"text": ["A dog.", ""], "tag": ["dog", "dog"], "original_data": {}}'),
        ("2.json", b'{"caption": "Rain."}'), ("2.WAV", wav(2)),
        ("3.wav", wav(3)), ("3.txt", " Wind \u00f6.\n".encode()), ("3.cls", b"7"), ("3.npy", b"x"),
    ]  # fmt: skip
    tar(folder / "train" / "0.tar", entries)
    tar(folder / "test" / "0.tar.gz", {"1.wav": wav(4), "1.txt": b"Sea."}, "w:gz")
    dataset = load(folder, tmp_path / "out", name="clap")
    assert dataset.recordings.select("recording_id", "path", "split", "labels").rows() == [
        ("clap/test/0/1", "test_0/1.wav", "test", []),
        ("clap/train/0/dir/1", "train_0/dir_1.wav", "train", ["dog"]),
        ("clap/train/0/2", "train_0/2.wav", "train", []),
        ("clap/train/0/3", "train_0/3.wav", "train", ["7"]),
    ]
    assert dataset.examples["answers"].to_list() == [["Sea."], ["A dog."], ["Rain."], ["Wind ö."]]
    assert reasons(dataset) == [("passed-over", "train/0.tar")]
    one = load(folder / "train" / "0.tar", tmp_path / "one", name="x", split="val", task="Retrieval", separate=True)
    assert set(one.examples.select("split", "task").rows()) == {("val", "Retrieval")}


def test_members_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "s" / "0.tar"
    members = [
        ("../up.wav", wav()), ("/abs.wav", wav()), ("C:/x.wav", wav()), ("._a.wav", b""), ("good.wav", wav(1)),
        ("good.wav", wav(2)), ("good.txt", b"A."), ("good.txt", b"B."), ("good.flac", b""), ("alone.json", b"{}"),
        ("mute.wav", wav(3)), ("latin.wav", wav(4)), ("latin.txt", b"\xff"), ("list.wav", wav(5)), ("list.json", b"[]"),
        ("noise.wav", b"no audio at all"), ("noise.txt", b"x"), ("new.wav", wav(6)),
        ("new.json", b'{"format": "audiolect/shard-entry", "version": 99}'),
        ("part.wav", wav(7)), ("part.json", b'{"format": "audiolect/shard-entry", "version": 1, "recording": {}}'),
    ]  # fmt: skip
    tar(path, members)
    with tarfile.open(path, "a") as archive:
        for name, kind in (("sym.wav", tarfile.SYMTYPE), ("hard.wav", tarfile.LNKTYPE), ("dev.wav", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/hostname"
            archive.addfile(info)
    dataset = load(path, tmp_path / "out", name="n")
    bad = ["unsafe-path"] * 3 + ["bad-value"] + ["duplicate-id"] * 3 + ["unsafe-path"] * 3
    names = [
        "../up.wav",
        "/abs.wav",
        "C:/x.wav",
        "._a.wav",
        "good.wav",
        "good.txt",
        "good.flac",
        "sym.wav",
        "hard.wav",
        "dev.wav",
    ]
    found = reasons(dataset)
    assert found[:10] == [(reason, f"0.tar: {name}") for reason, name in zip(bad, names, strict=True)]
    assert found[10:] == [
        ("missing", "0.tar: alone"), ("missing-value", "0.tar: mute"), ("bad-value", "0.tar: latin"),
        ("bad-value", "0.tar: list"), ("bad-value", "0.tar: new"), ("bad-value", "0.tar: part"),
        ("unreadable", "n/0/noise"),
    ]  # fmt: skip
    assert dataset.examples.select("recording_id", "answers").rows() == [("n/0/good", ["A."])]
    assert {path.name for path in (tmp_path / "out" / "audio" / "0").iterdir()} == {
        "good.wav", "mute.wav", "latin.wav", "list.wav", "new.wav", "part.wav",
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "s"]


def test_a_tar_that_breaks_off_or_is_damaged(tmp_path: Path) -> None:
    whole = tar(tmp_path / "w.tar", {"1.wav": wav(1), "1.txt": b"A.", "2.wav": wav(2), "2.txt": b"B."}).read_bytes()
    second = whole.index(b"2.wav")
    damaged = whole[:second] + b"\xff" * 512 + whole[second + 512 :]
    for number, (content, reason) in enumerate(
        [
            (whole[: second + 700], "truncated"),  # in the middle of the samples
            (whole[:second], "truncated"),  # between members: without the blocks that end a tar
            (whole[: second + 100], "truncated"),  # in the middle of a header
            (damaged, "unreadable"),
        ]
    ):
        path = tmp_path / f"{number}.tar"
        path.write_bytes(content)
        dataset = load(path, tmp_path / f"out{number}")
        assert dataset.recordings.height == 1, number
        assert reasons(dataset) == [(reason, f"{number}.tar")], number
    for name, content in (("no.tar", b"this is no tar" * 99), ("empty.tar", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetError, match="No recording is left"):
            load(tmp_path / name, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_shards_are_compared_with_their_index(dataset: Dataset, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    export(dataset, shards)
    (shards / "test" / "mine-000000.tar").unlink()
    tar(shards / "train" / "mine-000000.tar", {"1.wav": wav(1), "1.txt": b"A."})
    assert reasons(load(shards, tmp_path / "back")) == [
        ("missing", "test/mine-000000.tar"),
        ("bad-value", "train/mine-000000.tar"),
    ]
    with pytest.raises(DatasetError, match="1 keys or shards is missing"):
        load(shards, tmp_path / "strict", missing="refuse")
    with pytest.raises(TooManyProblems):
        load(shards, tmp_path / "strict", options=IntakeOptions(max_problems=0))


def test_floats_beyond_full_scale_in_a_part_are_clipped_and_listed(
    tmp_path: Path, small_dataset: Make, recording: Make
) -> None:
    path = tmp_path / "audio" / "loud.wav"
    path.parent.mkdir()
    soundfile.write(path, np.linspace(-2, 2, 4000), 8000, subtype="FLOAT")
    small_dataset(tmp_path / "set", [recording("m/loud", "loud.wav", num_samples=1500)], [])
    done = export(open_dataset(tmp_path / "set"), tmp_path / "shards")
    assert [(problem.reason, problem.severity) for problem in done.problems] == [("bad-value", "warning")]
    assert "1000 of 1500" in done.problems[0].detail


def test_audio_that_is_not_there(dataset: Dataset, tmp_path: Path) -> None:
    dataset.audio_path("a.x.wav").unlink()
    dataset.audio_path("b c.wav").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match="audio of the dataset is not there"):
        export(dataset, tmp_path / "shards")
    done = export(dataset, tmp_path / "shards", missing="list")
    assert dict(done.files) == {"test/mine-000000.tar": 2}
    assert sorted(problem.where for problem in done.problems) == ["mine/a.x.wav", "mine/b c.wav"]


def test_requests_that_cannot_be(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No shard can be so small"):
        export(dataset, tmp_path / "x", shard_bytes=0)
    with pytest.raises(UsageError, match="does not take --hdf5"):
        export(dataset, tmp_path / "x", hdf5="int16")
    with pytest.raises(DatasetError, match="cannot be the name of a folder"):
        export(dataset, tmp_path / "x", rename_splits={"train": "a/b"})
    with pytest.raises(TableError, match="There are no shards"):
        load(tmp_path / "set", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    export(dataset, tmp_path / "x")
    with pytest.raises(AlreadyExists):
        export(dataset, tmp_path / "x")


@pytest.mark.parametrize(
    ("entry", "severity", "words"),
    [
        ('{"captoin": "A dog.", "n": 1}', "error", "'captoin' is not read; the nearest known: caption"),
        ('{"remark": "A dog."}', "warning", "no captions and no labels are read; the keys there: remark"),
        ('{"text": "A dog.", "remark": "x"}', None, ""),
    ],
)
def test_no_caption_is_lost_to_a_misspelt_key(entry: str, severity: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "s" / "0.tar"
    tar(path, [(f"{n}.{kind}", value) for n in "ab" for kind, value in (("wav", wav(1)), ("json", entry.encode()))])
    problems = read_problems(load(path, tmp_path / "out", name="n"))
    found = [problem for problem in problems if problem.reason == "unknown-column"]
    assert [problem.severity for problem in found] == ([severity] if severity else [])
    assert all(words in problem.detail and problem.where == "0.tar" for problem in found)
