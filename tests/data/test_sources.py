from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.data.sources import freesound_source, source_keys, youtube_source

ID = "--4gqARaEJE"


def key(text: str | None, *, assume_youtube: bool = False) -> str | None:
    return source_keys(pl.Series([text], dtype=pl.String), assume_youtube=assume_youtube).item()


def test_many_rows_keep_their_order() -> None:
    texts = ["freesound:7", f"youtube:{ID}:3", None, "x", f"youtube:Y{ID}", f"youtube:{ID}9"]
    assert source_keys(pl.Series(texts)).to_list() == [
        "freesound:7",
        f"youtube:{ID}",
        None,
        None,
        f"youtube:{ID}",
        f"youtube:{ID}9",
    ]
    assert source_keys(pl.Series([], dtype=pl.String)).to_list() == []


@pytest.mark.parametrize(
    "text",
    [f"youtube:{ID}:30", f"youtube:{ID}", f"YouTube:Y{ID}", f"https://www.youtube.com/watch?v={ID}&t=3", f"https://youtu.be/{ID}"],
)  # fmt: skip
def test_one_video_has_one_key(text: str) -> None:
    assert key(text) == f"youtube:{ID}"


@pytest.mark.parametrize(
    "text", [f"Y{ID}.wav", ID, f"{ID}_30", f"a/b/{ID}_30.000_40.000.flac", f"Y{ID}_30000_40000", f"{ID}.MP3"]
)
def test_names_are_youtube_ids_only_where_the_caller_says_so(text: str) -> None:
    assert key(text) is None
    assert key(text, assume_youtube=True) == f"youtube:{ID}"


@pytest.mark.parametrize(
    "text", ["freesound:123", "freesound:00123", "Freesound:123:x", "freesound-123", "freesound_123_dog"]
)
def test_one_upload_has_one_key(text: str) -> None:
    assert key(text) == "freesound:123"


def test_other_schemes_stand_as_they_are() -> None:
    assert key("BBC:NHU05001030") == "bbc:NHU05001030"


@pytest.mark.parametrize("text", [None, "", "dog.wav", "some words", "elevenchars but spaces", "12345"])
def test_where_nothing_can_be_said_there_is_no_key(text: str | None) -> None:
    assert key(text) is None
    assert key(text, assume_youtube=True) is None


@given(st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True), st.floats(0, 36000))
def test_what_we_write_we_read(video: str, start: float) -> None:
    assert key(youtube_source(video, start)) == f"youtube:{video}"
    assert key(youtube_source(video)) == f"youtube:{video}"


@given(st.integers(0, 10**9))
def test_uploads_too(number: int) -> None:
    assert key(freesound_source(number)) == f"freesound:{number}"


def test_start_times_have_no_needless_zeros() -> None:
    assert youtube_source(ID, 30.0) == f"youtube:{ID}:30"
    assert youtube_source(ID, 0.5) == f"youtube:{ID}:0.5"
