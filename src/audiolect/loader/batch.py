"""What a model is given at one step: a Batch of numpy arrays and texts.

    B  examples of this rank's share: 0 where a global batch has fewer examples than there are ranks
    T  samples: the length to which the waveforms of the global batch are padded, the same on every rank
    W  windows: the most that an example of the global batch has, the same on every rank
    S  samples of a window

Arrays that are always there:

    entry           (B,) int32          which entry of the mixture: an index into ``entry_keys``
    pass_index      (B,) int64          which pass over the entry this is, from 0
    waveforms       (B, T) float32      mono at ``rate_hz``; zeros behind each recording's valid samples
    lengths         (B,) int64          valid samples of each row: ``waveforms[b, lengths[b]:]`` is zero
    starts          (B,) int64          where the row begins in the recording
    num_samples     (B,) int64          how long the whole recording is, at ``rate_hz``
    answer_index    (B,) int64          which of the references the answer is; -1 where there is none
    recording_keys  (B,) int64          equal where two rows sound of the same recording, or of one that was made from
                                        the other, or of two made from the same
    caption_keys    (B,) int64          equal where the answers are the same words, whatever their case, spaces and
                                        punctuation

Arrays of the policies ``windows`` and ``all_windows``, None otherwise:

    windows         (B, W, S) float32   cut from the waveforms; zeros behind a recording's end and beyond its windows
    window_mask     (B, W) bool         True for the windows that a recording has

Texts, tuples of B: ``example_ids``, ``recording_ids``, ``prompts`` (with their prefix, where one was drawn),
``answers`` (the chosen one, "" where there is none), ``references`` (all answers), ``options``, ``turns`` (pairs of
what the user and the assistant say).

Conventions: the two kinds of keys are 64-bit hashes of texts, the same on every rank, in every run and on every
machine, so that they can be gathered over ranks and compared. A batch belongs to whoever got it: nothing writes to its
arrays again for as long as anything refers to one of them.

Public names: Batch, Turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Turns: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batch:
    """One rank's share of a global batch; the front door of this file documents every array.

    ``step`` counts the batches of the epoch before this one. ``position`` is how many examples of the epoch are
    consumed when this batch is done, over all ranks: with ``epoch`` it is the state to resume at. ``num_global`` is
    how many examples the global batch has over all ranks.
    """

    epoch: int
    step: int
    position: int
    num_global: int
    rate_hz: int
    entry_keys: tuple[str, ...]
    entry: npt.NDArray[np.int32]
    pass_index: npt.NDArray[np.int64]
    example_ids: tuple[str, ...]
    recording_ids: tuple[str, ...]
    waveforms: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    num_samples: npt.NDArray[np.int64]
    windows: npt.NDArray[np.float32] | None
    window_mask: npt.NDArray[np.bool_] | None
    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    answer_index: npt.NDArray[np.int64]
    references: tuple[tuple[str, ...], ...]
    options: tuple[tuple[str, ...], ...]
    turns: tuple[Turns, ...]
    recording_keys: npt.NDArray[np.int64]
    caption_keys: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        shape = self.waveforms.shape if self.windows is None else self.windows.shape
        return f"<Batch {self.step} of epoch {self.epoch}: {len(self)} of {self.num_global} examples, {shape}>"

    @property
    def audio_seconds(self) -> float:
        """How long the valid samples of all rows last."""
        return float(self.lengths.sum()) / self.rate_hz
