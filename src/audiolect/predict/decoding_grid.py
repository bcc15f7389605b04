"""A grid of ways to write captions: one file in the place of a file for each.

    greedy: {method: greedy}
    beam: {method: beam, num_beams: [2, 5], length_penalty: [0.8, 1.0]}      # every combination: 4

Conventions: a list means every one of its values, but for ``suppress``, which is a list. A combination is named after
its row and what varies in it: ``beam num_beams=5 length_penalty=1``. Names are also names of folders.

Public names: read_grid, MOST_SETTINGS.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.models.generation_settings import GenerationSettings
from audiolect.storage import read_yaml

MOST_SETTINGS = 500

_LISTS = {"suppress"}


def read_grid(path: Path) -> dict[str, GenerationSettings]:
    """Name → settings, in the order of the file.

    Raises:
        ConfigError: it is no grid, a setting cannot be, or there are too many combinations.
        StorageError: the file cannot be read.
    """
    content = read_yaml(path)
    if not isinstance(content, Mapping) or not content or not all(isinstance(row, Mapping) for row in content.values()):
        raise ConfigError(
            "This is no grid of generation settings.",
            where=path,
            expected="NAME: {method: beam, num_beams: [2, 5]}, one or more",
            found=type(content).__name__
            if not isinstance(content, Mapping)
            else ", ".join(map(str, content)) or "none",
        )
    found: dict[str, GenerationSettings] = {}
    for name, row in content.items():
        varied = {key: value for key, value in row.items() if isinstance(value, list) and key not in _LISTS}
        for values in product(*varied.values()):
            chosen = dict(zip(varied, values, strict=True))
            title = _title(str(name), chosen)
            found[title] = parse_config({**row, **chosen}, GenerationSettings, f"{path}, {title}")
            if len(found) > MOST_SETTINGS:
                raise ConfigError("The grid is too large.", where=path, expected=f"{MOST_SETTINGS} settings at most")
    return found


def _title(name: str, chosen: Mapping[str, Any]) -> str:
    words = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in chosen.items()]
    return " ".join([name, *words]).replace("/", "-")
