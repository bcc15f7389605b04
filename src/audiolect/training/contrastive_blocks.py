"""A rank's strip of the matrix of logits, block by block: what the chunked losses are made of.

Each rank looks at its own strip of the N × N matrix: its n audios against the texts of all ranks. A block of the strip
is computed, used and written over by the next.

Shapes: n rows of this rank, N rows of all, E numbers of an embedding; r × c a block.
Conventions: tables are float32 or float64, all alike, and without gradient. Logits of pairs that are left out are
-inf, so that they weigh nothing in a log-sum-exp.

Public names: Strip, Logits, open_strip, log_sums, finish_gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from audiolect.training.gathering import Shares, sum_to_owners
from audiolect.training.negatives import Sameness

# Rows and columns of a block: on a CPU small enough for its caches, elsewhere large enough to keep the device busy.
_CHUNK_CPU = 1024
_CHUNK_DEVICE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """How a rank goes over its strip.

    Args:
        shares: the rows of all ranks.
        sameness: which pairs are the same, or None where no two rows are.
        chunk: most rows and columns of a block.
        room: (3, r · c) three blocks' room. New memory for each block would cost more than its arithmetic.
    """

    shares: Shares
    sameness: Sameness | None
    chunk: int
    room: Tensor

    def blocks(self) -> Iterator[tuple[slice, slice, slice]]:
        """Rows among this rank's, the same rows among all, and columns among all."""
        first, own = self.shares.first, self.shares.sizes[self.shares.rank]
        for top in range(0, own, self.chunk):
            rows = slice(top, min(top + self.chunk, own))
            for left in range(0, self.shares.total, self.chunk):
                columns = slice(left, min(left + self.chunk, self.shares.total))
                yield rows, slice(rows.start + first, rows.stop + first), columns

    def place(self, which: int, rows: slice, columns: slice) -> Tensor:
        """(r, c) room number ``which``, with whatever was left in it."""
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return self.room[which, : height * width].view(height, width)

    def left_out(self, among_all: slice, columns: slice) -> Tensor | None:
        """(r, c) bool, the pairs that are neither positives nor negatives; None where there are none of this kind."""
        if self.sameness is None or self.sameness.positive:
            return None
        return self.sameness.block(among_all, columns)

    def hits(self, among_all: slice, columns: slice) -> Tensor | None:
        """(r, c) bool, the pairs that belong together; None where only the diagonal does."""
        if self.sameness is None or not self.sameness.positive:
            return None
        return self.sameness.block(among_all, columns)


def open_strip(shares: Shares, sameness: Sameness | None, chunk: int | None, like: Tensor) -> Strip:
    """A strip with room for its blocks, of the dtype and on the device of ``like``; chunk None: as the device likes."""
    chunk = chunk or (_CHUNK_CPU if like.device.type == "cpu" else _CHUNK_DEVICE)
    size = min(chunk, shares.sizes[shares.rank]) * min(chunk, shares.total)
    return Strip(shares, sameness, chunk, like.new_empty(3, size))


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """scale · audio · textᵀ, a block at a time.

    Args:
        audio: (n, E) of this rank.
        text: (N, E) of all ranks.
        scale: a scalar.
        strip: how to go over it.
        which: the room that blocks are computed in.
    """

    audio: Tensor
    text: Tensor
    scale: Tensor
    strip: Strip
    which: int

    def block(self, rows: slice, columns: slice) -> Tensor:
        """(r, c), in room that the next block is written to."""
        room = self.strip.place(self.which, rows, columns)
        return torch.mm(self.audio[rows], self.text[columns].mT, out=room).mul_(self.scale)

    def candidates(self, rows: slice, among_all: slice, columns: slice) -> Tensor:
        """As ``block``, with -inf at the pairs that are left out."""
        return without(self.block(rows, columns), self.strip.left_out(among_all, columns), -torch.inf)


def without(block: Tensor, left_out: Tensor | None, value: float) -> Tensor:
    """The block itself, with ``value`` written at the pairs that are left out."""
    return block if left_out is None else block.masked_fill_(left_out, value)


def log_sums(logits: Logits, scratch: int) -> tuple[Tensor, Tensor]:
    """log Σ exp over the candidates of each row (n,) and of each column (N,) of this rank's strip.

    A part of a column's sum may be -inf, where all of this rank's rows are left out or there are none.

    Args:
        logits: of the strip.
        scratch: a room that is free.
    """
    strip = logits.strip
    by_row = logits.audio.new_full((len(logits.audio),), -torch.inf)
    by_column = logits.audio.new_full((len(logits.text),), -torch.inf)
    lowest = torch.finfo(by_row.dtype).min
    for rows, among_all, columns in strip.blocks():
        block = logits.candidates(rows, among_all, columns)
        powers = strip.place(scratch, rows, columns)
        for dim, sums in ((1, by_row[rows]), (0, by_column[columns])):
            # The largest logit becomes 0. Where all are -inf it stays finite, lest -inf - -inf be NaN.
            top = block.amax(dim, keepdim=True).clamp_(min=lowest)
            torch.sub(block, top, out=powers).exp_()
            torch.logaddexp(sums, powers.sum(dim).log_().add_(top.squeeze(dim)), out=sums)
    return by_row, by_column


def finish_gradients(logits: Logits, by_audio: Tensor, by_text: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of this rank's audio (n, E) and text (n, E) and of the scale.

    Args:
        logits: of the strip.
        by_audio: (n, E) Σ over columns of the gradient of a logit times the text; written over.
        by_text: (N, E) Σ over this rank's rows of the gradient of a logit times the audio; written over.
        share: what all gradients are multiplied with.
    """
    by_scale = torch.einsum("ne,ne->n", by_audio, logits.audio).sum() * share
    factor = logits.scale * share
    return by_audio.mul_(factor), sum_to_owners(by_text, logits.strip.shares).mul_(factor), by_scale
