"""Waveforms of a batch made different, each by draws of its own.

Conventions: what a row gets depends on its key alone, not on the row's place, the batch or the thread. An augmentation
sees the valid samples of its row and leaves their number as it is; the zeros behind them stay. The second recording of
a mix is another recording of the same entry, read from a random place.

Public names: augment_row, MixPartners.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audiolect.audio.augment import Mix
from audiolect.audio.augment_chain import ChainSettings, apply_chain, draw_chain
from audiolect.errors import UsageError
from audiolect.loader.permutation import draw_below, draw_uniform, stream
from audiolect.loader.waveforms import WaveformSource

Ints = npt.NDArray[np.int64]
MixPartners: TypeAlias = tuple[WaveformSource, Ints]


def augment_row(
    samples: npt.NDArray[np.float32],
    key: int,
    settings: ChainSettings,
    partners: Callable[[], MixPartners],
    source_row: int,
) -> None:
    """Draw a chain of augmentations and write its result in the place of the samples.

    Args:
        samples: (L,) the valid samples of a row; changed.
        key: 64 bits from which everything is drawn.
        settings: which augmentations, how often.
        partners: the source, and the rows of it that may be mixed in, each once, none of them empty; their order
            decides. Asked only where a mix is drawn.
        source_row: the row's own recording, which is not mixed in.

    Raises:
        UsageError: there is no other recording to mix in.
    """
    if not len(samples):
        return
    chain = draw_chain(np.random.Generator(np.random.Philox(key=key)), settings)
    if not chain.steps:
        return
    other = None
    if any(isinstance(step, Mix) for step in chain.steps):
        other = _mix_partner(key, len(samples), *partners(), source_row)
    samples[:] = apply_chain(samples, chain, other=other)


def _mix_partner(key: int, length: int, source: WaveformSource, rows: Ints, source_row: int) -> npt.NDArray[np.float32]:
    """At most ``length`` samples of another recording, every other one of ``rows`` alike."""
    if not len(rows) or (len(rows) == 1 and int(rows[0]) == source_row):
        raise UsageError(
            "A mix needs another recording, and the entry has none.",
            where=f"recording {source.recording_ids[source_row]!r}",
            fix="take 'mix' out of the augmentations of this entry",
        )
    row, turn = source_row, 0
    while row == source_row:
        row = int(rows[int(draw_below(stream(key, "partner"), turn, len(rows)))])
        turn += 1
    available = int(source.num_samples[row])
    room = max(0, available - length)
    start = min(int(draw_uniform(stream(key, "place"), 0) * (room + 1)), room)
    return source.read(row, start, min(length, available))
