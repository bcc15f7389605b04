"""What a pack is made of: its card (``pack.json``), its index, the names of its files, and how each is checked.

A pack is a folder of recordings as mono samples of one rate, end to end in shards; ``docs/formats.md`` has every byte.

Conventions: hashes are BLAKE2b-128 in hex, of whole files (as ``b2sum -l 128`` prints them) or of the bytes of one
entry. A pack is read through its card: only what the card names belongs to it, so that recordings can be added while
others read. The card holds the hash of itself, the index that of its file.

Public names: PackCard, Shard, IndexFile, CARD_NAME, INDEX_NAME, PROBLEMS_NAME, BLOCK_BYTES, BYTES_PER_SAMPLE,
FULL_SCALE, CODECS, INDEX_SCHEMA, shard_name, crc_name, index_name, num_blocks, card_to_json, card_from_json,
parse_card, read_card, card_is_whole, write_card, index_bytes, parse_index, read_index, pack_fingerprint.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.fingerprints import RECORDING_COLUMNS, recordings_fingerprint
from audiolect.errors import DamagedFile, StorageError, UnknownVersion
from audiolect.storage import check_header, file_header, fingerprint_bytes, read_json, write_json

CARD_NAME = "pack.json"
INDEX_NAME = "index.parquet"
PROBLEMS_NAME = "problems.jsonl"
BLOCK_BYTES = 262_144  # bytes of a shard that share one CRC
BYTES_PER_SAMPLE = 2
FULL_SCALE = 32768  # the integer that stands for 1.0 where scale is 1
CODECS = ("pcm", "flac")

INDEX_SCHEMA: dict[str, Any] = {
    "recording_id": pl.String(),
    "shard": pl.Int32(),
    "start_byte": pl.Int64(),
    "num_bytes": pl.Int64(),
    "num_samples": pl.Int64(),
    "scale": pl.Float32(),
    "hash": pl.String(),
    "source_start_sample": pl.Int64(),
    "source_num_samples": pl.Int64(),
    "source_rate_hz": pl.Int32(),
}

_KIND = "pack"
_VERSION = 1
_COPY_AGAIN = "copy the pack again, or make it again with the command on its card"
_SOURCE_COLUMNS = ("recording_id", "source_start_sample", "source_num_samples", "source_rate_hz")


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of samples: ``num_recordings`` entries end to end in ``num_bytes`` bytes, and the hash of them all."""

    name: str
    num_bytes: int
    num_recordings: int
    hash: str


@dataclass(frozen=True, slots=True)
class IndexFile:
    """The file of the index. Adding recordings writes a new one under a new name, and the card changes over to it."""

    name: str
    num_bytes: int
    hash: str


@dataclass(frozen=True, slots=True)
class PackCard:
    """What ``pack.json`` says.

    Args:
        dataset, dataset_version: of what was packed.
        fingerprint: of the recordings in the pack, as ``data.fingerprints.recordings_fingerprint`` of their source
            rows: of ids, spans and rates.
        rate_hz: of all samples.
        codec: ``"pcm"``: little-endian int16; ``"flac"``: one whole FLAC stream for each entry.
        block_bytes: bytes of a shard that share one CRC.
        max_shard_bytes: the most that a shard may hold.
        num_recordings, num_samples: of all shards; samples at ``rate_hz``.
        shards: in order; entry ``shard`` of the index counts them from 0.
        index: the file of the index.
        left_out: reason → recordings of the dataset that are not in the pack.
        command: the command line that wrote the pack, or added to it last.
    """

    dataset: str
    dataset_version: str
    fingerprint: str
    rate_hz: int
    codec: str
    block_bytes: int
    max_shard_bytes: int
    num_recordings: int
    num_samples: int
    shards: tuple[Shard, ...]
    index: IndexFile
    left_out: Mapping[str, int]
    command: str


def shard_name(number: int, codec: str) -> str:
    """``shard-00000.pcm``."""
    return f"shard-{number:05d}.{codec}"


def crc_name(shard: str) -> str:
    """The file with the CRCs of a shard: little-endian uint32 ``zlib.crc32`` of each block."""
    return shard.rsplit(".", 1)[0] + ".crc"


def index_name(edition: int) -> str:
    """The name of the index: ``index.parquet`` at first, ``index-00002.parquet`` after the first addition."""
    return INDEX_NAME if edition == 1 else f"index-{edition:05d}.parquet"


def num_blocks(num_bytes: int, block_bytes: int = BLOCK_BYTES) -> int:
    """How many blocks, and so CRCs, a shard has; its last may be shorter."""
    return -(-num_bytes // block_bytes)


def card_to_json(card: PackCard) -> dict[str, Any]:
    """The content of ``pack.json``, with its header and its own hash."""
    content = file_header(_KIND, _VERSION) | asdict(card)
    content["shards"] = list(content["shards"])
    content["left_out"] = dict(sorted(card.left_out.items()))
    return content | {"hash": _hash_of_card(content)}


def card_from_json(content: object, where: object) -> PackCard:
    """The card in the content of a ``pack.json``.

    Raises:
        UnknownVersion: not a pack, or of a version that is not known.
        DamagedFile: it is not as it was written.
    """
    check_header(content, _KIND, (_VERSION,), where)
    mapping: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
    stated, found = mapping.get("hash"), _hash_of_card(mapping)
    if stated != found:
        raise DamagedFile(
            "The card of a pack is not as it was written.",
            where=where,
            expected=f"hash {stated}",
            found=f"hash {found}",
            cause="it was changed by hand or by another program, or bits were flipped",
            fix=_COPY_AGAIN,
        )
    known = {field.name for field in fields(PackCard)}
    content_of_card = {key: value for key, value in mapping.items() if key in known}
    if set(content_of_card) != known or mapping["codec"] not in CODECS:
        raise UnknownVersion(
            "The card of a pack lacks something, or has a codec that is not known.",
            where=where,
            expected=f"{', '.join(sorted(known))}; codec {' or '.join(CODECS)}",
            found=f"{', '.join(sorted(mapping))}; codec {mapping.get('codec')}",
        )
    content_of_card["shards"] = tuple(Shard(**shard) for shard in mapping["shards"])
    content_of_card["index"] = IndexFile(**mapping["index"])
    return PackCard(**content_of_card)


def parse_card(data: bytes, where: object) -> PackCard:
    """The card in the bytes of a ``pack.json``, from wherever they were fetched.

    Raises:
        UnknownVersion, DamagedFile: as ``card_from_json``, and where it is no JSON.
    """
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise DamagedFile("The card of a pack is not JSON.", where=where, found=problem, fix=_COPY_AGAIN) from None
    return card_from_json(content, where)


def read_card(folder: str | Path) -> PackCard:
    """The card of a pack on this machine.

    Raises:
        StorageError: there is no pack.
        UnknownVersion, DamagedFile: as ``card_from_json``.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise StorageError(
            "There is no pack here.",
            where=folder,
            expected=f"a folder with {CARD_NAME}",
            found="no such folder" if not Path(folder).exists() else f"no {CARD_NAME}",
            cause="a pack that was stopped before it was complete, or another folder",
            fix="audiolect pack DATASET --rate-hz 32000 --out PACK (the same command goes on with an unfinished pack)",
        )
    return card_from_json(read_json(path), path)


def card_is_whole(folder: str | Path) -> bool:
    """Whether the hash that a ``pack.json`` states is its own, whatever its version."""
    try:
        content = read_json(Path(folder) / CARD_NAME)
    except DamagedFile:
        return False
    return isinstance(content, dict) and content.get("hash") == _hash_of_card(content)


def write_card(folder: Path, card: PackCard) -> None:
    """Write ``pack.json``, atomically: from then on the folder is this pack."""
    write_json(folder / CARD_NAME, card_to_json(card))


def index_bytes(index: pl.DataFrame) -> bytes:
    """The file of an index: Parquet, zstd."""
    target = io.BytesIO()
    frame = index.select(pl.col(name).cast(kind) for name, kind in INDEX_SCHEMA.items())
    frame.write_parquet(target, compression="zstd", compression_level=3, statistics=True, row_group_size=65_536)
    return target.getvalue()


def parse_index(data: bytes, card: PackCard, where: object) -> pl.DataFrame:
    """The index in the bytes of its file, checked against its hash and against the card.

    Returns:
        rows in the order of the pack, with the columns of INDEX_SCHEMA.

    Raises:
        DamagedFile: it is not the index that the card names.
    """
    found = fingerprint_bytes([data])
    if len(data) != card.index.num_bytes or found != card.index.hash:
        raise DamagedFile(
            "The index of a pack is not the one that its card names.",
            where=where,
            expected=f"{card.index.num_bytes} bytes, hash {card.index.hash}",
            found=f"{len(data)} bytes, hash {found}",
            cause="it was cut short in copying, bits were flipped, or the files of two packs were mixed",
            fix=_COPY_AGAIN,
        )
    index = pl.read_parquet(io.BytesIO(data))
    fault = _fault(index, card)
    if fault is not None:
        raise DamagedFile("The index of a pack contradicts its card.", where=where, found=fault, fix=_COPY_AGAIN)
    return index


def read_index(folder: str | Path, card: PackCard) -> pl.DataFrame:
    """The index of a pack on this machine.

    Raises:
        DamagedFile: it is missing or, as ``parse_index``, another.
    """
    path = Path(folder) / card.index.name
    try:
        data = path.read_bytes()
    except OSError as problem:
        found = problem.strerror
        raise DamagedFile("The index of a pack cannot be read.", where=path, found=found, fix=_COPY_AGAIN) from problem
    return parse_index(data, card, path)


def pack_fingerprint(index: pl.DataFrame) -> str:
    """The fingerprint of the recordings of an index: that of their rows in the dataset."""
    names = dict(zip(_SOURCE_COLUMNS, RECORDING_COLUMNS, strict=True))
    return recordings_fingerprint(index.select(_SOURCE_COLUMNS).rename(names))


def _hash_of_card(content: Mapping[str, Any]) -> str:
    """Of everything but the hash itself, as JSON with sorted keys and without spaces."""
    rest = {key: value for key, value in content.items() if key != "hash"}
    return fingerprint_bytes([json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")])


def _fault(index: pl.DataFrame, card: PackCard) -> str | None:
    """What is wrong with the rows of an index, in words; None where they are those of the card."""
    if dict(index.schema) != INDEX_SCHEMA:
        return f"columns {dict(index.schema)}"
    sums = index.group_by("shard").agg(pl.col("num_bytes").sum(), pl.len().cast(pl.Int64)).sort("shard")
    shards = [(number, shard.num_bytes, shard.num_recordings) for number, shard in enumerate(card.shards)]
    starts = pl.col("num_bytes").cum_sum().over("shard") - pl.col("num_bytes")
    sizes = pl.col("num_samples") * BYTES_PER_SAMPLE
    faults = {
        "empty cells": sum(index.null_count().row(0)) > 0,
        "a recording stands in it twice": index["recording_id"].n_unique() != index.height,
        f"{index.height} recordings": index.height != card.num_recordings,
        f"{index['num_samples'].sum()} samples": index["num_samples"].sum() != card.num_samples,
        "entries out of order": not index["shard"].is_sorted(),
        "gaps between entries": index.filter(pl.col("start_byte") != starts).height > 0,
        "entries of other lengths": card.codec == "pcm" and index.filter(pl.col("num_bytes") != sizes).height > 0,
        "shards of other lengths": list(sums.iter_rows()) != shards,
    }
    return next((fault for fault, is_found in faults.items() if is_found), None)
