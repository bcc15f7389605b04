"""A captioner as a folder that transformers loads: weights, configuration, tokenizer, features, generation.

    export_whisper(model, "folder", prefix="clotho > caption: ")
    WhisperForConditionalGeneration.from_pretrained("folder"); pipeline("automatic-speech-recognition", "folder")

Conventions: only a Whisper can be one of transformers: a Whisper's encoder, and a decoder of its kind and width.
Updates of LoRA are added to the weights first. The prefix stands in ``generation_config.json`` after the start tokens
(``forced_decoder_ids``), so that the pipeline writes in that style; other styles are given as ``decoder_input_ids``.
transformers fills every recording up to its window: a model that was trained with ``length: recording`` hears
otherwise there, and gives other captions.

Public names: export_whisper, whisper_of.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from audiolect.errors import UsageError
from audiolect.models.caption_decoder import CaptionDecoder
from audiolect.models.captioner import Captioner
from audiolect.models.encoders.whisper import WhisperAudioEncoder
from audiolect.models.lora import has_lora, merge_lora
from audiolect.models.state_dicts import load_weights


def export_whisper(model: Captioner, folder: str | Path, *, prefix: str | None = None) -> None:
    """Write the folder; it may exist.

    Args:
        model: a captioner that is a Whisper.
        folder: where to.
        prefix: the style that the pipeline writes in; None: the only one that the model was trained with, else none.

    Raises:
        UsageError: the model is no Whisper, or the style is not one of its own.
    """
    from transformers import WhisperFeatureExtractor, WhisperProcessor

    if prefix is None:
        prefix = next(iter(model.styles)) if len(model.styles) == 1 else ""
    elif prefix:
        model.check_styles([prefix])
    folder = Path(folder)
    whole = whisper_of(model, prefix)
    whole.save_pretrained(folder)
    encoder = model.encoder
    window = encoder.window_samples // encoder.rate_hz
    features: Any = WhisperFeatureExtractor
    joins: Any = WhisperProcessor
    extractor = features(feature_size=int(whole.config.num_mel_bins), chunk_length=window)
    processor = joins(extractor, model.tokenizer.words)
    processor.save_pretrained(folder)
    # Older programs look for the features in a file of their own.
    extractor.save_pretrained(folder)


def whisper_of(model: Captioner, prefix: str = "") -> Any:
    """The ``WhisperForConditionalGeneration`` of the same weights, on the CPU, in eval mode.

    Raises:
        UsageError: the model is no Whisper.
    """
    from torch.nn import Identity
    from transformers import WhisperForConditionalGeneration

    if not (
        isinstance(model.encoder, WhisperAudioEncoder)
        and isinstance(model.decoder, CaptionDecoder)
        and isinstance(model.bridge, Identity)
    ):
        raise UsageError(
            "This captioner is no Whisper, and no other class of transformers is made as it is.",
            expected="a Whisper's encoder and a decoder of the kind transformer, of one width",
            found=f"{type(model.encoder).__name__}, {type(model.decoder).__name__}",
            fix="use audiolect's own folder, which load_captioner reads",
        )
    if has_lora(model):
        model = copy.deepcopy(model)
        merge_lora(model)
    made: Any = WhisperForConditionalGeneration
    whole = made(_config(model))
    named = {"encoder": model.encoder.model.state_dict(), "decoder": model.decoder.state_dict()}
    state = {f"model.{part}.{name}": tensor for part, tensors in named.items() for name, tensor in tensors.items()}
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    load_weights(whole, state, where="export")
    whole.generation_config = _generation(model, prefix)
    return whole.eval()


def _config(model: Captioner) -> Any:
    shape, tokenizer = model.decoder.shape, model.tokenizer
    config = copy.deepcopy(model.encoder.model.config)
    config.decoder_layers, config.decoder_attention_heads = shape.layers, shape.heads
    config.decoder_ffn_dim, config.vocab_size = shape.feed_forward, shape.vocabulary
    config.max_target_positions = shape.positions
    config.decoder_start_token_id = tokenizer.start[0]
    config.eos_token_id = config.bos_token_id = tokenizer.end
    config.pad_token_id = tokenizer.pad
    for name in ("suppress_tokens", "begin_suppress_tokens", "forced_decoder_ids"):
        if hasattr(config, name):
            setattr(config, name, None)
    config.tie_word_embeddings = True
    config.architectures = ["WhisperForConditionalGeneration"]
    return config


def _generation(model: Captioner, prefix: str) -> Any:
    from transformers import GenerationConfig

    tokenizer = model.tokenizer
    ids = {token: int(tokenizer.words.convert_tokens_to_ids(token)) for token in ("<|notimestamps|>", "<|en|>")}
    # transformers would put this token behind a prefix if it were told its id.
    more = {} if prefix else {"no_timestamps_token_id": ids["<|notimestamps|>"]}
    tasks = {
        task: int(tokenizer.words.convert_tokens_to_ids(f"<|{task}|>"))
        for task in ("transcribe", "translate")
        if f"<|{task}|>" in tokenizer.words.get_vocab()
    }
    begin = tokenizer.prefix(prefix)
    made: Any = GenerationConfig
    return made(
        decoder_start_token_id=tokenizer.start[0],
        eos_token_id=tokenizer.end,
        bos_token_id=tokenizer.end,
        pad_token_id=tokenizer.pad,
        max_length=model.decoder.shape.positions,
        is_multilingual=len(tokenizer.start) > 2,
        lang_to_id={"<|en|>": ids["<|en|>"]},
        task_to_id=tasks,
        forced_decoder_ids=[[place, token] for place, token in enumerate(begin)][1:],
        **more,
    )
