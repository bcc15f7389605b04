"""Parts: what is written, what is taken from an earlier run, what is cut where."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import StorageError
from audiolect.loader import pack_parts
from audiolect.loader.pack_parts import (
    PART_BYTES,
    Part,
    cut_in_parts,
    largest_entry_bytes,
    make_part,
    pieces_of,
    remove_part,
    samples_path,
)
from audiolect.storage import fingerprint_bytes


def sound(num_samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20000, 20000, num_samples).astype(np.int16)


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """Two good recordings around all kinds of bad ones."""
    (tmp_path / "state").mkdir()
    soundfile.write(tmp_path / "a.wav", sound(3000), 8000)
    soundfile.write(tmp_path / "b.wav", sound(2001, 1), 8000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not a sound at all")
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan, 0.0]), 8000, subtype="FLOAT")
    rows = (
        ("a", "a.wav", 0, 3000, 8000),
        ("gone", "gone.wav", 0, 3000, 8000),
        ("empty", "empty.wav", 0, 3000, 8000),
        ("text", "text.wav", 0, 3000, 8000),
        ("cut", "cut.wav", 0, 3000, 8000),
        ("nan", "nan.wav", 0, 3, 8000),
        ("outside", "../state/a.wav", 0, 3, 8000),
        ("long", "a.wav", 0, 3001, 8000),
        ("rate", "a.wav", 0, 3000, 16000),
        ("b", "b.wav", 1, 2000, 8000),
    )
    return Part(0, tmp_path / "state", tmp_path, 8000, "pcm", rows)


def test_good_entries_stand_end_to_end_and_bad_ones_are_told(part: Part) -> None:
    account = make_part(part)
    a, b = sound(3000).tobytes(), sound(2001, 1)[1:].tobytes()
    assert samples_path(part.state, 0).read_bytes() == a + b
    assert account.recording_id == ["a", "b"]
    assert account.num_bytes == [6000, 4000]
    assert account.num_samples == [3000, 2000]
    assert account.scale == [1.0, 1.0]
    assert account.hash == [fingerprint_bytes([a]), fingerprint_bytes([b])]
    assert account.source_start_sample == [0, 1]
    assert account.source_num_samples == [3000, 2000]
    assert account.source_rate_hz == [8000, 8000]
    assert {problem["where"]: problem["reason"] for problem in account.problems} == {
        "gone": "missing",
        "empty": "empty",
        "text": "unreadable",
        "cut": "truncated",
        "nan": "not-finite",
        "outside": "unsafe-path",
        "long": "length-mismatch",
        "rate": "rate-mismatch",
    }


def test_flac_is_lossless_and_each_entry_is_a_whole_stream(part: Part) -> None:
    flac = Part(0, part.state, part.root, 8000, "flac", part.rows)
    account = make_part(flac)
    data = samples_path(part.state, 0).read_bytes()
    assert sum(account.num_bytes) == len(data)
    first, rest = data[: account.num_bytes[0]], data[account.num_bytes[0] :]
    for stream, wanted in ((first, sound(3000)), (rest, sound(2001, 1)[1:])):
        found, rate_hz = soundfile.read(io.BytesIO(stream), dtype="int16")
        assert rate_hz == 8000
        assert np.array_equal(found, wanted)
    assert account.hash == [fingerprint_bytes([first]), fingerprint_bytes([rest])]


@pytest.mark.parametrize("codec", ["pcm", "flac"])
def test_a_scale_found_late_leaves_nothing_of_the_first_try(tmp_path: Path, codec: str) -> None:
    loud = np.zeros(200_000)
    loud[:100_000] = 0.25
    loud[199_000] = -4.0
    soundfile.write(tmp_path / "a.wav", loud, 8000, subtype="FLOAT")
    account = make_part(Part(0, tmp_path, tmp_path, 8000, codec, (("a", "a.wav", 0, 200_000, 8000),)))
    data = samples_path(tmp_path, 0).read_bytes()
    assert len(data) == account.num_bytes[0]
    found = np.frombuffer(data, "<i2") if codec == "pcm" else soundfile.read(io.BytesIO(data), dtype="int16")[0]
    assert found / 32768 * account.scale[0] == pytest.approx(loud, abs=account.scale[0] / 32768)
    assert account.scale[0] == pytest.approx(4 * 32768 / 32767)


def test_a_part_that_is_done_is_not_decoded_again(part: Part) -> None:
    account = make_part(part)
    (part.root / "a.wav").unlink()
    assert make_part(part) == account


def test_a_part_whose_samples_did_not_reach_the_disk_is_made_again(part: Part) -> None:
    account = make_part(part)
    path = samples_path(part.state, 0)
    whole = path.read_bytes()
    for damaged in (whole[:-2], whole[:100] + b"\0\0" + whole[102:], b""):
        path.write_bytes(damaged)
        assert make_part(part) == account
        assert path.read_bytes() == whole


def test_parts_are_removed(part: Part) -> None:
    make_part(part)
    remove_part(part.state, 0)
    remove_part(part.state, 0)
    assert list(part.state.iterdir()) == []


@pytest.mark.parametrize("codec", ["pcm", "flac"])
def test_a_full_disk_is_a_letter_and_leaves_its_room(part: Part, monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    class Full:
        name = "full"

        def __init__(self, file: object) -> None:
            self.file = file

        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

    encoder = pack_parts._ENCODERS[codec]
    if codec == "pcm":
        monkeypatch.setitem(pack_parts._ENCODERS, "pcm", lambda span, hz, file: encoder(span, hz, Full(file)))
    else:
        temporary = pack_parts.tempfile.TemporaryFile

        class Apart:
            def __enter__(self) -> Full:
                self.file = temporary()
                return Full(self.file)

            def __exit__(self, *_: object) -> None:
                self.file.close()

        monkeypatch.setattr(pack_parts.tempfile, "TemporaryFile", lambda **_: Apart())
    with pytest.raises(StorageError, match="cannot be written") as raised:
        make_part(Part(0, part.state, part.root, 8000, codec, part.rows))
    assert "No space left" in str(raised.value)
    assert list(part.state.iterdir()) == []


@given(st.lists(st.integers(0, 3 * PART_BYTES), max_size=40))
def test_parts_cover_everything_in_order(sizes: list[int]) -> None:
    borders = cut_in_parts(np.array(sizes, np.int64))
    assert borders[0] == 0
    assert borders[-1] == len(sizes)
    assert (np.diff(borders) > 0).all()
    for first, end in pairwise(borders):
        assert sum(sizes[first : end - 1]) < PART_BYTES


def test_many_short_recordings_are_cut_too() -> None:
    borders = cut_in_parts(np.full(20_000, 2, np.int64))
    assert np.diff(borders).max() <= PART_BYTES // 4096 + 1


def test_noise_as_flac_stays_under_its_bound(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-32768, 32768, 100_000).astype(np.int16)
    for count in (1, 5000, 100_000):
        target = io.BytesIO()
        soundfile.write(target, noise[:count], 32000, format="FLAC")
        assert len(target.getvalue()) <= largest_entry_bytes(2 * count, "flac")
    assert largest_entry_bytes(7, "pcm") == 7


def test_pieces_end_with_the_file() -> None:
    file = io.BytesIO(b"abcdef")
    assert b"".join(pieces_of(file, 4)) == b"abcd"
    assert b"".join(pieces_of(file, 4)) == b"ef"
    assert list(pieces_of(file, 0)) == []
