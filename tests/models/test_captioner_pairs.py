"""Any audio encoder of transformers with any decoder of transformers: trained, saved, the same in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audiolect.config import parse_config
from audiolect.models.captioner import (
    Captioner,
    CaptionerSettings,
    build_captioner,
    load_captioner,
    save_captioner,
)
from audiolect.models.generation import GenerationSettings, generate

PREFIXES = ["clotho > caption: ", "audioset > keywords: "]
SPEECH = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
SPEECH |= {"conv_dim": [8] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
LAYERS = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
ENCODERS: dict[str, dict[str, Any]] = {
    "ast": {"name": "ast", "config": {**LAYERS, "max_length": 100}},
    "htsat": {
        "name": "htsat",
        "config": {"patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": [1] * 4}
        | {"num_attention_heads": [1, 1, 2, 2]},
    },
    "wav2vec2": {"name": "huggingface", "config": {"model_type": "wav2vec2", **SPEECH}},
    "hubert": {"name": "huggingface", "config": {"model_type": "hubert", **SPEECH}},
}
DECODERS: dict[str, dict[str, Any]] = {
    "gpt2": {"model_type": "gpt2", "n_embd": 32, "n_layer": 1, "n_head": 2},
    "bart": {"model_type": "bart", "d_model": 32, "decoder_layers": 1, "decoder_attention_heads": 2}
    | {"decoder_ffn_dim": 32, "encoder_layers": 1, "encoder_ffn_dim": 32, "encoder_attention_heads": 2},
    "t5": {"model_type": "t5", "d_model": 32, "num_layers": 1, "num_heads": 2, "d_kv": 8, "d_ff": 32},
    "llama": {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    | {"intermediate_size": 32},
}


def pair(encoder: str, decoder: str, captions: list[str]) -> Captioner:
    torch.manual_seed(0)
    written = {"name": "huggingface", "config": DECODERS[decoder], "min_count": 1, "vocabulary": 300}
    section = {"audio": ENCODERS[encoder], "decoder": written}
    return build_captioner(parse_config(section, CaptionerSettings, where="x"), captions)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_pair_learns_is_saved_and_writes_the_same_alone_and_in_a_batch(
    encoder: str, decoder: str, captions: list[str], sounds: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    model, (waveforms, lengths) = pair(encoder, decoder, captions), sounds
    styles = PREFIXES * 4
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    losses = []
    for _ in range(2):
        found = model.loss(waveforms, lengths, styles, captions).loss
        optimiser.zero_grad()
        found.backward()
        # A part without a gradient would stop a training on several processes.
        assert [name for name, one in model.named_parameters() if one.requires_grad and one.grad is None] == []
        optimiser.step()
        losses.append(found.item())
    assert losses[1] < losses[0]

    save_captioner(model, tmp_path)
    again = load_captioner(tmp_path)
    for settings in (GenerationSettings(max_tokens=6), GenerationSettings(max_tokens=6, method="beam", num_beams=3)):
        together = generate(again, waveforms, lengths, styles, settings)
        assert [each[0].token_ids for each in generate(model, waveforms, lengths, styles, settings)] == [
            each[0].token_ids for each in together
        ]
        for row in (0, 2, 5):
            size = int(lengths[row])
            heard = waveforms[row : row + 1, :size], lengths[row : row + 1]
            (alone,) = generate(again, *heard, styles[row : row + 1], settings)
            assert [one.token_ids for one in alone] == [one.token_ids for one in together[row]]
            assert alone[0].score == pytest.approx(together[row][0].score, abs=1e-3)
