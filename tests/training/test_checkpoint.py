"""Checkpoints: written whole, taken back exactly."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from audiolect.errors import DamagedFile
from audiolect.training.averaging import AverageSettings, WeightAverage
from audiolect.training.checkpoint import (
    Trained,
    drop_later,
    prune_checkpoints,
    restore_optimizer,
    restore_random,
    restore_weights,
    save_checkpoint,
)
from audiolect.training.optim import OptimizerSettings, build_optimizer
from audiolect.training.run_folder import Run, checkpoint_path, read_checkpoint_card


def saved_model(model: nn.Module, folder: Path) -> None:
    save_file({name: t.detach().clone() for name, t in model.state_dict().items()}, folder / "model.safetensors")


def trained(steps: int = 2, *, averaged: bool = True) -> Trained:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = build_optimizer(model, OptimizerSettings())
    average = WeightAverage(model, AverageSettings()) if averaged else None
    for _ in range(steps):
        model(torch.randn(5, 3)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        if average is not None:
            average.update(model)
    return Trained(model, optimizer, average, saved_model)


def save(folder: Path, what: Trained, step: int, best: int | None = None, keep: int = 9, **state: Any) -> Path:
    save_checkpoint(folder, what, {"step": step, "best_step": best, **state}, is_main=True, keep=keep)
    return checkpoint_path(folder, step)


@pytest.mark.parametrize("averaged", [True, False])
def test_everything_comes_back_exactly(tmp_path: Path, averaged: bool) -> None:
    one = trained(averaged=averaged)
    path = save(tmp_path, one, 2, average_updates=2)
    other = trained(0, averaged=averaged)
    other.model.load_state_dict(load_file(path / "model.safetensors"))
    restore_weights(path, other.model, other.average, 2)
    restore_optimizer(path, other.model, other.optimizer)
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    for parameter, twin in zip(one.model.parameters(), other.model.parameters(), strict=True):
        mine, theirs = one.optimizer.state[parameter], other.optimizer.state[twin]
        assert {"step", "exp_avg", "exp_avg_sq"} == set(mine) == set(theirs)
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    if one.average is not None and other.average is not None:
        assert other.average.updates == 2
        assert all(torch.equal(v, other.average.values[n]) for n, v in one.average.values.items())
        used = load_file(path / "model.safetensors")["0.weight"]
        assert torch.equal(used, one.average.values["0.weight"])
        assert not torch.equal(used, one.model[0].weight)  # type: ignore[index]


def test_random_states_come_back(tmp_path: Path) -> None:
    def draw() -> list[float]:
        return [float(torch.rand(())), float(np.random.rand()), np.random.normal(), random.random(), random.gauss(0, 1)]

    draw()  # leaves half a pair of normal numbers behind, in numpy and in python
    path = save(tmp_path, trained(), 1)
    expected = draw()
    draw()
    assert restore_random(path, 0)
    assert draw() == expected
    assert not restore_random(path, 1)


def test_the_card_holds_the_state_and_every_file(tmp_path: Path) -> None:
    path = save(tmp_path, trained(), 3, best=3, epoch=1)
    card = read_checkpoint_card(path)
    assert (card["step"], card["epoch"], card["best_step"]) == (3, 1, 3)
    on_disk = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}
    assert set(card["files"]) == on_disk - {"card.json"}
    assert len(on_disk) == 5
    assert [Run(tmp_path, {}, {}).pointer(name) for name in ("last", "best")] == [3, 3]


def test_the_last_and_the_best_remain(tmp_path: Path) -> None:
    for step in range(1, 6):
        save(tmp_path, trained(0), step, best=2 if step > 1 else 1, keep=2)
    assert Run(tmp_path, {}, {}).steps == [2, 4, 5]
    prune_checkpoints(tmp_path, keep=1, best=None)
    assert Run(tmp_path, {}, {}).steps == [5]


def test_what_last_never_named_goes(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save(tmp_path, trained(0), step)
    drop_later(tmp_path, 2)
    assert Run(tmp_path, {}, {}).steps == [1, 2]


def test_only_the_first_rank_writes(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, trained(0), {"step": 1}, is_main=False, keep=1)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_ones(tmp_path: Path) -> None:
    save(tmp_path, trained(0), 1)

    def failing(model: nn.Module, folder: Path) -> None:
        raise OSError("no room")

    what = trained(0)
    with pytest.raises(OSError, match="no room"):
        save(tmp_path, Trained(what.model, what.optimizer, None, failing), 2)
    assert Run(tmp_path, {}, {}).steps == [1]
    assert Run(tmp_path, {}, {}).pointer("last") == 1
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["00000001"]


def test_moments_of_other_parameters_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, trained(), 2)
    frozen = trained(0)
    frozen.model[0].requires_grad_(False)  # type: ignore[index]
    with pytest.raises(DamagedFile, match=r"(?s)other parameters.*0\.bias, 0\.weight.*--new"):
        restore_optimizer(path, frozen.model, build_optimizer(frozen.model, OptimizerSettings()))
