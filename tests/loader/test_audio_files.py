"""Audio files through the interface of packs: values of a whole decode, spans alone, what is kept, threads, forks."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_tables import save_tables

from audiolect.audio.files import read_mono, write
from audiolect.data.dataset import Dataset
from audiolect.data.records import Recording
from audiolect.errors import AudioError, DatasetError, SpanError, UnreadableAudio, UsageError
from audiolect.loader import audio_files
from audiolect.loader.audio_files import AudioFiles, open_audio_files, open_files
from audiolect.loader.pack import open_pack

SECONDS = 3
# name → rate of the file, channels, and how the dataset's span of it is cut (start and end in seconds)
FILES = {
    "a.wav": (44100, 2, (0.0, SECONDS)),
    "b.flac": (48000, 1, (0.5, 2.5)),
    "c.ogg": (22050, 2, (0.0, SECONDS)),
    "d.mp3": (44100, 1, (1.0, 2.0)),
    "e.wav": (32000, 1, (0.25, 2.75)),
    "f.flac": (11025, 1, (0.0, SECONDS)),
}


def sound(rate_hz: int, num_channels: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(rate_hz * SECONDS) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 440 * (1 + 0.1 * time) * time)
    return tone[:, None] + 0.1 * rng.standard_normal((len(time), num_channels))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("dataset")
    rows = []
    for seed, (name, (rate_hz, num_channels, (start, end))) in enumerate(FILES.items()):
        write(folder / name, sound(rate_hz, num_channels, seed), rate_hz, clip=True)
        codec = {"wav": "wav/pcm_16", "flac": "flac/pcm_16", "ogg": "ogg/vorbis", "mp3": "mp3"}[name.split(".")[1]]
        facts = {"codec": codec, "num_bytes": (folder / name).stat().st_size, "num_channels": num_channels}
        first = int(start * rate_hz)
        span = {"start_sample": first, "num_samples": int(end * rate_hz) - first, "sample_rate_hz": rate_hz}
        rows.append(Recording(recording_id=f"id-{name}", path=name, **facts, **span))
    return save_tables(folder, rows, name="sounds", audio_root=folder)


def oracle(dataset: Dataset, rate_hz: int) -> list[np.ndarray]:
    """Everything decoded whole."""
    columns = ("path", "start_sample", "num_samples")
    rows = dataset.recordings.select(columns).iter_rows()
    return [read_mono(dataset.audio_path(path), start, count, rate_hz=rate_hz) for path, start, count in rows]


@pytest.fixture(scope="module")
def whole(dataset: Dataset) -> dict[int, list[np.ndarray]]:
    return {rate_hz: oracle(dataset, rate_hz) for rate_hz in (8000, 32000, 44100)}


@pytest.mark.parametrize("rate_hz", [8000, 32000, 44100])
def test_whole_recordings_are_those_of_a_whole_decode(dataset: Dataset, whole: Any, rate_hz: int) -> None:
    source = open_audio_files(dataset, rate_hz)
    assert (source.rate_hz, len(source)) == (rate_hz, len(FILES))
    assert source.num_samples.tolist() == [len(waveform) for waveform in whole[rate_hz]]
    assert source.recording_ids.to_list() == dataset.recordings["recording_id"].to_list()
    for row, expected in enumerate(whole[rate_hz]):
        assert np.array_equal(source.read(row), expected)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 30], ids=["nothing kept", "all kept"])
@settings(deadline=None, max_examples=40)
@given(rate_hz=st.sampled_from([8000, 32000, 44100]), data=st.data())
def test_any_span_is_a_slice_of_a_whole_decode(
    dataset: Dataset, whole: Any, cache_bytes: int, rate_hz: int, data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, 5))
    source = open_audio_files(dataset, rate_hz, cache_bytes=cache_bytes)
    length = len(whole[rate_hz][row])
    start = data.draw(st.integers(0, length))
    count = data.draw(st.one_of(st.integers(0, min(2000, length - start)), st.integers(0, length - start)))
    found = source.read(row, start, count)
    expected = whole[rate_hz][row][start : start + count]
    assert found.shape == expected.shape
    # A span decoded alone differs in the last bits: by far less than half a step of int16, which is 1.5e-5.
    assert np.abs(found - expected).max(initial=0) < 2e-6


def test_short_spans_of_long_recordings_are_decoded_alone(
    dataset: Dataset, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[str, int]] = []

    def counted(path: Any, start: int, count: int, *, rate_hz: int) -> np.ndarray:
        decoded.append((Path(path).name, count))
        return read_mono(path, start, count, rate_hz=rate_hz)

    monkeypatch.setattr(audio_files, "read_mono", counted)
    source = open_audio_files(dataset, 32000)
    for row in range(len(FILES)):
        source.read(row, 16000, 320)
    alone = {name for name, count in decoded if count < 2500}
    assert alone == {"a.wav", "b.flac", "e.wav", "f.flac"}
    assert decoded[4] == ("e.wav", 320)  # the rate of the file: not a sample more
    assert source.kept_bytes == 4 * (len(whole[32000][2]) + len(whole[32000][3]))
    decoded.clear()
    source.read(2, 16000, 320)
    assert decoded == []


def test_a_span_is_the_same_to_the_last_bit_whatever_was_read_before(dataset: Dataset, whole: Any) -> None:
    length = len(whole[8000][0])
    spans = [(start, count) for count in (60, 120, 250, length // 5) for start in range(0, length - count, 97)]
    fresh = [open_audio_files(dataset, 8000).read(0, *span) for span in spans]
    source = open_audio_files(dataset, 8000)
    source.read(0)
    assert source.kept_bytes
    assert [np.array_equal(source.read(0, *span), found) for span, found in zip(spans, fresh, strict=True)] == [
        True
    ] * len(spans)
    # The oracle can tell: what was decoded alone is not bit for bit a slice of the whole.
    slices = [whole[8000][0][start : start + count] for start, count in spans]
    assert not all(np.array_equal(found, part) for found, part in zip(fresh, slices, strict=True))


def test_values_are_those_of_a_pack(dataset: Dataset, whole: Any, make_pack: Callable[..., Any]) -> None:
    """A pack holds the same, rounded to 16 bits: half a step apart, and the last bit of float32."""
    integers = [np.round(waveform.astype(np.float64) * 32768).astype(np.int16) for waveform in whole[32000]]
    pack = open_pack(make_pack(integers, ids=dataset.recordings["recording_id"].to_list()).folder)
    source = open_audio_files(dataset, 32000, cache_bytes=0)
    assert np.array_equal(source.num_samples, pack.num_samples)
    rows, rng = pack.rows_of(source.recording_ids), np.random.default_rng(0)
    mine, theirs = np.empty((6, 4000), np.float32), np.empty((6, 4000), np.float32)
    for _ in range(5):
        starts = np.array([rng.integers(0, length - 4000) for length in pack.num_samples])
        counts = rng.integers(0, 4001, 6)
        source.read_into(mine, source.rows_of(source.recording_ids), starts, counts)
        pack.read_into(theirs, rows, starts, counts)
        assert np.abs(mine - theirs).max() <= 0.5 / 32768 + 2e-6
        assert all(not row[count:].any() for row, count in zip(mine, counts, strict=True))
    assert np.array_equal(source.read(4), pack.read("id-e.wav"))  # 16 bits at its own rate: bit for bit


def test_what_is_kept_stays_within_its_bound(dataset: Dataset, whole: Any) -> None:
    sizes = [waveform.nbytes for waveform in whole[32000]]
    source = open_audio_files(dataset, 32000, cache_bytes=sizes[0] + sizes[2])
    for row in (0, 2, 0, 3, 1, 2, 0):
        assert np.array_equal(source.read(row), whole[32000][row])
        assert 0 < source.kept_bytes <= sizes[0] + sizes[2]
    tiny = open_audio_files(dataset, 32000, cache_bytes=10)
    tiny.read(0)
    assert tiny.kept_bytes == 0


@pytest.mark.parametrize("num_threads", [2, 8])
def test_threads_read_what_one_reads(dataset: Dataset, whole: Any, num_threads: int) -> None:
    source, wrong, done = open_audio_files(dataset, 32000, cache_bytes=900_000), [], []

    def hammer(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(8):
            row = int(rng.integers(0, 6))
            start = int(rng.integers(0, len(whole[32000][row]) - 1000))
            found = source.read(row, start, 1000)
            if np.abs(found - whole[32000][row][start : start + 1000]).max() > 2e-6:
                wrong.append((row, start))
            done.append(seed)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(num_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, len(done)) == ([], 8 * num_threads)
    assert source.kept_bytes <= 900_000


def test_after_a_fork_both_go_on_reading(dataset: Dataset, whole: Any) -> None:
    source = open_audio_files(dataset, 32000)
    source.read(2)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put(np.array_equal(source.read(2), whole[32000][2])))
    child.start()
    assert answers.get(timeout=20) is True
    child.join(20)
    assert np.array_equal(source.read(3), whole[32000][3])


def test_spans_outside_are_refused(dataset: Dataset) -> None:
    source = open_audio_files(dataset, 32000)
    for start, count in ((-1, 5), (0, 96_001), (96_001, 0), (5, -1)):
        with pytest.raises(SpanError, match=r"id-a\.wav"):
            source.read(0, start, count)


def test_absent_recordings_are_named(dataset: Dataset) -> None:
    source = open_audio_files(dataset, 32000)
    assert source.rows_of(["id-c.ogg", "id-a.wav"]).tolist() == [2, 0]
    with pytest.raises(DatasetError, match=r"1 of 2 recordings are absent[\s\S]*'nobody'"):
        source.rows_of(["nobody", "id-a.wav"])


def test_a_rate_is_a_rate(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="not a sample rate"):
        open_audio_files(dataset, 0)


def test_a_file_that_is_gone_is_a_letter_when_it_is_read(tmp_path: Path) -> None:
    table = {"recording_id": ["a"], "path": [str(tmp_path / "a.wav")], "start_sample": [0], "num_samples": [10]}
    source = AudioFiles(pl.DataFrame(table | {"sample_rate_hz": [10], "codec": ["wav/pcm_16"]}), 10)
    with pytest.raises(UnreadableAudio, match=r"a\.wav"):
        source.read(0)


def test_a_file_shorter_than_its_row_is_a_letter(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.zeros((5, 1)), 100)
    table = {"recording_id": ["a"], "path": [str(tmp_path / "a.wav")], "start_sample": [0], "num_samples": [10]}
    source = AudioFiles(pl.DataFrame(table | {"sample_rate_hz": [100], "codec": ["wav/pcm_16"]}), 100)
    with pytest.raises(AudioError, match="does not lie within"):
        source.read(0)


def test_own_files_need_no_dataset(dataset: Dataset, whole: Any) -> None:
    paths = [dataset.folder / "e.wav", dataset.folder / "c.ogg"]
    source = open_files(paths, 32000)
    assert source.recording_ids.to_list() == [str(path) for path in paths]
    assert np.array_equal(source.read(str(paths[0]), 8000, 80_000), whole[32000][4])
    assert np.array_equal(source.read(1), whole[32000][2])
    assert len(open_files([], 32000)) == 0
    with pytest.raises(UsageError, match="named twice"):
        open_files([paths[0], paths[0]], 32000)
    with pytest.raises(UnreadableAudio, match=r"gone\.wav"):
        open_files([dataset.folder / "gone.wav"], 32000)
