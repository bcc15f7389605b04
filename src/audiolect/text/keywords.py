"""Keyword captions from labels and an ontology: ``emergency vehicle, siren, ambulance (siren)``.

The rule is the published one of the Whisper captioners of DCASE 2023: for each label in the order given, first the
names of its direct parents in the order of the ontology file, then its own name; a name is said once; no grandparents;
"," and ":" become " -"; all in lower case; joined by ", ".

Conventions: an ontology is AudioSet's ``ontology.json``: a list of nodes with ``id``, ``name`` and ``child_ids``.
Labels are ids.

Public names: Ontology, Node, load_ontology, parse_ontology, parse_labels, keyword_caption, label_names, descendants.
Source: Gemmeke et al., Audio Set: an ontology and human-labeled dataset for audio events, ICASSP 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.errors import TableError, nearest_names
from audiolect.storage import read_json


@dataclass(frozen=True, slots=True)
class Node:
    """One class of an ontology. ``parents`` stand in the order of the ontology's file."""

    id: str
    name: str
    parents: tuple[str, ...]
    children: tuple[str, ...]
    restrictions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ontology:
    """All nodes by id, in the order of the file, and where they came from (for letters)."""

    nodes: Mapping[str, Node]
    where: str

    def node(self, label: str) -> Node:
        """The node of a label id.

        Raises:
            TableError: the ontology has no such id.
        """
        if label not in self.nodes:
            by_name = [node.id for node in self.nodes.values() if node.name == label]
            near = nearest_names(label, self.nodes)
            fix = f"use the id {by_name[0]}" if by_name else None
            raise TableError(
                f"The label {label!r} is not in the ontology.",
                where=self.where,
                expected="an id such as " + (", ".join(near) if near else next(iter(self.nodes), "/m/09x0r")),
                cause="a display name was given instead of an id" if by_name else None,
                fix=fix,
            )
        return self.nodes[label]


def load_ontology(path: Path) -> Ontology:
    """Read ``ontology.json``.

    Raises:
        TableError: not a list of nodes, an id twice, an unknown child, or a cycle.
        StorageError: the file cannot be read.
    """
    return parse_ontology(read_json(path), str(path))


def parse_ontology(value: object, where: str) -> Ontology:
    """Turn the list of nodes of an ontology file into an Ontology; ``where`` names it in letters.

    Raises:
        TableError: as ``load_ontology``.
    """
    rows = _node_rows(value, where)
    parents: dict[str, list[str]] = {row["id"]: [] for row in rows}
    if len(parents) != len(rows):
        seen: set[str] = set()
        twice = next(row["id"] for row in rows if row["id"] in seen or seen.add(row["id"]))  # type: ignore[func-returns-value]
        raise TableError("An id stands twice in the ontology.", where=where, found=twice)
    for row in rows:
        for child in row["child_ids"]:
            if child not in parents:
                raise TableError(
                    f"The node {row['id']} ({row['name']}) names a child that is not in the ontology.",
                    where=where,
                    found=child,
                    fix="use the complete ontology file",
                )
            parents[child].append(row["id"])
    nodes = {
        row["id"]: Node(
            row["id"],
            row["name"],
            tuple(parents[row["id"]]),
            tuple(row["child_ids"]),
            frozenset(row.get("restrictions", ())),
        )
        for row in rows
    }
    _refuse_cycles(nodes, where)
    return Ontology(nodes, where)


def parse_labels(labels: str | Iterable[str]) -> list[str]:
    """Label ids from a list, or from text such as ``"/m/012n7d,/m/0jbk"``: split on ",", freed of spaces and quotes."""
    listed = labels.split(",") if isinstance(labels, str) else list(labels)
    return [label.strip().strip('"') for label in listed if label.strip().strip('"')]


def keyword_caption(labels: str | Iterable[str], ontology: Ontology) -> str:
    """The keyword caption of labels. No labels give an empty caption.

    Raises:
        TableError: a label is not in the ontology.
    """
    names: dict[str, None] = {}
    for label in parse_labels(labels):
        node = ontology.node(label)
        for parent in node.parents:
            names.setdefault(ontology.nodes[parent].name)
        names.setdefault(node.name)
    return ", ".join(name.replace(",", " -").replace(":", " -").lower() for name in names)


def label_names(labels: str | Iterable[str], ontology: Ontology) -> list[str]:
    """The names of labels, as the ontology spells them.

    Raises:
        TableError: a label is not in the ontology.
    """
    return [ontology.node(label).name for label in parse_labels(labels)]


def descendants(label: str, ontology: Ontology) -> frozenset[str]:
    """The ids of a node and of everything below it.

    Raises:
        TableError: the label is not in the ontology.
    """
    found: set[str] = set()
    waiting = [ontology.node(label).id]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(ontology.nodes[current].children)
    return frozenset(found)


def _node_rows(value: object, where: str) -> Sequence[dict[str, Any]]:
    if not isinstance(value, list):
        raise TableError(
            "The ontology is not a list of nodes.",
            where=where,
            expected="a list of objects with id, name and child_ids, as in AudioSet's ontology.json",
            found=type(value).__name__,
            fix="name that file; github.com/audioset/ontology has it",
        )
    for index, row in enumerate(value):
        kinds = {"id": str, "name": str, "child_ids": list}
        wrong = [key for key, kind in kinds.items() if not isinstance(row, dict) or not isinstance(row.get(key), kind)]
        if wrong:
            raise TableError(
                "A node of the ontology lacks what it needs.",
                where=f"{where}, node {index}",
                expected="id and name as text, child_ids as a list",
                found=f"{wrong[0]} missing or of another type",
            )
    return value


def _refuse_cycles(nodes: Mapping[str, Node], where: str) -> None:
    """Take away nodes without remaining parents until none is left; what stays is on a cycle, or below one."""
    waiting = {node.id: len(node.parents) for node in nodes.values()}
    free = [id_ for id_, count in waiting.items() if count == 0]
    while free:
        current = free.pop()
        del waiting[current]
        for child in nodes[current].children:
            waiting[child] -= 1
            if waiting[child] == 0:
                free.append(child)
    if not waiting:
        return
    path = [next(iter(waiting))]
    while path[-1] not in path[:-1]:
        # Every node that stays has a parent that stays, so walking upwards must come back to a node already met.
        path.append(next(parent for parent in nodes[path[-1]].parents if parent in waiting))
    circle = path[path.index(path[-1]) :]
    raise TableError(
        "The ontology has a cycle: a class is its own ancestor.",
        where=where,
        found=" → ".join(f"{nodes[id_].name} ({id_})" for id_ in reversed(circle)),
        fix="remove one of these child_ids",
    )
