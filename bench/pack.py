"""What packing costs beside bare decoding and resampling in as many processes, and its memory.

Synthetic recordings of 10 s, 44.1 kHz, stereo (tones in noise), as WAV and as FLAC, packed at 32 kHz by two processes,
as ``audiolect pack`` does it, to the last fsync. The peer is a pool of as many processes, already started, in which
soundfile and soxr do nothing but decode, mix and resample, and throw the samples away; so ours carries its rounding,
hashing and writing alone. Ours starts its processes within the measured time. The memory is that of the command and
of all its processes, the largest sum at one time.

    python bench/pack.py [--quick] [--json]
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import harness

SECONDS = 10
FROM_HZ = 44100
TO_HZ = 32000
JOBS = 2
DIFFERENT = 8  # recordings that are made; the others are their copies under other names
BAR_OF_BARE = 0.8
MOST_MEGABYTES = 500.0


def main() -> int:
    """Measure and print."""
    options = harness.arguments("Packing at 32 kHz by two processes, from files in the page cache.")
    count, repeats = (120, 3) if options.quick else (600, 5)
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_corpus(folder, count)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(JOBS, mp_context=context) as pool:
            for suffix in ("wav", "flac"):
                paths = sorted(map(str, (folder / suffix).glob(f"*.{suffix}")))
                figure = harness.compare(
                    f"pack at 32 kHz, {suffix.upper()}, {JOBS} processes",
                    lambda suffix=suffix: pack(folder, suffix),
                    {"soundfile + soxr, bare": lambda paths=paths: list(pool.map(read_bare, paths, chunksize=8))},
                    work=count * SECONDS,
                    unit="audio s/s",
                    bar=BAR_OF_BARE,
                    repeats=repeats,
                )
                figures.append(figure)
        figures.append(memory(folder))
    return harness.finish(figures, options.json)


def make_corpus(folder: Path, count: int) -> None:
    """Write ``count`` recordings and a dataset of them, for each format."""
    import numpy as np

    from audiolect.audio.files import write

    rng = np.random.default_rng(0)
    time_seconds = np.arange(SECONDS * FROM_HZ) / FROM_HZ
    for suffix in ("wav", "flac"):
        (folder / suffix).mkdir()
    for index in range(count):
        if index < DIFFERENT:
            stereo = 0.05 * rng.standard_normal((len(time_seconds), 2))
            for frequency_hz in rng.uniform(100, 8000, size=5):
                stereo += 0.1 * np.sin(2 * np.pi * frequency_hz * time_seconds)[:, None] * rng.uniform(0.3, 1, size=2)
        for suffix in ("wav", "flac"):
            path = folder / suffix / f"{index:04d}.{suffix}"
            if index < DIFFERENT:
                write(path, stereo, FROM_HZ, clip=True)
            else:
                shutil.copyfile(path.with_stem(f"{index % DIFFERENT:04d}"), path)
    for suffix in ("wav", "flac"):
        save(folder, suffix, count)


def save(folder: Path, suffix: str, count: int) -> None:
    """The dataset of the files of one format."""
    from audiolect.data.dataset import save_dataset
    from audiolect.data.records import Recording, examples_frame, recordings_frame

    target = folder / f"{suffix}-data"
    target.mkdir()
    rows = [
        Recording(f"r{index:04d}", f"{index:04d}.{suffix}", SECONDS * FROM_HZ, FROM_HZ, 2, suffix, 0)
        for index in range(count)
    ]
    save_dataset(
        target,
        name=suffix,
        corpus_version="1",
        license="CC0",
        citation="",
        audio_root=folder / suffix,
        recordings=recordings_frame(rows),
        examples=examples_frame([]),
    )


def pack(folder: Path, suffix: str) -> None:
    """Ours: a whole new pack."""
    from audiolect.data.dataset import open_dataset
    from audiolect.loader.pack_plan import PackSettings
    from audiolect.loader.pack_writer import write_pack

    target = folder / f"{suffix}-pack"
    shutil.rmtree(target, ignore_errors=True)
    write_pack(open_dataset(folder / f"{suffix}-data"), target, PackSettings(rate_hz=TO_HZ, jobs=JOBS))


def read_bare(path: str) -> int:
    """Decoder and resampler by hand."""
    import soundfile
    import soxr

    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return len(soxr.resample(0.5 * (samples[:, 0] + samples[:, 1]), rate_hz, TO_HZ, "HQ"))


def memory(folder: Path) -> harness.Figure:
    """The command, watched."""
    from soundworld import watched

    program = str(Path(sys.executable).parent / "audiolect")
    data, out = str(folder / "flac-data"), str(folder / "watched-pack")
    command = [program, "pack", data, "--rate-hz", str(TO_HZ), "--out", out, "--jobs", str(JOBS)]
    _, megabytes = watched(command)
    return harness.at_most(f"pack, {JOBS} processes, memory", megabytes, MOST_MEGABYTES, unit="MB")


if __name__ == "__main__":
    sys.exit(main())
