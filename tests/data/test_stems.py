"""Which names of files are evidence."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.data.stems import is_telling, shared_stems, stem_keys

ID = "--4gqARaEJE"


def stem(text: str | None) -> str | None:
    return stem_keys(pl.Series([text], dtype=pl.String)).item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b/Dog Bark 1.WAV", "dog bark 1"),
        (f"Y{ID}.wav", ID),
        (f"{ID}.flac", ID),
        ("Recording_1.wav", "recording_1"),
        ("123456789.wav", "123456789"),
        ("dog.wav", "dog"),
        (".wav", None),
        ("", None),
        (None, None),
    ],
)
def test_stems(text: str | None, expected: str | None) -> None:
    assert stem(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "audio_000", "1", "rec-12", "untitled", "0001", "123456789", "recording_1", "new recording 12", "track 01",
        "rain_03", "thunder", "rec_20200101_120000", "2020-01-01_12-00-00", "20200101-12-00", "audio_100000_1",
        "take3b", "rec20200101t120000", "zoom0001_lr", "voice memo 4", "test_000123", "a", "left-right", "-", "1-2-3",
    ],
)  # fmt: skip
def test_generic_names(text: str) -> None:
    assert stem(f"x/{text}.wav") == text
    assert not is_telling(text)


@pytest.mark.parametrize(
    "text",
    [
        ID, "oHgSJ5YRKLQ", "A1-b2_C3d4E", "dog barking", "dog_barking_03", "Distorted AM Radio noise".lower(),
        "1-100032-a-0", "5-198411-g-20", "100032-3-0-0", "a3f9c2e1b0", "audio_a3f9c2e1b0",
        "550e8400-e29b-41d4-a716-446655440000",
        "городская площадь", "夜の虫の声と川", "d41d8cd98f00b204e9800998ecf8427e",
    ],
)  # fmt: skip
def test_telling_names(text: str) -> None:
    assert stem(f"x/{text}.flac") == text
    assert is_telling(text)


@given(st.sampled_from(["audio", "rec", "track", "clip", "recording", ""]), st.sampled_from("_- "), st.integers(0))
def test_a_word_of_the_trade_with_any_counter_is_generic(word: str, between: str, number: int) -> None:
    assert not is_telling(f"{word}{between}{number}")
    assert not is_telling(f"{word}{number:06d}")


def test_shared_stems() -> None:
    left, right = (
        pl.DataFrame({"recording_id": names, "key": names})
        for names in (["1", "1", "dog barking", "left alone"], ["1", "dog barking", "right alone"])
    )
    telling, generic = shared_stems(left, right, within=False)
    assert telling.to_list() == ["dog barking"]
    assert generic.select("stem", "recordings_a", "recordings_b").rows() == [("1", 2, 1)]
    telling, doubtful = shared_stems(left, right, within=True)
    assert telling.to_list() == []
    assert doubtful.select("stem", "recordings_a", "recordings_b").rows() == [("dog barking", 1, 1)]
    assert shared_stems(left.clear(), right, within=False)[1].is_empty()
