"""Captions of recordings: batched, with a cache, and the same alone and among others.

    outputs = generate(model, waveforms, lengths, ["clotho > caption: "] * 8, GenerationSettings(method="beam"))
    outputs[0][0].text, outputs[0][0].score           # of the first recording the best caption

The encoder hears the batch once, the decoder reads all prefixes at once, and the method writes.

Conventions: in float32 a recording has the same captions alone and in any batch; a prefix of another length beside it
changes nothing. The model is put into eval mode, and back.

Public names: generate, write_captions; GenerationSettings, Hypothesis (from generation_settings.py).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from audiolect.errors import UsageError
from audiolect.models.captioner import Captioner
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.generation_beams import write_beams
from audiolect.models.generation_chains import Written, write_contrastive, write_greedy, write_samples
from audiolect.models.generation_settings import GenerationSettings, Hypothesis

__all__ = ["GenerationSettings", "Hypothesis", "generate", "write_captions"]


def generate(  # noqa: PLR0917 - a batch has four parts
    model: Captioner,
    waveforms: Tensor,
    lengths: Tensor,
    prefixes: Sequence[str],
    settings: GenerationSettings,
    keys: Sequence[str] | None = None,
) -> list[list[Hypothesis]]:
    """Describe recordings.

    Args:
        model: the captioner.
        waveforms: (B, T) float32 at ``model.rate_hz``, on the model's device.
        lengths: (B,) int64, in samples.
        prefixes: B texts that the captions begin with, and which they do not repeat.
        settings: how.
        keys: for sampling, what names each recording, such as its id: with the seed it decides the draws. None: the
            recording's own samples do.

    Returns:
        For each recording ``num_outputs`` captions, the best first.

    Raises:
        UsageError: a style that the model was not trained with, no room for ``max_tokens``, or an empty recording.
    """
    if not len(waveforms) == len(lengths) == len(prefixes):
        raise UsageError(
            "There is not one prefix for each recording.",
            found=f"{len(waveforms)} waveforms, {len(lengths)} lengths, {len(prefixes)} prefixes",
        )
    if not len(waveforms):
        return []
    numbers = [0] * len(prefixes)
    if settings.method == "sample":
        numbers = _numbers(waveforms, lengths) if keys is None else [_number(key.encode()) for key in keys]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            return write_captions(model, model.encode(waveforms, lengths), prefixes, settings, numbers)
    finally:
        model.train(was_training)


def write_captions(
    model: Captioner, heard: EncoderOutput, prefixes: Sequence[str], settings: GenerationSettings, keys: Sequence[int]
) -> list[list[Hypothesis]]:
    """As ``generate``, of recordings that were encoded already (``model.encode``), in eval mode; keys are numbers."""
    if settings.known_styles:
        model.check_styles(prefixes)
    ids = [model.tokenizer.prefix(prefix) for prefix in prefixes]
    longest = max(map(len, ids))
    if longest + settings.max_tokens > model.decoder.most_tokens + 1:
        raise UsageError(
            "The decoder has no room for captions of so many tokens.",
            where="generation.max_tokens",
            expected=f"at most {model.decoder.most_tokens + 1 - longest} behind a prefix of {longest} tokens",
            found=str(settings.max_tokens),
        )
    found: list[list[Hypothesis]] = [[] for _ in ids]
    for places in _groups(model, ids):
        index = torch.tensor(places, device=heard.frames.device)
        some = heard if len(places) == len(ids) else _chosen(heard, index)
        state = model.begin(some, [prefixes[place] for place in places], settings.max_tokens)
        written = _written(model, state, [ids[place] for place in places], settings, [keys[p] for p in places])
        for place, captions in zip(places, written, strict=True):
            found[place] = [Hypothesis(model.tokenizer.text(text), score, tuple(text)) for text, score in captions]
    return found


def _written(
    model: Any, state: Any, ids: Sequence[Sequence[int]], settings: GenerationSettings, keys: Sequence[int]
) -> Written:
    if settings.method == "sample":
        return write_samples(model, state, ids, settings, keys)
    if settings.method == "contrastive":
        return write_contrastive(model, state, ids, settings)
    return (
        write_greedy(model, state, ids, settings)
        if settings.method == "greedy"
        else write_beams(model, state, ids, settings)
    )


def _groups(model: Captioner, ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Which rows are written together: all, or those with prefixes of one length where the decoder asks for it."""
    if model.decoder.ragged:
        return [list(range(len(ids)))]
    places: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(ids):
        places[len(row)].append(place)
    return list(places.values())


def _chosen(heard: EncoderOutput, index: Tensor) -> EncoderOutput:
    """Some rows, cut to the longest of them."""
    mask = heard.mask[index]
    size = int(mask.sum(dim=1).max())
    return EncoderOutput(heard.pooled[index], heard.frames[index, :size], mask[:, :size])


def _numbers(waveforms: Tensor, lengths: Tensor) -> list[int]:
    rows = zip(waveforms.detach().float().cpu(), lengths.tolist(), strict=True)
    return [_number(row[:length].contiguous().numpy().tobytes()) for row, length in rows]


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
