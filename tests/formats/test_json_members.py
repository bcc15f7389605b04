from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiolect.errors import TableError
from audiolect.formats import json_members
from audiolect.formats.json_members import LIST, read_blocks, read_members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SLOW_FIXTURES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def members(path: Path, *containers: str) -> list[Any]:
    return list(read_members(path, containers))


def expected(value: Any, containers: tuple[str, ...]) -> list[Any]:
    """The slow way: parse everything, then take it apart."""
    if isinstance(value, list):
        return [(LIST, place, item) for place, item in enumerate(value)]
    found: list[Any] = []
    for key, item in value.items():
        if key in containers and isinstance(item, dict):
            found += [(key, inner, entry) for inner, entry in item.items()]
        elif key in containers and isinstance(item, list):
            found += [(key, place, entry) for place, entry in enumerate(item)]
        else:
            found.append((None, key, item))
    return found


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1 << 22])
def test_header_and_entries_by_hand(chunk_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_members, "_CHUNK_BYTES", chunk_bytes)
    path = tmp_path / "a.json"
    path.write_text(
        '\ufeff{"split": "träin", "data" : {"0": {"a": 1}, "0" :[2] ,"x":3}, "n": 12, "list": [1, {}]}\n', "utf-8"
    )
    assert members(path, "data", "list") == [
        (None, "split", "träin"),
        ("data", "0", {"a": 1}),
        ("data", "0", [2]),
        ("data", "x", 3),
        (None, "n", 12),
        ("list", 0, 1),
        ("list", 1, {}),
    ]


@SLOW_FIXTURES
@given(
    value=st.lists(VALUES, max_size=5)
    | st.dictionaries(
        st.sampled_from(["data", "more", "split"]), VALUES | st.dictionaries(st.text(max_size=4), VALUES)
    ),
    chunk_bytes=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_any_json_is_read_as_the_json_module_reads_it(
    value: Any, chunk_bytes: int, indent: int | None, *, ascii_only: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "_CHUNK_BYTES", chunk_bytes)
        assert members(path, "data", "more") == expected(value, ("data", "more"))


@SLOW_FIXTURES
@given(
    value=st.dictionaries(st.sampled_from(["data", "n"]), st.dictionaries(st.text(max_size=3), VALUES)), data=st.data()
)
def test_damaged_json_is_refused_where_the_json_module_refuses_it(
    value: Any, data: st.DataObject, tmp_path: Path
) -> None:
    text = json.dumps(value)
    place = data.draw(st.integers(0, len(text)))
    damaged = text[:place] + data.draw(st.sampled_from(["", "{", "}", '"', ",", "]", "x"])) + text[place + 1 :]
    path = tmp_path / "a.json"
    path.write_text(damaged, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "_CHUNK_BYTES", data.draw(st.integers(1, 30)))
        try:
            sound = json.loads(damaged)
        except json.JSONDecodeError:
            sound = None
        if isinstance(sound, dict | list):
            try:
                assert members(path, "data") == expected(sound, ("data",))
            except TableError as error:
                assert "stands twice" in str(error)  # noqa: PT017 - stricter than the json module on purpose
        else:
            with pytest.raises(TableError):
                members(path, "data")


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", ":1:1", "the file ends"),
        ("3", ":1:1", "an object or a list was expected"),
        ('{"a": 1} x', ":1:10", "after the end"),
        ('{"a": 1,\n "b": }', ":2:7", "a value was expected"),
        ('{"data": {"0": {"n": 1},\n\n "1": {"n" 2}}}', ":3:12", "':' delimiter"),
        ('{"data": {"0": {"n": 1}, "1"}}', ":1:29", "expected ':'"),
        ('{"data": {0: 1}}', ":1:11", "key in double quotes"),
        ('{"data": [1, 2', ":1:15", "the file ends"),
        ('{"data": [1, ]}', ":1:14", "a value was expected"),
        ('{"data": {"0": "unterminated', ":1:16", "Unterminated"),
        ('{"data": {"0": {"n": 1, "n": 2}}}', ":1:16", "'n' stands twice"),
        ("[" * 100_000, ":1:2", "nested"),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [2, 1 << 22])
def test_what_is_wrong_is_told_with_line_and_column(
    text: str, where: str, words: str, *, chunk_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if len(text) > 1000:
        chunk_bytes = 1 << 22
    monkeypatch.setattr(json_members, "_CHUNK_BYTES", chunk_bytes)
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(TableError, match=words) as caught:
        members(path, "data")
    assert str(caught.value.where).endswith(where)


def test_nan_is_no_value_and_a_missing_file_a_letter(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"data": {"0": [NaN, -Infinity]}}')
    assert members(path, "data") == [("data", "0", [None, None])]
    with pytest.raises(TableError, match="does not exist"):
        members(tmp_path / "none.json")
    with pytest.raises(TableError, match="cannot be read"):
        members(tmp_path)
    shutil.rmtree(tmp_path)


def test_an_entry_without_end_is_not_held_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_members, "_CHUNK_BYTES", 16)
    monkeypatch.setattr(json_members, "_MOST_CHARACTERS", 64)
    path = tmp_path / "a.json"
    path.write_text('{"data": {"0": "' + "x" * 10_000)
    with pytest.raises(TableError, match="Unterminated"):
        members(path, "data")


ODD_TEXTS = st.sampled_from(['}, "', '{"1": {', "}]", "\\", '"', "a", "}", '}, "7": {"a": 1}', "ü"])
ENTRIES = st.fixed_dictionaries(
    {"a": ODD_TEXTS | st.integers()},
    optional={"b": st.lists(st.dictionaries(ODD_TEXTS, ODD_TEXTS, max_size=2), max_size=2), "c": st.none()},
)


@SLOW_FIXTURES
@given(
    entries=st.lists(ENTRIES | st.integers() | st.lists(st.integers(), max_size=2), max_size=30),
    stretch=st.integers(1, 400),
    chunk_bytes=st.integers(1, 1000),
    indent=st.sampled_from([None, 1]),
    is_list=st.booleans(),
)
def test_members_read_many_at_a_time_are_those_of_the_json_module(
    entries: list[Any], stretch: int, chunk_bytes: int, indent: int | None, *, is_list: bool, tmp_path: Path
) -> None:
    value: Any = entries if is_list else {str(number): entry for number, entry in enumerate(entries)}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": value, "n": 1}, indent=indent, ensure_ascii=False), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "_STRETCH_CHARACTERS", stretch)
        patch.setattr(json_members, "_CHUNK_BYTES", chunk_bytes)
        assert members(path, "data") == expected({"data": value, "n": 1}, ("data",))


def test_plain_members_come_in_few_blocks_and_doubled_keys_are_still_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    plain = ", ".join(f'"{number}": {{"a": [{number}]}}' for number in range(1000))
    path.write_text(f'{{"data": {{{plain}}}}}')
    blocks = list(read_blocks(path, ("data",)))
    assert len(blocks) < 5
    pairs = [pair for _, block in blocks for pair in block]
    assert pairs == [(str(number), {"a": [number]}) for number in range(1000)]
    path.write_text(f'{{"data": {{{plain}, "7": {{"a": [0]}}}}}}')
    assert members(path, "data") == [("data", key, value) for key, value in [*pairs, ("7", {"a": [0]})]]
    path.write_text(f'{{"data": {{{plain}, "x": {{"a": 1, "a": 2}}}}}}')
    with pytest.raises(TableError, match="'a' stands twice"):
        members(path, "data")
