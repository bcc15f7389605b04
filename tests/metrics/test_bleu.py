"""BLEU: by hand, by its ends, and equal to pycocoevalcap."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.metrics.bleu import METRICS, bleu, bleu_counts, corpus_bleu
from audiolect.metrics.ngrams import count_ngrams

captions = st.lists(st.sampled_from(list("abcde")), max_size=9)
sets = st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=4)), min_size=1, max_size=6)


def measured(candidates: list[list[str]], references: list[list[list[str]]]) -> tuple[np.ndarray, np.ndarray]:
    counts = bleu_counts(count_ngrams(candidates, references))
    parts = (counts.matches, counts.guesses, counts.lengths, counts.reference_lengths)
    return corpus_bleu(*(part.sum(axis=0) for part in parts)), bleu(counts)


def test_by_hand() -> None:
    # "the the the" against "the cat the": two of three words, one of two pairs ("the the" is none): BLEU-1 2/3.
    corpus, own = measured([["the", "the", "the"]], [[["the", "cat", "the"]]])
    assert corpus[0] == pytest.approx(2 / 3)
    assert own[0, 0] == pytest.approx(2 / 3)
    # Half as long as the reference: exp(1 - 2).
    assert measured([["a", "b"]], [[["a", "b", "c", "d"]]])[0][0] == pytest.approx(math.exp(-1))
    # Of references with 1 and 3 words the shorter is as near to 2 words: no penalty.
    assert measured([["a", "b"]], [[["a"], ["a", "b", "c"]]])[0][0] == pytest.approx(1.0)


def test_perfect() -> None:
    corpus, own = measured([list("abcde")], [[list("xyz"), list("abcde")]])
    assert corpus == pytest.approx(np.ones(4))
    assert own == pytest.approx(np.ones((1, 4)))
    assert METRICS == ("bleu_1", "bleu_2", "bleu_3", "bleu_4")


def test_nothing_in_common_and_nothing_said() -> None:
    assert measured([["a"]], [[["b"]]])[0].max() < 1e-6
    assert measured([[]], [[["b"]]])[0].max() == 0
    assert np.isfinite(measured([[]], [[[]]])[1]).all()


def test_a_corpus_is_no_mean_of_recordings() -> None:
    corpus, own = measured([list("abcd"), list("ab")], [[list("abcd")], [list("xyzvw")]])
    assert corpus[0] != pytest.approx(own[:, 0].mean())


@settings(deadline=None)
@given(sets)
def test_the_same_as_pycocoevalcap(rows: list[tuple[list[str], list[list[str]]]]) -> None:
    scorer = pytest.importorskip("pycocoevalcap.bleu.bleu")
    references = {i: [" ".join(caption) for caption in row[1]] for i, row in enumerate(rows)}
    candidates = {i: [" ".join(row[0])] for i, row in enumerate(rows)}
    with contextlib.redirect_stdout(io.StringIO()):
        theirs, each = scorer.Bleu(4).compute_score(references, candidates)
    corpus, own = measured([row[0] for row in rows], [row[1] for row in rows])
    assert corpus == pytest.approx(np.array(theirs), abs=1e-9)
    assert own == pytest.approx(np.array(each).T, abs=1e-9)
