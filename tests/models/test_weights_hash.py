"""Fingerprints of weights."""

from __future__ import annotations

import torch
from torch import nn

from audiolect.models.weights_hash import weights_hash


def test_order_and_layout_do_not_matter_and_every_number_does() -> None:
    weights = {"b": torch.arange(6.0).view(2, 3), "a": torch.tensor(1)}
    hashed = weights_hash(weights)
    assert len(hashed) == 32
    assert weights_hash(dict(sorted(weights.items()))) == hashed
    assert weights_hash({**weights, "b": torch.arange(6.0).view(2, 3).T.contiguous().T}) == hashed
    others = [
        {**weights, "a": torch.tensor(2)},
        {**weights, "b": torch.arange(6.0).view(3, 2)},
        {**weights, "b": torch.arange(6.0).view(2, 3).bfloat16()},
        {"c": weights["b"], "a": weights["a"]},
    ]
    assert len({hashed, *map(weights_hash, others)}) == 5


def test_a_module_is_its_state_dict_and_nothing_has_a_hash_too() -> None:
    module = nn.BatchNorm1d(3)
    assert weights_hash(module) == weights_hash(module.state_dict())
    assert weights_hash({}) != weights_hash({"a": torch.zeros(0)})
