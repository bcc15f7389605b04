"""SpecAugment: how wide its stripes are, where they lie, and what draws them."""

from __future__ import annotations

import torch

from audiolect.models.spec_augment import SpecAugmentSettings, spec_augment

ONES = torch.ones(64, 50, 20)
LENGTHS = torch.full((64,), 50)


def drawn(settings: SpecAugmentSettings, seed: int = 0, lengths: torch.Tensor = LENGTHS) -> torch.Tensor:
    return spec_augment(ONES[: len(lengths)], lengths, settings, torch.Generator().manual_seed(seed))


def test_no_stripes_change_nothing() -> None:
    assert torch.equal(drawn(SpecAugmentSettings(time_masks=0, frequency_masks=0)), ONES)
    assert torch.equal(drawn(SpecAugmentSettings(time_frames=0, frequency_bins=0)), ONES)


def test_a_stripe_in_time_is_one_run_of_whole_frames_no_wider_than_it_may_be() -> None:
    settings = SpecAugmentSettings(time_masks=1, time_frames=10, frequency_masks=0)
    silent = drawn(settings) == 0
    widths = silent[:, :, 0].sum(dim=1)
    assert torch.equal(silent.all(dim=2), silent.any(dim=2))
    edges = (silent[:, 1:, 0] != silent[:, :-1, 0]).sum(dim=1)
    assert int(edges.max()) <= 2
    assert set(widths.tolist()) <= set(range(11))
    assert len(set(widths.tolist())) > 6  # all widths occur, from 0 to the greatest


def test_stripes_in_frequency_are_whole_bins() -> None:
    silent = drawn(SpecAugmentSettings(time_masks=0, frequency_masks=2, frequency_bins=5)) == 0
    assert torch.equal(silent.all(dim=1), silent.any(dim=1))
    assert 0 < int(silent[:, 0].sum(dim=1).max()) <= 10


def test_stripes_lie_within_a_recording_and_padding_does_not_move_them() -> None:
    settings = SpecAugmentSettings(time_masks=3, time_frames=40, frequency_masks=0)
    lengths = torch.tensor([5, 0, 50, 13])
    result = drawn(settings, lengths=lengths)
    assert all(bool((result[row, length:] == 1).all()) for row, length in enumerate(lengths.tolist()))
    longer = spec_augment(torch.ones(4, 90, 20), lengths, settings, torch.Generator().manual_seed(0))
    assert torch.equal(longer[:, :50], result)


def test_the_seed_decides_and_torchs_own_state_serves_where_none_is_given() -> None:
    settings = SpecAugmentSettings()
    assert torch.equal(drawn(settings, 3), drawn(settings, 3))
    assert not torch.equal(drawn(settings, 3), drawn(settings, 4))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = spec_augment(ONES, LENGTHS, settings)
    torch.set_rng_state(state)
    assert torch.equal(spec_augment(ONES, LENGTHS, settings), first)
