"""Sentence similarity, and FENSE: the same, but that a caption which is no fluent sentence loses nine tenths.

Each caption is a vector that a sentence model made; a recording's value is the mean cosine between its candidate and
its references. FENSE multiplies it by 1 - PENALTY where a detector finds the candidate disfluent: one that repeats
itself, ends in the middle, or lacks a verb or a conjunction. SPIDEr-FL does the same to SPIDEr.

Conventions: N recordings. Vectors come from elsewhere: nothing here knows a model. Errors are probabilities from 0 to
1 that a caption has any error, as the detector's last output says; more than THRESHOLD is disfluent.

Public names: THRESHOLD, PENALTY, sentence_similarity, disfluent, penalised.

Source: Z. Zhou et al., "Can audio captions be evaluated with image caption metrics?", ICASSP 2022, arXiv 2110.04684;
SPIDEr-FL: https://dcase.community/challenge2023/task-automated-audio-captioning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError

FloatArray = npt.NDArray[np.float64]

THRESHOLD = 0.9
PENALTY = 0.9


def sentence_similarity(
    candidates: npt.ArrayLike, references: npt.ArrayLike, recordings: Sequence[int] | npt.NDArray[np.int64]
) -> FloatArray:
    """(N,): the mean cosine of each candidate with its references.

    Args:
        candidates: (N, D) vectors.
        references: (R, D) vectors.
        recordings: (R,) the recording of each reference, 0 to N - 1.

    Raises:
        UsageError: shapes that do not fit, a vector of norm 0, NaN, or a recording without a reference.
    """
    said, true = _unit(candidates, "candidates"), _unit(references, "references")
    owners = np.asarray(recordings, np.int64)
    if said.shape[1] != true.shape[1] or len(owners) != len(true):
        raise UsageError(
            "The vectors of candidates and references do not fit.",
            expected="the same width, and a recording for each reference",
            found=f"{said.shape}, {true.shape}, {len(owners)} recordings",
        )
    sizes = np.bincount(owners, minlength=len(said))
    if len(sizes) > len(said) or not sizes.all():
        raise UsageError("A recording has no reference, or a reference no recording.", expected=f"0 to {len(said) - 1}")
    cosines = np.einsum("rd,rd->r", said[owners], true)
    return np.asarray(np.bincount(owners, cosines, minlength=len(said)) / sizes, np.float64)


def disfluent(errors: npt.ArrayLike, *, threshold: float = THRESHOLD) -> npt.NDArray[np.bool_]:
    """(N,): whether a probability of an error is above the threshold.

    Raises:
        UsageError: something that is no probability.
    """
    found = np.asarray(errors, np.float64)
    if found.ndim != 1 or not np.all((found >= 0) & (found <= 1)):
        raise UsageError("Errors of fluency are probabilities.", expected="one from 0 to 1 for each caption")
    return np.asarray(found > threshold)


def penalised(values: npt.ArrayLike, errors: npt.ArrayLike, *, threshold: float = THRESHOLD) -> FloatArray:
    """(N,): values, where disfluent times 1 - PENALTY. Of sentence similarity this is FENSE, of SPIDEr SPIDEr-FL.

    Raises:
        UsageError: not one probability for each value.
    """
    array, bad = np.asarray(values, np.float64), disfluent(errors, threshold=threshold)
    if array.shape != bad.shape:
        raise UsageError("There is not one error for each value.", expected=array.shape, found=bad.shape)
    return np.where(bad, (1 - PENALTY) * array, array)


def _unit(vectors: npt.ArrayLike, what: str) -> FloatArray:
    array = np.asarray(vectors, np.float64)
    if array.ndim != 2 or not array.size:
        raise UsageError(f"There are no vectors of {what}.", expected="(n, D)", found=f"shape {array.shape}")
    norms = np.linalg.norm(array, axis=1)
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if bad.size:
        raise UsageError(
            f"A vector of {what} is no direction.",
            where=f"caption {bad[0]}",
            expected="finite numbers, not all zero",
            cause="an empty caption, or a model that diverged",
        )
    return np.asarray(array / norms[:, None], np.float64)
