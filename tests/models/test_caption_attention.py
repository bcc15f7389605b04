"""The cache of a decoder: attention written out, shared recordings, rows that move and leave."""

from __future__ import annotations

import torch
from torch import Tensor

from audiolect.models.caption_attention import DecoderState, attend_recording, attend_self

B, N, H, C, S, K = 3, 2, 2, 6, 5, 4


def state(lengths: list[int]) -> DecoderState:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    mask = torch.tensor([5, 3, 4])[:, None] > torch.arange(S)
    rows = torch.tensor(lengths)
    own = [(drawn(B * N, H, C, K), drawn(B * N, H, C, K))]
    cross = [(drawn(B, H, S, K), drawn(B, H, S, K))]
    even = len(set(lengths)) == 1
    return DecoderState(rows, max(lengths), even, N, cross, mask[:, None, None], drawn(B * N, 8), drawn(B, 3, 8), own)


def attention(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """(K,) against (L, K)."""
    return (keys @ query / K**0.5).softmax(dim=0) @ values


def test_a_row_attends_to_its_own_beginning_and_itself() -> None:
    for lengths in ([3] * 6, [3, 2, 1, 3, 0, 2]):
        cache = state(lengths)
        before = [tensor.clone() for tensor in cache.own[0]]
        query, key, value = torch.randn(3, B * N, H, K, generator=torch.Generator().manual_seed(1))
        found = attend_self(query, key, value, cache, 0)
        for row, length in enumerate(lengths):
            for head in range(H):
                keys = torch.cat([before[0][row, head, :length], key[row, head, None]])
                values = torch.cat([before[1][row, head, :length], value[row, head, None]])
                torch.testing.assert_close(found[row, head], attention(query[row, head], keys, values))


def test_rows_of_a_recording_share_what_it_holds() -> None:
    cache = state([3] * 6)
    query = torch.randn(B * N, H, K, generator=torch.Generator().manual_seed(1))
    found = attend_recording(query, cache, 0)
    keys, values = cache.cross[0]
    for row in range(B * N):
        size = [5, 3, 4][row // N]
        for head in range(H):
            expected = attention(query[row, head], keys[row // N, head, :size], values[row // N, head, :size])
            torch.testing.assert_close(found[row, head], expected)


def test_reordering_moves_what_rows_have_written_and_nothing_of_recordings() -> None:
    cache, same = state([3] * 6), state([3] * 6)
    cross = cache.cross[0][0].data_ptr()
    cache.reorder(torch.tensor([1, 1, 2, 3, 5, 4]))
    for new, old in zip(cache.own[0], same.own[0], strict=True):
        assert torch.equal(new[:, :, :3], old[[1, 1, 2, 3, 5, 4], :, :3])
    assert cache.cross[0][0].data_ptr() == cross


def test_recordings_that_leave_take_their_rows_with_them() -> None:
    cache, same = state([3, 3, 1, 1, 2, 2]), state([3, 3, 1, 1, 2, 2])
    cache.keep(torch.tensor([2]))
    assert (cache.lengths.tolist(), cache.longest, cache.even) == ([2, 2], 2, True)
    assert torch.equal(cache.own[0][0], same.own[0][0][4:])
    assert torch.equal(cache.cross[0][1], same.cross[0][1][2:])
    assert torch.equal(cache.hidden, same.hidden[4:])


def test_expanding_repeats_each_row() -> None:
    cache = state([3] * 6)
    cache.expand(2)
    assert len(cache.lengths) == len(cache.own[0][0]) == len(cache.hidden) == 12
    assert torch.equal(cache.own[0][0][0], cache.own[0][0][1])
    assert cache.rows_each == 2
