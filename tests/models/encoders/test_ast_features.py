"""AST's features equal those of transformers' extractor, and nothing behind an end is heard."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import ASTFeatureExtractor

from audiolect.models.encoders.ast_features import ast_features, ast_frame_counts

MEAN, STD = -4.2677393, 4.5689974


# The lowest triangle of 128 lies between two Fourier bins; the extractor says so.
@pytest.mark.filterwarnings("ignore:At least one mel filter:UserWarning")
@pytest.mark.parametrize("num_samples", [400, 559, 560, 16_000])
def test_features_equal_the_extractors(num_samples: int) -> None:
    waveform = 0.1 * torch.randn(num_samples, generator=torch.Generator().manual_seed(0)) + 0.05
    ours = ast_features(waveform[None], torch.tensor([num_samples]), 128, MEAN, STD)
    extractor = ASTFeatureExtractor(max_length=ours.shape[1])
    theirs = extractor(waveform.numpy(), sampling_rate=16000)["input_values"][0]
    assert ours.shape[1] == 1 + (num_samples - 400) // 160
    np.testing.assert_allclose(ours[0].numpy(), theirs, rtol=0, atol=1e-4)


def test_behind_an_end_stands_the_filling() -> None:
    waveforms = 0.1 * torch.randn(2, 2000, generator=torch.Generator().manual_seed(0))
    waveforms[1, 900:] = 0
    features = ast_features(waveforms, torch.tensor([2000, 900]), 128, MEAN, STD)
    alone = ast_features(waveforms[1:, :900], torch.tensor([900]), 128, MEAN, STD)
    assert features.shape == (2, 11, 128)
    assert alone.shape == (1, 4, 128)
    torch.testing.assert_close(features[1, :4], alone[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(features[1, 4:], torch.full((7, 128), -MEAN / (2 * STD)))


def test_less_than_a_frame_is_no_frame() -> None:
    assert ast_frame_counts(torch.tensor([0, 399, 400, 559, 560])).tolist() == [0, 0, 1, 1, 2]
    features = ast_features(torch.ones(1, 10), torch.tensor([10]), 128, MEAN, STD)
    torch.testing.assert_close(features, torch.full((1, 1, 128), -MEAN / (2 * STD)))
