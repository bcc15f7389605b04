"""Which pairs are the same: by hand, against all pairs one by one, and block by block."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.training.gathering import Shares
from audiolect.training.negatives import PairKeys, Sameness, diagonal_of


def keys(recording: list[int], caption: list[int], same: str = "left_out") -> PairKeys:
    return PairKeys(torch.tensor(recording, dtype=torch.int64), torch.tensor(caption, dtype=torch.int64), same)


def test_a_recording_its_child_and_a_second_caption_by_hand() -> None:
    """Rows 0 and 1 are two captions of one recording (or it and its child); row 2 has the words of row 1."""
    found = keys([1, 1, 2], [5, 6, 6]).gathered(Shares((3,), 0))
    assert found is not None
    everything = slice(0, 3)
    assert found.block(everything, everything).long().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert found.num_same().tolist() == [2, 3, 2]


def test_matrices_are_what_the_plain_losses_take() -> None:
    same = [[True, True], [True, True]]
    assert {name: matrix.tolist() for name, matrix in keys([1, 1], [2, 3]).matrices().items()} == {
        "non_negatives": same
    }
    positive = keys([1, 1], [2, 3], "positive").matrices()
    assert {name: matrix.tolist() for name, matrix in positive.items()} == {"positives": same}
    assert keys([1, 1], [2, 3], "negative").matrices() == {}


@pytest.mark.parametrize("pairs", [keys([1, 1], [3, 4]), keys([1, 2], [3, 3])])
def test_a_recording_or_a_caption_alone_makes_rows_the_same(pairs: PairKeys) -> None:
    found = pairs.gathered(Shares((2,), 0))
    assert found is not None
    assert found.block(slice(0, 2), slice(0, 2)).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("same", ["left_out", "positive", "negative"])
def test_keys_in_another_order_are_treated_as_before(same: str) -> None:
    found = keys([1, 2, 3], [4, 5, 6], same).in_order(torch.tensor([2, 0, 1]))
    assert (found.recording.tolist(), found.caption.tolist(), found.same) == ([3, 1, 2], [6, 4, 5], same)


@pytest.mark.parametrize(
    "pairs", [keys([], []), keys([1], [1]), keys([1, 2], [3, 4]), keys([1, 1], [3, 3], "negative")]
)
def test_where_nothing_is_the_same_there_is_nothing_to_look_at(pairs: PairKeys) -> None:
    assert pairs.gathered(Shares((len(pairs),), 0)) is None


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=9),
    st.integers(1, 4),
    st.booleans(),
)
def test_blocks_are_the_pairs_one_by_one(rows: list[tuple[int, int]], chunk: int, positive: bool) -> None:
    recording, caption = (torch.tensor(column, dtype=torch.int64) for column in zip(*rows, strict=True))
    found = Sameness(recording, caption, "positive" if positive else "left_out")
    size = len(rows)
    blocks = [slice(top, min(top + chunk, size)) for top in range(0, size, chunk)]
    matrix = torch.cat([torch.cat([found.block(r, c) for c in blocks], dim=1) for r in blocks])
    same = [[a[0] == b[0] or a[1] == b[1] for b in rows] for a in rows]
    assert found.num_same().tolist() == [sum(row) for row in same]
    if not positive:
        same = [[value and i != j for j, value in enumerate(row)] for i, row in enumerate(same)]
    assert matrix.tolist() == same


def test_the_diagonal_of_a_block() -> None:
    rows, columns = slice(2, 5), slice(4, 9)
    block = torch.zeros(3, 5)
    diagonal_of(block, rows, columns).fill_(1)
    assert block.nonzero().tolist() == [[2, 0]]
    assert diagonal_of(block, rows, slice(7, 12)).numel() == 0
    assert diagonal_of(block.mT, columns, rows).numel() == 1


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="left_out"):
        keys([1], [1], "leftout")
    with pytest.raises(UsageError, match="caption_keys"):
        keys([1, 2], [1])
    with pytest.raises(UsageError, match=r"recording_keys(.|\n)*int64"):
        PairKeys(torch.zeros(2), torch.zeros(2, dtype=torch.int64))
