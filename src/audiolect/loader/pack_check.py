"""Checking a pack byte by byte: every size, hash and CRC that it states, and what exactly is damaged.

Conventions: the card is checked by its own hash, the index by the card, the shards by both. For each shard two tasks
read it once: one for the hash of the file and the CRCs of its blocks, one for the hashes of the entries. A damage
names the bytes it concerns as narrowly as the CRCs tell, and the recordings that lie there.

Public names: check_pack, PackDamage, PackCheck.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audiolect.errors import DamagedFile, UnknownVersion
from audiolect.loader.pack_format import (
    CARD_NAME,
    PackCard,
    Shard,
    card_is_whole,
    crc_name,
    num_blocks,
    pack_fingerprint,
    read_card,
    read_index,
)
from audiolect.loader.pack_parts import pieces_of
from audiolect.loader.pack_shards import BlockCrcs
from audiolect.parallel import map_in_order
from audiolect.progress import Progress, silent_progress
from audiolect.storage import fingerprint_bytes, safe_join

_PIECE_BYTES = 1 << 20
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class PackDamage:
    """One thing that is not as it was written: bytes ``start_byte`` to ``end_byte`` of a file, where that is known."""

    file: str
    what: str
    recording_id: str | None = None
    start_byte: int | None = None
    end_byte: int | None = None


@dataclass(frozen=True, slots=True)
class PackCheck:
    """What was checked, and what is damaged. ``card`` is None where the card itself is damaged."""

    folder: Path
    card: PackCard | None
    damages: tuple[PackDamage, ...]


@dataclass(frozen=True, slots=True)
class _Task:
    """The hash and CRCs of a shard where ``entries`` is None, else the entries: (ids, lengths in bytes, hashes)."""

    folder: Path
    shard: Shard
    block_bytes: int
    entries: tuple[list[str], list[int], list[str]] | None


def check_pack(folder: Path, *, jobs: int = 1, progress: Progress = silent_progress) -> PackCheck:
    """Check every byte of a pack on this machine.

    Args:
        folder: the pack.
        jobs: processes; 0 means one for each processor.
        progress: counts bytes.

    Raises:
        StorageError: there is no pack.
        UnknownVersion: it is of a version that is not known, and whole.
        WorkerDied: a process ended without an answer.
    """
    try:
        card = read_card(folder)
    except UnknownVersion as problem:
        if card_is_whole(folder):
            raise
        return PackCheck(folder, None, (PackDamage(CARD_NAME, _said(problem)),))
    except DamagedFile as problem:
        return PackCheck(folder, None, (PackDamage(CARD_NAME, _said(problem)),))
    damages: list[PackDamage] = []
    try:
        index = read_index(folder, card)
        if pack_fingerprint(index) != card.fingerprint:
            damages.append(PackDamage(CARD_NAME, "the fingerprint is not that of the recordings in the index"))
    except DamagedFile as problem:
        damages.append(PackDamage(card.index.name, _said(problem)))
        index = None
    tasks = list(_tasks(folder, card, index))
    total = sum(shard.num_bytes for shard in card.shards)
    halves = 1 if index is None else 2  # a shard counts once, half of it for each of its tasks
    done = 0
    with progress("verifying", total=total, unit="bytes") as advance:
        for task, found in zip(tasks, map_in_order(_check, tasks, jobs=min(jobs, max(1, len(tasks)))), strict=True):
            damages += found
            done += task.shard.num_bytes
            advance(done // halves - (done - task.shard.num_bytes) // halves)
    return PackCheck(folder, card, tuple(_narrowed(damages)))


def _said(problem: UnknownVersion | DamagedFile) -> str:
    return problem.what + (f" Found: {problem.found}" if problem.found else "")


def _tasks(folder: Path, card: PackCard, index: pl.DataFrame | None) -> Iterator[_Task]:
    start = 0
    for shard in card.shards:
        yield _Task(folder, shard, card.block_bytes, None)
        if index is not None:
            rows = index.slice(start, shard.num_recordings)
            start += shard.num_recordings
            entries = (rows["recording_id"].to_list(), rows["num_bytes"].to_list(), rows["hash"].to_list())
            yield _Task(folder, shard, card.block_bytes, entries)


def _check(task: _Task) -> list[PackDamage]:
    path = safe_join(task.folder, task.shard.name)
    try:
        found_bytes = path.stat().st_size
        whole = _check_whole(task, path, found_bytes) if task.entries is None else []
        entries = _check_entries(path, *task.entries) if task.entries is not None else []
    except OSError as problem:
        return [] if task.entries is not None else [PackDamage(task.shard.name, f"cannot be read: {problem.strerror}")]
    return whole + entries


def _check_whole(task: _Task, path: Path, found_bytes: int) -> list[PackDamage]:
    """The length and hash of a shard, and the CRCs of its blocks."""
    shard, damages = task.shard, []
    if found_bytes != shard.num_bytes:
        what = f"{found_bytes} bytes instead of {shard.num_bytes}"
        first, last = sorted((found_bytes, shard.num_bytes))
        damages.append(PackDamage(shard.name, what, None, first, last))
    digest, crcs = hashlib.blake2b(digest_size=_HASH_BYTES), BlockCrcs(task.block_bytes)
    with path.open("rb") as file:
        for piece in pieces_of(file, found_bytes):
            digest.update(piece)
            crcs.update(piece)
    is_whole = digest.hexdigest() == shard.hash
    stated = _stated_crcs(task, damages)
    pairs = [] if stated is None else list(zip(stated, crcs.values(), strict=False))
    wrong = [block for block, (expected, found) in enumerate(pairs) if expected != found]
    if is_whole and wrong:
        what = f"the CRCs of {len(wrong)} blocks are wrong, while the shard is whole"
        damages.append(PackDamage(crc_name(shard.name), what, None, 4 * wrong[0], 4 * wrong[-1] + 4))
    elif not is_whole:
        for first, end in _runs(wrong):
            last = min(end * task.block_bytes, shard.num_bytes)
            damages.append(PackDamage(shard.name, "the CRC is another", None, first * task.block_bytes, last))
        if not wrong and found_bytes == shard.num_bytes:
            damages.append(PackDamage(shard.name, "the hash is another", None, 0, shard.num_bytes))
    return damages


def _stated_crcs(task: _Task, damages: list[PackDamage]) -> tuple[int, ...] | None:
    name = crc_name(task.shard.name)
    path = safe_join(task.folder, name)
    if not path.is_file():
        damages.append(PackDamage(name, "the file is missing"))
        return None
    data = path.read_bytes()
    expected = 4 * num_blocks(task.shard.num_bytes, task.block_bytes)
    if len(data) != expected:
        damages.append(PackDamage(name, f"{len(data)} bytes instead of {expected}"))
        return None
    return struct.unpack(f"<{len(data) // 4}I", data)


def _check_entries(path: Path, ids: list[str], lengths: list[int], hashes: list[str]) -> list[PackDamage]:
    damages, start = [], 0
    with path.open("rb") as file:
        for name, num_bytes, expected in zip(ids, lengths, hashes, strict=True):
            if fingerprint_bytes(pieces_of(file, num_bytes)) != expected:
                damages.append(
                    PackDamage(path.name, "the hash of the entry is another", name, start, start + num_bytes)
                )
            start += num_bytes
    return damages


def _runs(blocks: list[int]) -> Iterator[tuple[int, int]]:
    """Numbers in ascending order as ranges: first, and one behind the last."""
    start = 0
    for at in range(1, len(blocks) + 1):
        if at == len(blocks) or blocks[at] != blocks[at - 1] + 1:
            yield blocks[start], blocks[at - 1] + 1
            start = at


def _narrowed(damages: list[PackDamage]) -> Iterator[PackDamage]:
    """The damages, those of entries narrowed to the blocks whose CRCs are wrong."""
    blocks = [each for each in damages if each.recording_id is None and each.start_byte is not None]
    for each in damages:
        if each.recording_id is None or each.start_byte is None or each.end_byte is None:
            yield each
            continue
        inside = [
            (max(each.start_byte, block.start_byte or 0), min(each.end_byte, block.end_byte or 0))
            for block in blocks
            if block.file == each.file
        ]
        inside = [(first, last) for first, last in inside if first < last]
        if not inside:
            yield each
        for first, last in inside:
            yield PackDamage(each.file, each.what, each.recording_id, first, last)
