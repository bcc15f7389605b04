"""The plan of a training: which example stands at which position of which virtual epoch, as a function.

    plan = Plan(entries=(PlanEntry("soundworld-AudioCaptioning/train", 1000, Schedule.constant(1.0)),),
                global_weight=Fraction(1, 10), epochs=10, seed=7)
    plan.epoch_size(0)                         # 100
    draws = plan.draws(3, np.arange(16))       # entries, items and passes of the first 16 positions of epoch 3

Conventions: epochs, positions, draws, items and passes count from 0. An entry is an endless stream of draws: pass after
pass over its N items, each pass in an order of its own that depends on the seed, the key of the entry and the number of
the pass, and on nothing else. With weight w and global weight g, the first e epochs take the first floor(N * g * w * e)
draws of the stream (with a schedule: the sum of the weights of those epochs in the place of w * e), computed with
fractions. So epochs may end in the middle of a pass, and the next goes on there: every full pass has every item once.
The draws of one epoch stand in an order of their own, over all entries; it depends on the seed, the epoch and the
numbers of draws. Entries are sorted by key: the order in a file has no effect.

A plan holds some numbers for each entry, whatever the size of the data, and finds any position in the same time.

Public names: Plan, PlanEntry, Draws.

Source: virtual epochs and floor boundaries are those of Audio Flamingo (https://arxiv.org/abs/2402.01831). There the
order of a pass lasts to the end of the virtual epoch only, so that two passes show some items three times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.loader.permutation import MOST_INDEXES, draw_bits, permute, stream
from audiolect.loader.schedules import Schedule


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """One entry of a mixture, as numbers.

    Args:
        key: ``DATASET-Task/split``.
        num_items: N, how many examples, or (example, answer) pairs, one pass goes over; at least 1.
        weights: how many passes an epoch takes, before the global weight.
    """

    key: str
    num_items: int
    weights: Schedule

    def __post_init__(self) -> None:
        if not 1 <= self.num_items <= MOST_INDEXES:
            raise UsageError(
                "An entry of a plan cannot have so many items.",
                where=self.key,
                expected=f"1 to {MOST_INDEXES}",
                found=self.num_items,
            )


@dataclass(frozen=True, slots=True)
class Draws:
    """What stands at some positions: arrays of equal length n, in the order of the positions.

    Args:
        entry: (n,) which of ``plan.entries``.
        item: (n,) 0 to N - 1 within the entry: an example, or an (example, answer) pair where all captions are taken.
        pass_index: (n,) which pass over the entry.
    """

    entry: npt.NDArray[np.int32]
    item: npt.NDArray[np.int64]
    pass_index: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True, slots=True)
class _Layout:
    """One epoch in numbers: its key, the first draw of each entry, and where each entry ends before the shuffle."""

    epoch: int
    key: int
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


class Plan:
    """The order of all examples of all virtual epochs.

    Args:
        entries: with different keys; kept sorted by key.
        global_weight: g, more than 0.
        epochs: how many virtual epochs the training has, at least 1.
        seed: chooses all orders.

    Raises:
        UsageError: no entry, a key twice, a global weight or number of epochs that cannot be, or an epoch that is too
            long to be numbered.
    """

    __slots__ = ("_layout", "_pass_keys", "_sizes", "entries", "epochs", "global_weight", "seed")

    def __init__(self, *, entries: Iterable[PlanEntry], global_weight: Fraction, epochs: int, seed: int) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.key))
        self.global_weight, self.epochs, self.seed = global_weight, epochs, seed
        keys = [entry.key for entry in self.entries]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if not keys or doubled:
            found = "no entry" if not keys else f"twice: {', '.join(doubled)}"
            raise UsageError("A plan needs entries, each key once.", expected="one entry or more", found=found)
        if global_weight <= 0 or epochs < 1:
            raise UsageError(
                "A plan cannot have this global weight, or this number of epochs.",
                expected="a weight above 0, and 1 epoch or more",
                found=f"global weight {float(global_weight):g}, {epochs} epochs",
            )
        self._check_lengths()
        self._sizes = np.array([entry.num_items for entry in self.entries], np.int64)
        self._pass_keys = np.array([stream(seed, "passes", key) for key in keys], np.uint64)
        self._layout = self._laid_out(0)

    def epoch_size(self, epoch: int) -> int:
        """How many draws an epoch has; its positions are 0 to this minus 1.

        Raises:
            UsageError: there is no such epoch.
        """
        ends = self._layout_of(epoch).ends
        return int(ends[-1])

    def epoch_counts(self, epoch: int) -> npt.NDArray[np.int64]:
        """How many draws an epoch takes of each entry, (entries,)."""
        return np.diff(self._layout_of(epoch).ends, prepend=0)

    def total_size(self) -> int:
        """How many draws all epochs have."""
        return sum(self.draws_before(place, self.epochs) for place in range(len(self.entries)))

    def draws_before(self, entry: int, epoch: int) -> int:
        """How many draws of an entry the epochs before this one take: floor(N * g * sum of weights)."""
        here = self.entries[entry]
        return math.floor(here.num_items * self.global_weight * here.weights.total(epoch))

    def passes(self, entry: int, epochs: int | None = None) -> Fraction:
        """How many passes over an entry the first ``epochs`` epochs make (None: all): g * sum of weights, exactly."""
        return self.global_weight * self.entries[entry].weights.total(self.epochs if epochs is None else epochs)

    def draws(self, epoch: int, positions: npt.NDArray[np.int64]) -> Draws:
        """What stands at some positions of an epoch, in any order, also repeated.

        Raises:
            UsageError: there is no such epoch, or no such position in it.
        """
        layout = self._layout_of(epoch)
        size = int(layout.ends[-1])
        asked = np.asarray(positions, np.int64)
        if asked.size == 0:
            return Draws(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
        if int(asked.min()) < 0 or int(asked.max()) >= size:
            raise UsageError(
                "There is no such position in the epoch.",
                where=f"epoch {epoch}",
                expected=f"0 to {size - 1}" if size else "none: the epoch draws nothing",
                found=f"{int(asked.min())} to {int(asked.max())}",
            )
        places = permute(layout.key, asked, size)
        entry = np.searchsorted(layout.ends, places, side="right")
        draw = places + layout.starts[entry]
        pass_index, within = np.divmod(draw, self._sizes[entry])
        item = permute(draw_bits(self._pass_keys[entry], pass_index), within, self._sizes[entry])
        return Draws(entry.astype(np.int32), item, pass_index)

    def _check_lengths(self) -> None:
        """Positions and draws must be numbers that the permutation and int64 hold."""
        changes = {start for entry in self.entries for start in entry.weights.starts if start < self.epochs}
        for epoch in sorted(changes):
            rates = (entry.num_items * self.global_weight * entry.weights.at(epoch) for entry in self.entries)
            size = math.ceil(sum(rates, Fraction(0))) + len(self.entries)
            if size > MOST_INDEXES or size * self.epochs >= 1 << 62:
                raise UsageError(
                    "The epochs are too long to be numbered.",
                    where=f"epoch {epoch}",
                    expected=f"at most {MOST_INDEXES} draws, and {1 << 62} in all epochs",
                    found=f"about {size}, and {self.epochs} epochs",
                    fix="lower the weights, the global weight or the number of epochs",
                )

    def _layout_of(self, epoch: int) -> _Layout:
        """The layout of an epoch; the last one is kept, and replaced as a whole, so that threads may share a plan."""
        layout = self._layout
        if layout.epoch != epoch:
            if not 0 <= epoch < self.epochs:
                raise UsageError("There is no such epoch.", expected=f"0 to {self.epochs - 1}", found=epoch)
            layout = self._layout = self._laid_out(epoch)
        return layout

    def _laid_out(self, epoch: int) -> _Layout:
        before = [self.draws_before(place, epoch) for place in range(len(self.entries))]
        after = [self.draws_before(place, epoch + 1) for place in range(len(self.entries))]
        ends = np.cumsum([last - first for first, last in zip(before, after, strict=True)], dtype=np.int64)
        # Position p before the shuffle is draw p - (where its entry begins) + (its first draw).
        begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        return _Layout(epoch, stream(self.seed, "epoch", epoch), np.array(before, np.int64) - begins, ends)
