"""What the encoders of PANNs share: blocks, masks, settings."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d, relu

from audiolect.errors import UsageError
from audiolect.models.encoders.cnn14 import Cnn14, Cnn14Settings
from audiolect.models.encoders.panns_layers import ConvBlock, silenced
from audiolect.models.front_end import FrontEndSettings
from audiolect.models.spec_augment import SpecAugmentSettings


@pytest.fixture(scope="module")
def block() -> ConvBlock:
    torch.manual_seed(0)
    return ConvBlock(2, 3)


def test_a_block_is_two_convolutions_with_norm_and_relu(block: ConvBlock) -> None:
    x = torch.randn(2, 2, 9, 6)
    block.eval()
    with torch.inference_mode():
        output, lengths = block(x, None, (2, 2))
        by_hand = relu(conv2d(x, block.conv1.weight, padding=1) / (1 + 1e-5) ** 0.5)
        by_hand = relu(conv2d(by_hand, block.conv2.weight, padding=1) / (1 + 1e-5) ** 0.5)
    assert lengths is None
    torch.testing.assert_close(output, avg_pool2d(by_hand, 2), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("length", [4, 5, 8, 9])
def test_a_block_does_not_see_behind_an_end(block: ConvBlock, length: int) -> None:
    x = torch.randn(1, 2, 9, 6)
    x[:, :, length:] = 0
    block.eval()
    with torch.inference_mode():
        padded, lengths = block(x, torch.tensor([length]), (2, 2))
        alone, _ = block(x[:, :, :length], None, (2, 2))
    assert lengths is not None
    assert lengths.tolist() == [length // 2]
    torch.testing.assert_close(padded[:, :, : length // 2], alone, rtol=0, atol=1e-6)
    assert not padded[:, :, length // 2 :].any()


def test_silence_stands_where_the_mask_is_false() -> None:
    x = torch.ones(2, 3, 2, 2)
    x[0, :, 1] = torch.nan
    masked = silenced(x, torch.tensor([[True, False], [True, True]]))
    assert masked[:, :, :, 0].sum(dim=1).tolist() == [[3.0, 0.0], [3.0, 3.0]]
    assert silenced(x, None) is x
    assert silenced(torch.ones(1, 2, 3), torch.tensor([[True, True, False]])).tolist() == [[[1.0, 1.0, 0.0]] * 2]


def test_too_few_mel_bins_are_refused() -> None:
    with pytest.raises(UsageError, match="halves the mel bins five times"):
        Cnn14(Cnn14Settings(features=FrontEndSettings(num_mels=31)))


def test_without_a_classifier_there_are_no_classes() -> None:
    encoder = Cnn14(Cnn14Settings())
    assert not [name for name in encoder.state_dict() if name.startswith("fc_audioset")]
    with pytest.raises(UsageError, match="without the layer of AudioSet's classes"):
        encoder.classify(torch.zeros(1, 2048))


def test_stripes_are_drawn_in_training_alone() -> None:
    torch.manual_seed(0)
    stripes = SpecAugmentSettings(time_masks=1, time_frames=16, frequency_masks=1, frequency_bins=16)
    encoder = Cnn14(Cnn14Settings(spec_augment=stripes, block_dropout=0.0, head_dropout=0.0))
    features, lengths = torch.randn(2, 32, 64), torch.tensor([32, 32])
    with torch.no_grad():
        encoder.eval()
        heard = [encoder.encode_features(features, lengths).pooled for _ in range(2)]
        assert torch.equal(*heard)
        encoder.train()
        encoder.generator = torch.Generator().manual_seed(1)
        first = encoder.encode_features(features, lengths).pooled
        second = encoder.encode_features(features, lengths).pooled
        encoder.generator.manual_seed(1)
        again = encoder.encode_features(features, lengths).pooled
    assert not torch.equal(first, second)
    torch.testing.assert_close(again, first)
