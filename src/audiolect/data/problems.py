"""Problems: bad data counted by reason and listed, never swallowed.

A Problem is one thing that is wrong with one recording, example, file or row. Readers and checks collect Problems;
verbs print them as a table by reason and write them as ``problems.jsonl``; above a stated limit the verb stops.

Public names: Problem, REASONS, save_problems, load_problems, count_by_reason, problem_from,
enforce_limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from audiolect.errors import AudiolectError, DamagedFile, TooManyProblems
from audiolect.storage import read_jsonl, write_jsonl

# reason → what it means, in words that a report can print. New reasons are added here first.
REASONS: dict[str, str] = {
    "missing": "the file does not exist",
    "unreadable": "the file cannot be opened or decoded",
    "empty": "the file has no bytes",
    "no-samples": "the audio has no samples",
    "truncated": "the audio ends before the length that its header states",
    "not-finite": "the audio holds NaN or infinite values",
    "unsafe-path": "the path leaves the audio root",
    "duplicate-id": "the id occurs more than once",
    "duplicate-path": "the same file name occurs more than once",
    "bad-row": "the row of the table cannot be used",
    "missing-value": "a needed cell is empty",
    "bad-value": "a cell holds a value of the wrong type",
    "empty-text": "a caption or answer is empty",
    "unknown-label": "the label is not in the label set",
    "unknown-column": "no column or key of that name is known, and it was not read",
    "passed-over": "it was not read, because something else was taken in its place",
    "quarantined": "the quarantine list of a check names it",
    "silent": "no sample is loud enough to be sound",
    "clipped": "many samples stand at full scale, several in a row",
    "dc-offset": "the samples lie around another value than 0",
    "too-short": "the recording is shorter than allowed",
    "too-long": "the recording is longer than allowed",
    "length-mismatch": "the length is not the one that the header or the table states",
    "rate-mismatch": "the sample rate is not the one that the table states",
    "changed": "the audio is not the one that the table was made from",
    "exact-duplicate": "another recording has the same samples",
    "near-duplicate": "another recording is of the same sound",
    "orphan": "no recording names the audio file",
    "no-recording": "the example asks about a recording that is not there",
    "split-mismatch": "the example is in another split than its recording",
    "bad-table": "the table breaks the rules of a dataset",
    "wrong-card": "the card was written for other tables",
    "one-character-text": "a caption has one character",
    "odd-characters": "a text holds characters that nobody typed",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        reason: a key of REASONS.
        where: the recording id, example id, path or ``table.csv:line`` it concerns.
        detail: what was expected and found, for a person.
        severity: ``"error"`` (left out) or ``"warning"`` (kept and listed).
    """

    reason: str
    where: str
    detail: str = ""
    severity: str = "error"


def save_problems(path: Path, problems: Iterable[Problem]) -> None:
    """Write problems as JSONL, one object for each, with the fields of Problem as keys."""
    write_jsonl(path, (asdict(problem) for problem in problems))


def load_problems(path: Path) -> list[Problem]:
    """Read what ``save_problems`` wrote.

    Raises:
        DamagedFile: the file is missing, or a line of it is not a problem.
    """
    problems = []
    for number, row in enumerate(read_jsonl(path), start=1):
        if set(row) != {"reason", "where", "detail", "severity"} or not all(isinstance(v, str) for v in row.values()):
            expected = "the texts reason, where, detail, severity"
            raise DamagedFile("A line is not a problem.", where=f"{path}:{number}", expected=expected, found=row)
        problems.append(Problem(**row))
    return problems


def count_by_reason(problems: Sequence[Problem]) -> dict[str, int]:
    """How many problems there are of each reason, the most frequent first, ties by name."""
    counts = Counter(problem.reason for problem in problems)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def problem_from(error: AudiolectError, reason: str, where: str) -> Problem:
    """The Problem that stands for an error met while reading one thing."""
    found = f" (found: {error.found})" if error.found else ""
    return Problem(reason, where, error.what + found)


def enforce_limit(problems: Sequence[Problem], *, limit: int | None, total: int) -> None:
    """Stop when there are more errors than ``limit`` (None: no limit).

    Raises:
        TooManyProblems: with the counts by reason and the first places.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    if limit is None or len(errors) <= limit:
        return
    counts = ", ".join(f"{reason} {n}" for reason, n in count_by_reason(errors).items())
    first = "; ".join(f"{p.where}: {p.detail or REASONS[p.reason]}" for p in errors[:3])
    raise TooManyProblems(
        f"{len(errors)} of {total} things have problems, more than the limit of {limit}.",
        found=f"{counts}. First: {first}",
        fix="mend or remove them, or allow more with --max-problems N",
    )
