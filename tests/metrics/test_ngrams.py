"""Counts of n-grams: by hand, and against a plain count."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.ngrams import ORDER, NgramCounts, count_ngrams

captions = st.lists(st.sampled_from(list("abcd")), max_size=7)
sets = st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=3)), min_size=1, max_size=5)


def as_multisets(counts: NgramCounts, order: int) -> list[list[int]]:
    """Of each caption, how often its n-grams of one length stand in it."""
    grams = counts.grams[order - 1]
    found: list[list[int]] = [[] for _ in counts.lengths]
    for caption, count in zip(grams.captions, grams.counts, strict=True):
        found[caption].append(int(count))
    return [sorted(each) for each in found]


def test_by_hand() -> None:
    counts = count_ngrams([["a", "dog", "a", "dog"]], [[["a", "dog"], []]])
    assert counts.lengths.tolist() == [4, 2, 0]
    assert counts.recordings.tolist() == [0, 0, 0]
    assert as_multisets(counts, 1) == [[2, 2], [1, 1], []]
    assert as_multisets(counts, 2) == [[1, 2], [1], []]
    assert as_multisets(counts, 4) == [[1], [], []]
    assert [grams.num_grams for grams in counts.grams] == [2, 2, 2, 1]


def test_a_token_with_a_blank_is_several_words() -> None:
    assert count_ngrams([["2\u00a01/2", "hours"]], [[["2"]]]).lengths.tolist() == [3, 1]


def test_captions_without_words() -> None:
    counts = count_ngrams([[]], [[[]]])
    assert counts.lengths.tolist() == [0, 0]
    assert all(len(grams.captions) == 0 and grams.num_grams == 0 for grams in counts.grams)


@pytest.mark.parametrize(
    ("candidates", "references", "what"),
    [
        ([["a"]], [], "not one candidate for each"),
        ([], [], "no captions"),
        ([["a"], ["b"]], [[["a"]], []], "no reference"),
    ],
)
def test_invalid(candidates: list[list[str]], references: list[list[list[str]]], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        count_ngrams(candidates, references)


@given(sets)
def test_the_same_as_a_plain_count(rows: list[tuple[list[str], list[list[str]]]]) -> None:
    counts = count_ngrams([row[0] for row in rows], [row[1] for row in rows])
    flat = [row[0] for row in rows] + [caption for row in rows for caption in row[1]]
    for order in range(1, ORDER + 1):
        plain = [Counter(tuple(c[i : i + order]) for i in range(len(c) - order + 1)) for c in flat]
        assert as_multisets(counts, order) == [sorted(each.values()) for each in plain]
        assert counts.grams[order - 1].num_grams == len(set().union(*plain))
        # The same n-gram has one number in all captions.
        grams = counts.grams[order - 1]
        shared = Counter(grams.grams.tolist())
        assert sorted(shared.values()) == sorted(Counter(gram for each in plain for gram in each).values())
