"""libsndfile: block by block as in one go, damage told from truncation, lengths that headers do not tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiolect.audio import files
from audiolect.audio.headers import inspect
from audiolect.audio.sndfile import Forward, open_sndfile
from audiolect.audio.source import TruncatedAudio
from audiolect.errors import UnreadableAudio


@pytest.mark.parametrize("name", ["low-rate.mp3", "vorbis.ogg", "ffmpeg.opus", "16.flac", "24.wav"])
def test_blocks_of_any_size_make_the_whole(encoded: Callable[[str], Path], name: str) -> None:
    """SoundFile's own block reading fails here for MP3 at 22050 Hz: it seeks after each block."""
    with soundfile.SoundFile(encoded(name)) as file:
        whole = file.read(dtype="float32", always_2d=True)
    for size in (1000, 4096, 10007):
        with Forward(str(encoded(name))) as file:
            block = np.empty((size, file.channels), np.float32)
            taken = []
            while len(part := file.read(out=block)):
                taken.append(part.copy())
        assert np.array_equal(np.concatenate(taken), whole)


@pytest.mark.parametrize(("subtype", "rate_hz"), [("VORBIS", 44100), ("OPUS", 48000)])
def test_spans_of_several_ogg_pages(tmp_path: Path, subtype: str, rate_hz: int) -> None:
    """Where libsndfile seeks, its samples are wrong: Vorbis in the last page, Opus here and there in the last bit."""
    path = tmp_path / "pages.ogg"
    rng = np.random.default_rng(0)
    num_samples = 6 * rate_hz + 123
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(num_samples) / rate_hz)
    soundfile.write(path, tone[:, None] + 0.1 * rng.standard_normal((num_samples, 2)), rate_hz, subtype=subtype)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert files.probe(path).num_samples == num_samples
    for start in [*range(100, num_samples - 2000, num_samples // 23), *range(64_000, 67_200, 400)]:
        assert np.array_equal(files.read(path, start, 1500)[0], whole[start : start + 1500]), start
    assert np.array_equal(files.read(path, num_samples - 1000, 700)[0], whole[-1000:-300])


def test_16_bit_files_are_read_as_integers_and_others_as_floats(encoded: Callable[[str], Path]) -> None:
    for name, dtype in (("16.wav", np.int16), ("16.flac", np.int16), ("24.flac", np.float32), ("vbr.mp3", np.float32)):
        with open_sndfile(encoded(name), inspect(encoded(name))) as source:
            assert next(source.blocks(0, 10)).dtype == dtype


def test_long_files_come_in_several_blocks(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    values = np.random.default_rng(0).integers(-1000, 1000, (1_400_000, 1)).astype(np.int16)
    soundfile.write(path, values, 8000)
    with open_sndfile(path, inspect(path)) as source:
        sizes = []
        parts = []
        for block in source.blocks(1000, 1_390_000):
            sizes.append(len(block))
            parts.append(block.copy())  # a block is valid until the next one
    assert len(sizes) > 2
    assert np.array_equal(np.concatenate(parts), values[1000:1_391_000])


def test_flac_damaged_inside_is_not_called_truncated(tmp_path: Path) -> None:
    path = tmp_path / "noise.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (100_000, 1)), 16000)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(TruncatedAudio, match="100000 samples"):
        files.read(path)
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    path.write_bytes(data)
    with pytest.raises(UnreadableAudio, match="damaged") as caught:
        files.read(path)
    assert not isinstance(caught.value, TruncatedAudio)


@pytest.mark.parametrize("name", ["noise.flac", "noise.raw"])
@pytest.mark.parametrize("span", [(0, 160_000), (30_000, 130_000)])
@pytest.mark.parametrize("kind", ["cut", "damaged"])
def test_what_can_be_decoded_of_a_flac_is_counted(tmp_path: Path, kind: str, span: tuple[int, int], name: str) -> None:
    """Blocks are far longer than the frames of FLAC: what came before the bad frame of a block counts too."""
    whole = tmp_path / "whole.flac"
    soundfile.write(whole, np.random.default_rng(0).uniform(-0.5, 0.5, (160_000, 1)), 16000)
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    path = tmp_path / name
    path.write_bytes(data[:middle] if kind == "cut" else data[:middle] + bytes(200) + data[middle + 200 :])
    with pytest.raises(UnreadableAudio) as caught:
        files.read(path, *span)
    count = re.search(r"sample (\d+)$" if kind == "damaged" else r"^(\d+) samples that can", caught.value.found or "")
    assert count is not None
    assert 75_000 < int(count[1]) < 80_000  # noise: half of the bytes are half of the samples
    assert len(files.read(path, 0, int(count[1]))[0]) == int(count[1])
    with pytest.raises(UnreadableAudio):
        files.read(path, 0, int(count[1]) + 1)


def test_flac_written_to_a_pipe_has_its_length_counted(
    encoded: Callable[[str], Path], stereo: np.ndarray, run_ffmpeg: Callable[..., bytes], tmp_path: Path
) -> None:
    """Its header states a length of 0, and libsndfile 2^63 - 1; it cannot seek in it either."""
    path = tmp_path / "pipe.flac"
    path.write_bytes(run_ffmpeg("-i", encoded("16.wav"), "-c:a", "flac", "-f", "flac", "-"))
    assert files.probe(path).num_samples == 33333
    assert np.abs(files.read(path, 9000, 3000)[0] - stereo[9000:12000]).max() <= 1 / 32768


@pytest.mark.parametrize("kind", ["wav", "w64"])
def test_wav_written_to_a_pipe_goes_on_to_its_end(
    encoded: Callable[[str], Path], run_ffmpeg: Callable[..., bytes], tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"pipe.{kind}"
    path.write_bytes(run_ffmpeg("-i", encoded("16.wav"), "-c:a", "pcm_s16le", "-f", kind, "-"))
    assert files.probe(path).num_samples == 33333


def test_vorbis_damaged_inside(encoded: Callable[[str], Path], tmp_path: Path) -> None:
    """libvorbis passes over the hole, and fewer samples come than the last page states."""
    data = bytearray(encoded("vorbis.ogg").read_bytes())
    middle = data.index(b"OggS", len(data) // 2) + 200
    data[middle : middle + 100] = bytes(100)
    path = tmp_path / "hole.ogg"
    path.write_bytes(data)
    with pytest.raises(UnreadableAudio):
        files.read(path)
