"""The judge of captions: all references of a dataset are right, what is wrong is wrong, what is absent is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiolect.corpora.soundworld.caption_scores import METRICS, caption_judge, scenes_of
from audiolect.corpora.soundworld.corpus import prepare
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.errors import DatasetError, UsageError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepare(tmp_path_factory.mktemp("judge") / "world", num_recordings=30, seed=11)


def references(made: Dataset) -> tuple[list[str], list[str]]:
    frame = made.examples.filter(made.examples["task"] == "AudioCaptioning").explode("answers")
    return frame["recording_id"].to_list(), frame["answers"].to_list()


def test_every_reference_is_right(made: Dataset) -> None:
    recordings, captions = references(made)
    assert len(captions) == 150
    found = caption_judge(made)(recordings, captions)
    assert tuple(found) == METRICS
    assert all(values.shape == (150,) and values.min() == 1.0 for values in found.values())


def test_captions_of_other_recordings_are_wrong(made: Dataset) -> None:
    recordings, captions = references(made)
    found = caption_judge(made)(recordings, captions[5:] + captions[:5])
    assert found["soundworld_all"].mean() < 0.1
    assert np.all(found["soundworld_all"] <= found["soundworld_counts"])
    assert np.all(found["soundworld_counts"] <= found["soundworld_classes"])


def test_by_hand(made: Dataset) -> None:
    alone = next(s for s in scenes_of(made).values() if s.relation == "alone")
    judge = caption_judge(made)
    wrong = judge([alone.recording_id] * 2, ["", "Nothing is heard."])
    assert all(not values.any() for values in wrong.values())


def test_nothing_to_judge(made: Dataset) -> None:
    assert {values.shape for values in caption_judge(made)([], []).values()} == {(0,)}


def test_letters(made: Dataset, world: Path) -> None:
    with pytest.raises(DatasetError, match=r"no ground truth(.|\n)*other/1"):
        caption_judge(made)(["other/1"], ["a dog"])
    with pytest.raises(UsageError, match="extra table"):
        caption_judge(open_dataset(world))
