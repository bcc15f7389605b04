"""Rows of all ranks: gathered with gradients, in shares that need not be equal.

    everything_NE, first = gather_with_gradient(mine_nE)

Each rank holds n rows, its share of a global batch of N; the global order is that of the ranks. A share may be empty.

Conventions: what comes back has the gradient of the *sum* of the losses of all ranks. With a loss that every rank
computes from all N rows, this is the number of ranks times the gradient of one of them; data-parallel training takes
the mean of the parameters' gradients over ranks, and what remains is the gradient of the global loss. All ranks must
call, in the same order; the gradient is exchanged during backward, so all ranks must go backward, too. Without an
initialised process group there is one rank, and nothing is sent.

Public names: Shares, agree_on_shares, gather_rows, sum_to_owners, gather_with_gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from audiolect.errors import UsageError

Group = Any  # dist.ProcessGroup does not exist in builds of torch without distributed


@dataclass(frozen=True, slots=True)
class Shares:
    """How many rows each rank has, and which rank this is."""

    sizes: tuple[int, ...]
    rank: int
    group: Group = None

    @property
    def world(self) -> int:
        """How many ranks there are."""
        return len(self.sizes)

    @property
    def total(self) -> int:
        """N, the rows of all ranks."""
        return sum(self.sizes)

    @property
    def first(self) -> int:
        """Where this rank's rows begin among all."""
        return sum(self.sizes[: self.rank])

    @property
    def mine(self) -> slice:
        """This rank's rows among all."""
        return slice(self.first, self.first + self.sizes[self.rank])


def agree_on_shares(
    num_rows: int, device: torch.device, *, over_ranks: bool, facts: tuple[int, ...] = (), group: Group = None
) -> tuple[Shares, list[list[int]]]:
    """Tell the other ranks how many rows there are here, and hear theirs.

    Args:
        num_rows: n.
        device: where the exchange happens: that of the rows.
        over_ranks: False: there is one rank, whatever is initialised.
        facts: further integers to tell, equally many on every rank.
        group: the process group; None: all ranks.

    Returns:
        The shares, and the facts of each rank.
    """
    if not (over_ranks and dist.is_available() and dist.is_initialized()):
        return Shares((num_rows,), 0), [list(facts)]
    told = torch.tensor([num_rows, *facts], dtype=torch.int64, device=device)
    heard = [torch.empty_like(told) for _ in range(dist.get_world_size(group))]
    dist.all_gather(heard, told, group=group)
    rows = torch.stack(heard).tolist()
    return Shares(tuple(row[0] for row in rows), dist.get_rank(group), group), [row[1:] for row in rows]


def gather_rows(table: Tensor, shares: Shares) -> Tensor:
    """(N, …) the rows of all ranks, without gradient; on one rank the table itself.

    Args:
        table: (n, …), of one dtype and width on all ranks.
        shares: from ``agree_on_shares``.
    """
    table = table.detach()
    if shares.world == 1:
        return table
    # Collectives want equal shares: the smaller ones are filled up, and cut again.
    most = max(shares.sizes)
    sent = table.new_zeros((most, *table.shape[1:]))
    sent[: len(table)] = table
    received = [torch.empty_like(sent) for _ in shares.sizes]
    dist.all_gather(received, sent, group=shares.group)
    return torch.cat([rows[:size] for rows, size in zip(received, shares.sizes, strict=True)])


def sum_to_owners(table: Tensor, shares: Shares) -> Tensor:
    """(n, …) the sum over ranks of the rows that are this rank's own; the way back of ``gather_rows``.

    Args:
        table: (N, …) what this rank has to add to each row of all; it may be written to.
        shares: from ``agree_on_shares``.
    """
    if shares.world == 1:
        return table
    table = table.contiguous()
    dist.all_reduce(table, group=shares.group)
    # A copy, so that the rows of the others are let go of.
    return table[shares.mine].clone()


def gather_with_gradient(table: Tensor, *, group: Group = None) -> tuple[Tensor, int]:
    """The rows of all ranks, with the gradient that the losses of all ranks send to each.

    Args:
        table: (n, …) floating; n may differ from rank to rank and be 0, the rest of the shape must not.
        group: the process group; None: all ranks.

    Returns:
        (N, …) and where this rank's rows begin.

    Raises:
        UsageError: on every rank, when the ranks' rows have different shapes.
    """
    width = table[0].numel() if len(table) else table.new_empty(table.shape[1:]).numel()
    shares, facts = agree_on_shares(len(table), table.device, over_ranks=True, facts=(table.dim(), width), group=group)
    same_on_all(facts, "dimensions and width of the rows")
    gathered: Tensor = _Gather.apply(table, shares)  # type: ignore[no-untyped-call]
    return gathered, shares.first


def same_on_all(facts: list[list[int]], what: str) -> None:
    """The ranks told each other the same.

    Raises:
        UsageError: on every rank, when they did not.
    """
    if any(fact != facts[0] for fact in facts):
        raise UsageError(
            "The ranks do not agree.",
            where=what,
            expected="the same on every rank",
            found=", ".join(f"rank {rank}: {fact}" for rank, fact in enumerate(facts)),
            fix="give every rank the same model and the same options",
        )


class _Gather(torch.autograd.Function):
    """gather_rows, whose backward is sum_to_owners."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, shares: Shares) -> Tensor:
        ctx.shares = shares
        gathered = gather_rows(table, shares)
        return gathered.clone() if shares.world == 1 else gathered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return sum_to_owners(gradient.clone(), ctx.shares), None
