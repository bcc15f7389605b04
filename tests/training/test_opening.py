"""Beginning a run, and going on with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import ConfigError, StorageError
from audiolect.training.opening import begin_or_resume, run_card
from audiolect.training.recipe import Recipe, load_recipe

FACTS = {"fingerprint": "f", "examples_fingerprint": "e", "entries": {}, "validation": {}}


@pytest.fixture
def read(recipe: Callable[..., Path]) -> Recipe:
    """The recipe."""
    return load_recipe(recipe())


def card(read: Recipe, tmp_path: Path, **facts: Any) -> dict[str, Any]:
    data = {"tones": FACTS | facts}
    return run_card(
        recipe_path=tmp_path / "r.yaml", command="audiolect train r.yaml", data=data, training={}, recipe=read
    )


def test_a_run_is_begun_and_gone_on_with(read: Recipe, tmp_path: Path) -> None:
    made = card(read, tmp_path)
    run, resumed, changed = begin_or_resume(tmp_path / "run", read, made, new=False)
    assert (resumed, changed) == (False, [])
    assert run.config == read.model_dump(mode="json")
    assert {"command", "versions", "seed", "data", "objective"} <= set(run.card)
    assert run.recipe_folder == tmp_path
    assert begin_or_resume(tmp_path / "run", read, made, new=False)[1:] == (True, [])


def test_a_lock_is_no_reason_to_refuse_but_other_things_are(read: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="holds something else"):
        begin_or_resume(folder, read, card(read, tmp_path), new=True)
    (folder / "notes.txt").rename(folder / "lock")
    assert not begin_or_resume(folder, read, card(read, tmp_path), new=False)[1]


def test_new_moves_every_older_run_aside(read: Recipe, tmp_path: Path) -> None:
    for _ in range(3):
        assert not begin_or_resume(tmp_path / "run", read, card(read, tmp_path), new=True)[1]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["run", "run.old-1", "run.old-2"]


@pytest.mark.parametrize("key", ["fingerprint", "examples_fingerprint"])
def test_other_data_is_refused(read: Recipe, tmp_path: Path, key: str) -> None:
    begin_or_resume(tmp_path / "run", read, card(read, tmp_path), new=False)
    (tmp_path / "run" / "last").write_text("3")
    with pytest.raises(ConfigError, match=rf"(?s)other data.*data\.tones: {key} . in the run, other now"):
        begin_or_resume(tmp_path / "run", read, card(read, tmp_path, **{key: "other"}), new=False)


@pytest.mark.parametrize("trained", ["nothing", "last", "checkpoints/00000001"])
def test_a_run_without_a_checkpoint_binds_nobody(
    read: Recipe, recipe: Callable[..., Path], tmp_path: Path, trained: str
) -> None:
    """A recipe that was refused after its folder was made, and corrected; what was trained is kept."""
    folder = tmp_path / "run"
    begin_or_resume(folder, read, card(read, tmp_path), new=False)
    if trained != "nothing":
        (folder / trained).parent.mkdir(exist_ok=True)
        (folder / trained).write_text("1")
    other = load_recipe(recipe(), ["training.batches.batch_size=3"])
    if trained != "nothing":
        with pytest.raises(ConfigError, match="begun with another recipe"):
            begin_or_resume(folder, other, card(other, tmp_path), new=False)
        assert begin_or_resume(folder, read, card(read, tmp_path), new=False)[1]
        return
    run, resumed, changed = begin_or_resume(folder, other, card(other, tmp_path, fingerprint="other"), new=False)
    assert (resumed, changed) == (False, [])
    assert run.config["training"]["batches"]["batch_size"] == 3
    assert run.card["data"]["tones"]["fingerprint"] == "other"
    assert begin_or_resume(folder, other, card(other, tmp_path, fingerprint="other"), new=False)[1]


def test_free_changes_are_kept_and_named(read: Recipe, recipe: Callable[..., Path], tmp_path: Path) -> None:
    begin_or_resume(tmp_path / "run", read, card(read, tmp_path), new=False)
    other = load_recipe(recipe(), ["training.keep_checkpoints=7"])
    run, resumed, changed = begin_or_resume(tmp_path / "run", other, card(other, tmp_path), new=False)
    assert (resumed, changed) == (True, ["training.keep_checkpoints"])
    assert run.config["training"]["keep_checkpoints"] == 7
