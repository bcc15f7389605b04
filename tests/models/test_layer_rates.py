"""Layer-wise learning rates, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audiolect.errors import UsageError
from audiolect.models.layer_rates import RateSettings, parameter_groups, rate_factors


class Model(nn.Module):
    """A tower with a list of layers, one with numbered names, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.text = nn.Module()
        self.text.position_embeddings = nn.Embedding(4, 2)
        self.text.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.text.pooler = nn.Linear(2, 2)
        self.audio = nn.Module()
        self.audio.bn0 = nn.BatchNorm1d(2)
        self.audio.conv_block1 = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        self.audio.conv_block2 = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        self.head = nn.Linear(2, 2)


def test_factors_fall_with_the_depth() -> None:
    factors = rate_factors(Model(), RateSettings(layer_decay=0.5))
    weights = {name.removesuffix(".weight"): factor for name, factor in factors.items() if name.endswith("weight")}
    assert weights == {
        "text.position_embeddings": 0.125,
        "text.layers.0": 0.25,
        "text.layers.1": 0.5,
        "text.layers.2": 1.0,
        "text.pooler": 1.0,
        "audio.bn0": 0.25,
        "audio.conv_block1.0": 0.5,
        "audio.conv_block1.1": 0.5,
        "audio.conv_block2.0": 1.0,
        "audio.conv_block2.1": 1.0,
        "head": 1.0,
    }


def test_factors_by_name_the_longest_first() -> None:
    settings = RateSettings(layer_decay=0.5, factors={"text": 0.1, "text.pooler": 3.0})
    factors = rate_factors(Model(), settings)
    assert factors["text.layers.1.bias"] == pytest.approx(0.05)
    assert factors["text.pooler.bias"] == 3.0
    assert factors["audio.bn0.bias"] == 0.25


@pytest.mark.parametrize("factors", [{"texts": 0.1}, {"text": -1.0}, {"text.lay": 0.5}])
def test_a_factor_that_fits_nothing_or_is_negative_is_refused(factors: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"rates\.factors"):
        rate_factors(Model(), RateSettings(factors=factors))


def test_groups_hold_what_trains_once_with_decay_for_matrices_alone() -> None:
    model = Model()
    model.head.requires_grad_(False)
    groups = parameter_groups(model, 1e-3, 0.01, RateSettings(layer_decay=0.5))
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    decays = {name: group["weight_decay"] for group in groups for name in group["names"]}
    assert decays["text.layers.0.weight"] == 0.01
    assert {decays[f"text.{name}"] for name in ("layers.0.bias", "position_embeddings.weight")} == {0.0}
    assert {round(group["lr"], 9) for group in groups} == {1e-3, 5e-4, 2.5e-4, 1.25e-4}
    torch.optim.AdamW(groups)


def test_without_settings_there_are_two_groups() -> None:
    assert [group["lr"] for group in parameter_groups(Model(), 0.1, 0.01)] == [0.1, 0.1]
