"""Devices and numbers: the accelerator of a training, in bf16 or float32.

Conventions: bf16 means autocast; weights, moments and losses stay float32. ``auto`` is bf16 on accelerators that have
it and on processors with instructions for it (AVX-512 BF16 or AMX), where it runs two to three times faster; without
them bf16 is emulated, and slower than float32.

Public names: multiplies_bf16_fast, chosen_precision, open_accelerator.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState

# as torch.cpu.get_capabilities names them; "bf16" is that of ARM
_FAST_ON_CPU = ("avx512_bf16", "amx_bf16", "bf16")


def multiplies_bf16_fast() -> bool:
    """Whether this machine's accelerator, or else its processor, has instructions for bf16."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found = torch.cpu.get_capabilities()
    return any(bool(found.get(name)) for name in _FAST_ON_CPU)


def chosen_precision(asked: str) -> str:
    """``bf16`` or ``float32``, for what a recipe asks."""
    if asked == "auto":
        return "bf16" if multiplies_bf16_fast() else "float32"
    return asked


def open_accelerator(precision: str, **options: Any) -> Accelerator:
    """The Accelerator of this process, for ``bf16`` or ``float32``.

    Processes that ``accelerate launch`` or ``torchrun`` has started find each other; without an accelerator they
    compute on the CPU.
    """
    AcceleratorState._reset_state()  # a second training in one process may have another precision
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        cpu=not torch.accelerator.is_available(),
        kwargs_handlers=[kwargs],
        **options,
    )
