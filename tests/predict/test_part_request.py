"""Which part is predicted, what is left out of it, and what is refused before anything is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import AlreadyExists, DatasetError, UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.predict.part_request import PartRequest, check_not_there, check_rate, choose_part


@pytest.fixture
def request_(tones: Any) -> PartRequest:
    return PartRequest(settings=tones.window_settings())


def test_everything_that_was_asked_for(tmp_path: Path, tones: Any, request_: PartRequest) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    chosen = choose_part(request_, dataset, open_audio_files(dataset, tones.RATE_HZ))
    assert chosen.dataset.recordings["recording_id"].equals(dataset.recordings["recording_id"])
    assert (chosen.facts.num_expected, chosen.left_out) == (6, {})


def test_each_reason_is_counted_on_its_own(tmp_path: Path, tones: Any, request_: PartRequest) -> None:
    """Of 6 one is quarantined; the source has the first 4, with this one among them."""
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    fewer = open_audio_files(tones.tone_dataset(tmp_path / "fewer", 4), tones.RATE_HZ)
    listed = dataset.folder / "check" / "quarantine.jsonl"
    listed.parent.mkdir()
    entries = [Entry("recording", "tones/001", ("silent",))]
    write_quarantine(listed, entries, name="tones", fingerprint=dataset.card.fingerprint)
    asked = replace(request_, source="pack", allow_partial=True)
    chosen = choose_part(asked, dataset, fewer)
    assert chosen.left_out == {"quarantined": 1, "not in the pack": 2}
    assert chosen.dataset.recordings["recording_id"].to_list() == ["tones/000", "tones/002", "tones/003"]
    assert set(chosen.dataset.examples["recording_id"]) == {"tones/000", "tones/002", "tones/003"}
    assert choose_part(replace(asked, keep_quarantined=True), dataset, fewer).left_out == {"not in the pack": 2}


def test_a_source_with_none_of_the_part_is_refused(tmp_path: Path, tones: Any, request_: PartRequest) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    fewer = open_audio_files(tones.tone_dataset(tmp_path / "fewer", 2), tones.RATE_HZ)
    asked = replace(request_, allow_partial=True, where="recording_id == 'tones/005'")
    with pytest.raises(DatasetError, match="The source has none of the recordings"):
        choose_part(asked, dataset, fewer)


def test_the_rates_of_sound_settings_and_model_are_one(tmp_path: Path, tones: Any, request_: PartRequest) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 2)
    source = open_audio_files(dataset, tones.RATE_HZ)
    check_rate(request_, dataset, source, tones.RATE_HZ)
    with pytest.raises(UsageError, match=r"rate of the model(.|\n)*audiolect pack"):
        check_rate(request_, dataset, source, tones.RATE_HZ * 2)


def test_predictions_are_replaced_only_where_it_was_said(tmp_path: Path, request_: PartRequest) -> None:
    check_not_there(request_, tmp_path, "card.json")
    (tmp_path / "card.json").touch()
    with pytest.raises(AlreadyExists, match="--overwrite"):
        check_not_there(request_, tmp_path, "card.json")
    check_not_there(replace(request_, overwrite=True), tmp_path, "card.json")
