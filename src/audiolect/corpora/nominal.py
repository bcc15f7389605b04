"""Recordings on the word of their tables, for a corpus whose audio is not at hand: ``prepare --no-audio``.

Conventions: the length of a recording is, in turn, the span that its draft declares, the length that its table states
(``Draft.stated_seconds``), or the nominal length of the corpus; one without any of them is a Problem. Lengths are
counted at the nominal rate of the corpus. The codec is NO_CODEC, the size 0, the channels 1, and there is no hash.

Public names: Nominal, nominal_recording, describe_lengths, UNKNOWN_LENGTH, DEFAULT_RATE_HZ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiolect.corpora.inspection import Draft, Inspected
from audiolect.data.problems import Problem
from audiolect.data.records import NO_CODEC, Recording

DEFAULT_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Nominal:
    """What is known of the audio of a corpus that nobody has looked at.

    Args:
        seconds: the length of a recording whose table says nothing; None: there is no such length.
        rate_hz: the rate at which lengths are counted.
    """

    seconds: float | None = None
    rate_hz: int = DEFAULT_RATE_HZ


UNKNOWN_LENGTH = Nominal()  # of a corpus that nothing is known of


def nominal_recording(draft: Draft, nominal: Nominal) -> Inspected:
    """The recording that a draft would be, if its audio is what the tables say."""
    rate_hz = nominal.rate_hz
    start = draft.start_sample if draft.start_seconds is None else round(draft.start_seconds * rate_hz)
    count = _num_samples(draft, nominal, start)
    if count is None:
        return Inspected(None, (Problem("missing-value", draft.recording_id, "no length is stated"),))
    if start < 0 or count < 1:
        detail = f"a span of {count} samples from sample {start} on, at {rate_hz} Hz"
        return Inspected(None, (Problem("bad-value", draft.recording_id, detail),))
    recording = Recording(
        recording_id=draft.recording_id,
        path=draft.path,
        start_sample=start,
        num_samples=count,
        sample_rate_hz=rate_hz,
        num_channels=1,
        codec=NO_CODEC,
        num_bytes=0,
        source_id=draft.source_id,
        parent_id=draft.parent_id,
        group=draft.group,
        split=draft.split,
        fold=draft.fold,
        labels=draft.labels,
        title=draft.title,
        license=draft.license,
    )
    return Inspected(recording)


def describe_lengths(drafts: Sequence[Draft], nominal: Nominal) -> str:
    """For the notes of the card: what the lengths rest on."""
    stated = sum(_is_stated(draft) for draft in drafts)
    told = []
    if stated:
        told.append(f"as the tables state for {stated} of {len(drafts)} recordings")
    if stated < len(drafts) and nominal.seconds is not None:
        told.append(f"{nominal.seconds:g} s, as the corpus is known, for {len(drafts) - stated} of {len(drafts)}")
    return f"nominal: {', '.join(told)}; counted at {nominal.rate_hz} Hz; no audio was looked at"


def _is_stated(draft: Draft) -> bool:
    return any(value is not None for value in (draft.num_samples, draft.end_seconds, draft.stated_seconds))


def _num_samples(draft: Draft, nominal: Nominal, start: int) -> int | None:
    if draft.end_seconds is not None:
        return round(draft.end_seconds * nominal.rate_hz) - start
    if draft.num_samples is not None:
        return draft.num_samples
    seconds = nominal.seconds if draft.stated_seconds is None else draft.stated_seconds
    return None if seconds is None else round(seconds * nominal.rate_hz)
