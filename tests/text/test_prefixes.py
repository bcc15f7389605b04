"""The words that say which task a prompt is of."""

from __future__ import annotations

import pytest

from audiolect.tasks import TASKS, spoken_name
from audiolect.text.prefixes import task_prefix


@pytest.mark.parametrize(
    ("task", "dataset", "prefix"),
    [
        ("AudioCaptioning", "Clotho-v2", "The task is audio captioning. "),
        ("AudioCaptioning", "LP-MusicCaps-MC", "The task is music captioning. "),
        ("AQA", "Clotho-AQA", "The task is audio question answering. "),
        ("AVQA", "Music-AVQA", "The task is audio vision question answering. "),
        ("InstrClassification", "musdbhq", "The task is instrument classification. "),
        ("MIR", "NSynth", "The task is music information retrieval. "),
        ("EventClassification", "FSD50k", "The task is event classification. "),
        ("Dialog", "dialog_MusicCaps", "The task is dialog. "),
    ],
)
def test_by_hand(task: str, dataset: str, prefix: str) -> None:
    assert task_prefix(spoken_name(task, dataset)) == prefix


def test_every_task_has_words_of_lower_case() -> None:
    assert len(TASKS) > 15
    for task in TASKS:
        inner = task_prefix(spoken_name(task)).removeprefix("The task is ").removesuffix(". ")
        assert inner
        assert inner == inner.lower()
