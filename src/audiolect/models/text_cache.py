"""Vectors of texts, kept by content: what a frozen tower has computed once is not computed again.

A vector is found by the fingerprint of its text, within a cache that belongs to one tower: ``key`` names its weights,
tokenizer and pooling. In memory always; with a folder also on disk, as ``FOLDER/KEY/part-*.safetensors``, each part
holding ``texts`` (n, 16) uint8, the BLAKE2b-128 of each text, and ``vectors`` (n, D) float32. Parts are written whole,
named by their content and never changed, so that several processes may write into one folder; a part that is damaged
is refused by name.

Public names: TextCache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from audiolect.errors import DamagedFile
from audiolect.storage import atomic_path, fingerprint_bytes


class TextCache:
    """A cache of one tower. What was computed is on disk when ``vectors`` returns."""

    def __init__(self, key: str, size: int, folder: str | Path | None = None) -> None:
        self.key = key
        self.size = size
        self.folder = None if folder is None else Path(folder) / key
        self.num_computed = 0
        """How many vectors this process has computed."""
        self._row_of: dict[bytes, int] = {}
        self._rows = torch.empty(0, size)  # the first len(self) are filled
        for part in sorted(self.folder.glob("part-*.safetensors")) if self.folder is not None else ():
            self._read(part)

    def __len__(self) -> int:
        return len(self._row_of)

    def vectors(self, texts: Sequence[str], compute: Callable[[list[str]], Tensor]) -> Tensor:
        """The vectors (n, D) float32 of the texts, on the CPU; ``compute`` is called for the distinct new ones."""
        digests = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._row_of}
        if new:
            computed = compute(list(new.values())).detach().to("cpu", torch.float32)
            self.num_computed += len(new)
            self._add(list(new), computed)
            if self.folder is not None:
                self._write(list(new), computed)
        return self._rows[[self._row_of[digest] for digest in digests]]

    def _add(self, digests: list[bytes], vectors: Tensor) -> None:
        first = len(self._row_of)
        fresh = [row for row, digest in enumerate(digests) if digest not in self._row_of]
        last = first + len(fresh)
        if last > len(self._rows):
            roomier = torch.empty(max(last, 2 * len(self._rows)), self.size)
            roomier[:first] = self._rows[:first]
            self._rows = roomier
        self._rows[first:last] = vectors[fresh]
        self._row_of.update({digests[row]: first + place for place, row in enumerate(fresh)})

    def _write(self, digests: list[bytes], vectors: Tensor) -> None:
        joined = b"".join(digests)
        texts = torch.frombuffer(bytearray(joined), dtype=torch.uint8).view(-1, 16)
        path = Path(str(self.folder)) / f"part-{fingerprint_bytes([joined])}.safetensors"
        with atomic_path(path) as temporary:
            save_file({"texts": texts, "vectors": vectors.contiguous()}, temporary)

    def _read(self, path: Path) -> None:
        try:
            stored = load_file(path)
        except (SafetensorError, OSError) as problem:
            raise DamagedFile(
                "A part of the cache of texts cannot be read.", where=path, found=problem, fix="remove this file"
            ) from problem
        texts, vectors = stored.get("texts"), stored.get("vectors")
        if (
            texts is None
            or vectors is None
            or texts.shape != (len(vectors), 16)
            or vectors.shape[1:] != (self.size,)
            or texts.dtype != torch.uint8
        ):
            found = {name: tuple(value.shape) for name, value in stored.items()}
            raise DamagedFile(
                "A part of the cache of texts is not what it should be.",
                where=path,
                expected=f"texts (n, 16), vectors (n, {self.size})",
                found=found,
                fix="remove this file",
            )
        self._add([bytes(row.tolist()) for row in texts], vectors.float())
