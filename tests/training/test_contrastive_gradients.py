"""The autograd functions of the chunked losses: what backward hands out, how often, and the precision of the terms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from audiolect.training.chunked import chunked_info_nce, chunked_sigmoid_loss
from audiolect.training.contrastive_blocks import open_strip
from audiolect.training.contrastive_gradients import InfoNceBlocks, InfoNceWork, SigmoidBlocks, SigmoidWork
from audiolect.training.gathering import Shares


def tables() -> tuple[Tensor, Tensor]:
    audio, text = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return audio.requires_grad_(), text.requires_grad_()


def test_two_pairs_at_right_angles_by_hand() -> None:
    """p = 1 / (1 + e²) is what each query gives the wrong one; each logit is counted in two directions."""
    audio, text = (torch.eye(2, dtype=torch.float64).requires_grad_() for _ in range(2))
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    strip = open_strip(Shares((2,), 0), None, 1, audio)
    loss = InfoNceBlocks.apply(audio, text, scale, InfoNceWork(strip, True, None, 1.0, 0.0))
    loss.backward()
    p = 1 / (1 + math.exp(2))
    assert loss.item() == pytest.approx(-math.log(1 - p))
    assert audio.grad is not None
    assert scale.grad is not None
    # Each of the 2 queries of 2 directions weighs 1/4; the audio is pulled to its text and pushed from the other.
    assert audio.grad.tolist() == [[pytest.approx(-p), pytest.approx(p)], [pytest.approx(p), pytest.approx(-p)]]
    assert scale.grad.item() == pytest.approx(-p)


def test_the_sigmoid_loss_by_hand() -> None:
    audio, text = (torch.eye(2, dtype=torch.float64).requires_grad_() for _ in range(2))
    scale, bias = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (2.0, -1.0))
    strip = open_strip(Shares((2,), 0), None, 1, audio)
    loss = SigmoidBlocks.apply(audio, text, scale, bias, SigmoidWork(strip, True))
    loss.backward()
    # Logits are 1 on the diagonal and -1 beside it: all four terms are log(1 + 1/e).
    assert loss.item() == pytest.approx(2 * math.log(1 + math.exp(-1)))
    assert bias.grad is not None
    assert scale.grad is not None
    assert bias.grad.item() == pytest.approx(0.0, abs=1e-15)
    assert scale.grad.item() == pytest.approx(-1 / (1 + math.e))


def test_small_terms_of_the_sigmoid_loss_are_not_rounded_away() -> None:
    """Negatives at a logit of -18 weigh 1.5e-8 each, below the rounding of float32 at 18, and there are B² of them."""
    audio = torch.zeros(64, 4)
    loss = chunked_sigmoid_loss(audio, audio, 1.0, -18.0, chunk=16)
    expected = (64 * math.log1p(math.exp(18)) + 64 * 63 * math.log1p(math.exp(-18))) / 64
    assert loss.item() - 18.0 == pytest.approx(expected - 18.0, abs=2e-6)
    # Without positives in sight (one row that is its own pair at +18), only the small terms remain.
    far = torch.eye(4) * 6.0
    alone = chunked_sigmoid_loss(far, far, 1.0, -18.0)
    assert alone.item() == pytest.approx(math.log1p(math.exp(-18)) + 3 * math.log1p(math.exp(-18)), rel=1e-5)


def test_backward_may_be_called_twice_and_weighs_what_comes_from_above() -> None:
    audio, text = tables()
    loss = chunked_info_nce(audio, text, 4.0, chunk=2)
    first = torch.autograd.grad(loss, [audio, text], retain_graph=True)
    second = torch.autograd.grad(loss * -2.0, [audio, text])
    for once, again in zip(first, second, strict=True):
        torch.testing.assert_close(again, -2.0 * once, rtol=1e-14, atol=0)


def test_gradients_flow_on_through_what_made_the_inputs() -> None:
    audio, text = tables()
    log_scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    loss = chunked_info_nce(audio * 2.0, text, log_scale.exp(), chunk=2)
    found = torch.autograd.grad(loss, [audio, log_scale])
    plain = chunked_info_nce(audio, text, 2.0 * log_scale.exp(), chunk=2)
    for ours, theirs in zip(found, torch.autograd.grad(plain, [audio, log_scale]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)
