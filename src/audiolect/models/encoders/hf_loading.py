"""Audio encoders of transformers: from a folder or the Hub, from a configuration, or from what a model of ours saved.

Conventions: a load is whole or refused: every weight of the encoder is in the checkpoint. What the checkpoint holds
besides (a decoder, a classifier, a text tower) is left out. Weights come as safetensors or through ``weights_only``;
code that a repository carries is never run.

Public names: HfEncoderSettings, HfArchitecture, open_encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from audiolect.config import Config
from audiolect.errors import UsageError
from audiolect.models.hf_config import HF_PROBLEMS, make_config
from audiolect.models.load_reports import keep_report, transformers_report


class HfEncoderSettings(Config):
    """Where the architecture and the weights of an encoder of transformers come from."""

    source: str | None = Field(default=None, description="A folder, or a name on the Hub, with config and weights.")
    revision: str | None = Field(default=None, description="The commit of the Hub's repository.")
    config: dict[str, Any] | None = Field(
        default=None, description="Instead of a source: what differs from the default config.json; random weights."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> HfEncoderSettings:
        if self.source is not None and self.config is not None:
            raise ValueError("give one of source and config")
        return self


@dataclass(frozen=True, slots=True)
class HfArchitecture:
    """How transformers calls an encoder, and where it stands in the models that carry it."""

    config: Any
    """The class of its configuration; None: whichever the key ``model_type`` says."""
    encoder: Any
    """The class that a configuration makes."""
    carriers: dict[str, tuple[Any, Callable[[Any], Any]]]
    """model_type of a source's config.json → the class that loads it, and the way from there to the encoder."""


def open_encoder(architecture: HfArchitecture, settings: HfEncoderSettings, saved: Path | None) -> Any:
    """The module of transformers.

    Args:
        architecture: what is looked for.
        settings: its origin; without source and config it has the default architecture and random weights.
        saved: a folder with a config.json that we wrote: then only the architecture is built.

    Raises:
        UsageError: it cannot be opened, is of another architecture, or lacks weights.
    """
    from transformers import AutoConfig
    from transformers.utils import logging

    talk: Any = logging
    before = talk.get_verbosity()
    talk.set_verbosity_error()
    try:
        if saved is not None:
            config: Any = architecture.config or AutoConfig
            return architecture.encoder(config.from_pretrained(saved, local_files_only=True))
        if settings.source is None:
            return architecture.encoder(_written_config(architecture, settings.config or {}))
        return _from_source(architecture, settings.source, settings.revision)
    except HF_PROBLEMS as problem:
        raise UsageError(
            "An audio encoder cannot be opened.",
            where=saved or settings.source or "audio.config",
            found=f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
            cause="no such folder or name, no connection, or a key that its configuration does not have",
            fix="give a folder with config.json and model.safetensors",
        ) from problem
    finally:
        talk.set_verbosity(before)


def _written_config(architecture: HfArchitecture, keys: Mapping[str, Any]) -> Any:
    if architecture.config is not None:
        return make_config(architecture.config, keys, "audio.config")
    kind, others = str(keys.get("model_type")), {key: value for key, value in keys.items() if key != "model_type"}
    if kind not in architecture.carriers:
        raise UsageError(
            "An encoder needs its architecture.",
            where="audio.config.model_type",
            expected=" or ".join(architecture.carriers),
            found=kind if "model_type" in keys else "neither source nor config.model_type",
        )
    return make_config(kind, others, "audio.config")


def _from_source(architecture: HfArchitecture, source: str, revision: str | None) -> Any:
    from transformers import AutoConfig

    model_type = AutoConfig.from_pretrained(source, revision=revision).model_type
    if model_type not in architecture.carriers:
        raise UsageError(
            "The source is a model of another kind.",
            where=source,
            expected="model_type " + " or ".join(architecture.carriers),
            found=f"model_type {model_type}",
            fix="choose the encoder of that kind, or another source",
        )
    loads, encoder_of = architecture.carriers[model_type]
    model, report = loads.from_pretrained(source, revision=revision, output_loading_info=True)
    encoder = encoder_of(model)
    missing = set(report["missing_keys"])
    names = {name for name, module in model.named_modules() if module is encoder}
    prefixes = tuple(f"{name}." if name else "" for name in names)
    lacking = sorted(name for name in missing if name.startswith(prefixes))
    if lacking:
        raise UsageError(
            "The source lacks weights of the encoder; nothing is loaded in part.",
            where=source,
            found=f"{len(lacking)} missing: {', '.join(lacking[:8])}",
            fix="take a source that holds the whole model",
        )
    keep_report(encoder, source, transformers_report(encoder, report, next(iter(prefixes), "")))
    return encoder
