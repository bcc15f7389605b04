"""A JSON file of any size, read member by member: what is held at a time is a window of some megabytes.

    for container, key, value in read_members(path, {"data"}):
        ...     # (None, "split", "train"), ("data", "0", {...}), ("data", "1", {...}), …

Conventions: the file is one object or one list. Of an object, each member is given as (None, key, value); the members
of an object or list that stands under one of the ``containers`` are given one by one as (container, key, value), with
texts for keys of objects and numbers for places in lists. Of a list at the top the container is LIST. Values are what
the ``json`` module makes of them, but an object that names a key twice is refused, and NaN and infinities are None:
Python writes them for missing numbers. Keys of containers may come twice: that is for the caller to see.

Members of containers are read many at a time where that can be: a stretch of text that is one whole object between
braces of its own is a row of whole members, whatever follows it. Where it is not, they are read one by one.

Public names: LIST, read_members, read_blocks.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from audiolect.corpora.decoding import decode_text
from audiolect.errors import TableError

LIST = "[]"

_CHUNK_BYTES = 1 << 22
_MOST_CHARACTERS = 1 << 26  # of one member: whatever is longer is not one
# A number at the end of the window may go on: "12", "12.", "12e" and "12e-" all read as 12.
_LONGEST_TAIL = 3
_NO_SPACE = re.compile(r"[^ \t\n\r]")
_PLAIN_KEY = re.compile(r'[ \t\n\r]*,[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")

# How much is read at a time, and for how many members nobody tries again where that failed.
_STRETCH_CHARACTERS = 1 << 16
_LONGEST_WAIT = 1 << 12
_CLOSERS = re.compile(r"[}\]]+\Z")
_SHOWN_CLOSERS = 8

Member = tuple[str | None, str | int, Any]
Block = tuple[str | None, Sequence[tuple[str | int, Any]]]


def read_members(path: Path, containers: Collection[str] = ()) -> Iterator[Member]:
    """Yield (container, key, value) for each member, in the order of the file.

    Raises:
        TableError: the file cannot be read, is not UTF-8, or is not JSON; with line and column.
    """
    for container, pairs in read_blocks(path, containers):
        for key, value in pairs:
            yield container, key, value


def read_blocks(path: Path, containers: Collection[str] = ()) -> Iterator[Block]:
    """Yield (container, [(key, value), …]): the same members, as many at a time as were read together.

    Raises:
        TableError: as ``read_members``.
    """
    try:
        with path.open("rb") as file:
            yield from _members(_Window(path, file), containers)
    except FileNotFoundError:
        raise TableError("The file does not exist.", where=path) from None
    except OSError as problem:
        raise TableError("The file cannot be read.", where=path, found=problem.strerror) from problem


class _Window:
    """A part of the text of a file, and the place in it that has been read up to."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.text = ""
        self.place = 0
        self._path = path
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._ended = False
        self._lines_before = 0
        self._column_offset = 0
        self.grow()

    def grow(self) -> bool:
        """Let go of what has been read, and read on; False at the end of the file."""
        if self._ended:
            return False
        newlines = self.text.count("\n", 0, self.place)
        if newlines:
            self._lines_before += newlines
            self._column_offset = self.place - self.text.rindex("\n", 0, self.place) - 1
        else:
            self._column_offset += self.place
        content = self._file.read(_CHUNK_BYTES)
        self._ended = not content
        try:
            added = self._decode(content, final=self._ended)
        except UnicodeDecodeError:
            decode_text(self._path)  # which says where, and in which encoding the file probably is
            raise
        self.text = self.text[self.place :] + added
        self.place = 0
        return True

    def skip(self) -> str:
        """Pass over white space; the character that follows, "" at the end of the file."""
        while True:
            found = _NO_SPACE.search(self.text, self.place)
            if found:
                self.place = found.start()
                return found.group()
            self.place = len(self.text)
            if not self.grow():
                return ""

    def value(self) -> Any:
        """Read one value."""
        while True:
            try:
                value, end = _DECODER.scan_once(self.text, self.place)
            except (StopIteration, json.JSONDecodeError, _DoubledKeyError, RecursionError) as problem:
                self._grow_or_raise(problem)
                continue
            if len(self.text) - end < _LONGEST_TAIL and self.grow():
                continue
            self.place = end
            return value

    def _grow_or_raise(self, problem: Exception) -> None:
        may_be_cut = not isinstance(problem, _DoubledKeyError | RecursionError)
        if may_be_cut and len(self.text) - self.place < _MOST_CHARACTERS and self.grow():
            return
        if isinstance(problem, json.JSONDecodeError):
            raise self.letter(problem.msg, problem.pos) from None
        if isinstance(problem, _DoubledKeyError):
            raise self.letter(f"the key {problem.key!r} stands twice in one object", self.place) from None
        if isinstance(problem, RecursionError):
            raise self.letter("too deeply nested", self.place) from None
        raise self.letter("a value was expected", self.place) from None

    def expect(self, character: str) -> None:
        """Pass over one character."""
        found = self.skip()
        if found != character:
            raise self.letter(f"expected {character!r}", self.place)
        self.place += 1

    def letter(self, what: str, place: int) -> TableError:
        """The letter for something that is not JSON."""
        newlines = self.text.count("\n", 0, place)
        column = place - self.text.rindex("\n", 0, place) if newlines else self._column_offset + place + 1
        shown = self.text[place : place + 40]
        return TableError(
            "The text is not JSON.",
            where=f"{self._path}:{self._lines_before + newlines + 1}:{column}",
            found=f"{what}: {shown!r}" if shown else f"{what}, and the file ends",
            cause=None if shown else "the file was cut short",
        )


class _DoubledKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _DoubledKeyError(next(key for key in keys if keys.count(key) > 1))
    return mapping


_DECODER: Any = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_constant=lambda _: None)


def _members(window: _Window, containers: Collection[str]) -> Iterator[Block]:
    opening = window.skip()
    if opening == "[":
        yield from _elements(window, LIST)
    elif opening == "{":
        for key in _keys(window):
            inner = window.skip()
            if key in containers and inner == "{":
                yield from _entries(window, key)
            elif key in containers and inner == "[":
                yield from _elements(window, key)
            else:
                yield None, [(key, window.value())]
    else:
        raise window.letter("an object or a list was expected", window.place)
    if window.skip():
        raise window.letter("something stands after the end", window.place)


def _keys(window: _Window) -> Iterator[str]:
    """The keys of the object that begins here; the caller reads each value before it asks for the next key."""
    window.expect("{")
    if window.skip() == "}":
        window.place += 1
        return
    while True:
        yield _key(window)
        if window.skip() == "}":
            window.place += 1
            return
        window.expect(",")


def _key(window: _Window) -> str:
    if window.skip() != '"':
        raise window.letter("a key in double quotes was expected", window.place)
    key = window.value()
    window.expect(":")
    window.skip()
    return str(key)


class _Stretches:
    """Members of one container read many at a time: ``brackets`` are those of the container."""

    def __init__(self, window: _Window, brackets: str) -> None:
        self._window = window
        self._opening, self._closing = brackets[0], brackets[1]
        self._wait = 0
        self._failures = 0

    def take(self, start: int) -> Any:
        """The members from ``start`` on, where one begins, as one object or list; None where that cannot be told.

        A stretch ends where members have been parted so far: behind the same brackets, before the same first letter.
        That is a guess. Whether it holds, the reading says: of half a member nothing whole can be made.
        """
        if self._wait:
            self._wait -= 1
            return None
        text, place = self._window.text, self._window.place
        closers = _CLOSERS.search(text[max(place - _SHOWN_CLOSERS, 0) : place])
        mark = (closers.group() if closers else "") + text[place : start + 1]
        end = text.rfind(mark, start, start + _STRETCH_CHARACTERS) if closers else -1
        if closers and end > start:
            end += len(closers.group())
            stretch = f"{self._opening}{text[start:end]}{self._closing}"
            try:
                members, read_to = _DECODER.scan_once(stretch, 0)
            except (StopIteration, json.JSONDecodeError, _DoubledKeyError, RecursionError):
                read_to = -1
            if read_to == len(stretch):
                self._window.place = end
                self._failures = 0
                return members
            self._failures += 1
            self._wait = min(1 << self._failures, _LONGEST_WAIT)
        return None


def _entries(window: _Window, container: str) -> Iterator[Block]:
    """The members of an object; the way of every entry but those at the ends of the window is the short one."""
    scan, match = _DECODER.scan_once, _PLAIN_KEY.match
    stretches = _Stretches(window, "{}")
    for key in _keys(window):
        yield container, [(key, window.value())]
        while found := match(window.text, window.place):
            members = stretches.take(found.start(1) - 1)
            if members:
                yield container, list(members.items())
                continue
            try:
                value, end = scan(window.text, found.end())
            except (StopIteration, json.JSONDecodeError, _DoubledKeyError, RecursionError):
                break  # at the end of the window, or not JSON: the long way finds out
            if len(window.text) - end < _LONGEST_TAIL:
                break
            window.place = end
            yield container, [(found.group(1), value)]


def _elements(window: _Window, container: str) -> Iterator[Block]:
    scan, match = _DECODER.scan_once, _COMMA.match
    stretches = _Stretches(window, "[]")
    window.expect("[")
    if window.skip() == "]":
        window.place += 1
        return
    index = 0
    while True:
        yield container, [(index, window.value())]
        index += 1
        while found := match(window.text, window.place):
            members = stretches.take(found.end())
            if members:
                yield container, list(enumerate(members, start=index))
                index += len(members)
                continue
            try:
                value, end = scan(window.text, found.end())
            except (StopIteration, json.JSONDecodeError, _DoubledKeyError, RecursionError):
                break
            if len(window.text) - end < _LONGEST_TAIL:
                break
            window.place = end
            yield container, [(index, value)]
            index += 1
        if window.skip() == "]":
            window.place += 1
            return
        window.expect(",")
        window.skip()
