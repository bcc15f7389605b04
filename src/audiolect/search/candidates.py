"""The nearest recordings by the approximate index: its candidates, scored by their whole vectors.

    near = Candidates(table, files)
    rows, scores = near.search(query, k=10, num_probes=1, refine_factor=2)

LanceDB's index keeps rough copies of the vectors. It is asked for more candidates than are wanted, by number alone,
and these are scored here, from the mapped vectors of the exact scan: LanceDB's own refining reads them from its table,
which takes longer than finding them.

Conventions: rows are those of ``scan_files.py``, scores those of ``scan.py``. Table and files are of one version.

Public names: Candidates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audiolect.search.first_pass import DoubleArray, FloatArray, IntArray
from audiolect.search.scan_files import ScanFiles
from audiolect.search.table import ask_ann


class Candidates:
    """The approximate index of a table, with what its answers are scored by. Any number of threads may search."""

    def __init__(self, table: Any, files: ScanFiles) -> None:
        self._table, self._scanner = table, files.scanner
        self._rows = np.argsort(files.numbers, kind="stable")
        self._numbers = files.numbers[self._rows]

    def search(self, query: FloatArray, k: int, *, num_probes: int, refine_factor: int) -> tuple[IntArray, DoubleArray]:
        """About the k nearest of one query (E,) float32: their rows, the best first, and their scores.

        Args:
            query: L2-normalised.
            k: 1 or more.
            num_probes: how many cells are looked into.
            refine_factor: how many times k candidates are scored.
        """
        numbers = ask_ann(self._table, query, k * refine_factor, num_probes=num_probes)
        places = np.searchsorted(self._numbers, numbers)
        places, numbers = places[places < len(self._numbers)], numbers[places < len(self._numbers)]
        rows = self._rows[places[self._numbers[places] == numbers]]
        return self._scanner.best_of(query, rows, k)
