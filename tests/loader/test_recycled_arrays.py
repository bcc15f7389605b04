from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np

from audiolect.loader.recycled_arrays import ArrayPool

LARGE = (4, 100_000)


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_comes_back_when_the_array_is_gone() -> None:
    pool = ArrayPool()
    array = pool.empty(LARGE)
    array[:] = 1.0
    first = address(array)
    assert (array.shape, array.dtype, array.flags.writeable, array.flags.c_contiguous) == (
        LARGE,
        np.float32,
        True,
        True,
    )
    assert pool.num_unused == 0
    del array
    assert pool.num_unused == 1
    assert address(pool.empty(LARGE)) == first


def test_a_view_keeps_the_memory() -> None:
    pool = ArrayPool()
    array = pool.empty(LARGE)
    array[:] = 5.0
    view = array[1:3, ::7].T
    del array
    gc.collect()
    other = pool.empty(LARGE)
    other[:] = 0.0
    assert pool.num_unused == 0
    assert np.all(view == 5.0)
    del view
    assert pool.num_unused == 1


def test_memory_much_larger_than_needed_is_left_for_others() -> None:
    pool = ArrayPool()
    array = pool.empty((1, 4_000_000))
    del array
    small = pool.empty((1, 400_000))
    assert pool.num_unused == 1
    half = pool.empty((1, 2_000_000))
    assert pool.num_unused == 0
    assert (small.size, half.size) == (400_000, 2_000_000)


def test_small_arrays_are_plain_ones_and_empty_ones_too() -> None:
    pool = ArrayPool()
    for shape in ((0, 320_000), (3, 0), (2, 10)):
        array = pool.empty(shape)
        assert (array.shape, array.dtype) == (shape, np.float32)
        del array
    assert pool.num_unused == 0


def test_only_a_few_blocks_are_kept() -> None:
    pool = ArrayPool(most_kept=2)
    arrays = [pool.empty(LARGE) for _ in range(5)]
    arrays.clear()
    assert pool.num_unused == 2


def test_arrays_of_many_threads_never_share_memory() -> None:
    pool = ArrayPool()
    wrong = []

    def fill(number: int) -> None:
        for _ in range(60):
            array = pool.empty((1, 300_000))
            array[:] = number
            if not (array == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 1 <= pool.num_unused <= 4
