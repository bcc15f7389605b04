"""Verifying: every flipped bit is found, and told where it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiolect.data.dataset import Dataset
from audiolect.errors import StorageError, UnknownVersion
from audiolect.loader.pack_check import PackDamage, check_pack
from audiolect.loader.pack_format import IndexFile, card_to_json, read_card, read_index, write_card
from audiolect.loader.pack_plan import PackSettings
from audiolect.loader.pack_writer import write_pack
from audiolect.storage import fingerprint_bytes


@pytest.fixture
def whole(make_sounds: Callable[..., Dataset], tmp_path: Path) -> Path:
    """Four recordings of 200,000 bytes: three in the first shard, one in the second."""
    sounds = {f"{name}.wav": (np.random.default_rng(i).uniform(-1, 1, 100_000), 8000) for i, name in enumerate("abcd")}
    write_pack(make_sounds(sounds), tmp_path / "pack", PackSettings(8000, max_shard_bytes=600_000))
    return tmp_path / "pack"


def flip(path: Path, byte: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 1 << bit
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("is_indexed", [True, False], ids=["whole", "without its index"])
def test_progress_counts_every_byte_once(whole: Path, is_indexed: bool) -> None:
    counted: list[int] = []

    @contextmanager
    def progress(what: str, *, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        counted.append(-(total or 0))
        assert (what, unit) == ("verifying", "bytes")
        yield counted.append

    if not is_indexed:
        (whole / "index.parquet").unlink()
    check_pack(whole, progress=progress)
    assert -counted[0] == sum(path.stat().st_size for path in whole.glob("*.pcm"))
    assert sum(counted) == 0
    assert len(counted) > 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_whole_pack_is_whole(whole: Path, jobs: int) -> None:
    found = check_pack(whole, jobs=jobs)
    assert found.damages == ()
    assert found.card == read_card(whole)


def test_a_flipped_bit_in_a_shard_names_recording_and_bytes(whole: Path) -> None:
    flip(whole / "shard-00000.pcm", 300_000, 5)
    assert check_pack(whole).damages == (
        PackDamage("shard-00000.pcm", "the CRC is another", None, 262_144, 524_288),
        PackDamage("shard-00000.pcm", "the hash of the entry is another", "s/b.wav", 262_144, 400_000),
    )


def test_damages_of_several_places(whole: Path) -> None:
    for byte in (0, 262_144 * 2, 599_999):
        flip(whole / "shard-00000.pcm", byte)
    flip(whole / "shard-00001.pcm", 7)
    places = [(each.file, each.recording_id, each.start_byte, each.end_byte) for each in check_pack(whole).damages]
    assert places == [
        ("shard-00000.pcm", None, 0, 262_144),
        ("shard-00000.pcm", None, 524_288, 600_000),
        ("shard-00000.pcm", "s/a.wav", 0, 200_000),
        ("shard-00000.pcm", "s/c.wav", 524_288, 600_000),
        ("shard-00001.pcm", None, 0, 200_000),
        ("shard-00001.pcm", "s/d.wav", 0, 200_000),
    ]


def test_every_bit_anywhere_is_found(whole: Path) -> None:
    rng = np.random.default_rng(0)
    files = sorted(path for path in whole.iterdir() if path.name != "problems.jsonl")
    assert len(files) == 6
    for path in files:
        size = path.stat().st_size
        for _ in range(12 if path.suffix in {".json", ".parquet"} else 3):
            byte, bit = int(rng.integers(size)), int(rng.integers(8))
            flip(path, byte, bit)
            damages = check_pack(whole).damages
            assert path.name in {each.file for each in damages}, f"byte {byte}, bit {bit}"
            flip(path, byte, bit)
    assert check_pack(whole).damages == ()


def test_every_byte_of_the_card_counts(whole: Path) -> None:
    path = whole / "pack.json"
    data = path.read_bytes()
    shutil.copy(path, whole.parent / "kept.json")
    found = 0
    for byte in range(0, len(data), 3):
        path.write_bytes(data[:byte] + bytes([data[byte] ^ 2]) + data[byte + 1 :])
        found += check_pack(whole).damages[0].file == "pack.json"
    assert found == len(range(0, len(data), 3))


def test_a_cut_or_missing_file(whole: Path) -> None:
    shard = whole / "shard-00000.pcm"
    data = shard.read_bytes()
    shard.write_bytes(data[:500_000])
    found = check_pack(whole).damages
    assert found[0] == PackDamage("shard-00000.pcm", "500000 bytes instead of 600000", None, 500_000, 600_000)
    assert PackDamage("shard-00000.pcm", "the hash of the entry is another", "s/c.wav", 500_000, 600_000) in found
    shard.unlink()
    assert [each.what for each in check_pack(whole).damages] == ["cannot be read: No such file or directory"]
    shard.write_bytes(data + b"\0")
    assert check_pack(whole).damages[0].what == "600001 bytes instead of 600000"
    shard.write_bytes(data)
    (whole / "shard-00001.crc").write_bytes(b"123")
    assert [(each.file, each.what) for each in check_pack(whole).damages] == [
        ("shard-00001.crc", "3 bytes instead of 4")
    ]
    (whole / "shard-00001.crc").unlink()
    assert [(each.file, each.what) for each in check_pack(whole).damages] == [
        ("shard-00001.crc", "the file is missing")
    ]
    flip(whole / "shard-00001.pcm", 50)
    assert ("shard-00001.pcm", "the hash is another") in [(each.file, each.what) for each in check_pack(whole).damages]


def test_a_wrong_crc_is_no_damage_of_the_shard(whole: Path) -> None:
    flip(whole / "shard-00000.crc", 5)
    assert check_pack(whole).damages == (
        PackDamage("shard-00000.crc", "the CRCs of 1 blocks are wrong, while the shard is whole", None, 4, 8),
    )


def test_an_index_with_the_hash_of_another_entry(whole: Path) -> None:
    """Written wrong from the beginning: card, index, shards and CRCs agree, and an entry does not."""
    card = read_card(whole)
    index = read_index(whole, card)
    hashes = ["0" * 32, *index["hash"].to_list()[1:]]
    index.with_columns(pl.Series("hash", hashes)).write_parquet(whole / "index.parquet")
    data = (whole / "index.parquet").read_bytes()
    content = card_to_json(card)
    assert content["index"]["hash"] != fingerprint_bytes([data])
    write_card(whole, replace(card, index=IndexFile("index.parquet", len(data), fingerprint_bytes([data]))))
    assert check_pack(whole).damages == (
        PackDamage("shard-00000.pcm", "the hash of the entry is another", "s/a.wav", 0, 200_000),
    )


def test_no_pack_and_a_pack_of_the_future_are_letters(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no pack here"):
        check_pack(tmp_path)
    content = json.loads((whole / "pack.json").read_text()) | {"version": 2}
    rest = {key: value for key, value in content.items() if key != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    content["hash"] = fingerprint_bytes([text.encode("ascii")])
    (whole / "pack.json").write_text(json.dumps(content))
    with pytest.raises(UnknownVersion, match="Version 2"):
        check_pack(whole)
