"""A dual encoder as a folder that transformers loads as a CLAP: weights, configuration, tokenizer, features.

    export_clap(model, "folder")
    ClapModel.from_pretrained("folder"); pipeline("zero-shot-audio-classification", "folder")

The way back of ``clap_checkpoint.py``. Conventions: only a dual encoder of CLAP's own parts can be one: HTSAT, the text
encoder of a CLAP with its pooler, and projections with a hidden layer as wide as the vectors. CLAP has a scale for each
direction; both get ours. Recordings beyond 10 s differ, as said there.

Public names: export_clap, clap_of.
Source: Wu et al. 2023, arXiv 2211.06687; transformers, ``models/clap``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from audiolect.errors import UsageError
from audiolect.models.clap import DualEncoder
from audiolect.models.clap_checkpoint import CLAP_PROJECTION
from audiolect.models.encoders.htsat import HtsatEncoder
from audiolect.models.state_dicts import load_weights
from audiolect.models.text_settings import HuggingFaceSettings


def export_clap(model: DualEncoder, folder: str | Path) -> None:
    """Write the folder; it may exist.

    Raises:
        UsageError: the model is no CLAP of transformers; the letter says what it lacks.
    """
    from transformers import ClapFeatureExtractor, ClapProcessor

    folder = Path(folder)
    clap_of(model).save_pretrained(folder)
    features: Any = ClapFeatureExtractor
    joins: Any = ClapProcessor
    extractor = features(truncation="fusion" if model.audio.fused else "rand_trunc", padding="repeatpad")
    joins(extractor, model.text.words).save_pretrained(folder)
    # Older programs look for the features in a file of their own.
    extractor.save_pretrained(folder)


def clap_of(model: DualEncoder) -> Any:
    """The ``ClapModel`` of the same weights, on the CPU, in eval mode.

    Raises:
        UsageError: as of ``export_clap``.
    """
    from transformers import ClapConfig, ClapModel

    _check(model)
    projection, text = model.settings.projection, model.text.encoder
    own = {"projection_dim": projection.size, "projection_hidden_act": projection.activation}
    config = ClapConfig(
        text_config=text.config.to_dict() | own,
        audio_config=model.audio.model.config.to_dict() | own,
        projection_dim=projection.size,
        logit_scale_init_value=1 / model.settings.temperature.initial,
    )
    made: Any = ClapModel
    whole = made(config)
    for part, module in (("audio_model", model.audio.model), ("text_model", text)):
        load_weights(getattr(whole, part), module.state_dict(), where=f"export: {part}")
    back = [(ours, theirs) for theirs, ours in CLAP_PROJECTION]
    for name in ("audio_projection", "text_projection"):
        state = getattr(model, name).state_dict()
        load_weights(getattr(whole, name), state, where=f"export: {name}", renames=back)
    with torch.no_grad():
        for scale in (whole.logit_scale_a, whole.logit_scale_t):
            scale.copy_(model.scale().log())
    return whole.eval()


def _check(model: DualEncoder) -> None:
    text, projection = model.text.settings, model.settings.projection
    lacks = []
    if not isinstance(model.audio, HtsatEncoder):
        lacks.append(f"the audio encoder is {type(model.audio).__name__}, not htsat")
    kind = getattr(getattr(model.text.encoder, "config", None), "model_type", type(model.text.encoder).__name__)
    if kind != "clap_text_model":
        lacks.append(f"the text encoder is {kind}, not that of a CLAP")
    elif not isinstance(text, HuggingFaceSettings) or text.pooling != "pooler" or text.normalise:
        lacks.append("the text tower is not pooling: pooler without normalise")
    if projection.hidden != projection.size:
        lacks.append(f"projection.hidden is {projection.hidden}, not projection.size, {projection.size}")
    if model.logit_bias is not None:
        lacks.append("the similarities have a bias")
    if lacks:
        raise UsageError(
            "This dual encoder is no CLAP, and no other class of transformers is made as it is.",
            expected="audio: htsat; text: the encoder of a CLAP, pooling: pooler; projection: hidden as wide as size",
            found="; ".join(lacks),
            fix="use audiolect's own folder, which load_model reads",
        )
