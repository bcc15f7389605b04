"""A training before it is made: what is drawn, what trains, how many steps, how much memory.

Conventions: nothing is written. The model is really built, so that its numbers are true, and one batch of the mixture's
first epoch is sent through it, forward and back, to see that it works and what memory it takes. Memory is an estimate:
weights, gradients, moments and averages are counted; what the batch needs on top is measured, as the growth of the peak
of this process or of the accelerator.

Public names: DryRun, dry_run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiolect.loader.plan_report import PlanReport, report_plan
from audiolect.models.adapt import FreezingPlan, apply_freezing, offer_checkpointing
from audiolect.models.load_reports import kept_reports
from audiolect.training.data_gate import MEMORY_FOLDER, check_overlaps, find_overlaps
from audiolect.training.meters import peak_memory_bytes
from audiolect.training.model_kinds import begun_model
from audiolect.training.objectives import build_objective
from audiolect.training.precision import chosen_precision, open_accelerator
from audiolect.training.recipe import Recipe, load_recipe
from audiolect.training.recipe_changes import check_unchanged
from audiolect.training.run_folder import CONFIG_NAME, open_run
from audiolect.training.session import count_steps, seed_all
from audiolect.training.starting import find_start
from audiolect.training.step import ObjectiveModule
from audiolect.training.training_data import open_training_data, training_captions

_FLOAT_BYTES = 4
_MOMENTS = 2


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a training would be.

    Args:
        plan: of the mixture, seen from its first epoch.
        freezing: which parameters train.
        steps: optimiser steps.
        resumes_at: the step of the run that would be gone on with; None: it begins.
        precision: ``bf16`` or ``float32``.
        validation: set → its examples.
        quarantined: entry or set → its examples that are left out.
        waived: evaluation parts whose leaks are accepted.
        first_loss: of one batch, by the model as it begins.
        state_bytes: weights, gradients, moments and average.
        batch_bytes: measured, of one batch forward and back.
        loads: what the weights of pretrained parts have matched, a text for each.
    """

    plan: PlanReport
    freezing: FreezingPlan
    steps: int
    resumes_at: int | None
    precision: str
    validation: dict[str, int]
    quarantined: dict[str, int]
    waived: tuple[str, ...]
    first_loss: float
    state_bytes: int
    batch_bytes: int
    loads: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        freezing = {"trainable": self.freezing.num_trainable, "parameters": self.freezing.num_parameters}
        values = {name: value for name, value in asdict(self).items() if name not in ("plan", "freezing")}
        return {**values, "plan": self.plan.as_dict(), "freezing": freezing}


def dry_run(
    path: Path,
    folder: Path,
    overrides: Sequence[str] = (),
    *,
    new: bool = False,
    keep_quarantined: bool = False,
    recipe: Recipe | None = None,
) -> DryRun:
    """Look at a training without making it.

    Args:
        path: the recipe.
        folder: of the run, which is only looked at.
        overrides, new, keep_quarantined: as of the training.
        recipe: read already, of one stage; None: the file is read.

    Raises:
        As the training would: ConfigError, DatasetError, StorageError, UsageError.
    """
    recipe = recipe or load_recipe(path, overrides)
    settings = recipe.training
    resumes_at = None if new else _goes_on_at(folder, recipe)
    data = open_training_data(recipe, path.parent, where=path, keep_quarantined=keep_quarantined)
    overlaps, evaluated = find_overlaps(data, path.parent, folder.parent / MEMORY_FOLDER, remember=False)
    waived = check_overlaps(overlaps, evaluated, recipe.evaluation.waive_leaks)
    seed_all(settings.seed)
    start = None if recipe.model.start is None else find_start(recipe.model.start, path.parent)
    model = begun_model(recipe.model, start, training_captions(data.mixture), path.parent)
    freezing = apply_freezing(model.train(), settings.freezing)
    if settings.gradient_checkpointing:
        offer_checkpointing(model)
    batches = data.batches()
    precision = chosen_precision(settings.precision)
    accelerator = open_accelerator(precision)
    objective = build_objective(settings.objective, settings.batches, path.parent)
    module = ObjectiveModule(model.to(accelerator.device), objective)
    before = peak_memory_bytes()
    with batches.epoch(0) as stream, accelerator.autocast():
        loss, _ = module(next(stream))
    loss.backward()
    gone = {entry.key: entry.examples.num_quarantined for entry in data.mixture.entries}
    gone |= {each.key: each.num_quarantined for each in data.validation}
    return DryRun(
        plan=report_plan(data.mixture, batch_size=settings.batches.size, batch_seconds=settings.batches.batch_seconds),
        freezing=freezing,
        steps=count_steps(recipe, batches, data.mixture.plan.epochs),
        resumes_at=resumes_at,
        precision=precision,
        validation={each.key: each.dataset.examples.height for each in data.validation},
        quarantined={key: count for key, count in gone.items() if count},
        waived=tuple(sorted({each.evaluated for each in waived})),
        first_loss=float(loss.detach()),
        state_bytes=_state_bytes(freezing, recipe),
        batch_bytes=max(0, peak_memory_bytes() - before),
        loads=tuple(f"weights of {part} from {kept.text()}" for part, kept in kept_reports(model).items()),
    )


def _goes_on_at(folder: Path, recipe: Recipe) -> int | None:
    """The step of the last checkpoint; None where nothing was trained, and another recipe may begin."""
    if not (folder / CONFIG_NAME).is_file():
        return None
    run = open_run(folder)
    step = run.pointer("last")
    if step is not None:
        check_unchanged(run.config, recipe.model_dump(mode="json"), folder)
    return step


def _state_bytes(freezing: FreezingPlan, recipe: Recipe) -> int:
    """All weights once; of those that train also a gradient, two moments, and an average where there is one."""
    copies = 1 + _MOMENTS + (recipe.training.average is not None)
    return _FLOAT_BYTES * (freezing.num_parameters + copies * freezing.num_trainable)
