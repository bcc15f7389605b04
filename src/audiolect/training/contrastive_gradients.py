"""InfoNCE and the sigmoid loss of all ranks: value and exact gradients from blocks, never a matrix of logits.

InfoNCE takes two passes over a rank's strip:

1. The log-sum-exp of every row and of every column. Rows are complete then; of the columns each rank has a part, and
   the parts of all ranks are put together (log Σ exp of the parts).
2. Each block again. With r_i and c_j the log-sums and t_ij the targets of the two directions added up, the gradient of
   the loss by logit s_ij is (exp(s_ij - r_i) + exp(s_ij - c_j) - t_ij) / 2N. Its product with the texts is the gradient
   of the audios; its product with the audios that of the texts, to be summed over ranks. The pass is left out where no
   gradient is wanted and the targets are the diagonal.

That is four products of n × N × E where the plain form takes three. The sigmoid loss takes one pass, and three.

Gradients are computed together with the value, and backward only multiplies them: the ranks send each other nothing
during backward, where one without rows might not arrive.

Shapes: n rows of this rank, N rows of all, E numbers of an embedding, D of a teacher's.
Conventions: the value is that of the global batch, the same on every rank. Gradients are those of the sum of all ranks'
values: the number of ranks times the gradient of the global loss (see ``gathering.py``).

Public names: InfoNceBlocks, InfoNceWork, SigmoidBlocks, SigmoidWork.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from audiolect.training.contrastive_blocks import Logits, Strip, finish_gradients, log_sums, without
from audiolect.training.gathering import Shares, gather_rows
from audiolect.training.negatives import diagonal_of

# The rooms of a strip.
_STUDENT, _TARGETS, _SCRATCH = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class InfoNceWork:
    """What InfoNceBlocks is told beside the tensors that have gradients.

    Args:
        strip: how to go over the matrix.
        wants_gradient: whether backward will be called.
        teacher: this rank's (n, D) audio and text embeddings of a teacher, or None.
        teacher_scale: one over the teacher's temperature.
        soft_weight: the share of the teacher's targets; 0 without a teacher.
    """

    strip: Strip
    wants_gradient: bool
    teacher: tuple[Tensor, Tensor] | None
    teacher_scale: float
    soft_weight: float


@dataclass(frozen=True, slots=True, eq=False)
class SigmoidWork:
    """What SigmoidBlocks is told beside the tensors that have gradients: see InfoNceWork."""

    strip: Strip
    wants_gradient: bool


class InfoNceBlocks(torch.autograd.Function):
    """(audio (n, E), text (n, E), scale (), work) → InfoNCE of the global batch."""

    @staticmethod
    def forward(ctx: Any, audio: Tensor, text: Tensor, scale: Tensor, work: InfoNceWork) -> Tensor:
        """The value; the gradients are kept for backward."""
        shares = work.strip.shares
        logits = Logits(audio, gather_rows(text, shares), scale, work.strip, _STUDENT)
        sums = _complete(log_sums(logits, _SCRATCH), shares)
        wanted = _open_wanted(work, audio)
        agreed, gradients = _second_pass(logits, sums, wanted, wants_gradient=work.wants_gradient)
        ctx.save_for_backward(*gradients)
        value = sums[0].sum() + sums[1][shares.mine].sum() - agreed
        return _over_ranks(value, shares) / max(2 * shares.total, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of audio, text and scale."""
        return *(gradient * saved for saved in ctx.saved_tensors), None


class SigmoidBlocks(torch.autograd.Function):
    """(audio (n, E), text (n, E), scale (), bias (), work) → the sigmoid loss of the global batch."""

    @staticmethod
    def forward(ctx: Any, audio: Tensor, text: Tensor, *others: Any) -> Tensor:
        """The value; the gradients are kept for backward. ``others``: scale, bias, work."""
        scale, bias, work = others
        strip: Strip = work.strip
        shares = strip.shares
        logits = Logits(audio, gather_rows(text, shares), scale, strip, _STUDENT)
        by_audio, by_text = torch.zeros_like(audio), torch.zeros_like(logits.text)
        values, by_bias = [scale.new_zeros(())], [scale.new_zeros(())]
        for rows, among_all, columns in strip.blocks():
            block = logits.block(rows, columns).add_(bias)
            hits, left_out = strip.hits(among_all, columns), strip.left_out(among_all, columns)
            # Towards the wrong side: x of pairs that do not belong together, -x of those that do.
            wrong = strip.place(_SCRATCH, rows, columns).copy_(block)
            if hits is None:
                diagonal_of(wrong, among_all, columns).neg_()
            else:
                torch.where(hits, -block, block, out=wrong)
            without(wrong, left_out, -torch.inf)
            values.append(_sum_of_softplus(wrong, strip.place(_TARGETS, rows, columns)))
            if not work.wants_gradient:
                continue
            slope = without(block.sigmoid_(), left_out, 0.0)
            if hits is None:
                diagonal_of(slope, among_all, columns).sub_(1.0)
            else:
                slope.sub_(hits.to(slope.dtype))
            by_bias.append(slope.sum())
            by_audio[rows].addmm_(slope, logits.text[columns])
            by_text[columns].addmm_(slope.mT, audio[rows])
        if work.wants_gradient:
            share = shares.world / max(shares.total, 1)
            gradients = finish_gradients(logits, by_audio, by_text, share)
            ctx.save_for_backward(*gradients, torch.stack(by_bias).sum() * share)
        return _over_ranks(torch.stack(values).sum(), shares) / max(shares.total, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of audio, text, scale and bias."""
        return *(gradient * saved for saved in ctx.saved_tensors), None


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """The targets of both directions, added up, a block at a time.

    ``sums`` are the complete log-sums of the teacher; ``per_row`` is one over the number of positives of each row of
    all ranks.
    """

    strip: Strip
    teacher: Logits | None
    sums: tuple[Tensor, Tensor]
    soft_weight: float
    per_row: Tensor | None

    def block(self, rows: slice, among_all: slice, columns: slice) -> Tensor:
        """(r, c) the targets; each row's and each column's share of them is 1."""
        if self.teacher is None:
            block = self.strip.place(_TARGETS, rows, columns).zero_()
        else:
            block = self.teacher.candidates(rows, among_all, columns)
            _add_powers(block, self.sums, rows, columns, self.strip).mul_(self.soft_weight)
        hits = self.strip.hits(among_all, columns)
        if hits is None or self.per_row is None:
            diagonal_of(block, among_all, columns).add_(2.0 * (1.0 - self.soft_weight))
            return block
        shares = torch.add(
            self.per_row[among_all, None], self.per_row[columns], out=self.strip.place(_SCRATCH, rows, columns)
        )
        return block.add_(shares.mul_(hits), alpha=1.0 - self.soft_weight)


def _open_wanted(work: InfoNceWork, like: Tensor) -> _Wanted | None:
    """None: the targets are the diagonal."""
    strip = work.strip
    positive = strip.sameness is not None and strip.sameness.positive
    if work.teacher is None and not positive:
        return None
    per_row = 1.0 / strip.sameness.num_same().to(like.dtype) if strip.sameness is not None and positive else None
    if work.teacher is None:
        return _Wanted(strip, None, (like, like), 0.0, per_row)
    audio, text = work.teacher
    factor = like.new_tensor(work.teacher_scale)
    teacher = Logits(audio, gather_rows(text, strip.shares), factor, strip, _TARGETS)
    return _Wanted(strip, teacher, _complete(log_sums(teacher, _SCRATCH), strip.shares), work.soft_weight, per_row)


def _second_pass(
    logits: Logits, sums: tuple[Tensor, Tensor], wanted: _Wanted | None, *, wants_gradient: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Σ targets · logits over this rank's strip, and the gradients of audio, text and scale."""
    strip, audio, text = logits.strip, logits.audio, logits.text
    shares = strip.shares
    agreed = [2.0 * logits.scale * torch.einsum("ne,ne->n", audio, text[shares.mine]).sum()]
    if wanted is None and not wants_gradient:
        return agreed[0], ()
    by_audio, by_text = torch.zeros_like(audio), torch.zeros_like(text)
    agreed = agreed if wanted is None else [audio.new_zeros(())]
    for rows, among_all, columns in strip.blocks():
        targets = None if wanted is None else wanted.block(rows, among_all, columns)
        block = logits.block(rows, columns)
        if targets is not None:
            agreed.append(torch.mul(targets, block, out=strip.place(_SCRATCH, rows, columns)).sum())
        if not wants_gradient:
            continue
        without(block, strip.left_out(among_all, columns), -torch.inf)
        _add_powers(block, sums, rows, columns, strip)
        if targets is None:
            diagonal_of(block, among_all, columns).sub_(2.0)
        else:
            block.sub_(targets)
        by_audio[rows].addmm_(block, text[columns])
        by_text[columns].addmm_(block.mT, audio[rows])
    total = torch.stack(agreed).sum()
    if not wants_gradient:
        return total, ()
    return total, finish_gradients(logits, by_audio, by_text, shares.world / max(2 * shares.total, 1))


def _add_powers(block: Tensor, sums: tuple[Tensor, Tensor], rows: slice, columns: slice, strip: Strip) -> Tensor:
    """The block, written over with its softmax along rows plus its softmax along columns."""
    along_rows = torch.sub(block, sums[0][rows, None], out=strip.place(_SCRATCH, rows, columns)).exp_()
    return block.sub_(sums[1][columns]).exp_().add_(along_rows)


def _sum_of_softplus(block: Tensor, scratch: Tensor) -> Tensor:
    """Σ log(1 + exp(x)) = Σ max(x, 0) + log(1 + exp(-|x|)), precise at both ends, 0 at -inf; writes over the block."""
    positive = torch.clamp(block, min=0.0, out=scratch).sum()
    return positive + block.abs_().neg_().exp_().log1p_().sum()


def _complete(sums: tuple[Tensor, Tensor], shares: Shares) -> tuple[Tensor, Tensor]:
    """The log-sums with the parts of all ranks in those of the columns."""
    by_row, by_column = sums
    if shares.world == 1:
        return sums
    parts = [torch.empty_like(by_column) for _ in shares.sizes]
    dist.all_gather(parts, by_column, group=shares.group)
    return by_row, torch.stack(parts).logsumexp(0)


def _over_ranks(value: Tensor, shares: Shares) -> Tensor:
    """The sum of a scalar over ranks."""
    if shares.world > 1:
        dist.all_reduce(value, group=shares.group)
    return value
