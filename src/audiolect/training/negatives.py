"""Which pairs of a batch are more than one row's audio with its own text: told by keys, looked at block by block.

    keys = PairKeys(recording_keys_B, caption_keys_B, same="left_out")

Two rows are *the same* when they share the recording (or its origin: a synthetic recording and its parent) or the
caption. SAME says what becomes of such pairs:

    left_out    neither positives nor negatives (the default)
    positive    they belong together, as a row does with itself
    negative    nothing special: they are negatives like all others

Conventions: B rows; the keys are those of ``loader.batch.Batch``, which compare over ranks, too. Being the same is not
transitive: a shares a recording with b, and b a caption with c. No B × B matrix is held; a block has as many rows and
columns as are asked for. The matrix is symmetric, and its diagonal is True.

Public names: SAME, PairKeys, Sameness.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from audiolect.errors import unknown_name
from audiolect.training.gathering import Shares, gather_rows
from audiolect.training.losses import check_keys

SAME = ("left_out", "positive", "negative")


@dataclass(frozen=True, slots=True, eq=False)
class PairKeys:
    """The keys of a batch, or of one rank's share of it.

    Args:
        recording: (B,) int64, equal where two rows sound of the same recording or of its origin.
        caption: (B,) int64, equal where the captions are the same words.
        same: what becomes of pairs of rows that share one of the two, from SAME.

    Raises:
        UsageError: shapes or dtypes do not fit, or there is no such ``same``.
    """

    recording: Tensor
    caption: Tensor
    same: str = "left_out"

    def __post_init__(self) -> None:
        if self.same not in SAME:
            raise unknown_name("treatment of pairs that are the same", self.same, SAME, where="same")
        check_keys(self.recording, self.caption, self.recording.numel())

    def __len__(self) -> int:
        return len(self.recording)

    def in_order(self, order: Tensor) -> PairKeys:
        """The keys of the rows ``order`` (B,) int64."""
        return PairKeys(self.recording[order], self.caption[order], same=self.same)

    def matrices(self) -> dict[str, Tensor]:
        """The (B, B) matrices as the plain losses take them: ``info_nce(audio, text, scale, **keys.matrices())``."""
        if self.same == "negative":
            return {}
        same = (self.recording[:, None] == self.recording) | (self.caption[:, None] == self.caption)
        return {"positives" if self.same == "positive" else "non_negatives": same}

    def gathered(self, shares: Shares) -> Sameness | None:
        """The keys of all ranks, or None where no two rows are the same or it does not matter."""
        recording, caption = (gather_rows(keys, shares) for keys in (self.recording, self.caption))
        if self.same == "negative" or not (_has_equals(recording) or _has_equals(caption)):
            return None
        return Sameness(recording, caption, self.same)


@dataclass(frozen=True, slots=True, eq=False)
class Sameness:
    """The (N, N) matrix of rows that are the same, in blocks. At least two rows share a key.

    Args:
        recording, caption: (N,) int64 keys of all ranks.
        same: ``left_out`` or ``positive``.
    """

    recording: Tensor
    caption: Tensor
    same: str

    @property
    def positive(self) -> bool:
        """Whether such pairs belong together; otherwise they are left out."""
        return self.same == "positive"

    def block(self, rows: slice, columns: slice) -> Tensor:
        """The part of the matrix, bool; of pairs that are left out without the diagonal, which never is."""
        same = self.recording[rows, None] == self.recording[columns]
        same |= self.caption[rows, None] == self.caption[columns]
        if not self.positive:
            diagonal_of(same, rows, columns).fill_(False)
        return same

    def num_same(self) -> Tensor:
        """(N,) how many rows are the same as each, itself included."""
        both = torch.stack([self.recording, self.caption], dim=1)
        return _counts(self.recording) + _counts(self.caption) - _counts(both)


def diagonal_of(block: Tensor, rows: slice, columns: slice) -> Tensor:
    """A view of those entries of a block of an (N, N) matrix that lie on the matrix's diagonal; it may be empty."""
    first, last = max(rows.start, columns.start), min(rows.stop, columns.stop)
    last = max(first, last)
    return block[first - rows.start : last - rows.start, first - columns.start : last - columns.start].diagonal()


def _counts(keys: Tensor) -> Tensor:
    """How often each row occurs in a table of keys."""
    found: tuple[Tensor, Tensor, Tensor] = torch.unique(keys, dim=0, return_inverse=True, return_counts=True)
    _, inverse, counts = found
    return counts[inverse]


def _has_equals(keys: Tensor) -> bool:
    return len(torch.unique(keys)) < len(keys)
