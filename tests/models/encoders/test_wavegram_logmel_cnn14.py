"""Wavegram_Logmel_Cnn14: names and shapes as published, the published computation, and no influence of padding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, batch_norm, conv1d, conv2d, linear, max_pool1d, relu

from audiolect.errors import UsageError
from audiolect.models.encoders.wavegram_logmel_cnn14 import (
    WavegramLogmelCnn14,
    WavegramLogmelCnn14Settings,
    build_wavegram_logmel_cnn14,
)
from audiolect.models.features import log_mel
from audiolect.models.front_end import FrontEndSettings


@pytest.fixture(scope="module")
def state(published_state: Callable[[str], dict[str, Tensor]]) -> dict[str, Tensor]:
    return published_state("wavegram_logmel_cnn14")


@pytest.fixture(scope="module")
def encoder(state: dict[str, Tensor]) -> WavegramLogmelCnn14:
    encoder = build_wavegram_logmel_cnn14(WavegramLogmelCnn14Settings(classifier=True)).eval()
    assert encoder.load_state_dict(state, strict=False).missing_keys == []
    return encoder


def slow_wavegram_logmel_cnn14(state: dict[str, Tensor], waveforms_BT: Tensor, features_BFM: Tensor) -> Tensor:
    """The architecture of the paper in plain functions: embedding (B, 2048)."""

    def norm(x: Tensor, name: str) -> Tensor:
        return batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    def block(x: Tensor, name: str) -> Tensor:
        for half in (1, 2):
            x = relu(norm(conv2d(x, state[f"{name}.conv{half}.weight"], padding=1), f"{name}.bn{half}"))
        return x

    wave = conv1d(waveforms_BT[:, None], state["pre_conv0.weight"], stride=5, padding=5)
    wave = relu(norm(wave, "pre_bn0"))
    for name in ("pre_block1", "pre_block2", "pre_block3"):
        wave = relu(norm(conv1d(wave, state[f"{name}.conv1.weight"], padding=1), f"{name}.bn1"))
        wave = relu(norm(conv1d(wave, state[f"{name}.conv2.weight"], padding=2, dilation=2), f"{name}.bn2"))
        wave = max_pool1d(wave, 4)
    batch, channels, frames = wave.shape
    wavegram = wave.reshape(batch, channels // 32, 32, frames).transpose(2, 3)
    wavegram = avg_pool2d(block(wavegram, "pre_block4"), (2, 1))
    x = norm(features_BFM[:, None].transpose(1, 3), "bn0").transpose(1, 3)
    x = torch.cat([avg_pool2d(block(x, "conv_block1"), 2), wavegram], dim=1)
    for number in range(2, 7):
        x = block(x, f"conv_block{number}")
        x = avg_pool2d(x, 2) if number < 6 else x
    x = x.mean(dim=3)
    x = x.amax(dim=2) + x.mean(dim=2)
    return relu(linear(x, state["fc1.weight"], state["fc1.bias"]))


def test_names_and_shapes_are_the_published_ones(
    encoder: WavegramLogmelCnn14, published_shapes: Callable[[str], dict[str, tuple[int, ...]]]
) -> None:
    published = published_shapes("wavegram_logmel_cnn14")
    own = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    assert len(published) == 3 + 1 + 5 + 4 * 12 + 5 + 6 * 12 + 4
    assert own == {name: shape for name, shape in published.items() if "extractor" not in name}
    # The number that the paper gives, of trained parameters.
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 81_065_487


# 101 frames and 100 of the wavegram: both are halved to 50; 32001 samples begin one more step of the wavegram
@pytest.mark.parametrize("num_samples", [32_000, 32_001])
def test_the_computation_is_the_published_one(
    encoder: WavegramLogmelCnn14, state: dict[str, Tensor], num_samples: int
) -> None:
    waveforms = 0.1 * torch.randn(2, num_samples, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = encoder(waveforms, torch.tensor([num_samples, num_samples]))
        embedding = slow_wavegram_logmel_cnn14(state, waveforms, log_mel(waveforms, encoder.features))
    assert float(embedding.abs().max()) > 0.1
    torch.testing.assert_close(output.pooled, embedding, rtol=1e-4, atol=1e-5)


# 31680 = 99 * 320 samples have 100 frames of log-mel and 99 of the wavegram: 50 and 49 when halved
@pytest.mark.parametrize("lengths", [[31_700, 22_111, 31_699, 700, 0], [31_680, 31_679, 31_362], [5_000, 100]])
def test_padding_changes_nothing(
    encoder: WavegramLogmelCnn14, alone_and_together: Callable[..., float], lengths: list[int]
) -> None:
    assert alone_and_together(encoder, lengths) < 1e-5


def test_lengths_that_differ_by_less_than_a_hop_are_masked(encoder: WavegramLogmelCnn14) -> None:
    """The log-mel has as many frames of both; the wavegram has one less of the second."""
    waveforms = 0.1 * torch.randn(2, 32_319, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([32_319, 32_300])
    with torch.inference_mode():
        together = encoder(waveforms, lengths).pooled[1]
        alone = encoder(waveforms[1:, :32_300], lengths[1:]).pooled[0]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_another_hop_is_refused() -> None:
    settings = WavegramLogmelCnn14Settings(features=FrontEndSettings(hop_samples=640))
    with pytest.raises(UsageError, match="does not fit the wavegram"):
        WavegramLogmelCnn14(settings)
