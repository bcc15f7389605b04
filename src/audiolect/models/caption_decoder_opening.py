"""Decoders of transformers for captioners: from a folder or the Hub, from a configuration, or from what we saved.

Conventions: a load is whole or refused, but for a cross-attention that is added to a causal language model: it begins
with random weights. The encoder of a sequence-to-sequence model is left out. Code that a repository carries is never
run. A model whose output layer does more than ours knows of is refused when it is opened, not found out later.

Public names: build_hf_decoder, open_hf_decoder, save_hf_decoder.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from audiolect.errors import UsageError
from audiolect.models.caption_decoder_hf import HfCaptionDecoder
from audiolect.models.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer
from audiolect.models.captioner_settings import HfDecoderSettings
from audiolect.models.hf_config import HF_PROBLEMS, make_config
from audiolect.models.load_reports import keep_report, transformers_report
from audiolect.storage import read_json, write_json

# How the architectures call their dropouts.
_DROPOUTS = ("dropout", "dropout_rate", "resid_pdrop", "embd_pdrop", "attn_pdrop", "hidden_dropout_prob")
# Parts of the names of a cross-attention's weights.
_CROSS = ("crossattention", "encoder_attn", "EncDecAttention", "cross_attn", "ln_cross_attn")


def build_hf_decoder(
    settings: HfDecoderSettings, captions: Iterable[str], dropout: float | None
) -> tuple[HfCaptionDecoder, CaptionTokenizer]:
    """A decoder to be trained, and its tokenizer.

    Raises:
        UsageError: it cannot be opened, cannot hear in the way that was asked for, or its tokenizer is of another
            vocabulary.
        DatasetError: a configuration takes a tokenizer from captions, and there are none.
    """
    tokenizer = None
    if settings.config is not None:
        tokenizer = train_caption_tokenizer(
            captions, settings.vocabulary, min_count=settings.min_count, lower_case=settings.lower_case
        )
    where = settings.source or "decoder.config"
    talk: Any = transformers_logging
    before = talk.get_verbosity()
    talk.set_verbosity_error()
    try:
        config = _config(settings, tokenizer)
        for name in _DROPOUTS:
            if dropout is not None and hasattr(config, name):
                setattr(config, name, dropout)
        model = _from_source(settings, config) if tokenizer is None else _class_of(config).from_config(config)
        words = tokenizer or _words_of(settings, config)
    except HF_PROBLEMS as problem:
        raise _not_opened(problem, where) from problem
    finally:
        talk.set_verbosity(before)
    if words.size > config.vocab_size:
        raise UsageError(
            "The tokenizer does not match the weights.",
            where=where,
            found=f"the tokenizer has {words.size} tokens, and the weights {config.vocab_size}",
            fix="give the folder with the tokenizer that belongs to the weights",
        )
    decoder = HfCaptionDecoder(_without_encoder(model), _way(settings, model, where))
    _check_output(decoder, where)
    return decoder, words


def open_hf_decoder(settings: HfDecoderSettings, saved: Path) -> tuple[HfCaptionDecoder, CaptionTokenizer]:
    """A saved decoder without its weights. Raises UsageError where its files are not there."""
    stored = read_json(saved / "captioner.json")
    try:
        config = AutoConfig.from_pretrained(saved, local_files_only=True)
        words = AutoTokenizer.from_pretrained(saved, local_files_only=True)
        model = _class_of(config).from_config(config)
    except HF_PROBLEMS as problem:
        raise _not_opened(problem, saved) from problem
    tokenizer = CaptionTokenizer(words, stored["start"], stored["end"], lower_case=settings.lower_case)
    return HfCaptionDecoder(_without_encoder(model), stored["way"]), tokenizer


def save_hf_decoder(decoder: HfCaptionDecoder, tokenizer: CaptionTokenizer, folder: Path) -> None:
    """Write the configuration, and what else has to be known; the tokenizer's files and the weights stand elsewhere."""
    decoder.model.config.save_pretrained(folder)
    stored = {"start": list(tokenizer.start), "end": tokenizer.end, "way": decoder.way}
    write_json(folder / "captioner.json", stored)


def _config(settings: HfDecoderSettings, tokenizer: CaptionTokenizer | None) -> Any:
    if settings.config is None or tokenizer is None:
        config: Any = AutoConfig.from_pretrained(str(settings.source), revision=settings.revision)
    else:
        given = {key: value for key, value in settings.config.items() if key != "model_type"}
        config = make_config(settings.config["model_type"], {"vocab_size": tokenizer.size, **given}, "decoder.config")
        start = tokenizer.start[0]
        ids = {"pad_token_id": tokenizer.pad, "eos_token_id": tokenizer.end, "bos_token_id": start}
        for name, token in {**ids, "decoder_start_token_id": start}.items():
            if name not in given:
                setattr(config, name, token)
    if not config.is_encoder_decoder and settings.audio != "prefix" and hasattr(config, "add_cross_attention"):
        config.add_cross_attention = True
        config.is_decoder = True
    return config


def _class_of(config: Any) -> Any:
    return AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM


def _from_source(settings: HfDecoderSettings, config: Any) -> Any:
    model, report = _class_of(config).from_pretrained(
        settings.source, revision=settings.revision, config=config, output_loading_info=True
    )
    added = _CROSS if not config.is_encoder_decoder else ()
    missing = sorted(name for name in report["missing_keys"] if not any(part in name for part in added))
    if missing:
        raise UsageError(
            "A source lacks weights of its decoder; nothing is loaded in part.",
            where=settings.source,
            found=f"{len(missing)} missing: {', '.join(missing[:8])}",
            fix="take a source that holds the whole model",
        )
    keep_report(model, settings.source, transformers_report(_without_encoder(model), report))
    return model


def _words_of(settings: HfDecoderSettings, config: Any) -> CaptionTokenizer:
    words: Any = AutoTokenizer.from_pretrained(settings.source, revision=settings.revision)
    starts = (getattr(config, "decoder_start_token_id", None), words.bos_token_id, words.eos_token_id)
    start = next((one for one in starts if one is not None), None)
    if start is None or words.eos_token_id is None:
        raise UsageError(
            "The tokenizer names no token that ends a text, or none to start with.",
            where=settings.source,
            fix="take a model that was trained to write texts",
        )
    return CaptionTokenizer(words, [start], int(words.eos_token_id), lower_case=settings.lower_case)


def _way(settings: HfDecoderSettings, model: Any, where: object) -> Literal["cross", "prefix"]:
    can_cross = any(part in name for name, _ in model.named_modules() for part in _CROSS)
    if settings.audio == "cross" and not can_cross:
        raise UsageError(
            "The decoder has no cross-attention.",
            where=where,
            found=f"model_type {model.config.model_type}",
            fix="decoder.audio=prefix",
        )
    if settings.audio == "prefix" and model.config.is_encoder_decoder:
        raise UsageError(
            "A sequence-to-sequence decoder hears by its cross-attention alone.", where=where, fix="decoder.audio=cross"
        )
    return "cross" if can_cross else "prefix"


def _without_encoder(model: Any) -> Any:
    """Weights that no output depends on would get no gradient."""
    for holder in (model, getattr(model, "model", None)):
        if (
            model.config.is_encoder_decoder
            and holder is not None
            and isinstance(getattr(holder, "encoder", None), torch.nn.Module)
        ):
            holder.encoder = None
    return model


def _check_output(decoder: HfCaptionDecoder, where: object) -> None:
    """Our way through the model gives the logits that it gives itself."""
    was_training = decoder.training
    decoder.eval()
    config = decoder.model.config
    ids = torch.arange(4).view(1, 4) % config.vocab_size
    frames = torch.linspace(-1, 1, 3 * decoder.width).view(1, 3, decoder.width)
    with torch.no_grad():
        ours = decoder.logits(decoder(ids, frames, None))
        if config.is_encoder_decoder:
            theirs = decoder.model(encoder_outputs=(frames,), decoder_input_ids=ids).logits
        elif decoder.way == "cross":
            theirs = decoder.model(input_ids=ids, encoder_hidden_states=frames).logits
        else:
            words = decoder.model.get_input_embeddings()(ids)
            theirs = decoder.model(inputs_embeds=torch.cat([frames, words], dim=1)).logits[:, 3:]
    decoder.train(was_training)
    if ours.shape != theirs.shape or not torch.allclose(ours, theirs, atol=1e-4, rtol=1e-3):
        raise UsageError(
            "The decoder's output layer is of a kind that captioners do not know.",
            where=where,
            found=f"model_type {config.model_type}",
            fix="take gpt2, bart, t5 or a causal language model of the newer kinds",
        )


def _not_opened(problem: BaseException, where: object) -> UsageError:
    return UsageError(
        "A decoder cannot be opened.",
        where=where,
        found=f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
        cause="no such folder or name, no connection, or a model_type that transformers does not know",
        fix="give a folder with config.json, model.safetensors and tokenizer.json",
    )
