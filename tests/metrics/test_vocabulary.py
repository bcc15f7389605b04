"""Counts of a vocabulary: by hand, empty, invalid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.vocabulary import vocabulary_scores

captions = st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1, max_size=6)


def test_by_hand() -> None:
    scores = vocabulary_scores(
        [["a", "dog"], ["a", "dog"], []],
        [[["a", "cat", "meows"]], [["a"], ["a", "dog"]], [["rain"]]],
        known=[["a", "dog"]],
    )
    assert scores.vocabulary_size == 2
    assert scores.reference_vocabulary_share == pytest.approx(2 / 5)  # a, dog of a, cat, meows, dog, rain
    assert scores.words_per_caption == pytest.approx(4 / 3)
    assert scores.reference_words_per_caption == pytest.approx(7 / 4)
    assert scores.distinct_captions == pytest.approx(2 / 3)
    assert scores.novel_captions == pytest.approx(1 / 3)
    assert scores.empty_captions == 1


def test_novelty_is_not_told_where_nothing_is_known() -> None:
    assert "novel_captions" not in vocabulary_scores([["a"]], [[["a"]]]).values()
    assert vocabulary_scores([["a"]], [[["a"]]], known=[]).values()["novel_captions"] == 1


def test_invalid() -> None:
    with pytest.raises(UsageError, match="no captions"):
        vocabulary_scores([], [])


@given(captions)
def test_of_the_references_themselves(own: list[list[str]]) -> None:
    scores = vocabulary_scores(own, [[caption] for caption in own], known=own)
    assert scores.words_per_caption == scores.reference_words_per_caption
    assert scores.novel_captions == 0
    assert scores.reference_vocabulary_share == (1.0 if scores.vocabulary_size else 0.0)
    assert 0 < scores.distinct_captions <= 1
