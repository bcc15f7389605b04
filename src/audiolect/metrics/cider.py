"""CIDEr-D of captions: how like its references a candidate is, where rare n-grams weigh more than common ones.

The weight of an n-gram comes from the references of all recordings that are measured: log N - log of the number of
recordings of which some reference has it. The same caption therefore has another CIDEr-D among other recordings, and
numbers of different sets cannot be compared; intervals hold the weights of the whole set.

Conventions: N recordings; values lie between 0 and 10, the mean of all is CIDEr-D of the set. Of one recording alone
all weights are 0. These are the numbers of the caption evaluation of MS COCO: ORDER 4, sigma 6, clipped counts, and
lengths that differ are those of bigrams.

Public names: SIGMA, cider_d.

Source: R. Vedantam, C. L. Zitnick and D. Parikh, "CIDEr: consensus-based image description evaluation", CVPR 2015,
section 6 for CIDEr-D.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiolect.metrics.ngrams import ORDER, Grams, NgramCounts

FloatArray = npt.NDArray[np.float64]

SIGMA = 6.0
_SCALE = 10.0


def cider_d(counts: NgramCounts) -> FloatArray:
    """(N,): CIDEr-D of each recording among all of them."""
    total = counts.num_recordings
    owners = counts.recordings[total:]
    bigrams = np.maximum(counts.lengths - 1, 0)
    differences = bigrams[owners] - bigrams[total:]
    penalties = np.exp(-(differences**2) / (2 * SIGMA**2))
    similarities = sum((_similarities(grams, counts) for grams in counts.grams), np.zeros(len(owners)))
    sums = np.bincount(owners, similarities * penalties, minlength=total)
    return np.asarray(_SCALE * sums / ORDER / np.bincount(owners, minlength=total), np.float64)


def _similarities(grams: Grams, counts: NgramCounts) -> FloatArray:
    """(R,): of n-grams of one length, the clipped cosine of each reference with the candidate of its recording."""
    total, width = counts.num_recordings, max(grams.num_grams, 1)
    owners = counts.recordings[grams.captions]
    is_candidate = grams.captions < total
    keys = owners * width + grams.grams
    in_references = np.unique(keys[~is_candidate])
    frequencies = np.bincount(in_references % width, minlength=width)
    weights = np.log(float(total)) - np.log(np.maximum(frequencies, 1))
    vectors = grams.counts * weights[grams.grams]
    norms = np.sqrt(np.bincount(grams.captions, vectors**2, minlength=len(counts.recordings)))
    own, values = keys[is_candidate], vectors[is_candidate]
    theirs = np.flatnonzero(~is_candidate)
    if not len(own) or not len(theirs):
        return np.zeros(len(counts.recordings) - total)
    # Candidates come in the order of their recordings, and their n-grams in order within: the keys are sorted.
    place = np.minimum(np.searchsorted(own, keys[theirs]), len(own) - 1)
    shared = own[place] == keys[theirs]
    products = np.where(shared, np.minimum(values[place], vectors[theirs]) * vectors[theirs], 0.0)
    references = grams.captions[theirs] - total
    sums = np.bincount(references, products, minlength=len(counts.recordings) - total)
    lengths = norms[total:] * norms[counts.recordings[total:]]
    return np.asarray(np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0), np.float64)
