"""Ranges of shards that are checked as they are read: each block of a shard has a CRC, and must have it still.

Conventions: a block is ``block_bytes`` of a shard, the last one less; its CRC is ``zlib.crc32``. The policy ``first``
checks each block when this process first touches it, ``always`` every time, ``never`` not at all. A block that is to
be checked is read whole, and what is handed on is what has been checked. What has been found good once costs a search
in as many bytes as a range has blocks, a fraction of a microsecond. Threads may check one block twice, which does no
harm; processes after a fork go on from what was known before it.

Public names: CheckedRanges, VERIFY_POLICIES.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from audiolect.errors import AudiolectError, DamagedFile
from audiolect.loader.byte_ranges import ByteRanges

VERIFY_POLICIES = ("first", "always", "never")

_FRESH = b"\x01"


class CheckedRanges:
    """Ranges of shards, checked by their CRCs.

    Args:
        shards: the shards; file n is shard n.
        crcs: the files with their CRCs, in the same order.
        num_bytes: the length of each shard.
        block_bytes: bytes that share one CRC.
        policy: of VERIFY_POLICIES, but not ``never``.
        damage: the letter for bytes start to end of a shard, with what was expected and found.
    """

    def __init__(
        self,
        shards: ByteRanges,
        crcs: ByteRanges,
        num_bytes: Sequence[int],
        block_bytes: int,
        *,
        policy: str,
        damage: Callable[[int, int, int, str, str], AudiolectError],
    ) -> None:
        self._shards, self._crcs, self._num_bytes, self._block_bytes = shards, crcs, num_bytes, block_bytes
        self._always, self._damage = policy == "always", damage
        # Shard → a byte for each of its blocks, 1 where it has not been checked; and its CRCs. Filled when needed.
        self._fresh: dict[int, bytearray] = {}
        self._stated: dict[int, npt.NDArray[np.uint32]] = {}

    def fetch(self, files: Sequence[int], starts: Sequence[int], sizes: Sequence[int]) -> Iterator[memoryview]:
        """As ``ByteRanges.fetch``.

        Raises:
            DamagedFile: also when a block has another CRC than it was written with.
        """
        block, fresh = self._block_bytes, self._fresh
        for file in files:
            if file not in fresh:
                fresh.setdefault(file, bytearray(_FRESH) * len(self._read_crcs(file)))
        unchecked = [
            size > 0 and fresh[file].find(1, start // block, (start + size - 1) // block + 1) >= 0
            for file, start, size in zip(files, starts, sizes, strict=True)
        ]
        if any(unchecked):
            return self._fetch_and_check(files, starts, sizes, unchecked)
        return self._shards.fetch(files, starts, sizes)

    def whole(self, file: int) -> bytes:
        """All bytes of a shard, unchecked."""
        return self._shards.whole(file)

    def _fetch_and_check(
        self, files: Sequence[int], starts: Sequence[int], sizes: Sequence[int], unchecked: Sequence[bool]
    ) -> Iterator[memoryview]:
        wide_starts, wide_sizes = list(starts), list(sizes)
        for at, (file, start, size) in enumerate(zip(files, starts, sizes, strict=True)):
            if unchecked[at]:
                wide_starts[at] = start - start % self._block_bytes
                blocks_end = -(-(start + size) // self._block_bytes) * self._block_bytes
                wide_sizes[at] = min(blocks_end, self._num_bytes[file]) - wide_starts[at]
        for at, view in enumerate(self._shards.fetch(files, wide_starts, wide_sizes)):
            if unchecked[at]:
                self._check(files[at], wide_starts[at], view)
                skipped = starts[at] - wide_starts[at]
                yield view[skipped : skipped + sizes[at]]
            else:
                yield view

    def _check(self, file: int, start: int, view: memoryview) -> None:
        """Check whole blocks, the first of which begins at ``start``."""
        fresh, stated = self._fresh[file], self._stated[file]
        for offset in range(0, len(view), self._block_bytes):
            block = view[offset : offset + self._block_bytes]
            number = (start + offset) // self._block_bytes
            if not fresh[number]:
                continue
            found, expected = zlib.crc32(block), int(stated[number])
            if found != expected:
                first = start + offset
                raise self._damage(file, first, first + len(block), f"CRC {expected:08x}", f"CRC {found:08x}")
            if not self._always:
                fresh[number] = 0

    def _read_crcs(self, file: int) -> npt.NDArray[np.uint32]:
        data = self._crcs.whole(file)
        num_blocks = -(-self._num_bytes[file] // self._block_bytes)
        if len(data) != 4 * num_blocks:
            raise DamagedFile(
                "The CRCs of a shard are not those of its blocks.",
                where=f"the .crc file of shard {file}",
                expected=f"{4 * num_blocks} bytes for {num_blocks} blocks",
                found=f"{len(data)} bytes",
                cause="it was cut short in copying, or the files of two packs were mixed",
                fix="copy the pack again, or make it again with the command on its card",
            )
        return self._stated.setdefault(file, np.frombuffer(data, "<u4"))
