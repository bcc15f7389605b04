"""Other people's loaders, each in a process of its own, for ``bench/loader.py``: the same epoch on the same sound.

``python bench/loader_peers.py NAME FOLDER``. FOLDER holds ``wav/``, the recordings as 16-bit WAV files at 32 kHz, and
``seconds.json``, their lengths. The peer first writes its own layout beside them and reads one epoch, then answers each
line on its standard input with one more shuffled epoch and a line of JSON: the seconds it took, the audio seconds it
gave. It ends with its input. A library that cannot be loaded ends the process with exit code 3 and its name.

Every peer gives batches of 16 crops of 10 s as float32, and reads them as its own documentation does. What the layouts
hold is what is fastest there: int16 wherever a layout can hold it.
"""

from __future__ import annotations

import io
import itertools
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

RATE_HZ = 32_000
CROP_SAMPLES = 10 * RATE_HZ
BATCH_SIZE = 16
SHUFFLE_BUFFER = 200
Epoch = Callable[[int], Iterator[Any]]


def main() -> int:
    """Serve epochs of one peer until the input ends."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    try:
        epoch = PEERS[name](folder)
    except (ImportError, OSError) as missing:
        print(f"{name}: {missing}", file=sys.stderr)
        return 3
    timed(epoch, 0)
    print(json.dumps({"ready": name}), flush=True)
    for number, _line in enumerate(sys.stdin, start=1):
        print(json.dumps(timed(epoch, number)), flush=True)
    return 0


def timed(epoch: Epoch, number: int) -> dict[str, float]:
    """Read one epoch; every batch is looked at once, so that nothing stays unread."""
    samples, start = 0, time.perf_counter()
    for batch in epoch(number):
        if str(batch.dtype).removeprefix("torch.") != "float32":
            raise SystemExit(f"a batch of {batch.dtype}, not of float32")
        samples += batch.shape[0] * batch.shape[1]
    return {"seconds": time.perf_counter() - start, "audio_seconds": samples / RATE_HZ}


def wavs(folder: Path) -> list[Path]:
    """The recordings, in order."""
    return sorted((folder / "wav").glob("*.wav"))


def samples_of(path: Path) -> np.ndarray:
    """All of one recording, int16."""
    import soundfile

    return soundfile.read(path, dtype="int16")[0]


def crop(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ten seconds from a random place."""
    start = int(rng.integers(0, len(samples) - CROP_SAMPLES + 1))
    return samples[start : start + CROP_SAMPLES]


def from_int16(samples: np.ndarray) -> np.ndarray:
    """int16 to float32, full scale 1."""
    return samples * np.float32(1 / 32768)


def torch_epoch(dataset: Any, *, workers: int, shuffle: bool = True) -> Epoch:
    """Batches of a torch DataLoader over a dataset of float32 arrays of one length."""
    import torch
    from torch.utils.data import DataLoader

    def collate(rows: list[np.ndarray]) -> Any:
        return torch.from_numpy(np.stack(rows))

    def epoch(number: int) -> Iterator[Any]:
        torch.manual_seed(number)
        yield from DataLoader(
            dataset, batch_size=BATCH_SIZE, shuffle=shuffle or None, num_workers=workers, collate_fn=collate
        )

    return epoch


class Rows:
    """A map-style dataset: row i is what ``read`` gives for it, cropped and as float32."""

    def __init__(self, count: int, read: Callable[[int], np.ndarray]) -> None:
        self.count, self.read, self.rng = count, read, np.random.default_rng(0)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        samples = self.read(index)
        return samples if samples.dtype == np.float32 else from_int16(crop(samples, self.rng))


def hdf5(folder: Path, workers: int) -> Epoch:
    """float16 in HDF5, one dataset a recording, read whole and then cropped, as the DCASE retrieval baseline does."""
    import h5py

    path = folder / "float16.h5"
    names = [wav.stem for wav in wavs(folder)]
    if not path.exists():
        with h5py.File(path, "w") as file:
            for wav in wavs(folder):
                file[wav.stem] = from_int16(samples_of(wav)).astype(np.float16)
    opened: list[Any] = []
    rng = np.random.default_rng(0)

    def read(index: int) -> np.ndarray:
        if not opened:
            opened.append(h5py.File(path, "r"))
        return crop(opened[0][names[index]][()], rng).astype(np.float32)

    return torch_epoch(Rows(len(names), read), workers=workers)


def soundfile_files(folder: Path) -> Epoch:
    """FLAC files, a span of each read by soundfile."""
    import soundfile

    places = []
    (folder / "flac").mkdir(exist_ok=True)
    for wav in wavs(folder):
        places.append(folder / "flac" / f"{wav.stem}.flac")
        if not places[-1].exists():
            soundfile.write(places[-1], samples_of(wav), RATE_HZ)
    rng = np.random.default_rng(0)

    def read(index: int) -> np.ndarray:
        with soundfile.SoundFile(places[index]) as file:
            file.seek(int(rng.integers(0, file.frames - CROP_SAMPLES + 1)))
            return file.read(CROP_SAMPLES, dtype="float32")

    return torch_epoch(Rows(len(places), read), workers=0)


def webdataset(folder: Path) -> Epoch:
    """Tars of int16 arrays, shuffled in a buffer of 200."""
    import torch
    import webdataset as wds

    tar = folder / "int16.tar"
    if not tar.exists():
        with wds.TarWriter(str(tar)) as sink:
            for wav in wavs(folder):
                held = io.BytesIO()
                np.save(held, samples_of(wav))
                sink.write({"__key__": wav.stem, "npy": held.getvalue()})

    def epoch(number: int) -> Iterator[Any]:
        rng = np.random.default_rng(number)
        rows = wds.WebDataset(str(tar), shardshuffle=False).shuffle(SHUFFLE_BUFFER, seed=number).decode()
        cropped = (from_int16(crop(row["npy"], rng)) for row in rows)
        for batch in iter(lambda: list(itertools.islice(cropped, BATCH_SIZE)), []):
            yield torch.from_numpy(np.stack(batch))

    return epoch


def lhotse_shar(folder: Path) -> Epoch:
    """Shar shards of FLAC, shuffled in a buffer of 200, cut at random and collated by lhotse."""
    import torch
    from lhotse import CutSet, MonoCut, Recording
    from lhotse.shar import SharWriter

    place = folder / "shar"
    if not place.exists():
        place.mkdir()
        with SharWriter(str(place), fields={"recording": "flac"}, shard_size=250) as writer:
            for wav in wavs(folder):
                recording = Recording.from_file(wav)
                cut = MonoCut(wav.stem, start=0, duration=recording.duration, channel=0, recording=recording)
                writer.write(cut)

    def epoch(number: int) -> Iterator[Any]:
        rng = np.random.default_rng(number)
        cuts = CutSet.from_shar(in_dir=place, shuffle_shards=True, seed=number).shuffle(buffer_size=SHUFFLE_BUFFER)
        cropped = (crop(cut.load_audio()[0], rng) for cut in cuts)
        for batch in iter(lambda: list(itertools.islice(cropped, BATCH_SIZE)), []):
            yield torch.from_numpy(np.stack(batch).astype(np.float32, copy=False))

    return epoch


def litdata_row(path: str) -> bytes:
    """What litdata keeps of one recording. At module level, since its workers import it."""
    return samples_of(Path(path)).tobytes()


def litdata(folder: Path) -> Epoch:
    """litdata's chunks of int16 bytes, streamed and shuffled."""
    import torch
    from litdata import StreamingDataLoader, StreamingDataset, optimize

    place = folder / "litdata"
    if not (place / "index.json").exists():
        shutil.rmtree(place, ignore_errors=True)
        optimize(litdata_row, [str(wav) for wav in wavs(folder)], str(place), num_workers=1, chunk_bytes="64MB")
    rng = np.random.default_rng(0)

    def collate(rows: list[bytes]) -> Any:
        return torch.from_numpy(np.stack([from_int16(crop(np.frombuffer(row, np.int16), rng)) for row in rows]))

    dataset = StreamingDataset(str(place), shuffle=True, seed=0)
    loader = StreamingDataLoader(dataset, batch_size=BATCH_SIZE, num_workers=0, collate_fn=collate)
    return lambda _number: iter(loader)


def arrow(folder: Path) -> Epoch:
    """Hugging Face datasets: an Arrow column of int16 lists, read at random as numpy arrays."""
    import datasets

    datasets.disable_progress_bars()
    place = folder / "arrow"
    if not place.exists():
        features = datasets.Features({"samples": datasets.Sequence(datasets.Value("int16"))})
        rows = datasets.Dataset.from_generator(
            lambda: ({"samples": samples_of(wav)} for wav in wavs(folder)), features=features, cache_dir=str(folder)
        )
        rows.save_to_disk(str(place))
    table = datasets.load_from_disk(str(place)).with_format("numpy", dtype=np.int16)
    return torch_epoch(Rows(len(table), lambda index: table[index]["samples"]), workers=0)


PEERS: dict[str, Callable[[Path], Epoch]] = {
    "hdf5": lambda folder: hdf5(folder, 0),
    "hdf5, 2 workers": lambda folder: hdf5(folder, 2),
    "soundfile": soundfile_files,
    "webdataset": webdataset,
    "lhotse shar": lhotse_shar,
    "litdata": litdata,
    "datasets": arrow,
}

if __name__ == "__main__":
    sys.exit(main())
