"""Text encoders of transformers: from a folder or the Hub, from a configuration, or from what a model of ours saved.

Conventions: weights come as safetensors, or through ``weights_only``; code that a repository carries is never run. A
load is whole or refused. A model's own head over its first token is taken off where the pooling is another. Of a CLAP
checkpoint it is the text side that is taken.

Public names: PretrainedText, open_pretrained, save_pretrained_parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    ClapModel,
    ClapTextConfig,
    ClapTextModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from audiolect.errors import AudiolectError, UsageError
from audiolect.models.hf_config import HF_PROBLEMS, make_config
from audiolect.models.load_reports import keep_report, transformers_report
from audiolect.models.text_settings import HuggingFaceSettings
from audiolect.models.text_tokenizer import SPECIAL_TOKENS
from audiolect.storage import read_json


class PretrainedText:
    """A model of transformers with its tokenizer. ``tokenizer`` pads behind the text."""

    def __init__(self, model: nn.Module, tokenizer: Any) -> None:
        self.model: Any = model
        self.tokenizer = tokenizer


def open_pretrained(
    settings: HuggingFaceSettings, tokenizer: Tokenizer | None = None, saved: Path | None = None
) -> PretrainedText:
    """The encoder of the settings.

    Args:
        settings: which one.
        tokenizer: made from captions, for a ``config``; of a source its own is taken.
        saved: the folder of ``save_pretrained_parts``: then only the architecture is built.

    Raises:
        UsageError: it cannot be opened; the tokenizer does not fit; ``max_tokens`` is beyond the model's positions.
    """
    talk: Any = transformers_logging
    before = talk.get_verbosity()
    talk.set_verbosity_error()
    try:
        model, words = _opened(settings, tokenizer, saved)
    except HF_PROBLEMS as problem:
        raise UsageError(
            "A text encoder cannot be opened.",
            where=saved or settings.source or "text.config",
            found=f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
            cause="no such folder or name, no connection, or a model_type that transformers does not know",
            fix="give a folder with config.json, model.safetensors and tokenizer.json",
        ) from problem
    finally:
        talk.set_verbosity(before)
    _check_fit(settings, model, words)
    return PretrainedText(model, words)


def save_pretrained_parts(text: PretrainedText, folder: Path) -> None:
    """Write config.json and the tokenizer's files into ``folder``; the weights stand elsewhere."""
    text.model.config.save_pretrained(folder)
    text.tokenizer.save_pretrained(folder)


def _opened(settings: HuggingFaceSettings, tokenizer: Tokenizer | None, saved: Path | None) -> tuple[Any, Any]:
    auto: Any = AutoModel
    info, prefix = None, ""
    if saved is not None:
        model = _architecture(saved)
        words = AutoTokenizer.from_pretrained(saved, local_files_only=True)
    elif settings.config is not None:
        if tokenizer is None:
            raise UsageError(
                "A text encoder with random weights needs a tokenizer made from captions.",
                where="text.config",
                fix="build the model with build_dual_encoder(settings, captions)",
            )
        given = {key: value for key, value in settings.config.items() if key != "model_type"}
        model = auto.from_config(make_config(settings.config["model_type"], given, "text.config"))
        pad, cls, sep = SPECIAL_TOKENS
        fast: Any = PreTrainedTokenizerFast
        words = fast(tokenizer_object=tokenizer, pad_token=pad, cls_token=cls, sep_token=sep, eos_token=sep)
    else:
        model, info, prefix = _from_source(str(settings.source), settings)
        words = AutoTokenizer.from_pretrained(settings.source, revision=settings.revision)
    if getattr(model.config, "is_encoder_decoder", False):
        model, prefix = model.get_encoder(), "encoder."
    if settings.pooling != "pooler" and getattr(model, "pooler", None) is not None:
        model.pooler = None  # weights that no output depends on: they would get no gradient
    if info is not None:
        keep_report(model, settings.source, transformers_report(model, info, prefix))
    if words.pad_token is None:
        words.pad_token = words.eos_token
    words.padding_side = "right"
    words.truncation_side = "right"
    return model, words


def _architecture(saved: Path) -> Any:
    """A model without its weights, of the configuration that was saved."""
    auto: Any = AutoModel
    if read_json(saved / "config.json").get("model_type") == ClapTextConfig.model_type:  # which AutoModel does not know
        return ClapTextModel(ClapTextConfig.from_pretrained(saved))
    return auto.from_config(AutoConfig.from_pretrained(saved, local_files_only=True))


def _from_source(source: str, settings: HuggingFaceSettings) -> tuple[Any, dict[str, Any], str]:
    """A model with its weights, all of them, but for a head over the first token that is not used; what transformers
    says of the load, and how the names begin there.
    """
    loads: Any = AutoModel
    model, report = loads.from_pretrained(source, revision=settings.revision, output_loading_info=True)
    unused = () if settings.pooling == "pooler" else ("pooler.", "text_model.pooler.")
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(unused))
    if missing:
        raise UsageError(
            "A source lacks weights of its text encoder; nothing is loaded in part.",
            where=source,
            found=f"{len(missing)} missing: {', '.join(missing[:8])}",
            fix="take a source that holds the whole model, or another pooling where it is pooler that is missing",
        )
    return (model.text_model, report, "text_model.") if isinstance(model, ClapModel) else (model, report, "")


def _check_fit(settings: HuggingFaceSettings, model: Any, words: Any) -> None:
    problems = []
    positions = getattr(model.config, "max_position_embeddings", None)
    # The models of RoBERTa's family count their positions from behind the padding's id, for which one is set aside.
    places = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(places, "padding_idx", None)
    offset = 0 if padding is None else padding + 1
    if positions is not None and settings.max_tokens > positions - offset:
        problems.append(f"max_tokens is {settings.max_tokens}, and the model has {positions - offset} positions")
    vocabulary = getattr(model.config, "vocab_size", None)
    if vocabulary is not None and len(words) > vocabulary:
        problems.append(f"the tokenizer has {len(words)} tokens, and the model {vocabulary}")
    if problems:
        error: AudiolectError = UsageError(
            "A text encoder and its settings do not fit together.",
            where=settings.source or "text.config",
            found="; ".join(problems),
            fix="change max_tokens, or take the tokenizer of the same model",
        )
        raise error
