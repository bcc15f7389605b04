from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from audiolect.errors import DatasetError, UsageError
from audiolect.loader.prefetch import Group, Prefetcher

NAME = "audiolect-prefetch"


def living() -> int:
    return sum(thread.name.startswith(NAME) for thread in threading.enumerate())


def ended() -> bool:
    """Whether all threads have ended, waiting a little for those that are about to."""
    for _ in range(200):
        if living() == 0:
            return True
        time.sleep(0.01)
    return False


def groups_of(sizes: list[int], job: Callable[[int], int] = lambda number: number) -> Iterator[Group[int]]:
    start = 0
    for size in sizes:
        yield partial(lambda begin, end: [partial(job, number) for number in range(begin, end)], start, start + size)
        start += size


@pytest.mark.parametrize("threads", [0, 1, 2, 4])
@pytest.mark.parametrize("depth", [1, 3, 50])
@pytest.mark.parametrize("sizes", [[], [0], [1], [5, 0, 0, 7], [1] * 9, [20]])
def test_results_come_in_the_order_of_their_jobs(threads: int, depth: int, sizes: list[int]) -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.002 * (number % 3 == 0))
        return number

    with Prefetcher(groups_of(sizes, slow_first), threads=threads, depth=depth) as results:
        assert list(results) == list(range(sum(sizes)))
        assert list(results) == []
    assert ended()


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_an_error_comes_in_its_place_and_ends_the_threads(threads: int) -> None:
    def fails_at_five(number: int) -> int:
        if number == 5:
            raise DatasetError("Recording five cannot be read.")
        return number

    results = Prefetcher(groups_of([3, 10], fails_at_five), threads=threads, depth=4)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(DatasetError, match="Recording five"):
        next(results)
    assert ended()
    assert list(results) == []


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_of_a_group_is_raised_too(threads: int) -> None:
    def broken() -> list[Callable[[], int]]:
        raise DatasetError("The texts cannot be looked up.")

    def groups() -> Iterator[Group[int]]:
        yield from groups_of([2])
        yield broken

    results = Prefetcher(groups(), threads=threads, depth=1)
    assert next(results) == 0
    with pytest.raises(DatasetError, match="looked up"):
        list(results)
    assert ended()


def test_no_more_than_depth_results_are_made_ahead() -> None:
    begun = []

    def count(number: int) -> int:
        begun.append(number)
        return number

    with Prefetcher(groups_of([100], count), threads=2, depth=3) as results:
        for taken in range(1, 11):
            next(results)
            time.sleep(0.01)
            assert len(begun) <= taken + 3
        assert len(begun) >= 10


def test_work_goes_on_while_the_consumer_works_and_waiting_is_counted() -> None:
    def slow(number: int) -> int:
        time.sleep(0.1)
        return number

    with Prefetcher(groups_of([10], slow), threads=2, depth=4) as ahead:
        next(ahead)
        before = ahead.wait_seconds
        assert before >= 0.09
        time.sleep(0.5)
        next(ahead)
        assert ahead.wait_seconds - before < 0.09
    with Prefetcher(groups_of([2], slow), threads=0, depth=1) as alone:
        list(alone)
    assert alone.wait_seconds >= 0.19


def test_closing_early_ends_the_threads() -> None:
    release = threading.Event()

    def wait(number: int) -> int:
        release.wait(5)
        return number

    results = Prefetcher(groups_of([100], wait), threads=3, depth=8)
    threading.Timer(0.05, release.set).start()
    next(results)
    results.close()
    results.close()
    assert living() == 0
    assert list(results) == []


def test_breaking_off_and_forgetting_ends_the_threads() -> None:
    for number in Prefetcher(groups_of([1000]), threads=2, depth=8):
        if number == 3:
            break
    gc.collect()
    assert ended()


def test_many_short_iterations_leave_no_thread() -> None:
    for _ in range(30):
        with Prefetcher(groups_of([2, 2]), threads=4, depth=2) as results:
            next(results)
    assert ended()


def test_after_a_fork_the_child_is_told() -> None:
    results = Prefetcher(groups_of([5]), threads=0, depth=1)
    results._process = os.getpid() + 1  # as a child of a fork would see it
    with pytest.raises(UsageError, match="fork"):
        next(results)


@pytest.mark.parametrize(("threads", "depth"), [(-1, 1), (1, 0)])
def test_numbers_that_cannot_be(threads: int, depth: int) -> None:
    with pytest.raises(UsageError, match="0 or more threads, a depth of 1 or more"):
        Prefetcher(groups_of([1]), threads=threads, depth=depth)
