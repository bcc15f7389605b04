"""Packs written from the description of the format alone, by other means than those of the package: an oracle.

The fixtures ``make_pack`` and ``seal_card`` of ``conftest.py`` hand these functions to the tests.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import soundfile

COLUMNS = {
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


def blake2b(data: bytes) -> str:
    """As ``b2sum -l 128``."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def seal(folder: Path, **changes: Any) -> None:
    """Change keys of a card and give it its hash."""
    path = folder / "pack.json"
    card = (json.loads(path.read_text()) if path.exists() else {}) | changes
    card.pop("hash", None)
    card["hash"] = blake2b(json.dumps(card, sort_keys=True, separators=(",", ":")).encode("ascii"))
    path.write_text(json.dumps(card))


@dataclass(frozen=True)
class MadePack:
    """A pack and what it was made from: ids, integers and scales, in the order of its rows."""

    folder: Path
    ids: list[str]
    integers: list[np.ndarray]
    scales: list[float]

    def slow(self, row: int) -> np.ndarray:
        """A recording by the formula, one number at a time in double precision."""
        scale = float(np.float32(self.scales[row]))
        return np.array([int(i) / 32768 * scale for i in self.integers[row]], np.float64).astype(np.float32)


def write_pack(
    folder: Path,
    integers: Sequence[np.ndarray],
    *,
    ids: Sequence[str] | None = None,
    scales: Sequence[float] | None = None,
    shard_of: Sequence[int] | None = None,
    codec: str = "pcm",
    rate_hz: int = 32000,
    block_bytes: int = 262144,
) -> MadePack:
    """Write a pack of these int16 recordings."""
    folder.mkdir(parents=True)
    ids = [f"r{row:04d}" for row in range(len(integers))] if ids is None else list(ids)
    scales = [1.0] * len(integers) if scales is None else list(scales)
    shard_of = [0] * len(integers) if shard_of is None else list(shard_of)
    bodies: dict[int, bytearray] = {}
    counts: dict[int, int] = {}
    rows = []
    for name, samples, scale, shard in zip(ids, integers, scales, shard_of, strict=True):
        entry = samples.astype("<i2").tobytes() if codec == "pcm" else flac(samples, rate_hz)
        body = bodies.setdefault(shard, bytearray())
        rows.append((name, shard, len(body), len(entry), len(samples), scale, blake2b(entry), 0, len(samples), rate_hz))
        body += entry
        counts[shard] = counts.get(shard, 0) + 1
    shards = []
    for shard, body in sorted(bodies.items()):
        name = f"shard-{shard:05d}"
        (folder / f"{name}.{codec}").write_bytes(body)
        crcs = [zlib.crc32(body[at : at + block_bytes]) for at in range(0, len(body), block_bytes)]
        (folder / f"{name}.crc").write_bytes(b"".join(crc.to_bytes(4, "little") for crc in crcs))
        facts = {"num_bytes": len(body), "num_recordings": counts[shard], "hash": blake2b(bytes(body))}
        shards.append({"name": f"{name}.{codec}", **facts})
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(folder / "index.parquet")
    index = (folder / "index.parquet").read_bytes()
    seal(
        folder,
        format="audiolect/pack",
        version=1,
        producer="a test",
        dataset="made",
        dataset_version="1",
        fingerprint="0" * 32,
        rate_hz=rate_hz,
        codec=codec,
        block_bytes=block_bytes,
        max_shard_bytes=1 << 30,
        num_recordings=len(integers),
        num_samples=sum(map(len, integers)),
        shards=shards,
        index={"name": "index.parquet", "num_bytes": len(index), "hash": blake2b(index)},
        left_out={},
        command="made by a test",
    )
    return MadePack(folder, ids, [np.asarray(samples, np.int16) for samples in integers], scales)


def flac(samples: np.ndarray, rate_hz: int) -> bytes:
    """A whole FLAC stream."""
    target = io.BytesIO()
    soundfile.write(target, samples.astype(np.int16), rate_hz, format="FLAC", subtype="PCM_16")
    return target.getvalue()


def noise(lengths: Sequence[int]) -> list[np.ndarray]:
    """Recordings of these lengths, with all values that there are."""
    rng = np.random.default_rng(0)
    return [rng.integers(-32768, 32768, length).astype(np.int16) for length in lengths]
