from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import DatasetError
from audiolect.loader.group_keys import origins_of, plain_words, text_keys


def table(*pairs: tuple[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"recording_id": pl.String, "parent_id": pl.String}, orient="row")


def test_keys_are_the_first_64_bits_of_blake2b() -> None:
    expected = int.from_bytes(hashlib.blake2b("Käfer".encode(), digest_size=8).digest(), "little", signed=True)
    keys = text_keys(["Käfer", "", "Käfer"])
    assert keys.dtype == np.int64
    assert keys[0] == keys[2] == expected
    assert keys[1] != keys[0]
    assert text_keys([]).shape == (0,)


@given(st.lists(st.text(max_size=8), max_size=30))
def test_keys_are_equal_where_texts_are(texts: list[str]) -> None:
    keys = text_keys(text.encode("utf-8", "replace").decode() for text in texts)
    assert len(set(keys.tolist())) == len({text.encode("utf-8", "replace") for text in texts})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A dog, barking.", "a dog barking", True),
        ("a  dog\tbarking", "A DOG barking!", True),
        ("Straße", "STRASSE", True),
        ("a dog barking", "a dog is barking", False),
        ("adog", "a dog", False),
        ("", " . ", True),
    ],
)
def test_words_are_compared_without_case_spaces_and_punctuation(one: str, other: str, same: bool) -> None:
    assert (plain_words(one) == plain_words(other)) is same


def test_chains_end_at_their_origin_also_across_datasets() -> None:
    first = table(("a", None), ("b", "a"), ("x", "gone"))
    second = table(("c", "b"), ("d", "c"), ("y", "gone"))
    assert origins_of([first, second]) == {"b": "a", "c": "a", "d": "a", "x": "gone", "y": "gone"}
    assert origins_of([second, first]) == origins_of([first, second])
    assert origins_of([table(("a", None))]) == {}


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), min_size=7, max_size=7))
def test_origins_against_a_slow_walk(order: list[int], above: list[int]) -> None:
    parents = {f"r{number}": f"r{above[number - 1] % number}" for number in range(1, 8)}
    rows = [(f"r{number}", parents.get(f"r{number}")) for number in order]
    found = origins_of([table(*rows)])
    for recording in parents:
        walker = recording
        while walker in parents:
            walker = parents[walker]
        assert found[recording] == walker


@pytest.mark.parametrize(
    "rows", [[("a", "b"), ("b", "a")], [("a", "a")], [("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")]]
)
def test_a_circle_of_parents_is_refused(rows: list[tuple[str, str | None]]) -> None:
    with pytest.raises(DatasetError, match="each other's parents"):
        origins_of([table(*rows)])
