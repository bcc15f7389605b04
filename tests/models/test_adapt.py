"""Freezing plans: what they fit, what they show, what they are held against."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from audiolect.config import parse_config
from audiolect.errors import ConfigError, UsageError
from audiolect.models.adapt import (
    FreezingSettings,
    apply_freezing,
    check_plan,
    hold_frozen_norms,
    offer_checkpointing,
)
from audiolect.models.encoders.small import SmallEncoder, SmallSettings


class Model(nn.Module):
    """An encoder of four numbered layers, a norm and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = nn.Module()
        self.audio.stem = nn.Linear(2, 3)
        self.audio.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(4))
        self.audio.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 1)

    def train(self, mode: bool = True) -> Model:
        super().train(mode)
        hold_frozen_norms(self)
        return self


def trains(freeze: list[str], train: list[str] | None = None) -> set[str]:
    plan = apply_freezing(Model(), FreezingSettings(freeze=freeze, train=train or []))
    return {name.rsplit(".", 1)[0] if name.endswith(("weight", "bias")) else name for name in plan.trainable}


def layers(*numbers: int) -> set[str]:
    return {f"audio.layers.{number}" for number in numbers}


def test_patterns_by_hand() -> None:
    rest = {"audio.stem", "audio.norm", "head"}
    assert trains([]) == rest | layers(0, 1, 2, 3)
    assert trains(["audio"]) == {"head"}
    assert trains(["audio.layers.2-"]) == rest | layers(0, 1)
    assert trains(["audio.layers.-1"]) == rest | layers(2, 3)
    assert trains(["audio.layers.1-2"]) == rest | layers(0, 3)
    assert trains(["audio"], ["audio.layers.3-"]) == {"head"} | layers(3)
    assert trains(["**"], ["**.bias"]) == rest | layers(0, 1, 2, 3)
    assert trains(["*.stem", "head.weight"]) == {"audio.norm", "head"} | layers(0, 1, 2, 3)


def test_a_name_is_compared_part_by_part() -> None:
    with pytest.raises(UsageError, match=r"'audi'[\s\S]*did you mean audio"):
        trains(["audi"])
    with pytest.raises(UsageError, match=r"'audio.layer.3-'[\s\S]*did you mean audio.layers"):
        trains(["audio.layer.3-"])
    with pytest.raises(UsageError, match=r"No parameter's name begins with 'audio.layers.7-'"):
        trains(["audio"], ["audio.layers.7-"])


def test_the_table_counts_the_numbers() -> None:
    plan = apply_freezing(Model(), FreezingSettings(freeze=["audio"], train=["audio.layers.3"], expect=16))
    assert (plan.num_trainable, plan.num_parameters) == (12 + 4, 9 + 4 * 12 + 6 + 4)
    lines = [line.split() for line in plan.table().splitlines()]
    assert lines[0] == ["audio.stem", "9", "frozen"]
    assert lines[4] == ["audio.layers.3", "12", "12", "train"]
    assert lines[-1] == ["all", "67", "16", "train"]


def test_another_number_than_expected_is_refused_with_the_table() -> None:
    with pytest.raises(UsageError, match=r"expected: 17[\s\S]*audio.stem"):
        apply_freezing(Model(), FreezingSettings(freeze=["audio"], train=["audio.layers.3"], expect=17))


def test_a_plan_in_which_nothing_trains_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to train"):
        trains(["**"])


def test_what_the_model_holds_fixed_stays_fixed() -> None:
    model = Model()
    model.head.requires_grad_(False)
    assert apply_freezing(model, FreezingSettings()).frozen == ("head.weight", "head.bias")
    with pytest.raises(UsageError, match="holds fixed"):
        apply_freezing(model, FreezingSettings(train=["head"]))


def test_frozen_norms_stay_in_eval_mode_and_keep_their_statistics() -> None:
    model = Model().train()
    plan = apply_freezing(model, FreezingSettings(freeze=["audio"]))
    model.train()
    assert model.training
    assert not model.audio.norm.training
    model.audio.norm(torch.randn(5, 3))
    assert model.audio.norm.running_mean.tolist() == [0, 0, 0]
    check_plan(model, plan)
    free = Model().train()
    apply_freezing(free, FreezingSettings(freeze=["audio"], train=["audio.norm.bias"]))
    assert free.audio.norm.training


def test_the_plan_is_held_against_model_and_optimiser() -> None:
    model = Model().train()
    plan = apply_freezing(model, FreezingSettings(freeze=["audio.stem", "audio.norm"]))
    optimised = [parameter for parameter in model.parameters() if parameter.requires_grad]
    check_plan(model, plan, optimised)
    with pytest.raises(UsageError, match=r"head.bias"):
        check_plan(model, plan, optimised[:-1])
    with pytest.raises(UsageError, match=r"audio.stem.weight"):
        check_plan(model, plan, model.parameters())
    model.audio.norm.train()
    with pytest.raises(UsageError, match="1 batch normalisations differ"):
        check_plan(model, plan)
    model.audio.norm.eval()
    model.audio.stem.weight.requires_grad_(True)
    with pytest.raises(UsageError, match=r"audio.stem.weight"):
        check_plan(model, plan)


def test_checkpointing_is_switched_where_it_is_offered() -> None:
    model = nn.ModuleDict({
        "audio": SmallEncoder(SmallSettings(width=2)),
        "text": BertModel(BertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)),
        "head": nn.Linear(2, 2),
    })  # fmt: skip
    assert offer_checkpointing(model) == ["audio", "text"]
    assert model["audio"].gradient_checkpointing
    assert model["text"].encoder.layer[0].gradient_checkpointing
    offer_checkpointing(model, on=False)
    assert not model["audio"].gradient_checkpointing
    assert not model["text"].encoder.layer[0].gradient_checkpointing
    with pytest.raises(UsageError, match="offers gradient checkpointing"):
        offer_checkpointing(nn.Linear(2, 2))


def test_a_misspelt_key_is_named() -> None:
    with pytest.raises(ConfigError, match=r"freez[\s\S]*freeze"):
        parse_config({"freez": ["audio"]}, FreezingSettings, where="recipe.yaml")
