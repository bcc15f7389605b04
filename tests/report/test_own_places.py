"""What is published names no place of a machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.report.own_places import without_places

HOME = "/ho" + "me"  # written so that this file names no place either


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HOME}/me/a.yaml", "a.yaml"),
        (f"{HOME}/my user/a b.wav", "a b.wav"),
        ("~/runs/first", "first"),
        ("../../data/world", "world"),
        ("./world", "world"),
        ("C:\\Users\\me\\x.wav", "x.wav"),
        ("\\\\server\\share\\x.wav", "x.wav"),
        (f"file://{HOME}/x/y.wav", "y.wav"),
        (f"audiolect train {HOME}/me/a.yaml --out ../r/a data.t.dataset=/x/y", "audiolect train a.yaml --out a "
         "data.t.dataset=y"),
        (f"audiolect train 'data={{a: {{dataset: {HOME}/me/w}}}}'", "audiolect train 'data={a: {dataset: w}}'"),
        (f"look at {HOME}/me/x and '../b/c'", "look at x and 'c'"),
    ],
)  # fmt: skip
def test_of_a_place_its_last_name_is_left(text: str, expected: str) -> None:
    assert without_places(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "openai/whisper-tiny",
        "https://zenodo.org/records/7120",
        "clotho > caption: ",
        "tones-AudioCaptioning/train",
        "runs/first",
        "this and / or that",
        "fold != 5",
        "",
    ],
)
def test_what_is_no_place_stays(text: str) -> None:
    assert without_places(text) == text


def test_plain_values_keep_their_shape() -> None:
    value = {"a": [f"{HOME}/x", 1, None, True], "b": {"c": ("~/y", 0.5)}}
    assert without_places(value) == {"a": ["x", 1, None, True], "b": {"c": ["y", 0.5]}}


@given(st.lists(st.from_regex(r"[a-z0-9_.]*[a-z0-9]", fullmatch=True), min_size=2, max_size=5))
def test_no_folder_of_a_path_is_left(names: list[str]) -> None:
    for beginning in ("/", "~/", "../"):
        path = beginning + "/".join(names)
        assert without_places(path) == names[-1]
        assert without_places(f"audiolect train {path}") == f"audiolect train {names[-1]}"
