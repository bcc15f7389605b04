"""YAML ↔ strict pydantic models: every problem at once, each with its place, its line and what was meant.

Conventions: a configuration is a subclass of Config, defined in the file that it configures, with a description and a
default for each field. Nothing is converted but whole numbers to numbers: ``"10"`` is no number and ``1`` is not true.
Overrides ``a.b=c`` come on top of the file, their values read as YAML: ``training.lr=1e-4``, ``stages.0.epochs=3``,
``mixture."msp-1.9/train".weight=2`` (a key with a dot in it stands in quotes).

    config = load_config("recipe.yaml", Recipe, overrides=["training.lr=1e-4"])

Public names: Config, load_config, parse_config, dump_config, describe_config, FieldDoc (from config_types.py).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from audiolect.config_problems import Origins, Problems
from audiolect.config_types import FieldDoc, describe_model, value_words
from audiolect.errors import ConfigError
from audiolect.storage import read_text
from audiolect.yaml_text import Place, parse_yaml, yaml_text

__all__ = ["Config", "FieldDoc", "describe_config", "dump_config", "load_config", "parse_config"]

M = TypeVar("M", bound=BaseModel)

_PART = r"""(?:"[^"]*"|'[^']*'|[^.="']+)"""
_OVERRIDE = re.compile(rf"({_PART}(?:\.{_PART})*)=(.*)", re.DOTALL)


class Config(BaseModel):
    """The base of every configuration: unknown keys refused, types strict, values frozen and finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def prepared(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What a file or a mapping holds, as it is validated: a root may fill in what a person need not say."""
        return values


def load_config(path: str | Path, model: type[M], overrides: Iterable[str] = ()) -> M:
    """Read a YAML file as a model.

    Args:
        path: the file; an empty one stands for all defaults.
        model: the subclass of Config that it must be.
        overrides: ``a.b=c`` each, applied in order.

    Raises:
        ConfigError: the file is absent or not YAML, or with every problem of the file and the overrides.
    """
    document = parse_yaml(read_text(path, error=ConfigError), where=path, error=ConfigError)
    value = {} if document.value is None else document.value
    return _validated(value, model, path, Origins(dict(document.lines)), overrides)


def parse_config(mapping: Mapping[str, Any], model: type[M], where: object, overrides: Iterable[str] = ()) -> M:
    """As ``load_config``, of values that have been read already. ``where`` names their source in the letter."""
    return _validated(copy.deepcopy(dict(mapping)), model, where, Origins(), overrides)


def dump_config(config: BaseModel) -> str:
    """The configuration as YAML with every default written out; it loads back equal."""
    return yaml_text(config.model_dump(mode="json"))


def describe_config(model: type[BaseModel]) -> list[FieldDoc]:
    """Every key of a configuration with type, default and description, sections before their keys.

    ``N`` stands for any position of a list, ``NAME`` for any key of a mapping, ``model[clap].`` for a member of a
    union chosen by its tag.
    """
    return list(describe_model(model))


def _validated(value: Any, model: type[M], where: object, origins: Origins, overrides: Iterable[str]) -> M:
    problems = Problems(origins)
    if not isinstance(value, dict):
        raise ConfigError(
            "The configuration is not a mapping.",
            where=where,
            expected="keys " + ", ".join(model.model_fields),
            found=value_words(value),
        )
    for override in overrides:
        _apply_override(value, override, origins, problems)
    if issubclass(model, Config):
        value = model.prepared(value)
    try:
        # Validated as JSON, strictly: there a list may be a tuple and a text a path, and nothing else is converted.
        config = model.model_validate_json(json.dumps(value))
    except ValidationError as problem:
        problems.add_pydantic(model, value, problem.errors(include_url=False))
        problems.stop_if_any(where)
        raise
    problems.stop_if_any(where)
    return config


def _apply_override(root: dict[Any, Any], override: str, origins: Origins, problems: Problems) -> None:
    match = _OVERRIDE.fullmatch(override)
    if not match:
        problems.add((), f"the override {override!r} is not of the form a.b=c")
        return
    parts = [part[1:-1] if part[0] in "\"'" else part for part in re.findall(_PART, match[1])]
    try:
        value = parse_yaml(match[2], where=f"override {override!r}", error=ConfigError).value
    except ConfigError as problem:
        problems.add((), f"the value of the override {override!r} is not YAML; put it in quotes ({problem.found})")
        return
    here: Any = root
    place: Place = ()
    for part in parts[:-1]:
        key = _key_for(here, part)
        if key is None:
            break
        place = (*place, key)
        if isinstance(here, dict) and here.get(key) is None:
            here[key] = {}
            origins.override(place, override)
        here = here[key]
    key = _key_for(here, parts[-1])
    if key is None:
        found = f"a list of {len(here)}" if isinstance(here, list) else value_words(here)
        problems.add(place, f"the override {override!r} does not fit: there is {found}")
        return
    here[key] = value
    origins.override((*place, key), override)


def _key_for(container: Any, part: str) -> str | int | None:
    """The key or position that ``part`` means in a container, None if it can mean none."""
    if isinstance(container, list):
        return int(part) if part.isdecimal() and int(part) < len(container) else None
    if isinstance(container, dict):
        return next((key for key in container if str(key) == part), part)
    return None
