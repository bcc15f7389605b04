"""FLAC entries: any span equals the slice of what was written, also through pieces; damage is a letter."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import DamagedFile
from audiolect.loader import flac_entries
from audiolect.loader.flac_entries import Entry, decode_span

RATE_HZ = 32000


def stream(samples: np.ndarray, **settings: str) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, samples, RATE_HZ, **({"format": "FLAC", "subtype": "PCM_16"} | settings))
    return target.getvalue()


SAMPLES = np.random.default_rng(0).integers(-32768, 32768, 200_000).astype(np.int16)
BODY = b"before" + stream(SAMPLES) + b"behind"
ENTRY = Entry(6, len(BODY) - 12, len(SAMPLES))


def fetch(first: int, size: int) -> bytes:
    return BODY[first : first + size]


@pytest.mark.parametrize("whole_bytes", [1 << 21, 1000], ids=["whole", "in pieces"])
@settings(deadline=None, max_examples=30)
@given(start=st.integers(0, 200_000), data=st.data())
def test_a_span_is_a_slice(whole_bytes: int, start: int, data: st.DataObject) -> None:
    out = np.empty(data.draw(st.integers(0, 200_000 - start)), np.int16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flac_entries, "_WHOLE_BYTES", whole_bytes)
        decode_span(fetch, ENTRY, start, out)
    assert np.array_equal(out, SAMPLES[start : start + len(out)])


def test_of_a_long_entry_only_pieces_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flac_entries, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(flac_entries, "_PIECE_BYTES", 4096)
    sizes = []

    def counted(first: int, size: int) -> bytes:
        sizes.append(size)
        return fetch(first, size)

    out = np.empty(1000, np.int16)
    decode_span(counted, ENTRY, 100_000, out)
    assert np.array_equal(out, SAMPLES[100_000:101_000])
    assert sum(sizes) < ENTRY.num_bytes / 2


def test_a_failing_fetch_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flac_entries, "_WHOLE_BYTES", 1000)

    def failing(first: int, size: int) -> bytes:
        raise DamagedFile("A part of a pack has changed since it was written.", where=f"byte {first}")

    with pytest.raises(DamagedFile, match=r"has changed[\s\S]*byte 6"):
        decode_span(failing, ENTRY, 0, np.empty(10, np.int16))


def test_the_middle_is_read_when_the_head_was_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flac_entries, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(flac_entries, "_PIECE_BYTES", 4096)

    def failing_late(first: int, size: int) -> bytes:
        if first > 100_000:
            raise DamagedFile("A part of a pack has changed since it was written.", where="late")
        return fetch(first, size)

    out = np.empty(100, np.int16)
    decode_span(failing_late, ENTRY, 0, out)
    assert np.array_equal(out, SAMPLES[:100])
    with pytest.raises(DamagedFile, match="late"):
        decode_span(failing_late, ENTRY, 190_000, out)


@pytest.mark.parametrize(
    ("body", "num_samples", "message"),
    [
        (b"not FLAC at all", 10, "libsndfile says"),
        (stream(SAMPLES[:10]), 11, "11 samples of mono FLAC"),
        (stream(np.stack([SAMPLES[:10]] * 2, axis=1)), 10, "10 samples x 2"),
        (stream(SAMPLES[:10], format="WAV"), 10, "WAV PCM_16"),
        (stream(SAMPLES[:10], subtype="PCM_24"), 10, "FLAC PCM_24"),
        (stream(SAMPLES)[:100_000], len(SAMPLES), "cannot be decoded"),
    ],
    ids=["noise", "another length", "stereo", "wav", "24 bit", "cut"],
)
def test_what_is_not_the_entry_is_refused(body: bytes, num_samples: int, message: str) -> None:
    with pytest.raises(DamagedFile, match=message):
        decode_span(
            lambda first, size: body[first : first + size],
            Entry(0, len(body), num_samples),
            max(0, num_samples - 11),
            np.empty(10, np.int16),
        )
