"""FSDP2: weights, gradients and moments divided among the ranks, each rank holding its part.

    sharded = shard(module, device)
    sharded.sync_scalars()          # after each backward
    model = sharded.whole()         # a model with all weights, to be saved; every rank calls

Conventions: the module of the objective is one unit: its weights are brought together for the time of its forward and
backward, and of a validation. Parameters without dimensions (temperatures), which FSDP2 does not take, stay whole on
every rank, and their gradients are averaged here. Statistics of torch's own batch normalisations are each rank's own,
and those of the first rank are saved; ours count over all ranks (``models/masked_norm.py``).

Public names: Sharded, shard.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor

from audiolect.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class Sharded:
    """A module whose model is divided.

    Args:
        model: the model inside it.
        shell: a whole model of the same kind on the CPU, which takes the weights to be saved.
        scalars: what is whole on every rank.
    """

    model: nn.Module
    shell: nn.Module
    scalars: tuple[nn.Parameter, ...]

    def sync_scalars(self) -> None:
        """Average the gradients of what is not divided."""
        for parameter in self.scalars:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()

    def whole(self) -> nn.Module:
        """The model with all its weights, on the CPU; every rank must call."""
        state = {name: _whole(tensor) for name, tensor in self.model.state_dict().items()}
        self.shell.load_state_dict(state)
        return self.shell


def shard(module: nn.Module, model: nn.Module, device: torch.device) -> Sharded:
    """Divide the weights of a module among all ranks, in place.

    Args:
        module: with ``forward`` and ``validate``, the only ways through which its weights are used from now on.
        model: the model inside it.
        device: where it computes.

    Raises:
        ConfigError: this process belongs to no group, as those that torchrun starts do.
    """
    if not (dist.is_available() and dist.is_initialized()):
        raise ConfigError(
            "One process has nobody to share its weights with.",
            where="training.shard",
            fix="torchrun --nproc_per_node 2 -m audiolect train RECIPE, or training.shard=false",
        )
    shell = copy.deepcopy(model).to("cpu")
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous()  # FSDP2 takes no filters in the layout channels-last
    scalars = tuple(p for p in module.parameters() if p.dim() == 0)
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    fully_shard(module, mesh=mesh, ignored_params=set(scalars))
    register_fsdp_forward_method(module, "validate")
    return Sharded(model, shell, tuple(p for p in scalars if p.requires_grad))


def _whole(tensor: Tensor) -> Tensor:
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().to("cpu")
