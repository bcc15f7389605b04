"""The tree of errors, by cause. Every message is a letter to a person.

A letter says what happened, where (a file, a line, an example id, a field), what was expected, what was found,
the likely cause, and what to do. All of audiolect raises these classes for bad input, bad files and missing
pieces; ``assert`` and built-in exceptions are left for our own mistakes. The CLI prints the letter and ends with
``exit_code``: 2 for bad input, 1 for a bar that was not held.

Public names: AudiolectError and its leaves below; missing_extra, nearest_names, unknown_name.
"""

# ruff: noqa: N818 - an error is named by its cause; "Error" at the end of each name would say nothing more.
from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

_PARTS = (
    ("where", "where"),
    ("expected", "expected"),
    ("found", "found"),
    ("cause", "likely cause"),
    ("fix", "what to do"),
)


class AudiolectError(Exception):
    """Root of the tree.

    Args:
        what: one sentence on what happened, ending with a full stop.
        where: the file, line, example id or field.
        expected: what should have been there.
        found: what was there.
        cause: the likely (human) cause.
        fix: what to do now, as a command where there is one.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        found: object = None,
        cause: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.expected = None if expected is None else str(expected)
        self.found = None if found is None else str(found)
        self.cause = cause
        self.fix = fix

    def parts(self) -> dict[str, str]:
        """The letter as a mapping, without the parts that are absent (for ``--json``)."""
        named = {name: getattr(self, name) for name, _ in _PARTS}
        return {"what": self.what} | {name: value for name, value in named.items() if value is not None}

    def __str__(self) -> str:
        lines = [self.what]
        for name, title in _PARTS:
            value = getattr(self, name)
            if value is not None:
                # A list of several lines begins on its own line.
                lines.append(f"  {title}:" + (value if value.startswith("\n") else f" {value}"))
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions travel between processes by pickle, which would call the class with ``what`` alone.
        return (_rebuild, (type(self), self.parts()))


def _rebuild(cls: type[AudiolectError], parts: dict[str, Any]) -> AudiolectError:
    what = parts.pop("what")
    return cls(what, **parts)


class UsageError(AudiolectError):
    """A command or function was asked for something that cannot be, e.g. an unknown name or a negative length."""


class ConfigError(AudiolectError):
    """A configuration file or override is wrong; the message lists every problem of the file at once."""


class AudioError(AudiolectError):
    """An audio file cannot be used."""


class UnreadableAudio(AudioError):
    """Missing, empty, damaged, not audio at all, or not permitted to be read."""


class UnsupportedAudio(AudioError):
    """Audio of a kind that no installed decoder or writer handles."""


class SpanError(AudioError):
    """A span of samples lies outside the recording."""


class TableError(AudiolectError):
    """A table from outside (CSV, TSV, JSON, JSONL, mapping) cannot be read or lacks what is needed."""


class DatasetError(AudiolectError):
    """A dataset folder breaks the rules of ``docs/formats.md``: schema, duplicate ids, dangling references."""


class FilterError(AudiolectError):
    """A ``--where`` expression cannot be understood."""


class StorageError(AudiolectError):
    """A file or folder of ours cannot be written or trusted."""


class AlreadyExists(StorageError):
    """The target exists and ``--overwrite`` was not given."""


class UnknownVersion(StorageError):
    """A file was written in a format version (or of a kind) that this audiolect does not know."""


class DamagedFile(StorageError):
    """The content of a file does not match its recorded hash, length or structure."""


class UnsafePath(StorageError):
    """A path leaves the folder that it must stay in."""


class DownloadError(AudiolectError):
    """Something could not be fetched, or what came is not what was promised."""


class UploadError(AudiolectError):
    """Something could not be sent, or was refused where it was sent to."""


class MissingDependency(AudiolectError):
    """An optional library or program is absent; the message holds the line that installs it."""


class WorkerDied(AudiolectError):
    """A process that did a part of the work ended without an answer."""


class TooManyProblems(AudiolectError):
    """More bad data than the stated limit allows."""

    exit_code = 1


def missing_extra(feature: str, extra: str, module: str) -> MissingDependency:
    """The letter for an optional library that is not installed.

    Args:
        feature: what the user wanted, e.g. ``"Reading M4A"``.
        extra: the extra of audiolect that brings it.
        module: the module that could not be imported.
    """
    return MissingDependency(
        f"{feature} needs the optional library {module}, which is not installed.",
        fix=f"pip install 'audiolect[{extra}]'",
    )


def nearest_names(name: str, choices: Iterable[str], *, limit: int = 3) -> list[str]:
    """The names that a person probably meant, nearest first."""
    lowered = {choice.lower(): choice for choice in choices}
    return [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=limit, cutoff=0.6)]


def unknown_name(kind: str, name: str, choices: Iterable[str], *, where: object = None) -> UsageError:
    """The letter for a name that is not in a table of ours, e.g. ``unknown_name("corpus", "ecs50", CORPORA)``."""
    known = sorted(choices)
    near = nearest_names(name, known)
    return UsageError(
        f"There is no {kind} named {name!r}.",
        where=where,
        expected="one of " + ", ".join(known),
        found=repr(name),
        fix=f"did you mean {' or '.join(near)}?" if near else None,
    )
