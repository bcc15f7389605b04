"""YAML, strictly: one reading of every scalar, no doubled keys, the line of every value."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import ConfigError, DamagedFile, StorageError
from audiolect.yaml_text import parse_yaml, reads_as_number, yaml_text


def value_of(text: str):
    return parse_yaml(text, where="test.yaml").value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("-2.5e+1", -25.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", -math.inf),
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("010", 10),
        ("0o17", 15),
        ("0xFF", 255),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-05-01", "2024-05-01"),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        ("<<", "<<"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!float 12", 12.0),
    ],
)
def test_scalars_are_read_by_the_core_schema(text, expected):
    found = value_of(text)
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_a_number():
    assert math.isnan(value_of(".nan"))


def test_empty_documents_and_comments_are_none():
    assert value_of("") is None
    assert value_of("# only words\n") is None


def test_every_place_has_its_line():
    text = "# head\na: 1\nb:\n  - x\n  - c: 2\n    d: [3,\n        4]\n"
    document = parse_yaml(text, where="test.yaml")
    assert document.value == {"a": 1, "b": ["x", {"c": 2, "d": [3, 4]}]}
    assert document.lines == {
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 1): 5,
        ("b", 1, "c"): 5,
        ("b", 1, "d"): 6,
        ("b", 1, "d", 0): 6,
        ("b", 1, "d", 1): 7,
    }


def test_an_anchor_may_be_used_twice():
    assert value_of("a: &x {n: 1}\nb: *x\n") == {"a": {"n": 1}, "b": {"n": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"key 'a' stands twice .*first on line 1[\s\S]*test\.yaml:3"),
        ("x:\n  a: 1\n  'a': 2\n", r"key 'a' stands twice[\s\S]*test\.yaml:3"),
        ("1: a\n01: b\n", "key 1 stands twice"),
        ("0: a\n'0': b\n", r"key '0' stands twice .*first on line 1[\s\S]*test\.yaml:2"),
        ("a: !!python/object/apply:os.system [ls]", r"tag .*os\.system.* is refused"),
        ("a: !!python/name:os.system", "is refused"),
        ("a: !!set {x}", "is refused"),
        ("a: !!binary aGk=", "is refused"),
        ("a: !thing 1", "is refused"),
        ("a: !!int no", "is refused"),
        ("[1]: a", "neither a text nor a whole number"),
        ("1.5: a", "neither a text nor a whole number"),
        ("true: a", "neither a text nor a whole number"),
        ("a: b: c", r"not YAML[\s\S]*test\.yaml:1:5[\s\S]*mapping values"),
        ("a: [1", r"not YAML[\s\S]*test\.yaml"),
        ("\ta: 1", r"test\.yaml:1:1"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: *nobody", "undefined alias"),
        ("a: \x07", "control characters"),
        ("&x [*x]", "repeats itself without end"),
        ("[" * 200 + "]" * 200, "nests or repeats"),
        ("[" * 5000, "not YAML"),
        ("a: " + "9" * 5000, "has 5000 digits"),
    ],
)
def test_what_is_refused_is_said_with_its_place(text, message):
    with pytest.raises(DamagedFile, match=message):
        parse_yaml(text, where="test.yaml")


def test_anchors_that_multiply_are_refused():
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    with pytest.raises(DamagedFile, match="without end"):
        parse_yaml(text, where="bomb.yaml")


def test_the_class_of_the_letter_is_the_callers():
    with pytest.raises(ConfigError):
        parse_yaml("a: [", where="x", error=ConfigError)


def test_what_is_written_reads_well():
    value = {"name": "x", "stages": [{"lr": 1e-4, "on": True}, {"answers": ["yes", "no", "1e-4"]}], "none": None}
    assert yaml_text(value) == (
        "name: x\nstages:\n  - lr: 0.0001\n    'on': true\n  - answers:\n      - 'yes'\n      - 'no'\n"
        "      - '1e-4'\nnone: null\n"
    )


def test_several_lines_are_written_as_a_block():
    assert yaml_text({"text": "one\ntwo\n"}) == "text: |\n  one\n  two\n"


def test_the_same_list_twice_is_written_twice():
    shared = [1]
    assert yaml_text({"a": shared, "b": shared}) == "a:\n  - 1\nb:\n  - 1\n"


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x", {"a": 1j}])
def test_what_is_not_plain_is_not_written(value):
    with pytest.raises(StorageError, match="cannot be written as YAML"):
        yaml_text(value)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
nasty = st.text(st.sampled_from("\n\r\t \x85\u2028\u2029\ufeff\xa0\x00\x7f'\"\\:#-?a{}[],&*!|>%@`=~é😀"), max_size=6)
tricky = nasty | st.sampled_from(
    ["yes", "1e-4", "0o7", "1_0", "1:30", "2024-05-01", "~", "", "=", "<<", "- a", "# b", "a: b"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | tricky
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | tricky | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_what_is_written_is_read_back_equal(value):
    found = value_of(yaml_text(value))
    assert found == value
    assert repr(found) == repr(value)


@given(st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_readers_of_yaml_1_1_see_the_same(value):
    """An independent oracle: PyYAML's own loader."""
    assert yaml.safe_load(yaml_text(value)) == value


@pytest.mark.parametrize(
    ("text", "is_number"), [("1e-4", True), ("-3", True), (".inf", True), ("1_000", False), ("inf", False), ("", False)]
)
def test_what_reads_as_a_number(text, is_number):
    assert reads_as_number(text) is is_number
    assert isinstance(parse_yaml(text, where="a").value, int | float) is is_number
