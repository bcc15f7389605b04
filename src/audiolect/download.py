"""Downloads that resume where they stopped and are verified before they get their name.

Conventions: bytes go to ``NAME.part`` beside the target, with ``NAME.part.json`` that says of which version of the file
they are (URL, ETag or Last-Modified). An interrupted download leaves both, and the next call goes on from there by a
ranged request; if the file has changed on the server, or the server knows no ranges, it starts over. Only when length
and hash are right is the part renamed. Dropped connections, stalls and errors of the server are tried again with
growing pauses, until ``max_attempts`` tries in a row have brought nothing new.

Public names: fetch.

Source: RFC 9110, sections 8.8 (validators), 13.1.5 (If-Range) and 14 (ranges). Needs the extra ``download`` (httpx).
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiolect.errors import DamagedFile, DownloadError, StorageError, UsageError, missing_extra
from audiolect.progress import Progress, silent_progress
from audiolect.storage import read_json, write_json

if TYPE_CHECKING:
    import httpx

_TRY_AGAIN_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_PAUSE_SECONDS = 60.0
_CHUNK_BYTES = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True)
class _Order:
    """What is fetched, where to, and what it must be."""

    url: str
    target: Path
    hashes: Mapping[str, str]
    num_bytes: int | None
    headers: Mapping[str, str]
    stall_seconds: float

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def note(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


class _TryAgain(Exception):  # noqa: N818 - never leaves this file
    """The server asks for patience, or sent something that a new request may mend."""

    def __init__(self, reason: str, pause_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.pause_seconds = pause_seconds


def fetch(
    url: str,
    target: str | Path,
    *,
    blake2b: str | None = None,
    sha256: str | None = None,
    md5: str | None = None,
    num_bytes: int | None = None,
    progress: Progress = silent_progress,
    headers: Mapping[str, str] | None = None,
    max_attempts: int = 5,
    backoff_seconds: float = 1.0,
    stall_seconds: float = 30.0,
    client: httpx.Client | None = None,
) -> Path:
    """Download ``url`` to ``target`` and return the target.

    Nothing is fetched if the target exists and has the stated hash and length (or none is stated); a target with
    another content is replaced.

    Args:
        url: http or https; redirects are followed.
        target: the file; missing parent folders are made.
        blake2b: expected hash in hex digits, of any digest size (32 digits are BLAKE2b-128).
        sha256: expected hash in hex digits.
        md5: expected hash in hex digits, for corpora that publish nothing better.
        num_bytes: expected length.
        progress: sees one bar of bytes for each connection.
        headers: sent along, e.g. ``{"Authorization": "Bearer ..."}``.
        max_attempts: how many tries in a row may bring nothing new.
        backoff_seconds: the first pause; each further one is twice as long, up to a minute.
        stall_seconds: how long the server may be silent.
        client: keeps connections open over many calls; one is made for this call if none is given.

    Raises:
        DownloadError: the server refuses, or cannot be reached or does not finish within the attempts.
        DamagedFile: what came has not the stated hash or length; it is removed.
        StorageError: the file cannot be written here.
        MissingDependency: httpx is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise missing_extra("Downloading", "download", "httpx") from None
    order = _Order(url, Path(target), _stated_hashes(blake2b, sha256, md5), num_bytes, headers or {}, stall_seconds)
    try:
        if order.target.is_file() and _mismatch(order.target, order) is None:
            return order.target
        order.target.parent.mkdir(parents=True, exist_ok=True)
        with nullcontext(client) if client else httpx.Client() as open_client:
            _complete(open_client, order, progress, max_attempts, backoff_seconds)
    except OSError as problem:
        raise StorageError(
            "The download cannot be written.",
            where=target,
            found=problem.strerror,
            fix="make room, or give another folder; what has come stays, and the next call goes on from there",
        ) from problem
    return order.target


def _complete(
    client: httpx.Client, order: _Order, progress: Progress, max_attempts: int, backoff_seconds: float
) -> None:
    """Bring the part to its end, verify it, and give it its name."""
    resumed = _transfer_patiently(client, order, progress, max_attempts, backoff_seconds)
    mismatch = _mismatch(order.part, order)
    if mismatch and resumed:
        # The bytes of an earlier connection may be the wrong ones: a fresh copy decides.
        order.forget()
        _transfer_patiently(client, order, progress, max_attempts, backoff_seconds)
        mismatch = _mismatch(order.part, order)
    if mismatch:
        order.forget()
        raise mismatch
    order.part.replace(order.target)
    order.note.unlink(missing_ok=True)


def _transfer_patiently(
    client: httpx.Client, order: _Order, progress: Progress, max_attempts: int, backoff_seconds: float
) -> bool:
    """Transfer until the part is complete; True if it holds bytes of an earlier connection."""
    import httpx

    failures, most_bytes = 0, _size(order.part)
    while True:
        try:
            return _transfer(client, order, progress)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as problem:
            raise DownloadError("The address cannot be used.", where=order.url, found=problem) from problem
        except (httpx.TransportError, _TryAgain) as problem:
            reason: Exception = problem
        size = _size(order.part)
        failures = 1 if size > most_bytes else failures + 1
        most_bytes = max(size, most_bytes)
        if failures >= max_attempts:
            raise DownloadError(
                f"The download did not finish: {failures} tries in a row brought nothing new.",
                where=order.url,
                found=f"{reason or type(reason).__name__} (after {size} bytes)",
                cause="no network, or trouble at the server",
                fix="run the same command again: it goes on where it stopped",
            ) from reason
        asked = reason.pause_seconds if isinstance(reason, _TryAgain) else None
        time.sleep(min(_LONGEST_PAUSE_SECONDS, backoff_seconds * 2 ** (failures - 1) if asked is None else asked))


def _transfer(client: httpx.Client, order: _Order, progress: Progress) -> bool:
    """One connection: ask for what is missing and write it to the part."""
    have, noted = _resume_point(order)
    # Without "identity" the server may compress, and ranges would count compressed bytes.
    headers = {"Accept-Encoding": "identity"} | dict(order.headers)
    if have:
        headers["Range"] = f"bytes={have}-"
        validator = noted.get("etag") or noted.get("last_modified")
        if validator:
            headers["If-Range"] = validator
    request = client.stream("GET", order.url, headers=headers, timeout=order.stall_seconds, follow_redirects=True)
    with request as response:
        start, total = _check_response(response, order, have, noted)
        if start == total == have and have:
            return True
        if start == 0:
            order.part.write_bytes(b"")
            write_json(order.note, {"url": order.url, **_validators(response)})
        name = f"downloading {order.target.name}"
        bar_total = order.num_bytes if total is None else total
        with order.part.open("ab") as file, progress(name, total=bar_total, unit="bytes") as advance:
            advance(start)
            for chunk in response.iter_raw():
                file.write(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    if total is not None and _size(order.part) != total:
        raise _TryAgain(f"the connection ended after {_size(order.part)} of {total} bytes")
    return start > 0


def _check_response(
    response: httpx.Response, order: _Order, have: int, noted: Mapping[str, str]
) -> tuple[int, int | None]:
    """Where in the file the body begins and how long the file is, or an error."""
    status = response.status_code
    match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if status == 416 and have and match and match[2] == str(have):
        return have, have
    if status in _TRY_AGAIN_STATUSES:
        asked = response.headers.get("Retry-After", "")
        raise _TryAgain(f"{status} {response.reason_phrase}", float(asked) if asked.isdecimal() else None)
    if status == 206 and have:
        changed = any(noted.get(key, value) != value for key, value in _validators(response).items())
        if match and match[1] == str(have) and not changed:
            total = int(match[2]) if match[2] != "*" else None
            return have, _as_stated(total, order)
    if status in (206, 416) and have:
        order.forget()
        raise _TryAgain("the file has changed on the server", 0.0)
    if status != 200:
        raise DownloadError(
            f"The server refuses: {status} {response.reason_phrase}.",
            where=order.url,
            cause="a login or a licence is needed" if status in (401, 403) else None,
            fix="look at the page of the corpus: the file may have moved" if status in (404, 410) else None,
        )
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadError("The server compresses what it was asked not to compress.", where=order.url)
    length = response.headers.get("Content-Length", "")
    return 0, _as_stated(int(length) if length.isdecimal() else None, order)


def _as_stated(total: int | None, order: _Order) -> int | None:
    """The length that the server announces, if it is the expected one: found out before gigabytes have come."""
    if total is not None and order.num_bytes is not None and total != order.num_bytes:
        order.forget()
        raise _wrong(order, "length", f"{order.num_bytes} bytes", f"{total} bytes")
    return total


def _resume_point(order: _Order) -> tuple[int, dict[str, str]]:
    """How many bytes of the part can be kept, and which version of the file they are of."""
    have = _size(order.part)
    if not have or not order.note.is_file() or have > (order.num_bytes or have):
        return 0, {}
    try:
        noted = read_json(order.note)
    except DamagedFile:
        return 0, {}  # a note of ours that cannot be read says nothing about the bytes: they come again
    if not isinstance(noted, dict) or noted.pop("url", None) != order.url:
        return 0, {}
    # Without a validator a changed file shows only in its hash.
    return (have, noted) if noted or order.hashes else (0, {})


def _validators(response: httpx.Response) -> dict[str, str]:
    """What tells two versions of the file apart. Weak ETags do not: equal ones may stand for different bytes."""
    etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    found = {"etag": "" if etag.startswith("W/") else etag, "last_modified": modified}
    return {key: value for key, value in found.items() if value}


def _stated_hashes(blake2b: str | None, sha256: str | None, md5: str | None) -> dict[str, str]:
    stated = {"blake2b": blake2b, "sha256": sha256, "md5": md5}
    hashes = {name: value.lower() for name, value in stated.items() if value is not None}
    lengths = {"sha256": 64, "md5": 32}
    for name, value in hashes.items():
        expected = lengths.get(name, len(value))
        if not re.fullmatch("(?:[0-9a-f]{2}){1,64}", value) or len(value) != expected:
            raise UsageError(f"The stated {name} is no {name}.", expected="hex digits", found=repr(value))
    return hashes


def _mismatch(path: Path, order: _Order) -> DamagedFile | None:
    """The letter, if the file is not what it should be."""
    size = _size(path)
    if order.num_bytes is not None and size != order.num_bytes:
        return _wrong(order, "length", f"{order.num_bytes} bytes", f"{size} bytes")
    digests: dict[str, Any] = {
        name: hashlib.blake2b(digest_size=len(value) // 2)
        if name == "blake2b"
        else hashlib.new(name, usedforsecurity=False)
        for name, value in order.hashes.items()
    }
    if digests:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                for digest in digests.values():
                    digest.update(chunk)
    for name, digest in digests.items():
        if digest.hexdigest() != order.hashes[name]:
            return _wrong(order, name, order.hashes[name], digest.hexdigest())
    return None


def _wrong(order: _Order, what: str, expected: str, found: str) -> DamagedFile:
    return DamagedFile(
        f"The downloaded file has not the expected {what}; it is not kept.",
        where=order.url,
        expected=expected,
        found=found,
        cause="the file has changed at its source, or the server sent an error page or a part of it in its place",
        fix="run the same command again; if it says so again, look at the page of the corpus for a newer version",
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
