"""Fixtures of captioners: a Whisper that transformers has saved, with random weights, and sounds to describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

from audiolect.models.caption_tokenizer import train_caption_tokenizer

CAPTIONS = [
    "a dog barks",
    "rain falls on a roof",
    "wind blows",
    "a bell rings twice",
    "birds sing, then a car passes",
    "footsteps on gravel",
    "a man speaks",
    "water drips",
]


@pytest.fixture(scope="session")
def captions() -> list[str]:
    """Eight captions."""
    return list(CAPTIONS)


@pytest.fixture(scope="session")
def sounds() -> tuple[torch.Tensor, torch.Tensor]:
    """Eight sounds at 16 kHz that differ, (8, 16000), of 0.1 to 1 s; behind their ends stands NaN."""
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([16000, 9000, 1600, 12345, 16000, 4000, 7001, 15000])
    rates = torch.arange(1, 9)[:, None] * 0.05
    waveforms = 0.3 * torch.sin(torch.arange(16000) * rates) * torch.rand(8, 16000, generator=generator)
    waveforms[torch.arange(16000) >= lengths[:, None]] = torch.nan
    return waveforms, lengths


@pytest.fixture(scope="session")
def whisper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Whisper with windows of 2 s, saved by transformers: weights, configuration, tokenizer, features."""
    folder = tmp_path_factory.mktemp("whisper")
    tokenizer = train_caption_tokenizer(CAPTIONS, 300, min_count=1)
    sizes: dict[str, Any] = {
        "d_model": 32,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 64,
        "decoder_layers": 2,
        "decoder_attention_heads": 2,
        "decoder_ffn_dim": 48,
        "max_source_positions": 100,
        "max_target_positions": 80,
        "init_std": 0.3,  # so that one token is clearly likelier than others
    }
    tokens: dict[str, Any] = {
        "vocab_size": tokenizer.size,
        "decoder_start_token_id": tokenizer.start[0],
        "eos_token_id": tokenizer.end,
        "bos_token_id": tokenizer.end,
        "pad_token_id": tokenizer.pad,
        "begin_suppress_tokens": None,
        "suppress_tokens": None,
    }
    torch.manual_seed(1)
    model: Any = WhisperForConditionalGeneration(WhisperConfig(**sizes, **tokens))
    # and so that texts end after a few tokens, some at once and some never
    end = 2.2 * sizes["init_std"] * torch.randn(32, generator=torch.Generator().manual_seed(1))
    model.model.decoder.embed_tokens.weight.data[tokenizer.end] = end
    model.generation_config = GenerationConfig(**{key: tokens[key] for key in list(tokens)[1:5]})
    model.save_pretrained(folder)
    tokenizer.save(folder)
    WhisperFeatureExtractor(chunk_length=2).save_pretrained(folder)
    return folder
