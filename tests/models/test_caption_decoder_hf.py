"""Decoders of transformers in our clothes: token by token as in one go, and padding that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from audiolect.errors import UsageError
from audiolect.models.caption_decoder_hf import HfCaptionDecoder
from audiolect.models.caption_decoder_opening import build_hf_decoder
from audiolect.models.captioner_settings import HfDecoderSettings

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {"model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40},
    "bart": {"model_type": "bart", "d_model": 16, "decoder_layers": 2, "decoder_attention_heads": 2}
    | {"decoder_ffn_dim": 24, "encoder_layers": 1, "encoder_ffn_dim": 16, "encoder_attention_heads": 2},
    "t5": {"model_type": "t5", "d_model": 16, "num_layers": 2, "num_heads": 2, "d_kv": 8, "d_ff": 24},
    "llama": {"model_type": "llama", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    | {"intermediate_size": 24, "num_key_value_heads": 1, "max_position_embeddings": 40},
}
FRAMES = torch.randn(3, 7, 16, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([7, 2, 4])[:, None] > torch.arange(7)
PREFIXES = [[11, 12, 13], [14, 15, 16], [17, 18, 19]]


def decoder(name: str, audio: Any = "auto") -> HfCaptionDecoder:
    torch.manual_seed(0)
    section = HfDecoderSettings(config=CONFIGS[name], audio=audio, min_count=1)
    return build_hf_decoder(section, ["a dog barks", "rain"], None)[0].eval()


@pytest.mark.parametrize(("name", "audio"), [("gpt2", "auto"), ("gpt2", "prefix"), ("bart", "auto"), ("t5", "auto"),
                                             ("llama", "auto")])  # fmt: skip
@torch.no_grad()
def test_token_by_token_is_as_in_one_go_without_padding(name: str, audio: str) -> None:
    made = decoder(name, audio)
    assert made.way == ("prefix" if audio == "prefix" or name == "llama" else "cross")
    state = made.start(PREFIXES, FRAMES, MASK, 15)
    state.expand(2)
    written = [list(prefix) for prefix in PREFIXES for _ in range(2)]
    for step in range(5):
        for row, ids in enumerate(written):
            size = [7, 2, 4][row // 2]
            whole = made(torch.tensor([ids]), FRAMES[row // 2 : row // 2 + 1, :size], None)[0, -1]
            torch.testing.assert_close(state.hidden[row], whole, atol=1e-4, rtol=0)
        tokens = [20 + 6 * step + row for row in range(6)]
        made.step(state, torch.tensor(tokens))
        for ids, token in zip(written, tokens, strict=True):
            ids.append(token)
        order = [1, 0, 2, 2, 5, 5]
        state.reorder(torch.tensor(order))
        state.hidden = state.hidden[order]
        written = [list(written[row]) for row in order]
    state.keep(torch.tensor([0, 2]))
    made.step(state, torch.tensor([50, 51, 52, 53]))
    ids = [*written[4], 52]
    torch.testing.assert_close(
        state.hidden[2], made(torch.tensor([ids]), FRAMES[2:, :4], None)[0, -1], atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("name", list(CONFIGS))
def test_everything_learns(name: str) -> None:
    made = decoder(name).train()
    ids = torch.tensor([[11, 12, 13, 14]] * 3)
    made.logits(made(ids, FRAMES, MASK)).logsumexp(dim=-1).sum().backward()
    without = [name for name, one in made.named_parameters() if one.requires_grad and one.grad is None]
    assert without == []


def test_sound_before_the_text_needs_room() -> None:
    made = decoder("gpt2", "prefix")
    with pytest.raises(UsageError, match=r"longer than the decoder's positions(.|\n)*at most 40"):
        made.start(PREFIXES, FRAMES, MASK, 34)
