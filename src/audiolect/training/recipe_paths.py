"""Where the paths of a recipe's section ``model`` lead: as all of its paths, they are relative to the recipe's folder.

    model = build_dual_encoder(placed(recipe.model, base), captions)
    keep_vectors(model, base)                                           # models/text_tower.py: the cache of a saved one

Conventions: a recipe and a run keep every path as it was written, so that both can be moved; where it leads is asked
when something is opened. ``weights`` names a file, ``cache`` a folder that need not be there, ``source`` and
``whisper`` a folder, or a name on the Hub where there is no such folder. (``model.start``: ``starting.py``; the
teacher's run: ``teachers.py``.) What is not beside the recipe but in the working directory is refused, not taken.

Public names: placed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from audiolect.config import Config
from audiolect.errors import UsageError

S = TypeVar("S", bound=Config)

_HUB_NAME = re.compile(r"[\w][\w.-]*(/[\w.-]+)?")


def placed(settings: S, base: Path, place: str = "model") -> S:
    """The settings of a model with every path as it is to be opened.

    Args:
        settings: of the recipe.
        base: the folder of the recipe.
        place: of the settings, for letters.

    Raises:
        UsageError: there is no such file or folder beside the recipe.
    """
    changes: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Config):
            changes[name] = placed(value, base, f"{place}.{name}")
        elif name in _PLACES and isinstance(value, str):
            changes[name] = _PLACES[name](value, base, f"{place}.{name}")
    return settings.model_copy(update=changes)


def _file(text: str, base: Path, place: str) -> str:
    path = base / text
    if not path.exists():
        raise _absent(text, base, place, "a file of weights")
    return str(path)


def _folder(text: str, base: Path, place: str) -> str:  # noqa: ARG001
    return str(base / text)


def _folder_or_name(text: str, base: Path, place: str) -> str:
    """A folder; else the name as it is, unless it can be none, or transformers would take it for a folder."""
    if (base / text).is_dir():
        return str(base / text)
    if Path(text).is_dir() or not _HUB_NAME.fullmatch(text):
        raise _absent(text, base, place, "a folder, or a name on the Hub")
    return text


def _absent(text: str, base: Path, place: str, what: str) -> UsageError:
    is_here = Path(text).exists()
    return UsageError(
        "A path of the recipe leads nowhere: paths are relative to the recipe's folder.",
        where=f"{place}: {text}",
        expected=f"{what} at {base / text}",
        found="nothing there" + (", but in the working directory" if is_here else ""),
        fix=f"write {os.path.relpath(text, base)}" if is_here else "put it there, or change the path",
    )


# name of a key, anywhere in the section ``model`` → (text, base, place) → where it leads
_PLACES: dict[str, Callable[[str, Path, str], str]] = {
    "weights": _file,
    "cache": _folder,
    "source": _folder_or_name,
    "whisper": _folder_or_name,
}
