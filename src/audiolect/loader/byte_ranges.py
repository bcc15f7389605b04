"""Ranges of bytes of local files, many in a row, by positional reads.

Conventions: files are numbered from 0 and known by their paths and lengths; positions and lengths are in bytes. A file
is opened when it is first needed and shared by all threads and, after a fork, by all processes: a positional read
(preadv) moves no shared position. At most ``most_open`` files stay open, those used last; one that a thread still
reads from is closed when that thread is done with it. Each thread reads into a scratch of its own, so a range is valid
until the thread takes the next one. Nothing is mapped into memory: the page faults of a map cost 8 ms at their worst.

Public names: ByteRanges, LocalRanges, most_open_files.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from audiolect.errors import DamagedFile

if sys.platform != "win32":
    import resource

# What a process may open is asked for once; a quarter of it is left to one pack.
_FEWEST_OPEN, _MOST_OPEN = 8, 1024
_SCRATCH_STEP_BYTES = 1 << 18


class ByteRanges(Protocol):
    """Files, numbered from 0, of which ranges of bytes can be read, by any thread and after a fork."""

    def fetch(self, files: Sequence[int], starts: Sequence[int], sizes: Sequence[int]) -> Iterator[memoryview]:
        """The ranges, one after another and complete; each is valid until the next one is taken.

        Raises:
            DamagedFile: a file ends before a range does, or cannot be read.
            DownloadError: a remote file cannot be had.
        """

    def whole(self, file: int) -> bytes:
        """All bytes of a file."""


class _OpenFile:
    """A descriptor that is closed when nobody holds it any more."""

    __slots__ = ("descriptor",)

    def __init__(self, path: Path) -> None:
        self.descriptor = -1
        self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


class LocalRanges:
    """``ByteRanges`` of files on this machine."""

    def __init__(self, paths: Sequence[Path], *, most_open: int | None = None) -> None:
        self._paths = tuple(paths)
        self._most_open = most_open_files() if most_open is None else max(1, most_open)
        self._evicts = len(self._paths) > self._most_open
        self._open: dict[int, _OpenFile] = {}
        self._own = threading.local()
        self._lock, self._pid = threading.Lock(), os.getpid()

    @property
    def num_open(self) -> int:
        """How many files are kept open now."""
        return len(self._open)

    def fetch(self, files: Sequence[int], starts: Sequence[int], sizes: Sequence[int]) -> Iterator[memoryview]:
        """See ``ByteRanges.fetch``."""
        scratch = self._scratch(max(sizes, default=0))
        kept = self._open
        for file, start, size in zip(files, starts, sizes, strict=True):
            opened = self._used_again(file) if self._evicts else kept.get(file)
            if opened is None:
                opened = self._opened(file)
            view = scratch[:size]
            try:
                done = os.preadv(opened.descriptor, (view,), start)
                while done < size:  # a signal, or more than 2 GB at once
                    more = os.preadv(opened.descriptor, (view[done:],), start + done)
                    if not more:
                        raise self._short(file, start, size, done)
                    done += more
            except OSError as problem:
                raise _unreadable(self._paths[file], problem) from problem
            yield view

    def whole(self, file: int) -> bytes:
        """See ``ByteRanges.whole``."""
        try:
            return self._paths[file].read_bytes()
        except OSError as problem:
            raise _unreadable(self._paths[file], problem) from problem

    def _scratch(self, num_bytes: int) -> memoryview:
        scratch: memoryview | None = getattr(self._own, "scratch", None)
        if scratch is None or len(scratch) < num_bytes:
            scratch = memoryview(bytearray(-(-num_bytes // _SCRATCH_STEP_BYTES) * _SCRATCH_STEP_BYTES))
            self._own.scratch = scratch
        return scratch

    def _opened(self, file: int) -> _OpenFile:
        """Open a file and keep it. Two threads may do so at once: one of the two is closed again by itself."""
        try:
            opened = _OpenFile(self._paths[file])
        except OSError as problem:
            raise _unreadable(self._paths[file], problem) from problem
        if not self._evicts:
            return self._open.setdefault(file, opened)
        with self._safe_lock():
            self._open[file] = opened
            while len(self._open) > self._most_open:
                del self._open[next(iter(self._open))]
        return opened

    def _used_again(self, file: int) -> _OpenFile | None:
        """The file if it is open, which makes it the last that will be closed."""
        with self._safe_lock():
            opened = self._open.pop(file, None)
            if opened is not None:
                self._open[file] = opened
        return opened

    def _safe_lock(self) -> threading.Lock:
        """The lock of this process: one that another thread held at a fork would stay locked for ever."""
        if self._pid != os.getpid():
            self._lock, self._pid = threading.Lock(), os.getpid()
        return self._lock

    def _short(self, file: int, start: int, size: int, done: int) -> DamagedFile:
        return DamagedFile(
            "A file ends before it should.",
            where=self._paths[file],
            expected=f"bytes {start} to {start + size}",
            found=f"the file ends at byte {start + done}",
            cause="it was cut short after it had been opened",
            fix="copy it again, or make it again with the command that made it",
        )


def most_open_files() -> int:
    """How many files may stay open at once: a quarter of what this process is allowed."""
    if sys.platform == "win32":
        return _FEWEST_OPEN * 8
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return _MOST_OPEN
    return min(_MOST_OPEN, max(_FEWEST_OPEN, allowed // 4))


def _unreadable(path: Path, problem: OSError) -> DamagedFile:
    missing = isinstance(problem, FileNotFoundError)
    return DamagedFile(
        "A file is missing." if missing else "A file cannot be read.",
        where=path,
        found=problem.strerror,
        fix="copy the whole folder again" if missing else "check the permission and the disk, or copy the folder again",
    )
