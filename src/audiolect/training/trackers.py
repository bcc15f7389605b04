"""Trackers beside the journal: tensorboard, wandb, mlflow, trackio, through accelerate.

Conventions: the journal is always written and is what everything reads; trackers show the same numbers to people. They
write below ``tracking/`` in the folder of the run (wandb and trackio also to where they are logged in). Names are
``KIND/NAME``, those of validations ``validation/SET/METRIC``. A table of validation examples, with their top matches or
with what was written of them, goes to those that show tables or texts. A run that goes on writes on: tensorboard shows
one curve.

Public names: TRACKERS, TRACKING, Tracker, check_trackers, open_trackers, tracked_numbers.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from audiolect.errors import missing_extra, unknown_name
from audiolect.training.run_folder import Run

# Of a row of examples, by what its objective tells: column → its cell.
_MATCHED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "text": lambda row: str(row["text"]),
    "recording_id": lambda row: str(row["recording_id"]),
    "rank": lambda row: str(row["rank"]),
    "top matches": lambda row: ", ".join(match["recording_id"] for match in row["matches"]),
}
_WRITTEN: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "text": lambda row: str(row["text"]),
    "references": lambda row: " / ".join(row["references"]),
    "style": lambda row: str(row["style"]),
    "recording_id": lambda row: str(row["recording_id"]),
    "audio": lambda row: str(row.get("audio") or ""),
}
TRACKING = "tracking"


@dataclass(frozen=True, slots=True)
class Tracker:
    """One row: the module that must be there, how it is begun, and how it shows a table.

    Args:
        module: what is imported.
        options: of the folder and the run, for its beginning.
        show: (the tracker's own object, name, rows with the header first, step) → shown; None: it has no tables.
    """

    module: str
    options: Callable[[Path, Run], dict[str, Any]]
    show: Callable[[Any, str, Sequence[Sequence[str]], int], None] | None


def _show_text(writer: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:
    lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    writer.add_text(name, "\n".join(lines), step)


def _show_wandb(run: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:
    import wandb

    run.log({name: wandb.Table(columns=list(rows[0]), data=[list(row) for row in rows[1:]])}, step=step)


def _show_trackio(run: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:
    import trackio

    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    run.log({name: trackio.Markdown(json.dumps(table, ensure_ascii=False))}, step=step)


# name → how it is used
TRACKERS: dict[str, Tracker] = {
    "tensorboard": Tracker("tensorboard", lambda folder, run: {}, _show_text),  # noqa: ARG005
    "wandb": Tracker(
        "wandb",
        lambda folder, run: {"dir": str(folder), "name": run.name, "id": _run_id(run), "resume": "allow"},
        _show_wandb,
    ),
    "mlflow": Tracker("mlflow", lambda folder, run: {"run_name": run.name}, None),  # noqa: ARG005
    "trackio": Tracker("trackio", lambda folder, run: {"name": run.name, "resume": "allow"}, _show_trackio),  # noqa: ARG005
}


def check_trackers(names: Sequence[str]) -> None:
    """Every name is in the table, and its library is installed.

    Raises:
        UsageError: an unknown name.
        MissingDependency: a library is absent; the letter has the line that installs it.
    """
    for name in names:
        if name not in TRACKERS:
            raise unknown_name("tracker", name, TRACKERS, where="training.trackers")
        if importlib.util.find_spec(TRACKERS[name].module) is None:
            raise missing_extra(f"The tracker {name}", name, TRACKERS[name].module)


def open_trackers(
    accelerator: Accelerator, names: Sequence[str], run: Run
) -> Callable[[str, int, Mapping[str, Any]], None]:
    """Begin the trackers that ``accelerator`` was made with; what takes rows of the journal for them.

    Raises:
        UsageError, MissingDependency: as ``check_trackers``.
    """
    check_trackers(names)
    folder = run.folder / TRACKING
    folder.mkdir(exist_ok=True)
    options = {name: TRACKERS[name].options(folder, run) for name in names}
    accelerator.init_trackers("audiolect", init_kwargs=options)

    def write(kind: str, step: int, values: Mapping[str, Any]) -> None:
        if kind == "examples":
            _show_examples(accelerator, names, step, values)
            return
        numbers = tracked_numbers(kind, values)
        if numbers:
            accelerator.log(numbers, step=step)

    return write


def tracked_numbers(kind: str, values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row of the journal, under the names that trackers show."""
    if kind == "validation":
        return {f"validation/{values['set']}/{name}": value for name, value in values["metrics"].items()}
    if kind != "step":
        return {}
    return {f"step/{name}": value for name, value in values.items() if isinstance(value, int | float)}


def _show_examples(accelerator: Accelerator, names: Sequence[str], step: int, values: Mapping[str, Any]) -> None:
    columns = _MATCHED if all("matches" in row for row in values["rows"]) else _WRITTEN
    rows = [tuple(columns), *(tuple(cell(row) for cell in columns.values()) for row in values["rows"])]
    for name in names:
        show = TRACKERS[name].show
        if show is not None:
            show(accelerator.get_tracker(name, unwrap=True), f"examples/{values['set']}", rows, step)


def _run_id(run: Run) -> str:
    """The same for every part of a run, and another for a run begun afresh."""
    moment = "".join(character for character in str(run.card.get("begun", "")) if character.isalnum())
    return f"{run.name}-{moment}"
