"""What a decoder hears: whole windows, real lengths, windows in a row."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from audiolect.errors import UsageError
from audiolect.models.captioner_audio import hear
from audiolect.models.encoders.small import SmallSettings, build_small
from audiolect.models.encoders.whisper import WhisperAudioEncoder, WhisperSettings, build_whisper

# windows of 2 s, 100 positions
SIZES: dict[str, Any] = {"d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16}
SIZES |= {"max_source_positions": 100}


def encoder(length: Any) -> WhisperAudioEncoder:
    torch.manual_seed(0)
    return build_whisper(WhisperSettings(config=SIZES, length=length)).eval()


WAVEFORMS = 0.1 * torch.randn(3, 80000, generator=torch.Generator().manual_seed(0))
LENGTHS = torch.tensor([80000, 9000, 32000])


@torch.no_grad()
def test_a_filled_window_is_heard_to_its_end() -> None:
    made = encoder("window")
    heard = hear(made, WAVEFORMS, LENGTHS)
    # 5 s are two windows and a half, each of 100 positions
    assert heard.mask.sum(dim=1).tolist() == [300, 100, 100]
    alone = hear(made, WAVEFORMS[:1, 32000:64000], torch.tensor([32000]))
    torch.testing.assert_close(heard.frames[0, 100:200], alone.frames[0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_real_lengths_are_heard_as_the_encoder_gives_them() -> None:
    made = encoder("recording")
    heard, expected = hear(made, WAVEFORMS, LENGTHS), made(WAVEFORMS, LENGTHS)
    torch.testing.assert_close(heard.frames, expected.frames, atol=1e-5, rtol=0)
    torch.testing.assert_close(heard.pooled, expected.pooled, atol=1e-5, rtol=0)
    assert heard.mask.sum(dim=1).tolist() == [250, 28, 100]


@torch.no_grad()
def test_other_encoders_are_heard_as_they_are() -> None:
    made = build_small(SmallSettings(width=1)).eval()
    assert torch.equal(hear(made, WAVEFORMS, LENGTHS).frames, made(WAVEFORMS, LENGTHS).frames)


@pytest.mark.parametrize("length", ["window", "recording"])
@torch.no_grad()
def test_a_tenth_of_a_second_is_enough(length: str) -> None:
    heard = hear(encoder(length), WAVEFORMS[:1, :1600], torch.tensor([1600]))
    assert heard.frames.isfinite().all()
    assert int(heard.mask.sum()) == (100 if length == "window" else 5)


def test_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no sample(.|\n)*row 1 of 3"):
        hear(encoder("window"), WAVEFORMS, torch.tensor([5, 0, 7]))


@pytest.mark.parametrize("length", ["window", "recording"])
def test_one_by_one_is_as_all_at_once(length: str) -> None:
    """Without gradients recordings are heard one after the other."""
    made = encoder(length)
    together = hear(made, WAVEFORMS, LENGTHS)
    with torch.no_grad():
        alone = hear(made, WAVEFORMS, LENGTHS)
    assert together.frames.requires_grad
    assert torch.equal(together.mask, alone.mask)
    torch.testing.assert_close(together.frames, alone.frames, atol=1e-5, rtol=0)
    torch.testing.assert_close(together.pooled, alone.pooled, atol=1e-5, rtol=0)
