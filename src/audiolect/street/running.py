"""Runs a street: stage by stage, each only where something has changed, and gone on with after it was stopped.

    outcome = run_street(load_street(Path("recipes/esc10.yaml")), RunOptions())

Conventions: one process at a time in a folder. The ledger is written before a stage begins and after it ends. What a
changed stage wrote before is removed when it is run again, but for trained runs, which are moved aside to
``NAME.old-1``. Nothing that the ledger does not know is ever removed.

Public names: run_street, stages_until, RunOptions, StreetOutcome, Ran, Listener.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audiolect.errors import AlreadyExists, unknown_name
from audiolect.folder_lock import hold_folder
from audiolect.street.kind import Stopped, Work
from audiolect.street.kinds import KINDS
from audiolect.street.ledger import Entry, read_ledger, seal_of, write_ledger
from audiolect.street.nouns import files_of
from audiolect.street.plan import State, check_extras, inputs_of, judge, plan_street
from audiolect.street.recipe import Stage, Street


def _nobody_hears(stage: Stage, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears what becomes of each stage.

    Args:
        begins: a stage, and why it is run.
        ends: what came of it.
    """

    begins: Callable[[Stage, str], None] = _nobody_hears
    ends: Callable[[Ran], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a street is run.

    Args:
        new: begin afresh, whatever is there.
        until: the last stage to be run; None: all.
        work: what stages are run with.
        listener: who hears of it.
    """

    new: bool = False
    until: str | None = None
    work: Work = field(default_factory=Work)
    listener: Listener = field(default_factory=Listener)


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a stage.

    Args:
        state: as it was found: done, goes on, or run.
        seconds: of work; of a stage that was done, of the time when it was run.
        told: what it said.
    """

    stage: Stage
    state: State
    seconds: float
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreetOutcome:
    """What became of a street.

    Args:
        ran: of each stage that was looked at.
        stopped: the exit code, where a stage was asked to stop.
    """

    street: Street
    ran: tuple[Ran, ...]
    stopped: int = 0


def stages_until(street: Street, until: str | None) -> tuple[Stage, ...]:
    """The stages to be run.

    Raises:
        UsageError: there is no such stage.
    """
    names = [stage.name for stage in street.stages]
    if until is None:
        return street.stages
    if until not in names:
        raise unknown_name("stage", until, names, where=street.path)
    return street.stages[: names.index(until) + 1]


def run_street(street: Street, options: RunOptions | None = None) -> StreetOutcome:
    """Run what has to be run.

    Raises:
        UsageError: another process runs a street in the folder, or there is no such stage.
        AlreadyExists: a stage would write where something stands that no stage of this folder wrote.
        AudiolectError: a stage cannot do its work; the same command goes on from there.
    """
    options = options or RunOptions()
    stages = stages_until(street, options.until)
    check_extras(stages)
    plan_street(street, read_ledger(street.out), new=options.new)  # what is brought along is looked at before all
    ran: list[Ran] = []
    with hold_folder(street.out):
        entries = read_ledger(street.out)
        for stage in stages:
            entry = entries.get(stage.name)
            state, why = judge(street, stage, None if options.new else entry)
            if state == "done" and entry is not None:
                ran.append(Ran(stage, state, entry.seconds, entry.told))
            else:
                try:
                    ran.append(_run(street, stage, entries, (state, why), options))
                except Stopped as stopped:
                    return StreetOutcome(street, tuple(ran), stopped.exit_code)
            options.listener.ends(ran[-1])
    return StreetOutcome(street, tuple(ran))


def _run(street: Street, stage: Stage, entries: dict[str, Entry], found: tuple[State, str], options: RunOptions) -> Ran:
    (state, why), kind, before = found, KINDS[stage.kind], entries.get(stage.name)
    spent = 0.0
    if state == "goes on" and before is not None:
        spent = before.seconds
    else:
        _clear(street, stage, before)
    entry = Entry(
        state="begun",
        kind=stage.kind,
        settings=stage.settings,
        inputs=inputs_of(street, stage),
        place=_relative(street, stage.place),
        noun=kind.writes,
        seconds=spent,
    )
    entries[stage.name] = entry
    write_ledger(street.out, entries)
    options.listener.begins(stage, why)
    start = time.monotonic()
    try:
        told = kind.run(stage.options, stage.place, options.work)
        files = seal_of(stage.place, files_of(kind.writes, stage.place))
        entry = entry.model_copy(update={"state": "done", "files": files, "told": tuple(told)})
    finally:
        entries[stage.name] = entry.model_copy(update={"seconds": spent + time.monotonic() - start})
        write_ledger(street.out, entries)
    return Ran(stage, state, entries[stage.name].seconds, entry.told)


def _relative(street: Street, place: Path) -> str:
    return os.path.relpath(place, street.out)


def _clear(street: Street, stage: Stage, entry: Entry | None) -> None:
    """Make room for what a stage writes, where this street wrote what is there."""
    if KINDS[stage.kind].place is not None:
        return  # it is kept in what another stage wrote, and looks after itself
    unfinished = stage.place.with_name(f"{stage.place.name}.unfinished")
    if entry is not None and entry.place == _relative(street, stage.place):
        for path in (stage.place, unfinished):
            _remove(path, aside=entry.noun == "run")
    elif stage.place.exists():
        raise AlreadyExists(
            "A stage would write where something stands that this street has not written.",
            where=stage.place,
            expected=f"nothing there, or what the stage {stage.name} wrote",
            fix="move it away, or give another --out",
        )


def _remove(path: Path, *, aside: bool) -> None:
    if path.is_dir() and not path.is_symlink():
        if aside and any(entry.name != "lock" for entry in path.iterdir()):
            path.rename(_free_name(path))
        else:
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _free_name(folder: Path) -> Path:
    number = 1
    while (path := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    return path
