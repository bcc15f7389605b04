"""Questions with options in the manifests of Audio Flamingo: letters taken off on the way in, put on on the way out.

    "Which? (A) a dog. (B) rain.", "(B) rain."   ↔   prompt "Which?", options [a dog, rain], answers [rain]

Conventions: text/prompts.py alone reads and writes letters; here is only for which entries of a file, and in which
manner the file has them, so that it can come back as it was. A question whose answer is none of its options stays the
text that it is, and is listed.

Public names: Lettering, take_letters_off, put_letters_on, can_have_letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import polars as pl

from audiolect.data.problems import Problem
from audiolect.formats.naming import NO_TEXTS
from audiolect.text.prompts import (
    OPTION_LAYOUTS,
    OPTION_LETTERS,
    split_options,
    with_letter,
    with_options,
    without_letter,
)

_FAMILIES = frozenset({"question", "choice"})
_FIRST_MARKS = ["(A)", "(a)"]
_Read = tuple[int, str, list[str], list[str]]


@dataclass(frozen=True, slots=True)
class Lettering:
    """How a file writes its options: a key of OPTION_LAYOUTS, and whether answers have their letters too."""

    layout: str = "sentence"
    answers: bool = True

    def note(self) -> dict[str, Any]:
        """For the card of a dataset."""
        return asdict(self)

    @classmethod
    def noted(cls, note: object) -> Lettering:
        """What ``note`` said, or the usual manner."""
        layout = note.get("layout") if isinstance(note, Mapping) else None
        if not isinstance(note, Mapping) or layout not in OPTION_LAYOUTS:
            return cls()
        return cls(str(layout), note.get("answers") is not False)


def take_letters_off(
    rows: pl.DataFrame, family: str, label: str, problems: list[Problem]
) -> tuple[pl.DataFrame, Lettering]:
    """The rows with bare questions, answers without letters and the column ``options``; and how they were written.

    Args:
        rows: prompt, answers (texts as they stand in the file), and numbers (of the entries of each row).
        family: of their task; only questions have options.
        label: what Problems call the file.
        problems: where questions are listed whose answer is none of their options.
    """
    plain = rows.with_columns(options=NO_TEXTS)
    marked = rows["prompt"].str.contains_any(_FIRST_MARKS) if family in _FAMILIES else pl.Series(dtype=pl.Boolean)
    if not marked.any():
        return plain, Lettering()
    read: list[_Read] = []
    manners = [Lettering(layout, answers) for layout, answers in product(OPTION_LAYOUTS, (True, False))]
    columns = plain.with_row_index("place").filter(marked).select("place", "prompt", "answers", "numbers")
    for place, prompt, outputs, numbers in columns.iter_rows():
        question, options = split_options(prompt)
        if not can_have_letters(options):
            continue
        answers = [without_letter(output, options) for output in outputs]
        if not set(answers) <= set(options):
            detail = f"the answer {outputs[0]!r} is none of the options, which stay in the prompt"
            problems.append(Problem("bad-value", f"{label}: {numbers[0]}", detail, "warning"))
            continue
        read.append((place, question, answers, list(options)))
        written = [(prompt, output) for output in outputs]
        manners = [m for m in manners if [put_letters_on(question, options, a, m) for a in answers] == written]
    names: dict[str, Any] = {
        "place": pl.UInt32,
        "prompt": pl.String,
        "answers": pl.List(pl.String),
        "options": pl.List(pl.String),
    }
    found = pl.DataFrame(read, schema=names, orient="row")
    merged = plain.with_row_index("place").update(found, on="place", how="left").drop("place")
    return merged, next(iter(manners), Lettering())


def put_letters_on(prompt: str, options: Sequence[str], output: str, manner: Lettering) -> tuple[str, str]:
    """A question with its options behind it, and its answer, as a file writes them.

    Raises:
        UsageError: these options can have no letters, or the answer is none of them.
    """
    answer = with_letter(output, options, manner.layout) if manner.answers else output
    return with_options(prompt, options, manner.layout), answer


def can_have_letters(options: Sequence[str]) -> bool:
    """Whether letters can tell the options apart: 2 to 26 of them, none empty."""
    return 2 <= len(options) <= len(OPTION_LETTERS) and all(option.strip() for option in options)
