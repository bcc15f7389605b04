"""Distillation: a trained dual encoder whose similarities are part of what a training aims at.

    objective: {teacher: {run: runs/large, weight: 0.5}}

The teacher hears and reads what the model does: the same crops, windows and mixtures, the same captions. The targets of
a query are then ``weight`` times the softmax of the teacher's similarities, and the rest as without it.

Conventions: a teacher is frozen and in eval mode, is no part of the model (not counted, not saved, not divided among
ranks), and draws nothing of any random state. Its paths are relative to the recipe. The hash of its weights stands on
the run's card; a run whose teacher has changed since is not gone on with.

Public names: TeacherSettings, FrozenTeacher, open_teacher, teacher_facts, check_teacher.
Source: Primus, Schmid and Widmer, DCASE 2024 (a teacher's similarities as targets); the loss is in ``chunked.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field

from audiolect.config import Config
from audiolect.errors import ConfigError, UsageError
from audiolect.models.clap import DualEncoder, load_model
from audiolect.storage import fingerprint_file
from audiolect.training.chunked import Teacher
from audiolect.training.retrieval_rows import Rows, embed_frozen
from audiolect.training.run_folder import CONFIG_NAME, STAGES_NAME, open_run

_KEY = "training.objective.teacher"


class TeacherSettings(Config):
    """Which dual encoder teaches, and how much it says."""

    run: str = Field(description="The folder of its run, relative to the recipe.")
    checkpoint: Literal["best", "last"] | Annotated[int, Field(ge=0)] = Field(
        default="best", description="best, last, or a step."
    )
    weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="The share of its similarities in the targets."
    )
    temperature: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="What its similarities are divided by; null: its own temperature."
    )


@dataclass(frozen=True, slots=True, eq=False)
class FrozenTeacher:
    """A teacher at work.

    Args:
        encoder: in eval mode, without gradients.
        temperature: of its targets.
        weight: the share of its targets.
    """

    encoder: DualEncoder
    temperature: float
    weight: float

    def targets(self, rows: Rows, device: torch.device, micro_batch: int | None = None) -> Teacher:
        """What it says of some rows, ``micro_batch`` of them at a time; there may be none."""
        audio, text = embed_frozen(self.encoder.to(device), rows, micro_batch=micro_batch)
        return Teacher(audio, text, self.temperature, self.weight)


def open_teacher(settings: TeacherSettings, base: Path, rate_hz: int) -> FrozenTeacher:
    """The teacher of a recipe.

    Args:
        settings: which.
        base: the folder of the recipe.
        rate_hz: of the waveforms that it will hear.

    Raises:
        UsageError: there is no such run or checkpoint, it is no dual encoder, or it hears another rate.
        DamagedFile, UnknownVersion: a run that cannot be trusted.
    """
    folder = _checkpoint(settings, base)
    with torch.random.fork_rng(devices=[]):  # the weights that loading replaces are drawn before
        encoder = load_model(folder).eval().requires_grad_(False)
    if encoder.rate_hz != rate_hz:
        raise UsageError(
            "The teacher hears another rate than the batches have.",
            where=f"{_KEY}.run: {settings.run}",
            expected=f"{rate_hz} Hz, of training.batches.rate_hz",
            found=f"{encoder.rate_hz} Hz",
            fix="take a teacher of this rate",
        )
    temperature = settings.temperature or float(1.0 / encoder.scale())
    return FrozenTeacher(encoder, temperature, settings.weight)


def teacher_facts(objective: Config, base: Path) -> dict[str, Any]:
    """For the run's card: ``{"teacher": {run, checkpoint, weights}}``, or nothing where none teaches.

    Raises:
        As ``open_teacher``, but for the rate.
    """
    settings: TeacherSettings | None = getattr(objective, "teacher", None)
    if settings is None:
        return {}
    folder = _checkpoint(settings, base)
    weights = fingerprint_file(folder / "model.safetensors")
    return {"teacher": {"run": settings.run, "checkpoint": folder.name, "weights": weights}}


def check_teacher(card: Mapping[str, Any], facts: Mapping[str, Any], folder: Path) -> None:
    """Raises ConfigError where a run of this card had a teacher of other weights than these facts tell of."""
    before, now = card.get("teacher"), facts.get("teacher")
    if before is None or now is None or before["weights"] == now["weights"]:
        return
    raise ConfigError(
        "The run has had a teacher of other weights.",
        where=folder,
        expected=f"{before['run']}, checkpoint {before['checkpoint']} with {before['weights']}",
        found=f"{now['run']}, checkpoint {now['checkpoint']} with {now['weights']}",
        cause="the teacher was trained on, or made anew, since",
        fix="--new to start afresh, or give another --out",
    )


def _checkpoint(settings: TeacherSettings, base: Path) -> Path:
    folder = base / settings.run
    if not any((folder / name).is_file() for name in (CONFIG_NAME, STAGES_NAME)):
        raise UsageError(
            "There is no such teacher.",
            where=f"{_KEY}.run",
            expected="the folder of a run, as `audiolect train` writes it",
            found=f"{settings.run}: " + ("a folder without a run" if folder.is_dir() else "no such folder"),
            fix="train the teacher first; the path is relative to the recipe",
        )
    run = open_run(folder)
    kind = (run.config.get("model") or {}).get("name", "dual_encoder")
    if kind != "dual_encoder":
        raise UsageError(
            "The teacher is no dual encoder.", where=f"{_KEY}.run: {settings.run}", expected="dual_encoder", found=kind
        )
    return run.checkpoint(settings.checkpoint)
