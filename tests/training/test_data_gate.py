"""The gate: what is evaluated is not trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import DatasetError, UsageError
from audiolect.training import data_gate
from audiolect.training.data_gate import Overlap, check_overlaps, find_overlaps
from audiolect.training.recipe import load_recipe
from audiolect.training.training_data import open_training_data

MakeRecipe = Callable[..., Path]
MakeTones = Callable[..., Path]


@pytest.fixture
def leaking(make_tones: MakeTones, tmp_path: Path) -> Path:
    """A dataset whose recordings all come from one upload."""
    (tmp_path / "leaking").mkdir()
    return make_tones(tmp_path / "leaking", source_id="freesound:1")


def found(path: Path, memory: Path | None = None, **options: Any) -> tuple[list[Overlap], list[str]]:
    read = load_recipe(path)
    return find_overlaps(open_training_data(read, path.parent, where=path), path.parent, memory, **options)


def test_clean_data_passes(recipe: MakeRecipe) -> None:
    overlaps, evaluated = found(recipe())
    assert (overlaps, evaluated) == ([], ["tones/test", "tones/val"])
    assert check_overlaps(overlaps, evaluated, ()) == []


def test_a_shared_origin_is_found(recipe: MakeRecipe, leaking: Path) -> None:
    overlaps, evaluated = found(recipe(data={"tones": {"dataset": str(leaking)}}))
    assert [(o.evaluated, o.trained, o.num_recordings) for o in overlaps] == [
        ("tones/test", "tones/train", 8),
        ("tones/val", "tones/train", 8),
    ]
    assert all("source" in o.kinds and len(o.pairs) == 3 for o in overlaps)
    with pytest.raises(DatasetError, match=r"(?s)8 recordings of tones/test in tones/train, by source.*waive_leaks=\["):
        check_overlaps(overlaps, evaluated, ["tones/val"])
    assert check_overlaps(overlaps, evaluated, ["tones/val", "tones/test"]) == overlaps


def test_a_named_dataset_that_is_not_trained_on_is_evaluated(recipe: MakeRecipe, tones: Path) -> None:
    held_out = {"dataset": str(tones), "where": "recording_id in ['tones/train-01', 'tones/train-02']"}
    overlaps, evaluated = found(recipe(data={"tones": {"dataset": str(tones)}, "fold5": held_out}))
    assert evaluated == ["fold5/train", "tones/test", "tones/val"]
    assert [(o.evaluated, o.num_recordings, o.kinds.split("+")[0]) for o in overlaps] == [("fold5/train", 2, "id")]


def test_what_is_trained_and_validated_under_two_tasks_is_found(recipe: MakeRecipe, tones: Path) -> None:
    twice = {"tones": {"dataset": str(tones)}, "again": {"dataset": str(tones), "where": "split == 'train'"}}
    path = recipe(data=twice, **{"evaluation.validation": ["again-AudioCaptioning/train"]})
    overlaps, _ = found(path)
    assert [(o.evaluated, o.num_recordings) for o in overlaps] == [("again/train", 24)]


def test_the_comparison_is_remembered(
    recipe: MakeRecipe, leaking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, memory = recipe(data={"tones": {"dataset": str(leaking)}}), tmp_path / "memory"
    assert found(path, memory, remember=False)[0]
    assert not memory.exists()
    first = found(path, memory)
    monkeypatch.setattr(data_gate, "find_leaks", None)  # would fail if it were asked again
    assert found(path, memory) == first
    with pytest.raises(TypeError):
        found(recipe(), memory)  # other data is compared anew


def test_a_waiver_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"(?s)no evaluation split.*one of a/test"):
        check_overlaps([], ["a/test"], ["a/tset"])
