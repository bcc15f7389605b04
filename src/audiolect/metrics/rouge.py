"""ROUGE-L of captions: the longest common subsequence of the candidate and its references.

Precision and recall are each the best over the references, and then one F value is made of both, as the caption
evaluation of MS COCO does; the two may come from different references.

Conventions: N recordings; values lie between 0 and 1; a candidate without words has 0.

Public names: BETA, rouge_l, longest_common_subsequence.

Source: C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004, section 3; the bit-parallel
algorithm: M. Crochemore et al., "A fast and practical bit-vector algorithm for the longest common subsequence problem",
Information Processing Letters 80, 2001.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from audiolect.metrics.ngrams import Words, check_captions

FloatArray = npt.NDArray[np.float64]

BETA = 1.2


def rouge_l(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> FloatArray:
    """(N,): ROUGE-L of each recording; the mean is that of the set.

    Args:
        candidates: N lists of words.
        references: N lists of lists of words.

    Raises:
        UsageError: the numbers differ, there are none, or a recording has no reference.
    """
    check_captions(candidates, references)
    values = np.zeros(len(candidates))
    for place, (candidate, own) in enumerate(zip(candidates, references, strict=True)):
        if not candidate:
            continue
        positions = _positions(candidate)
        common = [_common(positions, len(candidate), reference) for reference in own]
        precision = max(common) / len(candidate)
        recall = max(length / max(len(reference), 1) for length, reference in zip(common, own, strict=True))
        if precision > 0:
            values[place] = (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
    return values


def longest_common_subsequence(first: Words, second: Words) -> int:
    """How many words the longest sequence has that stands in both, in order, with or without gaps."""
    return _common(_positions(first), len(first), second)


def _positions(words: Words) -> Mapping[str, int]:
    """word → a number with a bit at each of its places."""
    found: dict[str, int] = {}
    for place, word in enumerate(words):
        found[word] = found.get(word, 0) | 1 << place
    return found


def _common(positions: Mapping[str, int], length: int, words: Words) -> int:
    """Each zero that the row keeps stands for one more word in common."""
    everything = row = (1 << length) - 1
    for word in words:
        at = row & positions.get(word, 0)
        if at:
            row = (row + at | row - at) & everything
    return length - row.bit_count()
