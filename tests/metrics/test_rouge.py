"""ROUGE-L: by hand, by its ends, and equal to pycocoevalcap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.rouge import longest_common_subsequence, rouge_l

captions = st.lists(st.sampled_from(list("abcde")), min_size=1, max_size=9)
sets = st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=4)), min_size=1, max_size=6)


def test_by_hand() -> None:
    # "a c" of "a b c": all of the candidate, two of three of the reference.
    precision, recall, beta = 1.0, 2 / 3, 1.2
    expected = (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
    assert rouge_l([["a", "c"]], [[["a", "b", "c"]]]).tolist() == pytest.approx([expected])


def test_precision_and_recall_may_come_from_two_references() -> None:
    # Precision 1 by the long reference, recall 1 by the short one.
    assert rouge_l([list("ab")], [[list("axbyz"), list("b")]]).tolist() == pytest.approx([1.0])


def test_perfect_and_nothing_in_common() -> None:
    assert rouge_l([list("abc"), list("xy")], [[list("abc")], [list("ab")]]).tolist() == [1.0, 0.0]


def test_captions_without_words() -> None:
    assert rouge_l([[], ["a"]], [[["a"]], [[]]]).tolist() == [0.0, 0.0]


def test_invalid() -> None:
    with pytest.raises(UsageError, match="no reference"):
        rouge_l([["a"]], [[]])


def slow(first: list[str], second: list[str]) -> int:
    """The table of the textbook."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(st.lists(st.sampled_from("abc"), max_size=80), st.lists(st.sampled_from("abc"), max_size=80))
def test_the_longest_common_subsequence_is_that_of_the_textbook(first: list[str], second: list[str]) -> None:
    assert longest_common_subsequence(first, second) == slow(first, second)
    assert longest_common_subsequence(second, first) == slow(first, second)


@given(sets)
def test_the_same_as_pycocoevalcap(rows: list[tuple[list[str], list[list[str]]]]) -> None:
    scorer = pytest.importorskip("pycocoevalcap.rouge.rouge")
    references = {i: [" ".join(caption) for caption in row[1]] for i, row in enumerate(rows)}
    theirs = scorer.Rouge().compute_score(references, {i: [" ".join(row[0])] for i, row in enumerate(rows)})[1]
    assert rouge_l([row[0] for row in rows], [row[1] for row in rows]) == pytest.approx(np.asarray(theirs), abs=1e-12)
