"""Which stages of a street have to be run, and why: found out from the ledger and from what lies on the disk.

A stage is done where its options and all that it reads are as they were, and what it wrote is still there as it was
written. One that was begun with the same goes on. Every other is run, and then what reads from it is looked at again.

Conventions: nothing is written here.

Public names: Step, State, plan_street, judge, inputs_of, check_extras.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from audiolect.errors import missing_extra
from audiolect.street.kinds import KINDS
from audiolect.street.ledger import Entry, broken_file
from audiolect.street.nouns import identity_of
from audiolect.street.recipe import Stage, Street

# done: nothing to do; goes on: it was begun; run: to be run; after: what it reads is not known before that is made
State: TypeAlias = Literal["done", "goes on", "run", "after"]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in the plan.

    Args:
        why: in words, where it is not done.
    """

    stage: Stage
    state: State
    why: str


def plan_street(street: Street, entries: Mapping[str, Entry], *, new: bool = False) -> list[Step]:
    """What would be done now.

    Args:
        entries: the ledger.
        new: nothing that is there counts.

    Raises:
        AudiolectError: something that is brought along (a folder, a run, a recipe) is not there, or not what it is
            taken for.
    """
    steps: list[Step] = []
    open_: set[str] = set()
    for stage in street.stages:
        state, why = judge(street, stage, None if new else entries.get(stage.name), open_)
        steps.append(Step(stage, state, why))
        if state != "done":
            open_.add(stage.name)
    return steps


def judge(street: Street, stage: Stage, entry: Entry | None, unsettled: Collection[str] = ()) -> tuple[State, str]:
    """What is to become of one stage, and why.

    Args:
        unsettled: stages before it that are still to be run.
    """
    waits = [name for name in stage.uses if name in unsettled]
    found = inputs_of(street, stage, without=waits)
    if entry is None:
        return "run", ""
    if entry.kind != stage.kind or entry.settings != stage.settings:
        return "run", "its options have changed"
    changed = [label for label, identity in found.items() if entry.inputs.get(label) != identity]
    if changed or (not waits and entry.inputs.keys() != found.keys()):
        return "run", f"what it reads has changed: {', '.join(changed) or 'one thing less'}"
    if waits:
        return "after", f"only if {' or '.join(waits)} becomes another"
    if entry.state == "begun":
        return "goes on", "it was stopped"
    broken = broken_file(stage.place, entry.files)
    return ("run", f"what it wrote is damaged: {broken}") if broken else ("done", "")


def inputs_of(street: Street, stage: Stage, *, without: Collection[str] = ()) -> dict[str, str]:
    """Option → fingerprint of what a stage reads there.

    Args:
        without: earlier stages whose outputs are not looked at.
    """
    places = {str(other.place) for other in street.stages if other.name in without}
    return {
        label: identity_of(noun, path, without=street.out)
        for label, noun, path in stage.inputs
        if str(path) not in places
    }


def check_extras(stages: Iterable[Stage]) -> None:
    """Before hours of work, not after them: the optional libraries of all stages.

    Raises:
        MissingDependency: one is absent.
    """
    for stage in stages:
        for module, extra in KINDS[stage.kind].extras:
            if importlib.util.find_spec(module) is None:
                raise missing_extra(f"The stage {stage.name}", extra, module)
