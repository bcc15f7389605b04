"""The fixed examples of a validation, and means over ranks that are those of all examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.data.dataset import open_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import DatasetError, UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.training import validation
from audiolect.training.validation import ValidationSet, gather_objects, mean_over_ranks, validation_set

RATE_HZ = 16000
SETTINGS = BatchSettings(rate_hz=RATE_HZ, crop_seconds=0.125, batch_size=3, threads=0)


def set_of(folder: Path, text: str = "tones-AudioCaptioning/val", **options: Any) -> ValidationSet:
    dataset = open_dataset(folder)
    return validation_set(text, dataset, open_audio_files(dataset, RATE_HZ), SETTINGS, **options)


def heard(found: ValidationSet, rank: int = 0, world_size: int = 1) -> dict[str, Any]:
    """Example id → its valid samples."""
    with found.batches(rank, world_size) as batches:
        return {
            name: batch.waveforms[i, : batch.lengths[i]].copy()
            for batch in batches
            for i, name in enumerate(batch.example_ids)
        }


def test_it_is_the_split_of_the_task_with_fixed_crops(tones: Path) -> None:
    found = set_of(tones)
    assert (found.key, found.num_quarantined) == ("tones-AudioCaptioning/val", 0)
    one, other = heard(found), heard(found)
    assert sorted(one) == [f"tones/val-{i:02d}#c" for i in range(8)]
    assert {len(samples) for samples in one.values()} == {2000}
    assert list(one) == list(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_the_examples_out(tones: Path, world_size: int) -> None:
    found = set_of(tones)
    whole = heard(found)
    shares = [heard(found, rank, world_size) for rank in range(world_size)]
    assert sorted(name for share in shares for name in share) == sorted(whole)
    assert min(map(len, shares)) >= 2
    assert all(np.array_equal(samples, whole[name]) for share in shares for name, samples in share.items())


def test_what_is_quarantined_is_left_out_and_counted(make_tones: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "tones").mkdir()
    folder = make_tones(tmp_path / "tones")
    (folder / "check").mkdir()
    entries = [Entry("recording", f"tones/val-{i:02d}", ("silent",)) for i in (1, 4)]
    entries.append(Entry("recording", "tones/train-03", ("silent",)))
    fingerprint = open_dataset(folder).card.fingerprint
    write_quarantine(folder / "check" / "quarantine.jsonl", entries, name="tones", fingerprint=fingerprint)
    found = set_of(folder)
    assert found.num_quarantined == 2
    assert sorted(heard(found)) == [f"tones/val-{i:02d}#c" for i in (0, 2, 3, 5, 6, 7)]
    kept = set_of(folder, keep_quarantined=True)
    assert (kept.num_quarantined, kept.dataset.examples.height) == (0, 8)


@pytest.mark.parametrize("text", ["tones-AudioCaptioning/validation", "tones-AQA/val"])
def test_an_empty_set_is_a_letter(tones: Path, text: str) -> None:
    with pytest.raises(DatasetError, match=r"A validation set is empty(?s:.)*audiolect show"):
        set_of(tones, text)


def test_a_key_that_is_none(tones: Path) -> None:
    with pytest.raises(UsageError, match="no dataset key"):
        set_of(tones, "tones")


def test_one_process_gathers_its_own() -> None:
    rows = [1, "two"]
    assert gather_objects(rows) == [rows]


def test_the_mean_is_that_of_all_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mean_over_ranks(6.0, 4) == 1.5
    assert math.isnan(mean_over_ranks(0.0, 0))
    monkeypatch.setattr(validation, "gather_objects", lambda mine: [mine, (9.0, 1), (0.0, 0)])
    assert mean_over_ranks(3.0, 3) == 3.0  # (3 + 9) / 4, and not the mean of 1 and 9
