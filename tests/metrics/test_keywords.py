"""Keywords: the published example, by hand, empty, invalid, and a plain formula."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics.keywords import METRICS, keyword_scores, keyword_set


def test_the_published_example() -> None:
    scores = keyword_scores(["hello, darkness, my old friend", "a, b, c, d, e"], [["hello, world,"], ["a, b, c, d"]])
    means = {name: float(scores[name].mean()) for name in METRICS}
    assert means["keyword_precision"] == pytest.approx(0.5667, abs=5e-5)
    assert means["keyword_recall"] == pytest.approx(0.75)
    assert means["keyword_f1"] == pytest.approx(0.6444, abs=5e-5)
    assert means["keyword_jaccard"] == pytest.approx(0.525)
    assert means["keyword_count"] == 4


def test_sets() -> None:
    assert keyword_set(" dog , cat,dog,, ") == {"dog", "cat"}
    assert keyword_set("") == frozenset()


def test_several_references_are_a_mean() -> None:
    scores = keyword_scores(["dog"], [["dog", "cat"]])
    assert scores["keyword_f1"].tolist() == [0.5]


def test_nothing_named_and_nothing_true() -> None:
    for said, true in (("", "dog"), ("dog", ""), ("", "")):
        scores = keyword_scores([said], [[true]])
        assert [scores[name][0] for name in METRICS[:4]] == [0.0] * 4


@pytest.mark.parametrize(
    ("candidates", "references", "words"),
    [
        (["a"], [], "not one candidate for each"),
        (["a"], [[]], "no reference caption"),
        (["a"], ["a"], "References are lists"),
    ],
)
def test_invalid(candidates: list[str], references: list[list[str]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        keyword_scores(candidates, references)


words = st.lists(st.sampled_from("abcde"), max_size=5)


@given(words, words)
def test_the_same_as_the_plain_formula(said: list[str], true: list[str]) -> None:
    scores = keyword_scores([",".join(said)], [[", ".join(true)]])
    common, either = set(said) & set(true), set(said) | set(true)
    assert scores["keyword_jaccard"][0] == (len(common) / len(either) if either else 0)
    total = len(set(said)) + len(set(true))
    assert scores["keyword_f1"][0] == pytest.approx(2 * len(common) / total if total else 0)
