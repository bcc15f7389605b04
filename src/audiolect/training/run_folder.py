"""The folder of a run: what a training writes, and everything after it opens.

    runs/NAME/
      config.yaml              header, and under ``recipe`` the whole recipe with every default
      card.json                header; command, versions, seed, data with fingerprints, objective, sizes
      journal.jsonl            one row for each thing that happened (``journal.py``)
      best, last               text files: the step of a checkpoint
      checkpoints/00001200/    the step in eight digits; written whole or not at all (``checkpoint.py``)
        card.json              header; step, epoch, position, metrics, and the hash of every file beside it
        model.yaml, model.safetensors, parts/    the model as its ``save_model`` writes it
        training/              what resuming needs beyond the model

    runs/NAME/                 of a recipe with several stages
      stages.json              header; how many stages
      stage-1/, stage-2/       a run each, as above

Conventions: no torch here. Who opens a run of several stages gets its last stage with a checkpoint. Paths in
the recipe are relative to the folder named on the card under ``recipe_folder``. ``best`` is absent until a validation
was made.

Public names: Run, open_run, checkpoint_path, stage_name, read_checkpoint_card, write_pointer, RUN_KIND, RUN_VERSION,
STAGES_KIND, STAGES_NAME, STAGES_VERSION.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.storage import check_header, fingerprint_file, read_json, read_text, read_yaml, safe_join, write_text

RUN_KIND, RUN_VERSION = "run", 1
CHECKPOINT_KIND, CHECKPOINT_VERSION = "checkpoint", 1
CONFIG_NAME, CARD_NAME, JOURNAL_NAME = "config.yaml", "card.json", "journal.jsonl"
CHECKPOINTS, CHECKPOINT_CARD = "checkpoints", "card.json"
POINTERS = ("best", "last")
STAGES_KIND, STAGES_VERSION, STAGES_NAME = "stages", 1, "stages.json"


@dataclass(frozen=True)
class Run:
    """An opened run.

    Args:
        folder: where it is.
        config: the recipe with every default, as plain values.
        card: what the run was made of.
    """

    folder: Path
    config: dict[str, Any]
    card: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the folder; of a stage with that of the whole run before it."""
        folder = self.folder.resolve()
        return f"{folder.parent.name}/{folder.name}" if (folder.parent / STAGES_NAME).is_file() else folder.name

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.folder / JOURNAL_NAME

    @cached_property
    def recipe_folder(self) -> Path:
        """What the paths in ``config`` are relative to."""
        return Path(self.card["recipe_folder"])

    @property
    def steps(self) -> list[int]:
        """The steps of its checkpoints, rising."""
        folder = self.folder / CHECKPOINTS
        return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []

    def pointer(self, name: str) -> int | None:
        """The step that ``best`` or ``last`` names; None where there is no such file yet.

        Raises:
            DamagedFile: the file does not hold a number.
        """
        path = self.folder / name
        if not path.is_file():
            return None
        text = read_text(path).strip()
        if not text.isdecimal():
            raise DamagedFile(
                "This should be the step of a checkpoint.", where=path, expected="a number", found=text[:40]
            )
        return int(text)

    def checkpoint(self, which: str | int = "best", *, verify: bool = True) -> Path:
        """The folder of a checkpoint.

        Args:
            which: ``"best"``, ``"last"`` or a step. ``"best"`` of a run that never validated is its last one.
            verify: compare the hash of every file.

        Raises:
            UsageError: there is no such checkpoint.
            DamagedFile, UnknownVersion: it cannot be trusted.
        """
        step = self._step(which)
        path = None if step is None else checkpoint_path(self.folder, step)
        if path is None or not (path / CHECKPOINT_CARD).is_file():
            raise UsageError(
                "The run has no such checkpoint.",
                where=self.folder,
                expected="one of " + ", ".join(map(str, self.steps)) if self.steps else "a run that has saved one",
                found=which,
                fix=None if self.steps else "train it on: the same command resumes",
            )
        read_checkpoint_card(path, verify=verify)
        return path

    def _step(self, which: str | int) -> int | None:
        if isinstance(which, str) and which in POINTERS:
            found = self.pointer(which)
            return self.pointer("last") if found is None and which == "best" else found
        return int(which) if str(which).isdecimal() else None


def open_run(folder: str | Path) -> Run:
    """Open a run's folder.

    Raises:
        UsageError: the folder is none.
        UnknownVersion, DamagedFile: it is no run, or one that cannot be read.
    """
    folder = _last_stage(Path(folder))
    if not (folder / CONFIG_NAME).is_file():
        raise UsageError(
            "This is no run.",
            where=folder,
            expected=f"a folder with {CONFIG_NAME}, as `audiolect train` writes it",
            found="no such folder" if not folder.is_dir() else f"no {CONFIG_NAME}",
        )
    config = read_yaml(folder / CONFIG_NAME)
    check_header(config, RUN_KIND, {RUN_VERSION}, folder / CONFIG_NAME)
    card = read_json(folder / CARD_NAME)
    check_header(card, RUN_KIND, {RUN_VERSION}, folder / CARD_NAME)
    recipe = config.get("recipe")
    if not isinstance(recipe, dict) or not isinstance(card.get("recipe_folder"), str):
        raise DamagedFile("The run lacks its recipe.", where=folder, expected="recipe and recipe_folder")
    return Run(folder, recipe, card)


def stage_name(number: int) -> str:
    """The folder of a stage, counted from 1."""
    return f"stage-{number}"


def _last_stage(folder: Path) -> Path:
    """The last stage with a checkpoint, of a run of several; another folder is itself."""
    if not (folder / STAGES_NAME).is_file():
        return folder
    content = read_json(folder / STAGES_NAME)
    check_header(content, STAGES_KIND, {STAGES_VERSION}, folder / STAGES_NAME)
    stages = [folder / stage_name(number) for number in range(1, int(content.get("stages", 0)) + 1)]
    return next((stage for stage in reversed(stages) if (stage / "last").is_file()), folder / stage_name(1))


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is."""
    return folder / CHECKPOINTS / f"{step:08d}"


def read_checkpoint_card(path: Path, *, verify: bool = True) -> dict[str, Any]:
    """The card of a checkpoint.

    Args:
        path: its folder.
        verify: compare the hash of every file.

    Raises:
        UnknownVersion, DamagedFile: the card or a file is not what was written.
    """
    card = read_json(path / CHECKPOINT_CARD)
    check_header(card, CHECKPOINT_KIND, {CHECKPOINT_VERSION}, path / CHECKPOINT_CARD)
    files = card.get("files")
    if not isinstance(files, dict):
        raise DamagedFile("The card does not say which files the checkpoint has.", where=path / CHECKPOINT_CARD)
    for name, expected in files.items() if verify else ():
        try:
            found = fingerprint_file(safe_join(path, name))
        except StorageError as problem:
            found = problem.what
        if found != expected:
            raise DamagedFile(
                "A file of a checkpoint is not what was written.",
                where=path / name,
                expected=expected,
                found=found,
                fix="take another checkpoint of the run, or copy the run again",
            )
    return dict(card)


def write_pointer(folder: Path, name: str, step: int) -> None:
    """Have ``best`` or ``last`` name a step."""
    write_text(folder / name, f"{step}\n")
