"""The plain losses against slow formulas, by hand, their invariants and their letters."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audiolect.errors import UsageError
from audiolect.training.losses import info_nce, non_negatives, require_finite, sigmoid_loss, teacher_logits


def made(size: int, width: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two (size, width) tables of norm 1 in float64."""
    generator = torch.Generator().manual_seed(seed)
    tables = torch.randn(2, size, width, generator=generator, dtype=torch.float64)
    audio, text = torch.nn.functional.normalize(tables, dim=2)
    return audio, text


def slow_info_nce(
    audio: Tensor,
    text: Tensor,
    scale: float,
    *,
    left_out: Tensor | None = None,
    positives: Tensor | None = None,
    teacher: Tensor | None = None,
    weight: float = 1.0,
) -> float:
    """The formula, query by query, in Python's floats."""
    size = len(audio)
    s = [[scale * sum(x * y for x, y in zip(a, t, strict=True)) for t in text.tolist()] for a in audio.tolist()]
    total = 0.0
    for direction in (0, 1):
        for i in range(size):
            at = [(i, j) if direction == 0 else (j, i) for j in range(size)]
            kept = [j for j in range(size) if j == i or left_out is None or not left_out[at[j]]]
            hits = [j for j in kept if j == i or (positives is not None and positives[at[j]])]
            targets = {j: (1.0 / len(hits) if j in hits else 0.0) for j in kept}
            if teacher is not None:
                below = sum(math.exp(teacher[at[j]]) for j in kept)
                for j in kept:
                    targets[j] = (1 - weight) * targets[j] + weight * math.exp(teacher[at[j]]) / below
            logs = math.log(sum(math.exp(s[at[j][0]][at[j][1]]) for j in kept))
            total += logs - sum(targets[j] * s[at[j][0]][at[j][1]] for j in kept)
    return total / (2 * size)


def random_matrix(size: int, seed: int = 0, share: float = 0.3) -> Tensor:
    return torch.rand(size, size, generator=torch.Generator().manual_seed(seed)) < share


@pytest.mark.parametrize("use_mask", [False, True])
@pytest.mark.parametrize("use_positives", [False, True])
@pytest.mark.parametrize("weight", [None, 1.0, 0.3])
def test_info_nce_is_the_formula(use_mask: bool, use_positives: bool, weight: float | None) -> None:
    audio, text = made(7)
    mask = random_matrix(7) if use_mask else None
    positives = random_matrix(7, 1) if use_positives else None
    teacher = None if weight is None else teacher_logits(*made(7, 4, seed=2), 0.2)
    ours = info_nce(
        audio, text, 9.0, non_negatives=mask, positives=positives, soft_targets=teacher, soft_weight=weight or 0.0
    )
    assert ours.item() == pytest.approx(
        slow_info_nce(audio, text, 9.0, left_out=mask, positives=positives, teacher=teacher, weight=weight or 0.0),
        rel=1e-12,
    )


def test_info_nce_by_hand() -> None:
    """Two pairs at right angles: each query has the logits scale and 0."""
    table = torch.eye(2)
    assert info_nce(table, table, 2.0).item() == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-6)
    # Each row is wrong: the loss is larger by the scale.
    assert info_nce(table, table.flip(0), 2.0).item() == pytest.approx(2 + math.log(1 + math.exp(-2)), rel=1e-6)


def test_a_teacher_that_is_sure_of_the_pairs_gives_the_plain_loss() -> None:
    audio, text = made(5)
    sure = torch.eye(5, dtype=torch.float64) * 1000
    assert info_nce(audio, text, 5.0, soft_targets=sure).item() == pytest.approx(info_nce(audio, text, 5.0).item())


def test_the_best_loss_under_soft_targets_is_their_entropy() -> None:
    audio, text = made(5)
    teacher = teacher_logits(audio, text, 0.25)
    entropies = [-(p * p.log()).sum(dim).mean() for dim in (0, 1) for p in [teacher.softmax(dim)]]
    best = info_nce(audio, text, 4.0, soft_targets=teacher).item()
    assert best == pytest.approx(sum(map(float, entropies)) / 2)
    assert info_nce(audio, text, 5.0, soft_targets=teacher).item() > best


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_are_float32_under_autocast(dtype: torch.dtype) -> None:
    audio, text = (table.to(dtype) for table in made(8, 64))
    expected = info_nce(audio.double(), text.double(), 100.0)
    with torch.autocast("cpu", torch.bfloat16):
        found = info_nce(audio, text, torch.tensor(100.0))
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_large_logits_stay_finite() -> None:
    audio, text = (table.float().requires_grad_() for table in made(6))
    loss = info_nce(audio, text, 1e5, non_negatives=random_matrix(6))
    loss.backward()
    assert torch.isfinite(loss)
    assert audio.grad is not None
    assert torch.isfinite(audio.grad).all()
    assert torch.isfinite(sigmoid_loss(audio, text, 1e5, -10.0))


def test_gradients_are_those_of_the_formula() -> None:
    audio, text = (table.requires_grad_() for table in made(4, 3))
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
    mask, positives, teacher = random_matrix(4), random_matrix(4, 1), teacher_logits(*made(4, 3, seed=5), 0.5)

    def nce(a: Tensor, t: Tensor, s: Tensor) -> Tensor:
        return info_nce(a, t, s, non_negatives=mask, positives=positives, soft_targets=teacher, soft_weight=0.5)

    assert torch.autograd.gradcheck(nce, (audio, text, scale))
    assert torch.autograd.gradcheck(
        lambda a, t, s, b: sigmoid_loss(a, t, s, b, non_negatives=mask, positives=positives),
        (audio, text, scale, bias),
    )


def test_left_out_pairs_give_no_gradient() -> None:
    """Row 0's only other text is left out both ways, so nothing about them pulls."""
    audio, text = (table.requires_grad_() for table in made(2))
    loss = info_nce(audio, text, 7.0, non_negatives=torch.ones(2, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-12)
    assert audio.grad is not None
    assert audio.grad.abs().max() < 1e-12


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(order: list[int], seed: int) -> None:
    audio, text = made(6, seed=seed)
    mask, positives = random_matrix(6, seed), random_matrix(6, seed + 1)
    plain = info_nce(audio, text, 6.0, non_negatives=mask, positives=positives)
    moved = info_nce(
        audio[order],
        text[order],
        6.0,
        non_negatives=mask[order][:, order],
        positives=positives[order][:, order],
    )
    assert moved.item() == pytest.approx(plain.item(), rel=1e-12)
    swapped = info_nce(text, audio, 6.0, non_negatives=mask.mT, positives=positives.mT)
    assert swapped.item() == pytest.approx(plain.item(), rel=1e-12)


@pytest.mark.parametrize("size", [0, 1])
def test_batches_of_none_and_of_one(size: int) -> None:
    audio, text = (table.requires_grad_() for table in made(size))
    loss = info_nce(audio, text, 10.0)
    loss.backward()
    assert loss.item() == 0.0
    assert audio.grad is not None
    assert audio.grad.abs().sum().item() == 0.0


def test_sigmoid_loss_is_the_formula() -> None:
    audio, text = made(5)
    mask, positives = random_matrix(5), random_matrix(5, 1)
    total = 0.0
    for i in range(5):
        for j in range(5):
            if mask[i, j] and i != j:
                continue
            z = 1.0 if i == j or positives[i, j] else -1.0
            total -= math.log(1 / (1 + math.exp(-z * (8.0 * float(audio[i] @ text[j]) - 2.0))))
    ours = sigmoid_loss(audio, text, 8.0, -2.0, non_negatives=mask, positives=positives)
    assert ours.item() == pytest.approx(total / 5, rel=1e-12)
    assert sigmoid_loss(audio[:0], text[:0], 8.0, -2.0).item() == 0.0


def test_non_negatives_by_hand() -> None:
    found = non_negatives(torch.tensor([1, 1, 2, 3]), torch.tensor([7, 8, 9, 7]))
    expected = [[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert found.tolist() == [[bool(x) for x in row] for row in expected]
    assert non_negatives(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)).shape == (0, 0)


def test_what_does_not_fit_is_refused() -> None:
    audio, text = made(4)
    with pytest.raises(UsageError, match="do not fit"):
        info_nce(audio, text[:3], 1.0)
    with pytest.raises(UsageError, match="do not fit"):
        sigmoid_loss(audio[0], text[0], 1.0, 0.0)
    with pytest.raises(UsageError, match="do not fit"):
        info_nce(audio.long(), text.long(), 1.0)
    with pytest.raises(UsageError, match="scalars"):
        info_nce(audio, text, torch.ones(4))
    with pytest.raises(UsageError, match="non_negatives"):
        info_nce(audio, text, 1.0, non_negatives=torch.zeros(3, 4, dtype=torch.bool))
    with pytest.raises(UsageError, match="soft_targets"):
        info_nce(audio, text, 1.0, soft_targets=torch.zeros(4, 4, dtype=torch.int64))
    with pytest.raises(UsageError, match="between 0 and 1"):
        info_nce(audio, text, 1.0, soft_weight=1.5)
    with pytest.raises(UsageError, match="above 0"):
        teacher_logits(audio, text, 0.0)
    with pytest.raises(UsageError, match=r"caption_keys(.|\n)*int64"):
        non_negatives(torch.zeros(3, dtype=torch.int64), torch.zeros(3))


def test_a_loss_that_is_not_finite_is_explained() -> None:
    audio, text = made(4)
    require_finite(info_nce(audio, text, 1.0), audio, text, 1.0)
    text[2, 0] = torch.nan
    with pytest.raises(UsageError, match=r"step 7(.|\n)*audio rows that are not finite: none; text rows .*: 2"):
        require_finite(info_nce(audio, text, 1.0), audio, text, 1.0, where="step 7")
