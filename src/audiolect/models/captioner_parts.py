"""The three parts of a captioner: encoder, decoder and tokenizer, from published weights, from nothing, or saved.

Conventions: of a published Whisper every tensor is taken, or nothing: a missing one is refused by name, as is a
tokenizer of another vocabulary. With ``saved`` only the architecture is built, nothing is fetched, and the weights
follow.

Public names: CaptionerParts, build_parts, save_parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.errors import UsageError
from audiolect.models.caption_decoder import CaptionDecoder, DecoderShape
from audiolect.models.caption_decoder_opening import build_hf_decoder, open_hf_decoder, save_hf_decoder
from audiolect.models.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer, whisper_tokens
from audiolect.models.captioner_settings import CaptionerSettings, HfDecoderSettings, TransformerDecoderSettings
from audiolect.models.encoders.table import build_encoder
from audiolect.models.encoders.whisper import WhisperAudioEncoder, WhisperSettings
from audiolect.models.hf_config import HF_PROBLEMS
from audiolect.models.load_reports import keep_report, transformers_report
from audiolect.models.state_dicts import load_weights
from audiolect.storage import read_json, write_json


@dataclass(frozen=True, slots=True, eq=False)
class CaptionerParts:
    """What a captioner is made of."""

    encoder: Any
    """An AudioEncoder."""
    decoder: Any
    """A CaptionDecoder, or one of transformers in the same clothes."""
    tokenizer: CaptionTokenizer


def build_parts(settings: CaptionerSettings, captions: Iterable[str], saved: Path | None = None) -> CaptionerParts:
    """The parts that the settings name.

    Args:
        settings: of the section ``model``.
        captions: of the training split; read only where a tokenizer is made of them.
        saved: the folder ``parts`` of a saved captioner.

    Raises:
        UsageError: a part cannot be opened, or the tokenizer is of another vocabulary than the weights.
        DatasetError: captions are needed and there are none.
    """
    if settings.whisper is not None:
        return _saved_whisper(settings, saved) if saved is not None else _published_whisper(settings)
    chosen = settings.effective_decoder
    encoder = build_encoder(settings.effective_audio, None if saved is None else saved / "audio")
    if isinstance(chosen, HfDecoderSettings):
        if saved is not None:
            decoder, tokenizer = open_hf_decoder(chosen, saved / "decoder")
        else:
            decoder, tokenizer = build_hf_decoder(chosen, captions, settings.dropout)
        return CaptionerParts(encoder, decoder, tokenizer)
    if saved is not None:
        tokenizer = _read_whisper_words(str(saved / "decoder"), None, lower_case=chosen.lower_case)
    else:
        tokenizer = train_caption_tokenizer(
            captions, chosen.vocabulary, min_count=chosen.min_count, lower_case=chosen.lower_case
        )
    return CaptionerParts(encoder, CaptionDecoder(_shape(chosen, tokenizer, settings.dropout)), tokenizer)


def save_parts(parts: CaptionerParts, folder: Path) -> None:
    """Write configurations and tokenizer into ``folder/audio`` and ``folder/decoder``; the weights stand elsewhere."""
    for name in ("audio", "decoder"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    parts.encoder.save_parts(folder / "audio")
    parts.tokenizer.save(folder / "decoder")
    if isinstance(parts.decoder, CaptionDecoder):
        shape = parts.decoder.shape
        write_json(folder / "decoder" / "shape.json", {name: getattr(shape, name) for name in shape.__slots__})
    else:
        save_hf_decoder(parts.decoder, parts.tokenizer, folder / "decoder")


def _shape(chosen: TransformerDecoderSettings, tokenizer: CaptionTokenizer, dropout: float | None) -> DecoderShape:
    return DecoderShape(
        width=chosen.width, layers=chosen.layers, heads=chosen.heads,
        feed_forward=chosen.feed_forward or 4 * chosen.width, positions=chosen.positions,
        vocabulary=tokenizer.size, dropout=0.1 if dropout is None else dropout,
    )  # fmt: skip


def _published_whisper(settings: CaptionerSettings) -> CaptionerParts:
    from transformers import WhisperForConditionalGeneration
    from transformers.utils import logging

    source = str(settings.whisper)
    talk: Any = logging
    before = talk.get_verbosity()
    talk.set_verbosity_error()
    try:
        loads: Any = WhisperForConditionalGeneration
        model, report = loads.from_pretrained(source, revision=settings.revision, output_loading_info=True)
        tokenizer = _read_whisper_words(source, settings.revision, lower_case=False)
    except HF_PROBLEMS as problem:
        raise UsageError(
            "A Whisper cannot be opened.",
            where=source,
            found=f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
            cause="no such folder or name, no connection, or a model of another kind",
            fix="give a folder with config.json, model.safetensors and tokenizer.json",
        ) from problem
    finally:
        talk.set_verbosity(before)
    _check_whole(source, report)
    _check_words(source, tokenizer, model.config)
    return _taken_apart(settings, model, tokenizer, report)


def _taken_apart(
    settings: CaptionerSettings, model: Any, tokenizer: CaptionTokenizer, info: dict[str, Any]
) -> CaptionerParts:
    config, source = model.config, str(settings.whisper)
    if settings.encoder_from_scratch:
        fresh: Any = type(model)(config)
        model.model.encoder = fresh.model.encoder
    if settings.dropout is not None:
        config.dropout = settings.dropout
    decoder = CaptionDecoder(_shape_of_config(config, settings.dropout))
    if not settings.decoder_from_scratch:
        load_weights(decoder, model.model.decoder.state_dict(), where=source)
    hearing = WhisperSettings(source=source, revision=settings.revision, length=settings.length or "window")
    # The sinusoids of places are no weights; a load of transformers forgets that they are held fixed.
    model.model.encoder.embed_positions.requires_grad_(False)
    encoder = WhisperAudioEncoder(hearing, model.model.encoder)
    if not settings.encoder_from_scratch:
        keep_report(model.model.encoder, source, transformers_report(model.model.encoder, info, "model.encoder."))
    return CaptionerParts(encoder, decoder, tokenizer)


def _saved_whisper(settings: CaptionerSettings, saved: Path) -> CaptionerParts:
    hearing = WhisperSettings(source=settings.whisper, length=settings.length or "window")
    encoder = build_encoder(hearing, saved / "audio")
    shape = DecoderShape(**read_json(saved / "decoder" / "shape.json"))
    tokenizer = _read_whisper_words(str(saved / "decoder"), None, lower_case=False)
    return CaptionerParts(encoder, CaptionDecoder(shape), tokenizer)


def _shape_of_config(config: Any, dropout: float | None) -> DecoderShape:
    return DecoderShape(
        width=config.d_model, layers=config.decoder_layers, heads=config.decoder_attention_heads,
        feed_forward=config.decoder_ffn_dim, positions=config.max_target_positions, vocabulary=config.vocab_size,
        dropout=config.dropout if dropout is None else dropout, attention_dropout=config.attention_dropout,
        activation_dropout=config.activation_dropout,
    )  # fmt: skip


def _read_whisper_words(source: str, revision: str | None, *, lower_case: bool) -> CaptionTokenizer:
    from transformers import WhisperTokenizer

    loads: Any = WhisperTokenizer
    return whisper_tokens(loads.from_pretrained(source, revision=revision), lower_case=lower_case)


def _check_whole(source: str, report: dict[str, Any]) -> None:
    missing = sorted(name for name in report["missing_keys"] if name != "proj_out.weight")
    others = sorted(map(str, report.get("mismatched_keys", ())))
    if missing or others:
        raise UsageError(
            "The source lacks weights of a Whisper; nothing is loaded in part.",
            where=source,
            found=f"{len(missing)} missing: {', '.join(missing[:8])}; {len(others)} of another shape",
            fix="take a source that holds the whole model",
        )


def _check_words(source: str, tokenizer: CaptionTokenizer, config: Any) -> None:
    """The tokenizer and the weights are of one model."""
    problems = []
    if tokenizer.size > config.vocab_size:
        problems.append(f"the tokenizer has {tokenizer.size} tokens, and the weights {config.vocab_size}")
    start = config.decoder_start_token_id
    if start is not None and tokenizer.start[0] != start:
        problems.append(f"the tokenizer starts with token {tokenizer.start[0]}, and the weights with {start}")
    if config.eos_token_id is not None and tokenizer.end != config.eos_token_id:
        problems.append(f"the tokenizer ends with token {tokenizer.end}, and the weights with {config.eos_token_id}")
    if not getattr(config, "tie_word_embeddings", True):
        problems.append("its output layer has weights of its own, which Whispers do not have")
    if problems:
        raise UsageError(
            "The tokenizer does not match the weights.",
            where=source,
            found="; ".join(problems),
            cause="files of two models in one folder",
            fix="give the folder with the tokenizer that belongs to the weights",
        )
