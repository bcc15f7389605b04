"""CLAP checkpoints in transformers' format, as dual encoders of ours.

    model = load_clap("laion/clap-htsat-unfused")      # or a folder
    save_model(model, "clap")                          # and a recipe may say  model: {start: clap, …}

Both towers, both projections and the scale are taken over, and vectors are those of ``ClapModel.get_audio_features``
and ``get_text_features`` (tested). Where ``ClapFeatureExtractor`` and ours differ:

- a recording of up to 10 s is repeated as often as it fits and filled with silence in both (``repeatpad``); the
  log-mels agree to 1e-2 dB, and vectors to 1e-4;
- of a longer one transformers takes a random crop (``rand_trunc``), or fuses three random crops with the whole
  (``fusion``): the same file has another vector each time. Ours hears all of it in windows of 10 s, side by side, and
  takes their mean; a checkpoint with fusion hears each window as a recording that needs none.

CLAP has two scales, one for each direction; ours is the one over captions of a recording (``logit_scale_a``). Rankings
do not depend on it.

Public names: load_clap, clap_settings, CLAP_PROJECTION.
Source: Wu et al. 2023, arXiv 2211.06687; transformers, ``models/clap``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AutoConfig, ClapConfig, ClapModel
from transformers.utils import logging as transformers_logging

from audiolect.errors import UsageError
from audiolect.models.clap import DualEncoder, DualEncoderSettings, ProjectionSettings, TemperatureSettings
from audiolect.models.encoders.htsat import HtsatSettings
from audiolect.models.state_dicts import load_weights
from audiolect.models.text_settings import HuggingFaceSettings

# Beginnings of ClapProjectionLayer's names → those in a projection with a hidden layer.
CLAP_PROJECTION = (("linear1.", "0."), ("linear2.", "3."))


def load_clap(source: str | Path, *, revision: str | None = None) -> DualEncoder:
    """A dual encoder with the weights of a CLAP checkpoint, in eval mode.

    Args:
        source: a folder with config.json, model.safetensors and the tokenizer, or a name on the Hub.
        revision: the commit of the Hub's repository.

    Raises:
        UsageError: the source cannot be opened, is no CLAP checkpoint, or lacks weights.
    """
    theirs = _opened(str(source), revision)
    model = DualEncoder(clap_settings(theirs.config, str(source), revision))
    for ours, name in ((model.audio_projection, "audio_projection"), (model.text_projection, "text_projection")):
        state: dict[str, Tensor] = getattr(theirs, name).state_dict()
        load_weights(ours, state, where=f"{source}: {name}", renames=CLAP_PROJECTION)
    with torch.no_grad():
        scale: nn.Parameter = theirs.logit_scale_a
        model.log_scale.copy_(scale)
    return model.eval()


def clap_settings(config: Any, source: str, revision: str | None = None) -> DualEncoderSettings:
    """The settings of the dual encoder that a CLAP configuration describes."""
    activations: dict[str, Literal["relu", "gelu"]] = {"relu": "relu", "gelu": "gelu"}
    names = {config.text_config.projection_hidden_act, config.audio_config.projection_hidden_act}
    if len(names) != 1 or not names <= set(activations):
        raise UsageError(
            "A CLAP checkpoint has projections of another kind.",
            where=source,
            expected=" or ".join(activations) + ", the same on both sides",
            found=", ".join(sorted(names)),
        )
    scale = float(config.logit_scale_init_value)
    size = int(config.projection_dim)
    return DualEncoderSettings(
        audio=HtsatSettings(source=source, revision=revision),
        text=HuggingFaceSettings(source=source, revision=revision, pooling="pooler", max_tokens=_positions(config)),
        projection=ProjectionSettings(size=size, hidden=size, activation=activations[names.pop()]),
        temperature=TemperatureSettings(initial=1 / scale, largest=max(100.0, scale)),
    )


def _positions(config: Any) -> int:
    """The texts of CLAP's training had at most 77 tokens."""
    text = config.text_config
    return min(77, int(text.max_position_embeddings) - int(text.pad_token_id) - 1)


def _opened(source: str, revision: str | None) -> Any:
    talk: Any = transformers_logging
    loads: Any = ClapModel
    before = talk.get_verbosity()
    talk.set_verbosity_error()
    try:
        found = AutoConfig.from_pretrained(source, revision=revision).model_type
        if found != ClapConfig.model_type:
            raise UsageError(
                "The source is no CLAP checkpoint.",
                where=source,
                expected="model_type clap",
                found=f"model_type {found}",
            )
        model, report = loads.from_pretrained(source, revision=revision, output_loading_info=True)
    except (OSError, ValueError, KeyError) as problem:
        raise UsageError(
            "A CLAP checkpoint cannot be opened.",
            where=source,
            found=f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}",
            cause="no such folder or name, or no connection",
            fix="give a folder with config.json, model.safetensors and tokenizer.json",
        ) from problem
    finally:
        talk.set_verbosity(before)
    missing = sorted(report["missing_keys"])
    if missing:
        raise UsageError(
            "A CLAP checkpoint lacks weights; nothing is loaded in part.",
            where=source,
            found=f"{len(missing)} missing: {', '.join(missing[:8])}",
        )
    return model
