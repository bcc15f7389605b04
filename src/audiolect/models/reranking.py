"""Candidates of a caption in the order of what a retrieval model thinks of them too.

    order = rerank([c.score for c in candidates], similarities, weight=0.5); best = candidates[order[0]]

Both lists are brought to mean 0 and spread 1 over the candidates of a recording, since log-probabilities and cosines
have other units; the sum is ``(1 - weight) * score + weight * similarity``.

Public names: rerank, rerank_all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audiolect.errors import UsageError

# A spread that is nothing but rounding.
_LEAST_SPREAD = 1e-9


def rerank(scores: Sequence[float], similarities: Sequence[float], *, weight: float = 0.5) -> list[int]:
    """The places of a recording's candidates, the best first; of equal ones the earlier.

    Args:
        scores: of the captioner, one for each candidate.
        similarities: of the recording with each candidate's text, of a dual encoder.
        weight: from 0, the captioner alone, to 1, the similarities alone.

    Raises:
        UsageError: the lists differ in length, a number is not finite, or the weight is outside of 0 to 1.
    """
    if len(scores) != len(similarities) or not 0 <= weight <= 1:
        raise UsageError(
            "Candidates cannot be ranked.",
            expected="a score and a similarity for each candidate, and a weight from 0 to 1",
            found=f"{len(scores)} scores, {len(similarities)} similarities, weight {weight:g}",
        )
    if not np.isfinite([*scores, *similarities]).all():
        raise UsageError("Candidates cannot be ranked.", expected="finite numbers", found="nan or infinity")
    if not scores:
        return []
    total = (1 - weight) * _standard(scores) + weight * _standard(similarities)
    return [int(place) for place in np.argsort(-total, kind="stable")]


def rerank_all(
    scores: Sequence[Sequence[float]], similarities: Sequence[Sequence[float]], *, weight: float = 0.5
) -> list[list[int]]:
    """As ``rerank``, for each recording. Raises UsageError as it does."""
    if len(scores) != len(similarities):
        raise UsageError("There are other recordings.", expected=str(len(scores)), found=str(len(similarities)))
    return [rerank(one, other, weight=weight) for one, other in zip(scores, similarities, strict=True)]


def _standard(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    spread = float(array.std())
    return (array - array.mean()) / spread if spread > _LEAST_SPREAD else np.zeros_like(array)
