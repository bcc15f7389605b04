"""Gradient caching: batches that are larger than memory, with the gradient of the whole batch.

    loss = cached_backward(
        lambda rows: (model.embed_audio(...rows...), model.embed_texts(...rows...), model.scale()),
        chunks_of_rows,
        lambda audio, text, scale: info_nce(audio, text, scale),
        model=model,
    )
    optimizer.step()

1. Every chunk is embedded without a graph.
2. The loss of all embeddings gives a gradient for each of them.
3. Every chunk is embedded again, now with a graph, and its embeddings' gradients go backward through it.

Memory holds one chunk's graph and the embeddings of all; the price is one more forward.

What is exact: a network that treats each row by itself gets the gradients of the one large batch, to rounding
(float64: 1e-12; float32: about 1e-6 of the largest). Dropout draws in step 3 what it drew in step 1: the states of
torch's generators are set back before each chunk, and buffers before the first (running means, power iterations). What
comes out is what the chunks in one large graph would give. Randomness that is not torch's cannot be replayed; step 3
compares its embeddings with those of step 1, and a letter says where they differ.

What is not: layers that mix the rows of a batch. Batch normalisation in training mode sees a chunk, not the batch; it
is refused unless allowed, and then gives the gradients of chunks normalised one by one. Batch normalisation in
evaluation mode, layer and group normalisation are exact.

Conventions: parameters gather gradients as ``backward`` does: added to ``.grad``. Under DistributedDataParallel give
``no_sync``; all but the last chunk go backward inside it, so gradients are averaged once, and the scale must come out
of ``embed``, as above, for its gradient to be averaged too. Each rank needs a chunk, be it one without rows, but not as
many as the others.

Where something else calls ``backward`` (a loop that knows only losses), ``cached_outputs`` gives the outputs of all
chunks as if they had a graph; the backward of whatever is computed from them does step 3:

    audio, text = cached_outputs(embed, chunks_of_rows, model=model)
    loss = info_nce(audio, text, model.scale())

Every parameter then gets one gradient, the sum over the chunks, so that data-parallel wrappers exchange it once, as
they always do; ``no_sync`` is not asked for. Step 3 runs under the autocast of step 1.

Public names: cached_backward, cached_outputs, layers_that_mix_rows.

Source: Gao, Zhang, Han and Callan 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from audiolect.errors import UsageError

Chunk = TypeVar("Chunk")

_FEWEST_OUTPUTS = 2
# Step 3 may differ from step 1 by this share of the largest number: bfloat16 and kernels that add in any order differ
# by less, another drop of dropout by far more.
_REPLAY_TOLERANCE = 0.02


def cached_backward(
    embed: Callable[[Chunk], Sequence[Tensor]],
    chunks: Sequence[Chunk],
    loss_of: Callable[..., Tensor],
    *,
    model: nn.Module,
    factor: float = 1.0,
    no_sync: Callable[[], AbstractContextManager[object]] | None = None,
    allow_batch_norm: bool = False,
) -> Tensor:
    """Add the gradients of ``factor`` times the loss of all chunks together to the parameters.

    Args:
        embed: a chunk → its outputs: tables (b, …), which are put together row after row, and scalars such as the
            scale, which must be the same for all chunks. It is called twice with each chunk.
        chunks: parts of the batch; of any kind that ``embed`` takes, and not used up by it.
        loss_of: all outputs, in the same order → the scalar loss.
        model: what ``embed`` calls: looked through for layers that mix rows, its buffers are replayed.
        factor: what the loss is multiplied with before backward: one over the number of batches that are accumulated,
            or the scale of a gradient scaler.
        no_sync: opens a context without exchange of gradients, ``DistributedDataParallel.no_sync``.
        allow_batch_norm: take batch normalisation chunk by chunk.

    Returns:
        The loss, without ``factor`` and without a graph.

    Raises:
        UsageError: there are no chunks; the model mixes rows; outputs do not fit; step 3 is not step 1 again.
    """
    _require_separable(chunks, model, allow_batch_norm=allow_batch_norm)
    quiet = no_sync or nullcontext
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    states, outputs = [], []
    with quiet(), torch.no_grad():
        for chunk in chunks:
            states.append(_random_states())
            outputs.append(_checked(embed(chunk)))
    # Casts of weights that autocast keeps from step 1 have no gradient.
    torch.clear_autocast_cache()
    _restore(buffers)
    leaves = list(_leaves(outputs))
    loss = loss_of(*leaves)
    with quiet():
        (loss * factor).backward()  # type: ignore[no-untyped-call]
    after = _random_states()
    slices = _Slices([leaf.grad for leaf in leaves])
    for index, (chunk, state, before) in enumerate(zip(chunks, states, outputs, strict=True)):
        last = index == len(chunks) - 1
        state.restore()
        with nullcontext() if last else quiet():
            again = _checked(embed(chunk))
            _require_replay(before, again, index)
            slices.backward(again, last=last)
    after.restore()
    return loss.detach()


def cached_outputs(
    embed: Callable[[Chunk], Sequence[Tensor]],
    chunks: Sequence[Chunk],
    *,
    model: nn.Module,
    allow_batch_norm: bool = False,
) -> tuple[Tensor, ...]:
    """The outputs of all chunks, whose backward embeds chunk after chunk again.

    Args:
        embed: a chunk → its outputs, two tables (b, …) or more, which are put together row after row. Scalars such as
            the scale are taken outside of it.
        chunks, model, allow_batch_norm: as of ``cached_backward``.

    Returns:
        The tables, with a gradient to every parameter of ``model`` that trains; once backward.

    Raises:
        UsageError: there are no chunks; the model mixes rows; outputs do not fit; in backward, step 3 is not step 1
            again.
    """
    _require_separable(chunks, model, allow_batch_norm=allow_batch_norm)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    work = _Work(embed, chunks, model, parameters)
    outputs: tuple[Tensor, ...] = _CachedOutputs.apply(work, *parameters)  # type: ignore[no-untyped-call]
    return outputs


class _Work:
    """What ``cached_outputs`` does forward, and what of it backward needs."""

    def __init__(
        self,
        embed: Callable[[Any], Sequence[Tensor]],
        chunks: Sequence[Any],
        model: nn.Module,
        parameters: list[nn.Parameter],
    ) -> None:
        self._embed, self._chunks, self._parameters = embed, chunks, parameters
        self._buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
        self._states: list[_RandomStates] = []
        self._outputs: list[list[Tensor]] = []
        kind = parameters[0].device.type if parameters else "cpu"
        self._autocast = (kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind))

    def first(self) -> tuple[Tensor, ...]:
        """Step 1; called where nothing has a graph."""
        for chunk in self._chunks:
            self._states.append(_random_states())
            self._outputs.append(_checked(self._embed(chunk)))
        torch.clear_autocast_cache()
        return tuple(torch.cat(parts) for parts in zip(*self._outputs, strict=True))

    def again(self, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Step 3: the gradients of the parameters, for those of the outputs."""
        after, first = _random_states(), 0
        summed: list[Tensor | None] = [None] * len(self._parameters)
        _restore(self._buffers)
        kind, dtype, enabled = self._autocast
        for index, (chunk, state, before) in enumerate(zip(self._chunks, self._states, self._outputs, strict=True)):
            state.restore()
            with torch.enable_grad(), torch.autocast(kind, dtype=dtype, enabled=enabled):
                outputs = _checked(self._embed(chunk))
            _require_replay(before, outputs, index)
            rows = slice(first, first + len(before[0]))
            first = rows.stop
            pairs = [
                (output, gradient[rows])
                for output, gradient in zip(outputs, gradients, strict=True)
                if gradient is not None and output.requires_grad
            ]
            if pairs:
                found = torch.autograd.grad(
                    [output for output, _ in pairs],
                    self._parameters,
                    [gradient for _, gradient in pairs],
                    allow_unused=True,
                )
                summed = [_sum(old, new) for old, new in zip(summed, found, strict=True)]
        after.restore()
        return summed


def _sum(old: Tensor | None, new: Tensor | None) -> Tensor | None:
    if old is None or new is None:
        return new if old is None else old
    return old + new


class _CachedOutputs(torch.autograd.Function):
    """All outputs forward, all gradients of the parameters backward."""

    @staticmethod
    def forward(ctx: Any, work: _Work, *parameters: Tensor) -> tuple[Tensor, ...]:  # noqa: ARG004
        ctx.work = work
        return work.first()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *ctx.work.again(gradients))


def layers_that_mix_rows(model: nn.Module) -> list[str]:
    """The names of the layers of torch whose outputs for one row depend on the others: batch norm in training mode."""
    return [
        name or type(module).__name__
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None)
    ]


def _require_separable(chunks: Sequence[object], model: nn.Module, *, allow_batch_norm: bool) -> None:
    if not chunks:
        raise UsageError("There are no chunks.", expected="at least one; of an empty share, one without rows")
    mixing = layers_that_mix_rows(model)
    if mixing and not allow_batch_norm:
        raise UsageError(
            "The model mixes the rows of a batch, so chunks do not give the gradient of the whole batch.",
            where=", ".join(mixing[:5]) + (" …" if len(mixing) > 5 else ""),
            expected="no batch normalisation in training mode",
            found=f"{len(mixing)} such layers",
            fix="put them in evaluation mode, or allow batch normalisation over chunks (allow_batch_norm)",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _RandomStates:
    """The states of torch's generators: of the CPU, and of the current accelerator if there is one."""

    cpu: Tensor
    device: str | None
    on_device: Tensor | None

    def restore(self) -> None:
        """Let the generators draw again what they drew after this was taken."""
        torch.set_rng_state(self.cpu)
        if self.device is not None:
            torch.get_device_module(self.device).set_rng_state(self.on_device)


def _random_states() -> _RandomStates:
    cpu = torch.get_rng_state()
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator is None:
        return _RandomStates(cpu, None, None)
    return _RandomStates(cpu, accelerator.type, torch.get_device_module(accelerator.type).get_rng_state())


def _restore(buffers: Iterable[tuple[Tensor, Tensor]]) -> None:
    for buffer, value in buffers:
        buffer.copy_(value)


def _checked(outputs: Sequence[Tensor]) -> list[Tensor]:
    """At least two tensors, the tables among them with as many rows each."""
    rows = {len(output) for output in outputs if output.dim() > 0}
    if len(outputs) < _FEWEST_OUTPUTS or len(rows) != 1:
        raise UsageError(
            "The embeddings of a chunk do not fit.",
            expected="tables with one row for each row of the chunk, and scalars",
            found=", ".join(str(tuple(output.shape)) for output in outputs) or "nothing",
        )
    return list(outputs)


def _leaves(outputs: Sequence[Sequence[Tensor]]) -> Iterator[Tensor]:
    """The outputs of all chunks, tables put together, with a gradient of their own."""
    for parts in zip(*outputs, strict=True):
        whole = torch.cat(parts) if parts[0].dim() > 0 else parts[0].clone()
        yield whole.detach().requires_grad_(whole.is_floating_point())


class _Slices:
    """Hands each chunk its rows of the gradients, and the last one those of the scalars."""

    def __init__(self, gradients: Sequence[Tensor | None]) -> None:
        self._gradients = gradients
        self._first = 0

    def backward(self, outputs: Sequence[Tensor], *, last: bool) -> None:
        """From the outputs of the next chunk into the parameters."""
        first, rows = self._first, next(len(output) for output in outputs if output.dim() > 0)
        self._first = first + rows
        pairs = []
        for output, gradient in zip(outputs, self._gradients, strict=True):
            if gradient is None or not output.requires_grad or (output.dim() == 0 and not last):
                continue
            pairs.append((output, gradient if output.dim() == 0 else gradient[first : first + rows]))
        if pairs:
            torch.autograd.backward([output for output, _ in pairs], [gradient for _, gradient in pairs])


def _require_replay(before: Sequence[Tensor], again: Sequence[Tensor], index: int) -> None:
    """The second embedding of a chunk is the first one again; what was not finite then need not be."""
    for first, second in zip(before, again, strict=True):
        if first.shape == second.shape and first.numel() == 0:
            continue
        same_shape = first.shape == second.shape
        if same_shape and bool((second.detach() - first).abs().max() <= _REPLAY_TOLERANCE * first.abs().max()):
            continue
        if same_shape and not bool(torch.isfinite(first).all()):
            continue
        raise UsageError(
            "A chunk that was embedded twice gave two different embeddings.",
            where=f"chunk {index}",
            cause="randomness that is not torch's (numpy, random), or a chunk that embed uses up or changes",
            fix="draw such randomness before, and give embed what was drawn",
        )
