"""Large arrays whose memory is used again once nobody refers to them.

The memory of a large array comes from the system page by page, each zeroed and mapped when it is first written to: to
fill a new array of 80 MB takes 1.4 times as long as to fill a used one. So what a batch leaves behind is kept for the
next. A block goes back only when the last array that shows it is gone, views and tensors that share it included:
nothing has to be released by hand, and nothing is written to while somebody looks at it.

Conventions: safe from threads. Blocks are handed out uninitialised, as ``numpy.empty``.

Public names: ArrayPool.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

_SMALLEST_BYTES = 1 << 20  # below, the C library keeps memory by itself


class ArrayPool:
    """A few blocks of memory for the float32 arrays of batches.

    Args:
        most_kept: how many unused blocks are kept; the oldest is given back to the system.
    """

    def __init__(self, most_kept: int = 4) -> None:
        self._unused: deque[npt.NDArray[np.float32]] = deque(maxlen=most_kept)

    @property
    def num_unused(self) -> int:
        """How many blocks wait to be used again."""
        return len(self._unused)

    def empty(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """An uninitialised float32 array of this shape."""
        count = math.prod(shape)
        if count * 4 < _SMALLEST_BYTES:
            return np.empty(shape, np.float32)
        block = self._taken(count)
        return np.asarray(_Lease(block, self._unused, count)).reshape(shape)

    def _taken(self, count: int) -> npt.NDArray[np.float32]:
        """A block that is large enough and at most twice as large, else a new one."""
        for _ in range(len(self._unused)):
            try:
                block = self._unused.pop()
            except IndexError:
                break  # other threads took the rest
            if count <= len(block) <= 2 * count:
                return block
            self._unused.appendleft(block)
        return np.empty(count, np.float32)


class _Lease:
    """What the arrays of a block have as their base: with the last of them it goes, and the block goes back."""

    __slots__ = ("__array_interface__", "_block", "_unused")

    def __init__(self, block: npt.NDArray[np.float32], unused: deque[npt.NDArray[np.float32]], count: int) -> None:
        self._block, self._unused = block, unused
        self.__array_interface__: dict[str, Any] = {
            "shape": (count,),
            "typestr": block.dtype.str,
            "data": (block.__array_interface__["data"][0], False),
            "version": 3,
        }

    def __del__(self) -> None:
        self._unused.append(self._block)
