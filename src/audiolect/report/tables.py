"""Scores of one or several systems side by side, as rows that a page or a Markdown table shows.

Conventions: a row is one number (part, task, metric), a cell one system's value of it; a system without it has None.
Rows come in the order of the first scores that have them. The main metrics stand apart, so that a reader begins with
few numbers.

Public names: Cell, Row, MAIN, rows_of, main_rows, class_rows, percent, markdown_report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiolect.scores import Number, OverRuns, Scores

MAIN = (
    "map@10",
    "recall_any@1",
    "recall_any@5",
    "recall_any@10",
    "median_rank",
    "accuracy",
    "balanced_accuracy",
    "macro_average_precision",
    "macro_roc_auc",
    "class_named",
    "soundworld_classes",
    "soundworld_all",
    "spider_fl",
    "spider",
    "cider_d",
    "spice",
    "fense",
    "meteor",
    "rouge_l",
    "bleu_1",
    "bleu_4",
    "keyword_f1",
    "keyword_precision",
    "keyword_recall",
)
TASK_NAMES = {
    "text_to_audio": "text to audio",
    "audio_to_text": "audio to text",
    "classification": "classification by text",
    "captioning": "captions",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One system's number, with its spread over runs where there are several, and its card."""

    number: Number
    over_runs: OverRuns | None
    scores: Scores
    is_best: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One number of all systems."""

    part: str
    task: str
    metric: str
    cells: tuple[Cell | None, ...]


def rows_of(several: Sequence[Scores]) -> list[Row]:
    """All numbers, except those of single classes."""
    return [row for row in _rows(several) if "[" not in row.metric]


def main_rows(several: Sequence[Scores]) -> list[Row]:
    """The numbers that a reader wants first: the main metrics of everything together."""
    found = [row for row in rows_of(several) if row.metric in MAIN and row.part == "all"]
    tasks = list(dict.fromkeys(row.task for row in found))
    return sorted(found, key=lambda row: (tasks.index(row.task), MAIN.index(row.metric)))


def class_rows(several: Sequence[Scores]) -> list[Row]:
    """The numbers of single classes, of everything together."""
    return [row for row in _rows(several) if "[" in row.metric and row.part == "all"]


def percent(value: float, metric: str) -> str:
    """A number as people read it: ranks with one digit, fractions with three."""
    return f"{value:.1f}" if metric.endswith("rank") else f"{value:.3f}"


def markdown_report(several: Sequence[Scores]) -> str:
    """The scores as Markdown: a table of all numbers, tests, and what the numbers rest on."""
    names = [scores.name for scores in several]
    lines = ["# Scores", "", "| part | task | metric | " + " | ".join(map(_cell, names)) + " |"]
    lines.append("|---|---|---|" + "---:|" * len(names))
    for row in rows_of(several):
        cells = [_markdown_number(cell) for cell in row.cells]
        lines.append(
            f"| {_cell(row.part)} | {TASK_NAMES.get(row.task, row.task)} | {row.metric} | {' | '.join(cells)} |"
        )
    lines += ["", "In brackets: 95% intervals; behind ±: standard deviation over runs.", ""]
    tests = [(scores.name, test) for scores in several for test in scores.comparisons]
    if tests:
        lines += ["## Paired tests", "", "| system | against | number | difference | 95% interval | p (Holm) |"]
        lines.append("|---|---|---|---:|---|---:|")
        for name, test in tests:
            interval = "" if test.low is None or test.high is None else f"{test.low:+.3f} to {test.high:+.3f}"
            lines.append(
                f"| {_cell(name)} | {_cell(test.baseline)} | {test.key} | {test.difference:+.3f} | {interval} "
                f"| {test.p_holm:.3g} |"
            )
        lines.append("")
    lines += ["## What the numbers rest on", ""]
    for scores in several:
        for key, context in scores.contexts.items():
            coverage = context.coverage
            data = context.dataset
            lines.append(
                f"- **{_cell(key)}**: {data.get('name')} ({data.get('fingerprint')}), split {data.get('split')}, "
                f"where {data.get('where')}; {coverage.available} of {coverage.expected} recordings; "
                f"checkpoint {context.checkpoint.get('checkpoint_hash', 'of each run')}, "
                f"step {context.checkpoint.get('step', 'of each run')}; seeds {dict(context.seeds)}; "
                f"{context.producer}."
            )
        lines += [f"- {note}" for note in scores.notes]
    return "\n".join(lines) + "\n"


def _rows(several: Sequence[Scores]) -> list[Row]:
    known = [{number.key: number for number in scores.numbers} for scores in several]
    spreads = [{each.key: each for each in scores.over_runs} for scores in several]
    first = {key: number for numbers in reversed(known) for key, number in numbers.items()}
    order = list(dict.fromkeys(key for numbers in known for key in numbers))
    rows = []
    for key in order:
        found = [numbers.get(key) for numbers in known]
        values = [number.value for number in found if number is not None]
        best = (max if first[key].higher_is_better else min)(values)
        cells = tuple(
            None
            if number is None
            else Cell(number, spreads[place].get(key), several[place], len(values) > 1 and number.value == best)
            for place, number in enumerate(found)
        )
        rows.append(Row(first[key].part, first[key].task, first[key].metric, cells))
    return rows


def _markdown_number(cell: Cell | None) -> str:
    if cell is None:
        return ""
    number = cell.number
    text = percent(number.value, number.metric)
    if number.low is not None and number.high is not None:
        text += f" ({percent(number.low, number.metric)} to {percent(number.high, number.metric)})"
    spread = cell.over_runs
    if spread is not None and spread.std is not None:
        text += f", runs {percent(spread.mean, number.metric)} ± {percent(spread.std, number.metric)}"
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
