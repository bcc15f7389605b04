"""The values of a street: what the file names and the command line may give, and where ``$name`` stands for them.

    audio: {kind: folder, about: "your recordings"}          must be given: audio=DIR
    epochs: {kind: number, default: 70}
    captions: {kind: run, default: null}                     may be left out

``$name`` as a whole text is the value as it is; within a longer text it is put in its place, and ``$name.name`` is the
last part of a path. ``$$`` is a dollar.

Conventions: paths on the command line are relative to where one stands, those of a file to the file.

Public names: ValueSettings, Given, read_values, references, fill.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, JsonValue

from audiolect.config import Config
from audiolect.errors import ConfigError, UsageError, unknown_name
from audiolect.yaml_text import parse_yaml

Given: TypeAlias = dict[str, JsonValue]

_PATHS = ("folder", "file", "run")
_REFERENCE = re.compile(r"\$(?:\$|(?P<name>[A-Za-z_][\w-]*)(?P<last>\.name\b)?)")


class ValueSettings(Config):
    """What may be said on the command line."""

    kind: Literal["text", "number", "folder", "file", "run"] = "text"
    default: JsonValue = Field(default=None, description="Not written at all: it must be given. Null: may be left out.")
    about: str = Field(default="", description="What it is.")
    get: str = Field(default="", description="How a person comes by one, for letters.")

    @property
    def must_be_given(self) -> bool:
        """Whether the file says no default, not even null."""
        return "default" not in self.model_fields_set


def read_values(known: Mapping[str, ValueSettings], words: Mapping[str, str], path: Path) -> Given:
    """Name → value: of the command line, else the default.

    Args:
        known: those of the file.
        words: of the command line.
        path: the file.

    Raises:
        UsageError: a word that the file does not know, a value that is missing or of another kind, a path that leads
            nowhere.
    """
    for name in words:
        if name not in known:
            raise unknown_name("value", name, known, where=path)
    missing = [name for name, value in known.items() if value.must_be_given and name not in words]
    if missing:
        raise _missing(known, missing, path)
    return {name: _value(name, settings, words.get(name), path) for name, settings in known.items()}


def references(value: JsonValue) -> Iterable[str]:
    """The names that stand behind a dollar anywhere in a value."""
    if isinstance(value, str):
        yield from (found["name"] for found in _REFERENCE.finditer(value) if found["name"])
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner)


def fill(value: JsonValue, values: Mapping[str, JsonValue]) -> JsonValue:
    """The value with what each ``$name`` stands for; what stands for nothing (null) is taken out of lists.

    A text with a null within is null as a whole.
    """
    if isinstance(value, list):
        filled = [fill(inner, values) for inner in value]
        return [after for before, after in zip(value, filled, strict=True) if before is None or after is not None]
    if isinstance(value, dict):
        return {key: fill(inner, values) for key, inner in value.items()}
    return _filled(value, values) if isinstance(value, str) else value


def _filled(text: str, values: Mapping[str, JsonValue]) -> JsonValue:
    whole = _REFERENCE.fullmatch(text)
    if whole and whole["name"] and not whole["last"]:
        return values[whole["name"]]
    named = [found["name"] for found in _REFERENCE.finditer(text) if found["name"]]
    if any(values[name] is None for name in named):
        return None
    return _REFERENCE.sub(lambda found: _text_of(found, values), text)


def _text_of(found: re.Match[str], values: Mapping[str, JsonValue]) -> str:
    if not found["name"]:
        return "$"
    text = str(values[found["name"]])
    return Path(os.path.abspath(text)).name if found["last"] else text  # noqa: PTH100 - "." has no last part


def _value(name: str, settings: ValueSettings, word: str | None, path: Path) -> JsonValue:
    if word is None:
        value = settings.default
        if isinstance(value, str) and settings.kind in _PATHS:
            value = os.path.normpath(path.parent / value)
    else:
        value = _number(name, word, path) if settings.kind == "number" else word
    if settings.kind in _PATHS and value is not None:
        _check_there(name, settings, str(value), path)
    return value


def _number(name: str, word: str, path: Path) -> JsonValue:
    value = parse_yaml(word, where=f"{name}={word}", error=ConfigError).value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError("The value is no number.", where=path, expected=f"{name}=10", found=f"{name}={word}")
    return value


def _check_there(name: str, settings: ValueSettings, value: str, path: Path) -> None:
    is_there = Path(value).is_file() if settings.kind == "file" else Path(value).is_dir()
    if not is_there:
        raise UsageError(
            f"The value {name} leads nowhere.",
            where=path,
            expected=_described(name, settings),
            found=f"{name}={value}: " + ("not a " + settings.kind if Path(value).exists() else "nothing is there"),
            fix=settings.get or f"give it: {name}=PATH",
        )


def _missing(known: Mapping[str, ValueSettings], missing: list[str], path: Path) -> UsageError:
    needed = " ".join(f"{name}={name.upper()}" for name, settings in known.items() if settings.must_be_given)
    ways = [f"{name}: {known[name].get}" for name in missing if known[name].get]
    return UsageError(
        "The street needs a value that is not given." if len(missing) == 1 else "The street needs values.",
        where=path,
        expected="".join(f"\n    {_described(name, known[name])}" for name in missing),
        fix="; ".join([f"audiolect run {path} {needed}", *ways]),
    )


def _described(name: str, settings: ValueSettings) -> str:
    return f"{name}: a {settings.kind}" + (f", {settings.about}" if settings.about else "")
