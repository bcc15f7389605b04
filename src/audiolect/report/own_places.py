"""Texts without the places of a machine: what is published says names of files, never where they were.

    without_places("audiolect train /data/me/recipes/a.yaml --out ../runs/a")    # audiolect train a.yaml --out a

Conventions: a place is an absolute path (POSIX, Windows, a share), one of a home (``~``), one that goes up (``..``) or
begins here (``./``), and an address ``file:``. Of a place its last name is left. Relative paths that go down and
addresses of the net stay: they say nothing of the machine, and names on the Hub look as they do.

Public names: without_places.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

_BEGINNING = r"(?:~[\w.-]*|[A-Za-z]:|(?:\.\.[\\/])*\.\.|\.)?[\\/]"
_WHOLE = re.compile(rf"(?:file:/*)?{_BEGINNING}.*[^\\/]", re.DOTALL)
_INSIDE = re.compile(rf"(?:\bfile:/*)?(?<![\w.:/\\-]){_BEGINNING}(?=\S)(?:[^\s'\",;\]}})]*[\\/])?")
_FILE = re.compile(r"file:/*(?=/)")


def without_places(value: Any) -> Any:
    """Plain values with the places in all their texts replaced; a text may be a path, a command, or a sentence."""
    if isinstance(value, Mapping):
        return {without_places(key): without_places(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(inner) for inner in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    if _WHOLE.fullmatch(text) and "\n" not in text and not re.search(r"\s-", text):
        return _last_name(text)
    try:
        words = shlex.split(text) if text.startswith("audiolect ") else []
    except ValueError:
        words = []
    if words:
        return shlex.join(_word(word) for word in words)
    return _INSIDE.sub("", _FILE.sub("", text))


def _word(word: str) -> str:
    """A word of a command: a place, or KEY=PLACE."""
    key, equals, value = word.partition("=")
    if equals and _WHOLE.fullmatch(value):
        return f"{key}={_last_name(value)}"
    return _last_name(word) if _WHOLE.fullmatch(word) else _INSIDE.sub("", _FILE.sub("", word))


def _last_name(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]
