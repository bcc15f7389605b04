"""Which part of each recording is read: starts and lengths for many recordings at once.

Conventions: arrays of (n,) int64, in samples at the rate of the batches. Lengths depend on the settings and on the
recording alone, so that examples can be sorted by length before anything is drawn; starts may be drawn. A recording
that is shorter than its crop is read whole.

Public names: span_lengths, span_costs, span_starts, padded_samples, windows_of.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiolect.loader.batch_settings import BatchSettings

Ints = npt.NDArray[np.int64]


def span_lengths(settings: BatchSettings, num_samples: Ints) -> Ints:
    """How many samples are read of recordings that have ``num_samples``."""
    if settings.policy == "crop":
        return np.minimum(num_samples, settings.crop_samples)
    if settings.policy == "pad":
        return num_samples if settings.max_samples is None else np.minimum(num_samples, settings.max_samples)
    return np.minimum(num_samples, _reach(settings, windows_of(settings, num_samples)))


def span_costs(settings: BatchSettings, num_samples: Ints) -> Ints:
    """What each recording counts for in a budget of samples: what a model hears of it, with the padding."""
    if settings.has_windows:
        return windows_of(settings, num_samples) * settings.window_samples
    lengths = span_lengths(settings, num_samples)
    if settings.policy == "crop":
        return np.full_like(lengths, settings.crop_samples)
    return _rounded_up(lengths, settings.pad_to_multiple)


def span_starts(settings: BatchSettings, num_samples: Ints, uniforms: npt.NDArray[np.float64] | None) -> Ints:
    """Where the spans begin: crops where ``uniforms`` in [0, 1) say, or in the middle (None); all others at 0."""
    if settings.policy != "crop":
        return np.zeros_like(num_samples)
    room = np.maximum(num_samples - settings.crop_samples, 0)
    if uniforms is None:
        return room // 2
    # The product may round up to room + 1.
    starts: Ints = np.minimum((uniforms * (room + 1)).astype(np.int64), room)
    return starts


def padded_samples(settings: BatchSettings, num_samples: Ints) -> int:
    """T of a global batch of recordings that have ``num_samples``."""
    if settings.policy == "crop":
        return settings.crop_samples
    if settings.policy == "pad":
        return int(_rounded_up(span_lengths(settings, num_samples), settings.pad_to_multiple).max(initial=0))
    return int(_reach(settings, windows_of(settings, num_samples)).max(initial=0))


def windows_of(settings: BatchSettings, num_samples: Ints) -> Ints:
    """How many windows each recording has: ``audio.windows.plan_windows`` for many recordings."""
    window, step = settings.window_samples, settings.window_samples - settings.overlap_samples
    needed: Ints = 1 + np.maximum(0, -((window - num_samples) // step))
    most = settings.max_windows
    return needed if most is None else np.minimum(needed, most)


def _reach(settings: BatchSettings, windows: Ints) -> Ints:
    return (windows - 1) * (settings.window_samples - settings.overlap_samples) + settings.window_samples


def _rounded_up(lengths: Ints, multiple: int) -> Ints:
    return -(-lengths // multiple) * multiple
