"""Datasets → the DCASE retrieval layout: what is written, by hand; round trips; what cannot be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas
import pytest

from audiolect.audio.files import read, read_mono
from audiolect.data.dataset import Dataset, open_dataset, read_problems
from audiolect.data.records import Example, Recording
from audiolect.errors import AlreadyExists, DatasetError, UsageError
from audiolect.formats.request import Exported, ExportRequest, ImportRequest
from audiolect.formats.table import FORMATS, check_export

Make = Callable[..., Any]


def captions(recording_id: str, split: str, *texts: str) -> Example:
    return Example(f"{recording_id}#AudioCaptioning", recording_id, split, "AudioCaptioning", "say", texts)


@pytest.fixture
def dataset(tmp_path: Path, small_dataset: Make, recording: Make) -> Dataset:
    recordings = [
        recording("mine/a", "x/a.wav", split="train", labels=("dog",)),
        recording("mine/b", "b ö.wav", split="train"),
        recording("mine/part", "long.wav", split="val", start_sample=800, num_samples=1600),
    ]
    examples = [
        captions("mine/a", "train", 'A "Dog", barks!', "Two\tdogs."),
        Example("q", "mine/a", "train", "AQA", "what?", ("a dog",)),
        Example("k", "mine/a", "train", "AudioKeywords", "name", ("dog, bark",)),
        Example("r", "mine/a", "train", "Retrieval", "", ("Two\tdogs.",)),
        captions("mine/part", "val", "Rain."),
    ]
    small_dataset(tmp_path / "set", recordings, examples)
    return open_dataset(tmp_path / "set")


def export(dataset: Dataset, out: Path, **facts: Any) -> Exported:
    request = ExportRequest(dataset, out, **facts)
    check_export("dcase", request)
    writer = FORMATS["dcase"].write
    assert writer is not None
    return writer(request)


def load(source: Path, out: Path, **facts: Any) -> Dataset:
    reader = FORMATS["dcase"].read
    assert reader is not None
    return reader(ImportRequest(source, out, **facts))


def test_what_is_written(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "dcase"
    done = export(dataset, out)
    assert dict(done.files) == {
        "wav.csv": 3,
        "train.json": 1,
        "train_captions.csv": 2,
        "val.json": 1,
        "val_captions.csv": 1,
    }
    assert dict(done.left_out) == {
        "examples without captions": 2,
        "recordings without captions (they stand in wav.csv alone)": 1,
        "labels of recordings": 1,
        "prompts that are not the first of their task": 2,
    }
    part = "long.wav@0.1-0.3.wav"
    table = pandas.read_csv(out / "wav.csv", sep="\t")
    assert table.to_numpy().tolist() == [
        ["a.wav", str(tmp_path / "audio" / "x" / "a.wav")],
        ["b ö.wav", str(tmp_path / "audio" / "b ö.wav")],
        [part, str(out / "audio" / part)],
    ]
    np.testing.assert_array_equal(read(out / "audio" / part)[0], read(tmp_path / "audio" / "long.wav", 800, 1600)[0])
    assert json.loads((out / "train.json").read_text("utf-8")) == {
        "audios": [
            {
                "audio_id": "a.wav",
                "captions": [
                    {"caption": 'A "Dog", barks!', "tokens": "a dog barks", "cap_id": "1"},
                    {"caption": "Two\tdogs.", "tokens": "two dogs", "cap_id": "2"},
                ],
            }
        ]
    }
    rows = pandas.read_csv(out / "train_captions.csv")
    assert rows.to_numpy().tolist() == [
        ["a.wav", 'A "Dog", barks!', "a dog barks"],
        ["a.wav", "Two\tdogs.", "two dogs"],
    ]
    assert not (out / "waveform.csv").exists()


@pytest.mark.parametrize("audio", [None, "copy", "link"])
def test_a_round_trip(dataset: Dataset, tmp_path: Path, audio: str | None) -> None:
    export(dataset, tmp_path / "dcase", audio=audio)
    (tmp_path / "dcase").rename(tmp_path / "moved") if audio else None
    back = load(tmp_path / ("moved" if audio else "dcase"), tmp_path / "back", name="mine")
    texts = {tuple(answers) for answers in back.examples["answers"]}
    assert texts == {('A "Dog", barks!', "Two\tdogs."), ("Rain.",)}
    assert sorted(back.recordings["num_samples"]) == [1600, 4000]
    assert (back.card.license, back.card.corpus_version) == ("CC0", "1")
    assert [problem.reason for problem in read_problems(back)] == ["passed-over"]
    again = export(back, tmp_path / "again", audio=audio)
    assert again.problems == ()
    for name in ("train.json", "val.json", "train_captions.csv", "val_captions.csv"):
        first = tmp_path / ("moved" if audio else "dcase") / name
        assert (tmp_path / "again" / name).read_bytes() == first.read_bytes()


@pytest.mark.parametrize(("coding", "steps"), [("float16", 2.0**-11), ("int16", 0.0)])
@pytest.mark.parametrize("jobs", [1, 2])
def test_waveforms_and_back(dataset: Dataset, tmp_path: Path, coding: str, steps: float, jobs: int) -> None:
    out = tmp_path / "dcase"
    done = export(dataset, out, hdf5=coding, jobs=jobs)
    assert done.files["waveform.csv"] == 3
    with h5py.File(out / "hdf5" / "waveforms-000.h5") as file:
        assert dict(file.attrs) == {"sample_rate_hz": 8000}
        assert (file["b ö.wav"].dtype, file["b ö.wav"].shape, file["b ö.wav"].attrs["sample_rate_hz"]) == (
            coding,
            (4000,),
            8000,
        )
    back = load(out / "waveform.csv", tmp_path / "back", name="mine")
    expected = {"mine/a.wav": read_mono(tmp_path / "audio" / "x" / "a.wav")}
    expected["mine/long.wav@0.1-0.3.wav"] = read_mono(tmp_path / "audio" / "long.wav", 800, 1600)
    assert set(back.recordings["recording_id"]) == set(expected)
    for recording_id, path in back.recordings.select("recording_id", "path").iter_rows():
        np.testing.assert_allclose(read_mono(back.audio_path(path)), expected[recording_id], rtol=steps, atol=0)


def test_waveforms_at_another_rate(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, tmp_path / "dcase", hdf5="int16", rate_hz=16000)
    with h5py.File(tmp_path / "dcase" / "hdf5" / "waveforms-000.h5") as file:
        assert file["a.wav"].shape == (8000,)


def test_two_files_of_one_name_get_ids_of_whole_paths(tmp_path: Path, small_dataset: Make, recording: Make) -> None:
    recordings = [recording("m/1", "train/0.wav", split="train"), recording("m/2", "val/0.wav", split="val")]
    examples = [captions("m/1", "train", "A."), captions("m/2", "val", "B.")]
    small_dataset(tmp_path / "set", recordings, examples)
    done = export(open_dataset(tmp_path / "set"), tmp_path / "dcase")
    assert "whole paths" in done.hints[0]
    assert pandas.read_csv(tmp_path / "dcase" / "wav.csv", sep="\t")["audio_id"].tolist() == [
        "train__0.wav",
        "val__0.wav",
    ]
    clash = [recording("m/1", "a/b__c/0.wav"), recording("m/2", "a__b/c/0.wav"), recording("m/3", "a/b/c/0.wav")]
    clash.append(recording("m/4", "a__b__c/0.wav"))
    small_dataset(tmp_path / "clash", clash, [])
    with pytest.raises(DatasetError, match="same audio id"):
        export(open_dataset(tmp_path / "clash"), tmp_path / "none")


def test_one_file_in_two_splits_is_one_audio_id(tmp_path: Path, small_dataset: Make, recording: Make) -> None:
    recordings = [recording("m/1", "0.wav", split="train"), recording("m/1~val", "0.wav", split="val")]
    small_dataset(tmp_path / "set", recordings, [captions("m/1", "train", "A."), captions("m/1~val", "val", "B.")])
    done = export(open_dataset(tmp_path / "set"), tmp_path / "dcase", audio="copy")
    assert (done.files["wav.csv"], done.num_audio) == (1, 1)
    assert load(tmp_path / "dcase", tmp_path / "back").recordings["split"].to_list() == ["train", "val"]


def test_what_cannot_be_written(
    dataset: Dataset, tmp_path: Path, small_dataset: Make, recording: Make, sound: Make
) -> None:
    with pytest.raises(UsageError, match="nothing is resampled"):
        export(dataset, tmp_path / "x", rate_hz=16000)
    with pytest.raises(UsageError, match="no coding of waveforms named 'float8'"):
        export(dataset, tmp_path / "x", hdf5="float8")
    with pytest.raises(DatasetError, match="cannot be the name of a file"):
        export(dataset, tmp_path / "x", rename_splits={"train": "../x"})
    with pytest.raises(DatasetError, match="cannot be the name of a file"):
        export(dataset, tmp_path / "x", rename_splits={"train": "card"})
    mixed: list[Recording] = [recording("m/1", "1.wav"), recording("m/2", "2.wav", sample_rate_hz=44100)]
    small_dataset(tmp_path / "mixed", mixed, [])
    with pytest.raises(UsageError, match="several sample rates"):
        export(open_dataset(tmp_path / "mixed"), tmp_path / "x", hdf5="int16")
    assert not (tmp_path / "x").exists()
    export(dataset, tmp_path / "x")
    with pytest.raises(AlreadyExists):
        export(dataset, tmp_path / "x")
    dataset.audio_path("x/a.wav").unlink()
    with pytest.raises(DatasetError, match="not there"):
        export(dataset, tmp_path / "y")
    done = export(dataset, tmp_path / "y", missing="list", hdf5="int16")
    assert [(problem.reason, problem.where) for problem in done.problems] == [("missing", "mine/a")]
