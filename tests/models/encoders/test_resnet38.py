"""ResNet38: names and shapes as published, the published computation, and no influence of padding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, linear, relu

from audiolect.models.encoders.resnet38 import ResNet38, ResNet38Settings, build_resnet38
from audiolect.models.features import log_mel


@pytest.fixture(scope="module")
def state(published_state: Callable[[str], dict[str, Tensor]]) -> dict[str, Tensor]:
    state = published_state("resnet38")
    # Sixteen sums of two would grow; the second norm of a block is small in the published weights, too.
    return {name: 0.3 * value if ".bn2.weight" in name else value for name, value in state.items()}


@pytest.fixture(scope="module")
def encoder(state: dict[str, Tensor]) -> ResNet38:
    encoder = build_resnet38(ResNet38Settings(classifier=True)).eval()
    assert encoder.load_state_dict(state, strict=False).missing_keys == []
    return encoder


def slow_resnet38(state: dict[str, Tensor], features_BFM: Tensor) -> Tensor:
    """The architecture of the paper in plain functions: embedding (B, 2048)."""

    def norm(x: Tensor, name: str) -> Tensor:
        return batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    def half(x: Tensor, name: str, number: int) -> Tensor:
        return norm(conv2d(x, state[f"{name}.conv{number}.weight"], padding=1), f"{name}.bn{number}")

    def block(x: Tensor, name: str) -> Tensor:
        return relu(half(relu(half(x, name, 1)), name, 2))

    x = norm(features_BFM[:, None].transpose(1, 3), "bn0").transpose(1, 3)
    x = avg_pool2d(block(x, "conv_block1"), 2)
    for layer, count in enumerate((3, 4, 6, 3), start=1):
        for index in range(count):
            name = f"resnet.layer{layer}.{index}"
            before = x
            if index == 0 and layer > 1:
                x = avg_pool2d(x, 2)
                before = norm(conv2d(x, state[f"{name}.downsample.1.weight"]), f"{name}.downsample.2")
            x = relu(half(relu(half(x, name, 1)), name, 2) + before)
    x = block(avg_pool2d(x, 2), "conv_block_after1").mean(dim=3)
    x = x.amax(dim=2) + x.mean(dim=2)
    return relu(linear(x, state["fc1.weight"], state["fc1.bias"]))


def test_names_and_shapes_are_the_published_ones(
    encoder: ResNet38, published_shapes: Callable[[str], dict[str, tuple[int, ...]]]
) -> None:
    published = published_shapes("resnet38")
    own = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    # front end, bn0, 18 blocks of two convolutions with norms, 3 projections with norms, head
    assert len(published) == 3 + 5 + 18 * 12 + 3 * 6 + 4
    assert own == {name: shape for name, shape in published.items() if "extractor" not in name}
    # The number that the paper gives, of trained parameters.
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 73_783_247


def test_the_computation_is_the_published_one(encoder: ResNet38, state: dict[str, Tensor]) -> None:
    waveforms = 0.1 * torch.randn(2, 30_000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = encoder(waveforms, torch.tensor([30_000, 30_000]))
        embedding = slow_resnet38(state, log_mel(waveforms, encoder.features))
    assert float(embedding.abs().max()) > 0.1
    torch.testing.assert_close(output.pooled, embedding, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing(encoder: ResNet38, alone_and_together: Callable[..., float]) -> None:
    assert alone_and_together(encoder, [31_000, 22_111, 30_999, 700, 0]) < 1e-5


def test_a_fresh_residual_block_is_its_shortcut() -> None:
    torch.manual_seed(0)
    block = ResNet38(ResNet38Settings()).eval().resnet.blocks()[1]
    x = torch.rand(1, 64, 4, 4)
    with torch.inference_mode():
        output, lengths = block(x, None)
    assert lengths is None
    torch.testing.assert_close(output, x)
