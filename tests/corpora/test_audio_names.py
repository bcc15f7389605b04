"""Finding audio by the names that people give to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.corpora.audio_names import SegmentNames, find_audio, index_audio, youtube_names


def make_files(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    return root


def test_an_index_holds_every_audio_file_once(tmp_path: Path) -> None:
    root = make_files(tmp_path, "a/x.wav", "b/x.flac", "b/y.mp3", "notes.txt")
    assert index_audio(root) == {"x": ["a/x.wav", "b/x.flac"], "y": ["b/y.mp3"]}


def test_an_empty_folder_has_no_names(tmp_path: Path) -> None:
    assert index_audio(tmp_path) == {}
    assert find_audio({}, ["x"]) == []


def test_spaces_at_the_edges_and_composed_letters_do_not_matter(tmp_path: Path) -> None:
    index = index_audio(make_files(tmp_path, " rain.wav", "cafe\u0301.wav"))
    assert find_audio(index, ["rain"]) == find_audio(index, [" rain"]) == [" rain.wav"]
    assert find_audio(index, ["caf\u00e9"]) == ["cafe\u0301.wav"]


def test_the_exact_name_goes_before_one_with_spaces(tmp_path: Path) -> None:
    index = index_audio(make_files(tmp_path, "rain .wav", "rain.wav"))
    assert find_audio(index, ["rain"]) == ["rain.wav"]
    assert find_audio(index, ["rain "]) == ["rain .wav"]


def test_upper_and_lower_case_differ(tmp_path: Path) -> None:
    index = index_audio(make_files(tmp_path, "aBcdefghijk.wav"))
    assert find_audio(index, ["abcdefghijk"]) == []


def test_the_folder_of_the_split_goes_first_and_a_foreign_one_is_ruled_out(tmp_path: Path) -> None:
    index = index_audio(make_files(tmp_path, "test/x.wav", "train/x.wav", "x.wav"))
    assert find_audio(index, ["x"], folders=["train"]) == ["train/x.wav"]
    assert find_audio(index, ["x"], folders=["valid"], foreign=["train", "test"]) == ["x.wav"]
    assert find_audio(index, ["x"]) == ["test/x.wav", "train/x.wav", "x.wav"]


def test_the_first_name_that_occurs_counts(tmp_path: Path) -> None:
    index = index_audio(make_files(tmp_path, "ID.wav", "ID_30.wav"))
    assert find_audio(index, ["ID_30", "ID"]) == ["ID_30.wav"]
    assert find_audio(index, ["ID_40", "ID"]) == ["ID.wav"]


@pytest.mark.parametrize(
    "stem",
    ["-abc_defghi", "Y-abc_defghi", "-abc_defghi_30", "-abc_defghi_30.000", "Y-abc_defghi_30000_40000"],
)
def test_the_names_of_a_segment(stem: str) -> None:
    assert stem in youtube_names("-abc_defghi", 30.0, 40.0)


@given(st.integers(0, 100_000), st.integers(1, 20))
def test_every_name_of_a_segment_holds_its_id_and_none_comes_twice(start: int, length: int) -> None:
    names = youtube_names("abcdefghijk", start, start + length)
    assert all("abcdefghijk" in name for name in names)
    assert len(names) == len(set(names))
    assert names[-2:] == ("abcdefghijk", "Yabcdefghijk")


def test_names_that_are_made_when_asked_for() -> None:
    names = SegmentNames("abcdefghijk", 3, 13, ("77_abcdefghijk",))
    assert tuple(names) == (*youtube_names("abcdefghijk", 3, 13), "77_abcdefghijk")
    assert tuple(names) == (*youtube_names("abcdefghijk", 3, 13), "77_abcdefghijk")  # and again
