"""A captioner and a dataset to predictions: lines, styles, going on after a stop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.data.dataset import Dataset
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import AlreadyExists, StorageError, UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict import captioning
from audiolect.predict.captioning import CaptionRequest, predict_captions
from audiolect.predict.recordings import cut_parts
from audiolect.text_predictions import read_text_predictions

RATE_HZ = 8000


class FakeWriter:
    """Says how long a recording is and how many samples are above zero; can fail at a call."""

    def __init__(self, styles: tuple[str, ...] = ("tones > caption: ",), fails_at: int = -1) -> None:
        self.identity = ModelIdentity(run="fake", checkpoint_hash="0" * 32)
        self.rate_hz = RATE_HZ
        self.styles = frozenset(styles)
        self.calls, self.fails_at = 0, fails_at
        self.prefixes: set[str] = set()

    def write(self, waveforms: Any, lengths: Any, prefix: str, keys: Any, settings: GenerationSettings) -> Any:
        self.calls += 1
        self.prefixes.add(prefix)
        if self.calls == self.fails_at:
            raise KeyboardInterrupt
        counts = [(row[:length] > 0).sum() for row, length in zip(waveforms, lengths, strict=True)]
        one = [f"{length} samples, {count} high" for length, count in zip(lengths, counts, strict=True)]
        return [[(text, -0.5 * k) for k in range(settings.num_outputs)] for text in one]


@pytest.fixture
def dataset(tmp_path: Path, tones: Any) -> Dataset:
    found: Dataset = tones.tone_dataset(tmp_path / "tones", 12)
    return found


def request(**changes: Any) -> CaptionRequest:
    settings = BatchSettings(rate_hz=RATE_HZ, policy="pad", batch_size=3, threads=0)
    return replace(CaptionRequest(settings=settings, generation=GenerationSettings()), **changes)


def predicted(dataset: Dataset, target: Path, writer: Any = None, **changes: Any) -> Any:
    source = open_audio_files(dataset, RATE_HZ)
    return predict_captions(request(**changes), dataset, writer or FakeWriter(), source, target)


def test_every_example_of_the_task_has_a_line(dataset: Dataset, tmp_path: Path) -> None:
    report = predicted(dataset, tmp_path / "out", split="test")
    found = read_text_predictions(tmp_path / "out")
    ids = dataset.recordings.filter(dataset.recordings["split"] == "test")["recording_id"].to_list()
    assert [row.recording_id for row in found.rows] == ids
    assert report.style == found.rows[0].style == "tones > caption"
    assert found.header.dataset.num_predicted == found.header.dataset.num_expected == len(ids)
    source = open_audio_files(dataset, RATE_HZ)
    for row in found.rows:
        sound = source.read(row.recording_id)
        assert row.outputs == (f"{len(sound)} samples, {int((sound > 0).sum())} high",)


def test_a_stopped_prediction_goes_on_and_is_the_same(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captioning, "_PART_SECONDS", 2.0)
    whole = predicted(dataset, tmp_path / "whole")
    stopped = FakeWriter(fails_at=3)
    with pytest.raises(KeyboardInterrupt):
        predicted(dataset, tmp_path / "out", stopped)
    again = FakeWriter()
    report = predicted(dataset, tmp_path / "out", again)
    assert report.num_resumed > 0
    assert 0 < again.calls < FakeWriter().calls + 12
    assert report.rows == whole.rows
    assert (tmp_path / "out" / "predictions.jsonl").read_bytes() == (
        tmp_path / "whole" / "predictions.jsonl"
    ).read_bytes()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["predictions.jsonl"]


def test_another_way_to_write_does_not_go_on(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captioning, "_PART_SECONDS", 2.0)
    with pytest.raises(KeyboardInterrupt):
        predicted(dataset, tmp_path / "out", FakeWriter(fails_at=3))
    with pytest.raises(StorageError, match="another generation"):
        predicted(dataset, tmp_path / "out", generation=GenerationSettings(method="beam"))


def test_predictions_are_not_overwritten_unasked(dataset: Dataset, tmp_path: Path) -> None:
    predicted(dataset, tmp_path / "out")
    with pytest.raises(AlreadyExists, match="--overwrite"):
        predicted(dataset, tmp_path / "out")
    predicted(dataset, tmp_path / "out", overwrite=True, split="test")
    assert len(read_text_predictions(tmp_path / "out").rows) == 6


def test_all_outputs_are_kept(dataset: Dataset, tmp_path: Path) -> None:
    predicted(dataset, tmp_path / "out", generation=GenerationSettings(method="beam", num_beams=4, num_outputs=3))
    row = json.loads((tmp_path / "out" / "predictions.jsonl").read_text("utf-8").splitlines()[1])
    assert len(row["outputs"]) == 3
    assert row["scores"] == [0.0, -0.5, -1.0]


def test_recordings_without_examples_of_the_task_have_their_own_id(dataset: Dataset, tmp_path: Path) -> None:
    writer = FakeWriter(("tones > keywords: ",))
    predicted(dataset, tmp_path / "out", writer, task="AudioKeywords")
    rows = read_text_predictions(tmp_path / "out").rows
    assert {row.id for row in rows} == set(dataset.recordings["recording_id"])
    assert writer.prefixes == {"tones > keywords: "}


@pytest.mark.parametrize(
    ("styles", "asked", "used"),
    [
        (("tones > caption: ", "clotho > caption: "), None, "tones > caption: "),
        (("world > caption: ", "world > keywords: "), None, "world > caption: "),
        (("a > caption: ", "tones > caption: "), "a", "a > caption: "),
        ((), None, "tones > caption: "),
    ],
)
def test_the_style(dataset: Dataset, tmp_path: Path, styles: tuple[str, ...], asked: str | None, used: str) -> None:
    writer = FakeWriter(styles)
    predicted(dataset, tmp_path / "out", writer, style=asked)
    assert writer.prefixes == {used}


def test_a_style_that_was_not_trained_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not trained with this style"):
        predicted(dataset, tmp_path / "out", style="clotho")
    with pytest.raises(UsageError, match="Choose one"):
        predicted(dataset, tmp_path / "out", FakeWriter(("a > caption: ", "b > caption: ")))


def test_sound_at_another_rate_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rate of the model"):
        predict_captions(request(), dataset, FakeWriter(), open_audio_files(dataset, 16000), tmp_path / "out")


def test_parts_hold_at_most_so_many_seconds() -> None:
    parts = cut_parts(np.array([8000, 16000, 4000, 8000]), RATE_HZ, most_seconds=2.0)
    assert [part.rows.tolist() for part in parts] == [[1], [0, 3], [2]]
