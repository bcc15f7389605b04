"""A small world to be batched: datasets with invented texts, and sources of which every sample can be foretold."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

from audiolect.data.dataset import Dataset, open_dataset, save_dataset
from audiolect.data.records import Example, Recording, examples_frame, recordings_frame
from audiolect.errors import DatasetError
from audiolect.loader.examples import example_table
from audiolect.loader.plan import Plan, PlanEntry
from audiolect.loader.schedules import Schedule
from audiolect.loader.training_entries import TrainingEntry

sys.path.insert(0, str(Path(__file__).parent))

RATE_HZ = 100


def sample_value(row: int, samples: Any) -> Any:
    """What stands at some samples of a recording of an InventedSource."""
    return (((row + 1) * 7919 + np.asarray(samples) * 31) % 10007 + 1).astype(np.float32) / np.float32(10008)


@dataclass
class InventedSource:
    """A WaveformSource without sound: nothing is read, everything is computed."""

    recording_ids: pl.Series
    num_samples: Any
    rate_hz: int = RATE_HZ
    fails_at: int = -1
    threads: set[int] = field(default_factory=set)

    def rows_of(self, recording_ids: Sequence[str] | pl.Series) -> Any:
        places = {name: row for row, name in enumerate(self.recording_ids)}
        absent = [name for name in recording_ids if name not in places]
        if absent:
            raise DatasetError(f"{len(absent)} of {len(recording_ids)} recordings are absent.", found=absent[0])
        return np.array([places[name] for name in recording_ids], np.int64)

    def read(self, row: int, start_sample: int = 0, num_samples: int | None = None) -> Any:
        count = int(self.num_samples[row]) - start_sample if num_samples is None else num_samples
        if start_sample < 0 or start_sample + count > self.num_samples[row]:
            raise DatasetError("Beyond the recording.")
        return sample_value(row, np.arange(start_sample, start_sample + count))

    def read_into(self, out: Any, rows: Any, starts: Any, counts: Any) -> None:
        self.threads.add(threading.get_ident())
        for at, (row, start, count) in enumerate(zip(rows, starts, counts, strict=True)):
            if row == self.fails_at:
                raise DatasetError("This recording cannot be read.", where=self.recording_ids[int(row)])
            out[at, :count] = self.read(int(row), int(start), int(count))
            out[at, count:] = 0


def invented_dataset(folder: Path, name: str, lengths: Sequence[int]) -> Dataset:
    """A dataset with one captioning example for each length: 1 to 3 captions, a prompt."""
    recordings = [
        Recording(
            f"{name}/{index}.wav",
            f"{index}.wav",
            num_samples=max(1, length),
            sample_rate_hz=RATE_HZ,
            num_channels=1,
            codec="pcm_s16le",
            num_bytes=1,
            split="train",
        )
        for index, length in enumerate(lengths)
    ]
    examples = [
        Example(
            f"{name}/{index}",
            f"{name}/{index}.wav",
            "train",
            "AudioCaptioning",
            prompt=f"describe {index}",
            answers=tuple(f"caption {place} of {name} {index}" for place in range(1 + index % 3)),
        )
        for index in range(len(lengths))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    return save_dataset(
        folder,
        name=name,
        corpus_version="1",
        license="CC0-1.0",
        citation="none",
        audio_root=folder,
        recordings=recordings_frame(recordings),
        examples=examples_frame(examples),
    )


def invented_source(dataset: Dataset, lengths: Sequence[int]) -> InventedSource:
    """The source of an invented dataset, its rows in another order than the dataset's."""
    ids = dataset.recordings["recording_id"].reverse()
    return InventedSource(ids, np.array(lengths, np.int64)[::-1].copy())


@dataclass
class World:
    """A plan over some invented datasets, with what is needed to batch it."""

    plan: Plan
    entries: list[TrainingEntry]
    datasets: list[Dataset]
    sources: list[InventedSource]


def make_world(
    folder: Path, lengths: dict[str, Sequence[int]], *, weight: Fraction = Fraction(1), epochs: int = 3, seed: int = 7
) -> World:
    datasets, sources, entries, planned = [], [], [], []
    for name in sorted(lengths):
        dataset = invented_dataset(folder / name, name, lengths[name])
        source = invented_source(dataset, lengths[name])
        key = f"{name}-AudioCaptioning/train"
        count = len(lengths[name])
        entries.append(TrainingEntry(key, count, cycling_rows, example_table(dataset, source)))
        planned.append(PlanEntry(key, count, Schedule.constant(1.0)))
        datasets.append(dataset)
        sources.append(source)
    plan = Plan(entries=planned, global_weight=weight, epochs=epochs, seed=seed)
    return World(plan, entries, datasets, sources)


def cycling_rows(items: Any, passes: Any) -> tuple[Any, Any]:
    """Example i has 1 + i % 3 captions, of which pass k takes number k modulo their count."""
    return items, passes % (1 + items % 3)


@pytest.fixture(scope="session")
def world_of() -> Callable[..., World]:
    """``make_world``."""
    return make_world


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two datasets, 37 and 20 examples of 0.05 to 9 s at 100 Hz."""
    rng = np.random.default_rng(5)
    lengths = {"birds": rng.integers(5, 900, 37).tolist(), "cars": rng.integers(5, 300, 20).tolist()}
    return make_world(tmp_path_factory.mktemp("world"), lengths)


@pytest.fixture(scope="session")
def foretold() -> Callable[[int, Any], Any]:
    """``sample_value``."""
    return sample_value


@pytest.fixture
def make_pack(tmp_path: Path) -> Callable[..., Any]:
    """``make_pack(lengths or arrays, name="pack", **settings of made_packs.write_pack)`` → a MadePack."""
    import made_packs

    def make(recordings: Sequence[Any], name: str = "pack", **settings: Any) -> Any:
        integers = made_packs.noise(recordings) if all(isinstance(item, int) for item in recordings) else recordings
        return made_packs.write_pack(tmp_path / name, integers, **settings)

    return make


@pytest.fixture
def seal_card() -> Callable[..., None]:
    """``seal_card(folder, key=value…)`` changes a card as nobody but its writer should."""
    import made_packs

    return made_packs.seal


@pytest.fixture
def make_sounds(tmp_path: Path) -> Callable[..., Dataset]:
    """Write arrays, (T,) or (T, C) with a full scale of 1, as audio files, and a dataset of them.

    ``sounds`` is name → (samples, rate in Hz), or with a subtype of soundfile as a third; names end with the format.
    """

    def make(sounds: dict[str, Any], *, name: str = "sounds", split_of: Callable[[str], str] = lambda _: "all") -> Any:
        audio, folder = tmp_path / f"{name}-audio", tmp_path / name
        audio.mkdir(exist_ok=True)
        rows = []
        for path, (samples, rate_hz, *subtype) in sounds.items():
            soundfile.write(audio / path, samples, rate_hz, subtype=subtype[0] if subtype else "PCM_16")
            channels = 1 if samples.ndim == 1 else samples.shape[1]
            split = split_of(path)
            rows.append(Recording(f"s/{path}", path, len(samples), rate_hz, channels, "any", 0, split=split))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        save_dataset(
            folder,
            name=name,
            corpus_version="1",
            license="CC0",
            citation="",
            audio_root=audio,
            recordings=recordings_frame(rows),
            examples=examples_frame([]),
        )
        return open_dataset(folder)

    return make
