"""Windows over recordings that are longer than what an encoder hears."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.models.encoders.hf_windows import cut_windows, join_windows


def test_windows_follow_each_other_and_a_short_rest_is_left_out() -> None:
    waveforms = torch.arange(1.0, 61.0).repeat(3, 1)
    windows = cut_windows(waveforms, torch.tensor([42, 7, 60]), 20)
    # 42 = 20 + 20 + 2, a tenth of 20; 60 = 20 + 20 + 20
    assert windows.rows.tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert windows.lengths.tolist() == [20, 20, 2, 7, 20, 20, 20]
    assert windows.waveforms[2].tolist() == [41.0, 42.0] + [0.0] * 18
    assert windows.waveforms[3].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0] + [0.0] * 13
    assert cut_windows(waveforms[:1], torch.tensor([41]), 20).lengths.tolist() == [20, 20]


def test_an_empty_recording_has_one_empty_window() -> None:
    windows = cut_windows(torch.full((2, 4), torch.nan), torch.tensor([0, 0]), 20)
    assert windows.rows.tolist() == [0, 1]
    assert windows.lengths.tolist() == [0, 0]


def test_joined_by_hand() -> None:
    windows = cut_windows(torch.ones(2, 30), torch.tensor([30, 20]), 20)
    assert windows.rows.tolist() == [0, 0, 1]
    pooled = torch.tensor([[3.0], [6.0], [9.0]])
    frames = torch.tensor([[[1.0], [2.0]], [[3.0], [7.0]], [[4.0], [5.0]]])
    output = join_windows(pooled, frames, torch.tensor([2, 1, 2]), windows)
    # weighed 20 to 10
    torch.testing.assert_close(output.pooled, torch.tensor([[4.0], [9.0]]))
    assert output.frames[:, :, 0].tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]]
    assert output.mask.tolist() == [[True, True, True], [True, True, False]]


def test_one_window_each_passes_through() -> None:
    windows = cut_windows(torch.ones(2, 10), torch.tensor([10, 5]), 20)
    pooled, frames = torch.randn(2, 3), torch.randn(2, 6, 3)
    output = join_windows(pooled, frames, torch.tensor([4, 2]), windows)
    assert output.pooled is pooled
    assert torch.equal(output.frames[0], frames[0, :4])
    assert output.mask.sum(dim=1).tolist() == [4, 2]
    assert not output.frames[1, 2:].any()


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(0, 100), min_size=1, max_size=5), window=st.integers(1, 40))
def test_windows_hold_all_but_a_short_rest_once(lengths: list[int], window: int) -> None:
    waveforms = 1.0 + torch.arange(max(1, *lengths, 1)).repeat(len(lengths), 1)
    windows = cut_windows(waveforms, torch.tensor(lengths), window)
    for row, length in enumerate(lengths):
        mine = (windows.rows == row).nonzero()[:, 0].tolist()
        samples = [value for index in mine for value in windows.waveforms[index, : windows.lengths[index]].tolist()]
        assert samples == [float(number) for number in range(1, len(samples) + 1)]
        assert 0 <= length - len(samples) < window / 10 or length == len(samples)
