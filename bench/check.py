"""What a check costs: every file of a folder decoded, measured, hashed and fingerprinted, on two processes.

Synthetic recordings of 10 s, 44.1 kHz, stereo (tones in noise, so that the lossless and lossy decoders have real
work), as many of them in WAV as in FLAC, MP3 and Ogg Vorbis. Ours is what the workers of ``audiolect check`` run, and
the whole of ``check_folder`` with its tables, its search for duplicates and its files. The peer is ``soundfile.read``
of the same files, called plainly, in processes that are started in the same way: the bare cost of the decoders. All
read from the page cache.

The bar is that of the folder as a whole. WAV alone stays below it: ``soundfile.read`` takes 2.4 ms for 10 s, most of it
to make floats of integers. Ours takes the integers as they are in 0.4 ms, but then come the hash (1.0 ms; SHA-1 is the
fastest sound one that every Python has), the fingerprint (1.6), mix-down and levels (0.5) and the way to each file
(0.3).

    python bench/check.py [--quick] [--json]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import harness

SECONDS = 10
RATE_HZ = 44100
FORMATS = ("wav", "flac", "mp3", "ogg")
JOBS = 2
BAR_OF_BARE = 0.7
CHUNK = 16


def make_folder(folder: Path, number: int, copies: int) -> None:
    """Write ``number`` recordings in each format, all different, each under several names."""
    import numpy as np

    from audiolect.audio.files import write

    rng = np.random.default_rng(0)
    time_seconds = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    for index in range(number):
        for suffix in FORMATS:
            stereo = 0.05 * rng.standard_normal((len(time_seconds), 2))
            for frequency_hz in rng.uniform(100, 8000, size=5):
                stereo += 0.1 * np.sin(2 * np.pi * frequency_hz * time_seconds)[:, None] * rng.uniform(0.3, 1, size=2)
            path = folder / f"{index:02d}-0.{suffix}"
            write(path, stereo, RATE_HZ, clip=True)
            for copy in range(1, copies):
                os.link(path, folder / f"{index:02d}-{copy}.{suffix}")


def look_at(root: Path, names: Sequence[str]) -> int:
    """What a worker of ``audiolect check`` does."""
    from audiolect.data.audio_checks import Request, look_at_all

    return len(look_at_all([Request(name, name) for name in names], root))


def read_bare(root: Path, names: Sequence[str], dtype: str = "float64") -> int:
    """What decoding alone takes."""
    import soundfile

    return sum(len(soundfile.read(root / name, dtype=dtype)[0]) for name in names)


def on_two_processes(function: Callable[[Sequence[str]], int], names: Sequence[str]) -> None:
    """Run a function over chunks of the names."""
    from audiolect.parallel import map_in_order

    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    for _ in map_in_order(function, chunks, jobs=JOBS):
        pass


def check_all(root: Path, names: Sequence[str], outs: Path, numbers: count[int]) -> None:
    """The whole check, afresh."""
    from audiolect.data.checks import CheckSettings, check_folder

    out = outs / str(next(numbers))
    report = check_folder(root, names, out, CheckSettings(jobs=JOBS))
    if report.errors:
        raise SystemExit(f"the check found {len(report.errors)} errors, the first: {report.errors[0]}")
    shutil.rmtree(out)


def main() -> int:
    """Measure and print."""
    options = harness.arguments("Check a folder of audio on two processes.")
    number, copies, repeats = (4, 8, 3) if options.quick else (12, 12, 7)
    figures = []
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as outs:
        root = Path(made)
        make_folder(root, number, copies)
        names = sorted(path.name for path in root.iterdir())
        bare: dict[str, Callable[[], object]] = {
            "soundfile.read": lambda: on_two_processes(partial(read_bare, root), names),
            "soundfile.read, float32": lambda: on_two_processes(partial(read_bare, root, dtype="float32"), names),
        }
        work = len(names) * SECONDS
        measure = partial(harness.compare, work=work, unit="audio s/s", repeats=repeats)
        figures.append(
            measure(
                "decode, hash, fingerprint",
                lambda: on_two_processes(partial(look_at, root), names),
                bare,
                bar=BAR_OF_BARE,
            )
        )
        numbers = count()
        figures.append(measure("the whole check", lambda: check_all(root, names, Path(outs), numbers), bare, bar=None))
        for suffix in () if options.quick else FORMATS:
            some = [name for name in names if name.endswith(suffix)]
            figures.append(
                harness.compare(
                    f"of {suffix.upper()} alone",
                    lambda some=some: on_two_processes(partial(look_at, root), some),
                    {"soundfile.read": lambda some=some: on_two_processes(partial(read_bare, root), some)},
                    work=len(some) * SECONDS,
                    unit="audio s/s",
                    bar=None,
                    repeats=repeats,
                )
            )
    return harness.finish(figures, options.json)


if __name__ == "__main__":
    sys.exit(main())
