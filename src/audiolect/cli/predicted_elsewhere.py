"""``audiolect import predictions``: captions that another program predicted become a file of text predictions.

Public names: PREDICTIONS, PredictionsImport, import_predictions.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from audiolect.cli.console import command_line, console, print_done, print_json

PREDICTIONS = "predictions"


@dataclass(frozen=True, slots=True)
class PredictionsImport:
    """What was asked for on the command line."""

    source: Path
    out: Path
    dataset: Path | None
    task: str | None
    split: str | None
    where: str | None
    name: str | None
    overwrite: bool = False
    dry_run: bool = False


def import_predictions(layout: str, asked: PredictionsImport, *, as_json: bool = False) -> bool:
    """Read the table, find its recordings, write the file and say so; False where the layout is another.

    Raises:
        UsageError: there is no --dataset, or what belongs to predictions was given for another layout.
        AlreadyExists: the target exists.
        TableError, DatasetError: as of ``evaluate.predictions_table``.
    """
    from audiolect.data.dataset import open_dataset
    from audiolect.errors import AlreadyExists, UsageError
    from audiolect.evaluate.predictions_table import read_predictions_table
    from audiolect.text_predictions import write_text_predictions

    if layout != PREDICTIONS:
        _refuse(layout, asked)
        return False
    if asked.dataset is None:
        raise UsageError(
            "Predictions are of the recordings of a dataset.",
            expected="--dataset DATASET",
            found="none",
            fix=f"audiolect import predictions {asked.source} --dataset DATASET --out {asked.out}",
        )
    if asked.out.exists() and not asked.overwrite:
        raise AlreadyExists("The target exists.", where=asked.out, fix="give another --out, or --overwrite")
    header, rows = read_predictions_table(
        asked.source,
        open_dataset(asked.dataset),
        task=asked.task or "AudioCaptioning",
        split=asked.split,
        where=asked.where,
        name=asked.name or "",
        command=command_line(),
    )
    if not asked.dry_run:
        header = write_text_predictions(asked.out, header, rows)
    if as_json:
        key = "would_write" if asked.dry_run else "file"
        print_json({key: str(asked.out), "predictions": len(rows)} | header.dataset.model_dump(mode="json"))
        return True
    part = header.dataset
    counted = f"{len(rows)} predictions of {part.num_expected} recordings of {part.name}"
    if asked.dry_run:
        console().print(f"would write {asked.out}: {counted}", markup=False, highlight=False, soft_wrap=True)
        return True
    print_done(
        f"{asked.out}: {counted}",
        shlex.join(["audiolect", "evaluate", str(asked.out), str(asked.dataset)])
        + (" --allow-partial" if len(rows) < part.num_expected else ""),
    )
    return True


def _refuse(layout: str, asked: PredictionsImport) -> None:
    from audiolect.errors import UsageError

    given = [name for name, value in (("--dataset", asked.dataset), ("--where", asked.where)) if value is not None]
    if given:
        raise UsageError(
            f"{' and '.join(given)} belong to the import of predictions.",
            expected="audiolect import predictions FILE.csv --dataset DATASET --out OUT",
            found=f"audiolect import {layout}",
        )
