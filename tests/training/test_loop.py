"""The order of things: steps, validations, checkpoints; and switches that change memory but no number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from audiolect.errors import ConfigError
from audiolect.training.journal import read_journal
from audiolect.training.run_folder import open_run
from audiolect.training.session import TrainOptions, train

MakeRecipe = Callable[..., Path]


def trained(path: Path, folder: Path, *overrides: str) -> list[dict[str, Any]]:
    train(path, folder, TrainOptions(overrides=overrides))
    return read_journal(folder / "journal.jsonl")


def order(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["kind"], row["step"]) for row in rows if row["kind"] in ("step", "validation")]


def test_validations_are_after_epochs(recipe: MakeRecipe, tmp_path: Path) -> None:
    rows = trained(recipe(), tmp_path / "run")
    assert order(rows) == [
        *(("step", i) for i in range(1, 5)),
        ("validation", 4),
        *(("step", i) for i in range(5, 9)),
        ("validation", 8),
    ]
    assert rows[-1] | {"remarks": []} == {"kind": "end", "step": 8, "why": "all epochs are done", "remarks": []}


def test_validations_are_after_so_many_steps_and_at_the_end(recipe: MakeRecipe, tmp_path: Path) -> None:
    rows = trained(recipe(), tmp_path / "run", "evaluation.every_steps=3", "training.keep_checkpoints=9")
    assert [step for kind, step in order(rows) if kind == "validation"] == [3, 6, 8]
    assert open_run(tmp_path / "run").steps == [3, 4, 6, 8]


def test_steps_end_the_training(recipe: MakeRecipe, tmp_path: Path) -> None:
    rows = trained(recipe(), tmp_path / "run", "training.max_steps=6")
    assert (rows[-1]["step"], rows[-1]["why"]) == (6, "all steps are done")
    assert [step for kind, step in order(rows) if kind == "validation"] == [4, 6]
    rates = [row["learning_rate"] for row in rows if row["kind"] == "step"]
    assert rates == pytest.approx(
        [0.01 * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * i / 6)).item()) for i in range(6)]
    )


@pytest.mark.parametrize("change", ["evaluation.validation=[]", "evaluation.shown_examples=0"])
def test_validating_changes_no_training(recipe: MakeRecipe, tmp_path: Path, change: str) -> None:
    with_it, without = trained(recipe(), tmp_path / "a"), trained(recipe(), tmp_path / "b", change)
    losses = [[row["loss"] for row in rows if row["kind"] == "step"] for rows in (with_it, without)]
    assert losses[0] == losses[1]


def test_the_best_is_chosen_by_the_metric_that_is_asked(recipe: MakeRecipe, tmp_path: Path) -> None:
    rows = trained(recipe(), tmp_path / "run", "evaluation.metric=loss", "evaluation.goal=min", "mixture.epochs=4")
    measured = {row["step"]: row["metrics"]["loss"] for row in rows if row["kind"] == "validation"}
    assert open_run(tmp_path / "run").pointer("best") == min(measured, key=lambda step: measured[step])
    with pytest.raises(ConfigError, match=r"(?s)does not exist.*text_to_audio map@10"):
        trained(recipe(), tmp_path / "other", "evaluation.metric=map", "evaluation.goal=max")


def test_the_average_is_what_is_validated_and_used(recipe: MakeRecipe, tmp_path: Path) -> None:
    trained(recipe(**{"training.average": {"decay": 0.9}}), tmp_path / "run", "evaluation.validation=[]")
    folder = open_run(tmp_path / "run").checkpoint("last")
    used, raw = load_file(folder / "model.safetensors"), load_file(folder / "training" / "weights.safetensors")
    assert set(raw) < set(used)
    assert not torch.equal(used["audio.stem.weight"], raw["audio.stem.weight"])


def test_frozen_parts_stay_as_they_were(recipe: MakeRecipe, tmp_path: Path) -> None:
    path = recipe(**{"training.freezing": {"freeze": ["text"]}})
    trained(path, tmp_path / "a", "training.max_steps=1")
    trained(path, tmp_path / "b", "training.max_steps=4")
    one, other = (load_file(open_run(tmp_path / run).checkpoint("last") / "model.safetensors") for run in "ab")
    same = {name for name in one if torch.equal(one[name], other[name])}
    assert {name for name in one if name.startswith("text.")} <= same
    assert "audio.stem.weight" not in same


def test_gradient_checkpointing_changes_no_number(recipe: MakeRecipe, tmp_path: Path) -> None:
    still = {"model.audio.spec_augment": None, "model.text.dropout": 0.0}
    runs = [
        trained(recipe(**still), tmp_path / on, f"training.gradient_checkpointing={on}") for on in ("true", "false")
    ]
    losses = [[row["loss"] for row in rows if row["kind"] == "step"] for rows in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_bf16_trains(recipe: MakeRecipe, tmp_path: Path) -> None:
    runs = [
        trained(recipe(), tmp_path / p, f"training.precision={p}", "training.max_steps=3") for p in ("bf16", "float32")
    ]
    losses = [[row["loss"] for row in rows if row["kind"] == "step"] for rows in runs]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    weights = load_file(open_run(tmp_path / "bf16").checkpoint("last") / "model.safetensors")
    assert {tensor.dtype for name, tensor in weights.items() if name.endswith("weight")} == {torch.float32}
