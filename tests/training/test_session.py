"""Whole trainings of a tiny model: begun, killed anywhere, stopped, gone on with, refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from audiolect.errors import ConfigError, DatasetError, UsageError
from audiolect.models.clap import load_model
from audiolect.training.journal import read_journal
from audiolect.training.run_folder import open_run
from audiolect.training.session import Outcome, TrainOptions, train

MakeRecipe = Callable[..., Path]


def trained(path: Path, folder: Path, *overrides: str, new: bool = False) -> Outcome:
    return train(path, folder, TrainOptions(overrides=overrides, new=new))


def rows_of(folder: Path, kind: str) -> list[dict[str, object]]:
    return [row for row in read_journal(folder / "journal.jsonl") if row["kind"] == kind]


def test_a_killed_training_goes_on_bit_for_bit(recipe: MakeRecipe, tmp_path: Path) -> None:
    changes = {
        "training.average": {"decay": 0.9},
        "training.save_every_steps": 1,
        "training.schedule": {"kind": "plateau", "warmup_steps": 2, "patience": 1},
        "evaluation.every_steps": 3,
    }
    script = Path(__file__).with_name("killed_trainings.py")
    command = [sys.executable, str(script), str(recipe(**changes)), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=560)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    drawn = [row["place"] for row in told if row["place"].startswith("drawn: ")]
    assert len(told) == 12 + len(drawn)
    assert ["Collected.add" in place for place in drawn] == [True, True, False]  # two in the middle of a validation
    assert [row["place"] for row in told if row["killed"] != -9] == []
    assert [row for row in told if row["again"] or row["differing"]] == [], done.stderr


def test_a_run_is_whole_and_opens(recipe: MakeRecipe, tmp_path: Path) -> None:
    outcome = trained(recipe(), tmp_path / "run")
    assert (outcome.standing.step, outcome.standing.ended, outcome.resumed_at) == (8, "all epochs are done", None)
    run = open_run(tmp_path / "run")
    assert run.steps == [4, 8]
    assert run.pointer("last") == 8
    assert run.card["data"]["tones"]["entries"] == {
        "tones-AudioCaptioning/train": {"num_items": 24, "num_quarantined": 0}
    }
    steps = rows_of(run.folder, "step")
    assert [row["step"] for row in steps] == list(range(1, 9))
    assert {
        "loss",
        "learning_rate",
        "gradient_norm",
        "audio_seconds_per_second",
        "data_wait_share",
        "memory_bytes",
    } <= set(steps[0])
    assert {"temperature", "epoch", "position"} <= set(steps[0])
    assert [row["num_examples"] for row in rows_of(run.folder, "validation")] == [8, 8]
    shown = rows_of(run.folder, "examples")[0]["rows"]
    assert isinstance(shown, list)
    assert {"text", "recording_id", "rank", "matches", "audio"} == set(shown[0])
    model = load_model(run.checkpoint("last"))
    assert model.embed_texts(["a low hum"]).shape == (1, 8)


def test_the_loss_falls(recipe: MakeRecipe, tmp_path: Path) -> None:
    trained(recipe(), tmp_path / "run", "mixture.epochs=8", "evaluation.validation=[]")
    losses = [row["loss"] for row in rows_of(tmp_path / "run", "step")]
    assert sum(map(float, losses[-4:])) < 0.9 * sum(map(float, losses[:4]))  # type: ignore[arg-type]


def test_a_finished_run_is_left_alone(recipe: MakeRecipe, tmp_path: Path) -> None:
    path = recipe()
    trained(path, tmp_path / "run")
    before = (tmp_path / "run" / "checkpoints" / "00000008" / "card.json").stat().st_mtime_ns
    outcome = trained(path, tmp_path / "run")
    assert (outcome.resumed_at, outcome.standing.step) == (8, 8)
    assert (tmp_path / "run" / "checkpoints" / "00000008" / "card.json").stat().st_mtime_ns == before
    assert len(rows_of(tmp_path / "run", "step")) == 8


def test_more_epochs_of_a_constant_rate_are_the_longer_training(recipe: MakeRecipe, tmp_path: Path) -> None:
    constant = "training.schedule.kind=constant"
    trained(recipe(), tmp_path / "long", constant, "mixture.epochs=3")
    trained(recipe(), tmp_path / "grown", constant)
    outcome = trained(recipe(), tmp_path / "grown", constant, "mixture.epochs=3")
    assert outcome.changed_keys == ("mixture.epochs",)
    one, other = (load_file(tmp_path / name / "checkpoints/00000012/model.safetensors") for name in ("long", "grown"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_another_recipe_is_refused_with_the_keys(recipe: MakeRecipe, tmp_path: Path) -> None:
    trained(recipe(), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"training\.optimizer\.learning_rate: 0\.01 in the run, 0\.02 now"):
        trained(recipe(), tmp_path / "run", "training.optimizer.learning_rate=0.02")
    with pytest.raises(ConfigError, match="its schedule ends with the training"):
        trained(recipe(), tmp_path / "run", "mixture.epochs=3")


def test_new_begins_afresh_and_keeps_the_old(recipe: MakeRecipe, tmp_path: Path) -> None:
    trained(recipe(), tmp_path / "run", "training.max_steps=1")
    outcome = trained(recipe(), tmp_path / "run", "training.max_steps=2", new=True)
    assert (outcome.resumed_at, outcome.standing.step) == (None, 2)
    assert open_run(tmp_path / "run.old-1").pointer("last") == 1


def test_being_asked_to_stop_saves_and_goes_on_bit_for_bit(recipe: MakeRecipe, tmp_path: Path) -> None:
    trained(recipe(), tmp_path / "whole")
    asked = iter([False, False, True])
    outcome = train(recipe(), tmp_path / "stopped", asked_to_stop=lambda: next(asked))
    assert (outcome.stopped, outcome.standing.step, open_run(tmp_path / "stopped").pointer("last")) == (True, 3, 3)
    assert trained(recipe(), tmp_path / "stopped").resumed_at == 3
    one, other = (load_file(tmp_path / n / "checkpoints/00000008/model.safetensors") for n in ("whole", "stopped"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_loss_that_is_not_finite_stops_with_the_ids(recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)not finite.*tones/train-\d\d#c"):
        trained(recipe(), tmp_path / "run", "training.optimizer.learning_rate=1e30", "training.save_every_steps=1",
                "training.clip_norm=null")  # fmt: skip
    run = open_run(tmp_path / "run")
    failed = rows_of(run.folder, "failed")
    assert len(failed) == 1
    assert "tones/train-" in str(failed[0]["where"])
    kept = load_model(run.checkpoint("last"))
    assert all(bool(torch.isfinite(p).all()) for p in kept.parameters())


def test_training_stops_early(recipe: MakeRecipe, tmp_path: Path) -> None:
    outcome = trained(
        recipe(**{"training.early_stopping": {"patience": 2, "min_delta": 1.0}}), tmp_path / "run", "mixture.epochs=9"
    )
    assert outcome.standing.ended == "2 validations brought nothing better"
    assert outcome.standing.step == 12


def test_accumulated_batches_are_one_step(recipe: MakeRecipe, tmp_path: Path) -> None:
    outcome = trained(recipe(), tmp_path / "run", "training.accumulate=3", "evaluation.validation=[]")
    assert outcome.standing.step == 4  # 4 batches an epoch: 3 + 1
    assert [row["position"] for row in rows_of(tmp_path / "run", "step")] == [18, 24, 18, 24]


def test_other_data_is_refused(recipe: MakeRecipe, make_tones: Callable[..., Path], tmp_path: Path) -> None:
    trained(recipe(), tmp_path / "run", "training.max_steps=1")
    (tmp_path / "tones").mkdir()
    other = make_tones(tmp_path / "tones", samples=5000)
    with pytest.raises(ConfigError, match="other data"):
        trained(recipe(), tmp_path / "run", "training.max_steps=1", f"data.tones.dataset={other}")


def test_leaks_are_refused_and_waived(recipe: MakeRecipe, make_tones: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "tones").mkdir()
    leaking = make_tones(tmp_path / "tones", source_id="freesound:1")
    path = recipe(data={"tones": {"dataset": str(leaking)}})
    with pytest.raises(DatasetError, match=r"(?s)also trained on.*evaluation\.waive_leaks=\[tones/test, tones/val\]"):
        trained(path, tmp_path / "runs" / "a")
    assert not (tmp_path / "runs" / "a").exists()
    assert len(list((tmp_path / "runs" / ".leaks").iterdir())) == 1
    outcome = trained(
        path, tmp_path / "runs" / "a", "evaluation.waive_leaks=[tones/test, tones/val]", "training.max_steps=1"
    )
    assert "a leak is waived: 8 recordings of tones/val" in outcome.remarks
