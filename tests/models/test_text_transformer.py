"""The small transformer: padding, against torch's own layer, and checkpointing."""

from __future__ import annotations

import torch
from torch import nn

from audiolect.models.text_settings import TransformerSettings
from audiolect.models.text_transformer import TextTransformer

SETTINGS = TransformerSettings(width=16, layers=2, heads=4, max_tokens=12)


def made() -> TextTransformer:
    torch.manual_seed(0)
    encoder = TextTransformer(SETTINGS, 300)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    return encoder.eval()


@torch.no_grad()
def test_padding_changes_no_vector() -> None:
    encoder = made()
    ids = torch.randint(3, 300, (5, 12))
    lengths = torch.tensor([12, 1, 5, 3, 8])
    mask = (torch.arange(12) < lengths[:, None]).long()
    together = encoder(ids, mask)
    for row, length in enumerate(lengths.tolist()):
        alone = encoder(ids[row : row + 1, :length], torch.ones(1, length, dtype=torch.int64))
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_layer_is_torchs_own_with_the_same_weights() -> None:
    encoder = made()
    ours = encoder.layers[0]
    theirs = nn.TransformerEncoderLayer(16, 4, 64, activation="gelu", batch_first=True, norm_first=True).eval()
    theirs.self_attn.in_proj_weight.copy_(ours.attention_in.weight)
    theirs.self_attn.in_proj_bias.copy_(ours.attention_in.bias)
    for mine, other in (
        (ours.attention_out, theirs.self_attn.out_proj),
        (ours.feed_in, theirs.linear1),
        (ours.feed_out, theirs.linear2),
        (ours.attention_norm, theirs.norm1),
        (ours.feed_norm, theirs.norm2),
    ):
        other.load_state_dict(mine.state_dict())
    x = torch.randn(3, 7, 16)
    torch.testing.assert_close(ours(x, None), theirs(x), atol=1e-5, rtol=1e-5)


def test_checkpointing_gives_the_same_gradients() -> None:
    ids, mask = torch.randint(3, 300, (2, 6)), torch.ones(2, 6, dtype=torch.int64)
    gradients = []
    for on in (False, True):
        encoder = made().train()
        encoder.gradient_checkpointing = on
        torch.manual_seed(1)
        encoder(ids, mask).square().sum().backward()
        gradients.append([parameter.grad for parameter in encoder.parameters()])
    assert len(gradients[0]) > 20
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_unheard_tokens_are_unheard_in_training_alone() -> None:
    torch.manual_seed(0)
    settings = TransformerSettings(width=8, layers=1, heads=2, dropout=0.0, token_dropout=0.5)
    model = TextTransformer(settings, vocabulary=20)
    ids, mask = torch.randint(0, 20, (64, 6)), torch.ones(64, 6)
    assert torch.equal(model.eval()(ids, mask), model(ids, mask))
    words = model.train()._words(ids)
    unheard = (words == 0).all(dim=-1)
    assert 0.4 < float(unheard.float().mean()) < 0.6
    assert torch.equal(words[~unheard], model.tokens(ids)[~unheard])
    model.token_dropout = 0.0
    assert torch.equal(model(ids, mask), model.eval()(ids, mask))
