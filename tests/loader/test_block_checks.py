"""Blocks and their CRCs: what is read is what was checked, once or always; damage is found by whoever reads it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import AudiolectError, DamagedFile
from audiolect.loader.block_checks import CheckedRanges
from audiolect.loader.byte_ranges import LocalRanges

BLOCK = 64


class Counted(LocalRanges):
    """Local ranges that count the bytes that were asked of them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths)
        self.num_bytes = 0

    def fetch(self, files: Sequence[int], starts: Sequence[int], sizes: Sequence[int]) -> Iterator[memoryview]:
        self.num_bytes += sum(sizes)
        return super().fetch(files, starts, sizes)


def letter(shard: int, start: int, end: int, expected: str, found: str) -> AudiolectError:
    return DamagedFile("Damage.", where=f"shard {shard}, bytes {start} to {end}", expected=expected, found=found)


def make(
    folder: Path, policy: str, sizes: Sequence[int] = (1000, 64, 1, 0)
) -> tuple[CheckedRanges, Counted, list[bytes]]:
    contents = [np.random.default_rng(number).bytes(size) for number, size in enumerate(sizes)]
    shards = [folder / f"{number}.pcm" for number in range(len(sizes))]
    crcs = [path.with_suffix(".crc") for path in shards]
    for shard, crc, content in zip(shards, crcs, contents, strict=True):
        shard.write_bytes(content)
        values = [zlib.crc32(content[at : at + BLOCK]) for at in range(0, len(content), BLOCK)]
        crc.write_bytes(np.array(values, "<u4").tobytes())
    counted = Counted(shards)
    checked = CheckedRanges(counted, LocalRanges(crcs), sizes, BLOCK, policy=policy, damage=letter)
    return checked, counted, contents


def fetched(ranges: CheckedRanges, wanted: Sequence[tuple[int, int, int]]) -> list[bytes]:
    return [bytes(view) for view in ranges.fetch(*(list(column) for column in zip(*wanted, strict=True)))]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), policy=st.sampled_from(["first", "always"]))
def test_ranges_are_slices(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, policy: str) -> None:
    checked, _, contents = make(tmp_path_factory.mktemp("shards"), policy)
    for _ in range(3):
        wanted = []
        for _ in range(data.draw(st.integers(1, 6))):
            file = data.draw(st.integers(0, 3))
            start = data.draw(st.integers(0, len(contents[file])))
            wanted.append((file, start, data.draw(st.integers(0, len(contents[file]) - start))))
        assert fetched(checked, wanted) == [contents[f][s : s + n] for f, s, n in wanted]


def test_blocks_are_read_whole_the_first_time_only(tmp_path: Path) -> None:
    checked, counted, _ = make(tmp_path, "first")
    fetched(checked, [(0, 70, 10)])
    assert counted.num_bytes == BLOCK
    fetched(checked, [(0, 70, 10)])
    assert counted.num_bytes == BLOCK + 10
    fetched(checked, [(0, 127, 2)])  # into the next block, which is not known yet
    assert counted.num_bytes == BLOCK + 10 + 2 * BLOCK
    fetched(checked, [(0, 990, 10)])  # the last block, which is shorter
    assert counted.num_bytes == BLOCK + 10 + 2 * BLOCK + 1000 % BLOCK


def test_always_reads_whole_blocks_always(tmp_path: Path) -> None:
    checked, counted, _ = make(tmp_path, "always")
    for _ in range(3):
        fetched(checked, [(0, 70, 10)])
    assert counted.num_bytes == 3 * BLOCK


@settings(deadline=None, max_examples=40)
@given(at=st.integers(0, 999), policy=st.sampled_from(["first", "always"]))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, at: int, policy: str) -> None:
    folder = tmp_path_factory.mktemp("shards")
    checked, _, contents = make(folder, policy)
    flip(folder / "0.pcm", at)
    first = at // BLOCK * BLOCK
    end = min(first + BLOCK, 1000)
    with pytest.raises(DamagedFile, match=f"shard 0, bytes {first} to {end}"):
        fetched(checked, [(0, 0, 1000)])
    with pytest.raises(DamagedFile, match="CRC"):  # and again: it has not become good
        fetched(checked, [(0, end - 1, 1)])
    if first:
        assert fetched(checked, [(0, 0, first)]) == [contents[0][:first]]


def test_what_changes_later_is_found_by_always_alone(tmp_path: Path) -> None:
    for policy in ("first", "always"):
        folder = tmp_path / policy
        folder.mkdir()
        checked, _, _ = make(folder, policy)
        fetched(checked, [(0, 0, 1000)])
        flip(folder / "0.pcm", 500)
        if policy == "first":
            fetched(checked, [(0, 0, 1000)])
        else:
            with pytest.raises(DamagedFile, match="bytes 448 to 512"):
                fetched(checked, [(0, 0, 1000)])


def test_crcs_of_another_length_are_refused(tmp_path: Path) -> None:
    checked, _, _ = make(tmp_path, "first")
    (tmp_path / "0.crc").write_bytes(b"1234")
    with pytest.raises(DamagedFile, match=r"64 bytes for 16 blocks[\s\S]*4 bytes"):
        fetched(checked, [(0, 0, 1)])


def test_a_whole_shard_is_handed_on_unchecked(tmp_path: Path) -> None:
    checked, _, contents = make(tmp_path, "first")
    flip(tmp_path / "0.pcm", 3)
    assert checked.whole(1) == contents[1]
    assert checked.whole(0) != contents[0]
