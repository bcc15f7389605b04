"""What reading crops from a pack costs, beside the bare loop of positional reads and one multiplication.

A pack of made recordings, 30 s each, 32 kHz; crops of 10 s at random places, in batches of 16. Ours is
``Pack.read_into`` with the checks of ``verify="first"`` in their steady state; the bare loop knows shards and offsets
beforehand and does nothing but preadv into int16 and multiply into the float32 batch. Warm: from the page cache, with
one thread and with two. Cold: the pages are dropped before every pass (posix_fadvise DONTNEED). Also one crop at a
time, with its 99th percentile; the first touch, with all checks; and FLAC beside soundfile on bytes in memory.

    python bench/loader_reads.py [--quick] [--json]
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import soundfile

import harness
from audiolect.loader.pack import Pack, open_pack
from audiolect.loader.pack_format import (
    BLOCK_BYTES,
    INDEX_NAME,
    INDEX_SCHEMA,
    IndexFile,
    PackCard,
    Shard,
    crc_name,
    index_bytes,
    pack_fingerprint,
    shard_name,
    write_card,
)

RATE_HZ, CROP_SECONDS, BATCH = 32000, 10, 16
CROP = RATE_HZ * CROP_SECONDS
LENGTH = 3 * CROP
WARM_BAR, COLD_BAR, P99_LIMIT_MS, AUDIO_SECONDS_BAR = 0.9, 0.9, 0.3, 80_000.0
RECORDINGS_PER_SHARD = 64


class Crops:
    """Batches of random crops, the same for all that read them: rows of the pack, and places in its shards."""

    def __init__(self, num_recordings: int, num_batches: int) -> None:
        rng = np.random.default_rng(1)
        self.rows = rng.integers(0, num_recordings, (num_batches, BATCH))
        self.starts = rng.integers(0, LENGTH - CROP + 1, (num_batches, BATCH))
        self.counts = np.full(BATCH, CROP)
        self.seconds = float(num_batches * BATCH * CROP_SECONDS)


def main() -> int:
    """Make the packs, then read."""
    options = harness.arguments("What reading crops from a pack costs.")
    num_recordings, num_batches, repeats = (64, 8, 3) if options.quick else (384, 48, 9)
    with tempfile.TemporaryDirectory(prefix="audiolect-") as name:
        folder = Path(name)
        shards = make_pack(folder / "pcm", num_recordings, "pcm")
        crops = Crops(num_recordings, num_batches)
        figures = [*warm(folder / "pcm", shards, crops, repeats), cold(folder / "pcm", shards, crops, repeats)]
        figures.append(first_touch(folder / "pcm", crops, repeats))
        figures += single(folder / "pcm", shards, crops, repeats)
        figures.append(flac(folder / "flac", repeats))
    return harness.finish(figures, options.json)


def make_pack(folder: Path, num_recordings: int, codec: str) -> list[Path]:
    """Write a pack of noise, soft enough for FLAC to have something to do. Returns the paths of its shards."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    shards, rows = [], []
    for first in range(0, num_recordings, RECORDINGS_PER_SHARD):
        number, body = len(shards), bytearray()
        ids = [f"r{row:05d}" for row in range(first, min(first + RECORDINGS_PER_SHARD, num_recordings))]
        for recording in ids:
            samples = (rng.standard_normal(LENGTH, np.float32) * 3000).astype("<i2")
            entry = samples.tobytes() if codec == "pcm" else flac_bytes(samples)
            rows.append((recording, number, len(body), len(entry), LENGTH, 1.0, "", 0, LENGTH, RATE_HZ))
            body += entry
        path = folder / shard_name(number, codec)
        path.write_bytes(body)
        crcs = [zlib.crc32(body[at : at + BLOCK_BYTES]) for at in range(0, len(body), BLOCK_BYTES)]
        (folder / crc_name(path.name)).write_bytes(np.array(crcs, "<u4").tobytes())
        shards.append(Shard(path.name, len(body), len(ids), blake2b(bytes(body))))
    index = pl.DataFrame(rows, schema=INDEX_SCHEMA, orient="row")
    data = index_bytes(index)
    (folder / INDEX_NAME).write_bytes(data)
    facts = {"dataset": "noise", "dataset_version": "1", "fingerprint": pack_fingerprint(index), "rate_hz": RATE_HZ}
    sizes = {"block_bytes": BLOCK_BYTES, "max_shard_bytes": 1 << 30, "num_recordings": len(rows)}
    index_file = IndexFile(INDEX_NAME, len(data), blake2b(data))
    totals = {"num_samples": len(rows) * LENGTH, "shards": tuple(shards), "index": index_file}
    write_card(folder, PackCard(**facts, **sizes, **totals, codec=codec, left_out={}, command="bench"))
    return [folder / shard.name for shard in shards]


def blake2b(data: bytes) -> str:
    """As ``b2sum -l 128``."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def flac_bytes(samples: np.ndarray) -> bytes:
    """A complete FLAC stream."""
    target = io.BytesIO()
    soundfile.write(target, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    return target.getvalue()


def bare_loop(shards: list[Path], crops: Crops, threads: int) -> Callable[[], None]:
    """The limit: places known beforehand, one preadv and one multiplication for each crop."""
    files = [os.open(path, os.O_RDONLY) for path in shards]
    places = [
        [
            (files[row // RECORDINGS_PER_SHARD], 2 * ((row % RECORDINGS_PER_SHARD) * LENGTH + start))
            for row, start in zip(rows.tolist(), starts.tolist(), strict=True)
        ]
        for rows, starts in zip(crops.rows, crops.starts, strict=True)
    ]
    factor = np.float32(1 / 32768)
    scratches = [np.empty(CROP, np.int16) for _ in range(threads)]
    outs = [np.empty((BATCH, CROP), np.float32) for _ in range(threads)]

    def run(thread: int) -> None:
        scratch, out = scratches[thread], outs[thread]
        for batch in places[thread::threads]:
            for at, (file, place) in enumerate(batch):
                os.preadv(file, (scratch,), place)
                np.multiply(scratch, factor, out=out[at])

    return lambda: on_threads(run, threads)


def our_loop(pack: Pack, crops: Crops, threads: int) -> Callable[[], None]:
    """Batches by ``Pack.read_into``, each thread its own."""
    outs = [np.empty((BATCH, CROP), np.float32) for _ in range(threads)]

    def run(thread: int) -> None:
        for batch in range(thread, len(crops.rows), threads):
            pack.read_into(outs[thread], crops.rows[batch], crops.starts[batch], crops.counts)

    return lambda: on_threads(run, threads)


def on_threads(run: Callable[[int], None], threads: int) -> None:
    """Run on this many threads, with the number of each."""
    if threads == 1:
        run(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))


def warm(folder: Path, shards: list[Path], crops: Crops, repeats: int) -> list[harness.Figure]:
    """From the page cache; the blocks have been checked by the call that warms up."""
    figures = []
    for threads in (1, 2):
        checked, unchecked = open_pack(folder), open_pack(folder, verify="never")
        figure = harness.compare(
            f"crops, warm, {threads} thread{'s'[: threads - 1]}",
            our_loop(checked, crops, threads),
            {"bare loop": bare_loop(shards, crops, threads), "verify=never": our_loop(unchecked, crops, threads)},
            work=crops.seconds,
            unit="audio s/s",
            bar=WARM_BAR,
            repeats=repeats,
        )
        figures.append(figure)
    fastest = figures[-1].ours
    bar = harness.Peer("bar", AUDIO_SECONDS_BAR, fastest / AUDIO_SECONDS_BAR, 1.0, fastest >= AUDIO_SECONDS_BAR)
    return [*figures[:-1], replace(figures[-1], peers=(*figures[-1].peers, bar))]


def cold(folder: Path, shards: list[Path], crops: Crops, repeats: int) -> harness.Figure:
    """From the disk: the pages are dropped before every pass, which both sides pay for alike."""
    ours, bare = our_loop(open_pack(folder), crops, 1), bare_loop(shards, crops, 1)

    def dropped(run: Callable[[], None]) -> Callable[[], None]:
        def dropped_run() -> None:
            for path in shards:
                file = os.open(path, os.O_RDONLY)
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)
            run()

        return dropped_run

    return harness.compare(
        "crops, cold, 1 thread",
        dropped(ours),
        {"bare loop": dropped(bare)},
        work=crops.seconds,
        unit="audio s/s",
        bar=COLD_BAR,
        repeats=max(3, repeats // 2),
    )


def first_touch(folder: Path, crops: Crops, repeats: int) -> harness.Figure:
    """A pack that has just been opened, from the page cache: every block is checked when it is first met."""

    def opened_anew(verify: str) -> None:
        our_loop(open_pack(folder, verify=verify), crops, 1)()

    return harness.compare(
        "crops, opened anew, 1 thread",
        lambda: opened_anew("first"),
        {"verify=never": lambda: opened_anew("never")},
        work=crops.seconds,
        unit="audio s/s",
        bar=None,
        repeats=max(3, repeats // 2),
    )


def single(folder: Path, shards: list[Path], crops: Crops, repeats: int) -> list[harness.Figure]:
    """One crop at a time, warm: the middle one and the slowest of a hundred, medians over the rounds.

    The bare loop's own are printed beside ours: a neighbour on the cores shows in both.
    """
    pack = open_pack(folder)
    pairs = list(zip(crops.rows.ravel().tolist(), crops.starts.ravel().tolist(), strict=True))
    files = [os.open(path, os.O_RDONLY) for path in shards]
    scratch, factor = np.empty(CROP, np.int16), np.float32(1 / 32768)

    def bare(row: int, start: int) -> np.ndarray:
        place = 2 * ((row % RECORDINGS_PER_SHARD) * LENGTH + start)
        os.preadv(files[row // RECORDINGS_PER_SHARD], (scratch,), place)
        return np.multiply(scratch, factor)

    readers: dict[str, Callable[[int, int], np.ndarray]] = {
        "ours": lambda row, start: pack.read(row, start, CROP),
        "bare": bare,
    }
    rounds: dict[str, list[np.ndarray]] = {name: [] for name in readers}
    for _ in range(repeats + 1):
        for name, reader in readers.items():
            rounds[name].append(np.percentile([milliseconds(reader, *pair) for pair in pairs], (50, 99)))
    (p50, p99), (bare_p50, bare_p99) = (np.median(rounds[name][1:], axis=0) for name in readers)
    middle = harness.Peer("bare loop", bare_p50, bare_p50 / p50, None, None)
    limit = harness.Peer("limit", P99_LIMIT_MS, P99_LIMIT_MS / p99, 1.0, bool(p99 <= P99_LIMIT_MS))
    slowest = harness.Peer("bare loop", bare_p99, bare_p99 / p99, None, None)
    return [
        harness.Figure("one crop, warm, p50", "ms", p50, p50, p50, (middle,)),
        harness.Figure("one crop, warm, p99", "ms", p99, p99, p99, (limit, slowest)),
    ]


def milliseconds(reader: Callable[[int, int], np.ndarray], row: int, start: int) -> float:
    """What one crop takes."""
    begin = time.perf_counter()
    reader(row, start)
    return 1000 * (time.perf_counter() - begin)


def flac(folder: Path, repeats: int) -> harness.Figure:
    """A pack of FLAC, beside soundfile decoding the same crops from the same bytes in memory."""
    make_pack(folder, 16, "flac")
    pack, rng = open_pack(folder), np.random.default_rng(2)
    starts = rng.integers(0, LENGTH - CROP + 1, BATCH)
    index = pl.read_parquet(folder / INDEX_NAME)
    body = (folder / shard_name(0, "flac")).read_bytes()
    entries = [body[start : start + size] for start, size in index.select("start_byte", "num_bytes").iter_rows()]
    out = np.empty((BATCH, CROP), np.float32)

    def bare() -> None:
        for at, start in enumerate(starts.tolist()):
            with soundfile.SoundFile(io.BytesIO(entries[at])) as file:
                file.seek(start)
                np.multiply(file.read(CROP, dtype="int16"), np.float32(1 / 32768), out=out[at])

    return harness.compare(
        "crops of FLAC, warm, 1 thread",
        lambda: pack.read_into(out, np.arange(BATCH), starts, np.full(BATCH, CROP)),
        {"soundfile": bare},
        work=float(BATCH * CROP_SECONDS),
        unit="audio s/s",
        bar=WARM_BAR,
        repeats=repeats,
    )


if __name__ == "__main__":
    sys.exit(main())
