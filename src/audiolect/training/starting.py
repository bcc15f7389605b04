"""The weights that a training begins with: those of a run, of a folder with a model, or of a repository on the Hub.

    runs/first             its best checkpoint
    runs/first@last        another: best, last, or a step
    some/model             a folder with model.yaml
    someone/model          a repository of the Hub with model.yaml, where there is no such folder

Conventions: paths are relative to the recipe. What was begun with is written on the run's card by the hash of its
weights; a run whose beginning has changed since is not gone on with.

Public names: Start, find_start, started, check_start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from audiolect.config import Config
from audiolect.errors import ConfigError, UsageError
from audiolect.storage import fingerprint_file
from audiolect.training.run_folder import CONFIG_NAME, STAGES_NAME, open_run

S = TypeVar("S", bound=Config)

_MODEL_NAME, _WEIGHTS_NAME = "model.yaml", "model.safetensors"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Start:
    """A saved model.

    Args:
        folder: with ``model.yaml``.
        source: as a person has named it.
        weights: the fingerprint of its weights.
    """

    folder: Path
    source: str
    weights: str

    def facts(self) -> dict[str, str]:
        """For the card of the run."""
        return {"source": self.source, "weights": self.weights}


def find_start(text: str, base: Path) -> Start:
    """The saved model that a recipe's ``model.start`` names.

    Args:
        text: as above.
        base: the folder of the recipe.

    Raises:
        UsageError: there is none, or the Hub cannot be asked.
        DamagedFile, UnknownVersion: a run that cannot be trusted.
    """
    name, _, which = text.partition("@")
    folder = base / name
    if (folder / CONFIG_NAME).is_file() or (folder / STAGES_NAME).is_file():
        return _start(open_run(folder).checkpoint(which or "best"), text)
    if (folder / _MODEL_NAME).is_file() and not which:
        return _start(folder, text)
    if not folder.exists() and _HUB_NAME.fullmatch(name):
        return _start(_fetched(name, which or None), text)
    raise UsageError(
        "There is no model to start from.",
        where="model.start",
        expected=f"a run, a folder with {_MODEL_NAME}, or a name on the Hub, OWNER/NAME",
        found=f"{text}: " + ("a folder without them" if folder.is_dir() else "no such folder"),
    )


def started(settings: S, start: Start | None) -> S:
    """Settings of a model that begins with these weights."""
    return settings if start is None else settings.model_copy(update={"start": str(start.folder)})


def check_start(card: Mapping[str, Any], start: Start | None, folder: Path) -> None:
    """Raises ConfigError where a run of this card has begun with other weights than it would begin with now."""
    before, now = card.get("start"), None if start is None else start.facts()
    if before is None or now is None or before.get("weights") == now["weights"]:
        return
    raise ConfigError(
        "The run has begun with other weights.",
        where=folder,
        expected=f"{before.get('source')} with {before.get('weights')}",
        found=f"{now['source']} with {now['weights']}",
        cause="what it began with was trained on, or made anew, since",
        fix="--new to start afresh, or give another --out",
    )


def _start(folder: Path, source: str) -> Start:
    return Start(folder, source, fingerprint_file(folder / _WEIGHTS_NAME))


def _fetched(name: str, revision: str | None) -> Path:
    """The files of a repository, in the cache of the Hub's library."""
    patterns = ["model.yaml", "model.safetensors", "parts/*"]
    try:
        return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as problem:
        raise UsageError(
            "The model to start from cannot be fetched.",
            where=f"model.start: {name}",
            found=f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
            cause="no such folder or repository, or no connection",
            fix="give a folder, or fetch the repository first",
        ) from problem
