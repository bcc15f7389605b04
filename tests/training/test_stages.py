"""Recipes of several stages: weights go on, everything else begins anew, and a stop anywhere is no end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from audiolect.errors import ConfigError
from audiolect.training.journal import read_journal
from audiolect.training.recipe_changes import differing_keys
from audiolect.training.run_folder import open_run
from audiolect.training.session import TrainOptions
from audiolect.training.stages import load_stages, stage_folders, train_stages

MODEL = {
    "name": "captioner",
    "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}},
    "decoder": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
}
BATCHES = {"rate_hz": 16000, "policy": "pad", "batch_size": 6, "threads": 1}
GENERATION = {"generation": {"max_tokens": 3}}
FIRST = {"batches": BATCHES, "optimizer": {"learning_rate": 0.01}, "objective": GENERATION, "threads": 1}
SECOND = {
    "batches": BATCHES,
    "optimizer": {"learning_rate": 0.001},
    "objective": GENERATION,
    "freezing": {"freeze": ["encoder"]},
    "threads": 1,
    "mixture": {"epochs": 1, "entries": {"tones-AudioCaptioning/train": {"weight": 0.5}}},
}


@pytest.fixture
def staged(recipe: Callable[..., Path]) -> Path:
    return recipe(model=MODEL, training=[FIRST, SECOND], **{"mixture.epochs": 1})


def weights(folder: Path, step: int) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / f"{step:08d}" / "model.safetensors")


def test_a_recipe_of_one_stage_has_none(recipe: Callable[..., Path]) -> None:
    assert load_stages(recipe()) is None


def test_each_stage_is_a_whole_recipe(staged: Path) -> None:
    stages = load_stages(staged, ["training.1.seed=5", "mixture.seed=9"])
    assert stages is not None
    (first, _), (second, which) = stages
    assert which == "best"
    assert (first.training.seed, second.training.seed) == (0, 5)
    assert (first.mixture.seed, second.mixture.seed) == (9, 0)
    assert second.training.objective.name == "captioning"
    assert first.evaluation == second.evaluation
    assert {key.partition(".")[0] for key in differing_keys(first.model_dump(), second.model_dump())} == {
        "mixture", "training",
    }  # fmt: skip


def test_a_stage_may_be_looked_at_in_its_own_way(recipe: Callable[..., Path]) -> None:
    own = {"evaluation": {"every_steps": 7}, "from_checkpoint": "last"}
    stages = load_stages(recipe(model=MODEL, training=[FIRST, SECOND | own]))
    assert stages is not None
    (first, _), (second, which) = stages
    assert (first.evaluation.every_steps, second.evaluation.every_steps) == (None, 7)
    assert [len(stage.evaluation.validation) for stage in (first, second)] == [1, 0]
    assert which == "last"


def test_problems_of_all_stages_are_told_at_once(recipe: Callable[..., Path]) -> None:
    wrong: list[dict[str, Any]] = [{**FIRST, "sed": 1}, {**SECOND, "seed": -1}]
    with pytest.raises(ConfigError, match=r"2 problems(.|\n)*training\.0\.sed(.|\n)*training\.1\.seed"):
        load_stages(recipe(model=MODEL, training=wrong))
    with pytest.raises(ConfigError, match="training"):
        load_stages(recipe(model=MODEL, training=[]))


def test_the_second_stage_begins_with_the_weights_of_the_first(staged: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcomes = train_stages(staged, run)
    assert [outcome.folder for outcome in outcomes] == stage_folders(run, 2)
    assert [outcome.standing.step for outcome in outcomes] == [4, 2]
    assert json.loads((run / "stages.json").read_text("utf-8"))["stages"] == 2
    best = open_run(run / "stage-1").checkpoint("best")
    first, second = load_file(best / "model.safetensors"), weights(run / "stage-2", 2)
    frozen = [name for name in first if name.startswith("encoder.") and "running" not in name and "num_b" not in name]
    assert len(frozen) > 10
    assert all(torch.equal(first[name], second[name]) for name in frozen)
    assert not torch.equal(first["decoder.embed_tokens.weight"], second["decoder.embed_tokens.weight"])
    opened = open_run(run)
    assert opened.name == "run/stage-2"
    assert opened.card["start"]["source"] == "stage-1@best"
    again = train_stages(staged, run)
    assert [outcome.resumed_at for outcome in again] == [4, 2]


def test_a_stop_in_any_stage_is_gone_on_from(staged: Path, tmp_path: Path) -> None:
    whole = train_stages(staged, tmp_path / "whole")
    for stop_at in (2, 5):
        run, seen = tmp_path / f"run-{stop_at}", [0]

        def asked(seen: list[int] = seen, stop_at: int = stop_at) -> bool:
            seen[0] += 1
            return seen[0] == stop_at

        stopped = train_stages(staged, run, asked_to_stop=asked)
        assert stopped[-1].stopped
        assert len(stopped) == (1 if stop_at == 2 else 2)
        done = train_stages(staged, run)
        assert not done[-1].stopped
        expected = weights(whole[1].folder, 2)
        found = weights(done[1].folder, 2)
        assert all(torch.equal(expected[name], found[name]) for name in expected)
        losses = [row["loss"] for row in read_journal(run / "stage-1" / "journal.jsonl") if row["kind"] == "step"]
        assert len(losses) == 4


def test_a_first_stage_that_was_made_anew_is_noticed(recipe: Callable[..., Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    staged = recipe(model=MODEL, training=[FIRST, SECOND | {"from_checkpoint": "last"}], **{"mixture.epochs": 1})
    train_stages(staged, run)
    assert open_run(run / "stage-2").card["start"]["source"] == "stage-1@last"
    (run / "stage-1").rename(run / "old")
    other = TrainOptions(overrides=("training.0.seed=1",))
    with pytest.raises(ConfigError, match="begun with other weights"):
        train_stages(staged, run, other)


def test_a_recipe_without_stages_is_trained_as_ever(recipe: Callable[..., Path], tmp_path: Path) -> None:
    path = recipe(model=MODEL, training=FIRST, **{"mixture.epochs": 1})
    (outcome,) = train_stages(path, tmp_path / "run")
    assert outcome.folder == tmp_path / "run"
    assert not (tmp_path / "run" / "stages.json").exists()
    assert open_run(tmp_path / "run").name == "run"
