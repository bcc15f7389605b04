"""What ``split`` and ``subset`` ask for, read from their flags and files.

Public names: SplitWish, DEFAULT_REST, choose_assignment, label_targets, limited_labels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audiolect.data.rules import is_split_name
from audiolect.data.splits import Assignment, balanced_split, divide_split, limit_split, split_by_reference
from audiolect.errors import UsageError
from audiolect.storage import read_text
from audiolect.text.keywords import Ontology, descendants, load_ontology

DEFAULT_REST = "development"

# flag → the ways to split that it says something about
_GOES_WITH: dict[str, tuple[str, ...]] = {
    "--rest-to": ("--limit",),
    "--into": ("--take", "--reference", "--balance"),
    "--must-stay": ("--balance",),
    "--must-move": ("--balance",),
}


@dataclass(frozen=True, slots=True)
class SplitWish:
    """The flags of ``split``; exactly one of limit, take, reference, balance and undo is given."""

    limit: str | None
    rest_to: str | None
    take: str | None
    reference: Path | None
    balance: str | None
    into: str | None
    must_stay: Path | None
    must_move: Path | None
    undo: bool
    seed: int


def choose_assignment(recordings: pl.DataFrame, wish: SplitWish) -> Assignment | None:
    """Who moves where; None where the last split is to be undone.

    Raises:
        UsageError: not exactly one way is asked for, or it cannot be.
    """
    ways = {
        "--limit": wish.limit is not None,
        "--take": wish.take is not None,
        "--reference": wish.reference is not None,
        "--balance": wish.balance is not None,
        "--undo": wish.undo,
    }
    asked = [way for way, given in ways.items() if given]
    if len(asked) != 1:
        raise UsageError(
            "Exactly one way to split is needed.",
            expected="one of " + ", ".join(ways),
            found=" and ".join(asked) or "none of them",
            fix="audiolect split --help shows an example of each",
        )
    _check_company(asked[0], wish)
    if wish.undo:
        return None
    for flag, name in (("--into", wish.into), ("--rest-to", wish.rest_to)):
        if name is not None and not is_split_name(name):
            raise UsageError(f"{flag} names no split.", expected="a word such as train or test_novel", found=repr(name))
    if wish.limit is not None:
        name, limit = _name_and_count("--limit", wish.limit)
        return limit_split(recordings, name, limit, rest_to=wish.rest_to or DEFAULT_REST, seed=wish.seed)
    if wish.into is None:
        raise UsageError(
            f"{asked[0]} needs to know which split to fill.", fix=f"add --into NAME, e.g. {asked[0]} … --into val"
        )
    if wish.reference is not None:
        return split_by_reference(recordings, _lines(wish.reference), into=wish.into)
    if wish.take is not None:
        name, amount = _name_and_number("--take", wish.take)
        # One and more is a count, less is a fraction.
        count, fraction = (_whole("--take", wish.take, amount), None) if amount >= 1 else (None, amount)
        return divide_split(recordings, name, into=wish.into, count=count, fraction=fraction, seed=wish.seed)
    name, least = _name_and_count("--balance", wish.balance or "")
    return balanced_split(
        recordings,
        name,
        into=wish.into,
        least_per_label=least,
        seed=wish.seed,
        must_stay=_lines(wish.must_stay) if wish.must_stay else (),
        must_move=_lines(wish.must_move) if wish.must_move else (),
    )


def _check_company(way: str, wish: SplitWish) -> None:
    """Refuse flags that say nothing about the way that was chosen, rather than pass them over."""
    given = {
        "--rest-to": wish.rest_to,
        "--into": wish.into,
        "--must-stay": wish.must_stay,
        "--must-move": wish.must_move,
    }
    for flag, value in given.items():
        if value is not None and way not in _GOES_WITH[flag]:
            raise UsageError(
                f"{flag} says nothing about {way}.", expected=f"{flag} with {' or '.join(_GOES_WITH[flag])}"
            )


def label_targets(fewer: Iterable[str], ontology: Path | None, labels: Collection[str]) -> dict[str, int]:
    """The targets of ``--fewer LABEL=N``; with an ontology a label stands for all below it.

    Args:
        labels: those that occur. The ontology's other classes need no target; a label given by name must occur.

    Raises:
        UsageError: a target that is not LABEL=N, or names no label that occurs.
        TableError: the ontology is broken, or has no such label.
    """
    known = None if ontology is None else load_ontology(ontology)
    targets: dict[str, int] = {}
    for text in fewer:
        label, number = _name_and_count("--fewer", text)
        if known is None:
            targets[label] = number
            continue
        found = _spellings(label, known, whole=True) & set(labels)
        if not found:
            raise UsageError(
                f"--fewer {label} names no label of the dataset.",
                expected="a class of the ontology that occurs, or one above it",
                found=", ".join(sorted(labels)[:5]) or "no labels",
            )
        targets |= dict.fromkeys(sorted(found), number)
    return targets


def limited_labels(limited: Iterable[str], ontology: Path | None, labels: Collection[str]) -> tuple[str, ...]:
    """The labels of ``--limited LABEL`` as the dataset spells them: with an ontology by id or name.

    Raises:
        TableError: the ontology is broken, or has no such label.
    """
    if ontology is None:
        return tuple(limited)
    known = load_ontology(ontology)
    spelled = [sorted(_spellings(label, known, whole=False) & set(labels)) or [label] for label in limited]
    return tuple(dict.fromkeys(name for names in spelled for name in names))


def _spellings(label: str, ontology: Ontology, *, whole: bool) -> set[str]:
    """The ids and names of a class, and with ``whole`` of all below it."""
    ids = {node.name: node.id for node in ontology.nodes.values()}
    below = descendants(ids.get(label, label), ontology)
    nodes = [ontology.nodes[each] for each in below if whole or each == ids.get(label, label)]
    return {spelling for node in nodes for spelling in (node.id, node.name)}


def _name_and_number(flag: str, text: str) -> tuple[str, float]:
    name, equals, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not equals or not name or value < 0:
        raise UsageError(f"{flag} needs a name and a number.", expected="for instance train=200", found=text)
    return name, value


def _name_and_count(flag: str, text: str) -> tuple[str, int]:
    name, value = _name_and_number(flag, text)
    return name, _whole(flag, text, value)


def _whole(flag: str, text: str, value: float) -> int:
    if not value.is_integer():
        raise UsageError(f"{flag} needs a whole number.", expected="for instance train=200", found=text)
    return int(value)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise UsageError("The list does not exist.", where=path, expected="a text file with one id on each line")
    lines = [line.strip() for line in read_text(path, error=UsageError).splitlines() if line.strip()]
    if not lines:
        raise UsageError("The list is empty.", where=path, expected="a text file with one id on each line")
    return lines
