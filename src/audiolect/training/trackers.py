"""Trackers beside the journal: tensorboard, wandb, mlflow, trackio, through accelerate.

Conventions: the journal is always written and is what everything reads; trackers show the same numbers to people. They
write below ``tracking/`` in the folder of the run, but trackio to its own folder (its variable ``TRACKIO_DIR``); wandb
and trackio also to where they are logged in, mlflow to ``MLFLOW_TRACKING_URI`` instead where that is set. Names are
``KIND/NAME``, those of validations ``validation/SET/METRIC``. A table of validation examples, with their top matches or
with what was written of them, goes to all. A run that goes on writes on, and one that is begun afresh begins another.
What trackers print while they begin and end goes to the standard error: the standard output is the command's own.

Public names: TRACKERS, TRACKING, Tracker, check_trackers, open_trackers, close_trackers, tracked_numbers.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
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
_PROJECT = "audiolect"
_TAG = "audiolect.run"


@dataclass(frozen=True, slots=True)
class Tracker:
    """One row: the module that must be there, how it is begun, and how it shows a table.

    Args:
        module: what is imported.
        options: of the folder and the run, for its beginning.
        show: (the tracker's own object, name, rows with the header first, step) → shown.
        named: name of a number → the name that the tracker takes for it.
    """

    module: str
    options: Callable[[Path, Run], dict[str, Any]]
    show: Callable[[Any, str, Sequence[Sequence[str]], int], None]
    named: Callable[[str], str] = str


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def _show_text(writer: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:
    writer.add_text(name, _markdown(rows), step)


def _show_wandb(run: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:
    import wandb

    run.log({name: wandb.Table(columns=list(rows[0]), data=[list(row) for row in rows[1:]])}, step=step)


def _show_trackio(run: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:
    import trackio

    run.log({name: trackio.Markdown(_markdown(rows))}, step=step)


def _show_mlflow(run: Any, name: str, rows: Sequence[Sequence[str]], step: int) -> None:  # noqa: ARG001
    import mlflow

    mlflow.log_text(_markdown(rows) + "\n", f"{name}/{step:08d}.md")


def _mlflow_name(name: str) -> str:
    """mlflow refuses a name with other characters than these, and with it the training."""
    return re.sub(r"[^\w\-. :/]", "_", name.replace("@", "_at_"), flags=re.ASCII)


def _mlflow_options(folder: Path, run: Run) -> dict[str, Any]:
    """A store of its own in the folder, where no other is named, and in it the run that goes on, if it does."""
    import mlflow

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        # Before version 3 the store of files was the usual one; this one is known to all versions.
        mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').resolve()}")
    tag = _run_id(run)
    found = mlflow.search_runs(
        experiment_names=[_PROJECT], filter_string=f"tags.`{_TAG}` = '{tag}'", output_format="list"
    )
    options = {"logging_dir": (folder / "mlflow").resolve().as_uri(), "run_name": run.name, "tags": {_TAG: tag}}
    return options | ({"run_id": found[0].info.run_id} if found else {})


# name → how it is used
TRACKERS: dict[str, Tracker] = {
    "tensorboard": Tracker("tensorboard", lambda folder, run: {}, _show_text),  # noqa: ARG005
    "wandb": Tracker(
        "wandb",
        lambda folder, run: {"dir": str(folder), "name": run.name, "id": _run_id(run), "resume": "allow"},
        _show_wandb,
    ),
    "mlflow": Tracker("mlflow", _mlflow_options, _show_mlflow, _mlflow_name),
    "trackio": Tracker("trackio", lambda folder, run: {"name": _run_id(run), "resume": "allow"}, _show_trackio),  # noqa: ARG005
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
    with redirect_stdout(sys.stderr):
        options = {name: TRACKERS[name].options(folder, run) for name in names}
        accelerator.init_trackers(_PROJECT, init_kwargs=options)

    def write(kind: str, step: int, values: Mapping[str, Any]) -> None:
        if kind == "examples":
            _show_examples(accelerator, names, step, values)
            return
        numbers = tracked_numbers(kind, values)
        for name in names if numbers else ():
            taken = {TRACKERS[name].named(key): value for key, value in numbers.items()}
            accelerator.get_tracker(name).log(taken, step=step)

    return write


def close_trackers(accelerator: Accelerator) -> None:
    """End the trackers, which send what is left."""
    with redirect_stdout(sys.stderr):
        accelerator.end_training()


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
        TRACKERS[name].show(accelerator.get_tracker(name, unwrap=True), f"examples/{values['set']}", rows, step)


def _run_id(run: Run) -> str:
    """The same for every part of a run, and another for a run begun afresh."""
    moment = "".join(character for character in str(run.card.get("begun", "")) if character.isalnum())
    return f"{run.name}-{moment}"
