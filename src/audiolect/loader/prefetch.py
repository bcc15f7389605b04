"""Threads that work ahead: results in the order of their jobs, a few of them before they are asked for.

Jobs come in groups. A group is made by a call too (looking up the texts and places of a thousand examples), which runs
ahead in the same threads, so that nobody waits at the border of two groups.

    with Prefetcher(groups, threads=2, depth=4) as results:
        for result in results:
            ...

Conventions: at most ``depth`` results wait or are being made. Jobs never wait for each other, so there is nothing to
lock up. What a job raises is raised where its result is asked for, after all results before it, and ends the threads.
Threads also end when the results are all taken, when the Prefetcher is closed, and when nobody refers to it any more.
Threads do not survive a fork: a Prefetcher is used by the process that made it, and by one consumer.

Public names: Prefetcher, Job, Group.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeAlias, TypeVar

from audiolect.errors import UsageError

T = TypeVar("T")
Job: TypeAlias = Callable[[], T]
Group: TypeAlias = Callable[[], Sequence[Job[T]]]


class Prefetcher(Generic[T]):
    """An iterator over the results of jobs.

    ``wait_seconds`` is how long the consumer has waited for results so far; over the time that has passed, that is the
    share of waiting for data.

    Args:
        groups: makes the groups; asked for the next one by the thread of the consumer.
        threads: how many; 0: every job is done when its result is asked for.
        depth: how many results are made ahead.
    """

    def __init__(self, groups: Iterator[Group[T]], *, threads: int, depth: int) -> None:
        if threads < 0 or depth < 1:
            raise UsageError(
                "Results cannot be made ahead like this.",
                expected="0 or more threads, a depth of 1 or more",
                found=f"{threads} threads, depth {depth}",
            )
        self.wait_seconds = 0.0
        self._groups = groups
        self._depth = depth
        self._jobs: deque[Job[T]] = deque()
        self._results: deque[Future[T]] = deque()
        self._next_group: Future[Sequence[Job[T]]] | None = None
        self._closed = False
        self._process = os.getpid()
        self._pool: ThreadPoolExecutor | None = None
        if threads:
            self._pool = ThreadPoolExecutor(threads, thread_name_prefix="audiolect-prefetch")
            # For a consumer who breaks off and forgets: what is queued is dropped, the threads end.
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)

    def __iter__(self) -> Prefetcher[T]:
        return self

    def __next__(self) -> T:
        if self._closed:
            raise StopIteration
        if os.getpid() != self._process:
            raise UsageError(
                "Batches are read ahead by threads, which do not survive a fork.",
                fix="iterate in the process that made the iterator, or make a new one after the fork",
            )
        begin = time.perf_counter()
        try:
            return self._result()
        except BaseException:  # the end of the results too
            self.close()
            raise
        finally:
            self.wait_seconds += time.perf_counter() - begin

    def close(self) -> None:
        """Drop what has not been asked for, and wait for the threads to end. May be called again."""
        self._closed = True
        if self._pool is not None and os.getpid() == self._process:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._jobs.clear()
        self._results.clear()

    def __enter__(self) -> Prefetcher[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _result(self) -> T:
        if self._pool is None:
            while not self._jobs:
                self._jobs.extend(next(self._groups)())
            return self._jobs.popleft()()
        self._submit(self._pool)
        if not self._results:
            raise StopIteration
        result = self._results.popleft()
        self._submit(self._pool)
        return result.result()

    def _submit(self, pool: ThreadPoolExecutor) -> None:
        """Keep ``depth`` results under way, and the next group."""
        while len(self._results) < self._depth:
            if self._jobs:
                self._results.append(pool.submit(self._jobs.popleft()))
                continue
            if self._next_group is None and not self._ask_for_group(pool):
                return
            group = self._next_group
            if group is None or (self._results and not group.done()):
                return  # results are there meanwhile
            self._jobs.extend(group.result())
            self._next_group = None
            self._ask_for_group(pool)

    def _ask_for_group(self, pool: ThreadPoolExecutor) -> bool:
        group = next(self._groups, None)
        if group is None:
            return False
        self._next_group = pool.submit(group)
        return True
