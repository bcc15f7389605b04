"""Ranges of bytes of remote files: anything that fsspec opens (http, s3, gs, az, sftp, memory …), fetched in parallel.

Conventions: as ``byte_ranges``: files are numbered from 0, ranges come back in order and complete. Those of one call
are asked for at the same time, ``most_bytes_at_once`` of them; a request that fails for a passing reason (a dropped
connection, a stall, an error of the server, fewer bytes than were asked for) is made again after a growing pause. The
length of a file is asked for when it is first touched, and must be the stated one. A connection belongs to one
process: after a fork a new one is made.

Public names: RemoteFolder, RemoteRanges, is_url.

Source: RFC 9110, section 14 (ranges). Needs the extra ``remote`` (fsspec, with aiohttp for http).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from audiolect.errors import AudiolectError, DamagedFile, DownloadError, UsageError, missing_extra

_MOST_BYTES_AT_ONCE = 64 << 20
_LASTING_STATUSES = range(400, 500)
_PASSING_STATUSES = (408, 425, 429)
_BEYOND_THE_END = 416
_SIZES_AT_ONCE = 8
_LASTING_ERRORS = (FileNotFoundError, PermissionError, IsADirectoryError, NotImplementedError)

Range = tuple[str, int | None, int | None]


def is_url(place: object) -> bool:
    """Whether a place is a URL rather than a folder of this machine."""
    return isinstance(place, str) and "://" in place and not place.startswith("file://")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file system of fsspec, with the process that it belongs to."""

    pid: int
    system: Any


class RemoteFolder:
    """A folder behind a URL.

    Args:
        url: e.g. ``https://example.org/packs/clotho`` or ``s3://bucket/packs/clotho``.
        attempts: how often a request is made before it counts as failed.
        backoff_seconds: the first pause; each further one is twice as long.
        timeout_seconds: how long the ranges of one call may take.

    Raises:
        MissingDependency: fsspec, or what it needs for this kind of URL, is not installed.
        UsageError: fsspec does not know this kind of URL.
    """

    def __init__(
        self, url: str, *, attempts: int = 4, backoff_seconds: float = 0.5, timeout_seconds: float = 60.0
    ) -> None:
        self.url = url.rstrip("/")
        self._attempts, self._backoff_seconds, self._timeout_seconds = attempts, backoff_seconds, timeout_seconds
        self._opened = self._open()

    def whole(self, name: str) -> bytes:
        """All bytes of a file of the folder.

        Raises:
            DownloadError: it is not there, or cannot be had.
        """
        return self.ranges([(name, None, None)])[0]

    def ranges(self, wanted: Sequence[Range]) -> list[bytes]:
        """Ranges (name, first byte, end) of files of the folder, fetched in parallel.

        Raises:
            DownloadError: a range cannot be had, or the server ignores ranges.
            DamagedFile: a file ends before a range does.
        """
        results: list[Any] = [None] * len(wanted)
        missing, lasting = list(range(len(wanted))), []
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(self._backoff_seconds * 2 ** (attempt - 1))
            for at, result in zip(missing, self._asked([wanted[at] for at in missing]), strict=True):
                results[at] = result
            missing = [at for at in missing if _is_fault(wanted[at], results[at])]
            lasting = [at for at in missing if _is_lasting(wanted[at], results[at])]
            if not missing or lasting:
                break
        if missing:
            at = lasting[0] if lasting else missing[0]
            raise self._letter(wanted[at], results[at])
        return results

    def check_ranges(self, name: str) -> None:
        """Ask for the first byte of a file that has more, to see that ranges are known here.

        Raises:
            DownloadError: the server sends the whole file.
        """
        self.ranges([(name, 0, 1)])

    def num_bytes(self, names: Sequence[str]) -> list[int | None]:
        """The lengths of files, None where the server does not tell."""
        if len(names) == 1:
            return [self._size(names[0])]
        with ThreadPoolExecutor(_SIZES_AT_ONCE) as pool:
            return list(pool.map(self._size, names))

    def _size(self, name: str) -> int | None:
        url = f"{self.url}/{name}"
        problem: Exception | None = None
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(self._backoff_seconds * 2 ** (attempt - 1))
            try:
                size = self._system().info(url).get("size")
            except (OSError, ValueError) as failure:
                problem = failure  # fsspec calls every failure of http a missing file, also one that passes
                continue
            return None if size is None else int(size)
        raise DownloadError(
            "A remote file cannot be found.", where=url, found=problem, fix="check the address and your network"
        ) from problem

    def _asked(self, wanted: Sequence[Range]) -> Sequence[Any]:
        """For each range its bytes, or the exception that came instead."""
        system = self._system()
        urls = [f"{self.url}/{name}" for name, _, _ in wanted]
        # Only the asynchronous file systems know a time limit, and only they work on several requests at once.
        limits = {"timeout": self._timeout_seconds} if system.async_impl else {}
        try:
            answers: Sequence[Any] = system.cat_ranges(
                urls, [start for _, start, _ in wanted], [end for _, _, end in wanted], on_error="return", **limits
            )
        except (OSError, ValueError) as problem:  # a TimeoutError is an OSError
            return [problem] * len(wanted)
        return answers

    def _letter(self, wanted: Range, answer: Any) -> AudiolectError:
        name, start, end = wanted
        url = f"{self.url}/{name}"
        if isinstance(answer, BaseException) and getattr(answer, "status", None) != _BEYOND_THE_END:
            lasting = _is_lasting(wanted, answer)
            return DownloadError(
                "A remote file cannot be had."
                if lasting
                else f"A remote file cannot be had, in {self._attempts} tries.",
                where=url,
                found=f"{type(answer).__name__}: {answer}",
                cause=None if lasting else "no network, or trouble at the server",
                fix="check the address, and that you may read there" if lasting else "run the same command again later",
            )
        asked = f"bytes {start} to {end}"
        if _is_longer(wanted, answer):
            return DownloadError(
                "The server ignores ranges: it sends the whole file.",
                where=url,
                expected=asked,
                found=f"{len(answer)} bytes",
                cause="a simple web server, such as python -m http.server",
                fix="serve the pack with a server that knows ranges (nginx, Apache, object storage), or copy it here",
            )
        return DamagedFile(
            "A remote file ends before it should.",
            where=url,
            expected=asked,
            found=str(answer) if isinstance(answer, BaseException) else f"{len(answer)} bytes from byte {start}",
            cause="it was changed or cut short on the server",
            fix="upload the pack again",
        )

    def _system(self) -> Any:
        if self._opened.pid != os.getpid():
            self._opened = self._open()
        return self._opened.system

    def _open(self) -> _Opened:
        try:
            import fsspec  # type: ignore[import-untyped]
        except ImportError:
            raise missing_extra(f"Reading {self.url}", "remote", "fsspec") from None
        try:
            # Ranges of a compressed answer would be ranges of something else.
            options = {"headers": {"Accept-Encoding": "identity"}} if self.url.startswith("http") else {}
            system, _ = fsspec.url_to_fs(self.url, **options)
        except ImportError as problem:
            raise missing_extra(f"Reading {self.url}", "remote", problem.name or str(problem)) from None
        except ValueError as problem:
            raise UsageError(
                "This kind of URL is not known.", where=self.url, expected="e.g. https://… or s3://…", found=problem
            ) from None
        return _Opened(os.getpid(), system)


class RemoteRanges:
    """``ByteRanges`` of files of a remote folder.

    Args:
        folder: where they are.
        names: their names there.
        num_bytes: their lengths, checked at the first touch of each; None: not checked.
        most_bytes_at_once: how much of a call is fetched at the same time, and held in memory.
    """

    def __init__(
        self,
        folder: RemoteFolder,
        names: Sequence[str],
        num_bytes: Sequence[int] | None = None,
        *,
        most_bytes_at_once: int = _MOST_BYTES_AT_ONCE,
    ) -> None:
        self._folder, self._names, self._num_bytes = folder, tuple(names), num_bytes
        self._most_bytes_at_once = most_bytes_at_once
        self._sized: set[int] = set()

    def fetch(self, files: Sequence[int], starts: Sequence[int], sizes: Sequence[int]) -> Iterator[memoryview]:
        """See ``ByteRanges.fetch``."""
        self._check_sizes(sorted(set(files) - self._sized))
        begin = 0
        while begin < len(files):
            end, num_bytes = begin, 0
            while end < len(files) and (end == begin or num_bytes + sizes[end] <= self._most_bytes_at_once):
                num_bytes += sizes[end]
                end += 1
            asked = [at for at in range(begin, end) if sizes[at]]
            wanted = [(self._names[files[at]], starts[at], starts[at] + sizes[at]) for at in asked]
            answers = dict(zip(asked, self._folder.ranges(wanted) if wanted else [], strict=True))
            for at in range(begin, end):
                yield memoryview(answers.get(at, b""))
            begin = end

    def whole(self, file: int) -> bytes:
        """See ``ByteRanges.whole``."""
        return self._folder.whole(self._names[file])

    def _check_sizes(self, files: Sequence[int]) -> None:
        if self._num_bytes is None or not files:
            return
        names = [self._names[file] for file in files]
        for file, name, found in zip(files, names, self._folder.num_bytes(names), strict=True):
            expected = self._num_bytes[file]
            if found is not None and found != expected:
                raise DamagedFile(
                    "A shard of a pack has not the length that its card states.",
                    where=f"{self._folder.url}/{name}",
                    expected=f"{expected} bytes",
                    found=f"{found} bytes",
                    cause="the upload was not finished, or the files of two packs were mixed",
                    fix="upload the pack again",
                )
            self._sized.add(file)


def _is_fault(wanted: Range, answer: Any) -> bool:
    _, start, end = wanted
    if isinstance(answer, BaseException):
        return True
    return start is not None and end is not None and len(answer) != end - start


def _is_longer(wanted: Range, answer: Any) -> bool:
    _, start, end = wanted
    if start is None or end is None or isinstance(answer, BaseException):
        return False
    return len(answer) > end - start


def _is_lasting(wanted: Range, answer: Any) -> bool:
    """Whether asking again would change nothing."""
    if not isinstance(answer, BaseException):
        return _is_longer(wanted, answer)
    status = getattr(answer, "status", None)
    if isinstance(status, int):
        return status in _LASTING_STATUSES and status not in _PASSING_STATUSES
    return isinstance(answer, _LASTING_ERRORS)
