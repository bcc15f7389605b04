"""A training before it is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.errors import ConfigError
from audiolect.training.dry_run import dry_run
from audiolect.training.journal import read_journal
from audiolect.training.session import TrainOptions, train

MakeRecipe = Callable[..., Path]


def test_it_says_what_the_training_does_and_writes_nothing(recipe: MakeRecipe, tmp_path: Path) -> None:
    without_chance = {"model.audio.dropout": 0.0, "model.audio.spec_augment": None, "model.text.dropout": 0.0}
    path = recipe(**without_chance, **{"training.freezing": {"freeze": ["text"]}})
    seen = dry_run(path, tmp_path / "runs" / "a")
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.yaml"]
    assert (seen.steps, seen.resumes_at, seen.validation) == (8, None, {"tones-AudioCaptioning/val": 8})
    assert 0 < seen.freezing.num_trainable < seen.freezing.num_parameters
    assert seen.state_bytes == 4 * (seen.freezing.num_parameters + 3 * seen.freezing.num_trainable)
    assert json.loads(json.dumps(seen.as_dict()))["plan"]["draws_in_all"] == 48
    outcome = train(path, tmp_path / "runs" / "a")
    assert outcome.standing.step == seen.steps
    first = next(row for row in read_journal(outcome.folder / "journal.jsonl") if row["kind"] == "step")
    assert first["loss"] == pytest.approx(seen.first_loss, rel=1e-5)


def test_a_run_in_which_nothing_was_trained_binds_nobody(recipe: MakeRecipe, tmp_path: Path) -> None:
    train(recipe(), tmp_path / "run", TrainOptions(overrides=("training.max_steps=1",)))
    (tmp_path / "run" / "last").unlink()
    assert dry_run(recipe(), tmp_path / "run", ("training.clip_norm=0.5",)).resumes_at is None


def test_it_knows_what_would_be_gone_on_with(recipe: MakeRecipe, tmp_path: Path) -> None:
    constant = ("training.schedule.kind=constant",)
    train(recipe(), tmp_path / "run", TrainOptions(overrides=(*constant, "training.max_steps=2")))
    assert dry_run(recipe(), tmp_path / "run", constant).resumes_at == 2
    assert dry_run(recipe(), tmp_path / "run", constant, new=True).resumes_at is None
    with pytest.raises(ConfigError, match="another recipe"):
        dry_run(recipe(), tmp_path / "run", [*constant, "training.seed=3"])


def test_it_says_what_the_weights_it_begins_with_have_matched(recipe: MakeRecipe, tmp_path: Path) -> None:
    assert dry_run(recipe(), tmp_path / "new").loads == ()
    train(recipe(), tmp_path / "run", TrainOptions(overrides=("training.max_steps=1",)))
    (load,) = dry_run(recipe(**{"model.start": "run"}), tmp_path / "new").loads
    assert "weights of model from" in load
    assert "0 missing, 0 unexpected" in load
