"""Masked pooling by hand, against loops, and against itself without padding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.models.pooling import (
    POOLINGS,
    apply_mask,
    length_mask,
    mask_unless_full,
    masked_max,
    masked_mean,
    mean_plus_max,
    pool,
)

FRAMES = torch.tensor([[[1.0, -1.0], [3.0, -5.0], [100.0, 100.0]]])
MASK = torch.tensor([[True, True, False]])


def test_by_hand() -> None:
    assert masked_mean(FRAMES, MASK).tolist() == [[2.0, -3.0]]
    assert masked_max(FRAMES, MASK).tolist() == [[3.0, -1.0]]
    assert mean_plus_max(FRAMES, MASK).tolist() == [[5.0, -4.0]]
    assert masked_max(FRAMES, None).tolist() == [[100.0, 100.0]]


def test_a_row_without_a_position_pools_to_zero() -> None:
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    assert [pool(FRAMES, nothing, how).tolist() for how in POOLINGS] == 3 * [[[0.0, 0.0]]]


def test_lengths_become_masks_and_full_ones_none() -> None:
    assert length_mask(torch.tensor([0, 2, 5]), 3).tolist() == [[False] * 3, [True, True, False], [True] * 3]
    assert mask_unless_full(torch.tensor([3, 3]), 3) is None
    assert mask_unless_full(torch.tensor([], dtype=torch.int64), 3) is None
    mask = mask_unless_full(torch.tensor([3, 1]), 3)
    assert mask is not None
    assert mask.tolist() == [[True] * 3, [True, False, False]]


def test_what_is_masked_is_zero_even_where_it_was_nan() -> None:
    frames = FRAMES.clone()
    frames[0, 2] = torch.nan
    assert apply_mask(frames, MASK)[0, 2].tolist() == [0.0, 0.0]
    assert masked_mean(frames, MASK).tolist() == [[2.0, -3.0]]
    assert apply_mask(frames, None) is frames


def test_an_unknown_pooling_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no pooling named 'maen'[\s\S]*mean"):
        pool(FRAMES, None, "maen")


@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5), how=st.sampled_from(sorted(POOLINGS)))
@settings(deadline=None, max_examples=30)
def test_padding_changes_nothing(lengths: list[int], how: str) -> None:
    torch.manual_seed(len(lengths))
    frames = torch.randn(len(lengths), 7, 4)
    together = pool(frames, mask_unless_full(torch.tensor(lengths), 7), how)
    alone = torch.cat([pool(frames[row : row + 1, :length], None, how) for row, length in enumerate(lengths)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
