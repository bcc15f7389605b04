"""Sentence similarity and the penalty of FENSE: by hand, by its ends, invalid, and a plain formula."""

from __future__ import annotations

import numpy as np
import pytest

from audiolect.errors import UsageError
from audiolect.metrics.sentence_similarity import disfluent, penalised, sentence_similarity


def test_by_hand() -> None:
    # Against one reference in the same direction and one at a right angle: the mean of 1 and 0.
    values = sentence_similarity([[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 3.0], [0.0, -1.0]], [0, 0, 1])
    assert values.tolist() == pytest.approx([0.5, -1.0])


def test_fense_keeps_a_tenth_of_what_is_disfluent() -> None:
    assert penalised([0.8, 0.8, 0.8], [0.95, 0.9, 0.1]).tolist() == pytest.approx([0.08, 0.8, 0.8])
    assert disfluent([0.91, 0.9]).tolist() == [True, False]
    assert penalised([0.8], [0.5], threshold=0.4).tolist() == pytest.approx([0.08])


def test_the_same_as_the_plain_formula() -> None:
    rng = np.random.default_rng(0)
    said, true, owners = rng.normal(size=(4, 6)), rng.normal(size=(9, 6)), np.array([3, 0, 1, 2, 0, 1, 1, 3, 0])
    plain = [
        np.mean(
            [said[i] @ true[j] / np.linalg.norm(said[i]) / np.linalg.norm(true[j]) for j in np.flatnonzero(owners == i)]
        )
        for i in range(4)
    ]
    assert sentence_similarity(said, true, owners) == pytest.approx(np.array(plain))


def test_perfect() -> None:
    said = np.random.default_rng(1).normal(size=(3, 4))
    assert sentence_similarity(said, 5 * said, [0, 1, 2]) == pytest.approx(np.ones(3))


@pytest.mark.parametrize(
    ("said", "true", "owners", "what"),
    [
        ([[0.0, 0.0]], [[1.0, 0.0]], [0], "no direction"),
        ([[1.0, np.nan]], [[1.0, 0.0]], [0], "no direction"),
        ([[1.0]], [[1.0, 0.0]], [0], "do not fit"),
        ([[1.0], [1.0]], [[1.0]], [0], "no reference"),
        ([[1.0]], [[1.0], [1.0]], [0, 1], "no reference"),
        ([], [[1.0]], [0], "no vectors"),
    ],
)
def test_invalid(said: list[list[float]], true: list[list[float]], owners: list[int], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        sentence_similarity(said, true, owners)


def test_invalid_errors() -> None:
    with pytest.raises(UsageError, match="probabilities"):
        disfluent([1.5])
    with pytest.raises(UsageError, match="not one error"):
        penalised([0.5, 0.5], [0.1])
