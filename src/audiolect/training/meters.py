"""How fast a training goes, and how much memory it takes.

Conventions: measured from the end of one step to the end of the next, without validations and checkpoints. The share of
waiting is the part of that time in which the loop waited for batches. Memory is the most that was ever used: of the
accelerator where there is one, else of this process.

Public names: Meter, peak_memory_bytes.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch

from audiolect.loader.prefetch import Prefetcher

if sys.platform != "win32":
    import resource


class Meter:
    """A clock that is started before each step."""

    def __init__(self) -> None:
        self._begin = self._waited = 0.0

    def start(self, stream: Prefetcher[Any]) -> None:
        """A step begins."""
        self._begin, self._waited = time.perf_counter(), stream.wait_seconds

    def measure(self, stream: Prefetcher[Any], audio_seconds: float) -> dict[str, float]:
        """A step has ended, in which so much audio was heard."""
        seconds = max(time.perf_counter() - self._begin, 1e-9)
        return {
            "audio_seconds_per_second": audio_seconds / seconds,
            "data_wait_share": (stream.wait_seconds - self._waited) / seconds,
            "step_seconds": seconds,
            "memory_bytes": peak_memory_bytes(),
        }


def peak_memory_bytes() -> int:
    """The most memory that was used; 0 where the system does not tell."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
