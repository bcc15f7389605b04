"""A recipe: the one file that says what a training is made of.

    data: {world: {dataset: data/world, pack: data/world-pack}}
    mixture: {epochs: 20, seed: 7, entries: {world-AudioCaptioning/train: {}}}
    model: {audio: {name: small}, projection: {size: 256}}
    training: {optimizer: {learning_rate: 1e-3}, batches: {rate_hz: 32000, batch_size: 32}}
    evaluation: {validation: [world-AudioCaptioning/validation]}

Conventions: as in every configuration of audiolect (``config.py``). ``data`` and ``mixture`` are those of a mixture
(``loader/mixture_settings.py``). Every path is relative to the file (``recipe_paths.py``). A validation never
looks at a test split: splits that play that role are refused.

Public names: Recipe, TrainingSettings, EvaluationSettings, EarlyStopping, ModelSettings, OBJECTIVE_OF_KIND,
load_recipe.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from audiolect.config import Config, load_config
from audiolect.data.leaks import role_of
from audiolect.errors import UsageError, nearest_names
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.mixture_settings import MixtureFile, canonical_key
from audiolect.models.adapt import FreezingSettings
from audiolect.models.captioner_settings import CaptionerSettings
from audiolect.models.clap import DualEncoderSettings
from audiolect.training.averaging import AverageSettings
from audiolect.training.best_metric import check_metric
from audiolect.training.captioning import CaptioningSettings, style_of
from audiolect.training.objectives import ObjectiveSettings, RetrievalSettings
from audiolect.training.optim import OptimizerSettings
from audiolect.training.schedules import ScheduleSettings

_Count = Annotated[int, Field(ge=1)]


def _key(text: str) -> str:
    try:
        canonical_key(text)
    except UsageError as problem:
        raise ValueError(f"{problem.what.rstrip('.')}; expected DATASET-Task/split, found {text!r}") from problem
    return text


_Key = Annotated[str, AfterValidator(_key)]

ModelSettings: TypeAlias = Annotated[DualEncoderSettings | CaptionerSettings, Field(discriminator="name")]

# name of the model's settings → name of the objective that trains it
OBJECTIVE_OF_KIND: dict[str, str] = {"dual_encoder": "retrieval", "captioner": "captioning"}


def with_kinds(values: dict[str, Any]) -> dict[str, Any]:
    """A recipe's values with the names of the model and, in each stage, of the objective, where they are not said."""
    values = _named(values, "model", "dual_encoder")
    kind = values["model"]["name"] if isinstance(values["model"], dict) else None
    objective = OBJECTIVE_OF_KIND.get(kind) if isinstance(kind, str) else None
    training = {} if values.get("training") is None else values["training"]
    if objective is None:
        return values
    if isinstance(training, list):
        stages = [_named(stage, "objective", objective) if isinstance(stage, dict) else stage for stage in training]
        return {**values, "training": stages}
    return {**values, "training": _named(training, "objective", objective)} if isinstance(training, dict) else values


def _named(values: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    inner = {} if values.get(section) is None else values[section]
    return {**values, section: {"name": name, **inner} if isinstance(inner, dict) else inner}


class EarlyStopping(Config):
    """When a training ends before its time."""

    patience: _Count = Field(default=10, description="Validations in a row that bring nothing better.")
    min_delta: Annotated[float, Field(ge=0)] = Field(default=0.0, description="By how much better is better.")


class TrainingSettings(Config):
    """How the model is trained."""

    objective: ObjectiveSettings = Field(default=RetrievalSettings(), description="What is made small.")
    batches: BatchSettings = Field(default=BatchSettings(), description="How examples become batches.")
    optimizer: OptimizerSettings = Field(default=OptimizerSettings(), description="AdamW.")
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description="The learning rate over the steps.")
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Of weights and dropout; orders are the mixture's."
    )
    accumulate: _Count = Field(default=1, description="Batches of one optimiser step.")
    clip_norm: Annotated[float, Field(gt=0)] | None = Field(
        default=1.0, description="The largest norm of the accumulated gradient; null: as it comes."
    )
    precision: Literal["auto", "bf16", "float32"] = Field(
        default="auto", description="auto: bf16 where the processor multiplies it fast, else float32."
    )
    average: AverageSettings | None = Field(
        default=None, description="A moving average of the weights, which is then what is validated and used."
    )
    freezing: FreezingSettings = Field(default=FreezingSettings(), description="What of the model trains.")
    compile: bool = Field(default=False, description="torch.compile of the model's parts.")
    gradient_checkpointing: bool = Field(default=False, description="Compute again in the way back: less memory.")
    shard: bool = Field(default=False, description="FSDP2: weights, gradients and optimiser divided among the ranks.")
    max_steps: _Count | None = Field(default=None, description="Optimiser steps; null: those of all epochs.")
    save_every_steps: _Count | None = Field(
        default=None, description="Optimiser steps between checkpoints; null: at validations and ends of epochs."
    )
    keep_checkpoints: _Count = Field(default=2, description="How many of the last are kept, beside the best.")
    early_stopping: EarlyStopping | None = Field(default=None, description="Null: train to the end.")
    threads: _Count | None = Field(default=None, description="Threads of torch; null: as torch chooses.")
    trackers: tuple[str, ...] = Field(
        default=(), description="Beside the journal: tensorboard, wandb, mlflow, trackio."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> TrainingSettings:
        if self.shard and (self.average is not None or self.compile):
            raise ValueError("shard goes neither with average nor with compile")
        if self.shard and getattr(self.objective, "micro_batch", None) is not None:
            raise ValueError("shard does not go with objective.micro_batch: weights are brought together once a step")
        if getattr(self.objective, "mixing", None) is not None and self.batches.has_windows:
            raise ValueError("objective.mixing goes with the policies crop and pad: windows are not mixed")
        return self


class EvaluationSettings(Config):
    """What is looked at while training."""

    validation: tuple[_Key, ...] = Field(default=(), description="DATASET-Task/split of each fixed set of examples.")
    every_steps: _Count | None = Field(
        default=None, description="Optimiser steps between validations; null: after every epoch."
    )
    batches: BatchSettings | None = Field(default=None, description="Null: those of the training.")
    metric: str | None = Field(
        default=None,
        description="What chooses the best checkpoint: METRIC, the mean over the sets, or DATASET/METRIC; null: the "
        "objective's.",
    )
    goal: Literal["max", "min"] | None = Field(default=None, description="Null: that of the objective's metric.")
    shown_examples: Annotated[int, Field(ge=0)] = Field(default=5, description="Examples of each set in the journal.")
    templates: tuple[str, ...] | None = Field(
        default=None, description="Prompts around labels in `predict`, with {label} in them; null: the usual ones."
    )
    waive_leaks: tuple[str, ...] = Field(
        default=(), description="DATASET/split: evaluation splits whose leaks into the training are accepted."
    )

    @model_validator(mode="after")
    def _never_on_test(self) -> EvaluationSettings:
        for text in self.validation:
            if role_of(canonical_key(text).split) == "test":
                raise ValueError(
                    f"validation: {text} is a test split: what chooses the best checkpoint must not be what it is "
                    f"measured on; `audiolect split` makes a validation split"
                )
        if (self.metric is None) != (self.goal is None):
            raise ValueError("metric and goal go together: whether more or less of it is better")
        return self


class Recipe(MixtureFile):
    """The whole file."""

    model: ModelSettings = Field(default=DualEncoderSettings(), description="What is trained.")
    training: TrainingSettings = Field(default=TrainingSettings(), description="How it is trained.")
    evaluation: EvaluationSettings = Field(default=EvaluationSettings(), description="What is looked at meanwhile.")

    @classmethod
    def prepared(cls, values: dict[str, Any]) -> dict[str, Any]:
        """With the names that a person may leave out: those of the model's kind and of what trains it."""
        return with_kinds(values)

    @model_validator(mode="after")
    def _objective_is_that_of_the_model(self) -> Recipe:
        wanted, found = OBJECTIVE_OF_KIND[self.model.name], self.training.objective.name
        if wanted != found:
            raise ValueError(f"training.objective: a {self.model.name} is trained by {wanted}, not by {found}")
        if isinstance(self.training.objective, CaptioningSettings):
            self._check_styles(self.training.objective)
        return self

    def _check_styles(self, settings: CaptioningSettings) -> None:
        trained: dict[str, str] = {}
        asked: dict[str, str] = {}
        for styles, keys in ((trained, self.mixture.entries), (asked, self.evaluation.validation)):
            for key in keys:
                try:
                    styles[key] = style_of(key, settings)
                except UsageError as problem:
                    raise ValueError(f"{key}: {problem.what}; {problem.fix}") from problem
        for key, style in asked.items():
            if style not in trained.values() and settings.generation.known_styles:
                known = ", ".join(sorted({repr(each) for each in trained.values()}))
                raise ValueError(
                    f"evaluation.validation: {key} has the style {style!r}, which is not trained; the mixture has "
                    f"{known}; training.objective.styles gives one to a DATASET-Task"
                )

    @model_validator(mode="after")
    def _validation_is_known(self) -> Recipe:
        trained = {canonical_key(key) for key in self.mixture.entries}
        for text in self.evaluation.validation:
            key = canonical_key(text)
            if key.dataset not in self.data:
                near = nearest_names(key.dataset, self.data)
                guess = f"did you mean {' or '.join(near)}?" if near else f"data has {', '.join(sorted(self.data))}"
                raise ValueError(f"evaluation.validation: there is no dataset {key.dataset!r} in data; {guess}")
            if key in trained:
                raise ValueError(f"evaluation.validation: {text} is what the mixture trains on")
        return self

    @model_validator(mode="after")
    def _metric_is_known(self) -> Recipe:
        chosen = self.evaluation
        check_metric(chosen.metric, chosen.validation, self.training.objective, ("evaluation", "metric"))
        return self


def load_recipe(path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        path: a YAML file.
        overrides: ``training.optimizer.learning_rate=1e-4`` and the like.

    Raises:
        ConfigError: with every problem of the file and the overrides.
    """
    return load_config(path, Recipe, overrides)
