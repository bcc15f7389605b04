"""Plans by name: what trains, counted by hand on a Whisper."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.config import parse_config
from audiolect.errors import ConfigError, UsageError
from audiolect.models.adapt import FreezingSettings, apply_freezing, check_plan
from audiolect.models.captioner import Captioner, CaptionerSettings, build_captioner
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder
from audiolect.models.freezing_plans import FREEZING_PLANS


@pytest.fixture
def model(whisper_folder: Path) -> Captioner:
    return build_captioner(CaptionerSettings(whisper=str(whisper_folder)))


def test_fc1_only_is_the_first_half_of_each_feed_forward(model: Captioner) -> None:
    plan = apply_freezing(model, FreezingSettings(plan="fc1_only"))
    assert all(".fc1." in name for name in plan.trainable)
    # two layers each: 32 × 64 + 64 in the encoder, 32 × 48 + 48 in the decoder
    assert plan.num_trainable == 2 * (32 * 64 + 64) + 2 * (32 * 48 + 48)
    check_plan(model, plan)


def test_clever_is_biases_convolutions_fc1_and_the_decoders_attentions(model: Captioner) -> None:
    plan = apply_freezing(model, FreezingSettings(plan="clever"))
    expected = {
        name
        for name, _ in model.named_parameters()
        if name.endswith(".bias")
        or ".conv" in name
        or ".fc1." in name
        or (name.startswith("decoder.") and (".self_attn." in name or ".encoder_attn." in name))
    }
    assert set(plan.trainable) == expected
    assert "encoder.model.layers.0.self_attn.q_proj.weight" in plan.frozen
    assert "decoder.layers.1.encoder_attn.k_proj.weight" in plan.trainable
    assert "decoder.layers.1.fc2.weight" in plan.frozen


def test_all_trains_what_the_model_does_not_hold_fixed(model: Captioner) -> None:
    plan = apply_freezing(model, FreezingSettings(plan="all"))
    assert plan.frozen == ("encoder.model.embed_positions.weight",)


def test_lists_come_on_top_of_a_plan(model: Captioner) -> None:
    plan = apply_freezing(model, FreezingSettings(plan="fc1_only", train=["decoder.layer_norm"]))
    assert "decoder.layer_norm.weight" in plan.trainable
    assert "decoder.layers.0.fc1.weight" in plan.trainable


def test_bad_plans_get_a_letter(captions: list[str]) -> None:
    assert set(FREEZING_PLANS) == {"all", "fc1_only", "clever"}
    with pytest.raises(ConfigError, match="plan"):
        parse_config({"plan": "fc2_only"}, FreezingSettings, where="x")
    with pytest.raises(UsageError, match="No parameter's name"):
        apply_freezing(build_dual_encoder(DualEncoderSettings(), captions), FreezingSettings(plan="clever"))
