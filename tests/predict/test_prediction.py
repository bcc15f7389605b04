"""Predictions: complete, resumable to the bit, and refused where they would mislead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.embedding_files import FILE_NAMES, read_embeddings
from audiolect.errors import AlreadyExists, DatasetError, StorageError, UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.predict import recordings
from audiolect.predict.prediction import PredictRequest, predict, read_labels


def test_what_is_written(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones")
    report = tones.predicted(dataset, tmp_path / "out", split="test", command="audiolect predict")
    found = read_embeddings(tmp_path / "out")
    expected = [f"tones/{i:03d}" for i in range(0, 24, 2)]
    assert found.recording_ids.to_list() == expected  # the order of the table, not that of lengths
    assert found.recordings.shape == (12, tones.SIZE)
    np.testing.assert_allclose(np.linalg.norm(found.recordings, axis=1), 1, atol=1e-6)
    captions = found.text_table.filter(pl.col("kind") == "caption")
    assert captions.height == report.num_captions == 24
    told: dict[str, set[str]] = {row["recording_id"]: set() for row in captions.iter_rows(named=True)}
    for row in captions.iter_rows(named=True):
        told[row["recording_id"]].add(row["text"])
    names = dict(zip(dataset.recordings["recording_id"], dataset.recordings["labels"].list.first(), strict=True))
    assert told == {
        name: {f"a {names[name]} number {int(name[-3:])}", f"somebody plays a {names[name]}, take {int(name[-3:])}"}
        for name in expected
    }
    assert captions["text_id"][0] == "caption:tones/000#c:0"
    labels = found.text_table.filter(pl.col("kind") == "label")
    assert labels.height == 3 * 4  # the classes of the whole dataset, in each template
    assert labels["text"][1] == "the sound of high tone"
    card = found.card
    assert (card.dataset.num_expected, card.dataset.num_embedded, card.dataset.left_out) == (12, 12, {})
    assert card.preprocessing["policy"] == "windows"
    assert "mean of the windows" in str(card.preprocessing["aggregation"])
    assert card.model.step == 7
    assert card.command == "audiolect predict"
    assert not (tmp_path / "out" / "unfinished").exists()


def test_every_vector_is_that_of_its_recording_and_text(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 9)
    tones.predicted(dataset, tmp_path / "out")
    found, model = read_embeddings(tmp_path / "out"), tones.FakeModel()
    source = open_audio_files(dataset, tones.RATE_HZ)
    for row, name in enumerate(found.recording_ids):
        sound = source.read(name)
        np.testing.assert_allclose(found.recordings[row], model.embed_audio(sound[None], [len(sound)])[0], atol=1e-6)
    for row, text in enumerate(found.text_table["text"]):
        np.testing.assert_allclose(found.texts[row], model.embed_texts([text])[0], atol=1e-6)


def test_killed_and_gone_on_with_is_the_same_to_the_bit(
    tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "_PART_RECORDINGS", 5)
    dataset = tones.tone_dataset(tmp_path / "tones")
    tones.predicted(dataset, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        tones.predicted(dataset, tmp_path / "killed", tones.FakeModel(fails_at=6))
    assert not (tmp_path / "killed" / "card.json").exists()
    model = tones.FakeModel()
    report = tones.predicted(dataset, tmp_path / "killed", model)
    assert report.num_resumed == 10
    assert len(model.heard) == 14
    for name in FILE_NAMES:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_another_plan_does_not_go_on(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 8)
    with pytest.raises(KeyboardInterrupt):
        tones.predicted(dataset, tmp_path / "out", tones.FakeModel(fails_at=1))
    with pytest.raises(StorageError, match=r"something else was begun"):
        tones.predicted(dataset, tmp_path / "out", split="test")
    report = tones.predicted(dataset, tmp_path / "out", split="test", overwrite=True)
    assert report.card.num_recordings == 4


def test_predictions_are_not_replaced_by_accident(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    tones.predicted(dataset, tmp_path / "out")
    with pytest.raises(AlreadyExists, match="holds predictions"):
        tones.predicted(dataset, tmp_path / "out")
    assert tones.predicted(dataset, tmp_path / "out", where="fold == 1", overwrite=True).card.num_recordings == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("…", "utf-8")
    with pytest.raises(StorageError, match=r"holds other things(.|\n)*thesis\.txt"):
        tones.predicted(dataset, tmp_path / "mine")


def test_quarantined_recordings_are_left_out_and_counted(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 8)
    target = dataset.folder / "check" / "quarantine.jsonl"
    target.parent.mkdir()
    entries = [Entry("recording", "tones/002", ("silent",)), Entry("recording", "tones/003", ("clipped",))]
    write_quarantine(target, entries, name="tones", fingerprint=dataset.card.fingerprint)
    card = tones.predicted(dataset, tmp_path / "out", split="test").card
    assert (card.dataset.num_expected, card.dataset.num_embedded) == (4, 3)
    assert card.dataset.left_out == {"quarantined": 1}
    assert tones.predicted(dataset, tmp_path / "all", split="test", keep_quarantined=True).card.num_recordings == 4


def test_a_source_that_lacks_recordings(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    fewer = open_audio_files(tones.tone_dataset(tmp_path / "fewer", 4), tones.RATE_HZ)
    request = PredictRequest(settings=tones.window_settings(), source="pack")
    with pytest.raises(DatasetError):
        predict(request, dataset, tones.FakeModel(), fewer, tmp_path / "out")
    partial = PredictRequest(settings=tones.window_settings(), source="pack", allow_partial=True)
    card = predict(partial, dataset, tones.FakeModel(), fewer, tmp_path / "partial").card
    assert card.dataset.left_out == {"not in the pack": 2}
    assert card.num_recordings == 4


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"split": "tset"}, "no split named"),
        ({"where": "fold == 99"}, "No recording is left"),
        ({"templates": ("a sound",)}, "does not hold {label} once"),
        ({"labels": ("dog", "dog")}, "A label stands twice"),
    ],
)
def test_letters(tmp_path: Path, tones: Any, request_: dict[str, Any], says: str) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 4)
    with pytest.raises((UsageError, DatasetError), match=says):
        tones.predicted(dataset, tmp_path / "out", **request_)
    assert not (tmp_path / "out").exists()


def test_another_rate_is_refused(tmp_path: Path, tones: Any) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 4)
    source = open_audio_files(dataset, 16000)
    with pytest.raises(UsageError, match=r"not at the rate of the model(.|\n)*audiolect pack"):
        predict(PredictRequest(settings=tones.window_settings()), dataset, tones.FakeModel(), source, tmp_path / "out")


def test_a_model_that_gives_nan_is_found_out(tmp_path: Path, tones: Any) -> None:
    class Diverged(tones.FakeModel):  # type: ignore[misc, name-defined]
        def _hear(self, waveform: Any) -> Any:
            return np.full(tones.SIZE, np.nan, np.float32)

    dataset = tones.tone_dataset(tmp_path / "tones", 4)
    with pytest.raises(DatasetError, match=r"is no direction(.|\n)*NaN"):
        tones.predicted(dataset, tmp_path / "out", Diverged())
    assert not (tmp_path / "out" / "card.json").exists()


def test_labels_from_a_list_or_a_file(tmp_path: Path) -> None:
    assert read_labels("dog, rain ,owl") == ("dog", "rain", "owl")
    file = tmp_path / "labels.txt"
    file.write_text("dog\n\nrain, heavy\n", "utf-8")
    assert read_labels(str(file)) == ("dog", "rain, heavy")
    with pytest.raises(UsageError, match="There are no labels"):
        read_labels(" , ")
    with pytest.raises(UsageError, match="no such file of labels"):
        read_labels(str(tmp_path / "gone.txt"))
