"""A label-balanced subset of a multi-label corpus: rare labels whole, frequent ones up to a target, few of the flood.

The selection is that of the AudioSet-small of the Whisper captioners of DCASE 2023, made deterministic: labels take
turns, the rarest first, and each turn adds at most ``step`` recordings of the label. A label that is to be limited
(Music, Speech) is avoided: a turn takes recordings with none of the limited labels while there are enough, then with
one, then with more.

Conventions: the result depends on the ids, the labels, the settings and the seed alone, never on the order of the rows.

Public names: SubsetSettings, SubsetReport, Subset, select_subset.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from audiolect.errors import UsageError, nearest_names

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SubsetSettings:
    """How many recordings of each label are wanted.

    Args:
        target: recordings of a label that has no entry in ``targets``.
        targets: label → recordings wanted of it.
        step: how many recordings one turn of a label adds at most.
        limited: labels that are avoided while others suffice.
        seed: of every random choice.
    """

    target: int = 500
    targets: Mapping[str, int] = field(default_factory=dict)
    step: int = 100
    limited: tuple[str, ...] = ()
    seed: int = 42


@dataclass(frozen=True, slots=True)
class SubsetReport:
    """What a subset looks like.

    ``entropy_nats`` is that of the distribution of labels over all (recording, label) pairs; ``entropy_limit_nats`` its
    greatest possible value, the logarithm of the number of labels. ``limited_share`` is the share of chosen recordings
    with any limited label. ``below_target`` counts labels of which the pool has fewer than wanted.
    """

    chosen: int
    pool: int
    labels_covered: int
    labels_in_pool: int
    entropy_nats: float
    entropy_limit_nats: float
    limited_share: float
    below_target: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Subset:
    """``mask[i]`` says whether row i was chosen; ``report`` what came out."""

    mask: NDArray[np.bool_]
    report: SubsetReport


@dataclass(frozen=True, slots=True)
class _Pool:
    """The pairs of recording and label as two lists of lists in flat form, recordings in the order of their ids."""

    order: Indices  # position in id order → row of the caller
    label_names: list[str]
    rows_of_label: list[Indices]  # for each label the positions that have it, ascending
    labels_flat: Indices  # the labels of position p are labels_flat[bounds[p]:bounds[p + 1]]
    bounds: Indices

    def labels_of(self, positions: Indices) -> Indices:
        """The labels of several positions, end to end."""
        if not len(positions):
            return np.zeros(0, np.int64)
        starts, counts = self.bounds[positions], self.bounds[positions + 1] - self.bounds[positions]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found: Indices = self.labels_flat[np.repeat(starts, counts) + within]
        return found


def select_subset(recording_ids: pl.Series, labels: pl.Series, settings: SubsetSettings) -> Subset:
    """Choose a label-balanced subset.

    Args:
        recording_ids: (N,) distinct ids.
        labels: (N,) lists of labels.
        settings: see SubsetSettings.

    Raises:
        UsageError: ids occur twice, lengths differ, a target or the step is not positive, or a label of the settings
            occurs nowhere.
    """
    _check(recording_ids, labels, settings)
    pool = _build_pool(recording_ids, labels)
    limited = np.zeros(len(pool.order), np.int64)
    for name in settings.limited:
        limited[pool.rows_of_label[pool.label_names.index(name)]] += 1
    chosen = _choose(pool, limited, settings)
    mask = np.zeros(len(pool.order), np.bool_)
    mask[pool.order[chosen]] = True
    return Subset(mask, _report(pool, chosen, limited, settings))


def _check(recording_ids: pl.Series, labels: pl.Series, settings: SubsetSettings) -> None:
    if len(recording_ids) != len(labels):
        raise UsageError(
            "Ids and labels differ in number.", expected=len(recording_ids), found=len(labels), fix="give one list each"
        )
    if recording_ids.n_unique() != len(recording_ids):
        twice = recording_ids.filter(recording_ids.is_duplicated())[0]
        raise UsageError("A recording occurs twice in the pool.", found=twice, fix="keep each recording once")
    for name, value, least in (
        ("step", settings.step, 1),
        ("target", settings.target, 1),
        *((f"target of {label}", target, 0) for label, target in settings.targets.items()),
    ):
        if value < least:
            raise UsageError(f"The {name} is too small.", expected=f"{least} or more", found=value)
    known = set(labels.explode().drop_nulls().unique())
    for name in (*settings.targets, *settings.limited):
        if name not in known:
            near = nearest_names(name, known)
            raise UsageError(
                f"The label {name!r} occurs nowhere in the pool.",
                expected=f"a label such as {', '.join(near or sorted(known)[:3])}",
                fix=f"did you mean {near[0]}?" if near else None,
            )


def _build_pool(recording_ids: pl.Series, labels: pl.Series) -> _Pool:
    order = recording_ids.arg_sort().to_numpy().astype(np.int64)
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    pairs = (
        pl.DataFrame({"position": position, "label": labels.list.unique()})
        .explode("label")
        .drop_nulls()
        .sort("position", "label")
    )
    names = sorted(pairs["label"].unique())
    code = {name: i for i, name in enumerate(names)}
    codes = pairs["label"].replace_strict(code, return_dtype=pl.Int64).to_numpy() if names else np.zeros(0, np.int64)
    positions = pairs["position"].to_numpy().astype(np.int64)
    by_label = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[by_label], np.arange(len(names) + 1))
    rows = [positions[by_label[edges[i] : edges[i + 1]]] for i in range(len(names))]
    bounds = np.searchsorted(positions, np.arange(len(order) + 1)).astype(np.int64)
    return _Pool(order, names, rows, codes.astype(np.int64), bounds)


def _choose(pool: _Pool, limited: Indices, settings: SubsetSettings) -> Indices:
    """The chosen positions, ascending."""
    rng = np.random.default_rng(settings.seed)
    totals = np.array([len(rows) for rows in pool.rows_of_label], np.int64)
    targets = np.array([settings.targets.get(name, settings.target) for name in pool.label_names], np.int64)
    counts = np.zeros(len(totals), np.int64)
    taken = np.zeros(len(pool.order), np.bool_)
    queue = deque(np.argsort(totals, kind="stable").tolist())
    while queue:
        label = queue.popleft()
        if counts[label] == totals[label] or counts[label] >= targets[label]:
            continue
        candidates = pool.rows_of_label[label][~taken[pool.rows_of_label[label]]]
        whole = totals[label] <= targets[label]
        if not whole:
            wanted = int(min(targets[label] - counts[label], settings.step))
            candidates = _draw(_avoid(candidates, limited, wanted, rng), wanted, rng)
        taken[candidates] = True
        counts += np.bincount(pool.labels_of(candidates), minlength=len(counts))
        if not whole and len(candidates):
            queue.append(label)
    return np.flatnonzero(taken)


def _avoid(candidates: Indices, limited: Indices, wanted: int, rng: np.random.Generator) -> Indices:
    """Candidates with the fewest limited labels that give ``wanted`` of them: none, then one, then more."""
    kept: Indices = np.zeros(0, np.int64)
    for least, most in ((0, 0), (1, 1), (2, np.iinfo(np.int64).max)):
        level = candidates[(limited[candidates] >= least) & (limited[candidates] <= most)]
        if not least and len(level) >= wanted:
            return level
        kept = np.concatenate([kept, _draw(level, wanted - len(kept), rng)])
        if len(kept) >= wanted:
            break
    return kept


def _draw(candidates: Indices, wanted: int, rng: np.random.Generator) -> Indices:
    if len(candidates) <= wanted:
        return candidates
    return np.sort(rng.choice(candidates, size=wanted, replace=False))


def _report(pool: _Pool, chosen: Indices, limited: Indices, settings: SubsetSettings) -> SubsetReport:
    counts = np.bincount(pool.labels_of(chosen), minlength=len(pool.label_names))
    shares = counts[counts > 0] / max(counts.sum(), 1)
    entropy = float((shares * np.log(1 / shares)).sum())  # no term is negative, so neither is -0.0 the sum
    totals = np.array([len(rows) for rows in pool.rows_of_label], np.int64)
    wanted = np.array([settings.targets.get(name, settings.target) for name in pool.label_names], np.int64)
    return SubsetReport(
        chosen=len(chosen),
        pool=len(pool.order),
        labels_covered=int((counts > 0).sum()),
        labels_in_pool=len(pool.label_names),
        entropy_nats=entropy,
        entropy_limit_nats=math.log(len(pool.label_names)) if pool.label_names else 0.0,
        limited_share=float((limited[chosen] > 0).mean()) if len(chosen) else 0.0,
        below_target=int((totals < wanted).sum()),
        counts={name: int(n) for name, n in zip(pool.label_names, counts, strict=True)},
    )
