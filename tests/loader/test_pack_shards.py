"""Shards and their journal: appended, cut back to what the journal says, and gone on with."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import zlib
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import DamagedFile
from audiolect.loader.pack_format import BLOCK_BYTES
from audiolect.loader.pack_parts import PartAccount
from audiolect.loader.pack_shards import JOURNAL_NAME, BlockCrcs, ShardWriter

SIZES = [[10, 20], [400_000], [], [30, 30, 40], [100], [2, 600_000, 4]]
MAX_BYTES = 600_000


def entry(part: int, at: int, num_bytes: int) -> bytes:
    return np.random.default_rng([part, at]).bytes(num_bytes)


def account(part: int) -> tuple[PartAccount, io.BytesIO]:
    found = PartAccount(part)
    data = b""
    for at, num_bytes in enumerate(SIZES[part]):
        piece = entry(part, at, num_bytes)
        data += piece
        found.recording_id.append(f"{part}/{at}")
        found.num_bytes.append(num_bytes)
        found.num_samples.append(num_bytes // 2)
        found.scale.append(1.0)
        found.hash.append(hashlib.blake2b(piece, digest_size=16).hexdigest())
        found.source_start_sample.append(0)
        found.source_num_samples.append(num_bytes // 2)
        found.source_rate_hz.append(8000)
    found.problems.append({"reason": "missing", "where": f"{part}/bad", "detail": "", "severity": "error"})
    return found, io.BytesIO(data)


def opened(folder: Path) -> ShardWriter:
    (folder / "state").mkdir(parents=True, exist_ok=True)
    return ShardWriter(folder, folder / "state", codec="pcm", max_shard_bytes=MAX_BYTES, first_shard=3)


def run(folder: Path, until: int = len(SIZES)) -> ShardWriter:
    writer = opened(folder)
    for part in range(writer.num_parts, until):
        writer.append(*account(part))
    return writer


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard-*"))}


def test_entries_fill_shards_in_order(tmp_path: Path) -> None:
    shards, rows = run(tmp_path).finish()
    entries = [(f"{p}/{at}", entry(p, at, n)) for p, sizes in enumerate(SIZES) for at, n in enumerate(sizes)]
    groups = [entries[:8], entries[8:9], entries[9:]]
    assert [sum(len(data) for _, data in group) for group in groups] == [400_232, 600_000, 4]
    for number, (group, shard) in enumerate(zip(groups, shards, strict=True), start=3):
        data = b"".join(piece for _, piece in group)
        assert (tmp_path / shard.name).read_bytes() == data
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        assert astuple(shard) == (f"shard-{number:05d}.pcm", len(data), len(group), digest)
        crcs = [zlib.crc32(data[at : at + BLOCK_BYTES]) for at in range(0, len(data), BLOCK_BYTES)]
        assert (tmp_path / f"shard-{number:05d}.crc").read_bytes() == struct.pack(f"<{len(crcs)}I", *crcs)
    assert rows["recording_id"].to_list() == [name for name, _ in entries]
    assert rows["shard"].to_list() == [3] * 8 + [4, 5]
    assert rows["start_byte"].to_list() == [0, 10, 30, 400_030, 400_060, 400_090, 400_130, 400_230, 0, 0]


def test_nothing_appended_is_no_shard(tmp_path: Path) -> None:
    shards, rows = opened(tmp_path).finish()
    assert shards == []
    assert rows.is_empty()
    assert files(tmp_path) == {}


@pytest.mark.parametrize("seed", range(12))
def test_killed_anywhere_the_next_run_ends_the_same(tmp_path: Path, seed: int) -> None:
    """What a kill leaves: a journal cut at any byte, and shards that hold more than it says, in any order."""
    whole, rows = run(tmp_path / "whole").finish()
    rng = np.random.default_rng(seed)
    torn = tmp_path / "torn"
    writer = run(torn, until=int(rng.integers(1, len(SIZES) + 1)))
    if seed % 2:
        writer.finish()
    for _ in range(3):
        journal = torn / "state" / JOURNAL_NAME
        data = journal.read_bytes()
        journal.write_bytes(data[: int(rng.integers(0, len(data) + 1))])
        shutil.copy(next(torn.glob("shard-*.pcm")), torn / "shard-00006.pcm")
        writer = run(torn, until=int(rng.integers(1, len(SIZES) + 1)))
    shards, found = run(torn).finish()
    (torn / "shard-00006.pcm").unlink(missing_ok=True)
    assert shards == whole
    assert found.equals(rows)
    assert files(torn) == files(tmp_path / "whole")


def test_problems_and_counts_come_back(tmp_path: Path) -> None:
    run(tmp_path, until=4)
    again = opened(tmp_path)
    assert [problem.where for problem in again.problems] == ["0/bad", "1/bad", "2/bad", "3/bad"]
    assert (again.num_parts, again.num_entries, again.num_bytes) == (4, 6, 400_130)


def test_a_shard_that_lost_bytes_is_a_letter(tmp_path: Path) -> None:
    run(tmp_path, until=2)
    with (tmp_path / "shard-00003.pcm").open("r+b") as shard:
        shard.truncate(100)
    with pytest.raises(DamagedFile, match="shorter than its journal says"):
        opened(tmp_path)


def test_a_journal_of_other_things_is_a_letter(tmp_path: Path) -> None:
    run(tmp_path, until=2)
    journal = tmp_path / "state" / JOURNAL_NAME
    journal.write_bytes(b"nothing\n" + journal.read_bytes())
    with pytest.raises(DamagedFile, match=r"journal\.jsonl:1"):
        opened(tmp_path)


def test_a_part_that_is_too_short_is_a_letter(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="too short"):
        opened(tmp_path).append(account(1)[0], io.BytesIO(b"abc"))


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 17))
def test_crcs_do_not_depend_on_how_the_bytes_come(pieces: list[bytes], block_bytes: int) -> None:
    crcs = BlockCrcs(block_bytes)
    for piece in pieces:
        crcs.update(piece)
    data = b"".join(pieces)
    expected = [zlib.crc32(data[at : at + block_bytes]) for at in range(0, len(data), block_bytes)]
    assert crcs.values() == expected
    assert crcs.to_bytes() == struct.pack(f"<{len(expected)}I", *expected)
