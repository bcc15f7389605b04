"""The approximate index of LanceDB, for more recordings than an exact scan reads in time, with its recall measured.

Conventions: recall at 10 is the share of the 10 nearest, by the exact scan, that are found, with recordings of the
index as queries. It stands on the card with the number of recordings that the index was built for.

Public names: build_approximate.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from audiolect.errors import UsageError
from audiolect.folder_lock import hold_folder
from audiolect.search.candidates import Candidates
from audiolect.search.card import AnnFacts, read_index_card, write_index_card
from audiolect.search.first_pass import FloatArray
from audiolect.search.scan_files import open_scan_files
from audiolect.search.table import build_ann, open_table

_QUERIES = 200
_ROWS_OF_PARTITION = 1_000_000  # a graph of so many is as quick as one of fewer, and a query need not look into several
_LEAST_ROWS = 256
_NEAREST = 10
_LEAST_RECALL = 0.98
_REFINE_FACTORS = (2, 5, 10, 20)


def build_approximate(folder: Path) -> AnnFacts:
    """Build the approximate index, and choose how wide it looks by its recall against the exact scan.

    The queries are recordings of the index. It looks into 1, 2, 4 … cells until 98 of 100 of the 10 nearest are found.

    Raises:
        UsageError: too few recordings for it to be of use.
    """
    card = read_index_card(folder)
    if card.num_recordings < _LEAST_ROWS:
        raise UsageError(
            "There are too few recordings for an approximate index.",
            where=folder,
            expected=f"{_LEAST_ROWS} or more",
            found=card.num_recordings,
            fix="leave out --ann: the exact scan takes milliseconds up to some millions of recordings",
        )
    with hold_folder(folder):
        table = open_table(folder)
        partitions = max(1, round(card.num_recordings / _ROWS_OF_PARTITION))
        start = time.perf_counter()
        kind = build_ann(table, partitions)
        seconds = time.perf_counter() - start
        files = open_scan_files(folder, table, card.size)
        step = max(1, len(files.scanner) // _QUERIES)
        queries = np.ascontiguousarray(files.scanner.vectors[::step][:_QUERIES])
        own = list(range(0, len(files.scanner), step))[: len(queries)]
        exact = files.scanner.search(queries, _NEAREST + 1).rows.tolist()
        nearest = [_others(rows, row) for rows, row in zip(exact, own, strict=True)]
        near = Candidates(table, files)
        for probes, refine in _widths(partitions):
            recall, taken = _measured(near, list(zip(own, queries, strict=True)), nearest, probes, refine)
            if recall >= _LEAST_RECALL:
                break
        facts = AnnFacts(
            kind=kind,
            num_partitions=partitions,
            num_probes=probes,
            refine_factor=refine,
            num_recordings=card.num_recordings,
            num_queries=len(queries),
            recall_at_10=recall,
            milliseconds=taken,
            build_seconds=seconds,
        )
        write_index_card(folder, card.model_copy(update={"ann": facts}))
    return facts


def _widths(partitions: int) -> list[tuple[int, int]]:
    """(cells to look into, refine factor), from the quickest to the most thorough."""
    probes = [1]
    while probes[-1] < partitions:
        probes.append(2 * probes[-1])
    held = [min(each, partitions) for each in probes]
    return [(each, _REFINE_FACTORS[0]) for each in held] + [(held[-1], refine) for refine in _REFINE_FACTORS[1:]]


def _others(rows: list[int], own: int) -> set[int]:
    """The 10 nearest without the recording itself, which every query finds."""
    return set([row for row in rows if row != own][:_NEAREST])


def _measured(
    near: Candidates, queries: list[tuple[int, FloatArray]], nearest: list[set[int]], probes: int, refine: int
) -> tuple[float, float]:
    """Recall at 10, and the median milliseconds of a query."""
    hits, seconds = 0, []
    for (own, query), truth in zip(queries, nearest, strict=True):
        start = time.perf_counter()
        found, _ = near.search(query, _NEAREST + 1, num_probes=probes, refine_factor=refine)
        seconds.append(time.perf_counter() - start)
        hits += len(truth & _others(found.tolist(), own))
    return hits / sum(map(len, nearest)), 1000 * float(np.median(seconds))
