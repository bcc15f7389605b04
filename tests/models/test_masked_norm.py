"""Batch normalisation with a mask, against torch's own over the valid positions alone."""

from __future__ import annotations

import copy

import torch
from torch import nn

from audiolect.models.masked_norm import MaskedBatchNorm2d
from audiolect.models.pooling import length_mask

LENGTHS = torch.tensor([9, 4, 1])


def norms() -> tuple[MaskedBatchNorm2d, nn.BatchNorm2d]:
    torch.manual_seed(0)
    masked, plain = MaskedBatchNorm2d(3), nn.BatchNorm2d(3)
    nn.init.normal_(masked.weight)
    nn.init.normal_(masked.bias)
    plain.load_state_dict(masked.state_dict())
    return masked, plain


def test_statistics_and_gradients_are_those_of_the_valid_positions_alone() -> None:
    masked, plain = norms()
    x = torch.randn(3, 3, 9, 5, requires_grad=True)
    mask = length_mask(LENGTHS, 9)
    # The oracle sees the valid positions, one after the other, as one long recording.
    valid = torch.cat([x[row, :, :length] for row, length in enumerate(LENGTHS.tolist())], dim=1)[None]
    expected = plain(valid)
    found = masked(x, mask)
    rows = torch.cat([found[row, :, :length] for row, length in enumerate(LENGTHS.tolist())], dim=1)[None]
    torch.testing.assert_close(rows, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(masked.running_var, plain.running_var)
    torch.testing.assert_close(masked.running_mean, plain.running_mean)
    weights = torch.randn_like(expected)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), x, retain_graph=True)
    (gradient,) = torch.autograd.grad((rows * weights).sum(), x)
    torch.testing.assert_close(gradient, wanted, atol=1e-5, rtol=1e-4)


def test_without_a_mask_and_in_eval_mode_it_is_torchs_own() -> None:
    masked, plain = norms()
    x = torch.randn(3, 3, 9, 5)
    assert torch.equal(masked(x), plain(x))
    masked.eval(), plain.eval()
    assert torch.equal(masked(x, length_mask(LENGTHS, 9)), plain(x))


def test_a_batch_without_a_valid_position_moves_no_statistics() -> None:
    masked, _ = norms()
    before = copy.deepcopy(masked.state_dict())
    masked(torch.randn(2, 3, 4, 5), torch.zeros(2, 4, dtype=torch.bool))
    assert all(torch.equal(before[name], value) for name, value in masked.state_dict().items())


def test_bfloat16_comes_back_as_such_with_statistics_in_float32() -> None:
    masked, _ = norms()
    x = (100 + torch.randn(3, 3, 9, 5)).bfloat16()
    found = masked(x, length_mask(LENGTHS, 9))
    assert found.dtype == torch.bfloat16
    assert bool(found.isfinite().all())
