"""One recipe, trained once for each fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.config import parse_config
from audiolect.data.dataset import open_dataset, save_dataset
from audiolect.errors import ConfigError, FilterError, UsageError
from audiolect.loader.mixture import open_source
from audiolect.training.folds import FoldPlan, fold_folder, fold_runs, held_out, plan_folds
from audiolect.training.recipe import Recipe, load_recipe
from audiolect.training.run_folder import CONFIG_NAME, Run


@pytest.fixture
def folded(tones: Path, tmp_path: Path) -> Callable[..., Path]:
    """A dataset as ``tones``, whose recordings have folds in turn: ``folded("name", 1, 2)``."""

    def made(name: str, *folds: int | None) -> Path:
        dataset = open_dataset(tones)
        column = pl.Series("fold", [folds[i % len(folds)] for i in range(dataset.recordings.height)], pl.Int16)
        card = dataset.card
        (tmp_path / name).mkdir()
        save_dataset(
            tmp_path / name,
            name=name,
            corpus_version=card.corpus_version,
            license=card.license,
            citation="",
            audio_root=tones / "audio",
            recordings=dataset.recordings.with_columns(column),
            examples=dataset.examples,
        )
        return tmp_path / name

    return made


def recipe_of(data: dict[str, dict[str, Any]]) -> Recipe:
    entries = {f"{name}-AudioCaptioning/train": {} for name in data}
    return parse_config({"data": data, "mixture": {"entries": entries}}, Recipe, "recipe")


def planned(folder: Path, **data: dict[str, Any]) -> FoldPlan:
    return plan_folds(recipe_of(data), folder, where="recipe.yaml")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, "fold != 2"),
        ("fold != 5", "fold != 2"),
        ("fold != 5 and duration_seconds < 9", "duration_seconds < 9 and fold != 2"),
        ("title is None or 'hum' in labels", "(title is None or 'hum' in labels) and fold != 2"),
        ("not title is None and fold!=1", "not title is None and fold != 2"),
        ("title != 'fold == 3'", "title != 'fold == 3' and fold != 2"),
    ],
)
def test_by_hand_one_condition_is_exchanged(
    folded: Callable[..., Path], tmp_path: Path, where: str | None, expected: str
) -> None:
    folded("one", 1, 2)
    plan = planned(tmp_path, one={"dataset": "one", "where": where})
    assert plan.folds == (1, 2)
    assert plan.where("one", 2) == expected


def test_the_overrides_make_the_recipe_of_a_fold(
    folded: Callable[..., Path], tmp_path: Path, recipe: Callable[..., Path]
) -> None:
    folded("two", 3, 1, 2)
    data = {"tones": {"dataset": str(tmp_path / "two"), "where": "title != 'a: b # c' and fold != 3"}}
    path = recipe(data=data)
    plan = plan_folds(load_recipe(path), path.parent, where=path)
    assert plan.folds == (1, 2, 3)
    whole = open_dataset(tmp_path / "two").recordings
    for fold in plan.folds:
        made = load_recipe(path, plan.overrides(fold))
        assert made.data["tones"].where == f"title != 'a: b # c' and fold != {fold}"
        heard = open_source(made.data["tones"], path.parent).recordings
        assert set(heard["recording_id"]) == set(whole.filter(pl.col("fold") != fold)["recording_id"])
        assert held_out(Run(tmp_path, made.model_dump(mode="json"), {})) == {fold}


def test_sources_without_folds_stay_as_they_are(folded: Callable[..., Path], tmp_path: Path) -> None:
    folded("with", 1, 2)
    folded("without", None)
    folded("alike", 4)
    plan = planned(tmp_path, a={"dataset": "without"}, b={"dataset": "with"}, c={"dataset": "alike"})
    assert plan.overrides(1) == ('data.b.where="fold != 1"',)


@pytest.mark.parametrize("where", ["fold == 1", "fold != 1 or title is None", "fold in [1, 2]", "2 != fold", "fold<2"])
def test_other_words_about_folds_are_refused(folded: Callable[..., Path], tmp_path: Path, where: str) -> None:
    folded("one", 1, 2)
    with pytest.raises(ConfigError, match=r"(?s)cannot exchange.*data\.one\.where of recipe\.yaml.*fold != N"):
        planned(tmp_path, one={"dataset": "one", "where": where})


def test_what_cannot_be_read_is_a_letter(folded: Callable[..., Path], tmp_path: Path) -> None:
    folded("one", 1, 2)
    with pytest.raises(FilterError):
        planned(tmp_path, one={"dataset": "one", "where": "fold !="})


def test_no_folds_and_different_folds_are_refused(folded: Callable[..., Path], tmp_path: Path) -> None:
    folded("none", None)
    folded("two", 1, 2)
    folded("three", 1, 2, 3)
    with pytest.raises(ConfigError, match=r"(?s)No data of the recipe has folds.*without --folds"):
        planned(tmp_path, none={"dataset": "none"})
    with pytest.raises(ConfigError, match=r"(?s)different folds.*data\.two: 1, 2; data\.three: 1, 2, 3"):
        planned(tmp_path, two={"dataset": "two"}, three={"dataset": "three"})


def test_runs_are_found_in_the_order_of_folds(tmp_path: Path) -> None:
    for name in ("fold-10", "fold-2", "fold-x", "fold-3.old-1", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / CONFIG_NAME).write_text("", "utf-8")
    (tmp_path / "fold-7").mkdir()
    assert fold_runs(tmp_path) == {2: tmp_path / "fold-2", 10: fold_folder(tmp_path, 10)}


def test_a_folder_without_runs_of_folds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)no runs of folds.*--folds.*none of them"):
        fold_runs(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        fold_runs(tmp_path / "gone")


@given(st.lists(st.sampled_from(["fold != 1", "fold != 2", "split == 'train'"]), max_size=3))
def test_a_run_has_not_heard_what_every_source_leaves_out(wheres: list[str]) -> None:
    run = Run(Path(), {"data": {str(i): {"where": where} for i, where in enumerate(wheres)}}, {})
    spoken = {where for where in wheres if "fold" in where}
    expected = {int(where[-1]) for where in spoken} if len(spoken) == 1 else set()
    assert held_out(run) == expected
    assert held_out(replace(run, config={})) == set()
