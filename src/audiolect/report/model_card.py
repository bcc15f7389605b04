"""The card of a model that is published: ``README.md`` with the Hub's metadata in front.

    text = model_card(CardRequest(name="whisper-clotho", model=..., steps=lineage(run), scores=[scores]))

What stands on it: how to use the model, what it was trained on (names, versions, fingerprints, licences), its scores
with intervals, and the settings and commands of its training. No place of a machine is on it.

Conventions: scores are those of this very model: their checkpoint's hash is compared. ``license`` in front is that of
``model_licenses``, or what the person says. Names of datasets in front are those of their cards, in letters that the
Hub takes.

Public names: CardRequest, model_card, check_scores, card_license.
Source: huggingface_hub, ``repocard_data.py`` (the metadata that the Hub reads, and the shape of ``model-index``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect import __version__
from audiolect.errors import UsageError
from audiolect.models.exported_model import ExportedModel
from audiolect.models.pretrained import KNOWN_MODELS
from audiolect.report.model_licenses import OTHER, strictest_license
from audiolect.report.model_uses import use_of
from audiolect.report.own_places import without_places
from audiolect.report.tables import main_rows, percent, rows_of
from audiolect.scores import Number, Scores
from audiolect.training.lineage import TrainingStep, all_data, all_origins
from audiolect.yaml_text import yaml_text

_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.-]*")
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_ROLES = {"trained": "This model", "begun with": "What it began with", "teacher": "Its teacher"}


@dataclass(frozen=True, slots=True)
class CardRequest:
    """What a card is made from.

    Args:
        name: of the model.
        model: what was exported.
        steps: its lineage; none for a model without a run.
        step: of the optimiser, of the checkpoint; None: not known.
        scores: of this model.
        license: in the place of what the datasets say.
    """

    name: str
    model: ExportedModel
    steps: Sequence[TrainingStep] = ()
    step: int | None = None
    scores: Sequence[Scores] = ()
    license: str | None = None


def model_card(request: CardRequest) -> str:
    """The text of ``README.md``.

    Raises:
        UsageError: scores of another model.
    """
    check_scores(request.scores, request.model)
    front = yaml_text(_front(request)).strip()
    parts = [
        f"# {_line(request.name)}",
        use_of(request.model),
        *(_line(remark) for remark in request.model.remarks),
        _data(request),
        _licenses(request),
        _scores(request.scores),
        _training(request),
        f"Written by audiolect {__version__}. Weights {request.model.checkpoint_hash}.",
    ]
    return f"---\n{front}\n---\n\n" + "\n\n".join(part.strip() for part in parts if part) + "\n"


def check_scores(several: Sequence[Scores], model: ExportedModel) -> None:
    """Raises UsageError where scores are not of the weights that are published."""
    for scores in several:
        for context in scores.contexts.values():
            found = context.checkpoint.get("checkpoint_hash")
            if found != model.checkpoint_hash:
                raise UsageError(
                    "These scores are not of this model.",
                    where=scores.name,
                    expected=f"a checkpoint with the weights {model.checkpoint_hash}",
                    found=found or "scores that name no weights",
                    cause="another run or --checkpoint, or predictions of another program",
                    fix="predict and evaluate with this checkpoint, and give those scores",
                )


def card_license(request: CardRequest) -> str:
    """What stands in front as ``license``: an identifier, or ``other``."""
    if request.license is not None:
        asked = request.license.strip().lower()
        return asked if _IDENTIFIER.fullmatch(asked) else OTHER
    return strictest_license(license for _, license in _named_licenses(request))


def _named_licenses(request: CardRequest) -> list[tuple[str, str]]:
    """What the model rests on, datasets and weights of others, each with its licence; "" where it is not known."""
    known = {model.source: model.licence for model in KNOWN_MODELS.values()}
    data = [(heard.name, heard.license) for heard in all_data(request.steps)]
    return data + [(name, known.get(name, "")) for name in all_origins(request.steps)]


def _front(request: CardRequest) -> dict[str, Any]:
    data, license = all_data(request.steps), card_license(request)
    front: dict[str, Any] = {"license": license}
    if license == OTHER:
        front["license_name"] = _line(request.license) if request.license else "see-the-section-licence"
    numbers = _shown(request.scores)
    front |= {"library_name": "transformers", "pipeline_tag": request.model.pipeline}
    front |= {"tags": [*request.model.tags, "audiolect"]}
    bases = [name for name in without_places(all_origins(request.steps)) if _HUB_NAME.fullmatch(name)]
    if bases:
        front["base_model"] = bases
    if data:
        front["datasets"] = list(dict.fromkeys(_slug(heard.name) for heard in data))
    if numbers:
        front["metrics"] = list(dict.fromkeys(number.metric for _, number in numbers))
        front["model-index"] = [{"name": _line(request.name), "results": _results(numbers, request.model.pipeline)}]
    return front


def _results(numbers: Sequence[tuple[Scores, Number]], task: str) -> list[dict[str, Any]]:
    return [
        {
            "task": {"type": task, "name": number.task},
            "dataset": {"type": _slug(name), "name": name, **({"split": split} if split else {})},
            "metrics": [{"type": number.metric, "value": round(number.value, 6), "name": _named(number)}],
        }
        for scores, number in numbers
        for name, split in [_dataset_of(scores, number)]
    ]


def _named(number: Number) -> str:
    interval = _interval(number)
    return f"{number.metric} ({interval}, n {number.n})" if interval else f"{number.metric} (n {number.n})"


def _data(request: CardRequest) -> str:
    data, origins = all_data(request.steps), without_places(all_origins(request.steps))
    if not data and not origins:
        return "## Data\n\nWhat it was trained on is not known."
    lines = ["## Data", ""]
    if data:
        lines += ["| dataset | version | trained on | fingerprint |", "|---|---|---|---|"]
    for heard in data:
        entries = ", ".join(f"{key}: {count} items" for key, count in heard.entries.items())
        cells = (heard.name, heard.version, entries, heard.fingerprint)
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    if origins:
        names = ", ".join(f"`{_line(name)}`" for name in origins)
        lines += ["", f"It also rests on weights of {names}; what these were trained on is not known here."]
    return "\n".join(lines)


def _licenses(request: CardRequest) -> str:
    license = card_license(request)
    if request.license is not None:
        said = f"`{_line(request.license)}`, as its publisher says."
    elif license == OTHER:
        said = "It cannot be told from what the model rests on: look at each licence."
    else:
        said = f"`{license}`, the strictest licence of what the model rests on."
    rows = [f"- {_line(name)}: {_line(license) or 'not known'}" for name, license in _named_licenses(request)]
    return "\n".join(["## Licence", "", said, *(["", *rows] if rows else [])])


def _scores(several: Sequence[Scores]) -> str:
    numbers = _shown(several)
    if not numbers:
        return "## Scores\n\nNone are given."
    lines = ["## Scores", "", "| dataset | split | part | task | metric | value | interval | n |"]
    lines.append("|---|---|---|---|---|---:|---|---:|")
    for scores, number in numbers:
        name, split = _dataset_of(scores, number)
        interval = _interval(number) or f"none: {number.reason or 'not given'}"
        value = percent(number.value, number.metric)
        cells = (name, split, number.part, number.task, number.metric, value, interval, str(number.n))
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    lines.append("")
    for context in {key: context for scores in several for key, context in scores.contexts.items()}.values():
        data, coverage = without_places(dict(context.dataset)), context.coverage
        where = f", where {data['where']}" if data.get("where") else ""
        lines.append(
            f"- {_line(str(data.get('name')))}: fingerprint {data.get('fingerprint')}{where}; "
            f"{coverage.available} of {coverage.expected} recordings; {context.producer}"
        )
    return "\n".join(lines)


def _training(request: CardRequest) -> str:
    lines = ["## Training", ""]
    if request.step is not None:
        lines += [f"The checkpoint is that of step {request.step}.", ""]
    for step in request.steps:
        card, config = step.run.card, step.run.config
        settings = {name: config[name] for name in ("model", "mixture", "training", "evaluation") if name in config}
        versions = ", ".join(f"{name} {number}" for name, number in (card.get("versions") or {}).items())
        command = without_places(str(card.get("command", "")))
        lines += [
            f"{_ROLES[step.role]}: run `{_line(step.run.name)}`, seed {card.get('seed')}; {versions}.",
            "",
            *([f"    {_line(command)}", ""] if command else []),
            "<details><summary>settings</summary>",
            "",
            _fenced(yaml_text(without_places(settings)), "yaml"),
            "",
            "</details>",
            "",
        ]
    return "" if len(lines) == 2 else "\n".join(lines)


def _shown(several: Sequence[Scores]) -> list[tuple[Scores, Number]]:
    """The main numbers of each scores; of those without any, all."""
    shown = []
    for scores in several:
        rows = main_rows([scores]) or rows_of([scores])
        shown += [(scores, cell.number) for row in rows for cell in row.cells if cell is not None]
    return shown


def _dataset_of(scores: Scores, number: Number) -> tuple[str, str]:
    dataset: Mapping[str, Any] = scores.contexts[number.context].dataset
    return _line(str(dataset.get("name", ""))), _line(str(dataset.get("split") or ""))


def _interval(number: Number) -> str:
    if number.low is None or number.high is None:
        return ""
    low, high = percent(number.low, number.metric), percent(number.high, number.metric)
    return f"{number.level:.0%} interval {low} to {high}"


def _fenced(text: str, kind: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}{kind}\n{text.strip()}\n{fence}"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(name).name).strip("-.") or "unnamed"


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _line(text: str) -> str:
    """On one line, and no HTML."""
    return " ".join(str(without_places(text)).split()).replace("<", "&lt;")
