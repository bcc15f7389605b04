"""Strips of a matrix: every pair once, log-sums as torch's, gradients of the bilinear form."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.training.contrastive_blocks import Logits, finish_gradients, log_sums, open_strip, without
from audiolect.training.gathering import Shares
from audiolect.training.negatives import Sameness


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.data(), st.integers(1, 5))
def test_the_strips_of_all_ranks_see_each_pair_once(sizes: list[int], data: st.DataObject, chunk: int) -> None:
    total = sum(sizes)
    seen = torch.zeros(total, total)
    for rank, size in enumerate(sizes):
        shares = Shares(tuple(sizes), rank)
        strip = open_strip(shares, None, chunk, torch.zeros(1))
        for rows, among_all, columns in strip.blocks():
            assert 0 <= rows.start < rows.stop <= size
            seen[among_all, columns] += 1
            place = strip.place(2, rows, columns)
            assert place.shape == (rows.stop - rows.start, columns.stop - columns.start)
            assert place.shape[0] <= chunk >= place.shape[1]
    assert bool((seen == 1).all())


@pytest.mark.parametrize("chunk", [1, 3, None])
def test_log_sums_are_those_of_torch(chunk: int | None) -> None:
    audio, text = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    kinds = torch.tensor([0, 0, 1, 2, 3, 4, 4, 4])
    sameness = Sameness(kinds, torch.arange(8), "left_out")
    logits = 30.0 * audio[3:6] @ text.mT
    mask = (kinds[3:6, None] == kinds) & ~torch.eye(8, dtype=torch.bool)[3:6]
    strip = open_strip(Shares((3, 3, 2), 1), sameness, chunk, audio)
    by_row, by_column = log_sums(Logits(audio[3:6], text, torch.tensor(30.0), strip, 0), 1)
    kept = logits.masked_fill(mask, -torch.inf)
    torch.testing.assert_close(by_row, kept.logsumexp(1), rtol=1e-12, atol=0)
    torch.testing.assert_close(by_column, kept.logsumexp(0), rtol=1e-12, atol=0)


def test_a_part_of_a_column_that_is_left_out_whole_is_minus_infinity() -> None:
    """Rank 0 has one row, the same as row 1: it adds nothing to the sum of column 1, and NaN appears nowhere."""
    sameness = Sameness(torch.tensor([7, 7]), torch.tensor([0, 1]), "left_out")
    strip = open_strip(Shares((1, 1), 0), sameness, 1, torch.zeros(1))
    by_row, by_column = log_sums(Logits(torch.ones(1, 2), torch.ones(2, 2), torch.tensor(1.0), strip, 0), 1)
    assert by_row.tolist() == [2.0]
    assert by_column.tolist() == [2.0, -torch.inf]


def test_a_rank_without_rows_adds_nothing() -> None:
    strip = open_strip(Shares((0, 4), 0), None, 2, torch.zeros(1))
    assert list(strip.blocks()) == []
    by_row, by_column = log_sums(Logits(torch.zeros(0, 2), torch.ones(4, 2), torch.tensor(1.0), strip, 0), 1)
    assert by_row.shape == (0,)
    assert by_column.tolist() == [-torch.inf] * 4


def test_gradients_of_a_weighted_sum_of_logits() -> None:
    audio, text = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weights = torch.randn(4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    inputs = [audio.requires_grad_(), text.requires_grad_(), torch.tensor(3.0, dtype=torch.float64).requires_grad_()]
    expected = torch.autograd.grad(0.5 * (weights * (inputs[2] * audio @ text.mT)).sum(), inputs)
    audio, text, scale = (tensor.detach() for tensor in inputs)
    logits = Logits(audio, text, scale, open_strip(Shares((4,), 0), None, None, audio), 0)
    found = finish_gradients(logits, weights @ text, weights.mT @ audio, 0.5)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_without_writes_where_it_is_told() -> None:
    block = torch.zeros(1, 2)
    assert without(block, None, 5.0).tolist() == [[0.0, 0.0]]
    assert without(block, torch.tensor([[False, True]]), 5.0).tolist() == [[0.0, 5.0]]
