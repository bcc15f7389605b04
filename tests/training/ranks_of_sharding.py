"""What the tests of sharding start, once for each rank: ``python ranks_of_sharding.py RANK WORLD FOLDER``.

Each rank trains a divided model on its share of each batch, and writes what it holds and the whole model's weights to
FOLDER/RANK.pt. The tests import the model to train it in one process on all shares.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from audiolect.training.leaving import leave_ranks
from audiolect.training.optim import OptimizerSettings, build_optimizer, clip_gradients
from audiolect.training.sharding import shard

STEPS, CLIP_NORM = 3, 0.5
SETTINGS = OptimizerSettings(learning_rate=0.01, weight_decay=0.1, epsilon=1e-4, rates={"head": 0.5})


class Ear(nn.Module):
    """Filters in the layout channels-last, a head of an odd number of rows, and two scalars."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv2d(2, 3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 5)
        self.log_scale = nn.Parameter(torch.tensor(0.5))
        self.bias = nn.Parameter(torch.tensor(-1.0))
        self.fixed = nn.Parameter(torch.tensor(2.0), requires_grad=False)
        generator = torch.Generator().manual_seed(1)
        for parameter in self.parameters():
            if parameter.dim():
                parameter.data = torch.randn(parameter.shape, generator=generator)
        self.double().to(memory_format=torch.channels_last)

    def forward(self, sound: Tensor, *, biased: bool) -> Tensor:
        """(B, 2, 4, 4) → (B, 5)."""
        found = self.head(self.norm(self.filters(sound).mean((2, 3)))) * self.log_scale.exp() * self.fixed
        return found + self.bias if biased else found


class Objective(nn.Module):
    """What trains an ear. Only the first rank uses the bias: the others have no gradient of it."""

    def __init__(self, model: Ear) -> None:
        super().__init__()
        self.model = model

    def forward(self, sound: Tensor, rank: int) -> Tensor:
        """The loss of a share."""
        return self.model(sound, biased=rank == 0).square().mean()

    def validate(self, sound: Tensor) -> Tensor:
        """What the ear says."""
        return self.model(sound, biased=True)


def share(step: int, rank: int) -> Tensor:
    """(4, 2, 4, 4) for one rank at one step."""
    generator = torch.Generator().manual_seed(100 * step + rank)
    return torch.randn(4, 2, 4, 4, generator=generator, dtype=torch.float64)


def trained(rank: int) -> dict[str, Any]:
    """One rank's training of a divided model."""
    module = Objective(Ear())
    sharded = shard(module, module.model, torch.device("cpu"))
    optimizer = build_optimizer(module.model, SETTINGS)
    norms = []
    for step in range(STEPS):
        optimizer.zero_grad()
        module(share(step, rank), rank).backward()
        sharded.sync_scalars()
        norms.append(clip_gradients(module.parameters(), CLIP_NORM))
        optimizer.step()
    held = {
        name: (p.to_local().numel() if isinstance(p, DTensor) else p.numel(), isinstance(p, DTensor))
        for name, p in module.model.named_parameters()
    }
    module.eval()
    with torch.no_grad():
        said = module.validate(share(STEPS, rank))
    whole = sharded.whole()
    return {
        "norms": norms,
        "held": held,
        "whole": dict(whole.state_dict()),
        "plain": not any(isinstance(p, DTensor) for p in whole.parameters()) and whole is not module.model,
        "scalars": len(sharded.scalars),
        "said": said,
    }


def main() -> None:
    """One rank."""
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world, timeout=timedelta(seconds=120)
    )
    torch.save(trained(rank), folder / f"{rank}.pt")
    leave_ranks(0)


if __name__ == "__main__":
    main()
