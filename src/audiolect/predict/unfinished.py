"""What a prediction has done so far, so that the same command goes on after it was stopped in any way.

    PREDICTIONS/unfinished/
      plan.json              what is predicted, with which weights, from what: another plan does not go on here
      recordings-00000.npy   the vectors of a part, written whole or not at all
      texts-00000.npy
      captions-00000.jsonl   the rows of a part, of a model that writes

Conventions: a part is worked out from the plan and its number alone, so that what is done needs no list. When all
parts are there they are joined, and the folder is removed after the card is written.

Public names: FOLDER_NAME, Unfinished, open_unfinished.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiolect.embedding_files import CARD_NAME, FILE_NAMES
from audiolect.errors import DamagedFile, StorageError
from audiolect.folder_lock import hold_folder
from audiolect.predict.embedder import Vectors
from audiolect.storage import atomic_path, check_header, file_header, read_json, read_jsonl, write_json, write_jsonl

FOLDER_NAME = "unfinished"

_PLAN_NAME = "plan.json"
_KIND = "prediction-plan"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The folder of parts; made by ``open_unfinished``."""

    folder: Path

    def has(self, name: str) -> bool:
        """Whether a part is done."""
        return (self.folder / f"{name}.npy").is_file()

    def part(self, name: str, shape: tuple[int, int], make: Callable[[], Vectors]) -> Vectors:
        """The vectors of a part: read where it is done, else made and written.

        Raises:
            DamagedFile: what is there is not a part of this shape.
        """
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            vectors = make()
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.lib.format.write_array(file, vectors, allow_pickle=False)
            return vectors
        try:
            vectors = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as problem:
            raise _damaged(path, shape, str(problem)) from problem
        if vectors.shape != shape or vectors.dtype != np.float32:
            raise _damaged(path, shape, f"{vectors.dtype} of shape {vectors.shape}")
        return np.asarray(vectors, np.float32)

    def lines(self, name: str, make: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """The rows of a part, plain values: read where it is done, else made and written.

        Raises:
            DamagedFile: what is there is not a file of rows.
        """
        path = self.folder / f"{name}.jsonl"
        if not path.is_file():
            write_jsonl(path, make())
        return list(read_jsonl(path))

    def has_lines(self, name: str) -> bool:
        """Whether a part of rows is done."""
        return (self.folder / f"{name}.jsonl").is_file()


@contextmanager
def open_unfinished(
    target: Path, plan: Mapping[str, Any], *, overwrite: bool = False, known: Collection[str] = FILE_NAMES
) -> Iterator[Unfinished]:
    """Go on in ``target/unfinished``, or begin there; it is removed when the block ends well.

    Args:
        target: the folder of the prediction.
        plan: plain values that say what is predicted.
        overwrite: begin anew where another plan was begun.
        known: the names of files that the folder may hold besides.

    Raises:
        StorageError: the folder holds parts of another plan, or other things.
        UsageError: another process is at work there.
    """
    folder = target / FOLDER_NAME
    expected = {FOLDER_NAME, CARD_NAME, *known}
    strangers = [entry.name for entry in target.iterdir() if entry.name not in expected] if target.is_dir() else []
    if strangers:
        raise StorageError(
            "The folder holds other things.",
            where=target,
            expected="a new folder, or one of a prediction that was stopped",
            found=", ".join(sorted(strangers)[:5]),
            fix="give another --out",
        )
    with hold_folder(folder):
        _check_plan(folder / _PLAN_NAME, json.loads(json.dumps(dict(plan))), overwrite=overwrite)
        yield Unfinished(folder)
    shutil.rmtree(folder)


def _check_plan(path: Path, plan: dict[str, Any], *, overwrite: bool) -> None:
    begun = None
    if path.is_file():
        content = read_json(path)
        check_header(content, _KIND, (_VERSION,), path)
        begun = content.get("plan")
        if begun == plan:
            return
    if begun is None or overwrite:
        for part in (*path.parent.glob("*.npy"), *path.parent.glob("*.jsonl")):
            part.unlink()
        write_json(path, file_header(_KIND, _VERSION) | {"plan": plan})
        return
    other = sorted(key for key in plan if not isinstance(begun, dict) or begun.get(key) != plan[key])
    raise StorageError(
        "A prediction of something else was begun in this folder.",
        where=path.parent,
        expected="the plan that was begun",
        found="another " + ", ".join(other),
        cause="a new checkpoint, dataset or option since it was stopped",
        fix="run the command that began it, give another --out, or --overwrite to begin anew",
    )


def _damaged(path: Path, shape: tuple[int, int], found: str) -> DamagedFile:
    return DamagedFile(
        "A part of a prediction cannot be used.",
        where=path,
        expected=f"float32 of shape {shape}",
        found=found,
        fix=f"remove {path}, and run the command again",
    )
