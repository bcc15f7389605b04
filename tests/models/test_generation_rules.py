"""Rules and the greatest scores, against transformers' own rules and torch.topk."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import NoRepeatNGramLogitsProcessor, RepetitionPenaltyLogitsProcessor

from audiolect.models.generation_rules import History, apply_rules, largest, needs_rules
from audiolect.models.generation_settings import GenerationSettings

SCORES = torch.randn(2, 12, generator=torch.Generator().manual_seed(0))
ROWS = [[1, 2, 3, 1, 2], [7, 7, 7, 4]]


def ruled(**options: Any) -> torch.Tensor:
    return apply_rules(SCORES, History(ROWS), GenerationSettings(**options), end=0)


def test_without_rules_scores_are_left_alone() -> None:
    assert ruled() is SCORES
    assert not needs_rules(GenerationSettings())


@pytest.mark.parametrize("penalty", [0.5, 1.3])
def test_repetition_is_that_of_transformers(penalty: float) -> None:
    found = ruled(repetition_penalty=penalty)
    for row, ids in enumerate(ROWS):
        expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([ids]), SCORES[row : row + 1].clone())
        torch.testing.assert_close(found[row : row + 1], expected)
    assert not torch.equal(found, SCORES)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_no_ngram_comes_twice(size: int) -> None:
    found = ruled(no_repeat_ngram=size)
    for row, ids in enumerate(ROWS):
        expected = NoRepeatNGramLogitsProcessor(size)(torch.tensor([ids]), SCORES[row : row + 1].clone())
        torch.testing.assert_close(found[row : row + 1], expected)


def test_ends_and_suppressed_tokens_cannot_be_chosen() -> None:
    found = ruled(min_tokens=1, suppress=[5])
    assert found[:, [0, 5]].eq(-torch.inf).all()
    history = History(ROWS)
    history.add([9, 9])
    assert apply_rules(SCORES, history, GenerationSettings(min_tokens=1), end=0)[0, 0] == SCORES[0, 0]


def test_a_history_moves_with_its_rows() -> None:
    history = History(ROWS)
    history.expand(2)
    history.add([10, 11, 12, 13])
    history.reorder([1, 3])
    assert history.rows == [[1, 2, 3, 1, 2, 11], [7, 7, 7, 4, 13]]
    assert [history.written(row) for row in range(2)] == [[11], [13]]


@given(st.integers(1, 3), st.integers(1, 5000), st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_greatest_are_those_of_topk(rows: int, size: int, count: int, seed: int) -> None:
    scores = torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))
    count = min(count, size)
    values, ids = largest(scores, count)
    expected = torch.topk(scores, count, dim=1)
    assert torch.equal(values, expected.values)
    assert torch.equal(ids, expected.indices)
