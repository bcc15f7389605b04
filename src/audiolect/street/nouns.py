"""What stages hand to one another, each noun with the fingerprint of what it is and the files that it consists of.

A fingerprint is of content, so that a folder may be moved or copied. Of the raw folder that a person brings, which may
be large, it is of names, sizes and times. A dataset has two: as it was prepared (``tables``), and with what its check
has put on the quarantine list (``dataset``), which later stages leave out.

Conventions: nothing is written here. Fingerprints are 32 hex digits.

Public names: NOUNS, Noun, identity_of, files_of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.data.card import CARD_NAME, read_card
from audiolect.data.check_state import CHECK_FOLDER
from audiolect.data.quarantine import QUARANTINE_NAME
from audiolect.embedding_files import embeddings_fingerprint, read_embeddings
from audiolect.errors import ConfigError, UsageError
from audiolect.loader.pack_format import read_card as read_pack_card
from audiolect.predict.run_model import locate_model
from audiolect.storage import fingerprint_bytes, fingerprint_file, read_yaml
from audiolect.text_predictions import is_text_predictions, read_text_predictions, text_predictions_fingerprint
from audiolect.training.run_folder import read_checkpoint_card

_LOCK = "lock"
_TRAINING = "training/"  # what a checkpoint keeps to go on with: no model is another by it


@dataclass(frozen=True, slots=True)
class Noun:
    """One entry of the table.

    Args:
        identity: path → fingerprint of what is there.
        files: path → the files that it consists of, whatever else may be beside them.
        given_by: the nouns of stages that give it, where those have other names.
    """

    identity: Callable[[Path], str]
    files: Callable[[Path], list[Path]]
    given_by: tuple[str, ...] = ()


def identity_of(noun: str, path: Path, *, without: Path | None = None) -> str:
    """The fingerprint of what a path holds.

    Args:
        noun: a name of ``NOUNS``.
        without: a folder that is not counted to a raw folder, though it may lie in it.

    Raises:
        AudiolectError: it is not there, or not what the noun says.
    """
    if noun == "folder":
        return _of_folder(path, without)
    return NOUNS[noun].identity(path)


def files_of(noun: str, path: Path) -> list[Path]:
    """The files of what a stage has written, in the order of their names."""
    return sorted(NOUNS[noun].files(path))


def _digest(value: Any) -> str:
    return fingerprint_bytes([json.dumps(value, sort_keys=True, ensure_ascii=True).encode()])


def _of_folder(path: Path, without: Path | None = None) -> str:
    if not path.is_dir():
        raise UsageError("There is no such folder.", where=path, found="a file" if path.exists() else "nothing")
    root = None if without is None else without.resolve()
    rows = []
    for file in sorted(path.rglob("*")):
        if not file.is_file() or (root is not None and file.resolve().is_relative_to(root)):
            continue
        status = file.stat()
        rows.append([str(file.relative_to(path)), status.st_size, status.st_mtime_ns])
    return _digest(rows)


def _of_file(path: Path) -> str:
    if not path.is_file():
        raise UsageError("There is no such file.", where=path, found="a folder" if path.exists() else "nothing")
    return fingerprint_file(path)


def _of_recipe(path: Path) -> str:
    """Of what a YAML file says, whatever its remarks."""
    return _digest(read_yaml(path, error=ConfigError))


def _of_tables(path: Path) -> str:
    """Of the tables as they lie on the disk; the card itself also names the command that made them."""
    return _digest({name: fingerprint_file(path / name) for name in read_card(path).files})


def _of_dataset(path: Path) -> str:
    listed = path / CHECK_FOLDER / QUARANTINE_NAME
    return _digest([_of_tables(path), fingerprint_file(listed) if listed.is_file() else None])


def _of_pack(path: Path) -> str:
    card = read_pack_card(path)
    return _digest([card.fingerprint, card.rate_hz, [shard.hash for shard in card.shards]])


def _of_run(path: Path) -> str:
    """Of the best checkpoint's weights and of how its recipe has a model asked."""
    located = locate_model(path)
    if located.run is None:
        return _digest([fingerprint_file(located.folder / name) for name in ("model.yaml", "model.safetensors")])
    files = read_checkpoint_card(located.folder)["files"]
    model = {name: value for name, value in files.items() if not name.startswith(_TRAINING)}
    recipe = {name: value for name, value in located.run.config.items() if name != "data"}
    return _digest([model, recipe])


def _of_predictions(path: Path) -> str:
    if is_text_predictions(path):
        return text_predictions_fingerprint(read_text_predictions(path))
    return embeddings_fingerprint(read_embeddings(path))


def _of_model(path: Path) -> str:
    """Of a run, or of what it predicted."""
    return _of_predictions(path) if (path / "recordings.npy").is_file() else _of_run(path)


def _of_folder_of_ours(path: Path) -> str:
    return _digest([fingerprint_file(file) for file in _all(path)])


def _all(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file() and file.name != _LOCK]


def _named(path: Path, names: Iterable[str]) -> list[Path]:
    return [path / name for name in names]


def _dataset_files(path: Path) -> list[Path]:
    return _named(path, (CARD_NAME, *read_card(path).files))


def _itself(path: Path) -> list[Path]:
    return [path]


NOUNS: dict[str, Noun] = {
    "folder": Noun(_of_folder, _all),
    "file": Noun(_of_file, _itself),
    "recipe": Noun(_of_recipe, _itself),
    "tables": Noun(_of_tables, _dataset_files, given_by=("dataset",)),
    "dataset": Noun(_of_dataset, _dataset_files),
    "check": Noun(_of_folder_of_ours, _all),
    "leaks": Noun(_of_file, _itself),
    "pack": Noun(_of_pack, _all),
    "run": Noun(_of_run, _all),
    "model": Noun(_of_model, _all, given_by=("run", "predictions")),
    "predictions": Noun(_of_predictions, _all),
    "scores": Noun(_of_file, _itself),
    "index": Noun(_of_folder_of_ours, _all),
    "report": Noun(_of_file, _itself),
}
