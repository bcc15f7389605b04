"""Columns and keys that a reader does not know: named, with the nearest that it does know, so that no caption is lost
to a misspelt name.

    metadata.jsonl  {"file_name": "a.wav", "captoin": "a dog barks"}    →   'captoin' … the nearest known: caption

Conventions: a name that is close to a known one is listed: as an error where nothing of that kind was read, and so a
text was probably lost; else as a warning. A table from which no text at all is read is listed as a warning with all its
names, whatever they are called. Other names that nobody knows are nobody's business.

Public names: unread_names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from audiolect.data.problems import Problem
from audiolect.errors import nearest_names

REASON = "unknown-column"


def unread_names(
    where: str,
    names: Sequence[str],
    read: Collection[str],
    *,
    texts: Sequence[str],
    others: Sequence[str] = (),
    what: str = "column",
) -> list[Problem]:
    """What is doubtful about the names that stand in a table.

    Args:
        where: the table, for the Problems.
        names: all that stand there.
        read: those of them that are read.
        texts: names that captions and labels can have.
        others: other names that are known.
        what: what a name is of.
    """
    seen = f"the {what}s there: {', '.join(names)}"
    read_texts = [name for name in names if name in read and name in texts]
    problems = []
    for name in names:
        near = [] if name in read else nearest_names(name, [*texts, *others])
        if near:
            is_lost = not read_texts and any(guess in texts for guess in near)
            detail = f"the {what} {name!r} is not read; the nearest known: {', '.join(near)}; {seen}"
            problems.append(Problem(REASON, where, detail, "error" if is_lost else "warning"))
    if not problems and not read_texts and set(names) - set(read):
        detail = f"no captions and no labels are read; {seen}; known: {', '.join(texts)}"
        problems.append(Problem(REASON, where, detail, "warning"))
    return problems
