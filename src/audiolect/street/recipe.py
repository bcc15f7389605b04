"""The recipe of a street: one YAML file that names its stages, in their order, and what each of them reads.

    street: esc10
    out: ../runs/street/esc10
    values:
      audio: {kind: folder, default: ../../shared/data/esc10}
    stages:
      dataset: {do: prepare, corpus: esc50, source: $audio}
      pack: {do: pack, dataset: $dataset, rate_hz: 32000}
    last:
      open: $report
      commands: ['audiolect search $index "rain"']

Conventions: ``$name`` stands for a value or for what an earlier stage writes; values and stages share one set of names.
``do`` names the kind of a stage (``kinds.py``), ``when`` a value or an earlier stage: without it the stage is left out,
and ``$stage`` is null. Every other key is an option of the kind. Other paths are relative to the file. A stage writes
OUT/NAME. On the command line ``name=value`` gives a value, ``stage.option=value`` an option.

Public names: StreetFile, Street, Stage, load_street.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, JsonValue

from audiolect.config import Config, load_config, parse_config
from audiolect.errors import ConfigError, UsageError, nearest_names, unknown_name
from audiolect.storage import fingerprint_bytes, read_text
from audiolect.street.kind import Input, StageOptions
from audiolect.street.kinds import KINDS
from audiolect.street.nouns import NOUNS
from audiolect.street.values import Given, ValueSettings, fill, read_values, references
from audiolect.yaml_text import Place, parse_yaml, yaml_text

# Options that are paths, at any depth.
_PATHS = {"source", "mapping", "recipe", "dataset", "datasets", "pack", "run", "runs", "predictions", "baseline"}
_PATHS |= {"scores", "index", "trained_on"}
_OWN = ("do", "when")
_Name = Annotated[str, Field(pattern=r"^[A-Za-z_][\w-]*$")]


class LastWords(Config):
    """What the street says at its end."""

    open: str | None = Field(default=None, description="What a person should open, such as $report.")
    commands: tuple[str, ...] = Field(default=(), description="Commands to try next; those that lack a part are not.")


class StreetFile(Config):
    """The whole file."""

    street: _Name = Field(description="Its name.")
    about: str = Field(default="", description="What it does, in a line.")
    out: str = Field(description="The folder of all that it writes; relative to this file.")
    values: dict[_Name, ValueSettings] = Field(default={}, description="What the command line may give.")
    stages: Annotated[dict[_Name, dict[str, JsonValue]], Field(min_length=1)] = Field(description="In their order.")
    last: LastWords = Field(default=LastWords(), description="What is said at the end.")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage, ready to be run.

    Args:
        kind: a name of ``KINDS``.
        options: with every path as it can be opened.
        place: where it writes.
        inputs: what it reads.
        uses: the earlier stages that it reads from.
        settings: fingerprint of the options, whatever the paths of what it reads.
    """

    name: str
    kind: str
    options: StageOptions
    place: Path
    inputs: tuple[Input, ...]
    uses: tuple[str, ...]
    settings: str


@dataclass(frozen=True, slots=True)
class Street:
    """A street that can be run.

    Args:
        path: the file.
        out: the folder of all that it writes.
        values: name → value.
        left_out: stages that are not run, for want of what their ``when`` names.
        opens: what to open at the end.
        commands: to try next.
    """

    name: str
    about: str
    path: Path
    out: Path
    values: Given
    stages: tuple[Stage, ...]
    left_out: tuple[str, ...]
    opens: Path | None
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The file while it is read: its lines, and what names stand for so far."""

    path: Path
    lines: Mapping[Place, int]
    known: dict[str, JsonValue]
    nouns: dict[str, str]
    textual: dict[str, JsonValue]

    def where(self, *place: str) -> str:
        line = next((self.lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in self.lines), None)
        dotted = ".".join(place)
        return f"{self.path}, {dotted}" if line is None else f"{self.path}:{line}, {dotted}"


def load_street(path: Path, words: Iterable[str] = (), *, out: Path | None = None) -> Street:
    """Read the recipe of a street.

    Args:
        words: ``name=value`` or ``stage.option=value`` each.
        out: in the place of the file's.

    Raises:
        ConfigError: the file is wrong; with the line.
        UsageError: values that are missing or cannot be.
    """
    given, overrides = _divided(words)
    file = load_config(path, StreetFile, overrides)
    values = read_values(file.values, given, path)
    document = parse_yaml(read_text(path, error=ConfigError), where=path, error=ConfigError)
    # Paths of values count by what is there, not by where that is.
    textual = {name: f"${name}" if file.values[name].kind in NOUNS else value for name, value in values.items()}
    reading = _Reading(path, document.lines, dict(values), {}, textual)
    target = _out_of(file.out, reading) if out is None else out
    stages, left_out = [], []
    for name, raw in file.stages.items():
        stage = _stage(name, raw, file, reading, target)
        if stage is None:
            left_out.append(name)
        else:
            stages.append(stage)
            reading.nouns[name] = KINDS[stage.kind].writes
        reading.known[name] = None if stage is None else str(stage.place)
        reading.textual[name] = None if stage is None else f"${name}"
    opens = _last(file.last.open, reading, "open")
    commands = [_command(text, reading) for text in file.last.commands]
    return Street(
        name=file.street,
        about=file.about,
        path=path,
        out=target,
        values=values,
        stages=tuple(stages),
        left_out=tuple(left_out),
        opens=None if opens is None else Path(opens),
        commands=tuple(command for command in commands if command is not None),
    )


def _divided(words: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Values, and overrides of the stages."""
    given: dict[str, str] = {}
    overrides = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(
                "A word is not of the form name=value.", expected="audio=DIR or pack.rate_hz=16000", found=word
            )
        if "." in name:
            overrides.append(f"stages.{word}")
        else:
            given[name] = value
    return given, overrides


def _out_of(text: str, reading: _Reading) -> Path:
    _check_known(text, reading, "out")
    filled = fill(text, reading.known)
    if not isinstance(filled, str) or not filled:
        raise ConfigError(
            "The folder to write to is not said.", where=reading.where("out"), found=text, fix="give --out"
        )
    return Path(os.path.normpath(reading.path.parent / filled))


def _stage(name: str, raw: dict[str, JsonValue], file: StreetFile, reading: _Reading, out: Path) -> Stage | None:
    """None where it is left out."""
    place = ("stages", name)
    if name in file.values:
        raise ConfigError("A stage has the name of a value.", where=reading.where(*place), fix="give it another")
    kind = KINDS.get(str(raw.get("do")))
    if kind is None:
        problem = unknown_name("kind of stage", str(raw.get("do")), KINDS, where=reading.where(*place, "do"))
        raise ConfigError(problem.what, where=problem.where, expected=problem.expected, fix=problem.fix)
    for key, value in raw.items():
        _check_known(value, reading, *place, key, later=file.stages)
    if "when" in raw and fill(raw["when"], reading.known) is None:
        return None
    asked = {key: value for key, value in raw.items() if key not in _OWN}
    options = _options(asked, kind.options, reading, place)
    inputs = tuple(kind.inputs(options))
    _check_nouns(inputs, asked, reading, place)
    uses = dict.fromkeys(used for value in raw.values() for used in references(value) if used in reading.nouns)
    written = kind.place(options) if kind.place is not None else out / f"{name}{kind.suffix}"
    textual = fill(asked, reading.textual)
    return Stage(name, str(raw["do"]), options, written, inputs, tuple(uses), _settings(kind.options, textual))


def _options(asked: dict[str, JsonValue], model: type[StageOptions], reading: _Reading, place: Place) -> StageOptions:
    filled = _with_paths(asked, reading)
    try:
        return parse_config(filled if isinstance(filled, dict) else {}, model, reading.where(*map(str, place)))
    except ConfigError as problem:
        lines = [reading.where(*map(str, place), key) for key in asked if key not in model.model_fields]
        raise ConfigError(
            problem.what, where=lines[0] if lines else problem.where, found=problem.found, fix=problem.fix
        ) from None


def _settings(model: type[StageOptions], textual: JsonValue) -> str:
    """Of the options as they are written, with the defaults that a later version may change left out."""
    return fingerprint_bytes([model.__name__.encode(), yaml_text(_sorted(textual)).encode()])


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


def _with_paths(value: JsonValue, reading: _Reading, *, is_path: bool = False) -> JsonValue:
    """Filled, and with paths that the file itself says taken from its folder."""
    if isinstance(value, dict):
        return {key: _with_paths(inner, reading, is_path=key in _PATHS) for key, inner in value.items()}
    if isinstance(value, list):
        filled = [_with_paths(inner, reading, is_path=is_path) for inner in value]
        return [after for before, after in zip(value, filled, strict=True) if before is None or after is not None]
    if is_path and isinstance(value, str) and not value.startswith("$"):
        return os.path.normpath(reading.path.parent / str(fill(value, reading.known)))
    return fill(value, reading.known)


def _check_known(value: JsonValue, reading: _Reading, *place: str, later: Iterable[str] = ()) -> None:
    for used in references(value):
        if used in reading.known:
            continue
        is_later = used in later
        near = nearest_names(used, reading.known)
        raise ConfigError(
            "A stage reads what comes after it." if is_later else f"Nothing is named ${used}.",
            where=reading.where(*place),
            expected="a value or an earlier stage: " + (", ".join(f"${name}" for name in reading.known) or "none yet"),
            found=f"${used}" + (", a later stage" if is_later else ""),
            fix="change their order" if is_later else f"did you mean ${near[0]}?" if near else None,
        )


def _check_nouns(inputs: Iterable[Input], asked: dict[str, JsonValue], reading: _Reading, place: Place) -> None:
    """What a stage reads must be what the earlier stage gives, not another thing that it happens to write."""
    given = {reading.known[name]: (name, noun) for name, noun in reading.nouns.items()}
    for label, noun, path in inputs:
        name, found = given.get(str(path), ("", ""))
        fitting = NOUNS[noun].given_by or (noun,)
        if name and found not in fitting:
            raise ConfigError(
                "A stage is given what it cannot read.",
                where=reading.where(*map(str, place), *label.split(".")[:1]),
                expected=f"{label}: the {' or '.join(fitting)} of an earlier stage",
                found=f"${name}, which gives the {found}",
                fix=_giving(reading, fitting) if asked else None,
            )


def _giving(reading: _Reading, nouns: Iterable[str]) -> str | None:
    names = [f"${name}" for name, noun in reading.nouns.items() if noun in nouns]
    return f"such as {' or '.join(names)}" if names else None


def _last(text: str | None, reading: _Reading, key: str) -> str | None:
    if text is None:
        return None
    _check_known(text, reading, "last", key)
    filled = fill(text, reading.known)
    return None if filled is None else str(filled)


def _command(text: str, reading: _Reading) -> str | None:
    """A command with its names filled in, each quoted as a shell needs it."""
    _check_known(text, reading, "last", "commands")
    try:
        words = [fill(word, reading.known) for word in shlex.split(text)]
    except ValueError as problem:
        raise ConfigError("A command cannot be read.", where=reading.where("last", "commands"), found=problem) from None
    return None if any(word is None for word in words) else shlex.join(map(str, words))
