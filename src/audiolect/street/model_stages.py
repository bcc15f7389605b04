"""The stages of models: train, predict and index. Each calls what the verb of its name calls.

Conventions: as of ``kind.py``. A captioner is told from a dual encoder by the run. A training that is asked to stop
saves what it has.

Public names: TRAIN, PREDICT, INDEX.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, JsonValue

from audiolect.config import Config, parse_config
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.embedding_files import CARD_NAME
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.pack import open_pack_of
from audiolect.loader.waveforms import WaveformSource
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict.caption_writer import is_captioner, open_caption_writer
from audiolect.predict.captioning import CaptionRequest, predict_captions
from audiolect.predict.prediction import PredictRequest, predict
from audiolect.predict.run_model import locate_model, open_run_model, with_changes
from audiolect.search.index import add_dataset
from audiolect.street.indexing import model_side
from audiolect.street.kind import Input, Kind, StageOptions, Stopped, Work, given
from audiolect.text_predictions import FILE_NAME
from audiolect.training.session import TrainOptions
from audiolect.training.stages import train_stages
from audiolect.training.stopping import stop_signals

_TORCH = (("torch", "models"), ("accelerate", "models"))
_Size = Annotated[int, Field(ge=1)]
_Seconds = Annotated[float, Field(gt=0)]


class DataPlace(Config):
    """Where a data source of the training's recipe is."""

    dataset: Path
    pack: Path | None = None
    where: str | None = Field(default=None, description="Null: as the recipe says.")


class TrainOptionsOfStage(StageOptions):
    """As of ``audiolect train``."""

    recipe: Path = Field(description="The recipe of the training; its own paths of data are not used.")
    data: Annotated[dict[str, DataPlace], Field(min_length=1)] = Field(description="name in the recipe → where it is")
    set: dict[str, JsonValue] = Field(default={}, description="a.b → a value in the place of the recipe's.")


class PredictOptions(StageOptions):
    """As of ``audiolect predict``."""

    run: Path
    dataset: Path
    pack: Path | None = Field(default=None, description="Null: the audio files are read.")
    split: str | None = None
    where: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, description="The classes; null: those of the dataset.")
    window_seconds: _Seconds | None = Field(default=None, description="Dual encoders: null: as the run says.")
    task: str = Field(default="AudioCaptioning", description="Captioners: whose examples are asked.")
    style: str | None = Field(default=None, description="Captioners: how it is to sound.")
    generation: dict[str, JsonValue] = Field(default={}, description="Captioners: what is not as the run says.")
    allow_partial: bool = Field(default=False, description="Leave out, and count, what the pack lacks.")


class IndexOptions(StageOptions):
    """As of ``audiolect index``."""

    run: Path = Field(description="A run, or predictions of one.")
    dataset: Path
    pack: Path | None = None
    split: str | None = None
    where: str | None = None
    max_problems: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Null: no limit.")


def _train(options: TrainOptionsOfStage, place: Path, work: Work) -> list[str]:
    chosen = TrainOptions(overrides_of(options), command=work.command, tell=work.tell)
    with stop_signals() as asked:
        outcomes = train_stages(options.recipe, place, chosen, progress=work.progress, asked_to_stop=asked)
    standing = outcomes[-1].standing
    if outcomes[-1].stopped:
        raise Stopped(asked.exit_code or 1)
    told = [f"{standing.step} steps: {standing.ended}"]
    if standing.best_value is not None:
        told.append(f"best validation {standing.best_value:.4f} at step {standing.best_step}")
    return told + [remark for outcome in outcomes for remark in outcome.remarks]


def overrides_of(options: TrainOptionsOfStage) -> tuple[str, ...]:
    """What of the recipe is replaced: where its data is, and what ``set`` says."""
    found = []
    for name, source in options.data.items():
        key = f"data.{json.dumps(name)}" if "." in name else f"data.{name}"
        found.append(f"{key}.dataset={json.dumps(str(source.dataset.absolute()))}")
        pack = None if source.pack is None else str(source.pack.absolute())
        found.append(f"{key}.pack={json.dumps(pack)}")
        if source.where is not None:
            found.append(f"{key}.where={json.dumps(source.where)}")
    return (*found, *(f"{key}={json.dumps(value)}" for key, value in options.set.items()))


def _predict(options: PredictOptions, place: Path, work: Work) -> list[str]:
    if any((place / name).is_file() and not (place / "unfinished").exists() for name in (CARD_NAME, FILE_NAME)):
        return ["all had been predicted"]
    dataset = open_dataset(options.dataset)
    asked: dict[str, Any] = {
        "split": options.split,
        "where": options.where,
        "allow_partial": options.allow_partial,
        "source": "files" if options.pack is None else "pack",
        "overwrite": True,
        "command": work.command,
    }
    describe = is_captioner(options.run)
    return (_describe if describe else _embed)(options, dataset, place, work, asked)


def _embed(options: PredictOptions, dataset: Dataset, place: Path, work: Work, asked: dict[str, Any]) -> list[str]:
    model = open_run_model(options.run)
    settings = with_changes(model.settings, window_seconds=options.window_seconds, batch_size=None)
    request = PredictRequest(settings=settings, labels=options.labels, templates=model.templates, **asked)
    source = _sound(dataset, options.pack, model.embedder.rate_hz)
    report = predict(request, dataset, model.embedder, source, place, progress=work.progress)
    part = report.card.dataset
    counted = f"{part.num_embedded} of {part.num_expected} recordings, {report.num_captions} captions"
    return [counted, *_left_out(part.left_out)]


def _describe(options: PredictOptions, dataset: Dataset, place: Path, work: Work, asked: dict[str, Any]) -> list[str]:
    opened = open_caption_writer(locate_model(options.run))
    written = opened.generation.model_dump(mode="json") | options.generation
    request = CaptionRequest(
        settings=opened.settings,
        generation=parse_config(written, GenerationSettings, "generation"),
        task=options.task,
        style=options.style,
        **asked,
    )
    source = _sound(dataset, options.pack, opened.writer.rate_hz)
    report = predict_captions(request, dataset, opened.writer, source, place, progress=work.progress)
    part = report.header.dataset
    return [f"{part.num_predicted} of {part.num_expected} recordings described", *_left_out(part.left_out)]


def _sound(dataset: Dataset, pack: Path | None, rate_hz: int) -> WaveformSource:
    return open_audio_files(dataset, rate_hz) if pack is None else open_pack_of(pack, dataset)


def _left_out(reasons: dict[str, int]) -> list[str]:
    return [f"left out: {count} {reason}" for reason, count in reasons.items()]


def _index(options: IndexOptions, place: Path, work: Work) -> list[str]:
    dataset = open_dataset(options.dataset)
    request, embed = model_side(
        options.run,
        "best",
        dataset,
        options.pack,
        split=options.split,
        where=options.where,
        max_problems=options.max_problems,
        add=True,  # one that a killed run had finished is brought up to date, which takes no time
        command=work.command,
    )
    report = add_dataset(place, dataset, request, embed, progress=work.progress)
    return [f"{report.card.num_recordings} recordings", *_left_out(dict(report.card.datasets[-1].left_out))]


def _of_training(options: TrainOptionsOfStage) -> list[Input]:
    places = [(f"data.{name}", source) for name, source in options.data.items()]
    return [
        ("recipe", "recipe", options.recipe),
        *((f"{label}.dataset", "dataset", source.dataset) for label, source in places),
        *given((f"{label}.pack", "pack", source.pack) for label, source in places),
    ]


def _of_prediction(options: PredictOptions) -> list[Input]:
    return given([("run", "run", options.run), *_of_data(options)])


def _of_index(options: IndexOptions) -> list[Input]:
    return given([("run", "model", options.run), *_of_data(options)])


def _of_data(options: PredictOptions | IndexOptions) -> list[tuple[str, str, Path | None]]:
    return [("dataset", "dataset", options.dataset), ("pack", "pack", options.pack)]


def _part(options: PredictOptions | IndexOptions) -> str:
    return " ".join(part for part in (options.split and f"split {options.split}", options.where) if part)


TRAIN = Kind(
    about="a model learns",
    options=TrainOptionsOfStage,
    inputs=_of_training,
    writes="run",
    run=_train,
    says=lambda options: options.recipe.name,
    extras=_TORCH,
)
PREDICT = Kind(
    about="a model is asked",
    options=PredictOptions,
    inputs=_of_prediction,
    writes="predictions",
    run=_predict,
    says=_part,
    extras=_TORCH,
)
INDEX = Kind(
    about="recordings to be searched",
    options=IndexOptions,
    inputs=_of_index,
    writes="index",
    run=_index,
    says=_part,
    extras=(*_TORCH, ("lancedb", "search")),
)
