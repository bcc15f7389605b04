"""What a model has learned from: its run, the runs that this one began with, and the runs of its teachers.

    steps = lineage(open_run("runs/captions"))
    [heard.name for step in steps for heard in step.data]

Conventions: no torch here. Steps stand in the order of training, the run itself last. What a run's card names is
believed only where the weights are still those that it names; a model that cannot be found so, and a pretrained model
of somebody else, is an origin by name alone: what it has heard is not known. The licence of a dataset is that on the
run's card; of a run whose card has none, that of the dataset itself, where it is still at hand and the same.

Public names: Heard, TrainingStep, lineage, all_data, all_origins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.data.card import read_card
from audiolect.errors import AudiolectError
from audiolect.storage import fingerprint_file
from audiolect.training.run_folder import CONFIG_NAME, STAGES_NAME, Run, open_run

_WEIGHTS_NAME = "model.safetensors"
# Keys of the section ``model`` that name weights of somebody else.
_SOURCES = ("whisper", "source", "weights")
_MOST_STEPS = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """A dataset that was trained on.

    Args:
        name, version, fingerprint: of its card.
        license: of its card; "" where it is not known.
        entries: key of the mixture → how many items.
    """

    name: str
    version: str
    fingerprint: str
    license: str
    entries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One run.

    Args:
        run: opened.
        role: ``trained``; ``begun with``: its weights were the beginning; ``teacher``: its similarities were targets.
        data: what it was trained on.
        origins: models that it began with or learned from, of which nothing more is known.
    """

    run: Run
    role: str
    data: tuple[Heard, ...]
    origins: tuple[str, ...]


def lineage(run: Run) -> list[TrainingStep]:
    """The run and all that it rests on, the earliest first."""
    return _steps(run, "trained", set())


def all_data(steps: Sequence[TrainingStep]) -> list[Heard]:
    """The datasets of all steps, each once, with its entries together."""
    found: dict[tuple[str, str], Heard] = {}
    for heard in (heard for step in steps for heard in step.data):
        key = (heard.name, heard.fingerprint)
        before = found.get(key)
        entries = dict(heard.entries) if before is None else {**before.entries, **heard.entries}
        license = heard.license or ("" if before is None else before.license)
        found[key] = Heard(heard.name, heard.version, heard.fingerprint, license, entries)
    return list(found.values())


def all_origins(steps: Sequence[TrainingStep]) -> list[str]:
    """The names of models of which nothing more is known, each once."""
    return list(dict.fromkeys(origin for step in steps for origin in step.origins))


def _steps(run: Run, role: str, seen: set[Path]) -> list[TrainingStep]:
    seen.add(run.folder.resolve())
    before: list[TrainingStep] = []
    origins = list(_sources(run.config.get("model") or {}))
    for key, name, as_role in (("start", "source", "begun with"), ("teacher", "run", "teacher")):
        facts = run.card.get(key)
        if not isinstance(facts, Mapping):
            continue
        text = str(facts.get(name))
        other = _found(run, text, str(facts.get("checkpoint", "")), str(facts.get("weights")))
        if other is None:
            origins.append(text)
        elif other.folder.resolve() not in seen and len(seen) < _MOST_STEPS:
            before += _steps(other, as_role, seen)
    return [*before, TrainingStep(run, role, tuple(_heard(run)), tuple(dict.fromkeys(origins)))]


def _found(run: Run, text: str, step: str, weights: str) -> Run | None:
    """The run that a card names, if it has a checkpoint of these weights."""
    name, _, which = text.partition("@")
    in_stages = (run.folder.parent / STAGES_NAME).is_file()
    for base in ([run.folder.parent] if in_stages else []) + [run.recipe_folder]:
        folder = base / name
        if not ((folder / CONFIG_NAME).is_file() or (folder / STAGES_NAME).is_file()):
            continue
        try:
            other = open_run(folder)
            path = other.checkpoint(step or which or "best", verify=False) / _WEIGHTS_NAME
            if path.is_file() and fingerprint_file(path) == weights:
                return other
        except AudiolectError:
            continue  # no longer what it was: an origin by its name alone
    return None


def _heard(run: Run) -> Iterator[Heard]:
    places = run.config.get("data") or {}
    for name, facts in (run.card.get("data") or {}).items():
        entries = {key: int(row["num_items"]) for key, row in (facts.get("entries") or {}).items()}
        if not entries:
            continue  # for validation only
        license = facts.get("license")
        if license is None:
            license = _license_at(run.recipe_folder / str((places.get(name) or {}).get("dataset")), facts)
        yield Heard(
            str(facts.get("dataset", name)), str(facts.get("version", "")), str(facts.get("fingerprint", "")),
            str(license), entries,
        )  # fmt: skip


def _license_at(folder: Path, facts: Mapping[str, Any]) -> str:
    try:
        card = read_card(folder)
    except AudiolectError:
        return ""  # the dataset is not at hand: its licence is not known
    return card.license if card.fingerprint == facts.get("fingerprint") else ""


def _sources(section: Any) -> Iterator[str]:
    """Names of pretrained weights, anywhere in the section ``model``."""
    if isinstance(section, Mapping):
        for key, value in section.items():
            if key in _SOURCES and isinstance(value, str):
                yield value
            else:
                yield from _sources(value)
