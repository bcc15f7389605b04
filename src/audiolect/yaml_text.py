"""YAML text ↔ plain values, strictly: one reading of every scalar, no doubled keys, and the line of every value.

Conventions: scalars are read by the core schema of YAML 1.2: ``1e-4`` is a number (YAML 1.1 calls it a text), ``yes``,
``no``, ``on``, ``off``, ``1:30`` and ``2024-05-01`` are texts (YAML 1.1 calls them truth values, a base-60 number and
a date), ``010`` is ten. Only plain values are built: mappings, lists, texts, numbers, truth values and null; every
other tag is refused. What is written is quoted so that readers of YAML 1.1 and of 1.2 see the same. A place inside a
document is a tuple of keys and list positions, e.g. ``("stages", 0, "lr")``.

Public names: Document, Place, parse_yaml, yaml_text.

Source: https://yaml.org/spec/1.2.2/, section 10.3.2 (core schema).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from audiolect.errors import AudiolectError, DamagedFile, StorageError

Place = tuple[str | int, ...]

# Deeper nesting, or more values than the text can spell out, is an attack (anchors that multiply) and no document.
_MAX_DEPTH = 100
_MAX_EXTRA_VALUES = 100_000
_MAX_DIGITS = 1000

_TAG = "tag:yaml.org,2002:"

# What a plain scalar is, by the core schema; whatever matches nothing is a text.
_SCALARS: dict[str, re.Pattern[str]] = {
    "null": re.compile(r"(?:~|null|Null|NULL|)\Z"),
    "bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    "int": re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    "float": re.compile(
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}
# PyYAML looks resolvers up by the first character, and under None for any character.
_RESOLVERS = {None: [(_TAG + name, pattern) for name, pattern in _SCALARS.items()]}


@dataclass(frozen=True)
class Document:
    """The value of a YAML text, and the line (counted from 1) on which each key or list element stands."""

    value: Any
    lines: dict[Place, int] = field(default_factory=dict)


def parse_yaml(text: str, *, where: object, error: type[AudiolectError] = DamagedFile) -> Document:
    """Read one YAML document.

    Args:
        text: the document; an empty one has the value None.
        where: the file it came from, for the letter.
        error: the class of the letter.

    Raises:
        error: with file and line, when the text is not YAML, holds two documents, a doubled key, a key that is neither
            text nor whole number, or a tag that asks for anything but plain values.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        value = None if node is None else _Builder(lines, len(text) + _MAX_EXTRA_VALUES).build(node, ())
    except _Refused as refused:
        raise error(refused.message, where=f"{where}:{refused.line}", fix=refused.fix) from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        found = ", ".join(part for part in (problem.context, problem.problem) if part)
        raise error(
            "The text is not YAML.",
            where=place,
            found=found,
            cause="wrong indentation, a tab, a missing quote, or a colon without a space after it",
        ) from None
    except yaml.YAMLError as problem:
        raise error("The text is not YAML.", where=where, found=str(problem).splitlines()[0]) from None
    finally:
        loader.dispose()
    return Document(value, lines)


def yaml_text(value: Any) -> str:
    """Write plain values as YAML, in their order; ``parse_yaml`` gives them back equal (tuples as lists).

    Raises:
        StorageError: the value holds something that is not plain.
    """
    try:
        return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))
    except yaml.representer.RepresenterError as problem:
        raise StorageError(
            "A value cannot be written as YAML.",
            expected="mappings, lists, texts, numbers, truth values and null",
            found=repr(problem.args[-1]),
        ) from None


class _Refused(Exception):  # noqa: N818 - never leaves this file
    """Something that YAML allows and we do not."""

    def __init__(self, message: str, node: yaml.Node, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.fix = message, _line(node), fix


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The parser, in C where PyYAML has it, that knows the scalars of the core schema only."""

    yaml_implicit_resolvers = _RESOLVERS


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Only double quotes can spell the other characters that YAML 1.1 takes for line breaks.
    style = '"' if _ODD_BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_ODD_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_PLAIN_KINDS = (type(None), bool, int, float, list, tuple, dict)


class _Dumper(yaml.SafeDumper):
    """Writes plain values only; texts that either version of YAML would take for something else are quoted."""

    yaml_implicit_resolvers = yaml.SafeDumper.yaml_implicit_resolvers | _RESOLVERS
    yaml_representers: ClassVar[dict[Any, Any]] = {
        **{kind: yaml.SafeDumper.yaml_representers[kind] for kind in _PLAIN_KINDS},
        str: _represent_text,
    }
    yaml_multi_representers: ClassVar[dict[Any, Any]] = {object: yaml.SafeDumper.represent_undefined}

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        # PyYAML sets the dashes of a list under the key itself; one step to the right reads better.
        super().increase_indent(flow, False)


class _Builder:
    """Builds the values of one document from its nodes and notes their lines."""

    def __init__(self, lines: dict[Place, int], max_values: int) -> None:
        self.lines = lines
        self.values_left = max_values

    def build(self, node: yaml.Node, place: Place) -> Any:
        self.values_left -= 1
        if len(place) > _MAX_DEPTH or self.values_left < 0:
            raise _Refused("The document nests or repeats itself without end.", node, "use fewer anchors (&, *)")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq")
            for position, element in enumerate(node.value):
                self.lines[(*place, position)] = _line(element)
            return [self.build(element, (*place, position)) for position, element in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str | int, Any]:
        self._check_tag(node, "map")
        mapping: dict[str | int, Any] = {}
        first_lines: dict[str, int] = {}  # by text: 3 and "3" are one key to whoever reads JSON
        for key_node, value_node in node.value:
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise _Refused("A key is neither a text nor a whole number.", key_node, "put the key in quotes")
            if str(key) in first_lines:
                raise _Refused(
                    f"The key {key!r} stands twice in one mapping (first on line {first_lines[str(key)]}).",
                    key_node,
                    "keep one of the two",
                )
            first_lines[str(key)] = self.lines[(*place, key)] = _line(key_node)
            mapping[key] = self.build(value_node, (*place, key))
        return mapping

    @staticmethod
    def _check_tag(node: yaml.Node, name: str) -> None:
        if node.tag != _TAG + name:
            raise _Refused(f"The tag {node.tag!r} is refused: only plain values are read.", node, "remove the tag")


def reads_as_number(text: str) -> bool:
    """Whether a plain scalar of these characters is a number: ``1e-4`` is, ``1_000`` and ``inf`` are texts."""
    return any(_SCALARS[name].match(text) for name in ("int", "float"))


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text = str(node.value)
    name = node.tag.removeprefix(_TAG)
    if name == "str":
        return text
    if name not in _SCALARS or not _SCALARS[name].match(text):
        raise _Refused(f"The tag {node.tag!r} is refused here: only plain values are read.", node, "remove the tag")
    if name == "null":
        return None
    if name == "bool":
        return text.lower() == "true"
    if name == "int":
        if len(text) > _MAX_DIGITS:
            raise _Refused(f"A number has {len(text)} digits.", node, "put it in quotes, if it is a text")
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text if base == 10 else text[2:], base)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
