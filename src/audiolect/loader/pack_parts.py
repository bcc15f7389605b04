"""The parts of a pack that worker processes make: some recordings each, encoded end to end, with an account of them.

    STATE/part-000007.samples   the entries of the part
    STATE/part-000007.json      what they are, written when the samples are complete

Conventions: a part is cut from the table alone, so that it is the same on any machine and with any number of processes.
A part with its account is done: the next run takes it as it is, once its hashes are found right. This file runs in
workers and imports nothing slow.

Public names: Part, PartAccount, cut_in_parts, make_part, largest_entry_bytes, PART_BYTES, samples_path, remove_part,
pieces_of, cannot_write.
"""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]

from audiolect.atomic import unwritable
from audiolect.audio.sndfile import Forward
from audiolect.audio.source import problem_reason
from audiolect.data.problems import problem_from
from audiolect.errors import AudioError, SpanError, StorageError, UnsafePath
from audiolect.loader.pack_samples import NotFinite, OtherRate, Packed, SourceSpan, round_recording
from audiolect.storage import fingerprint_bytes, read_json, safe_join, write_json

PART_BYTES = 16 << 20
_ENTRY_OVERHEAD_BYTES = 4096  # counted for each recording, so that a part of very short ones is no endless list
_HASH_BYTES = 16
_KEPT_BYTES = 30 << 20
_PIECE_BYTES = 1 << 20
_REASONS: dict[type[Exception], str] = {
    UnsafePath: "unsafe-path",
    SpanError: "length-mismatch",
    NotFinite: "not-finite",
    OtherRate: "rate-mismatch",
}


@dataclass(frozen=True, slots=True)
class Part:
    """The work of one call: ``rows`` are (recording_id, path, start_sample, num_samples, sample_rate_hz)."""

    number: int
    state: Path
    root: Path
    rate_hz: int
    codec: str
    rows: tuple[tuple[str, str, int, int, int], ...]


@dataclass(slots=True)
class PartAccount:
    """What became of a part: one element of each list for each entry, in order, and the recordings that are not there.

    The fields of ``problems`` are those of ``data.problems.Problem``.
    """

    number: int
    recording_id: list[str] = field(default_factory=list)
    num_bytes: list[int] = field(default_factory=list)
    num_samples: list[int] = field(default_factory=list)
    scale: list[float] = field(default_factory=list)
    hash: list[str] = field(default_factory=list)
    source_start_sample: list[int] = field(default_factory=list)
    source_num_samples: list[int] = field(default_factory=list)
    source_rate_hz: list[int] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)


def cut_in_parts(num_bytes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where parts begin, for recordings that will have ``num_bytes`` (N,) as PCM; the last element is N."""
    begins = np.cumsum(num_bytes + _ENTRY_OVERHEAD_BYTES) - (num_bytes + _ENTRY_OVERHEAD_BYTES)
    _, first = np.unique(begins // PART_BYTES, return_index=True)
    return np.append(first, len(num_bytes)).astype(np.int64) if len(num_bytes) else np.zeros(1, np.int64)


def largest_entry_bytes(pcm_bytes: int, codec: str) -> int:
    """The most that an entry takes up: FLAC grows by its frame heads where there is nothing to compress."""
    return pcm_bytes if codec == "pcm" else pcm_bytes + pcm_bytes // 256 + 16_384


def samples_path(state: Path, number: int) -> Path:
    """The file with the entries of a part."""
    return state / f"part-{number:06d}.samples"


def remove_part(state: Path, number: int) -> None:
    """Remove a part and its account, where they are there."""
    _account_path(state, number).unlink(missing_ok=True)
    samples_path(state, number).unlink(missing_ok=True)


def pieces_of(file: BinaryIO, num_bytes: int) -> Iterator[bytes]:
    """The next ``num_bytes`` of a file, fewer where it ends, in pieces of 1 MiB."""
    while num_bytes > 0:
        piece = file.read(min(num_bytes, _PIECE_BYTES))
        if not piece:
            return
        num_bytes -= len(piece)
        yield piece


def make_part(part: Part) -> PartAccount:
    """Decode and encode the recordings of a part, unless an earlier run has done so.

    Raises:
        MissingDependency: a file needs a decoder that is not installed.
        StorageError: the part cannot be written.
    """
    account = _done_before(part)
    if account is not None:
        return account
    # glibc keeps blocks up to the size of the largest that was freed, instead of filling in their pages anew each time.
    np.empty(_KEPT_BYTES, np.uint8)
    account = PartAccount(part.number)
    path = samples_path(part.state, part.number)
    try:
        with path.open("w+b") as file:
            for row in part.rows:
                _add(part, row, file, account)
        write_json(_account_path(part.state, part.number), asdict(account))
    except OSError as problem:
        with suppress(OSError):
            path.unlink(missing_ok=True)  # it may be what fills the disk
        raise cannot_write(path, problem) from problem
    return account


def cannot_write(path: Path, problem: OSError) -> StorageError:
    """The letter for a disk that does not take what is written. What has been written is kept."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        letter = unwritable(path, problem.strerror)
        letter.fix = f"{letter.fix}; the same command then goes on where it was"
        return letter
    return StorageError(
        "It cannot be written.",
        where=problem.filename or path,
        found=problem.strerror,
        fix="write to another place, or have its permissions changed",
    )


def _done_before(part: Part) -> PartAccount | None:
    path = _account_path(part.state, part.number)
    if not path.is_file():
        return None
    account = PartAccount(**read_json(path))
    with samples_path(part.state, part.number).open("rb") as file:
        # After a power cut the account may have reached the disk before the samples.
        for num_bytes, expected in zip(account.num_bytes, account.hash, strict=True):
            if fingerprint_bytes(pieces_of(file, num_bytes)) != expected:
                return None
    return account


def _account_path(state: Path, number: int) -> Path:
    return samples_path(state, number).with_suffix(".json")


def _add(part: Part, row: tuple[str, str, int, int, int], file: BinaryIO, account: PartAccount) -> None:
    """Append the entry of one recording, or note why there is none."""
    name, path, start_sample, num_samples, source_hz = row
    begin = file.tell()
    try:
        span = SourceSpan(safe_join(part.root, path), start_sample, num_samples, source_hz)
        packed, num_bytes, digest = _ENCODERS[part.codec](span, part.rate_hz, file)
    except (AudioError, UnsafePath) as error:
        file.seek(begin)
        file.truncate()
        usual = problem_reason(error) if isinstance(error, AudioError) else "unreadable"
        reason = _REASONS.get(type(error), usual)
        account.problems.append(asdict(problem_from(error, reason, name)))
        return
    account.recording_id.append(name)
    account.num_bytes.append(num_bytes)
    account.num_samples.append(packed.num_samples)
    account.scale.append(packed.scale)
    account.hash.append(digest)
    account.source_start_sample.append(start_sample)
    account.source_num_samples.append(num_samples)
    account.source_rate_hz.append(source_hz)


def _encode_pcm(span: SourceSpan, rate_hz: int, file: BinaryIO) -> tuple[Packed, int, str]:
    """Append little-endian int16."""
    begin = file.tell()
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)

    def take(piece: npt.NDArray[np.int16]) -> None:
        digest.update(piece.data)
        file.write(piece.data)

    def start_again() -> None:
        nonlocal digest
        digest = hashlib.blake2b(digest_size=_HASH_BYTES)
        file.seek(begin)
        file.truncate()

    packed = round_recording(span, rate_hz, take, start_again)
    return packed, file.tell() - begin, digest.hexdigest()


def _encode_flac(span: SourceSpan, rate_hz: int, file: BinaryIO) -> tuple[Packed, int, str]:
    """Append a whole FLAC stream. It is made apart: its first bytes are known when all samples are."""
    begin = file.tell()
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    with tempfile.TemporaryFile(dir=Path(file.name).parent) as apart:
        target = _Target(apart)
        handle = _flac_writer(target, rate_hz)

        def take(piece: npt.NDArray[np.int16]) -> None:
            handle.write(piece)

        def start_again() -> None:
            nonlocal handle
            handle.close()
            apart.seek(0)
            apart.truncate()
            handle = _flac_writer(target, rate_hz)

        try:
            packed = round_recording(span, rate_hz, take, start_again)
            handle.close()
        except (soundfile.LibsndfileError, AssertionError) as problem:  # soundfile asserts that all was written
            raise target.problem or problem from problem
        apart.seek(0)
        for piece in iter(lambda: apart.read(_PIECE_BYTES), b""):
            digest.update(piece)
            file.write(piece)
    return packed, file.tell() - begin, digest.hexdigest()


class _Target:
    """A file for libsndfile, which cannot hand an error of the disk through: it is kept here."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.problem: OSError | None = None
        self.seek, self.tell, self.read = file.seek, file.tell, file.read

    def write(self, data: bytes) -> int:
        """As that of the file; 0 where it fails."""
        try:
            return self.file.write(data)
        except OSError as problem:
            self.problem = problem
            return 0


def _flac_writer(target: _Target, rate_hz: int) -> Forward:
    return Forward(target, "w", rate_hz, 1, "PCM_16", format="FLAC")


_ENCODERS: dict[str, Callable[[SourceSpan, int, BinaryIO], tuple[Packed, int, str]]] = {
    "pcm": _encode_pcm,
    "flac": _encode_flac,
}
