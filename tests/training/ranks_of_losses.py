"""What the tests of losses over ranks start, once for each rank: ``python ranks_of_losses.py RANK WORLD FOLDER``.

Each rank takes its share of one global batch through a model in DistributedDataParallel, and writes the loss and the
gradients of every case to FOLDER/RANK.pt. The tests import the cases to compute the same in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from audiolect.errors import UsageError
from audiolect.training.chunked import Teacher, chunked_info_nce, chunked_sigmoid_loss
from audiolect.training.gathering import gather_with_gradient
from audiolect.training.gradient_cache import cached_backward
from audiolect.training.leaving import leave_ranks
from audiolect.training.losses import info_nce
from audiolect.training.negatives import PairKeys

SIZES = {1: (9,), 2: (7, 2), 3: (4, 0, 5)}


class Towers(nn.Module):
    """Two linear towers, a scale and a bias, the same wherever it is made."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.towers = nn.Parameter(torch.randn(2, 5, 4, generator=generator, dtype=torch.float64))
        self.log_scale = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor(-3.0, dtype=torch.float64))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(2, B, 5) → audio (B, 4), text (B, 4), scale, bias."""
        audio, text = nn.functional.normalize(rows @ self.towers, dim=2)
        return audio, text, self.log_scale.exp(), self.bias


def share(world: int, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """(2, n, 5) inputs, (2, n) keys, (2, n, 3) embeddings of a teacher."""
    generator = torch.Generator().manual_seed(0)
    total, sizes = 9, SIZES[world]
    rows = torch.randn(2, total, 5, generator=generator, dtype=torch.float64)
    seen = torch.randn(2, total, 3, generator=generator, dtype=torch.float64)
    keys = torch.randint(0, 6, (2, total), generator=generator)
    first = sum(sizes[:rank])
    mine = slice(first, first + sizes[rank])
    return rows[:, mine], keys[:, mine], seen[:, mine]


def cases(keys: Tensor, seen: Tensor) -> dict[str, Callable[..., Tensor]]:
    """name → loss of (audio, text, scale, bias), over ranks."""
    left_out, positive = (PairKeys(keys[0], keys[1], same) for same in ("left_out", "positive"))
    teacher = Teacher(seen[0], seen[1], temperature=0.5, weight=0.6)
    return {
        "plain": lambda a, t, s, b: chunked_info_nce(a, t, s, chunk=3, over_ranks=True) + 0 * b,
        "left out": lambda a, t, s, b: chunked_info_nce(a, t, s, keys=left_out, chunk=2, over_ranks=True) + 0 * b,
        "teacher": lambda a, t, s, b: (
            chunked_info_nce(a, t, s, keys=positive, teacher=teacher, chunk=3, over_ranks=True) + 0 * b
        ),
        "sigmoid": lambda a, t, s, b: chunked_sigmoid_loss(a, t, s, b, keys=left_out, chunk=3, over_ranks=True),
        "gathered": lambda a, t, s, b: info_nce(everyone(a), everyone(t), s) + 0 * b,
    }


def everyone(table: Tensor) -> Tensor:
    """The rows of all ranks; in one process, the table."""
    return gather_with_gradient(table)[0]


def measured(model: nn.Module, inputs: tuple[Tensor, Tensor, Tensor]) -> dict[str, list[Tensor]]:
    """name → the loss and the gradients of all parameters."""
    rows, keys, seen = inputs
    found = {}
    for name, loss_of in cases(keys, seen).items():
        model.zero_grad()
        loss = loss_of(*model(rows))
        (3.0 * loss).backward()
        found[name] = [loss.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]
    return found


def cached(model: nn.Module, inputs: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
    """The loss and the gradients through gradient caching, in chunks of two rows."""
    rows, keys, _ = inputs
    pairs = PairKeys(keys[0], keys[1])
    model.zero_grad()
    loss = cached_backward(
        model,
        list(rows.split(2, dim=1)),
        lambda a, t, s, b: chunked_info_nce(a, t, s, keys=pairs, over_ranks=True) + 0 * b,
        model=model,
        factor=3.0,
        no_sync=getattr(model, "no_sync", None),
    )
    return [loss, *(p.grad.clone() for p in model.parameters() if p.grad is not None)]


def without_a_graph(inputs: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
    """The gradients of this rank's audio and text, where a rank without rows asks for none."""
    leaves = [table.clone().requires_grad_(table.numel() > 0) for table in inputs[2]]
    loss = chunked_info_nce(leaves[0], leaves[1], 5.0, over_ranks=True)
    return list(torch.autograd.grad(loss, leaves)) if leaves[0].requires_grad else leaves


def main() -> None:
    """One rank."""
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world, timeout=timedelta(seconds=120)
    )
    model, inputs = DistributedDataParallel(Towers()), share(world, rank)
    found = measured(model, inputs)
    found["cached"] = cached(model, inputs)
    embeddings = without_a_graph(inputs)
    letters = []
    for call in (
        lambda table: chunked_info_nce(table, table, 1.0, over_ranks=True),
        gather_with_gradient,
    ):
        try:
            call(torch.zeros(2, 3 + rank))
        except UsageError as letter:
            letters.append(str(letter))
    gathered, first = gather_with_gradient(torch.full((rank, 2), float(rank)))
    torch.save(
        {"found": found, "letters": letters, "embeddings": embeddings, "gathered": gathered, "first": first},
        folder / f"{rank}.pt",
    )
    leave_ranks(0)


if __name__ == "__main__":
    main()
