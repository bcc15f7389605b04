"""CIDEr-D: by hand, by its ends, and equal to pycocoevalcap, on random and on published captions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.metrics.bleu import bleu_counts, corpus_bleu
from audiolect.metrics.cider import cider_d
from audiolect.metrics.ngrams import count_ngrams
from audiolect.metrics.rouge import rouge_l
from audiolect.metrics.words import words, words_of_all

captions = st.lists(st.sampled_from(list("abcde")), max_size=9)
sets = st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=4)), min_size=1, max_size=6)


def test_by_hand() -> None:
    # Two recordings with nothing in common: each word is in one of them and weighs log 2. "a b" against "a b": cosine
    # 1 of words and of pairs, 0 of the lengths that are too long; 10 · 2 / 4.
    values = cider_d(count_ngrams([["a", "b"], ["x"]], [[["a", "b"]], [["y", "z"]]]))
    assert values.tolist() == pytest.approx([5.0, 0.0])
    # "a a" against "a": clipped, min(2, 1) · 1 / (2 · 1) of words, and the penalty of one bigram more.
    values = cider_d(count_ngrams([["a", "a"], ["x"]], [[["a"]], [["x"]]]))
    assert values[0] == pytest.approx(10 / 4 * 0.5 * math.exp(-1 / 72))


def test_a_perfect_caption_with_rare_words_has_ten() -> None:
    values = cider_d(count_ngrams([list("abcd"), list("efgh")], [[list("abcd")], [list("efgh")]]))
    assert values.tolist() == pytest.approx([10.0, 10.0])


def test_one_recording_alone_and_words_that_all_have_weigh_nothing() -> None:
    assert cider_d(count_ngrams([["a"]], [[["a"]]])).tolist() == [0.0]
    assert cider_d(count_ngrams([["a"], ["a"]], [[["a"]], [["a"]]])).tolist() == [0.0, 0.0]


def test_captions_without_words() -> None:
    assert cider_d(count_ngrams([[], []], [[[]], [["a"]]])).tolist() == [0.0, 0.0]


@settings(deadline=None)
@given(sets)
def test_the_same_as_pycocoevalcap(rows: list[tuple[list[str], list[list[str]]]]) -> None:
    scorer = pytest.importorskip("pycocoevalcap.cider.cider")
    if not any(caption for row in rows for caption in row[1]):
        return  # it takes the greatest of no frequencies
    references = {i: [" ".join(caption) for caption in row[1]] for i, row in enumerate(rows)}
    theirs = scorer.Cider().compute_score(references, {i: [" ".join(row[0])] for i, row in enumerate(rows)})[1]
    ours = cider_d(count_ngrams([row[0] for row in rows], [row[1] for row in rows]))
    assert ours == pytest.approx(np.asarray(theirs), abs=1e-9)


def test_published_captions_have_the_same_numbers_as_by_pycocoevalcap(
    coco_folder: Path, clotho_evaluation: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    rows = clotho_evaluation
    references, candidates = [row[1:] for row in rows], [row[0] for row in rows]
    theirs = PTBTokenizer().tokenize({i: [{"caption": text} for text in own] for i, own in enumerate(references)})
    said = PTBTokenizer().tokenize({i: [{"caption": text}] for i, text in enumerate(candidates)})
    own_words = [words(text) for text in candidates]
    their_words = [words_of_all(own) for own in references]
    counts = count_ngrams(own_words, their_words)
    sums = bleu_counts(counts)
    total = corpus_bleu(
        *(part.sum(axis=0) for part in (sums.matches, sums.guesses, sums.lengths, sums.reference_lengths))
    )
    assert total == pytest.approx(Bleu(4).compute_score(theirs, said)[0], abs=1e-9)
    assert cider_d(counts) == pytest.approx(Cider().compute_score(theirs, said)[1], abs=1e-9)
    assert rouge_l(own_words, their_words) == pytest.approx(Rouge().compute_score(theirs, said)[1], abs=1e-9)
