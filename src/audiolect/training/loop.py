"""The loop: steps, validations and checkpoints until the plan is done, each in one order.

    step → row of the journal → validation, if due → checkpoint, if due → stop, if asked

Conventions: all that the loop decides depends on its ``Standing`` alone, and is saved with it: a training that is
killed anywhere and goes on from its last checkpoint repeats the same numbers. Validations leave random states as they
were. An epoch ends after its last batch; where validations are per epoch, it is validated then. On several ranks every
decision is made from numbers that all of them have.

Public names: Loop, LoopPlan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from audiolect.errors import UsageError
from audiolect.loader.batching import TrainingBatches
from audiolect.loader.prefetch import Prefetcher
from audiolect.progress import Progress
from audiolect.training.best_metric import find_chosen
from audiolect.training.checkpoint import Trained, save_checkpoint
from audiolect.training.meters import Meter
from audiolect.training.objectives import Objective
from audiolect.training.recipe import Recipe
from audiolect.training.schedules import rate_factor
from audiolect.training.standing import Standing
from audiolect.training.step import Stepper, objective_module
from audiolect.training.validation import ValidationSet

STOPPED = "stopped"


@dataclass(frozen=True, slots=True, eq=False)
class LoopPlan:
    """What is trained, on what, and where it is written.

    Args:
        recipe: all settings.
        folder: of the run.
        accelerator: devices and ranks.
        trained: the model, its optimiser and its average.
        objective: what is made small and measured.
        stepper: makes a step.
        batches: of the mixture.
        epochs: of the mixture.
        validation: the sets.
        total_steps: of the whole training.
        write: takes rows for the journal and the trackers: kind, step, values.
    """

    recipe: Recipe
    folder: Path
    accelerator: Accelerator
    trained: Trained
    objective: Objective
    stepper: Stepper
    batches: TrainingBatches
    epochs: int
    validation: tuple[ValidationSet, ...]
    total_steps: int
    write: Callable[[str, int, dict[str, Any]], None]


class Loop:
    """Runs a plan from a standing on.

    Args:
        plan: what is trained.
        standing: where it stands; changed as the training goes on.
        saved: the standing that the last checkpoint holds, as plain values.
    """

    def __init__(self, plan: LoopPlan, standing: Standing, saved: Mapping[str, Any] | None = None) -> None:
        self.plan, self.standing = plan, standing
        self._training, self._evaluation = plan.recipe.training, plan.recipe.evaluation
        self._saved = None if saved is None else dict(saved)
        self._meter = Meter()

    def run(self, progress: Progress) -> Standing:
        """Train to the end, or until asked to stop, and save.

        Raises:
            UsageError: a loss is not finite, or the metric that chooses does not exist.
        """
        standing = self.standing
        self.plan.trained.model.train()
        with progress("training", total=self.plan.total_steps, unit="steps") as advance:
            advance(standing.step)
            try:
                self._train(advance)
            except UsageError as problem:
                self.plan.write("failed", standing.step, problem.parts())
                raise
        if standing.ended == "":
            standing.ended = "all epochs are done"
        self._finish()
        return standing

    def _train(self, advance: Callable[[int], None]) -> None:
        standing = self.standing
        while standing.ended == "" and standing.epoch < self.plan.epochs:
            with self.plan.batches.epoch(standing.epoch, standing.position) as stream:
                self._epoch(stream, advance)
            if standing.ended == "":
                self._end_epoch()

    def _epoch(self, stream: Prefetcher[Any], advance: Callable[[int], None]) -> None:
        standing = self.standing
        if self._all_steps_done():
            return
        self._meter.start(stream)
        for group in _grouped(stream, self._training.accumulate):
            schedule = self._training.schedule
            factor = rate_factor(schedule, standing.step, self.plan.total_steps, standing.plateau.reductions)
            rate = self._training.optimizer.learning_rate * factor
            result = self.plan.stepper.step(group, rate)
            standing.step += 1
            standing.position = group[-1].position
            advance(1)
            measured = self._meter.measure(stream, result.audio_seconds)
            row = {"epoch": standing.epoch, "position": standing.position, "loss": result.loss, "learning_rate": rate}
            row |= {"gradient_norm": result.gradient_norm, **measured, **result.values}
            self.plan.write("step", standing.step, row)
            validated = _due(standing.step, self._evaluation.every_steps) and self._validate()
            if _due(standing.step, self._training.save_every_steps) or (validated and self._saves_validated()):
                self._save()
            if result.stop:
                standing.ended = STOPPED
            if standing.ended or self._all_steps_done():
                return
            self._meter.start(stream)

    def _end_epoch(self) -> None:
        standing = self.standing
        validated = (self._evaluation.every_steps is None or self._is_last_epoch()) and self._validate()
        if standing.ended == "" and self._all_steps_done():
            standing.ended = "all steps are done"
        if standing.ended == "":
            standing.epoch, standing.position = standing.epoch + 1, 0
            if self._training.save_every_steps is None or (validated and self._saves_validated()):
                self._save()

    def _saves_validated(self) -> bool:
        return self._training.save_every_steps is None or self.standing.best_step == self.standing.step

    def _all_steps_done(self) -> bool:
        most = self._training.max_steps
        return most is not None and self.standing.step >= most

    def _is_last_epoch(self) -> bool:
        return self._all_steps_done() or self.standing.epoch + 1 == self.plan.epochs

    def _validate(self) -> bool:
        """Measure every set; the mean of the metric over them chooses the best. False where it was done already."""
        standing, plan = self.standing, self.plan
        if not plan.validation or standing.validated_step == standing.step:
            return False
        standing.metrics = self._measure()
        metric = self._evaluation.metric or plan.objective.metric
        goal = self._evaluation.goal or plan.objective.goal
        chosen = find_chosen(metric, list(standing.metrics), self._training.objective)
        values = [standing.metrics[key][name] for key, name in chosen]
        stopping = self._training.early_stopping
        value = sum(values) / len(values)
        is_better = standing.see(value, goal, stopping.min_delta if stopping else 0.0)
        standing.plateau.see(self._training.schedule, is_better=is_better)
        plan.write("best", standing.step, {"metric": metric, "value": value, "best_step": standing.best_step})
        if stopping is not None and standing.waited >= stopping.patience:
            standing.ended = f"{standing.waited} validations brought nothing better"
        return True

    def _measure(self) -> dict[str, dict[str, float]]:
        plan, found = self.plan, {}
        model, module = plan.trained.model, objective_module(plan.stepper.module)
        with torch.random.fork_rng(), torch.no_grad(), plan.trained.for_use(), plan.accelerator.autocast():
            model.eval()
            for each in plan.validation:
                with each.batches(plan.accelerator.process_index, plan.accelerator.num_processes) as batches:
                    result = module.validate(batches, self._evaluation.shown_examples)
                found[each.key] = result.metrics
                row = {"set": each.key, "num_examples": result.num_examples, "metrics": result.metrics}
                plan.write("validation", self.standing.step, row)
                if result.shown:
                    rows = each.with_audio(result.shown)
                    plan.write("examples", self.standing.step, {"set": each.key, "rows": rows})
            model.train()
        return found

    def _save(self) -> bool:
        """Write a checkpoint; False where the last one is of this very standing."""
        average = self.plan.trained.average
        self.standing.average_updates = 0 if average is None else average.updates
        state = self.standing.as_dict()
        if state == self._saved:
            return False
        save_checkpoint(
            self.plan.folder,
            self.plan.trained,
            state,
            is_main=self.plan.accelerator.is_main_process,
            keep=self._training.keep_checkpoints,
        )
        self._saved = state
        self.plan.accelerator.wait_for_everyone()
        return True

    def _finish(self) -> None:
        """Save where the training is; a stop is no end, so that the next command goes on."""
        standing = self.standing
        why, standing.ended = standing.ended, "" if standing.ended == STOPPED else standing.ended
        is_new = self._save()
        standing.ended = why
        if why != STOPPED and is_new:
            values = {"why": why, "remarks": self.plan.objective.remarks(self.plan.trained.model)}
            self.plan.write("end", standing.step, values)


def _grouped(stream: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The batches of a step at a time; the last group of an epoch may have fewer."""
    batches = iter(stream)
    while group := list(islice(batches, size)):
        yield group


def _due(step: int, every: int | None) -> bool:
    return every is not None and step % every == 0
