"""``scores.json``: numbers with their cards, there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import DamagedFile, StorageError, UnknownVersion
from audiolect.scores import Context, Coverage, Number, Scores, card_of, number_key, read_scores, write_scores


def small_scores(**changes: Any) -> Scores:
    context = Context(
        system="fake",
        checkpoint={"run": "fake", "step": 7},
        seeds={"bootstrap": 0},
        dataset={"name": "tones"},
        coverage=Coverage(available=3, expected=4, left_out={"quarantined": 1}),
        preprocessing={"rate_hz": 8000},
        predictions="0" * 32,
        producer="audiolect",
    )
    number = Number(
        key=number_key("all", "text_to_audio", "map@10"),
        part="all",
        task="text_to_audio",
        metric="map@10",
        value=0.5,
        low=0.4,
        high=0.6,
        n=10,
        num_recordings=3,
        context="fake",
    )
    return Scores(name="fake", contexts={"fake": context}, numbers=(number,)).model_copy(update=changes)


def test_there_and_back(tmp_path: Path) -> None:
    write_scores(tmp_path / "scores.json", small_scores())
    found = read_scores(tmp_path / "scores.json")
    assert found.numbers == small_scores().numbers
    assert found.contexts == small_scores().contexts
    assert found.producer.startswith("audiolect ")
    assert read_scores(tmp_path) == found  # a folder stands for the file in it


def test_a_card_is_the_number_and_what_it_rests_on() -> None:
    scores = small_scores()
    card = card_of(scores, scores.numbers[0])
    assert card["value"] == 0.5
    assert card["coverage"] == {"available": 3, "expected": 4, "left_out": {"quarantined": 1}}
    assert card["checkpoint"]["step"] == 7
    assert "context" not in card


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    with pytest.raises(StorageError, match=r"There are no scores here(.|\n)*audiolect evaluate"):
        read_scores(path)
    write_scores(path, small_scores())
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"version": 99}), "utf-8")
    with pytest.raises(UnknownVersion, match="newer audiolect"):
        read_scores(path)
    path.write_text(json.dumps(content | {"numbers": [{"key": "a"}]}), "utf-8")
    with pytest.raises(DamagedFile, match="cannot be used"):
        read_scores(path)
    path.write_text(json.dumps(content | {"contexts": {}}), "utf-8")
    with pytest.raises(DamagedFile, match="A number has no card"):
        read_scores(path)
