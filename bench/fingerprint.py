"""The PCM hash and the spectral fingerprint: what they cost, how well they tell recordings apart, how a search scales.

``python bench/fingerprint.py [--quick] [--json]``. Real recordings are those of ESC-10 (``shared/data/esc10`` beside
the repository, or --esc10); without them, only costs are measured. One thread.

Similarities stand beside the threshold of a near-duplicate: a ratio below 1 is a stranger, above 1 a copy. Pairs of one
source recording are left out of the strangers, and uploads of other names that hold the same sound. A
recording counts among the copies if what was not cut off holds at least LEAST_BITS bits, some 0.7 s of sound.
"""

from __future__ import annotations

import argparse
import io
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness

ESC10 = Path(__file__).resolve().parents[2] / "shared" / "data" / "esc10" / "audio"
SAME_SOUND = {("2-28314-A-12", "2-30322-A-12"), ("3-151080-A-20", "5-151085-A-20")}
RELATED = {("2-28314-B-12", "2-30322-B-12")}  # one is an altered version of the other, neither copy nor stranger
LEAST_BITS = 300
HOP_SAMPLES = 1411  # of a fingerprint, at 44.1 kHz
CUT_SAMPLES = 15 * HOP_SAMPLES + HOP_SAMPLES // 2  # 0.496 s, half-way between two frames: the worst place


def main() -> int:
    """Measure everything that can be measured here."""
    options = harness.arguments(
        "What hash and fingerprint cost and how they separate.",
        add=lambda parser: parser.add_argument("--esc10", type=Path, default=ESC10, help="folder of the recordings"),
    )
    figures = [*costs(options), *scaling(options)]
    if options.esc10.is_dir():
        figures += separation(options)
    else:
        print(f"no recordings at {options.esc10}: separation is not measured", file=sys.stderr)
    return harness.finish(figures, options.json)


def costs(options: argparse.Namespace) -> list[harness.Figure]:
    """Audio seconds per second of each part, and of decoding with and without them."""
    import numpy as np
    import soundfile
    import soxr

    from audiolect.audio.fingerprint import fingerprint, pcm_hash
    from audiolect.audio.resample import to_mono
    from audiolect.audio.writing import write

    seconds, repeats = (20, 5) if options.quick else (60, 15)
    rng = np.random.default_rng(0)
    stereo = (0.1 * rng.standard_normal((seconds * 44100, 2))).astype(np.float32)
    mono = np.ascontiguousarray(stereo[:, 0])
    common: dict[str, Any] = {"work": seconds, "unit": "audio s/s", "repeats": repeats}
    resampled = {"soxr LQ to 8 kHz alone": lambda: soxr.resample(mono, 44100, 8000, "LQ")}
    copied = {"memory copy": mono.copy}
    figures = [
        harness.compare(
            "fingerprint of 44.1 kHz mono", lambda: fingerprint(mono, 44100), resampled, bar=None, **common
        ),
        harness.compare("PCM hash of 44.1 kHz mono", lambda: pcm_hash(mono, 44100), copied, bar=None, **common),
    ]

    def check(path: Path, dtype: str) -> None:
        samples, rate_hz = soundfile.read(path, dtype=dtype)
        pcm_hash(samples, rate_hz)
        fingerprint(to_mono(samples), rate_hz)

    # suffix → what the file holds, and the bar. A WAV file is decoded in 0.25 ms a second, of which 0.1 go for the hash
    # and 0.2 for the fingerprint; MP3 is decoded whole here, without the blocks that ``audio.scan`` keeps in the cache.
    kinds = {"wav": ("int16", None), "flac": ("int16", 0.7), "mp3": ("float32", None), "ogg": ("float32", 0.7)}
    with tempfile.TemporaryDirectory() as folder:
        for suffix, (dtype, bar) in kinds.items():
            path = Path(folder) / f"stereo.{suffix}"
            write(path, stereo, 44100)
            bare = {"bare soundfile": lambda path=path: soundfile.read(path, dtype="float32")}
            name = f"decode, hash, fingerprint: stereo {suffix}"
            figures.append(
                harness.compare(name, lambda path=path, dtype=dtype: check(path, dtype), bare, bar=bar, **common)
            )
    return figures


def scaling(options: argparse.Namespace) -> list[harness.Figure]:
    """Seconds to search many recordings, some of them copies, and to compare one pair."""
    import numpy as np

    from audiolect.audio.duplicates import near_duplicates
    from audiolect.audio.fingerprint import fingerprint, similarity

    count = 2000 if options.quick else 20000
    rng = np.random.default_rng(0)
    prints = [fingerprint(rng.standard_normal(40000, np.float32), 8000) for _ in range(count)]
    copies = [words[5:] for words in prints[: count // 100]]
    start = time.perf_counter()
    found = near_duplicates(prints + copies)
    searched = time.perf_counter() - start
    rounds = 200
    start = time.perf_counter()
    for words in prints[:rounds]:
        similarity(words, prints[0])
    compared_ms = (time.perf_counter() - start) / rounds * 1e3
    every_pair = len(prints + copies) ** 2 / 2 * compared_ms / 1e3
    peer = harness.Peer("comparing every pair (estimate)", every_pair, every_pair / searched, 10.0, None)
    peer = harness.Peer(peer.name, peer.value, peer.ratio, peer.bar, peer.ratio >= 10.0)
    right = len(found) == len(copies) and all(pair.second == count + pair.first for pair in found)
    return [
        harness.Figure(f"search {count} recordings of 5 s", "s", searched, searched, searched, (peer,)),
        share(f"copies found among {count} recordings", len(found) if right else 0, len(copies), least=0.98),
        harness.at_most("comparing two recordings of 5 s", compared_ms, 2.0, unit="ms"),
    ]


def separation(options: argparse.Namespace) -> list[harness.Figure]:
    """Similarities of strangers and of copies, and how many copies a search finds."""
    import numpy as np
    import soundfile

    from audiolect.audio.duplicates import near_duplicates_between
    from audiolect.audio.fingerprint import DUPLICATE_SIMILARITY, fingerprint, similarity

    paths = sorted(options.esc10.glob("*.ogg"))[:: 8 if options.quick else 1]
    waveforms = {path.stem: soundfile.read(path, dtype="float32")[0] for path in paths}
    originals = {name: fingerprint(samples, 44100) for name, samples in waveforms.items()}
    scores, same = [], []
    for first, second in itertools.combinations(sorted(originals), 2):
        score = similarity(originals[first], originals[second])
        if (first, second) in SAME_SOUND:
            same.append(score)
        elif first.split("-")[1] != second.split("-")[1] and (first, second) not in RELATED:
            scores.append(score)
    highest = 0.8 * DUPLICATE_SIMILARITY
    pairs = f"of {len(scores)} pairs of strangers"
    figures = [
        harness.at_most(f"most similar {pairs}", max(scores), highest, unit="similarity"),
        harness.at_most(f"99.9% quantile {pairs}", float(np.quantile(scores, 0.999)), highest, unit="similarity"),
        harness.at_most(f"median {pairs}", float(np.median(scores)), highest, unit="similarity"),
    ]
    if same:
        figures.append(at_least(f"least similar of {len(same)} pairs of the same sound", min(same)))
    for change, copy in COPIES.items():
        cut_frames = 16 if "cut" in change else 0
        names = [n for n, w in originals.items() if np.bitwise_count(w[cut_frames:, 1]).sum() >= LEAST_BITS]
        copies = [copy(waveforms[name]) for name in names]
        alike = [similarity(originals[name], words) for name, words in zip(names, copies, strict=True)]
        found = near_duplicates_between([originals[name] for name in names], copies)
        met = sum(pair.first == pair.second for pair in found)
        figures.append(at_least(f"{change}: least similar of {len(names)} copies", min(alike)))
        figures.append(at_least(f"{change}: median of {len(names)} copies", float(np.median(alike))))
        figures.append(share(f"{change}: found by the search", met, len(names), least=0.97))
    return figures


def at_least(name: str, value: float) -> harness.Figure:
    """A similarity that must reach the threshold."""
    from audiolect.audio.fingerprint import DUPLICATE_SIMILARITY

    ratio = value / DUPLICATE_SIMILARITY
    peer = harness.Peer("threshold", DUPLICATE_SIMILARITY, ratio, 1.0, ratio >= 1.0)
    return harness.Figure(name, "similarity", value, value, value, (peer,))


def share(name: str, count: int, total: int, *, least: float) -> harness.Figure:
    """A count beside what it could be."""
    ratio = count / total
    peer = harness.Peer("all", total, ratio, least, ratio >= least)
    return harness.Figure(name, "copies", count, count, count, (peer,))


def encoded(samples: Any, rate_hz: int, **options: Any) -> Any:
    """The samples after a way through a lossy file in memory."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **options)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def as_mp3(samples: Any, rate_hz: int) -> Any:
    """At a constant 64 kbit/s where the rate is 44.1 kHz."""
    return encoded(samples, rate_hz, format="MP3", compression_level=0.88, bitrate_mode="CONSTANT")


def as_ogg(samples: Any, rate_hz: int) -> Any:
    """At quality 0."""
    return encoded(samples, rate_hz, format="OGG", subtype="VORBIS", compression_level=1.0)


def at_rate(samples: Any, rate_hz: int) -> Any:
    """Resampled from 44.1 kHz."""
    import soxr

    return soxr.resample(samples, 44100, rate_hz)


def printed(samples: Any, rate_hz: int = 44100) -> Any:
    """The fingerprint."""
    from audiolect.audio.fingerprint import fingerprint

    return fingerprint(samples, rate_hz)


def chain(samples: Any) -> Any:
    """Everything at once: cut, softer, at 16 kHz, through OGG."""
    return printed(as_ogg(at_rate(samples[CUT_SAMPLES:] * samples.dtype.type(0.3), 16000), 16000), 16000)


# what became of the copy → its fingerprint
COPIES: dict[str, Callable[[Any], Any]] = {
    "20 dB softer": lambda x: printed(x * x.dtype.type(0.1)),
    "MP3 at 64 kbit/s": lambda x: printed(as_mp3(x, 44100)),
    "OGG at quality 0": lambda x: printed(as_ogg(x, 44100)),
    "at 8 kHz": lambda x: printed(at_rate(x, 8000), 8000),
    "at 48 kHz": lambda x: printed(at_rate(x, 48000), 48000),
    "0.5 s cut off": lambda x: printed(x[CUT_SAMPLES:]),
    "cut, softer, 16 kHz, OGG": chain,
}


if __name__ == "__main__":
    sys.exit(main())
