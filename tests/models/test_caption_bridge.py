"""The bridge: places in time, layers, and nothing of what stands behind a recording."""

from __future__ import annotations

import math

import pytest
import torch

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.models.caption_bridge import BridgeSettings, CaptionBridge, sinusoids
from audiolect.models.captioner_settings import CaptionerSettings


def made(layers: int = 2) -> CaptionBridge:
    torch.manual_seed(0)
    return CaptionBridge(6, 8, BridgeSettings(layers=layers, heads=2)).eval()


def test_sinusoids_by_hand() -> None:
    found = sinusoids(3, 4)
    assert found.shape == (3, 4)
    assert found[0].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert found[2, 0] == pytest.approx(math.sin(2))
    assert found[2, 3] == pytest.approx(math.cos(2 / 10000))
    assert sinusoids(2, 5).shape == (2, 5)
    assert sinusoids(0, 4).shape == (0, 4)


def test_the_same_frame_is_another_at_another_place() -> None:
    frames = torch.ones(1, 2, 6)
    found = made(layers=0)(frames, torch.ones(1, 2, dtype=torch.bool))
    assert found.shape == (1, 2, 8)
    assert not torch.allclose(found[0, 0], found[0, 1], atol=1e-3)


@pytest.mark.parametrize("layers", [0, 2])
def test_what_stands_behind_a_recording_changes_nothing(layers: int) -> None:
    frames = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True] * 5, [True, True, True, False, False]])
    bridge = made(layers)
    together = bridge(frames, mask)
    other = frames.clone()
    other[1, 3:] = 9.0
    assert torch.equal(bridge(other, mask)[1, :3], together[1, :3])
    alone = bridge(frames[1:, :3], mask[1:, :3])
    torch.testing.assert_close(alone[0], together[1, :3], rtol=0, atol=1e-5)


def test_layers_see_other_frames() -> None:
    frames = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(2))
    mask, other = torch.ones(1, 4, dtype=torch.bool), frames.clone()
    other[0, 3] += 1.0
    assert not torch.allclose(made()(frames, mask)[0, 0], made()(other, mask)[0, 0], atol=1e-4)
    assert torch.equal(made(0)(frames, mask)[0, 0], made(0)(other, mask)[0, 0])


def test_heads_must_divide_the_width_of_the_decoder() -> None:
    values = {"name": "captioner", "bridge": {"heads": 3}, "decoder": {"name": "transformer", "width": 16, "heads": 4}}
    with pytest.raises(ConfigError, match=r"bridge\.heads \(3\) must divide"):
        parse_config(values, CaptionerSettings, "here")
