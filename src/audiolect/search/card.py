"""The card of an index: which checkpoint made its vectors, of which datasets, and how the sound was heard.

Conventions: ``card.json`` is written after every change. While recordings are being added, ``complete`` is false; what
has been embedded so far is in the table, and the same command goes on.

Public names: IndexCard, IndexedDataset, AnnFacts, CARD_NAME, KIND, VERSION, read_index_card, write_index_card,
check_checkpoint, speaker_for.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, JsonValue

from audiolect.config import Config, parse_config
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import ConfigError, DamagedFile, StorageError, UsageError
from audiolect.storage import check_header, file_header, read_json, write_json

KIND = "index"
VERSION = 1
CARD_NAME = "card.json"


class IndexedDataset(Config):
    """What was indexed of one dataset."""

    name: str = Field(min_length=1, description="name of the dataset")
    folder: str = Field(description="the dataset folder, absolute")
    audio_root: str = Field(description="where the paths of its recordings begin, absolute")
    fingerprint: str = Field(description="of the recordings of the whole dataset")
    examples_fingerprint: str = Field(default="", description="of the examples of the whole dataset")
    split: str | None = Field(default=None, description="the split that was asked for; null: all")
    where: str | None = Field(default=None, description="the filter that was given; null: none")
    num_expected: int = Field(ge=0, description="recordings of the part asked for")
    num_indexed: int = Field(ge=0, description="of these, recordings that were put into the table")
    left_out: dict[str, int] = Field(default_factory=dict, description="reason → recordings that were not")


class AnnFacts(Config):
    """An approximate index, and how it did against the exact scan."""

    kind: str = Field(description="the kind of LanceDB's index")
    num_partitions: int = Field(ge=1, description="into how many cells the vectors are divided")
    num_probes: int = Field(ge=1, description="how many cells a query looks into")
    refine_factor: int = Field(ge=1, description="how many times k candidates are scored by their whole vectors")
    num_recordings: int = Field(ge=0, description="recordings when it was built; later ones are scanned beside it")
    num_queries: int = Field(ge=1, description="recordings of the index that were asked for their neighbours")
    recall_at_10: float = Field(ge=0, le=1, description="share of the 10 nearest that it found")
    milliseconds: float = Field(ge=0, description="median of a query, at building")
    build_seconds: float = Field(ge=0, description="of building")


class IndexCard(Config):
    """The facts of an index."""

    format: str = Field(description="audiolect/index")
    version: int = Field(description="version of the format")
    producer: str = Field(description="the program that wrote it")
    command: str = Field(default="", description="the command that made it, or changed it last")
    model: ModelIdentity
    run_folder: str | None = Field(default=None, description="where the run is, absolute; null: not known")
    preprocessing: dict[str, JsonValue] = Field(default_factory=dict, description="rate_hz, policy and its seconds")
    size: int = Field(ge=1, description="components of a vector")
    num_recordings: int = Field(default=0, ge=0, description="rows of the table")
    complete: bool = Field(default=False, description="false while recordings are being added")
    datasets: tuple[IndexedDataset, ...] = Field(default=(), description="in the order they came")
    ann: AnnFacts | None = Field(default=None, description="the approximate index; null: none")


def write_index_card(folder: Path, card: IndexCard) -> IndexCard:
    """Write the card, with its header."""
    card = card.model_copy(update=file_header(KIND, VERSION))
    write_json(folder / CARD_NAME, card.model_dump(mode="json"))
    return card


def read_index_card(folder: str | Path) -> IndexCard:
    """The card of an index.

    Raises:
        StorageError: there is none.
        UnknownVersion, DamagedFile: it cannot be used.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise StorageError(
            "There is no index here.",
            where=folder,
            expected=f"a folder with {CARD_NAME}, as `audiolect index` leaves it",
            found="no such folder" if not Path(folder).is_dir() else f"no {CARD_NAME}",
            fix="audiolect index RUN DATASET --out INDEX",
        )
    content = read_json(path)
    check_header(content, KIND, (VERSION,), path)
    try:
        return parse_config(content, IndexCard, path)
    except ConfigError as problem:
        raise DamagedFile(
            "The card of an index cannot be used.",
            where=path,
            found=problem.found or problem.what,
            fix="undo the edit, or make the index again with --overwrite",
        ) from problem


def check_checkpoint(card: IndexCard, identity: ModelIdentity, where: object) -> None:
    """Refuse vectors of other weights than those of the index: their directions mean something else.

    Raises:
        UsageError: they are others.
    """
    if identity.checkpoint_hash == card.model.checkpoint_hash:
        return
    raise UsageError(
        "The index is of another checkpoint.",
        where=where,
        expected=f"{speaker_for(card.model)}, hash {card.model.checkpoint_hash}",
        found=f"{speaker_for(identity)}, hash {identity.checkpoint_hash}",
        cause="the training went on since the index was made, or another run or --checkpoint was named",
        fix="name the run and checkpoint that made the index, or make it anew: audiolect index RUN DATASET --overwrite",
    )


def speaker_for(identity: ModelIdentity) -> str:
    """``run world, checkpoint best (step 1200)``."""
    which = f", checkpoint {identity.checkpoint}" if identity.checkpoint else ""
    step = f" (step {identity.step})" if identity.step is not None else ""
    return f"run {identity.run}{which}{step}"
