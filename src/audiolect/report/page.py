"""Scores as one HTML file that needs no network: tables, tests, curves, confusions, and queries to listen to.

Conventions: everything is in the file, pictures and sounds as ``data:`` addresses, no script. Texts from datasets are
escaped. Sounds have a budget of bytes; what did not fit is said.

Public names: ReportRequest, html_report, write_report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from audiolect.data.dataset import open_dataset
from audiolect.embedding_files import embeddings_fingerprint, read_embeddings
from audiolect.errors import UsageError
from audiolect.evaluate.caption_material import gather_captions
from audiolect.evaluate.material import gather
from audiolect.report.captions import shown_captions
from audiolect.report.charts import Bar, interval_chart
from audiolect.report.curves import training_charts
from audiolect.report.queries import Query, shown_queries
from audiolect.report.sounds import MOST_SECONDS, Sound, SoundShelf
from audiolect.report.tables import TASK_NAMES, Row, class_rows, main_rows, percent, rows_of
from audiolect.scores import Confusion, Number, Scores
from audiolect.storage import fingerprint_bytes, write_text
from audiolect.text_predictions import is_text_predictions, read_text_predictions, text_predictions_fingerprint
from audiolect.training.run_folder import open_run

_TEMPLATES = Path(__file__).parent / "templates"
_MOST_CLASSES = 60
_MOST_CONFUSED = 15


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a report shows beside the scores.

    Args:
        predictions, dataset: for queries and captions to listen to; both or neither. Embeddings of one run, captions of
            one, or both, of one dataset.
        runs: folders of runs, for the curves of their training.
        num_queries: worst and best of each task.
        budget_bytes: of all sounds of the page together.
        command: for the foot of the page.
    """

    predictions: tuple[Path, ...] = ()
    dataset: Path | None = None
    audio_root: Path | None = None
    runs: tuple[Path, ...] = ()
    num_queries: int = 6
    budget_bytes: int = 12_000_000
    command: str = ""


def write_report(path: Path, several: Sequence[Scores], request: ReportRequest) -> None:
    """Write the page atomically.

    Raises:
        UsageError: no scores, two of one name, or predictions without their dataset.
        AudiolectError: predictions, dataset or run cannot be used.
    """
    write_text(path, html_report(several, request))


def html_report(several: Sequence[Scores], request: ReportRequest) -> str:
    """The page as text. Errors as of ``write_report``."""
    _check(several, request)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = percent
    embeddings, captions = _heard(request)
    described = None if captions is None else _described(several, request, captions)
    listening = None if embeddings is None else _listening(several, request, embeddings)
    charts = {run.resolve().name: training_charts(open_run(run).journal) for run in request.runs}
    return environment.get_template("report.html").render(
        title=" and ".join(scores.name for scores in several),
        style=(_TEMPLATES / "report.css").read_text("utf-8"),
        systems=[scores.name for scores in several],
        main=_grouped(main_rows(several)),
        rows=_grouped(rows_of(several)),
        classes=_class_table(class_rows(several)),
        overview=_overview(several),
        tests=[(scores.name, test) for scores in several for test in scores.comparisons],
        confusions=[_confusion(scores, each) for scores in several for each in scores.confusions],
        charts={name: figures for name, figures in charts.items() if figures},
        listening=listening,
        described=described,
        contexts=[
            (scores.name, key, _flat(context.model_dump(mode="json")))
            for scores in several
            for key, context in scores.contexts.items()
        ],
        notes=[(scores.name, note) for scores in several for note in scores.notes],
        commands=[*(scores.command for scores in several if scores.command), request.command],
        producer=several[0].producer,
        task_names=TASK_NAMES,
        card_text=_card_text,
        measured=_measured,
        anchor=_anchor,
    )


def _check(several: Sequence[Scores], request: ReportRequest) -> None:
    if not several:
        raise UsageError("There are no scores to report.", expected="one scores.json or more")
    names = [scores.name for scores in several]
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise UsageError(
            "Two scores are of systems with one name.",
            found=repr(doubled),
            fix="evaluate one of them with another --name",
        )
    if bool(request.predictions) != (request.dataset is not None):
        raise UsageError(
            "Queries to listen to need the predictions and their dataset.",
            expected="--predictions PREDICTIONS --dataset DATASET",
            found="one of the two",
        )


def _heard(request: ReportRequest) -> tuple[Path | None, Path | None]:
    """The embeddings and the captions whose sounds are played."""
    written = [path for path in request.predictions if is_text_predictions(path)]
    embedded = [path for path in request.predictions if path not in written]
    for what, paths in (("captioner", written), ("retrieval run", embedded)):
        if len(paths) > 1:
            raise UsageError(
                f"A page plays the sounds of one {what}.",
                found=", ".join(str(path) for path in paths),
                fix="make a page for each; their scores may stand on either",
            )
    return next(iter(embedded), None), next(iter(written), None)


def _grouped(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """(part, task, rows), in their order."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.part, row.task), []).append(row)
    return [(part, task, own) for (part, task), own in groups.items()]


def _measured(rows: Sequence[Row]) -> list[int]:
    """The systems that have a number in some of these rows: a captioner has none of retrieval."""
    return [at for at in range(len(rows[0].cells)) if any(row.cells[at] is not None for row in rows)]


def _overview(several: Sequence[Scores]) -> list[str]:
    """A chart for each task."""
    charts = []
    for _, task, rows in _grouped([row for row in main_rows(several) if not row.metric.endswith("rank")]):
        bars = [
            Bar(row.metric, cell.number.value, cell.number.low, cell.number.high, place)
            for row in rows
            for place, cell in enumerate(row.cells)
            if cell is not None
        ]
        title = f"{TASK_NAMES.get(task, task)}, 95% intervals"
        charts.append(interval_chart(title, bars, [scores.name for scores in several]))
    return charts


def _class_table(rows: Sequence[Row]) -> list[tuple[str, str, list[float | None], int]]:
    """(metric, class, value of each system, n), the worst class first."""
    found = []
    for row in rows:
        metric, _, name = row.metric.partition("[")
        values = [None if cell is None else cell.number.value for cell in row.cells]
        count = next(cell.number.n for cell in row.cells if cell is not None)
        found.append((metric.removeprefix("class_").replace("_", " "), name.removesuffix("]"), values, count))
    return sorted(found, key=lambda each: (each[0], min(v for v in each[2] if v is not None), each[1]))


def _confusion(scores: Scores, confusion: Confusion) -> dict[str, Any]:
    totals = [sum(row) for row in confusion.counts]
    pairs = [
        (count, confusion.names[row], confusion.names[column], totals[row])
        for row, counts in enumerate(confusion.counts)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return {
        "system": scores.name,
        "names": confusion.names,
        "rows": [
            (name, [(count, count / max(1, total)) for count in counts], total)
            for name, counts, total in zip(confusion.names, confusion.counts, totals, strict=True)
        ],
        "is_shown": len(confusion.names) <= _MOST_CLASSES,
        "pairs": sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:_MOST_CONFUSED],
    }


def _listening(several: Sequence[Scores], request: ReportRequest, predictions: Path) -> dict[str, Any]:
    """The queries with their sounds, of one run: it must be one that the scores are of."""
    embeddings = read_embeddings(predictions)
    shelf = _shelf(request)
    _check_same(several, predictions, embeddings_fingerprint(embeddings))
    material = gather(embeddings, shelf.dataset, allow_partial=True)
    lists: list[tuple[str, str, list[tuple[Query, Sound, list[Sound | None]]]]] = []
    for task, both in shown_queries(material, request.num_queries).items():
        for kind in ("worst", "best"):
            lists.append((task, kind, [(query, *_sounds(shelf, query, task)) for query in both[kind]]))
    return {
        "run": material.name,
        "lists": [each for each in lists if each[2]],
        "num_left_out": shelf.num_left_out,
        "most_seconds": MOST_SECONDS,
    }


def _described(several: Sequence[Scores], request: ReportRequest, place: Path) -> dict[str, Any]:
    """The worst and best captions with their sounds, of one run: it must be one that the scores are of."""
    predictions = read_text_predictions(place)
    shelf = _shelf(request)
    _check_same(several, place, text_predictions_fingerprint(predictions))
    material = gather_captions(predictions, shelf.dataset, allow_partial=True)
    lists = []
    for own in shown_captions(material, request.num_queries):
        for kind, captions in (("worst", own.worst), ("best", own.best)):
            shown = [(each, shelf.sound(each.recording_id)) for each in captions]
            lists.append((own.task, own.metric, kind, shown))
    return {
        "run": material.name,
        "lists": [each for each in lists if each[3]],
        "num_left_out": shelf.num_left_out,
        "most_seconds": MOST_SECONDS,
    }


def _shelf(request: ReportRequest) -> SoundShelf:
    """A share of the sounds' budget for each of the predictions."""
    dataset = open_dataset(request.dataset or "", audio_root=request.audio_root)
    return SoundShelf(dataset, request.budget_bytes // max(1, len(request.predictions)))


def _check_same(several: Sequence[Scores], predictions: Path, fingerprint: str) -> None:
    known = [context.predictions for scores in several for context in scores.contexts.values()]
    if not any(fingerprint in each for each in known):
        raise UsageError(
            "The scores are not of these predictions.",
            where=predictions,
            expected=f"predictions with the fingerprint {known[0]}",
            found=fingerprint,
            fix="evaluate them first, or give the predictions that were evaluated",
        )


def _sounds(shelf: SoundShelf, query: Query, task: str) -> tuple[Sound, list[Sound | None]]:
    """The recording that was asked for, and those that were found in its place."""
    own = shelf.sound(query.recording_id)
    if task == "classification":
        return own, [None] * len(query.found)
    return own, [shelf.sound(found.name) if not found.is_right else own for found in query.found]


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested values as pairs of a dotted name and a text."""
    pairs = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            pairs += _flat(value, f"{before}{name}.")
        else:
            pairs.append((f"{before}{name}", _text(value)))
    return pairs


def _text(value: object) -> str:
    if value is None or (isinstance(value, str | dict | list) and not value):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _card_text(scores: Scores, number: Number) -> str:
    """The card of a number: what is its own, and the most telling of what it shares with others."""
    own = number.model_dump(mode="json", exclude={"context", "part", "task", "metric"})
    context = scores.contexts[number.context]
    coverage, data = context.coverage, context.dataset
    shared = {
        "dataset": f"{data.get('name')}, split {data.get('split')}, where {data.get('where')}",
        "fingerprint": data.get("fingerprint"),
        "coverage": f"{coverage.available} of {coverage.expected}",
        "checkpoint": context.checkpoint.get("checkpoint_hash", "that of each run"),
        "seeds": context.seeds,
    }
    return "\n".join(f"{name}: {_text(value)}" for name, value in {**own, **shared}.items())


def _anchor(system: str, context: str) -> str:
    """The place on the page where a context stands."""
    return "card-" + fingerprint_bytes([f"{system}\0{context}".encode()])[:12]
