"""The entries of a manifest of Audio Flamingo: from JSON to columns, each one checked.

    {"name": "a.wav", "prompt": "…", "output": "…", "audio_start": 30.5, "duration": 10}      → a row of ENTRY_SCHEMA
    {"name": "a.wav", "dialogue": [{"user": "…", "assistant": "…"}]}                          → a row of ENTRY_SCHEMA
    {"generation_index_in_split": 17, "fewshot_indices_in_train": [5, 240]}                   → a row of SHOT_SCHEMA

Conventions: keys of entries are numbers in texts, in any order; the tables are in the order of the numbers. Seconds may
be numbers or texts. An entry that cannot be used is left out and listed as ``DATASET-Task/split.json: 17``.

Public names: ENTRY_SCHEMA, SHOT_SCHEMA, CONTAINERS, EntryReading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from audiolect.data.problems import Problem
from audiolect.data.records import EXAMPLE_SCHEMA
from audiolect.formats.dialogues import Turns, read_turns
from audiolect.formats.row_blocks import BLOCK_ROWS, Row, RowBlocks

ENTRY_SCHEMA: dict[str, Any] = {
    "number": pl.Int64(),
    "name": pl.String(),
    "prompt": pl.String(),
    "output": pl.String(),
    "start_seconds": pl.Float64(),
    "duration_seconds": pl.Float64(),
    "turns": EXAMPLE_SCHEMA["turns"],
}
SHOT_SCHEMA: dict[str, Any] = {"number": pl.Int64(), "query": pl.Int64(), "shots": pl.List(pl.Int64())}
# Where entries stand in a manifest → what they are.
CONTAINERS: dict[str, dict[str, Any]] = {"data": ENTRY_SCHEMA, "interleaved_data": SHOT_SCHEMA}

_SHOWN_CHARACTERS = 80
_PLAIN_SECONDS = frozenset({float, int, type(None)})
_MOST_SECONDS = 1e9
_LONGEST_NUMBER = 18


class BadEntryError(Exception):
    """An entry cannot be used; becomes a Problem."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class EntryReading:
    """The entries of one manifest as they come.

    Args:
        label: what Problems call the manifest.
        container: a key of CONTAINERS.
        problems: where they are listed.
    """

    def __init__(self, label: str, container: str, problems: list[Problem]) -> None:
        self.num_entries = 0
        self.num_starts = 0
        self.container = container
        self._label = label
        self._problems = problems
        # Of entries that are all plain, whole columns wait to become a block, never rows: these cost twice the time.
        self._columns: list[list[Any]] = []
        self._blocks = RowBlocks(CONTAINERS[container], label, problems)
        self._take: Callable[[str, Any], Row] = _take_entry if container == "data" else _take_shots

    def add(self, pairs: Sequence[tuple[str | int, Any]]) -> None:
        """Take more entries, (key, entry), or list what is wrong with them."""
        self.num_entries += len(pairs)
        columns = _plain_columns(pairs) if pairs and self.container == "data" else None
        if columns is None:
            self._blocks.add_columns(self._columns)
            self._columns.clear()
            for key, entry in pairs:
                self._add_one(str(key), entry)
            return
        if not self._columns:
            self._columns = [[] for _ in columns]
        for so_far, values in zip(self._columns, columns, strict=True):
            so_far.extend(values)
        self.num_starts += sum("audio_start" in entry for _, entry in pairs)
        if len(self._columns[0]) >= BLOCK_ROWS:
            self._blocks.add_columns(self._columns)
            self._columns.clear()

    def _add_one(self, key: str, entry: Any) -> None:
        try:
            self._blocks.add(self._take(key, entry))
            self.num_starts += "audio_start" in entry
        except BadEntryError as bad:
            self._problems.append(Problem(bad.reason, f"{self._label}: {key}", bad.detail))

    def table(self, header: Mapping[str, Any]) -> pl.DataFrame:
        """All rows in the order of their numbers, of two with one number the first; compared with the header."""
        self._blocks.add_columns(self._columns)
        self._columns.clear()
        table = self._blocks.table()
        if not table["number"].is_sorted():
            table = table.sort("number", maintain_order=True)
        twice = table["number"].is_duplicated() if table.height else pl.Series(dtype=pl.Boolean)
        if twice.any():
            for number in table.filter(twice)["number"].unique(maintain_order=True):
                detail = "the key stands more than once; the first entry counts"
                self._problems.append(Problem("duplicate-id", f"{self._label}: {number}", detail))
            table = table.unique("number", keep="first", maintain_order=True)
        self._compare(header, table["number"].to_list()[-1] if table.height else -1)
        return table

    def _compare(self, header: Mapping[str, Any], highest: int) -> None:
        stated = header.get("total_num")
        if stated != self.num_entries:
            detail = f"total_num is {stated!r}, and {self.num_entries} entries stand there"
            self._problems.append(Problem("bad-value", self._label, detail, "warning"))
        if highest >= self.num_entries:
            detail = f"the keys go up to {highest}, and there are {self.num_entries}: some are missing"
            self._problems.append(Problem("missing-value", self._label, detail, "warning"))


def _plain_columns(pairs: Sequence[tuple[str | int, Any]]) -> list[list[Any]] | None:
    """The columns of entries that are all plain, as nearly all are, by looks at whole columns; None: one is not."""
    keys, entries = zip(*pairs, strict=True)
    if set(map(type, keys)) != {str} or set(map(type, entries)) != {dict}:
        return None
    if any("dialogue" in entry for entry in entries):
        return None
    names, prompts, outputs, starts, durations = (
        [entry.get(column) for entry in entries] for column in ("name", "prompt", "output", "audio_start", "duration")
    )
    is_plain = (
        all(set(map(type, texts)) == {str} for texts in (names, prompts, outputs))
        and all(names)
        and all(outputs)
        and not any(map(str.isspace, outputs))
        and _are_plain_seconds(starts)
        and _are_plain_seconds(durations)
        and all(map(str.isdigit, keys))
        and all(map(str.isascii, keys))
        and max(map(len, keys)) < _LONGEST_NUMBER
    )
    return [list(map(int, keys)), names, prompts, outputs, starts, durations, [()] * len(keys)] if is_plain else None


def _are_plain_seconds(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    if not kinds <= _PLAIN_SECONDS:
        return False
    stated = values if type(None) not in kinds else [value for value in values if value is not None]
    return not stated or (min(stated) >= 0 and max(stated) < _MOST_SECONDS)


def _take_entry(key: str, entry: Any) -> Row:
    if not isinstance(entry, dict):
        raise BadEntryError("bad-row", f"a {type(entry).__name__} where an object was expected")
    name, prompt, output = (entry.get(key) for key in ("name", "prompt", "output"))
    if not isinstance(name, str) or not name:
        raise BadEntryError("missing-value", f"name is {name!r}; a file was expected")
    turns: Turns | None = []
    if "dialogue" in entry:
        turns, prompt, output = read_turns(entry["dialogue"]), "", ""
        if not turns:
            found = repr(entry["dialogue"])[:_SHOWN_CHARACTERS]
            reason = "empty-text" if turns == [] else "bad-value"
            raise BadEntryError(reason, f"dialogue is {found}; a list of texts for user and assistant was expected")
    elif not isinstance(prompt, str) or not isinstance(output, str):
        lacking = "output" if isinstance(prompt, str) else "prompt"
        reason = "missing-value" if entry.get(lacking) is None else "bad-value"
        raise BadEntryError(reason, f"{lacking} is {entry.get(lacking)!r}; a text was expected")
    elif not output.strip():
        raise BadEntryError("empty-text", "output is empty")
    seconds = [_seconds(name, entry.get(name)) for name in ("audio_start", "duration")]
    return _number(key), name, prompt, output, *seconds, turns


def _number(key: str) -> int:
    if not (key.isascii() and key.isdigit()):
        raise BadEntryError("bad-value", "the key of an entry is a number from 0 on")
    if len(key) >= _LONGEST_NUMBER:
        raise BadEntryError("bad-value", "the key of an entry is a larger number than there can be entries")
    return int(key)


def _seconds(name: str, value: Any) -> float | None:
    """Seconds, also as a text: the code reads both."""
    if value is None:
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < _MOST_SECONDS:
        raise BadEntryError("bad-value", f"{name} is {value!r}; seconds from 0 on were expected")
    return seconds


def _take_shots(key: str, entry: Any) -> Row:
    if not isinstance(entry, dict):
        raise BadEntryError("bad-row", f"a {type(entry).__name__} where an object was expected")
    query, shots = entry.get("generation_index_in_split"), entry.get("fewshot_indices_in_train")
    if type(query) is not int or query < 0:
        raise BadEntryError("bad-value", f"generation_index_in_split is {query!r}; a number from 0 on was expected")
    if type(shots) is not list or not all(type(shot) is int for shot in shots):
        raise BadEntryError("bad-value", f"fewshot_indices_in_train is {shots!r}; a list of numbers was expected")
    return _number(key), query, shots
