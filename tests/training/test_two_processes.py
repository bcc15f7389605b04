"""Two processes train what one does with the same global batches, and stop together.

Dropout and SpecAugment are drawn by each process for its own share, so they are off here. With a large epsilon AdamW
moves weights in proportion to their gradients; otherwise it would make steps of signs out of rounding.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ranks_of_training as script
import torch
from safetensors.torch import load_file
from started_ranks import run_ranks

from audiolect.models.clap import load_model
from audiolect.training.journal import read_journal
from audiolect.training.run_folder import open_run
from audiolect.training.session import TrainOptions, train

SCRIPT = Path(script.__file__)
WITHOUT_CHANCE = {
    "model.audio.dropout": 0.0,
    "model.audio.spec_augment": None,
    "model.text.dropout": 0.0,
    "training.optimizer": {"learning_rate": 0.1, "epsilon": 1.0},
    "training.clip_norm": 2.0,
}


def free_port() -> int:
    with socket.socket() as meeting:
        meeting.bind(("127.0.0.1", 0))
        return int(meeting.getsockname()[1])


@pytest.fixture(scope="module")
def trained(tones: Path, recipe_text: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two ranks have trained every case."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "tiny.yaml").write_text(recipe_text(tones, **WITHOUT_CHANCE), "utf-8")
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    meeting["OMP_NUM_THREADS"] = "1"
    arguments = folder / "tiny.yaml", folder
    run_ranks(SCRIPT, [(arguments, meeting | {"RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(2)])
    return folder


def told(folder: Path, case: str) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{case}-{rank}.json").read_text("utf-8")) for rank in range(2)]


def rows_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [row for row in read_journal(folder / "journal.jsonl") if row["kind"] == kind]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    run = open_run(folder)
    return load_file(run.checkpoint("last") / "model.safetensors")


@pytest.mark.parametrize("case", ["copied", "uneven", "accumulated", "divided", "micro"])
def test_two_processes_train_what_one_does(trained: Path, tmp_path: Path, case: str) -> None:
    """The one has its weights whole and embeds its batches at once."""
    own = ("training.shard", "training.objective.micro_batch")
    overrides = tuple(each for each in script.CASES[case] if not each.startswith(own))
    alone = train(trained / "tiny.yaml", tmp_path / "alone", TrainOptions(overrides=overrides))
    first, second = told(trained, case)
    assert first == second
    assert (first["ended"], first["step"]) == (alone.standing.ended, alone.standing.step)
    assert open_run(trained / case).card["ranks"] == 2
    mine, theirs = rows_of(tmp_path / "alone", "step"), rows_of(trained / case, "step")
    assert len(mine) == len(theirs) == alone.standing.step
    for key in ("step", "position"):
        assert [row[key] for row in theirs] == [row[key] for row in mine]
    for key in ("loss", "gradient_norm"):
        assert [row[key] for row in theirs] == pytest.approx([row[key] for row in mine], rel=2e-3, abs=2e-5)
    one, two = weights_of(tmp_path / "alone"), weights_of(trained / case)
    assert set(one) == set(two)
    before = load_file(_beginning(trained / "tiny.yaml", tmp_path) / "model.safetensors")
    moved = max(float((one[name] - before[name]).abs().max()) for name in one if one[name].is_floating_point())
    assert moved > 0.01
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=2e-3, atol=2e-4, msg=name)
    validated, expected = rows_of(trained / case, "validation"), rows_of(tmp_path / "alone", "validation")
    assert [row["num_examples"] for row in validated] == [row["num_examples"] for row in expected] == [8, 8]
    assert validated[-1]["metrics"]["loss"] == pytest.approx(expected[-1]["metrics"]["loss"], rel=1e-3)


def test_a_rank_without_a_recording_was_among_them(trained: Path) -> None:
    assert [row["position"] for row in rows_of(trained / "uneven", "step")][:2] in ([23, 24], [1, 24])


def test_micro_batches_with_norms_over_processes_are_refused_on_both(trained: Path) -> None:
    first, second = (row["letter"] for row in told(trained, "refused"))
    assert first == second
    assert "does not go with micro-batches" in first


def test_a_loss_that_is_no_number_on_one_rank_stops_both(trained: Path) -> None:
    """Both tell the examples of both, nothing of the broken step was applied, and the last good checkpoint stays."""
    first, second = (row["letter"] for row in told(trained, "broken"))
    assert first == second
    assert "loss is not finite" in first
    assert first.count("#c") == 6
    run = open_run(trained / "broken")
    assert run.pointer("last") == script.BROKEN_STEP - 1
    assert all(bool(p.isfinite().all()) for p in load_model(run.checkpoint("last")).parameters())
    assert rows_of(run.folder, "failed")[0]["where"].count("#c") == 6


def _beginning(recipe: Path, folder: Path) -> Path:
    """A checkpoint after one step of a rate of next to nothing."""
    overrides = ("training.optimizer.learning_rate=1e-12", "training.max_steps=1", "evaluation.validation=[]")
    train(recipe, folder / "beginning", TrainOptions(overrides=overrides))
    return open_run(folder / "beginning").checkpoint("last")
