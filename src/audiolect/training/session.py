"""From a recipe to a trained run: everything opened, put together, and handed to the loop.

    outcome = train(Path("recipe.yaml"), Path("runs/first"))

Conventions: the same call goes on with a run. On several ranks all call it; the first one writes.

Public names: train, Outcome, TrainOptions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from audiolect.folder_lock import hold_folder
from audiolect.loader.batching import TrainingBatches
from audiolect.models.adapt import apply_freezing, check_plan, offer_checkpointing
from audiolect.models.load_reports import kept_reports
from audiolect.models.masked_norm import synchronise_norms
from audiolect.models.text_tower import keep_vectors
from audiolect.progress import Progress, silent_progress
from audiolect.training.averaging import WeightAverage
from audiolect.training.checkpoint import Trained, drop_later, restore_optimizer, restore_random, restore_weights
from audiolect.training.compiling import compile_blocks
from audiolect.training.data_gate import MEMORY_FOLDER, Overlap, check_overlaps, find_overlaps
from audiolect.training.journal import Journal
from audiolect.training.loop import STOPPED, Loop, LoopPlan
from audiolect.training.model_kinds import begun_model, kind_of
from audiolect.training.objectives import Objective, build_objective
from audiolect.training.opening import add_to_card, begin_or_resume, run_card
from audiolect.training.optim import build_optimizer
from audiolect.training.precision import chosen_precision, open_accelerator
from audiolect.training.recipe import Recipe, TrainingSettings, load_recipe
from audiolect.training.run_folder import JOURNAL_NAME, Run, read_checkpoint_card, write_pointer
from audiolect.training.sharding import Sharded, shard
from audiolect.training.standing import Standing
from audiolect.training.starting import Start, check_start, find_start
from audiolect.training.step import ObjectiveModule, Stepper
from audiolect.training.teachers import check_teacher, teacher_facts
from audiolect.training.trackers import TRACKING, check_trackers, close_trackers, open_trackers
from audiolect.training.training_data import TrainingData, open_training_data, training_captions
from audiolect.training.validation import gather_objects


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How a training is started.

    Args:
        overrides: of the recipe, ``a.b=c`` each.
        new: begin afresh where there is a run.
        keep_quarantined: also use what checks have put on quarantine lists.
        command: for the card.
        recipe: read already, of one stage; None: the file is read.
        start: the weights to begin with; None: as the recipe says.
        tell: hears what pretrained weights matched, before the first step, where this is the rank that tells.
    """

    overrides: tuple[str, ...] = ()
    new: bool = False
    keep_quarantined: bool = False
    command: str = ""
    recipe: Recipe | None = None
    start: Start | None = None
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training.

    Args:
        folder: of the run.
        standing: where it is now.
        resumed_at: the step from which it went on; None: it began.
        stopped: whether it was asked to stop before its end.
        changed_keys: of the recipe, without effect on the results.
        remarks: what a person should hear.
        is_main: whether this is the rank that tells.
    """

    folder: Path
    standing: Standing
    resumed_at: int | None
    stopped: bool
    changed_keys: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_main: bool = True


def train(
    path: Path,
    folder: Path,
    options: TrainOptions | None = None,
    *,
    progress: Progress = silent_progress,
    asked_to_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train what a recipe says, or go on with it.

    Args:
        path: the recipe.
        folder: of the run.
        asked_to_stop: looked at after each step; True: save and return.

    Raises:
        ConfigError: the recipe is wrong, or the run has another.
        DatasetError, StorageError: data or run cannot be used.
        UsageError: a loss is not finite, or another process trains in the folder.
    """
    options = options or TrainOptions()
    recipe = options.recipe or load_recipe(path, options.overrides)
    settings = recipe.training
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    precision = chosen_precision(settings.precision)
    trackers = list(settings.trackers)
    check_trackers(trackers)
    accelerator = open_accelerator(
        precision, log_with=trackers or None, project_dir=folder / TRACKING if trackers else None
    )
    start = options.start or _start_of(recipe, path.parent, folder, new=options.new)
    data = open_training_data(recipe, path.parent, where=path, keep_quarantined=options.keep_quarantined)
    waived = pass_gate(accelerator, data, path.parent, folder, progress)
    with ExitStack() as stack:
        if accelerator.is_main_process:
            stack.enter_context(hold_folder(folder))
        facts = _facts(recipe, accelerator, precision, start, path.parent)
        card = run_card(recipe_path=path, command=options.command, data=data.facts(), training=facts, recipe=recipe)
        run, resumed, changed = _opened(accelerator, folder, recipe, card, new=options.new)
        check_start(run.card, start, folder)
        check_teacher(run.card, facts, folder)
        last = run.pointer("last") if resumed else None
        plan, standing, saved = _assemble(
            recipe, data, accelerator, run, start=start, last=last, asked_to_stop=asked_to_stop, stack=stack
        )
        if last is None and accelerator.is_main_process:
            _tell_loads(run, plan.trained.model, options.tell)
        standing = Loop(plan, standing, saved).run(progress if accelerator.is_main_process else silent_progress)
    remarks = [f"{key} has changed, which changes nothing of the results" for key in changed]
    remarks += [f"a leak is waived: {each.num_recordings} recordings of {each.evaluated}" for each in waived]
    return Outcome(
        folder,
        standing,
        resumed_at=last,
        stopped=standing.ended == STOPPED,
        changed_keys=tuple(changed),
        remarks=(*remarks, *plan.objective.remarks(plan.trained.model)),
        is_main=accelerator.is_main_process,
    )


def _facts(recipe: Recipe, accelerator: Accelerator, precision: str, start: Start | None, base: Path) -> dict[str, Any]:
    """Of the model and what it is trained with, for the card."""
    facts = {"model": kind_of(recipe.model).name, "precision": precision, "ranks": accelerator.num_processes}
    begun = {} if start is None else {"start": start.facts()}
    return {**facts, **begun, **teacher_facts(recipe.training.objective, base)}


def _start_of(recipe: Recipe, base: Path, folder: Path, *, new: bool) -> Start | None:
    """What the recipe begins with; not looked for where a run goes on from a checkpoint of its own."""
    goes_on = (folder / "last").is_file() and not new
    return None if goes_on or recipe.model.start is None else find_start(recipe.model.start, base)


def _opened(
    accelerator: Accelerator, folder: Path, recipe: Recipe, card: dict[str, Any], *, new: bool
) -> tuple[Run, bool, list[str]]:
    """The run, made by the first rank before the others look."""
    found = None
    if accelerator.is_main_process:
        found = begin_or_resume(folder, recipe, card, new=new)
    accelerator.wait_for_everyone()
    return found or begin_or_resume(folder, recipe, card, new=False)


def _assemble(
    recipe: Recipe,
    data: TrainingData,
    accelerator: Accelerator,
    run: Run,
    *,
    start: Start | None,
    last: int | None,
    asked_to_stop: Callable[[], bool],
    stack: ExitStack,
) -> tuple[LoopPlan, Standing, dict[str, Any] | None]:
    """Everything put together, as it was at the checkpoint of step ``last``, and the standing that this one holds."""
    settings, kind, rank = recipe.training, kind_of(recipe.model), accelerator.process_index
    checkpoint = None if last is None else run.checkpoint(last)
    standing = Standing.from_dict({} if checkpoint is None else read_checkpoint_card(checkpoint, verify=False))
    saved = None if checkpoint is None else standing.as_dict()
    seed_all(settings.seed)
    model = _model_of(recipe, data, start, checkpoint, run.recipe_folder).to(accelerator.device).train()
    freezing = apply_freezing(model, settings.freezing)
    if settings.gradient_checkpointing:
        offer_checkpointing(model)
    seed_all(settings.seed + rank)
    objective = build_objective(settings.objective, settings.batches, run.recipe_folder)
    average = None if settings.average is None else WeightAverage(model, settings.average)
    module, sharded = _module_of(model, objective, settings, accelerator)
    optimizer = build_optimizer(model, settings.optimizer)
    check_plan(model, freezing, (p for group in optimizer.param_groups for p in group["params"]))
    batches = data.batches(rank, accelerator.num_processes)
    if checkpoint is not None:
        standing.ended = ""
        restore_weights(checkpoint, model, average, standing.average_updates)
        restore_optimizer(checkpoint, model, optimizer)
        if not restore_random(checkpoint, rank):
            seed_all(settings.seed + rank + standing.step)
    write = _writer(accelerator, run, standing, settings.trackers, stack=stack)
    if checkpoint is None:
        write("begin", 0, {"trainable": freezing.num_trainable, "parameters": freezing.num_parameters})
    plan = LoopPlan(
        recipe=recipe,
        folder=run.folder,
        accelerator=accelerator,
        trained=Trained(model, optimizer, average, kind.save, sharded),
        objective=objective,
        stepper=Stepper(
            accelerator,
            module,
            optimizer,
            average,
            settings.clip_norm,
            asked_to_stop,
            sharded.sync_scalars if sharded else _nothing,
        ),
        batches=batches,
        epochs=data.mixture.plan.epochs,
        validation=data.validation,
        total_steps=count_steps(recipe, batches, data.mixture.plan.epochs),
        write=write,
    )
    return plan, standing, saved


def _model_of(
    recipe: Recipe, data: TrainingData, start: Start | None, checkpoint: Path | None, base: Path
) -> nn.Module:
    """The model as it begins, or as a checkpoint has it."""
    if checkpoint is None:
        return begun_model(recipe.model, start, training_captions(data.mixture), base)
    model = kind_of(recipe.model).load(checkpoint)
    keep_vectors(model, base)
    return model


def _tell_loads(run: Run, model: nn.Module, tell: Callable[[str], None]) -> None:
    """Say what weights from elsewhere have matched, and put it on the card."""
    loads = kept_reports(model)
    for part, kept in loads.items():
        tell(f"weights of {part} from {kept.text()}")
    if loads:
        add_to_card(run, {"weights": {part: kept.facts() for part, kept in loads.items()}})


def _module_of(
    model: nn.Module, objective: Objective, settings: TrainingSettings, accelerator: Accelerator
) -> tuple[nn.Module, Sharded | None]:
    """The loss as a module, compiled, and divided or copied among the ranks, as the settings say."""
    if settings.compile:
        compile_blocks(model)
    module = ObjectiveModule(model, objective)
    sharded = shard(module, model, accelerator.device) if settings.shard else None
    prepared: nn.Module = accelerator.prepare_model(module) if sharded is None else module
    if accelerator.num_processes > 1:
        synchronise_norms(model)  # after the copy that sharding makes: a group of processes cannot be copied
    return prepared, sharded


def _nothing() -> None:
    return None


def _writer(
    accelerator: Accelerator, run: Run, standing: Standing, trackers: Sequence[str], *, stack: ExitStack
) -> Callable[[str, int, dict[str, Any]], None]:
    """Writes rows of the journal, on the first rank, after what a stopped run has left was tidied."""
    if not accelerator.is_main_process:
        return lambda kind, step, values: None  # noqa: ARG005
    drop_later(run.folder, standing.step)
    if standing.best_step is not None:
        write_pointer(run.folder, "best", standing.best_step)
    journal = stack.enter_context(Journal(run.folder / JOURNAL_NAME, standing.step or None))
    if not trackers:
        return journal.add
    track = open_trackers(accelerator, trackers, run)
    stack.callback(close_trackers, accelerator)

    def write(kind: str, step: int, values: dict[str, Any]) -> None:
        journal.add(kind, step, values)
        track(kind, step, values)

    return write


def pass_gate(
    accelerator: Accelerator, data: TrainingData, base: Path, folder: Path, progress: Progress
) -> list[Overlap]:
    """The leaks that the recipe waives, found by the first rank.

    Raises:
        DatasetError, UsageError: on every rank, as ``check_overlaps``.
    """
    found: tuple[list[Overlap], list[str]] = ([], [])
    if accelerator.is_main_process:
        found = find_overlaps(data, base, folder.resolve().parent / MEMORY_FOLDER, progress=progress)
    overlaps, evaluated = gather_objects(found)[0]
    return check_overlaps(overlaps, evaluated, data.recipe.evaluation.waive_leaks)


def count_steps(recipe: Recipe, batches: TrainingBatches, epochs: int) -> int:
    """Optimiser steps of the whole training."""
    each = recipe.training.accumulate
    total = sum(-(-batches.num_batches(epoch) // each) for epoch in range(epochs))
    most = recipe.training.max_steps
    return total if most is None else min(total, most)


def seed_all(seed: int) -> None:
    """Seed torch, numpy and python."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
