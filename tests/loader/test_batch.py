from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from audiolect.loader import batch as batch_file
from audiolect.loader.batch import Batch


def make(size: int, windows: int | None = None) -> Batch:
    ints = np.arange(size, dtype=np.int64)
    texts = tuple(map(str, range(size)))
    lists = ((),) * size
    has = None if windows is None else np.ones((size, windows), np.bool_)
    return Batch(
        epoch=3,
        step=2,
        position=48,
        num_global=16,
        rate_hz=100,
        entry_keys=("a-AQA/train",),
        entry=ints.astype(np.int32),
        pass_index=ints,
        example_ids=texts,
        recording_ids=texts,
        waveforms=np.zeros((size, 500), np.float32),
        lengths=np.full(size, 250),
        starts=ints,
        num_samples=ints,
        windows=None if windows is None else np.zeros((size, windows, 100), np.float32),
        window_mask=has,
        prompts=texts,
        answers=texts,
        answer_index=ints,
        references=lists,
        options=lists,
        turns=lists,
        recording_keys=ints,
        caption_keys=ints,
    )


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_batch_has_as_many_rows_as_lengths(size: int) -> None:
    batch = make(size)
    assert len(batch) == size
    assert batch.audio_seconds == 2.5 * size


def test_it_is_shown_in_one_line_without_its_numbers() -> None:
    assert repr(make(4)) == "<Batch 2 of epoch 3: 4 of 16 examples, (4, 500)>"
    assert repr(make(4, windows=3)) == "<Batch 2 of epoch 3: 4 of 16 examples, (4, 3, 100)>"


def test_it_cannot_be_changed() -> None:
    batch: Any = make(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.lengths = None


def test_the_front_door_documents_every_field() -> None:
    door = (batch_file.__doc__ or "") + (Batch.__doc__ or "")
    own = {"epoch", "rate_hz"}
    names = {field.name for field in dataclasses.fields(Batch)}
    assert len(names) == 24
    assert {name for name in names - own if name not in door} == set()
