"""Recordings heard two at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.training.mixing import MixedBatch, MixingSettings, mix_batch
from audiolect.training.run_folder import open_run
from audiolect.training.session import train

ALWAYS = MixingSettings(probability=1.0)


def tones(*amplitudes: float, samples: int = 1000) -> torch.Tensor:
    """A tone of its own pitch for each amplitude."""
    time = torch.arange(samples) / samples
    return torch.stack([a * torch.sin(2 * math.pi * 10 * (i + 1) * time) for i, a in enumerate(amplitudes)])


def mixed(waveforms: torch.Tensor, settings_: MixingSettings = ALWAYS, step: int = 0) -> MixedBatch:
    found = mix_batch(waveforms, torch.full((len(waveforms),), waveforms.shape[1]), settings_, epoch=0, step=step)
    assert found is not None
    return found


def powers_of(waveform: torch.Tensor, count: int) -> torch.Tensor:
    """The powers of the tones of ``tones`` in a waveform, by their inner products."""
    basis = tones(*[1.0] * count)
    return ((basis @ waveform) * 2 / len(waveform)).square() / 2


def test_by_hand_each_counts_for_its_share_whatever_its_level() -> None:
    waveforms = tones(0.8, 0.01, 0.1, 0.3)
    found = mixed(waveforms)
    for row, partner in enumerate(found.order.tolist()):
        if partner == row:
            torch.testing.assert_close(found.waveforms[row], waveforms[row])
            continue
        powers = powers_of(found.waveforms[row], 4)
        heard = powers.sqrt() / (powers[row].sqrt() + powers[partner].sqrt())
        assert float(heard[row]) == pytest.approx(found.share, abs=1e-4)
        assert float(heard[partner]) == pytest.approx(1 - found.share, abs=1e-4)


def test_the_level_of_a_short_recording_is_that_of_its_own_samples() -> None:
    """One of 100 samples among ones of 1000: what is not there does not make it quieter."""
    waveforms = tones(0.5, 0.5, 0.5)
    waveforms[0, 100:] = 0
    found = next(
        each
        for step in range(20)
        if (each := mix_batch(waveforms, torch.tensor([100, 1000, 1000]), ALWAYS, epoch=0, step=step)) is not None
        and each.order[0] != 0
    )
    partner = int(found.order[0])
    # As loud as one tone: the share of each, over the root of the sum of their squares.
    own, other = (share / math.hypot(found.share, 1 - found.share) for share in (found.share, 1 - found.share))
    expected = own * waveforms[0] + other * waveforms[partner]
    torch.testing.assert_close(found.waveforms[0], expected, rtol=1e-4, atol=1e-5)


def test_equal_levels_stay_as_loud() -> None:
    found = mixed(tones(0.5, 0.5, 0.5, 0.5, 0.5))
    levels = found.waveforms.square().mean(dim=1)
    torch.testing.assert_close(levels, torch.full((5,), 0.125), rtol=1e-4, atol=0)


def test_the_same_batch_is_mixed_the_same_and_another_differently() -> None:
    waveforms = tones(0.5, 0.4, 0.3, 0.2, 0.1)
    first, again, next_step = mixed(waveforms), mixed(waveforms), mixed(waveforms, step=1)
    assert torch.equal(first.waveforms, again.waveforms)
    assert first.share != next_step.share
    next_epoch = mix_batch(waveforms, torch.full((5,), 1000), ALWAYS, epoch=1, step=0)
    assert next_epoch is not None
    assert next_epoch.share not in (first.share, next_step.share)
    assert mixed(waveforms, MixingSettings(probability=1.0, seed=1)).share != first.share


def test_so_many_batches_are_mixed_and_shares_are_of_their_distribution() -> None:
    rare = MixingSettings(probability=0.25, alpha=0.4)
    found = [mix_batch(tones(0.5, 0.5), torch.tensor([9, 9]), rare, epoch=3, step=i) for i in range(2000)]
    shares = np.array([each.share for each in found if each is not None])
    assert len(shares) == pytest.approx(500, abs=80)
    # Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2 a + 1)).
    assert shares.mean() == pytest.approx(0.5, abs=0.06)
    assert shares.var() == pytest.approx(1 / (4 * 1.8), abs=0.02)


def test_what_is_valid_is_what_either_has() -> None:
    waveforms = tones(0.5, 0.5, 0.5)
    waveforms[0, 300:] = 0
    lengths = torch.tensor([300, 1000, 1000])
    partners = set()
    for step in range(8):
        found = mix_batch(waveforms, lengths, ALWAYS, epoch=0, step=step)
        assert found is not None
        order = found.order.tolist()
        assert found.lengths.tolist() == [max(int(lengths[i]), int(lengths[j])) for i, j in enumerate(order)]
        for row, length in enumerate(found.lengths.tolist()):
            assert not found.waveforms[row, length:].any()
        partners.add(order[0])
    assert partners == {0, 1, 2}  # the short one alone, and with each of the longer ones


@pytest.mark.parametrize("rows", [0, 1])
def test_a_share_without_a_partner_takes_part(rows: int) -> None:
    waveforms = tones(*[0.5] * rows) if rows else torch.zeros(0, 1000)
    found = mixed(waveforms)
    assert torch.equal(found.waveforms, waveforms)
    assert found.order.tolist() == list(range(rows))
    assert found.share == mixed(tones(0.5, 0.5, 0.5)).share


def test_silence_and_sound_stay_finite() -> None:
    waveforms = tones(0.5, 0.0, 0.0)
    found = mixed(waveforms)
    assert torch.isfinite(found.waveforms).all()
    assert float(found.waveforms.abs().max()) <= 0.5 * math.sqrt(2)


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_every_row_is_used_once_and_nothing_is_changed_in_place(epoch: int, step: int, rows: int) -> None:
    waveforms = tones(*[0.3] * rows)
    before = waveforms.clone()
    found = mix_batch(waveforms, torch.full((rows,), 1000), ALWAYS, epoch=epoch, step=step)
    assert found is not None
    assert sorted(found.order.tolist()) == list(range(rows))
    assert 0.0 <= found.share <= 1.0
    assert torch.equal(waveforms, before)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="probability"):
        parse_config({"probability": 0.0}, MixingSettings, "recipe")
    with pytest.raises(ConfigError, match="alpha"):
        parse_config({"alpha": 0}, MixingSettings, "recipe")


def test_a_training_that_goes_on_mixes_the_same(recipe: Callable[..., Path], tmp_path: Path) -> None:
    path = recipe(**{"training.objective": {"mixing": {"probability": 0.7}}, "evaluation": {}})
    train(path, tmp_path / "whole")
    looks = itertools.count(1)
    stopped = train(path, tmp_path / "parts", asked_to_stop=lambda: next(looks) == 6)
    assert stopped.stopped
    assert stopped.standing.step == 6
    assert train(path, tmp_path / "parts").resumed_at == 6
    whole, parts = (
        load_file(open_run(tmp_path / name).checkpoint("last") / "model.safetensors") for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
