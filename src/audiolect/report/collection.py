"""A collection of recordings as one HTML file that needs no network: what is in it, what a captioner says of it, and
what was left out and why.

Conventions: as of ``page.py``: no script, texts escaped, sounds within a budget of bytes. Left out is what preparing
could not use and what the check has quarantined; its other findings are remarks.

Public names: CollectionRequest, collection_html, write_collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from audiolect import __version__
from audiolect.data.check_state import CHECK_FOLDER
from audiolect.data.checks import PROBLEMS_NAME
from audiolect.data.dataset import Dataset, open_dataset, read_problems
from audiolect.data.problems import REASONS, Problem, load_problems
from audiolect.data.quarantine import without_quarantined
from audiolect.errors import UsageError
from audiolect.report.sounds import MOST_SECONDS, SoundShelf
from audiolect.storage import write_text
from audiolect.text_predictions import read_text_predictions

_TEMPLATES = Path(__file__).parent / "templates"
_PLACES = 20

# (reason, how many, what it means, (which, detail) of the first)
Group: TypeAlias = tuple[str, int, str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class CollectionRequest:
    """What the page shows.

    Args:
        dataset: the collection.
        captions: text predictions of it; None: none.
        most: recordings that are shown.
        budget_bytes: of all sounds together.
        command: for the foot of the page.
    """

    dataset: Path
    captions: Path | None = None
    most: int = 200
    budget_bytes: int = 12_000_000
    command: str = ""


def write_collection(path: Path, request: CollectionRequest) -> None:
    """Write the page atomically.

    Raises:
        UsageError: the captions are of another dataset.
        AudiolectError: dataset or captions cannot be used.
    """
    write_text(path, collection_html(request))


def collection_html(request: CollectionRequest) -> str:
    """The page as text. Errors as of ``write_collection``."""
    whole = open_dataset(request.dataset)
    dataset = without_quarantined(whole)
    said, writer = _said(request.captions, whole)
    shelf = SoundShelf(dataset, request.budget_bytes)
    shown = dataset.recordings.head(request.most)
    names = zip(shown["recording_id"], shown["path"], strict=True)
    rows = [(shelf.sound(name), path, said.get(name, "")) for name, path in names]
    left_out, remarks = _problems(whole)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("collection.html").render(
        name=dataset.card.name,
        style=(_TEMPLATES / "report.css").read_text("utf-8"),
        num_recordings=dataset.recordings.height,
        num_shown=len(rows),
        num_silent=shelf.num_left_out,
        length=_length(dataset),
        most_seconds=MOST_SECONDS,
        writer=writer,
        rows=rows,
        left_out=_groups(left_out),
        remarks=_groups(remarks),
        command=request.command,
        producer=f"audiolect {__version__}",
    )


def _said(captions: Path | None, dataset: Dataset) -> tuple[dict[str, str], str]:
    """Recording → its best caption, and who wrote them."""
    if captions is None:
        return {}, ""
    predictions = read_text_predictions(captions)
    header = predictions.header
    if header.dataset.fingerprint != dataset.card.fingerprint:
        raise UsageError(
            "The captions are of another dataset.",
            where=captions,
            expected=f"of {dataset.card.name}, fingerprint {dataset.card.fingerprint}",
            fix="audiolect predict RUN DATASET --out CAPTIONS",
        )
    said = {row.recording_id: row.outputs[0] for row in predictions.rows if row.outputs}
    return said, header.model.run


def _length(dataset: Dataset) -> str:
    seconds = sum(
        samples / rate for samples, rate in dataset.recordings.select("num_samples", "sample_rate_hz").iter_rows()
    )
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds:.0f} s"


def _problems(dataset: Dataset) -> tuple[list[Problem], list[Problem]]:
    """What is left out, and what a person should know beside it."""
    prepared = read_problems(dataset)
    path = dataset.folder / CHECK_FOLDER / PROBLEMS_NAME
    checked = load_problems(path) if path.is_file() else []
    left_out = [problem for problem in (*prepared, *checked) if problem.severity == "error"]
    # What was left out in preparing has no recording: to the check it is an orphan, and need not be told twice.
    remarks = [each for each in (*prepared, *checked) if each.severity != "error" and each.reason != "orphan"]
    return left_out, remarks


def _groups(problems: Iterable[Problem]) -> list[Group]:
    """By reason, the most frequent first."""
    by_reason: dict[str, list[tuple[str, str]]] = {}
    for problem in problems:
        by_reason.setdefault(problem.reason, []).append((problem.where, problem.detail))
    groups = [(reason, len(found), REASONS[reason], found[:_PLACES]) for reason, found in by_reason.items()]
    return sorted(groups, key=lambda group: -group[1])
