"""The kinds of models that a recipe can train: how each is made, saved and loaded.

Conventions: a kind is told by the class of its settings, the section ``model`` of the recipe. To add one, write its
``build``, ``save`` and ``load``, and give it a row in MODEL_KINDS and a place in ``Recipe.model``.

Public names: ModelKind, MODEL_KINDS, kind_of, begun_model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from audiolect.config import Config
from audiolect.models.captioner import CaptionerSettings, build_captioner, load_captioner, save_captioner
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, load_model, save_model
from audiolect.models.text_tower import keep_vectors
from audiolect.training.recipe_paths import placed
from audiolect.training.starting import Start, started


@dataclass(frozen=True, slots=True)
class ModelKind:
    """One row.

    Args:
        name: for people and cards.
        build: settings and training captions → a model to be trained.
        save: writes a model into a folder.
        load: reads it again, with tokenizer and all.
    """

    name: str
    build: Callable[[Any, Iterable[str]], nn.Module]
    save: Callable[[Any, Path], None]
    load: Callable[[Path], nn.Module]


MODEL_KINDS: dict[type[Config], ModelKind] = {
    DualEncoderSettings: ModelKind("dual encoder", build_dual_encoder, save_model, load_model),
    CaptionerSettings: ModelKind("captioner", build_captioner, save_captioner, load_captioner),
}


def kind_of(settings: Config) -> ModelKind:
    """The kind that some settings configure."""
    return MODEL_KINDS[type(settings)]


def begun_model(settings: Any, start: Start | None, captions: Iterable[str], base: Path) -> nn.Module:
    """A model as a training begins with it.

    Args:
        settings: the section ``model`` of the recipe. The model keeps them as they are written.
        start: the weights to begin with; then nothing else that the settings name is opened.
        captions: of the training.
        base: the folder of the recipe, for its paths.

    Raises:
        UsageError: a path leads nowhere; what the kind's ``build`` raises.
    """
    as_opened = placed(settings, base) if start is None else started(settings, start)
    model: Any = kind_of(settings).build(as_opened, captions)
    model.settings = settings
    keep_vectors(model, base)
    return cast(nn.Module, model)
