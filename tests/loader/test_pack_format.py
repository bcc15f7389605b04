"""The card and the index of a pack: what is written is read again, anything else is refused by name."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.data.fingerprints import recordings_fingerprint
from audiolect.errors import DamagedFile, StorageError, UnknownVersion
from audiolect.loader.pack_format import (
    BLOCK_BYTES,
    INDEX_SCHEMA,
    IndexFile,
    PackCard,
    Shard,
    card_from_json,
    card_is_whole,
    card_to_json,
    crc_name,
    index_bytes,
    index_name,
    num_blocks,
    pack_fingerprint,
    parse_card,
    parse_index,
    read_card,
    read_index,
    shard_name,
    write_card,
)
from audiolect.storage import fingerprint_bytes

ROWS = {
    "recording_id": ["a", "b", "c"],
    "shard": [0, 0, 1],
    "start_byte": [0, 20, 0],
    "num_bytes": [20, 2, 6],
    "num_samples": [10, 1, 3],
    "scale": [1.0, 1.5, 1.0],
    "hash": ["0" * 32] * 3,
    "source_start_sample": [0, 5, 0],
    "source_num_samples": [20, 2, 6],
    "source_rate_hz": [8000, 8000, 44100],
}


def index(**changed: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(ROWS | changed, schema=INDEX_SCHEMA)


def card_for(data: bytes, **changed: Any) -> PackCard:
    card = PackCard(
        dataset="größe",
        dataset_version="1",
        fingerprint="f" * 32,
        rate_hz=4000,
        codec="pcm",
        block_bytes=BLOCK_BYTES,
        max_shard_bytes=22,
        num_recordings=3,
        num_samples=14,
        shards=(Shard("shard-00000.pcm", 22, 2, "1" * 32), Shard("shard-00001.pcm", 6, 1, "2" * 32)),
        index=IndexFile("index.parquet", len(data), fingerprint_bytes([data])),
        left_out={"missing": 2},
        command="audiolect pack x",
    )
    return replace(card, **changed)


def test_names() -> None:
    assert shard_name(7, "pcm") == "shard-00007.pcm"
    assert crc_name("shard-00007.flac") == "shard-00007.crc"
    assert [index_name(1), index_name(2)] == ["index.parquet", "index-00002.parquet"]
    assert [num_blocks(n) for n in (0, 1, BLOCK_BYTES, BLOCK_BYTES + 1)] == [0, 1, 1, 2]


def test_the_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    card = card_for(b"")
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card == parse_card((tmp_path / "pack.json").read_bytes(), "there")
    assert card_is_whole(tmp_path)


def test_the_hash_of_the_card_by_hand() -> None:
    content = card_to_json(card_for(b""))
    stated = content.pop("hash")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert stated == hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()


@pytest.mark.parametrize("key", sorted(set(card_to_json(card_for(b""))) - {"format", "version"}))
def test_a_changed_card_is_refused(key: str) -> None:
    content = card_to_json(card_for(b""))
    with pytest.raises(DamagedFile, match="not as it was written"):
        card_from_json(content | {key: "another"}, "pack.json")
    del content[key]
    with pytest.raises(DamagedFile, match="not as it was written"):
        card_from_json(content, "pack.json")


def test_cards_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="There is no pack here"):
        read_card(tmp_path)
    with pytest.raises(DamagedFile, match="not JSON"):
        parse_card(b"{", "there")
    with pytest.raises(UnknownVersion, match="another kind"):
        parse_card(b'{"format": "audiolect/dataset", "version": 1}', "there")
    with pytest.raises(UnknownVersion, match="header is missing"):
        parse_card(b"[]", "there")
    (tmp_path / "pack.json").write_text("[")
    assert not card_is_whole(tmp_path)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(UnknownVersion, match="codec"):
        card_from_json(card_to_json(card_for(b"", codec="mp3")), "pack.json")


def test_the_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    data = index_bytes(index())
    (tmp_path / "index.parquet").write_bytes(data)
    assert read_index(tmp_path, card_for(data)).equals(index())
    assert index_bytes(index()) == data
    empty = index_bytes(index().clear())
    assert parse_index(empty, card_for(empty, shards=(), num_recordings=0, num_samples=0), "there").is_empty()


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_in_the_index_is_refused(byte: int, bit: int) -> None:
    data = index_bytes(index())
    damaged = bytearray(data)
    damaged[byte % len(data)] ^= 1 << bit
    with pytest.raises(DamagedFile, match="not the one that its card names"):
        parse_index(bytes(damaged), card_for(data), "there")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"recording_id": ["a", "a", "c"]}, "twice"),
        ({"recording_id": ["a", None, "c"]}, "empty cells"),
        ({"shard": [0, 1, 0]}, "out of order"),
        ({"shard": [0, 0, 2]}, "shards of other lengths"),
        ({"start_byte": [0, 22, 0]}, "gaps"),
        ({"num_bytes": [20, 4, 6]}, "entries of other lengths"),
        ({"num_samples": [10, 2, 3]}, "15 samples"),
    ],
)
def test_an_index_that_contradicts_its_card(changed: dict[str, list[Any]], says: str) -> None:
    data = index_bytes(index(**changed))
    with pytest.raises(DamagedFile, match=says):
        parse_index(data, card_for(data), "there")
    fewer = index_bytes(index()[:2])
    with pytest.raises(DamagedFile, match="2 recordings"):
        parse_index(fewer, card_for(fewer), "there")


def test_an_index_with_other_columns() -> None:
    target = io.BytesIO()
    index().drop("scale").write_parquet(target)
    with pytest.raises(DamagedFile, match="columns"):
        parse_index(target.getvalue(), card_for(target.getvalue()), "there")


def test_a_missing_index_is_a_letter(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="cannot be read"):
        read_index(tmp_path, card_for(b""))


def test_the_fingerprint_is_that_of_the_source_rows() -> None:
    rows = pl.DataFrame(
        {
            "recording_id": ["c", "a", "b"],
            "start_sample": [0, 0, 5],
            "num_samples": [6, 20, 2],
            "sample_rate_hz": [44100, 8000, 8000],
        }
    )
    assert pack_fingerprint(index()) == recordings_fingerprint(rows)
