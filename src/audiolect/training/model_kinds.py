"""The kinds of models that a recipe can train: how each is made, saved and loaded.

Conventions: a kind is told by the class of its settings, the section ``model`` of the recipe. To add one, write its
``build``, ``save`` and ``load``, and give it a row in MODEL_KINDS and a place in ``Recipe.model``.

Public names: ModelKind, MODEL_KINDS, kind_of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from audiolect.config import Config
from audiolect.models.captioner import CaptionerSettings, build_captioner, load_captioner, save_captioner
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, load_model, save_model


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
