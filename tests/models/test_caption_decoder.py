"""The decoder: transformers' own outputs, and the same token by token as in one go."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperDecoder

from audiolect.models.caption_decoder import CaptionDecoder, DecoderShape

SHAPE = DecoderShape(width=16, layers=2, heads=2, feed_forward=24, positions=20, vocabulary=50)
PREFIXES = [[1, 2, 3], [4], [5, 6, 7, 8, 9]]
FRAMES = torch.randn(3, 7, 16, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([7, 2, 4])[:, None] > torch.arange(7)


def decoder() -> CaptionDecoder:
    torch.manual_seed(0)
    made = CaptionDecoder(SHAPE)
    for parameter in made.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return made


@torch.no_grad()
def test_names_shapes_and_outputs_are_those_of_transformers() -> None:
    config = WhisperConfig(
        d_model=16, decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=24, max_target_positions=20,
        vocab_size=50, pad_token_id=0,
    )  # fmt: skip
    theirs: Any = WhisperDecoder(config).eval()
    ours = decoder().eval()
    assert {n: t.shape for n, t in theirs.state_dict().items()} == {n: t.shape for n, t in ours.state_dict().items()}
    theirs.load_state_dict(ours.state_dict())
    ids = torch.randint(1, 50, (3, 11))
    expected = theirs(input_ids=ids, encoder_hidden_states=FRAMES).last_hidden_state
    torch.testing.assert_close(ours(ids, FRAMES, None), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("masked", [False, True])
@torch.no_grad()
def test_token_by_token_is_as_in_one_go(masked: bool) -> None:
    made, mask = decoder().eval(), MASK if masked else None
    state = made.start(PREFIXES, FRAMES, mask, 15)
    written = [list(prefix) for prefix in PREFIXES]
    for step in range(8):
        for row, ids in enumerate(written):
            alone = None if mask is None else mask[row : row + 1]
            whole = made(torch.tensor([ids]), FRAMES[row : row + 1], alone)[0, -1]
            torch.testing.assert_close(state.hidden[row], whole, atol=1e-5, rtol=0)
        tokens = [10 + step + row for row in range(3)]
        made.step(state, torch.tensor(tokens))
        for ids, token in zip(written, tokens, strict=True):
            ids.append(token)


@torch.no_grad()
def test_beams_go_on_from_each_other() -> None:
    made = decoder().eval()
    state = made.start(PREFIXES, FRAMES, MASK, 15)
    state.expand(2)
    made.step(state, torch.tensor([10, 11, 12, 13, 14, 15]))
    state.reorder(torch.tensor([1, 1, 2, 3, 5, 4]))
    made.step(state, torch.tensor([20, 21, 22, 23, 24, 25]))
    state.keep(torch.tensor([0, 2]))
    made.step(state, torch.tensor([30, 31, 32, 33]))
    texts = [[1, 2, 3, 11, 20, 30], [1, 2, 3, 11, 21, 31], [5, 6, 7, 8, 9, 15, 24, 32], [5, 6, 7, 8, 9, 14, 25, 33]]
    for row, ids in enumerate(texts):
        place = [0, 0, 2, 2][row]
        whole = made(torch.tensor([ids]), FRAMES[place : place + 1], MASK[place : place + 1])[0, -1]
        torch.testing.assert_close(state.hidden[row], whole, atol=1e-5, rtol=0)


def test_checkpointing_gives_the_same_gradients() -> None:
    gradients = []
    for again in (False, True):
        made = decoder().train()
        made.gradient_checkpointing = again
        made(torch.tensor(PREFIXES[2:]), FRAMES[:1], None).square().sum().backward()
        gradients.append([parameter.grad for parameter in made.layers.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
