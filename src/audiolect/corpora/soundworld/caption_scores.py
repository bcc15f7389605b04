"""Captions of a soundworld dataset against its ground truth: classes, counts and order, as numbers for each recording.

    soundworld_classes    1.0 where exactly the classes that are heard are named
    soundworld_counts     and everything countable has its right count
    soundworld_order      and what happens before what, or at the same time, is right
    soundworld_all        all of it is right

Conventions: the ground truth is that of the tables ``scenes`` and ``events`` of the dataset; captions are read by
``caption_reading.py``, which finds every reference caption right. Counts and order are right only where classes are.

Public names: METRICS, CaptionJudge, caption_judge, scenes_of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.corpora.soundworld.caption_reading import compare, read_caption
from audiolect.corpora.soundworld.scene import Event, Scene
from audiolect.data.dataset import Dataset, read_table
from audiolect.errors import DatasetError

METRICS = ("soundworld_classes", "soundworld_counts", "soundworld_order", "soundworld_all")

# Recordings and their captions → metric → (n,) of 0.0 and 1.0.
CaptionJudge: TypeAlias = Callable[[Sequence[str], Sequence[str]], Mapping[str, npt.NDArray[np.float64]]]


def caption_judge(dataset: Dataset) -> CaptionJudge:
    """What judges captions of the dataset's recordings.

    Raises:
        UsageError: the dataset is none of soundworld: it lacks the tables.
    """
    scenes = scenes_of(dataset)

    def judge(recordings: Sequence[str], captions: Sequence[str]) -> Mapping[str, npt.NDArray[np.float64]]:
        unknown = next((name for name in recordings if name not in scenes), None)
        if unknown is not None:
            raise DatasetError("A recording has no ground truth.", where=dataset.folder, found=unknown)
        found = [compare(read_caption(text), scenes[name]) for name, text in zip(recordings, captions, strict=True)]
        rows = [(each.classes, each.counts, each.order, each.everything) for each in found]
        table = np.array(rows, np.float64).reshape(-1, len(METRICS))
        return {name: table[:, place] for place, name in enumerate(METRICS)}

    return judge


def scenes_of(dataset: Dataset) -> dict[str, Scene]:
    """Recording id → its ground truth, with what captions are judged by: sounds, counts and relation.

    Raises:
        UsageError: the dataset lacks the tables.
    """
    events = read_table(dataset, "events").sort("recording_id", "event_index")
    relations = dict(read_table(dataset, "scenes").select("recording_id", "relation").iter_rows())
    columns = ("recording_id", "sound", "start_sample", "num_samples", "count")
    heard: dict[str, list[Event]] = {}
    for name, sound, start, length, count in events.select(pl.col(columns)).iter_rows():
        heard.setdefault(name, []).append(Event(sound, start, length, 0, count))
    return {
        name: Scene(name, name.split("/")[-2], max(e.start_sample + e.num_samples for e in found), relations[name],
                    tuple(found), 0)
        for name, found in heard.items()
    }  # fmt: skip
