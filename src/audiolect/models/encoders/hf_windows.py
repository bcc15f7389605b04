"""Encoders of a fixed length: a longer recording is heard in windows, one after the other.

AST, HTSAT and Whisper hear a fixed number of frames, shorter recordings filled up as in their training. A recording
within one window has what transformers gives for it. A longer one is cut into windows without overlap; each is heard as
a recording of its own, the pooled vector is the mean of the windows' weighed by their lengths, and the frame sequences
follow each other. The rest at the end is left out where it is shorter than a tenth of a window. A recording's windows
depend on its own length alone, so neighbours in the batch change nothing.

Shapes: B recordings, T samples, K windows of all recordings together, N positions in time, D width.

Public names: Windows, cut_windows, join_windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.pooling import apply_mask, length_mask

_LEAST_SHARE = 10


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of a batch, in the order of recordings and of time."""

    waveforms: Tensor
    """(K, window or shorter), zero behind each end."""
    lengths: Tensor
    """(K,) int64, samples."""
    rows: Tensor
    """(K,) int64, the recording of each window; each recording has one at least."""


def cut_windows(waveforms: Tensor, lengths: Tensor, window_samples: int) -> Windows:
    """Cut each recording of a batch.

    Args:
        waveforms: (B, T) floating.
        lengths: (B,) int64, samples.
        window_samples: of one window.
    """
    device = waveforms.device
    clean = apply_mask(waveforms, length_mask(lengths.to(device), waveforms.shape[1]))
    spans = [
        (row, start, min(window_samples, length - start))
        for row, length in enumerate(lengths.tolist())
        for start in range(0, max(length, 1), window_samples)
        if start == 0 or (length - start) * _LEAST_SHARE >= window_samples
    ]
    longest = max((length for _, _, length in spans), default=0)
    cut = clean.new_zeros(len(spans), longest)
    for index, (row, start, length) in enumerate(spans):
        cut[index, :length] = clean[row, start : start + length]
    rows, sizes = [row for row, _, _ in spans], [length for _, _, length in spans]
    return Windows(cut, torch.tensor(sizes, device=device), torch.tensor(rows, device=device))


def join_windows(pooled: Tensor, frames: Tensor, counts: Tensor, windows: Windows) -> EncoderOutput:
    """Put together what an encoder gave for windows.

    Args:
        pooled: (K, D).
        frames: (K, N, D).
        counts: (K,) int64, how many positions of each window are valid.
        windows: from ``cut_windows``.

    Returns:
        One row for each recording; the sequence ends with the longest.
    """
    batch = int(windows.rows[-1]) + 1 if len(windows.rows) else 0
    if batch == len(windows.rows):
        frames = frames[:, : int(counts.max())] if batch else frames
        mask = length_mask(counts, frames.shape[1])
        return EncoderOutput(pooled, apply_mask(frames, mask), mask)
    weights = windows.lengths.clamp(min=1).to(pooled.dtype)
    totals = weights.new_zeros(batch).index_add(0, windows.rows, weights)
    shares = weights / totals[windows.rows]
    joined = pooled.new_zeros(batch, pooled.shape[1]).index_add(0, windows.rows, pooled * shares[:, None])
    courses = [
        torch.cat([frames[index, : counts[index]] for index in (windows.rows == row).nonzero()[:, 0]])
        for row in range(batch)
    ]
    sequence = torch.nn.utils.rnn.pad_sequence(courses, batch_first=True)
    mask = length_mask(torch.tensor([len(course) for course in courses], device=frames.device), sequence.shape[1])
    return EncoderOutput(joined, sequence, mask)
