"""The ledger of a street: what each stage was made from and what it wrote, so that nothing is done twice.

    OUT/street.json
      format, version, producer
      stages: NAME → state ("begun" or "done"), kind, settings, inputs, place, noun, files, seconds, told

``settings`` is the fingerprint of a stage's options, ``inputs`` has one for each thing that it reads, ``files`` has
size, time and hash of each file that it wrote.

Conventions: the ledger is written before a stage begins and after it ends. Whether a file is still what was written is
seen by its hash; of a file above 64 MiB by its size and time.

Public names: Entry, Seal, FILE_NAME, read_ledger, write_ledger, seal_of, broken_file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from audiolect.config import Config, parse_config
from audiolect.errors import ConfigError, DamagedFile
from audiolect.storage import check_header, file_header, fingerprint_file, read_json, write_json

FILE_NAME = "street.json"
_KIND, _VERSION = "street", 1
_HASHED_BYTES = 64 << 20


class Seal(Config):
    """What a file was when it was written."""

    num_bytes: int = Field(ge=0)
    modified_ns: int
    blake2b: str | None = Field(description="null: too large to be read each time")


class Entry(Config):
    """What is known of one stage."""

    state: Literal["begun", "done"]
    kind: str
    settings: str = Field(description="fingerprint of the options")
    inputs: dict[str, str] = Field(description="what it reads → fingerprint")
    place: str = Field(description="where it writes, relative to the folder of the street, or absolute")
    noun: str
    files: dict[str, Seal] = Field(default={}, description="name below the place → what it was when written")
    seconds: float = Field(default=0.0, ge=0, description="of work, in all the runs that it took")
    told: tuple[str, ...] = Field(default=(), description="what it said at its end")


class _Ledger(Config):
    format: str
    version: int
    producer: str
    stages: dict[str, Entry]


def read_ledger(folder: Path) -> dict[str, Entry]:
    """Stage → what is known of it; empty where there is no ledger yet.

    Raises:
        UnknownVersion, DamagedFile: it cannot be used.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return {}
    content = read_json(path)
    check_header(content, _KIND, (_VERSION,), path)
    try:
        return dict(parse_config(content, _Ledger, path).stages)
    except ConfigError as problem:
        raise DamagedFile(
            "The ledger of a street cannot be used.",
            where=path,
            found=problem.found or problem.what,
            cause="the file was edited by hand",
            fix="undo the edit; or remove it, and the folder's other content with it, to begin afresh",
        ) from problem


def write_ledger(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Write the ledger atomically."""
    stages = {name: entry.model_dump(mode="json") for name, entry in entries.items()}
    write_json(folder / FILE_NAME, {**file_header(_KIND, _VERSION), "stages": stages})


def seal_of(place: Path, files: Iterable[Path]) -> dict[str, Seal]:
    """What files are now, by their names below ``place``; ``""`` where the place is the file itself."""
    return {_name(place, file): _sealed(file) for file in files}


def broken_file(place: Path, files: Mapping[str, Seal]) -> str | None:
    """What is wrong with the first file that is no longer what was written, in words; None where all are."""
    for name, seal in files.items():
        path = place / name if name else place
        if not path.is_file():
            return f"{path.name} is missing"
        status = path.stat()
        if status.st_size != seal.num_bytes:
            return f"{path.name} has {status.st_size} bytes, not {seal.num_bytes}"
        if seal.blake2b is None:
            if status.st_mtime_ns != seal.modified_ns:
                return f"{path.name} was written to"
        elif fingerprint_file(path) != seal.blake2b:
            return f"{path.name} is not what was written"
    return None


def _name(place: Path, file: Path) -> str:
    return "" if file == place else file.relative_to(place).as_posix()


def _sealed(file: Path) -> Seal:
    status = file.stat()
    small = status.st_size <= _HASHED_BYTES
    return Seal(
        num_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        blake2b=fingerprint_file(file) if small else None,
    )
