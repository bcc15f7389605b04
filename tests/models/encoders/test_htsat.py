"""HTSAT: transformers' own outputs, windows, and no influence of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import ClapAudioConfig, ClapConfig, ClapFeatureExtractor, ClapModel, ClapTextConfig

from audiolect.errors import UsageError
from audiolect.models.encoders.htsat import HtsatEncoder, HtsatSettings, build_htsat

SMALL: dict[str, Any] = {
    "patch_embeds_hidden_size": 8,
    "hidden_size": 64,
    "depths": [1, 1, 1, 1],
    "num_attention_heads": [1, 1, 2, 2],
}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "fused"])
def encoder(request: pytest.FixtureRequest) -> HtsatEncoder:
    torch.manual_seed(0)
    fused = {"enable_fusion": request.param, "aff_block_r": 2}
    return build_htsat(HtsatSettings(config=SMALL | fused)).eval()


@pytest.mark.parametrize("num_samples", [480_000, 100_000])
def test_outputs_equal_transformers(encoder: HtsatEncoder, num_samples: int) -> None:
    waveform = 0.1 * torch.randn(num_samples, generator=torch.Generator().manual_seed(0))
    extractor = ClapFeatureExtractor(truncation="fusion" if encoder.fused else "rand_trunc")
    features = extractor(waveform.numpy(), sampling_rate=48000, return_tensors="pt")["input_features"]
    with torch.inference_mode():
        theirs = encoder.model(torch.as_tensor(features).float(), is_longer=torch.tensor([[False]]))
        ours = encoder(waveform[None], torch.tensor([num_samples]))
    torch.testing.assert_close(ours.pooled, theirs.pooler_output, rtol=0, atol=1e-4)
    course = theirs.last_hidden_state[0].mean(dim=1).mT
    # 100000 samples stand four times in 480000: 834 of 1001 frames
    count = 32 if num_samples == 480_000 else 27
    assert ours.mask.tolist() == [[True] * count]
    torch.testing.assert_close(ours.frames[0], course[:count], rtol=0, atol=1e-4)


def test_neighbours_change_nothing(encoder: HtsatEncoder, alone_and_together: Callable[..., float]) -> None:
    assert alone_and_together(encoder, [480_000, 100_000, 600_000, 30]) < 1e-5


def test_a_clap_checkpoint_gives_its_audio_side(tmp_path: Path) -> None:
    torch.manual_seed(1)
    text = ClapTextConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    clap = ClapModel(ClapConfig(text_config=text.to_dict(), audio_config=ClapAudioConfig(**SMALL).to_dict())).eval()
    clap.save_pretrained(tmp_path)
    encoder = build_htsat(HtsatSettings(source=str(tmp_path))).eval()
    features = torch.randn(1, 1001, 64)
    with torch.inference_mode():
        theirs = clap.audio_model(input_features=features[:, None]).pooler_output
        ours = encoder.encode_features(features, torch.tensor([1001])).pooled
    assert torch.equal(ours, theirs)


def test_another_number_of_frames_is_refused(encoder: HtsatEncoder) -> None:
    with pytest.raises(UsageError, match="fixed number of frames"):
        encoder.encode_features(torch.zeros(1, 500, 64), torch.tensor([500]))


def test_another_number_of_mel_bins_is_refused() -> None:
    with pytest.raises(UsageError, match="another number of mel bins"):
        build_htsat(HtsatSettings(config=SMALL | {"num_mel_bins": 32}))
