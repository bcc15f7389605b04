"""The decoder's keys and values while it writes: what rows have written, and what their recordings hold.

R rows write at once: one for each recording, or n for each (beams, samples). What a row has written is its own; the
cross-attention's keys and values are of the recording, and its n rows look at them as n queries of one, so that they
are neither copied nor moved when rows change places.

Conventions: a row's token i stands in place i of the cache, whatever the other rows' lengths: prefixes are padded
behind, and what stands behind a row's end is masked and later overwritten.

Shapes: R rows, B recordings (R = B * n), H heads, C capacity of the cache, S positions of the encoder,
K width of a head, L tokens of the prefixes, D width of the decoder.

Public names: DecoderState, attend_self, attend_recording, attend_written_out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


@dataclass(slots=True, eq=False)
class DecoderState:
    """What a decoder needs to go on. It changes with each step."""

    lengths: Tensor
    """(R,) int64, tokens that each row has written, prefix included."""
    longest: int
    """The greatest of them."""
    even: bool
    """Whether all are equal: then nothing is masked."""
    rows_each: int
    """n, rows of each recording."""
    cross: list[tuple[Tensor, Tensor]]
    """For each layer keys and values of the recordings, (B, H, S, K); in memory the keys lie along S."""
    cross_mask: Tensor | None
    """(B, 1, 1, S) bool, True where a position belongs to the recording; None: all do."""
    hidden: Tensor
    """(R, D), the decoder's vectors of the last tokens, from which ``logits`` makes those of the next."""
    read: Tensor
    """(B, L, D), its vectors of the prefixes, padded behind."""
    own: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """For each layer keys and values of the rows, (R, H, C, K)."""
    output: Tensor | None = None
    """The output layer, packed (``packed_linear.py``); None: as it is."""

    def expand(self, rows_each: int) -> None:
        """From one row for each recording to n of them."""
        self.lengths = self.lengths.repeat_interleave(rows_each)
        self.hidden = self.hidden.repeat_interleave(rows_each, 0)
        self.own = [(k.repeat_interleave(rows_each, 0), v.repeat_interleave(rows_each, 0)) for k, v in self.own]
        self.rows_each = rows_each

    def reorder(self, rows: Tensor) -> None:
        """Row i goes on from what row ``rows[i]`` of the same recording has written; (R,) int64."""
        size = self.longest
        for keys, values in self.own:
            keys[:, :, :size] = keys[:, :, :size].index_select(0, rows)
            values[:, :, :size] = values[:, :, :size].index_select(0, rows)

    def keep(self, recordings: Tensor) -> None:
        """Go on with these recordings alone; (b,) int64, in rising order."""
        rows = (recordings[:, None] * self.rows_each + torch.arange(self.rows_each, device=recordings.device)).flatten()
        self.lengths = self.lengths[rows]
        self.hidden = self.hidden[rows]
        self.own = [(keys[rows], values[rows]) for keys, values in self.own]
        self.cross = [(keys[recordings], values[recordings]) for keys, values in self.cross]
        self.cross_mask = None if self.cross_mask is None else self.cross_mask[recordings]
        if not self.even:
            self.longest = int(self.lengths.max())
            self.even = self.longest == int(self.lengths.min())


def attend_self(query: Tensor, key: Tensor, value: Tensor, state: DecoderState, layer: int) -> Tensor:
    """One token for each row, attending to what the row has written and to itself.

    Args:
        query, key, value: (R, H, K) of the new token; it is written into the cache.
        state: its ``lengths`` do not count the new token yet.
        layer: whose cache it is.

    Returns:
        (R, H, K).
    """
    keys, values = state.own[layer]
    size = state.longest + 1
    if state.even:
        keys[:, :, size - 1] = key
        values[:, :, size - 1] = value
        mask = None
    else:
        rows = torch.arange(len(query), device=query.device)
        keys[rows, :, state.lengths] = key
        values[rows, :, state.lengths] = value
        mask = (torch.arange(size, device=query.device) <= state.lengths[:, None])[:, None, None]
    found = scaled_dot_product_attention(query[:, :, None], keys[:, :, :size], values[:, :, :size], attn_mask=mask)
    return found[:, :, 0]


def attend_recording(query: Tensor, state: DecoderState, layer: int) -> Tensor:
    """One token for each row, attending to its recording: (R, H, K) → (R, H, K)."""
    keys, values = state.cross[layer]
    rows, heads, width = query.shape
    query_BHnK = query.view(-1, state.rows_each, heads, width).transpose(1, 2)
    if query.device.type == "cpu":
        # For a few queries a product with keys that lie along S is faster than the fused attention (measured: by a
        # fifth for one query, a seventh for five).
        found = attend_written_out(query_BHnK, keys, values, state.cross_mask)
    else:
        found = scaled_dot_product_attention(query_BHnK, keys, values, attn_mask=state.cross_mask)
    return found.transpose(1, 2).reshape(rows, heads, width)


def attend_written_out(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attention as two products: (B, H, L, K), (B, H, S, K) twice and (B, 1, 1, S) bool → (B, H, L, K)."""
    scores = torch.matmul(query * query.shape[-1] ** -0.5, keys.transpose(2, 3))
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return torch.matmul(scores.softmax(dim=-1).to(values.dtype), values)
