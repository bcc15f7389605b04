"""Contrastive losses of paired embeddings, written plainly: they hold the whole B × B matrix of logits.

    loss = info_nce(audio_BE, text_BE, scale, non_negatives=non_negatives(recording_keys, caption_keys))

Row i of ``audio`` and row i of ``text`` belong together. With logits s = scale · audio · textᵀ, each audio is a query
among the texts and each text a query among the audios. The loss of one query is a cross-entropy,

    log Σ_j exp(s_ij) - Σ_j p_ij s_ij,    j over its candidates, p a distribution over them,

and the loss is the mean over the B audios and the B texts: (mean of rows + mean of columns) / 2.

- Candidates: everything in the batch but the non-negatives (other captions of the same recording, other recordings with
  the same caption, a synthetic recording and its parent). These are neither positives nor negatives; the pair of a row
  with itself is always a candidate.
- Targets p: the row itself; with ``positives``, those pairs too, in equal shares; with ``soft_targets``, the softmax of
  a teacher's logits over the same candidates, of which ``soft_weight`` is taken and the rest from the former.

Conventions: B rows, E numbers each. Embeddings are taken as they come: normalise them before. Everything is computed
in float32 (in float64 for float64 embeddings), also under autocast and for bfloat16 embeddings. A batch of none has the
loss 0, as has a row without negatives; both give gradients of 0. Not finite embeddings give a loss that is not finite:
``require_finite`` turns it into a letter, at a point where waiting for the device costs nothing.
``chunked.py`` computes the same without the matrix, and over the rows of all ranks.

Public names: info_nce, sigmoid_loss, non_negatives, teacher_logits, require_finite; as_float,
check_pairs, check_keys, check_share and check_temperature for the files beside.

Source: van den Oord et al. 2018 (InfoNCE); Radford et al. 2021 (both directions); Zhai et al. 2023 (sigmoid loss);
Khosla et al. 2020, equation 2 (several positives); Primus, Schmid and Widmer, DCASE 2024 (a teacher's logits).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from audiolect.errors import UsageError

_TABLE = 2  # dimensions of embeddings
_MOST_ROWS_NAMED = 10


def info_nce(
    audio: Tensor,
    text: Tensor,
    scale: Tensor | float,
    *,
    non_negatives: Tensor | None = None,
    positives: Tensor | None = None,
    soft_targets: Tensor | None = None,
    soft_weight: float = 1.0,
) -> Tensor:
    """InfoNCE in both directions.

    Args:
        audio, text: (B, E) floating.
        scale: what similarities are multiplied with, one over the temperature; a scalar, with gradient if it has one.
        non_negatives: (B, B) bool, audio by text: pairs that are left out; the diagonal is not looked at.
        positives: (B, B) bool: further pairs that belong together. A pair that is also a non-negative is left out.
        soft_targets: (B, B) floating: a teacher's logits, audio by text, e.g. from ``teacher_logits``; no gradient.
        soft_weight: from 0 to 1, the share of the soft targets in the targets.

    Returns:
        A scalar, float32 (float64 if an input is).

    Raises:
        UsageError: shapes or dtypes do not fit.
    """
    check_pairs(audio, text, scale)
    size = len(audio)
    for name, matrix in (("non_negatives", non_negatives), ("positives", positives)):
        _check_matrix(name, matrix, size, boolean=True)
    _check_matrix("soft_targets", soft_targets, size, boolean=False)
    check_share("soft_weight", soft_weight)
    with torch.autocast(audio.device.type, enabled=False):
        audio, text = as_float(audio, text)
        if size == 0:
            return (audio.sum() + text.sum()) * 0.0
        logits = scale * (audio @ text.mT)
        own = torch.eye(size, dtype=torch.bool, device=logits.device)
        left_out = None if non_negatives is None else non_negatives & ~own
        hits = own if positives is None else own | positives
        if left_out is not None:
            hits = hits & ~left_out
        teacher = None if soft_targets is None else soft_targets.detach().to(logits.dtype)
        both = (_cross_entropy(logits, hits, left_out, teacher, soft_weight=soft_weight, dim=dim) for dim in (1, 0))
        return sum(both, start=logits.new_zeros(())) / 2


def sigmoid_loss(
    audio: Tensor,
    text: Tensor,
    scale: Tensor | float,
    bias: Tensor | float,
    *,
    non_negatives: Tensor | None = None,
    positives: Tensor | None = None,
) -> Tensor:
    """The sigmoid loss: every pair is a question of its own, whether the two belong together.

    -(1 / B) Σ_ij log σ(z_ij (scale · audio_i · text_j + bias)), z = 1 for pairs that belong together, else -1.

    Args:
        audio, text, scale, non_negatives, positives: as in ``info_nce``; non-negatives are left out of the sum.
        bias: a scalar, at the start about -10, since almost all pairs do not belong together.

    Raises:
        UsageError: shapes or dtypes do not fit.
    """
    check_pairs(audio, text, scale, bias)
    size = len(audio)
    for name, matrix in (("non_negatives", non_negatives), ("positives", positives)):
        _check_matrix(name, matrix, size, boolean=True)
    with torch.autocast(audio.device.type, enabled=False):
        audio, text = as_float(audio, text)
        logits = scale * (audio @ text.mT) + bias
        own = torch.eye(size, dtype=torch.bool, device=logits.device)
        hits = own if positives is None else own | positives
        # logsigmoid and not softplus, which becomes its asymptote beyond 20: 2e-9 off.
        terms = -functional.logsigmoid(torch.where(hits, logits, -logits))
        if non_negatives is not None:
            terms = terms.masked_fill(non_negatives & ~own, 0.0)
        return terms.sum() / max(size, 1)


def non_negatives(recording_keys: Tensor, caption_keys: Tensor) -> Tensor:
    """(B, B) bool: True for pairs of different rows that share the recording (or its origin) or the caption.

    Args:
        recording_keys, caption_keys: (B,) int64, of ``loader.batch.Batch``.

    Raises:
        UsageError: not two equally long rows of int64.
    """
    check_keys(recording_keys, caption_keys, len(recording_keys) if recording_keys.dim() == 1 else 0)
    same = (recording_keys[:, None] == recording_keys) | (caption_keys[:, None] == caption_keys)
    return same.fill_diagonal_(False)


def teacher_logits(audio: Tensor, text: Tensor, temperature: float) -> Tensor:
    """(B, B) soft targets: the similarities of a teacher's embeddings over a temperature, without gradient.

    Args:
        audio, text: (B, D) a teacher's embeddings of the same rows.
        temperature: above 0; small makes the targets hard.

    Raises:
        UsageError: shapes, dtypes or temperature do not fit.
    """
    check_pairs(audio, text, 1.0)
    check_temperature(temperature)
    with torch.autocast(audio.device.type, enabled=False), torch.no_grad():
        audio, text = as_float(audio, text)
        return (audio @ text.mT) / temperature


def require_finite(loss: Tensor, audio: Tensor, text: Tensor, scale: Tensor | float, *, where: object = None) -> None:
    """Nothing if the loss is finite; otherwise a letter that names the rows which are not.

    Args:
        loss: the scalar that came of them.
        audio, text, scale: what the loss was computed from.
        where: the step or the ids of the batch.

    Raises:
        UsageError: the loss is not finite.
    """
    if bool(torch.isfinite(loss)):
        return
    found = [f"loss {float(loss)}", f"scale {float(scale)}"]
    for name, table in (("audio", audio), ("text", text)):
        rows = (~torch.isfinite(table.detach()).all(dim=1)).nonzero()[:, 0].tolist()
        named = ", ".join(map(str, rows[:_MOST_ROWS_NAMED])) + (" …" if len(rows) > _MOST_ROWS_NAMED else "")
        found.append(f"{name} rows that are not finite: {named or 'none'}")
    raise UsageError(
        "The loss is not finite.",
        where=where,
        expected="finite embeddings and scale",
        found="; ".join(found),
        cause="a learning rate that is too high, or a broken recording in the batch",
        fix="lower the learning rate or clip the gradient; look at the recordings of the rows named",
    )


def as_float(*tensors: Tensor) -> list[Tensor]:
    """All in float32, or all in float64 if one is."""
    dtype = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
    return [tensor.to(dtype) for tensor in tensors]


def check_pairs(audio: Tensor, text: Tensor, *scalars: Tensor | float) -> None:
    """Audio and text are (B, E) floating and alike, on one device; scale and bias are scalars.

    Raises:
        UsageError: they are not.
    """
    fits = audio.dim() == _TABLE and audio.shape == text.shape and audio.device == text.device
    if not (fits and audio.is_floating_point() and text.is_floating_point()):
        raise UsageError(
            "The embeddings of audio and text do not fit.",
            expected="two floating (B, E) tensors of one shape on one device",
            found=f"audio {tuple(audio.shape)} {audio.dtype} on {audio.device}, "
            f"text {tuple(text.shape)} {text.dtype} on {text.device}",
        )
    for scalar in scalars:
        if isinstance(scalar, Tensor) and scalar.dim() != 0:
            raise UsageError("Scale and bias are scalars.", expected="shape ()", found=f"shape {tuple(scalar.shape)}")


def check_keys(recording_keys: Tensor, caption_keys: Tensor, size: int) -> None:
    """Both are (size,) int64.

    Raises:
        UsageError: they are not.
    """
    for name, keys in (("recording_keys", recording_keys), ("caption_keys", caption_keys)):
        if keys.shape != (size,) or keys.dtype != torch.int64:
            raise UsageError(
                "The keys do not fit the batch.",
                where=name,
                expected=f"({size},) torch.int64",
                found=f"{tuple(keys.shape)} {keys.dtype}",
            )


def check_share(name: str, share: float) -> None:
    """From 0 to 1.

    Raises:
        UsageError: it is not.
    """
    if not 0.0 <= share <= 1.0:
        raise UsageError("A share lies between 0 and 1.", where=name, expected="0 to 1", found=share)


def check_temperature(temperature: float) -> None:
    """Above 0 and finite.

    Raises:
        UsageError: it is not.
    """
    if not 0.0 < temperature < float("inf"):
        raise UsageError("A temperature is above 0 and finite.", where="temperature", found=temperature)


def _cross_entropy(
    logits: Tensor, hits: Tensor, left_out: Tensor | None, teacher: Tensor | None, *, soft_weight: float, dim: int
) -> Tensor:
    """The mean over the queries of one direction; their candidates lie along ``dim``."""
    candidates = logits if left_out is None else logits.masked_fill(left_out, -torch.inf)
    targets = hits.to(logits.dtype) / hits.sum(dim, keepdim=True)
    if teacher is not None:
        seen = teacher if left_out is None else teacher.masked_fill(left_out, -torch.inf)
        targets = (1.0 - soft_weight) * targets + soft_weight * seen.softmax(dim)
    return (candidates.logsumexp(dim) - (targets * logits).sum(dim)).mean()


def _check_matrix(name: str, matrix: Tensor | None, size: int, *, boolean: bool) -> None:
    """None, or (B, B) and of the right kind of numbers."""
    if matrix is None:
        return
    right = matrix.dtype == torch.bool if boolean else matrix.is_floating_point()
    if matrix.shape != (size, size) or not right:
        raise UsageError(
            "A matrix over the pairs of the batch does not fit.",
            where=name,
            expected=f"({size}, {size}) {'torch.bool' if boolean else 'floating'}",
            found=f"{tuple(matrix.shape)} {matrix.dtype}",
        )
