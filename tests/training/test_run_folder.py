"""The folder of a run, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audiolect.errors import DamagedFile, UnknownVersion, UsageError
from audiolect.storage import file_header, fingerprint_file, write_json, write_yaml
from audiolect.training.run_folder import Run, checkpoint_path, open_run, read_checkpoint_card, write_pointer


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two checkpoints of one small file each."""
    folder = tmp_path / "first"
    write_yaml(folder / "config.yaml", {**file_header("run", 1), "recipe": {"training": {"seed": 1}}})
    write_json(folder / "card.json", {**file_header("run", 1), "recipe_folder": str(tmp_path)})
    for step in (4, 12):
        path = checkpoint_path(folder, step)
        (path / "training").mkdir(parents=True)
        (path / "training" / "x").write_text(str(step))
        files = {"training/x": fingerprint_file(path / "training" / "x")}
        write_json(path / "card.json", {**file_header("checkpoint", 1), "step": step, "files": files})
    return open_run(folder)


def test_what_it_holds(run: Run, tmp_path: Path) -> None:
    assert (run.name, run.config, run.steps) == ("first", {"training": {"seed": 1}}, [4, 12])
    assert run.recipe_folder == tmp_path
    assert run.journal == run.folder / "journal.jsonl"
    assert read_checkpoint_card(run.checkpoint(4))["step"] == 4


def test_pointers(run: Run) -> None:
    assert run.pointer("best") is None
    with pytest.raises(UsageError, match=r"(?s)no such checkpoint.*one of 4, 12"):
        run.checkpoint("best")
    write_pointer(run.folder, "last", 12)
    assert run.checkpoint("last") == run.checkpoint("best") == run.checkpoint("12") == checkpoint_path(run.folder, 12)
    write_pointer(run.folder, "best", 4)
    assert run.checkpoint() == checkpoint_path(run.folder, 4)
    (run.folder / "best").write_text("soon")
    with pytest.raises(DamagedFile, match="step of a checkpoint"):
        run.pointer("best")


@pytest.mark.parametrize("which", ["worst", "7", 7, "-4"])
def test_other_checkpoints_are_refused(run: Run, which: str | int) -> None:
    with pytest.raises(UsageError, match="no such checkpoint"):
        run.checkpoint(which)


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_damage_is_seen(run: Run, damage: str) -> None:
    file = checkpoint_path(run.folder, 4) / "training" / "x"
    file.write_text("5") if damage == "changed" else file.unlink()
    with pytest.raises(DamagedFile, match=r"(?s)not what was written.*training/x"):
        run.checkpoint(4)
    assert run.checkpoint(4, verify=False) == checkpoint_path(run.folder, 4)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)no run.*no such folder"):
        open_run(tmp_path / "absent")
    write_yaml(tmp_path / "config.yaml", {**file_header("pack", 1)})
    with pytest.raises(UnknownVersion, match="another kind"):
        open_run(tmp_path)


def test_it_opens_without_torch() -> None:
    code = "import sys, audiolect.training.run_folder, audiolect.training.journal; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
