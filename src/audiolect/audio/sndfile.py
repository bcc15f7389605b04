"""Reading through libsndfile: WAV and its kin, AIFF, AU, CAF, FLAC, Ogg Vorbis, Opus, MP3.

Spans equal the slice of a full decode, bit for bit. libsndfile seeks exactly only where samples are stored one by
one, and in FLAC; after a seek its Vorbis and MPEG-2 layer III samples are plainly wrong, its Opus samples off in the
last bit. So everything else is decoded from the start and discarded up to the span. SoundFile seeks after every read,
to where it already is: that costs time, and spoils low-rate MP3; ``Forward`` reads straight on.

Public names: open_sndfile, Forward, name_for_libsndfile.
"""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from audiolect.audio import mpeg
from audiolect.audio.headers import Head
from audiolect.audio.source import AudioInfo, Block, Source, damaged, skip_and_limit, truncated
from audiolect.errors import UnreadableAudio

# subtypes in which one sample is found without decoding the ones before it
_STORED_SINGLY = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
_MPEG_NAMES = {"MPEG_LAYER_I": "mp1", "MPEG_LAYER_II": "mp2", "MPEG_LAYER_III": "mp3"}
_CONTAINER_NAMES = {"WAVEX": "wav", "RF64": "wav"}  # others: their own names in small letters
_UNKNOWN_LENGTH = 1 << 62  # libsndfile states 2^63 - 1 where it does not know
_STEP_SAMPLES = 256  # few against what a damaged frame of any usual coder takes away
_BLOCK_VALUES = 524288  # values in a block: 1 MiB of int16; every block costs some 50 µs of its own


class Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A SoundFile that only moves when told to."""

    def seekable(self) -> bool:
        """No: so that SoundFile does not ask for its position, and set it, at every read and write."""
        return False


@contextmanager
def open_sndfile(path: Path, head: Head) -> Iterator[Source]:
    """Open a file of a container that libsndfile knows.

    Raises:
        TruncatedAudio: an MP3 file has fewer bytes than its tag states.
        UnreadableAudio: libsndfile cannot make sense of it.
    """
    target: str | bytes | io.BytesIO = name_for_libsndfile(path)
    if path.suffix.lower() == ".raw":  # by this name SoundFile takes any file for one without a header
        target = io.BytesIO(path.read_bytes())
    if head.container == "mpeg":
        found = mpeg.survey(path, head.start_byte)
        if found is None:
            raise UnreadableAudio("No MPEG audio frame was found.", where=path, cause="a damaged MP3 file")
        if found.missing_bytes:
            raise truncated(
                path,
                expected=f"{found.num_frames} frames, {head.num_bytes + found.missing_bytes} bytes",
                found=f"{head.num_bytes} bytes in the file",
            )
        if found.num_frames == 0:
            frame = found.frame
            info = AudioInfo(0, frame.sample_rate_hz, frame.num_channels, f"mp{frame.layer}", head.num_bytes)
            yield Source(info, _no_blocks)
            return
        if not found.is_tagged and found.frame.layer == 3:
            target = mpeg.with_frame_count(path, found)
    with _open(target, path) as handle:
        num_samples = _length(handle, target, path)
        info = AudioInfo(num_samples, handle.samplerate, handle.channels, _codec(handle), head.num_bytes)
        yield Source(info, lambda start, count: _span(handle, path, info, start, count))


def name_for_libsndfile(path: Path) -> str | bytes:
    """The name in a form that reaches libsndfile unchanged, also where it is not UTF-8."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def _open(target: str | bytes | io.BytesIO, path: Path) -> Forward:
    try:
        return Forward(target)
    except soundfile.LibsndfileError as error:
        raise UnreadableAudio(
            "The audio file cannot be opened.",
            where=path,
            found=f"libsndfile says: {error.error_string}",
            cause="a damaged or truncated file, or a coding that libsndfile does not know",
        ) from error


def _length(handle: Forward, target: str | bytes | io.BytesIO, path: Path) -> int:
    """The number of samples. Where the header does not tell it, it is found by decoding the file."""
    is_estimate = handle.subtype in _MPEG_NAMES and not (handle.format == "MP3" and handle.subtype == "MPEG_LAYER_III")
    if handle.frames < _UNKNOWN_LENGTH and not is_estimate:
        return int(handle.frames)
    with _open(target, path) as counting:
        return sum(len(block) for block in _blocks(counting, path, counting.frames))


def _codec(handle: Forward) -> str:
    if handle.subtype in _MPEG_NAMES and handle.format == "MP3":
        return _MPEG_NAMES[handle.subtype]
    container = _CONTAINER_NAMES.get(handle.format, handle.format.lower())
    return f"{container}/{handle.subtype.lower()}"


def _no_blocks(_start: int, _count: int) -> Generator[Block, None, None]:
    yield from ()


def _span(handle: Forward, path: Path, info: AudioInfo, start: int, count: int) -> Generator[Block, None, None]:
    is_seekable = handle.subtype in _STORED_SINGLY and handle.frames < _UNKNOWN_LENGTH
    if start and count and is_seekable:
        try:
            handle.seek(start)
        except soundfile.LibsndfileError as error:
            raise damaged(
                path, decoder_says=error.error_string, at_sample=start, num_samples=info.num_samples
            ) from error
        return _blocks(handle, path, count)
    return skip_and_limit(_blocks(handle, path, start + count), start, count)


def _blocks(handle: Forward, path: Path, count: int) -> Generator[Block, None, None]:
    """Blocks from where the handle stands, until ``count`` samples or the end."""
    block_samples = max(1, min(count, _BLOCK_VALUES // handle.channels))
    is_int16 = handle.subtype == "PCM_16"
    scratch = np.empty((block_samples, handle.channels), np.int16 if is_int16 else np.float32)
    done = 0
    while done < count:
        try:
            block: Block = handle.read(out=scratch[: count - done])
        except soundfile.LibsndfileError as error:
            raise _broken(handle, path, error) from error
        if not len(block):
            return
        done += len(block)
        yield block


def _broken(handle: Forward, path: Path, error: soundfile.LibsndfileError) -> UnreadableAudio:
    """A FLAC file of which the very end cannot be reached was cut off; any other is damaged inside."""
    num_samples, done = int(handle.frames), _count_decodable(handle)
    if handle.format == "FLAC" and num_samples < _UNKNOWN_LENGTH:
        try:
            with _again(handle) as fresh:
                fresh.seek(num_samples - 1)
                fresh.read(1)
        except soundfile.LibsndfileError:
            return truncated(path, expected=f"{num_samples} samples", found=f"{done} samples that can be decoded")
    return damaged(path, decoder_says=error.error_string, at_sample=done, num_samples=num_samples)


def _count_decodable(handle: Forward) -> int:
    """How many samples come from the start on before decoding fails; the blocks of reading are too large to tell."""
    done = 0
    with _again(handle) as fresh:
        scratch = np.empty((_STEP_SAMPLES, fresh.channels), np.float32)
        try:
            while block := len(fresh.read(out=scratch)):
                done += block
        except soundfile.LibsndfileError:
            return done
    return done


def _again(handle: Forward) -> Forward:
    """The same file, opened anew."""
    target = handle.name
    return Forward(io.BytesIO(target.getvalue()) if isinstance(target, io.BytesIO) else target)
