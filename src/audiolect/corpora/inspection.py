"""Looks at the audio of one declared recording: can it be used, what is in it, what is wrong with it.

Conventions: everything that is wrong with one recording becomes a Problem with the recording's id; nothing is raised
for bad data. A span that ends beyond its file is shortened to it, because tables round to seconds and encoders add or
drop some samples; it is listed as a warning when more than END_TOLERANCE_SECONDS are missing. Decoding goes block by
block: hours of sound need no more memory than seconds.

Public names: Draft, Inspected, inspect_draft, END_TOLERANCE_SECONDS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiolect.audio.files import AudioInfo, count_not_finite, probe, problem_reason
from audiolect.audio.pcm_stream import PcmHasher
from audiolect.audio.spans import open_span
from audiolect.data.problems import Problem, problem_from
from audiolect.data.records import Recording
from audiolect.errors import AudioError, UnsafePath
from audiolect.storage import safe_join

END_TOLERANCE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Draft:
    """A recording as its corpus declares it, before anybody has looked at the audio.

    ``path`` is relative to the audio root, with forward slashes. ``start_sample`` and ``num_samples`` count samples at
    the rate of the file; ``num_samples=None`` means to the end. A corpus whose tables tell seconds gives
    ``start_seconds`` and ``end_seconds`` instead, which become the nearest samples. ``stated_seconds`` is how long a
    table says that the recording is; it counts only where no audio is looked at. The other fields are those of a
    Recording.
    """

    recording_id: str
    path: str
    start_sample: int = 0
    num_samples: int | None = None
    start_seconds: float | None = None
    end_seconds: float | None = None
    stated_seconds: float | None = None
    source_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    split: str = "all"
    fold: int | None = None
    labels: tuple[str, ...] = ()
    title: str | None = None
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """What became of a draft: the recording, or None where it cannot be used, and what is wrong."""

    recording: Recording | None
    problems: tuple[Problem, ...] = ()


def inspect_draft(draft: Draft, *, root: Path, decode: bool) -> Inspected:
    """Probe the file of a draft and, with ``decode``, decode its span, look at every sample, and hash it."""
    where = draft.recording_id
    try:
        path = safe_join(root, draft.path)
        info = probe(path)
        if info.num_samples == 0:
            return _refused("no-samples", where, f"{draft.path} is an audio file without samples")
        start, count, warning = _span(draft, info)
        if count <= 0:
            return _refused("no-samples", where, warning)
        digest = None
        if decode:
            digest, not_finite = _decode(path, start, count)
            if not_finite:
                total = count * info.num_channels
                return _refused("not-finite", where, f"{not_finite} values of {total} in {draft.path}")
    except UnsafePath as error:
        return Inspected(None, (problem_from(error, "unsafe-path", where),))
    except AudioError as error:
        listed = problem_from(error, problem_reason(error), where)
        return _refused(listed.reason, where, f"{draft.path}: {listed.detail}")
    recording = _recording(draft, info, start, count, digest)
    return Inspected(recording, (Problem("truncated", where, warning, "warning"),) if warning else ())


def _decode(path: Path, start: int, count: int) -> tuple[str, int]:
    """The PCM hash of a span, and how many of its values are NaN or infinite (then the hash means nothing)."""
    not_finite = 0
    with open_span(path, start, count) as span:
        hasher = PcmHasher(span.info.sample_rate_hz, span.info.num_channels)
        for block in span.blocks:
            not_finite += 0 if block.dtype == np.int16 else count_not_finite(block)
            if not not_finite:
                hasher.update(block)
    return hasher.hexdigest(), not_finite


def _refused(reason: str, where: str, detail: str) -> Inspected:
    return Inspected(None, (Problem(reason, where, detail),))


def _span(draft: Draft, info: AudioInfo) -> tuple[int, int, str]:
    """First sample and length of the span within the file, and what is to be said of it; no length: no such span."""
    rate_hz = info.sample_rate_hz
    start = draft.start_sample if draft.start_seconds is None else round(draft.start_seconds * rate_hz)
    end = info.num_samples if draft.num_samples is None else start + draft.num_samples
    if draft.end_seconds is not None:
        end = round(draft.end_seconds * rate_hz)
    file = f"{draft.path} has {info.num_samples} samples ({info.duration_seconds:.3f} s)"
    if not 0 <= start < min(end, info.num_samples):
        return start, 0, f"the span is samples {start} to {end}, and {file}"
    missing = end - info.num_samples
    if missing > END_TOLERANCE_SECONDS * rate_hz:
        return start, info.num_samples - start, f"the span should end at sample {end} ({end / rate_hz:.3f} s); {file}"
    return start, min(end, info.num_samples) - start, ""


def _recording(draft: Draft, info: AudioInfo, start: int, count: int, digest: str | None) -> Recording:
    return Recording(
        recording_id=draft.recording_id,
        path=draft.path,
        start_sample=start,
        num_samples=count,
        sample_rate_hz=info.sample_rate_hz,
        num_channels=info.num_channels,
        codec=info.codec,
        num_bytes=info.num_bytes,
        pcm_hash=digest,
        source_id=draft.source_id,
        parent_id=draft.parent_id,
        group=draft.group,
        split=draft.split,
        fold=draft.fold,
        labels=draft.labels,
        title=draft.title,
        license=draft.license,
    )
