"""Cnn14: names and shapes as published, the published computation, and no influence of padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, linear, relu

from audiolect.models.encoders.cnn14 import Cnn14, Cnn14Settings, build_cnn14
from audiolect.models.features import log_mel
from audiolect.models.masked_norm import MaskedBatchNorm2d


@pytest.fixture(scope="module")
def state(published_state: Callable[[str], dict[str, Tensor]]) -> dict[str, Tensor]:
    return published_state("cnn14")


@pytest.fixture(scope="module")
def encoder(state: dict[str, Tensor]) -> Cnn14:
    encoder = build_cnn14(Cnn14Settings(classifier=True)).eval()
    missing, unexpected = encoder.load_state_dict(state, strict=False)
    assert missing == []
    assert sorted(name.split(".")[0] for name in unexpected) == ["logmel_extractor"] + 2 * ["spectrogram_extractor"]
    return encoder


def slow_cnn14(state: dict[str, Tensor], features_BFM: Tensor) -> tuple[Tensor, Tensor]:
    """The architecture of the paper in plain functions: embedding (B, 2048) and logits (B, 527)."""

    def norm(x: Tensor, name: str) -> Tensor:
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return batch_norm(x, *parts)

    x = norm(features_BFM[:, None].transpose(1, 3), "bn0").transpose(1, 3)
    for number in range(1, 7):
        for half in (1, 2):
            name = f"conv_block{number}"
            x = conv2d(x, state[f"{name}.conv{half}.weight"], padding=1)
            x = relu(norm(x, f"{name}.bn{half}"))
        x = avg_pool2d(x, 2) if number < 6 else x
    x = x.mean(dim=3)
    x = x.amax(dim=2) + x.mean(dim=2)
    embedding = relu(linear(x, state["fc1.weight"], state["fc1.bias"]))
    return embedding, linear(embedding, state["fc_audioset.weight"], state["fc_audioset.bias"])


def test_names_and_shapes_are_the_published_ones(
    encoder: Cnn14, published_shapes: Callable[[str], dict[str, tuple[int, ...]]]
) -> None:
    published = published_shapes("cnn14")
    own = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    assert len(published) == 1 + 2 + 5 + 6 * 12 + 4
    assert own == {name: shape for name, shape in published.items() if "extractor" not in name}
    # The number that the paper gives, of trained parameters.
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 80_753_615


def test_the_computation_is_the_published_one(encoder: Cnn14, state: dict[str, Tensor]) -> None:
    waveforms = 0.1 * torch.randn(2, 40_000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = encoder(waveforms, torch.tensor([40_000, 40_000]))
        embedding, logits = slow_cnn14(state, log_mel(waveforms, encoder.features))
        torch.testing.assert_close(output.pooled, embedding, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(encoder.classify(output.pooled), logits, rtol=1e-4, atol=1e-5)
    # 1 + 40000 // 320 = 126 frames, five times halved
    assert output.frames.shape == (2, 3, 2048)
    assert bool(output.mask.all())


def test_padding_changes_nothing(encoder: Cnn14, alone_and_together: Callable[..., float]) -> None:
    assert alone_and_together(encoder, [41_000, 26_111, 40_999, 12_345, 700, 0]) < 1e-5


def test_features_behind_the_end_change_nothing(encoder: Cnn14) -> None:
    features = torch.randn(2, 70, 64, generator=torch.Generator().manual_seed(0))
    features[1, 67:] = torch.nan
    with torch.inference_mode():
        together = encoder.encode_features(features, torch.tensor([70, 67]))
        alone = encoder.encode_features(features[1:, :67], torch.tensor([67]))
    torch.testing.assert_close(together.pooled[1:], alone.pooled, rtol=0, atol=1e-5)


def test_training_counts_valid_frames_alone(encoder: Cnn14) -> None:
    """The running statistics after a padded batch are those of its valid frames, and NaN behind the end is not met."""
    features = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(0))
    features[1, 40:] = torch.nan
    fresh = Cnn14(Cnn14Settings())
    fresh.train()
    output = fresh.encode_features(features, torch.tensor([64, 40]))
    assert bool(output.pooled.isfinite().all())
    expected = 0.1 * torch.cat([features[0], features[1, :40]]).mean(dim=0)
    assert isinstance(fresh.bn0, MaskedBatchNorm2d)
    torch.testing.assert_close(fresh.bn0.running_mean, expected, rtol=1e-4, atol=1e-6)


def test_equal_lengths_mask_nothing(encoder: Cnn14, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Any] = []
    forward = MaskedBatchNorm2d.forward

    def spy(self: MaskedBatchNorm2d, x: Tensor, mask: Tensor | None = None) -> Tensor:
        met.append(mask)
        return forward(self, x, mask)

    monkeypatch.setattr(MaskedBatchNorm2d, "forward", spy)
    with torch.inference_mode():
        encoder.encode_features(torch.randn(2, 33, 64), torch.tensor([33, 33]))
    assert met == [None] * 13


def test_recomputing_blocks_gives_the_same_gradient() -> None:
    torch.manual_seed(0)
    encoder = Cnn14(Cnn14Settings(block_dropout=0.0, head_dropout=0.0))
    features = torch.randn(2, 40, 64)
    gradients = []
    for checkpointing in (False, True):
        encoder.gradient_checkpointing = checkpointing
        encoder.zero_grad()
        encoder.encode_features(features, torch.tensor([40, 36])).pooled.square().sum().backward()
        assert encoder.conv_block1.conv1.weight.grad is not None
        gradients.append(encoder.conv_block1.conv1.weight.grad.clone())
    assert float(gradients[0].abs().max()) > 0
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)
