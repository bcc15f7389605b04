"""Batch normalisation with a mask, against torch's own over the valid positions alone."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from audiolect.models.masked_norm import MaskedBatchNorm2d, synchronise_norms
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


@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_true_where_a_dimension_of_one_leaves_the_layout_open(training: bool) -> None:
    """A log-mel is normalised as (B, M, F, 1), and its gradient comes back laid out as (B, 1, M, F)."""
    masked = MaskedBatchNorm2d(5).train(training)
    nn.init.normal_(masked.weight)
    x, upstream = torch.randn(4, 7, 5, requires_grad=True), torch.randn(4, 5, 7)
    found = torch.autograd.grad(masked(x.mT[:, :, :, None])[..., 0], (masked.weight, masked.bias, x), upstream)
    rows = x.detach().double().requires_grad_()
    weight, bias = (p.detach().double().requires_grad_() for p in (masked.weight, masked.bias))
    variance, mean = torch.var_mean(rows, dim=(0, 1), correction=0)
    if not training:
        variance, mean = torch.ones(5), torch.zeros(5)
    normal = (rows - mean) / (variance + masked.eps).sqrt() * weight + bias
    expected = torch.autograd.grad(normal.mT, (weight, bias, rows), upstream.double())
    for mine, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(mine.double(), wanted, atol=1e-4, rtol=1e-4)


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


# What each of two processes does: its share of a global batch, one share padded, the other of one recording.
SHARE = """
import sys
import torch
from torch import distributed
from audiolect.models.masked_norm import MaskedBatchNorm2d, synchronise_norms
from audiolect.training.leaving import leave_ranks

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
given = torch.load(f"{folder}/given.pt", weights_only=True)
norm = MaskedBatchNorm2d(3)
norm.load_state_dict(given["norm"])
synchronise_norms(norm)
part = slice(0, 2) if rank == 0 else slice(2, 3)
x = given["x"][part].requires_grad_()
y = norm(x, given["mask"][part] if rank == 0 else None)
(y * given["weights"][part]).sum().backward()
torch.save({"y": y.detach(), "x": x.grad, "w": norm.weight.grad, "var": norm.running_var}, f"{folder}/{rank}.pt")
leave_ranks(0)
"""


def test_two_processes_give_what_one_would(tmp_path: Path) -> None:
    _, plain = norms()
    x = torch.randn(3, 3, 9, 5)
    mask = length_mask(torch.tensor([9, 4, 9]), 9)
    weights = torch.randn_like(x) * mask[:, None, :, None]
    torch.save({"norm": plain.state_dict(), "x": x, "mask": mask, "weights": weights}, tmp_path / "given.pt")
    started = [subprocess.Popen([sys.executable, "-c", SHARE, str(rank), str(tmp_path)]) for rank in range(2)]
    assert [process.wait(timeout=200) for process in started] == [0, 0]
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]

    whole = MaskedBatchNorm2d(3)
    whole.load_state_dict(plain.state_dict())
    x.requires_grad_()
    y = whole(x, mask)
    (y * weights).sum().backward()
    torch.testing.assert_close(torch.cat([part["y"] for part in found]), y.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(torch.cat([part["x"] for part in found]), x.grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[0]["w"] + found[1]["w"], whole.weight.grad, atol=1e-5, rtol=1e-4)
    assert all(torch.equal(part["var"], found[0]["var"]) for part in found)
    torch.testing.assert_close(found[0]["var"], whole.running_var)


def test_all_norms_of_a_model_are_told_and_alone_they_are_as_before() -> None:
    masked, plain = norms()
    assert synchronise_norms(nn.Sequential(masked, nn.Linear(1, 1))) == 1
    assert masked.synchronised
    x = torch.randn(3, 3, 9, 5)
    assert torch.equal(masked(x), plain(x))
    synchronise_norms(masked, on=False)
    assert not masked.synchronised
