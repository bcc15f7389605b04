"""The small encoder: padding, lengths, masks, resuming, memory, and what it can learn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.models.encoders.small import SmallEncoder, SmallSettings, build_small
from audiolect.models.features import frame_counts, log_mel

TINY = SmallSettings(width=4)


@pytest.fixture(scope="module")
def encoder() -> SmallEncoder:
    """A tiny one whose statistics are not those of birth."""
    torch.manual_seed(0)
    made = SmallEncoder(TINY)
    for _ in range(3):
        made(0.1 * torch.randn(4, 32000), torch.full((4,), 32000))
    return made.eval()


@torch.no_grad()
def test_alone_or_among_32_others_a_recording_has_the_same_output(encoder: SmallEncoder) -> None:
    torch.manual_seed(1)
    lengths = torch.randint(1, 48000, (33,))
    lengths[:4] = torch.tensor([48000, 1, 600, 9600])
    waveforms = torch.randn(33, 48000) * (torch.arange(48000) < lengths[:, None])
    together = encoder(waveforms, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = encoder(waveforms[row : row + 1, :length], lengths[row : row + 1])
        count = alone.frames.shape[1]
        torch.testing.assert_close(together.pooled[row], alone.pooled[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.frames[row, :count], alone.frames[0], atol=1e-5, rtol=0)
        assert int(together.mask[row].sum()) == count
        assert not together.frames[row, count:].any()


@torch.no_grad()
def test_what_stands_behind_the_end_is_not_heard(encoder: SmallEncoder) -> None:
    waveforms = torch.randn(2, 32000)
    lengths = torch.tensor([32000, 12000])
    louder = waveforms.clone()
    louder[1, 12000:] = 99
    assert torch.equal(encoder(waveforms, lengths).pooled, encoder(louder, lengths).pooled)


@given(frames=st.integers(1, 200))
@settings(deadline=None, max_examples=25)
@torch.no_grad()
def test_positions_are_counted_exactly(encoder: SmallEncoder, frames: int) -> None:
    output = encoder.encode_features(torch.randn(1, frames, 64), torch.tensor([frames]))
    expected = max(1, (frames + 1) // 16)
    assert output.frames.shape == (1, expected, 32)
    assert output.mask.tolist() == [[True] * expected]


@torch.no_grad()
def test_waveforms_and_their_features_give_the_same(encoder: SmallEncoder) -> None:
    waveforms, lengths = torch.randn(2, 20000), torch.tensor([20000, 15000])
    features = log_mel(waveforms, encoder.features, lengths)
    output = encoder.encode_features(features, frame_counts(lengths, encoder.features))
    assert torch.equal(output.pooled, encoder(waveforms, lengths).pooled)
    assert encoder.features.hop_samples == 640


def test_equal_lengths_are_computed_without_masks(encoder: SmallEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("masked")

    monkeypatch.setattr("audiolect.models.encoders.small._masked", lambda x, mask: x if mask is None else refuse())
    encoder(torch.randn(2, 20000), torch.tensor([20000, 20000]))
    with pytest.raises(AssertionError, match="masked"):
        encoder(torch.randn(2, 20000), torch.tensor([20000, 10000]))


def test_stripes_are_drawn_in_training_alone_and_from_what_is_handed_in() -> None:
    made = SmallEncoder(SmallSettings(width=2, dropout=0))
    features, lengths = torch.randn(2, 64, 64), torch.tensor([64, 64])
    made.eval()
    assert torch.equal(made.encode_features(features, lengths).pooled, made.encode_features(features, lengths).pooled)
    made.train()
    made.generator = torch.Generator().manual_seed(0)
    first = made.encode_features(features, lengths).pooled
    second = made.encode_features(features, lengths).pooled
    made.generator.manual_seed(0)
    assert torch.equal(made.encode_features(features, lengths).pooled, first)
    assert not torch.equal(first, second)


def test_checkpointing_gives_the_same_gradients() -> None:
    features, lengths = torch.randn(3, 64, 64), torch.tensor([64, 40, 64])
    gradients = []
    for on in (False, True):
        torch.manual_seed(0)
        made = SmallEncoder(TINY)
        made.gradient_checkpointing = on
        made.encode_features(features, lengths).pooled.square().sum().backward()
        gradients.append([*(parameter.grad for parameter in made.parameters()), *made.buffers()])
    assert len(gradients[0]) > 40
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_it_learns_to_tell_two_sounds_apart() -> None:
    torch.manual_seed(0)
    made = SmallEncoder(SmallSettings(width=4, spec_augment=None, dropout=0))
    head = torch.nn.Linear(32, 2)
    time = torch.arange(16000) / 32000
    pitch = torch.where(torch.arange(16) % 2 == 0, 500.0, 4000.0)
    waveforms = torch.sin(6.283 * pitch[:, None] * time) + 0.3 * torch.randn(16, 16000)
    optimiser = torch.optim.Adam([*made.parameters(), *head.parameters()], lr=3e-3)
    losses = []
    for _ in range(12):
        output = made(waveforms, torch.full((16,), 16000))
        loss = torch.nn.functional.cross_entropy(head(output.pooled), torch.arange(16) % 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_a_misspelt_key_and_too_few_mel_bins_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"widht[\s\S]*width"):
        parse_config({"name": "small", "widht": 8}, SmallSettings, where="recipe.yaml")
    with pytest.raises(ConfigError, match="num_mels must be at least 15"):
        parse_config({"name": "small", "features": {"num_mels": 8}}, SmallSettings, where="recipe.yaml")


def test_a_build_has_the_settings_and_the_convolutions_are_channels_last() -> None:
    made = build_small(TINY)
    assert made.embedding_size == 32
    assert made.rate_hz == 32000
    assert made.stages[1].conv1.weight.is_contiguous(memory_format=torch.channels_last)
