"""Text encoders of transformers: from a folder or the Hub, from a configuration, or from what a model of ours saved.

Conventions: weights come as safetensors, or through ``weights_only``; code that a repository carries is never run.

Public names: PretrainedText, open_pretrained, save_pretrained_parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from audiolect.errors import AudiolectError, UsageError
from audiolect.models.text_settings import HuggingFaceSettings
from audiolect.models.text_tokenizer import SPECIAL_TOKENS


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
    except (OSError, ValueError, KeyError, ImportError) as problem:
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
    if saved is not None:
        config = AutoConfig.from_pretrained(saved, local_files_only=True)
        model = auto.from_config(config)
        words = AutoTokenizer.from_pretrained(saved, local_files_only=True)
    elif settings.config is not None:
        if tokenizer is None:
            raise UsageError(
                "A text encoder with random weights needs a tokenizer made from captions.",
                where="text.config",
                fix="build the model with build_dual_encoder(settings, captions)",
            )
        given = {key: value for key, value in settings.config.items() if key != "model_type"}
        model = auto.from_config(AutoConfig.for_model(settings.config["model_type"], **given))
        pad, cls, sep = SPECIAL_TOKENS
        fast: Any = PreTrainedTokenizerFast
        words = fast(tokenizer_object=tokenizer, pad_token=pad, cls_token=cls, sep_token=sep, eos_token=sep)
    else:
        model = auto.from_pretrained(settings.source, revision=settings.revision)
        words = AutoTokenizer.from_pretrained(settings.source, revision=settings.revision)
    if getattr(model.config, "is_encoder_decoder", False):
        model = model.get_encoder()
    if words.pad_token is None:
        words.pad_token = words.eos_token
    words.padding_side = "right"
    words.truncation_side = "right"
    return model, words


def _check_fit(settings: HuggingFaceSettings, model: Any, words: Any) -> None:
    problems = []
    positions = getattr(model.config, "max_position_embeddings", None)
    # The models of RoBERTa's family count their positions from behind the padding's id.
    offset = model.config.pad_token_id + 1 if "roberta" in model.config.model_type else 0
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
