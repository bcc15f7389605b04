"""Which rows of a table a mixture goes over: item → row, in the same time for any item, with at most a byte a row.

    index = row_index(np.array([0, 5, 5, 0, 2], np.uint8))   # items of each row: 5 of row 1, 5 of row 2, 2 of row 4
    index.locate(np.array([0, 5, 11]))                       # rows 1, 2, 4; the first, first and second of the row

Conventions: items count from 0 over the rows in order; a row may have several (its answers) or none (it is not of this
task or split, or is left out). Rows end to end with equally many items are kept as three numbers. Any others are kept
as one count a row, and a sum for every BLOCK_ROWS rows, in which the item is found by bisection.

Public names: RowIndex, row_index, BLOCK_ROWS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.unsignedinteger]

BLOCK_ROWS = 64


@dataclass(frozen=True, slots=True, eq=False)
class RowIndex:
    """The rows that have items.

    Args:
        num_items: of all rows.
        num_rows: rows that have items.
        first_row: the first of them.
        each: how many items every row has, where the rows stand end to end and have equally many; else 0.
        counts: (blocks, BLOCK_ROWS) items of each row from ``first_row`` on, where ``each`` is 0.
        before: (blocks,) items before each block.
    """

    num_items: int
    num_rows: int
    first_row: int
    each: int
    counts: Counts
    before: Ints

    def locate(self, items: Ints) -> tuple[Ints, Ints]:
        """The row of each item, and which of the row's items it is.

        Args:
            items: (n,) from 0 to ``num_items`` - 1.
        """
        if self.each:
            rows, place = np.divmod(items, self.each)
            return self.first_row + rows, place
        block = np.searchsorted(self.before, items, side="right") - 1
        within = items - self.before[block]
        counts = self.counts[block].astype(np.int64)
        ends = counts.cumsum(axis=1)
        row = (ends <= within[:, None]).sum(axis=1)
        here = np.arange(len(row))
        return self.first_row + block * BLOCK_ROWS + row, within - (ends[here, row] - counts[here, row])


def row_index(counts: Counts) -> RowIndex:
    """The index over rows with these numbers of items, (rows,)."""
    nothing: Counts = np.zeros((0, BLOCK_ROWS), np.uint8)
    occupied = counts > 0
    num_rows = int(np.count_nonzero(occupied))
    if not num_rows:
        return RowIndex(0, 0, 0, 1, nothing, np.zeros(0, np.int64))
    first, last = int(occupied.argmax()), len(counts) - int(occupied[::-1].argmax())
    inner = counts[first:last]
    each = int(inner[0])
    if bool(np.all(inner == inner[0])):
        return RowIndex(each * num_rows, num_rows, first, each, nothing, np.zeros(0, np.int64))
    table = np.zeros((-(-len(inner) // BLOCK_ROWS), BLOCK_ROWS), inner.dtype)
    table.reshape(-1)[: len(inner)] = inner
    sums = table.sum(axis=1, dtype=np.int64)
    return RowIndex(int(sums.sum()), num_rows, first, 0, table, np.cumsum(sums) - sums)
