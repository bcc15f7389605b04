"""Whisper's encoder: transformers' own outputs, real lengths, and no influence of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

from audiolect.errors import UsageError
from audiolect.models.encoders.whisper import WhisperAudioEncoder, WhisperSettings, build_whisper

# 100 positions: 200 frames, 2 s
SMALL: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 32,
    "max_source_positions": 100,
    "vocab_size": 100,
    "pad_token_id": 0,
}


def made(length: Literal["window", "recording"]) -> WhisperAudioEncoder:
    torch.manual_seed(0)
    return build_whisper(WhisperSettings(config=SMALL, length=length)).eval()


@pytest.fixture(scope="module")
def windowed() -> WhisperAudioEncoder:
    return made("window")


@pytest.fixture(scope="module")
def real() -> WhisperAudioEncoder:
    return made("recording")


def extracted(waveform: torch.Tensor) -> torch.Tensor:
    """transformers' features (1, 200, 80) of at most 2 s."""
    extractor = WhisperFeatureExtractor(chunk_length=2)
    features = extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt")["input_features"]
    return torch.as_tensor(features).mT


@pytest.mark.parametrize("num_samples", [32_000, 9_000])
def test_outputs_equal_transformers(windowed: WhisperAudioEncoder, num_samples: int) -> None:
    waveform = 0.1 * torch.randn(num_samples, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = windowed.model(extracted(waveform).mT).last_hidden_state
        ours = windowed(waveform[None], torch.tensor([num_samples]))
    # 9000 samples have 9000 // 160 = 56 frames, and two frames are one position
    count = 100 if num_samples == 32_000 else 28
    assert ours.mask.tolist() == [[True] * count]
    torch.testing.assert_close(ours.frames[0], theirs[0, :count], rtol=0, atol=1e-4)
    torch.testing.assert_close(ours.pooled[0], theirs[0, :count].mean(dim=0), rtol=0, atol=1e-4)


def test_a_full_window_sounds_the_same_both_ways(windowed: WhisperAudioEncoder, real: WhisperAudioEncoder) -> None:
    """Without filling, the encoder over real lengths is transformers' encoder."""
    features = torch.randn(2, 200, 80, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([200, 200])
    with torch.inference_mode():
        theirs = windowed.model(features.mT).last_hidden_state
        ours = real.encode_features(features, lengths)
    torch.testing.assert_close(ours.frames, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("lengths", [[32_000, 9_000, 50_000, 170, 0], [16_000, 15_999, 15_841]])
def test_neighbours_change_nothing(
    windowed: WhisperAudioEncoder,
    real: WhisperAudioEncoder,
    alone_and_together: Callable[..., float],
    lengths: list[int],
) -> None:
    assert alone_and_together(windowed, lengths) < 1e-5
    assert alone_and_together(real, lengths) < 1e-5


def test_features_behind_an_end_change_nothing(real: WhisperAudioEncoder) -> None:
    features = torch.randn(2, 61, 80, generator=torch.Generator().manual_seed(0))
    features[1, 50:] = torch.nan
    with torch.inference_mode():
        together = real.encode_features(features, torch.tensor([61, 50]))
        alone = real.encode_features(features[1:, :50], torch.tensor([50]))
    assert together.mask.sum(dim=1).tolist() == [31, 25]
    torch.testing.assert_close(together.pooled[1:], alone.pooled, rtol=0, atol=1e-5)


def test_a_real_length_is_as_long_as_the_recording(real: WhisperAudioEncoder) -> None:
    with torch.inference_mode():
        output = real(0.1 * torch.randn(1, 8_000), torch.tensor([8_000]))
    assert output.frames.shape == (1, 25, 32)


def test_a_whole_whispers_folder_gives_its_encoder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole = WhisperForConditionalGeneration(WhisperConfig(**SMALL)).eval()
    whole.save_pretrained(tmp_path)
    encoder = build_whisper(WhisperSettings(source=str(tmp_path))).eval()
    features = torch.randn(1, 200, 80)
    with torch.inference_mode():
        theirs = whole.model.encoder(features.mT).last_hidden_state
        ours = encoder.encode_features(features, torch.tensor([200])).frames
    assert torch.equal(ours, theirs)


def test_gradients_reach_the_convolutions(real: WhisperAudioEncoder) -> None:
    encoder = made("recording").train()
    encoder.encode_features(torch.randn(2, 60, 80), torch.tensor([60, 31])).pooled.square().sum().backward()
    gradient = encoder.model.conv1.weight.grad
    assert gradient is not None
    assert bool(gradient.isfinite().all())
    assert float(gradient.abs().max()) > 0


def test_another_number_of_frames_is_refused(windowed: WhisperAudioEncoder, real: WhisperAudioEncoder) -> None:
    with pytest.raises(UsageError, match="another number of frames"):
        windowed.encode_features(torch.zeros(1, 199, 80), torch.tensor([199]))
    with pytest.raises(UsageError, match="another number of frames"):
        real.encode_features(torch.zeros(1, 201, 80), torch.tensor([201]))
