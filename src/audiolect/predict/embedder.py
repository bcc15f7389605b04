"""What predicting needs of a model: arrays and texts in, arrays out, and who it is.

Conventions: vectors are float32 and L2-normalised. A vector depends on its own recording or text alone: not on what
else is in the batch, nor on the zeros behind it.

Public names: Embedder, Vectors, normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from audiolect.embedding_files import ModelIdentity

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """A model with two towers, ready to embed; B recordings or texts, T samples, E components."""

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""

    @property
    def rate_hz(self) -> int:
        """The rate of the waveforms."""

    @property
    def embedding_size(self) -> int:
        """E."""

    def embed_audio(self, waveforms: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]) -> Vectors:
        """(B, T) waveforms, of which ``lengths`` (B,) samples are valid → (B, E)."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """B texts → (B, E)."""


def normalised(vectors: npt.NDArray[np.floating]) -> Vectors:
    """(n, E) → (n, E) float32 of norm 1; zeros and NaN stay what they are, for the reader's check to find."""
    wide = np.asarray(vectors, np.float64)
    norms = np.sqrt(np.einsum("nd,nd->n", wide, wide))
    return (wide / np.where(norms > 0, norms, 1.0)[:, None]).astype(np.float32)
