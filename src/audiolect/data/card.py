"""The card of a dataset: what it is, how much there is of it, and what it was made from.

Conventions: a card is ``card.yaml`` in the dataset folder, written after everything else, so that a folder with a
card is complete. Counts and fingerprints are worked out from the tables, never given. ``docs/formats.md`` describes
each key.

Public names: DatasetCard, SplitCounts, Coverage, FileFacts, CardFacts, CARD_NAME, make_card, facts_of, file_facts,
write_card, read_card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, JsonValue, ValidationError

from audiolect.config import Config, load_config
from audiolect.data.audio_at_hand import num_at_hand
from audiolect.data.fingerprints import examples_fingerprint, recordings_fingerprint
from audiolect.errors import ConfigError, DatasetError
from audiolect.storage import check_header, file_header, fingerprint_file, read_yaml, write_yaml

CARD_NAME = "card.yaml"
FORMAT_KIND = "dataset"
VERSION = 1


class SplitCounts(Config):
    """How much one split holds."""

    recordings: int = Field(ge=0)
    examples: int = Field(ge=0)


class Coverage(Config):
    """Of how many recordings the audio is at hand, of how many that the corpus has as published (null: not known)."""

    available: int = Field(ge=0)
    expected: int | None = Field(default=None, ge=0)


class FileFacts(Config):
    """What a file of the folder was when it was written."""

    num_bytes: int = Field(ge=0)
    blake2b: str = Field(min_length=32, max_length=32, description="BLAKE2b-128 of its bytes, in hex")


class DatasetCard(Config):
    """The facts of a dataset folder."""

    format: str = Field(description="audiolect/dataset")
    version: int = Field(description="version of the format of the folder")
    producer: str = Field(description="the program that wrote the folder")
    name: str = Field(min_length=1, description="name of the corpus or dataset")
    corpus_version: str = Field(description="version of the corpus as published")
    license: str = Field(description="licence of the whole; recordings may have their own")
    citation: str = Field(description="what to cite")
    audio_root: str = Field(min_length=1, description="folder of the audio: relative to the card, or absolute")
    num_recordings: int = Field(ge=0, description="rows of recordings.parquet")
    num_examples: int = Field(ge=0, description="rows of examples.parquet")
    duration_seconds: float = Field(ge=0, description="length of all recordings together")
    splits: dict[str, SplitCounts] = Field(description="split → how much it holds")
    coverage: Coverage = Field(description="recordings whose audio is here, of those published")
    fingerprint: str = Field(description="of the recordings: ids, spans, rates; whatever their order")
    examples_fingerprint: str = Field(description="of the examples: every column; whatever their order")
    command: str = Field(default="", description="the command that made the dataset")
    problems: dict[str, int] = Field(default_factory=dict, description="reason → how many, listed in problems.jsonl")
    extra_tables: dict[str, int] = Field(default_factory=dict, description="NAME → rows of NAME.parquet")
    notes: dict[str, JsonValue] = Field(default_factory=dict, description="anything else worth knowing")
    files: dict[str, FileFacts] = Field(default_factory=dict, description="the other files of the folder")


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says that cannot be worked out from the tables."""

    name: str
    corpus_version: str
    license: str
    citation: str
    audio_root: str
    num_expected: int | None = None
    command: str = ""
    problems: Mapping[str, int] = field(default_factory=dict)
    extra_tables: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def make_card(facts: CardFacts, recordings: pl.DataFrame, examples: pl.DataFrame) -> DatasetCard:
    """The card of two tables that keep the rules.

    Raises:
        DatasetError: a fact cannot stand on a card.
    """
    try:
        return _card(facts, recordings, examples)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        raise DatasetError(
            "A fact cannot stand on the card of a dataset.",
            where=".".join(str(part) for part in error["loc"]),
            expected=error["msg"],
            found=repr(error["input"]),
        ) from None


def _card(facts: CardFacts, recordings: pl.DataFrame, examples: pl.DataFrame) -> DatasetCard:
    return DatasetCard(
        **file_header(FORMAT_KIND, VERSION),
        name=facts.name,
        corpus_version=facts.corpus_version,
        license=facts.license,
        citation=facts.citation,
        audio_root=facts.audio_root,
        num_recordings=recordings.height,
        num_examples=examples.height,
        duration_seconds=_duration_seconds(recordings),
        splits=_split_counts(recordings, examples),
        coverage=Coverage(available=num_at_hand(recordings), expected=facts.num_expected),
        fingerprint=recordings_fingerprint(recordings),
        examples_fingerprint=examples_fingerprint(examples),
        command=facts.command,
        problems=dict(facts.problems),
        extra_tables=dict(facts.extra_tables),
        notes=dict(facts.notes),
    )


def facts_of(card: DatasetCard) -> CardFacts:
    """What a card says beyond its tables, to carry over to another card."""
    return CardFacts(
        name=card.name,
        corpus_version=card.corpus_version,
        license=card.license,
        citation=card.citation,
        audio_root=card.audio_root,
        num_expected=card.coverage.expected,
        command=card.command,
        problems=card.problems,
        extra_tables=card.extra_tables,
        notes=card.notes,
    )


def file_facts(path: Path) -> FileFacts:
    """What a file is now."""
    return FileFacts(num_bytes=path.stat().st_size, blake2b=fingerprint_file(path))


def write_card(folder: Path, card: DatasetCard) -> None:
    """Write ``card.yaml``; the last file of a dataset folder to be written."""
    write_yaml(folder / CARD_NAME, card.model_dump(mode="json"))


def read_card(folder: Path) -> DatasetCard:
    """Read and check ``card.yaml``.

    Raises:
        UnknownVersion: not a dataset, or of a version that is not known.
        DatasetError: no such folder, no card in it, or a card that breaks the rules.
    """
    path = folder / CARD_NAME
    if not path.is_file():
        raise _without_card(folder)
    check_header(read_yaml(path, error=DatasetError), FORMAT_KIND, (VERSION,), path)
    try:
        return load_config(path, DatasetCard)
    except ConfigError as problem:
        raise DatasetError(
            "The card of the dataset cannot be used.",
            where=path,
            found=problem.found or problem.what,
            cause="the card was edited by hand",
            fix="undo the edit, or make the dataset again with the command on the card",
        ) from problem


def _without_card(folder: Path) -> DatasetError:
    if not folder.is_dir():
        return DatasetError("There is no such dataset folder.", where=folder, fix="audiolect prepare --help")
    found = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
    return DatasetError(
        f"The folder has no {CARD_NAME}, so it is not a dataset, or not a whole one.",
        where=folder,
        expected=f"{CARD_NAME}, recordings.parquet, examples.parquet",
        found=found,
        cause="the folder is the audio or the corpus itself, or its parent",
        fix="audiolect prepare CORPUS SOURCE --out DATASET makes a dataset",
    )


def _duration_seconds(recordings: pl.DataFrame) -> float:
    seconds = recordings["num_samples"].cast(pl.Float64) / recordings["sample_rate_hz"].cast(pl.Float64)
    return round(float(seconds.sum()), 3)


def _split_counts(recordings: pl.DataFrame, examples: pl.DataFrame) -> dict[str, SplitCounts]:
    counted = [
        dict(frame.group_by("split").len().iter_rows()) if frame.height else {} for frame in (recordings, examples)
    ]
    names = sorted(counted[0] | counted[1])
    return {name: SplitCounts(recordings=counted[0].get(name, 0), examples=counted[1].get(name, 0)) for name in names}
