"""The fingerprint of weights: which model it is, whatever its file is called.

BLAKE2b-128 over the entries of the state dict in the order of their names: name, type and shape in words, then the
bytes, little-endian. The same numbers on another device or in another file have the same fingerprint.

Public names: weights_hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from audiolect.storage import fingerprint_bytes


def weights_hash(weights: nn.Module | Mapping[str, Tensor]) -> str:
    """32 hex digits for a module's state dict or for a mapping of tensors."""
    return fingerprint_bytes(_pieces(weights.state_dict() if isinstance(weights, nn.Module) else weights))


def _pieces(state: Mapping[str, Tensor]) -> Iterator[bytes]:
    for name in sorted(state):
        tensor = state[name].detach().to("cpu").contiguous()
        yield f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode()
        yield tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
