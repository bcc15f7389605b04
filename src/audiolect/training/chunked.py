"""The contrastive losses in pieces, over the rows of all ranks: exact, and no B × B matrix is ever held.

    keys = PairKeys(recording_keys_B, caption_keys_B)
    loss = chunked_info_nce(audio_BE, text_BE, scale, keys=keys, over_ranks=True)

The same numbers as ``losses.info_nce`` and ``losses.sigmoid_loss`` give for the whole batch, with masks that are made
of keys, and soft targets of a teacher's embeddings. Beyond the embeddings and their gradients, memory is three blocks
of ``chunk`` × ``chunk`` numbers.

Over ranks: each rank gives its share of the global batch, its keys and its teacher's embeddings. Shares may be unequal
or empty, not every one of them. Every rank gets the loss of the *global* batch, and gradients of the sum of the ranks'
losses, which is the number of ranks times the gradient of the global loss. Data-parallel training (DDP, FSDP) takes the
mean of gradients over ranks: what comes out is the gradient of the global loss, as one process would have it. Do not
divide by the number of ranks again. The ranks exchange rows during forward only; each must call.

Conventions: as in ``losses.py``: float32 inside (float64 for float64 embeddings), also under autocast. A batch of none
has the loss 0. Second derivatives are not there.

Public names: Teacher, chunked_info_nce, chunked_sigmoid_loss.

Source: the formulas' sources stand in ``losses.py``; log-sum-exp piece by piece after Milakov and Gimelshein 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from audiolect.errors import UsageError
from audiolect.training.contrastive_blocks import Strip, open_strip
from audiolect.training.contrastive_gradients import InfoNceBlocks, InfoNceWork, SigmoidBlocks, SigmoidWork
from audiolect.training.gathering import Group, agree_on_shares, same_on_all
from audiolect.training.losses import as_float, check_pairs, check_share, check_temperature
from audiolect.training.negatives import SAME, PairKeys


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """Another model's embeddings of the same rows: the softmax of their logits is what InfoNCE aims at.

    Args:
        audio, text: (B, D) floating, this rank's rows; their gradient is not used.
        temperature: similarities are divided by it; above 0, small makes the targets hard.
        weight: from 0 to 1, the share of these targets; the rest are those of the pairs themselves.

    Raises:
        UsageError: something of this does not fit.
    """

    audio: Tensor
    text: Tensor
    temperature: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_pairs(self.audio, self.text)
        check_temperature(self.temperature)
        check_share("weight", self.weight)


def chunked_info_nce(
    audio: Tensor,
    text: Tensor,
    scale: Tensor | float,
    *,
    keys: PairKeys | None = None,
    teacher: Teacher | None = None,
    chunk: int | None = None,
    over_ranks: bool = False,
    group: Group = None,
) -> Tensor:
    """InfoNCE in both directions, as ``losses.info_nce``.

    Args:
        audio, text: (B, E) floating, this rank's rows; B may be 0.
        scale: one over the temperature; a scalar, with gradient if it has one.
        keys: which pairs are the same, and what becomes of them; None: every pair of two rows is a negative.
        teacher: soft targets.
        chunk: most rows and columns of a block; None: 1024 on a CPU, 4096 elsewhere.
        over_ranks: whether the batch is that of all ranks; without a process group there is one rank.
        group: the process group; None: all ranks.

    Returns:
        A scalar, float32 (float64 if an embedding is).

    Raises:
        UsageError: shapes or dtypes do not fit; or, on every rank, the ranks do not agree.
    """
    check_pairs(audio, text, scale)
    with torch.autocast(audio.device.type, enabled=False):
        audio, text = as_float(audio, text)
        scale = _scalar(scale, audio)
        seen = None
        if teacher is not None:
            _check_rows("teacher", len(teacher.audio), len(audio))
            seen = teacher.audio.detach().to(audio), teacher.text.detach().to(audio)
        width = 0 if seen is None else seen[0].shape[1]
        strip, wants_gradient = _prepare(
            audio, text, scale, keys=keys, chunk=chunk, over_ranks=over_ranks, group=group, teacher_width=width
        )
        work = InfoNceWork(
            strip=strip,
            wants_gradient=wants_gradient,
            teacher=seen,
            teacher_scale=1.0 if teacher is None else 1.0 / teacher.temperature,
            soft_weight=0.0 if teacher is None else teacher.weight,
        )
        loss: Tensor = InfoNceBlocks.apply(audio, text, scale, work)  # type: ignore[no-untyped-call]
        return loss


def chunked_sigmoid_loss(
    audio: Tensor,
    text: Tensor,
    scale: Tensor | float,
    bias: Tensor | float,
    *,
    keys: PairKeys | None = None,
    chunk: int | None = None,
    over_ranks: bool = False,
    group: Group = None,
) -> Tensor:
    """The sigmoid loss, as ``losses.sigmoid_loss``; the arguments are those of ``chunked_info_nce``.

    Raises:
        UsageError: shapes or dtypes do not fit; or, on every rank, the ranks do not agree.
    """
    check_pairs(audio, text, scale, bias)
    with torch.autocast(audio.device.type, enabled=False):
        audio, text = as_float(audio, text)
        scale, bias = _scalar(scale, audio), _scalar(bias, audio)
        strip, wants_gradient = _prepare(
            audio, text, scale, bias, keys=keys, chunk=chunk, over_ranks=over_ranks, group=group
        )
        work = SigmoidWork(strip, wants_gradient)
        loss: Tensor = SigmoidBlocks.apply(audio, text, scale, bias, work)  # type: ignore[no-untyped-call]
        return loss


def _prepare(
    *inputs: Tensor,
    keys: PairKeys | None,
    chunk: int | None,
    over_ranks: bool,
    group: Group,
    teacher_width: int = 0,
) -> tuple[Strip, bool]:
    """The strip of this rank, and whether any rank wants a gradient."""
    audio = inputs[0]
    if chunk is not None and chunk < 1:
        raise UsageError("A block has at least one row.", where="chunk", expected="1 or more", found=chunk)
    if keys is not None:
        _check_rows("keys", len(keys), len(audio))
    wants = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs)
    told = SAME.index(keys.same) if keys is not None else len(SAME)
    bits = torch.finfo(audio.dtype).bits
    shares, heard = agree_on_shares(
        len(audio),
        audio.device,
        over_ranks=over_ranks,
        facts=(audio.shape[1], bits, teacher_width, told, int(wants)),
        group=group,
    )
    same_on_all([facts[:-1] for facts in heard], "embedding size, bits of a number, teacher's size, treatment of keys")
    # A rank without rows may not ask for gradients, but its part of the others' is wanted.
    wants = any(facts[-1] for facts in heard)
    sameness = None if keys is None else keys.gathered(shares)
    return open_strip(shares, sameness, chunk, audio), wants


def _scalar(value: Tensor | float, like: Tensor) -> Tensor:
    return value.to(like) if isinstance(value, Tensor) else like.new_tensor(value)


def _check_rows(name: str, found: int, expected: int) -> None:
    if found != expected:
        raise UsageError("There is not one row for each row of audio.", where=name, expected=expected, found=found)
