"""Shuffling without a list: keyed permutations and keyed draws that are functions of a position, not of a past.

    key = stream(7, "order", "esc50-EventClassification/train")
    permute(key, np.arange(16), 10_000_000)  # the first 16 of ten million, shuffled: no table of ten million
    draw_uniform(key, np.arange(16))         # 16 numbers in [0, 1), the same whoever asks for them, and in which order

Conventions: a key is 64 bits, an int or an array of uint64. ``key``, ``index`` and ``n`` broadcast against each other;
results have the broadcast shape. Nothing here has a state, so positions can be asked for in any order, from any thread
or process, on any machine: all arithmetic is on whole numbers. Not for secrets.

A permutation is a Feistel network over pairs (left, right) with as many lefts and rights as make at least ``n`` pairs:
in turns, a hash of one half is added to the other. A result beyond ``n`` goes through the network again, until it is
below ("cycle walking"). Of the rectangles near the square the one that holds fewest pairs beyond is taken, so that few
results walk and the time is the same for all ``n``. ROUNDS is what makes all permutations of a few things equally
likely (``tests/loader/test_permutation.py``); for many things fewer would do.

Public names: permute, unpermute, stream, draw_bits, draw_uniform, draw_below, MOST_INDEXES, Keys, Indexes.

Source: Black & Rogaway, Ciphers with arbitrary finite domains (CT-RSA 2002), "generalised Feistel" and "cycle walking";
the hash is the finaliser of SplitMix64 (Steele, Lea & Flood, Fast splittable pseudorandom number generators, 2014).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError

MOST_INDEXES = 1 << 48
ROUNDS = 16

Words: TypeAlias = npt.NDArray[np.uint64]
Keys: TypeAlias = int | np.integer | npt.NDArray[np.uint64]
Indexes: TypeAlias = int | np.integer | npt.NDArray[np.integer]

Scalar = TypeVar("Scalar", np.uint64, np.int64)

_BLOCK = 1 << 13  # elements worked on at once: all their halves stay in the cache of one core
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_WIDER = np.arange(16, dtype=np.int64)[:, None]  # how many more rights than in the square are tried
_TURNS = np.arange(1, ROUNDS + 1, dtype=np.uint64)[:, None] * _GAMMA
_S11, _S27, _S30, _S31, _S32 = (np.uint64(bits) for bits in (11, 27, 30, 31, 32))


def stream(seed: int, *names: str | int) -> int:
    """The key of a stream of randomness: 64 bits that depend on the seed and on every name, in their order.

    The number 3 and the text "3" are different names; no two lists of names are one text.
    """
    text = json.dumps([seed, *names], ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=8).digest(), "little")


def permute(key: Keys, index: Indexes, n: Indexes) -> npt.NDArray[np.int64]:
    """Where the permutation of ``range(n)`` that ``key`` chooses puts ``index``.

    Args:
        key: which permutation.
        index: 0 to n - 1.
        n: 1 to MOST_INDEXES.

    Raises:
        UsageError: an index or a size is out of range.
    """
    return _in_blocks(_forward, key, index, n)


def unpermute(key: Keys, index: Indexes, n: Indexes) -> npt.NDArray[np.int64]:
    """The inverse: ``unpermute(key, permute(key, i, n), n) == i``."""
    return _in_blocks(_backward, key, index, n)


def draw_bits(key: Keys, index: Indexes) -> Words:
    """64 random bits for each index; also the way to a key of its own for each of many things."""
    keys, indexes = np.broadcast_arrays(_words(key), _words(index))
    bits = _mixed(_mixed(indexes.reshape(-1) * _GAMMA + _FIRST) ^ keys.reshape(-1))
    return bits.reshape(indexes.shape)


def draw_uniform(key: Keys, index: Indexes) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each index, a multiple of 2**-53."""
    return (draw_bits(key, index) >> _S11).astype(np.float64) * 2.0**-53


def draw_below(key: Keys, index: Indexes, n: Indexes) -> npt.NDArray[np.int64]:
    """A whole number in [0, n) for each index, each equally likely to within n / 2**64.

    Raises:
        UsageError: n is not 1 to MOST_INDEXES.
    """
    sizes = np.asarray(n, np.int64)
    _check_sizes(sizes)
    bits, size = np.broadcast_arrays(draw_bits(key, index), sizes.astype(np.uint64))
    # The upper 64 of the 128 bits of bits * size, where size has at most 48.
    low = (bits & _LOW_HALF) * (size & _LOW_HALF)
    middle = (bits >> _S32) * (size & _LOW_HALF) + (low >> _S32)
    other = (bits & _LOW_HALF) * (size >> _S32) + (middle & _LOW_HALF)
    below: Words = (bits >> _S32) * (size >> _S32) + (middle >> _S32) + (other >> _S32)
    return below.astype(np.int64)


_Walk: TypeAlias = Callable[[Words, Words, Words, Words], Words]


def _in_blocks(walk: _Walk, key: Keys, index: Indexes, n: Indexes) -> npt.NDArray[np.int64]:
    """Check the arguments, then walk block by block."""
    indexes, sizes = np.asarray(index, np.int64), np.asarray(n, np.int64)
    _check_sizes(sizes)
    if np.any(indexes < 0) or np.any(indexes >= sizes):
        raise UsageError("An index is out of range.", expected="0 to n - 1", found=_example(indexes, sizes))
    keys = _words(key)
    shape = np.broadcast_shapes(keys.shape, indexes.shape, sizes.shape)
    flat = np.broadcast_to(indexes, shape).reshape(-1).astype(np.uint64)
    # What is one for all stays one; 1-d, for numpy warns of overflow where arrays have no dimension.
    keys = keys.reshape(1) if keys.size == 1 else np.broadcast_to(keys, shape).reshape(-1)
    sizes = sizes.reshape(1) if sizes.size == 1 else np.broadcast_to(sizes, shape).reshape(-1)
    result = np.empty(flat.size, np.int64)
    for start in range(0, flat.size, _BLOCK):
        here = slice(start, start + _BLOCK)
        result[here] = _walked(walk, flat[here], _part(keys, here), _part(sizes, here))
    return result.reshape(shape)


def _walked(walk: _Walk, values: Words, keys: Words, numbers: npt.NDArray[np.int64]) -> Words:
    """Through the network, and through it again where the result is beyond the size."""
    lefts, rights = _rectangles(numbers)
    sizes = numbers.astype(np.uint64)
    result = walk(values, keys, lefts, rights)
    beyond = np.flatnonzero(result >= sizes)
    while beyond.size:
        again = walk(result[beyond], *(_part(part, beyond) for part in (keys, lefts, rights)))
        result[beyond] = again
        beyond = beyond[again >= _part(sizes, beyond)]
    return result


def _rectangles(sizes: npt.NDArray[np.int64]) -> tuple[Words, Words]:
    """How many lefts and rights there are for each size: at least as many pairs, few more, nearly a square."""
    square = np.ceil(np.sqrt(sizes.astype(np.float64))).astype(np.int64)  # exact enough: sizes have 48 bits
    rights = square + np.minimum(_WIDER, (square - 1) // 2)
    lefts = (sizes + rights - 1) // rights
    best = np.argmin(lefts * rights - sizes, axis=0)
    each = np.arange(sizes.size)
    return lefts[best, each].astype(np.uint64), rights[best, each].astype(np.uint64)


def _forward(values: Words, keys: Words, lefts: Words, rights: Words) -> Words:
    """One pass through the network. A sum modulo ``m`` is the lesser of s and s - m: below zero, words wrap around."""
    left = values // rights
    right = values - left * rights
    round_keys = _round_keys(keys)
    for turn in range(0, ROUNDS, 2):
        left = left + _hash_below(round_keys[turn], right, lefts)
        left = np.minimum(left, left - lefts)
        right = right + _hash_below(round_keys[turn + 1], left, rights)
        right = np.minimum(right, right - rights)
    return left * rights + right


def _backward(values: Words, keys: Words, lefts: Words, rights: Words) -> Words:
    left = values // rights
    right = values - left * rights
    round_keys = _round_keys(keys)
    for turn in reversed(range(0, ROUNDS, 2)):
        right = right + rights - _hash_below(round_keys[turn + 1], left, rights)
        right = np.minimum(right, right - rights)
        left = left + lefts - _hash_below(round_keys[turn], right, lefts)
        left = np.minimum(left, left - lefts)
    return left * rights + right


def _round_keys(keys: Words) -> Words:
    """(ROUNDS, keys): one key for each round of each network."""
    return _mixed(keys + _TURNS)


def _hash_below(round_keys: Words, half: Words, below: Words) -> Words:
    """A hash of one half in one round, below the number of the other halves (which has at most 25 bits)."""
    mixed = half ^ round_keys
    mixed *= _FIRST
    mixed ^= mixed >> _S32
    mixed *= _SECOND
    mixed >>= _S32
    mixed *= below
    mixed >>= _S32
    return mixed


def _mixed(words: Words) -> Words:
    """The finaliser of SplitMix64: a bijection of 64 bits in which each bit of the input moves half of the output."""
    mixed = words ^ (words >> _S30)
    mixed *= _FIRST
    mixed ^= mixed >> _S27
    mixed *= _SECOND
    mixed ^= mixed >> _S31
    return mixed


def _words(value: Keys | Indexes) -> Words:
    """As uint64, negative numbers modulo 2**64."""
    if isinstance(value, np.ndarray):
        return value.astype(np.uint64)
    return np.full(1, int(value) & 0xFFFFFFFFFFFFFFFF, np.uint64).reshape(())


def _part(values: npt.NDArray[Scalar], where: slice | npt.NDArray[np.int64]) -> npt.NDArray[Scalar]:
    return values if values.size == 1 else values[where]


def _check_sizes(sizes: npt.NDArray[np.int64]) -> None:
    wrong = (sizes < 1) | (sizes > MOST_INDEXES)
    if np.any(wrong):
        raise UsageError(
            "A permutation or a draw cannot have this size.",
            expected=f"1 to {MOST_INDEXES}",
            found=int(sizes[wrong].reshape(-1)[0]),
        )


def _example(indexes: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> str:
    index, size = np.broadcast_arrays(indexes, sizes)
    place = int(np.flatnonzero(((index < 0) | (index >= size)).reshape(-1))[0])
    return f"{index.reshape(-1)[place]} of {size.reshape(-1)[place]}"
