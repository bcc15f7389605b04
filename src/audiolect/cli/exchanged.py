"""What ``import`` and ``export`` print: plans, what was read or written, and what was left out.

Public names: say_import, say_export, print_dataset, print_export, export_as_json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiolect.cli.console import console, print_json, print_table

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.data.problems import Problem
    from audiolect.formats.request import Exported, ExportRequest, ImportRequest

_SHOWN_FILES = 20
_SHOWN_PROBLEMS = 5


def say_import(layout: str, request: ImportRequest, *, as_json: bool) -> None:
    """What an import would do; nothing is written."""
    plan = {
        "would_import": layout,
        "from": str(request.source),
        "to": str(request.out),
        "replaces": request.out.exists(),
        "looks_at_audio": not request.no_audio,
        "jobs": request.options.jobs,
    }
    _say(plan, as_json=as_json)


def say_export(layout: str, request: ExportRequest, exported: Exported, *, as_json: bool) -> None:
    """What an export would do; nothing is written."""
    card = request.dataset.card
    left_out = exported.quarantined
    plan = {
        "would_export": layout,
        "from": str(request.dataset.folder),
        "recordings": card.num_recordings - left_out.get("recordings", 0),
        "examples": card.num_examples - left_out.get("examples", 0),
        "quarantined_recordings": left_out.get("recordings", 0),
        "quarantined_examples": left_out.get("examples", 0),
        "to": str(request.out),
        "replaces": request.out.exists(),
        "audio": request.audio or "as the format does it",
        "splits": ", ".join(request.rename_splits.get(split, split) for split in card.splits),
    }
    _say(plan, as_json=as_json)


def _say(plan: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
    else:
        print_table("plan (nothing is written)", ("", ""), list(plan.items()))


def print_dataset(dataset: Dataset) -> None:
    """What an import has made, and what is wrong with it."""
    from audiolect.data.dataset import read_problems

    card = dataset.card
    rows = [(name, counts.recordings, counts.examples) for name, counts in card.splits.items()]
    rows.append(("all", card.num_recordings, card.num_examples))
    print_table(f"{card.name}: fingerprint {card.fingerprint}", ("split", "recordings", "examples"), rows, right=(1, 2))
    if card.problems:
        _print_problems(read_problems(dataset))


def _print_problems(problems: list[Problem]) -> None:
    from audiolect.data.problems import count_by_reason

    counts = count_by_reason(problems)
    print_table("problems (listed in problems.jsonl)", ("reason", "count"), list(counts.items()), right=(1,))
    for problem in problems[:_SHOWN_PROBLEMS]:
        console().print(f"  {problem.where}: {problem.detail}", markup=False)
    if len(problems) > _SHOWN_PROBLEMS:
        console().print(f"  … and {len(problems) - _SHOWN_PROBLEMS} more", markup=False)


def print_export(layout: str, exported: Exported) -> None:
    """What an export has written, and what it left out."""
    rows = list(exported.files.items())
    print_table(layout, ("file", "entries"), rows[:_SHOWN_FILES], right=(1,))
    if len(rows) > _SHOWN_FILES:
        console().print(f"  … and {len(rows) - _SHOWN_FILES} more", markup=False)
    console().print(f"files of audio: {exported.num_audio}", markup=False)
    if exported.left_out:
        print_table("left out", ("the format has no place for", "count"), list(exported.left_out.items()), right=(1,))
    if exported.quarantined:
        counts = ", ".join(f"{n} {what}" for what, n in exported.quarantined.items())
        console().print(f"quarantined, and left out: {counts}; --keep-quarantined exports them too", markup=False)
    if exported.problems:
        _print_problems(list(exported.problems))
    for hint in exported.hints:
        console().print(f"note: {hint}", markup=False)


def export_as_json(exported: Exported) -> dict[str, Any]:
    """The same for programs."""
    from audiolect.data.problems import count_by_reason

    return {
        "folder": str(exported.folder),
        "files": dict(exported.files),
        "num_audio": exported.num_audio,
        "left_out": dict(exported.left_out),
        "quarantined": dict(exported.quarantined),
        "problems": count_by_reason(exported.problems),
        "hints": list(exported.hints),
    }
