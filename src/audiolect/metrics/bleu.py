"""BLEU-1 to BLEU-4 of captions: how many of the candidate's n-grams stand in one of its references.

BLEU of a corpus is made of sums over all recordings and is no mean of their own values; ``BleuCounts`` keeps the sums
of each recording, so that any draw of recordings has its exact BLEU.

Conventions: N recordings; values lie between 0 and 1; the reference that is nearest in length counts for the brevity
penalty, the shorter of two as near. An n-gram length that a caption is too short for counts as 1e-15 of 1e-9, as in the
caption evaluation of MS COCO, whose numbers these are.

Public names: METRICS, BleuCounts, bleu_counts, bleu, corpus_bleu.

Source: K. Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.metrics.ngrams import ORDER, NgramCounts

FloatArray = npt.NDArray[np.float64]

METRICS = tuple(f"bleu_{order}" for order in range(1, ORDER + 1))

_TINY, _SMALL = 1e-15, 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class BleuCounts:
    """What BLEU adds up.

    Args:
        matches: (N, ORDER) n-grams of the candidate that a reference has, each at most as often as there.
        guesses: (N, ORDER) n-grams of the candidate.
        lengths: (N,) words of the candidate.
        reference_lengths: (N,) words of the nearest reference.
    """

    matches: FloatArray
    guesses: FloatArray
    lengths: FloatArray
    reference_lengths: FloatArray


def bleu_counts(counts: NgramCounts) -> BleuCounts:
    """The sums of each recording."""
    total = counts.num_recordings
    matches, guesses = np.zeros((total, ORDER)), np.zeros((total, ORDER))
    for order, grams in enumerate(counts.grams):
        keys = counts.recordings[grams.captions] * max(grams.num_grams, 1) + grams.grams
        is_candidate = grams.captions < total
        own, times = keys[is_candidate], grams.counts[is_candidate]
        others, theirs = keys[~is_candidate], grams.counts[~is_candidate]
        # Sorted by key and then by count, the last of each key is its greatest count.
        sorting = np.lexsort((theirs, others))
        others, theirs = others[sorting], theirs[sorting]
        place = np.searchsorted(others, own, "right") - 1
        if len(others):
            most = np.where(others[place] == own, theirs[place], 0)
            np.add.at(matches[:, order], grams.captions[is_candidate], np.minimum(times, most))
        guesses[:, order] = np.maximum(counts.lengths[:total] - order, 0)
    lengths = counts.lengths[:total]
    owners, theirs = counts.recordings[total:], counts.lengths[total:]
    sorting = np.lexsort((theirs, np.abs(theirs - lengths[owners]), owners))
    first = sorting[np.searchsorted(owners[sorting], np.arange(total))]
    return BleuCounts(matches, guesses, lengths.astype(np.float64), theirs[first].astype(np.float64))


def bleu(counts: BleuCounts) -> FloatArray:
    """(N, ORDER): BLEU of each recording on its own."""
    return corpus_bleu(counts.matches, counts.guesses, counts.lengths, counts.reference_lengths)


def corpus_bleu(
    matches: FloatArray, guesses: FloatArray, lengths: FloatArray, reference_lengths: FloatArray
) -> FloatArray:
    """BLEU of sums.

    Args:
        matches, guesses: (…, ORDER) summed over recordings.
        lengths, reference_lengths: (…,) summed over recordings.

    Returns:
        (…, ORDER).
    """
    shares = (matches + _TINY) / (guesses + _SMALL)
    means = np.cumprod(shares, axis=-1) ** (1 / np.arange(1, ORDER + 1))
    ratio = (lengths + _TINY) / (reference_lengths + _SMALL)
    penalty = np.where(ratio < 1, np.exp(np.minimum(1 - 1 / ratio, 0)), 1.0)
    return np.asarray(means * penalty[..., None], np.float64)
