"""Counts of n-grams in candidate captions and their references, as arrays: what BLEU and CIDEr-D are made of.

Words become numbers, and an n-gram becomes one number for each length, so that everything after is sorting and sums.

Conventions: N recordings, each with one candidate and one or more references; n-grams have 1 to ORDER words. A token
that holds a blank counts as several words here, as the programs do whose numbers these are.

Public names: ORDER, Words, NgramCounts, Grams, count_ngrams, check_captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError

IntArray = npt.NDArray[np.int64]
Words = Sequence[str]

ORDER = 4


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """The different n-grams of one length in every caption.

    Args:
        captions: (m,) which caption, rising; candidates come first, 0 to N - 1.
        grams: (m,) which n-gram, from 0.
        counts: (m,) how often it stands there.
        num_grams: different n-grams in all captions.
    """

    captions: IntArray
    grams: IntArray
    counts: IntArray
    num_grams: int


@dataclass(frozen=True, slots=True, eq=False)
class NgramCounts:
    """All captions counted.

    Args:
        num_recordings: N.
        recordings: (N + R,) the recording of each caption: 0 to N - 1, then those of the R references.
        lengths: (N + R,) words of each caption.
        grams: of lengths 1 to ORDER.
    """

    num_recordings: int
    recordings: IntArray
    lengths: IntArray
    grams: tuple[Grams, ...]


def check_captions(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> None:
    """One candidate for each recording, and references for each.

    Raises:
        UsageError: the numbers differ, there are none, or a recording has no reference.
    """
    if len(candidates) != len(references):
        raise UsageError(
            "There is not one candidate for each recording.",
            expected=f"{len(references)} candidates",
            found=len(candidates),
        )
    if not candidates:
        raise UsageError("There are no captions to measure.", expected="one recording or more", found="none")
    without = [place for place, own in enumerate(references) if not own]
    if without:
        raise UsageError(
            "A recording has no reference caption.",
            where=f"recording {without[0]}" + (f" and {len(without) - 1} more" if len(without) > 1 else ""),
            expected="one reference or more",
            fix="leave such recordings out, and say how many",
        )


def count_ngrams(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> NgramCounts:
    """Count the n-grams of every caption.

    Args:
        candidates: N lists of words.
        references: N lists of lists of words.

    Raises:
        UsageError: as of ``check_captions``.
    """
    check_captions(candidates, references)
    captions = [*candidates, *(caption for own in references for caption in own)]
    numbers: dict[str, int] = {}
    flat: list[int] = []
    lengths = np.empty(len(captions), np.int64)
    for place, caption in enumerate(captions):
        before = len(flat)
        for word in caption:
            if "\u00a0" in word:
                flat += [numbers.setdefault(part, len(numbers)) for part in word.split()]
            else:
                flat.append(numbers.setdefault(word, len(numbers)))
        lengths[place] = len(flat) - before
    recordings = np.concatenate(
        [np.arange(len(candidates)), np.repeat(np.arange(len(references)), [len(own) for own in references])]
    )
    return NgramCounts(len(candidates), recordings, lengths, _all_grams(np.array(flat, np.int64), lengths))


def _all_grams(flat: IntArray, lengths: IntArray) -> tuple[Grams, ...]:
    captions = np.repeat(np.arange(len(lengths)), lengths)
    num_words = int(flat.max()) + 1 if len(flat) else 1
    # codes[i]: the n-gram that begins at word i, of those that end in the same caption.
    starts, codes = np.arange(len(flat)), flat
    found = [_counted(captions, codes)]
    for order in range(2, ORDER + 1):
        goes_on = np.flatnonzero(captions[np.minimum(starts + order - 1, len(flat) - 1)] == captions[starts])
        goes_on = goes_on[starts[goes_on] + order <= len(flat)]
        starts = starts[goes_on]
        codes = _numbered(codes[goes_on] * num_words + flat[starts + order - 1])
        found.append(_counted(captions[starts], codes))
    return tuple(found)


def _counted(captions: IntArray, codes: IntArray) -> Grams:
    num_grams = int(codes.max()) + 1 if len(codes) else 0
    keys, counts = np.unique(captions * max(num_grams, 1) + codes, return_counts=True)
    return Grams(keys // max(num_grams, 1), keys % max(num_grams, 1), counts.astype(np.int64), num_grams)


def _numbered(codes: IntArray) -> IntArray:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
