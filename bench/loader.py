"""What a training waits for: shuffled batches of 16 crops of 10 s from a pack, beside the loaders of others.

500 made recordings at 32 kHz (400 of 10 s, 100 of 25 s). Ours is all that a training gets: the plan of a mixture,
texts, keys and waveforms of every batch, read ahead by two threads. The peers (``bench/loader_peers.py``) each run in
a process of their own and give waveforms only: HDF5 as the DCASE retrieval baseline reads it, FLAC files, WebDataset,
lhotse Shar, litdata, Hugging Face datasets. The bare loop knows all places beforehand and does nothing but preadv into
int16 and multiply into a float32 batch, on two threads. Everything is in the page cache; ``loader_reads.py`` measures
cold reading and single crops.

    python bench/loader.py [--quick] [--json] [--peers-python PYTHON]

``pip install -e '.[bench]'`` brings the peers; --peers-python names another interpreter that has them. A peer that
cannot be loaded is named on standard error and left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import harness

RATE_HZ, CROP_SECONDS, BATCH = 32000, 10, 16
LENGTHS_SECONDS = [10] * 400 + [25] * 100
LEAST_AUDIO_SECONDS = 80_000.0
PEERS = ("hdf5", "hdf5, 2 workers", "soundfile", "webdataset", "lhotse shar", "litdata", "datasets")
BARS = {"hdf5": 8.0} | dict.fromkeys(PEERS[2:], 3.0)  # 3 times each is 3 times the best
PASSES = 16  # of all recordings in one of our epochs: some 80,000 s of audio, of which the beginning is a small part


def main() -> int:
    """Make the recordings and every layout of them, then read epochs in turns."""
    options = harness.arguments(
        "What batches cost, beside other loaders.",
        add=lambda parser: parser.add_argument("--peers-python", default=sys.executable, help="has the peers"),
    )
    with tempfile.TemporaryDirectory(prefix="audiolect-") as name:
        folder = Path(name)
        ours = make(folder, LENGTHS_SECONDS[::5] if options.quick else LENGTHS_SECONDS)
        figures = measured(folder, ours, options)
    return harness.finish(figures, options.json)


def make(folder: Path, lengths_seconds: list[int]) -> Any:
    """The recordings, a dataset, its pack and a mixture over it; gives its training batches."""
    import numpy as np
    import soundfile

    from audiolect.data.dataset import open_dataset, save_dataset
    from audiolect.data.records import Example, Recording, examples_frame, recordings_frame
    from audiolect.loader.batch_settings import BatchSettings
    from audiolect.loader.batching import TrainingBatches
    from audiolect.loader.mixture import open_mixture
    from audiolect.loader.pack_plan import PackSettings
    from audiolect.loader.pack_writer import write_pack
    from audiolect.loader.training_entries import open_sources, training_entries

    rng = np.random.default_rng(0)
    (folder / "wav").mkdir()
    (folder / "noise").mkdir()
    recordings, examples = [], []
    for number, seconds in enumerate(lengths_seconds):
        times = np.arange(seconds * RATE_HZ) / RATE_HZ
        samples = 0.3 * np.sin(2 * np.pi * (200 + number) * times) + 0.05 * rng.standard_normal(len(times))
        path = folder / "wav" / f"{number:05d}.wav"
        soundfile.write(path, samples.astype(np.float32), RATE_HZ, subtype="PCM_16")
        recordings.append(
            Recording(
                recording_id=f"noise/{number:05d}",
                path=path.name,
                num_samples=len(times),
                sample_rate_hz=RATE_HZ,
                num_channels=1,
                codec="wav/pcm_16",
                num_bytes=path.stat().st_size,
                split="train",
            )
        )
        caption = f"a tone at {200 + number} Hz in noise"
        examples.append(
            Example(
                example_id=f"noise/{number:05d}#Audio",
                recording_id=f"noise/{number:05d}",
                split="train",
                task="AudioCaptioning",
                prompt="describe the sound in a sentence.",
                answers=(caption, f"{caption}, a second time"),
            )
        )
    save_dataset(
        folder / "noise",
        name="noise",
        corpus_version="1",
        license="CC0-1.0",
        citation="made by bench/loader.py",
        audio_root=folder / "wav",
        recordings=recordings_frame(recordings),
        examples=examples_frame(examples),
    )
    write_pack(open_dataset(folder / "noise"), folder / "pack", PackSettings(rate_hz=RATE_HZ))
    (folder / "mixture.yaml").write_text(
        f"data: {{noise: {{dataset: noise, pack: pack}}}}\n"
        f"mixture: {{epochs: 1000, global_weight: {PASSES}, seed: 7, "
        "entries: {noise-AudioCaptioning/train: {weight: 1}}}\n"
    )
    mixture = open_mixture(folder / "mixture.yaml")
    settings = BatchSettings(batch_size=BATCH, crop_seconds=CROP_SECONDS, rate_hz=RATE_HZ)
    entries = training_entries(mixture.entries, open_sources(mixture, RATE_HZ))
    return TrainingBatches(mixture.plan, entries, settings)


class PeerProcess:
    """A peer that answers each line of its input with an epoch."""

    def __init__(self, python: str, name: str, folder: Path) -> None:
        script = Path(__file__).with_name("loader_peers.py")
        self.name = name
        command = [python, str(script), name, str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def is_ready(self) -> bool:
        """Wait until it has written its layout and read it once; False where its library is missing."""
        return self._answer().get("ready") == self.name

    def rate(self) -> float:
        """Audio seconds per second of one epoch."""
        if self.process.stdin is not None:
            self.process.stdin.write("epoch\n")
            self.process.stdin.flush()
        answer = self._answer()
        if not answer:
            raise SystemExit(f"the peer {self.name} ended")
        return answer["audio_seconds"] / answer["seconds"]

    def _answer(self) -> dict[str, Any]:
        """The next line of JSON; some libraries print lines of their own."""
        while self.process.stdout is not None and (line := self.process.stdout.readline()):
            if line.startswith("{"):
                return json.loads(line)
        return {}

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def measured(folder: Path, batches: Any, options: argparse.Namespace) -> list[harness.Figure]:
    """Rates of shuffled epochs in turns: ours, the bare loop's, the peers'."""
    opened, ready = [], []
    try:
        for name in PEERS:  # one after the other, for some share a layout
            opened.append(PeerProcess(options.peers_python, name, folder))
            if opened[-1].is_ready():
                ready.append(opened[-1])
            else:
                print(f"left out: {options.peers_python} cannot load {name}", file=sys.stderr)
        rates = {"bare loop, 2 threads": bare_loop(folder / "pack")} | {peer.name: peer.rate for peer in ready}
        what = "shuffled epoch of crops of 10 s in batches of 16, warm"
        figure = harness.compare_rates(
            what, our_loop(batches), rates, unit="audio s/s", bar=BARS, repeats=3 if options.quick else 11
        )
    finally:
        for peer in opened:
            peer.close()
    return [figure, harness.at_least(f"{what}, at all", figure.ours, LEAST_AUDIO_SECONDS, unit="audio s/s")]


def our_loop(batches: Any) -> Callable[[], float]:
    """Audio seconds per second of an epoch, the next one at each call, every batch taken in hand."""
    epochs = itertools.count()

    def rate() -> float:
        samples, start = 0, time.perf_counter()
        with batches.epoch(next(epochs)) as stream:
            for batch in stream:
                samples += batch.waveforms.size
        return samples / RATE_HZ / (time.perf_counter() - start)

    return rate


def bare_loop(pack: Path) -> Callable[[], float]:
    """The limit: places known beforehand, one preadv and one multiplication for each crop, on two threads."""
    import numpy as np

    from audiolect.loader.pack_format import read_card, read_index

    index, rng = read_index(pack, read_card(pack)), np.random.default_rng(1)
    file = os.open(pack / "shard-00000.pcm", os.O_RDONLY)
    num_samples = CROP_SECONDS * RATE_HZ
    crops = rng.permutation(np.tile(np.arange(index.height), PASSES))
    first, lengths = index["start_byte"].to_numpy()[crops], index["num_samples"].to_numpy()[crops]
    places = first + 2 * rng.integers(0, lengths - num_samples + 1)
    factor = np.float32(1 / 32768)

    def run(mine: Any) -> None:
        scratch, out = np.empty(num_samples, np.int16), np.empty((BATCH, num_samples), np.float32)
        for at, place in enumerate(mine.tolist()):
            os.preadv(file, (scratch,), place)
            np.multiply(scratch, factor, out=out[at % BATCH])

    def rate() -> float:
        start = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, (places[::2], places[1::2])))
        return len(places) * CROP_SECONDS / (time.perf_counter() - start)

    return rate


if __name__ == "__main__":
    sys.exit(main())
