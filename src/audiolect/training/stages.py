"""A recipe of one stage or of several: each goes on with the weights of the stage before it.

    training:
      - {optimizer: {learning_rate: 1e-4}}                                       # the mixture of the recipe
      - {optimizer: {learning_rate: 4e-6}, freezing: {plan: fc1_only},           # another one
         mixture: {epochs: 5, entries: {clotho-AudioCaptioning/train: {}}}}

Conventions: a stage is a run of its own, in RUN/stage-1, RUN/stage-2, …, with its own schedule, optimiser, journal and
checkpoints; it begins with the best checkpoint of the one before (``from_checkpoint``). The same command goes on where
it was stopped, in whichever stage. ``RUN/stages.json`` says how many there are.

Public names: StageSettings, StagedRecipe, load_stages, train_stages, stage_folders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from audiolect.config import load_config, parse_config
from audiolect.errors import ConfigError
from audiolect.loader.mixture_settings import MixtureFile, MixtureSettings
from audiolect.models.clap import DualEncoderSettings
from audiolect.progress import Progress, silent_progress
from audiolect.storage import file_header, read_text, write_json
from audiolect.training.best_metric import check_metric
from audiolect.training.captioning import CaptioningSettings, programs_of
from audiolect.training.precision import open_accelerator
from audiolect.training.recipe import (
    OBJECTIVE_OF_KIND,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TrainingSettings,
    load_recipe,
    with_kinds,
)
from audiolect.training.run_folder import STAGES_KIND, STAGES_NAME, STAGES_VERSION, stage_name
from audiolect.training.session import Outcome, TrainOptions, train
from audiolect.training.starting import find_start
from audiolect.yaml_text import parse_yaml

Which: TypeAlias = Literal["best", "last"]

_OWN = {"mixture", "evaluation", "from_checkpoint"}


class StageSettings(TrainingSettings):
    """One stage: how it is trained, and on what where that is not the recipe's."""

    mixture: MixtureSettings | None = Field(default=None, description="Null: that of the recipe.")
    evaluation: EvaluationSettings | None = Field(default=None, description="Null: that of the recipe.")
    from_checkpoint: Which = Field(
        default="best", description="The checkpoint of the stage before that it begins with; the first has none."
    )


class StagedRecipe(MixtureFile):
    """The whole file of a recipe of several stages."""

    model: ModelSettings = Field(default=DualEncoderSettings(), description="What is trained.")
    training: Annotated[list[StageSettings], Field(min_length=1)] = Field(description="How, stage by stage.")
    evaluation: EvaluationSettings = Field(default=EvaluationSettings(), description="What is looked at meanwhile.")

    @classmethod
    def prepared(cls, values: dict[str, Any]) -> dict[str, Any]:
        """With the names that a person may leave out."""
        return with_kinds(values)

    @model_validator(mode="after")
    def _metrics_are_known(self) -> StagedRecipe:
        """As each stage's own recipe sees to, but while the lines of the file are known."""
        for number, stage in enumerate(self.training):
            chosen, place = stage.evaluation or self.evaluation, ("evaluation", "metric")
            if stage.objective.name == OBJECTIVE_OF_KIND[self.model.name]:
                where = place if stage.evaluation is None else ("training", number, *place)
                check_metric(chosen.metric, chosen.validation, stage.objective, where)
        return self


def load_stages(path: Path, overrides: Iterable[str] = ()) -> list[tuple[Recipe, Which]] | None:
    """The recipes of the stages, each with the checkpoint that it begins with; None where there are no stages.

    Args:
        path: a YAML file.
        overrides: ``training.0.optimizer.learning_rate=1e-4`` and the like.

    Raises:
        ConfigError: with every problem of the file and the overrides.
    """
    document = parse_yaml(read_text(path, error=ConfigError), where=path, error=ConfigError).value
    if not isinstance(document, dict) or not isinstance(document.get("training"), list):
        return None
    staged = load_config(path, StagedRecipe, overrides)
    found = []
    for number, stage in enumerate(staged.training, start=1):
        values = {
            "data": staged.model_dump(mode="json")["data"],
            "mixture": (stage.mixture or staged.mixture).model_dump(mode="json"),
            "model": staged.model.model_dump(mode="json"),
            "training": stage.model_dump(mode="json", exclude=_OWN),
            "evaluation": (stage.evaluation or staged.evaluation).model_dump(mode="json"),
        }
        found.append((parse_config(values, Recipe, f"{path}, stage {number}"), stage.from_checkpoint))
    return found


def train_stages(
    path: Path,
    folder: Path,
    options: TrainOptions | None = None,
    *,
    progress: Progress = silent_progress,
    asked_to_stop: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Train what a recipe says, all stages of it, or go on with it.

    Args:
        as of ``session.train``.

    Returns:
        What came of each stage; the last one is where it was stopped, if it was.

    Raises:
        As ``session.train``; ConfigError also where a stage has begun with weights that have changed since;
        MissingDependency, before anything is trained: a stage's validations need a program that is absent.
    """
    options = options or TrainOptions()
    stages = load_stages(path, options.overrides)
    if stages is None:
        whole = replace(options, recipe=load_recipe(path, options.overrides))
        _look_for_programs([whole.recipe], path.parent)
        return [train(path, folder, whole, progress=progress, asked_to_stop=asked_to_stop)]
    _look_for_programs([recipe for recipe, _ in stages], path.parent)
    outcomes: list[Outcome] = []
    folders = stage_folders(folder, len(stages))
    for place, (recipe, which) in enumerate(stages):
        start = find_start(f"{folders[place - 1].name}@{which}", folder) if place else None
        stage = replace(options, recipe=recipe, start=start)
        outcomes.append(train(path, folders[place], stage, progress=progress, asked_to_stop=asked_to_stop))
        if outcomes[-1].is_main:
            # After the first stage has its folder: what holds something else is refused there.
            write_json(folder / STAGES_NAME, {**file_header(STAGES_KIND, STAGES_VERSION), "stages": len(stages)})
        if outcomes[-1].stopped:
            break
    return outcomes


def _look_for_programs(recipes: Iterable[Recipe | None], base: Path) -> None:
    for recipe in recipes:
        objective = None if recipe is None else recipe.training.objective
        if isinstance(objective, CaptioningSettings) and (objective.spice_jars is not None or objective.meteor):
            open_accelerator("float32")  # so that ranks know each other: the first one looks for all
            programs_of(objective, base)


def stage_folders(folder: Path, count: int) -> list[Path]:
    """The folders of the stages of a run."""
    return [folder / stage_name(number) for number in range(1, count + 1)]
