"""A model that needs no weights, for tests of the index: vectors follow from ids and words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.embedding_files import ModelIdentity
from audiolect.search.index import AddRequest, Chunk

SIZE = 16
IDENTITY = ModelIdentity(run="world", checkpoint="best", step=5, checkpoint_hash="a" * 32)


def vector_of(name: str) -> npt.NDArray[np.float32]:
    """A direction that follows from a name."""
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    drawn = np.random.default_rng(seed).standard_normal(SIZE)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


@dataclass
class FakeModel:
    """Hears nothing: the vector of a recording follows from its id, that of a text or file from its words."""

    identity: ModelIdentity = IDENTITY
    broken: frozenset[str] = frozenset()
    stop_after: int | None = None
    embedded: list[str] = field(default_factory=list)

    def embed(self, dataset: Dataset) -> Iterator[Chunk]:
        ids = dataset.recordings["recording_id"].to_list()
        for start in range(0, len(ids), 4):
            if self.stop_after is not None and len(self.embedded) >= self.stop_after:
                raise KeyboardInterrupt
            names = [name for name in ids[start : start + 4] if name not in self.broken]
            bad = [Problem("unreadable", name) for name in ids[start : start + 4] if name in self.broken]
            self.embedded += names
            vectors = np.array([vector_of(name) for name in names], np.float32).reshape(-1, SIZE)
            yield Chunk(names, vectors, tuple(bad))

    def embed_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.array([vector_of(text) for text in texts])

    def embed_files(self, paths: Sequence[Path]) -> npt.NDArray[np.float32]:
        return np.array([vector_of(path.stem) for path in paths])


def request(**changes: object) -> AddRequest:
    """Of the fake model."""
    return AddRequest(**({"identity": IDENTITY, "size": SIZE, "preprocessing": {"rate_hz": 8000}} | changes))  # type: ignore[arg-type]
