"""torch.compile of the blocks of a model, in place.

A block is what stands directly in a tower and is made of several layers: a stage of an encoder, a transformer. Front
ends (log-mel, one recording at a time) are left as they are: compiling them gains nothing and costs minutes. Names of
parameters stay, so that checkpoints are the same with and without.

Conventions: the first steps compile and take longer; batches of other lengths compile again, as dynamic shapes. A C++
compiler is needed on the CPU.

Public names: blocks_of, compile_blocks.
"""

from __future__ import annotations

import shutil
import sys

import torch
from torch import nn

from audiolect.errors import MissingDependency

_COMPILERS = ("c++", "g++", "clang++")


def blocks_of(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The blocks of a model with their names, in its order."""
    found: list[tuple[str, nn.Module]] = []
    for tower, inner in model.named_children():
        for name, module in inner.named_children():
            many = isinstance(module, nn.ModuleList)
            parts = [(f"{name}.{place}", part) for place, part in module.named_children()] if many else [(name, module)]
            found += [(f"{tower}.{place}", part) for place, part in parts if any(True for _ in part.children())]
    return found


def compile_blocks(model: nn.Module) -> list[str]:
    """Have every block compiled when it is first used; their names.

    Raises:
        MissingDependency: there is no C++ compiler, and no accelerator that could do without.
    """
    if not torch.accelerator.is_available() and sys.platform != "win32" and not any(map(shutil.which, _COMPILERS)):
        raise MissingDependency(
            "torch.compile needs a C++ compiler, and there is none.",
            where="training.compile",
            expected=" or ".join(_COMPILERS),
            fix="apt-get install g++, or training.compile=false",
        )
    blocks = blocks_of(model)
    for _, block in blocks:
        block.compile()
    return [name for name, _ in blocks]
