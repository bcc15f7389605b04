"""Rows met one by one → a table, block by block, so that millions of them never stand in memory as Python objects.

Conventions: a row is a tuple in the order of the schema; its first value says which row it is, for Problems. A column
``turns`` holds lists of (user, assistant). A row with a text that no file can hold (half of a surrogate pair, which
JSON allows) is left out and listed.

Public names: RowBlocks, BLOCK_ROWS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from audiolect.data.problems import Problem
from audiolect.data.records import turns_series

BLOCK_ROWS = 1 << 16

Row = tuple[Any, ...]


class RowBlocks:
    """The rows of one table while it is being read.

    Args:
        schema: column → polars type.
        label: what Problems call the file.
        problems: where rows that cannot be held are listed.
    """

    def __init__(self, schema: dict[str, Any], label: str, problems: list[Problem]) -> None:
        self._schema = schema
        self._label = label
        self._problems = problems
        self._rows: list[Row] = []
        self._tables: list[pl.DataFrame] = []

    def add(self, row: Row) -> None:
        """Take one more row."""
        self._rows.append(row)
        if len(self._rows) >= BLOCK_ROWS:
            self._hand_over()

    def add_columns(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take many rows at once, as the values of each column; the caller may change the sequences afterwards."""
        self._hand_over()
        self._add(columns)

    def table(self) -> pl.DataFrame:
        """All rows so far."""
        self._hand_over()
        return pl.concat(self._tables) if self._tables else pl.DataFrame(schema=self._schema)

    def _hand_over(self) -> None:
        rows, self._rows = self._rows, []
        self._add(list(zip(*rows, strict=True)))

    def _add(self, columns: Sequence[Sequence[Any]]) -> None:
        if not columns or not columns[0]:
            return
        try:
            self._tables.append(self._frame(columns))
        except UnicodeEncodeError:
            rows = [row for row in zip(*columns, strict=True) if self._is_text(row)]
            if rows:
                self._tables.append(self._frame(list(zip(*rows, strict=True))))

    def _frame(self, columns: Sequence[Sequence[Any]]) -> pl.DataFrame:
        return pl.DataFrame(
            [
                turns_series(values).alias(name) if name == "turns" else pl.Series(name, values, dtype=dtype)
                for (name, dtype), values in zip(self._schema.items(), columns, strict=True)
            ]
        )

    def _is_text(self, row: Row) -> bool:
        if _is_writable(row):
            return True
        detail = "a text holds half of a surrogate pair, which is no Unicode text"
        self._problems.append(Problem("bad-value", f"{self._label}: {row[0]}", detail))
        return False


def _is_writable(value: Any) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return all(map(_is_writable, value)) if isinstance(value, tuple | list) else True
