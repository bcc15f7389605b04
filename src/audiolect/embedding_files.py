"""Predictions of a retrieval run: a folder with the embeddings of recordings and texts, and a card.

    PREDICTIONS/
      card.json            which model, which dataset, which part of it, how the sound was read; written last
      recordings.parquet   recording_id, in the order of the rows of recordings.npy
      recordings.npy       (N, E) float32
      texts.parquet        text_id, kind, text, example_id, recording_id, label, template
      texts.npy            (M, E) float32

Whoever evaluates needs no model: the prompts of labels are embedded too. Other programs may write such a folder;
``files`` of the card, the hashes, may then be empty.

Conventions: N recordings, M texts, E components, L2-normalised unless the model says otherwise. A text is a ``caption``
(of an example of a recording) or a ``label`` (one template filled with one label). Reading checks everything that
scores rest on: lengths, ids that stand twice, NaN, infinity, vectors of norm 0.

Public names: EmbeddingsCard, DatasetPart, ModelIdentity, Embeddings, CARD_NAME, FILE_NAMES, KIND, VERSION,
TEXT_SCHEMA, write_embeddings, read_embeddings, read_embeddings_card, embeddings_fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field, JsonValue

from audiolect.config import Config, parse_config
from audiolect.data.card import FileFacts, file_facts
from audiolect.data.tables import check_content, read_rows, write_table
from audiolect.dataset_part import PartFacts
from audiolect.errors import ConfigError, DamagedFile, DatasetError, StorageError
from audiolect.storage import atomic_path, check_header, file_header, fingerprint_bytes, read_json, write_json

FloatArray = npt.NDArray[np.float32]

KIND = "embeddings"
VERSION = 1
CARD_NAME = "card.json"
FILE_NAMES = ("recordings.parquet", "recordings.npy", "texts.parquet", "texts.npy")
TEXT_SCHEMA: dict[str, Any] = {
    "text_id": pl.String(),
    "kind": pl.String(),
    "text": pl.String(),
    "example_id": pl.String(),
    "recording_id": pl.String(),
    "label": pl.String(),
    "template": pl.String(),
}
_RECORDING_SCHEMA: dict[str, Any] = {"recording_id": pl.String()}
_SHOWN = 3
_ROWS = 65_536


class DatasetPart(PartFacts):
    """Which recordings of which dataset were asked for, and how many there are."""

    num_embedded: int = Field(ge=0, description="of these, recordings that have an embedding")
    left_out: dict[str, int] = Field(default_factory=dict, description="reason → recordings that have none")


class ModelIdentity(Config):
    """Which weights made the vectors."""

    run: str = Field(description="name of the run, or of a pretrained model")
    checkpoint: str = Field(default="", description="what was asked for: best, last, or a step")
    step: int | None = Field(default=None, description="optimiser steps of the checkpoint; null: not known")
    checkpoint_hash: str = Field(min_length=1, description="BLAKE2b-128 of the weights' file")
    seeds: dict[str, int] = Field(default_factory=dict, description="what was drawn with which seed in training")


class EmbeddingsCard(Config):
    """The facts of a folder of embeddings."""

    format: str = Field(description="audiolect/embeddings")
    version: int = Field(description="version of the format")
    producer: str = Field(description="the program that wrote it")
    command: str = Field(default="", description="the command that made it")
    model: ModelIdentity
    dataset: DatasetPart
    preprocessing: dict[str, JsonValue] = Field(
        default_factory=dict, description="rate_hz, policy and its seconds, source, aggregation of windows"
    )
    templates: tuple[str, ...] = Field(default=(), description="what labels were filled in, {label} in each")
    labels: tuple[str, ...] = Field(default=(), description="the classes, in the order of their prompts")
    size: int = Field(ge=1, description="E")
    num_recordings: int = Field(ge=0, description="N")
    num_texts: int = Field(ge=0, description="M")
    files: dict[str, FileFacts] = Field(default_factory=dict, description="the other files of the folder")


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """A folder of embeddings, read and checked.

    Args:
        folder: where it is.
        card: its facts.
        recording_ids: (N,) in the order of the rows of ``recordings``.
        recordings: (N, E) float32.
        text_table: (M,) rows with the columns of TEXT_SCHEMA.
        texts: (M, E) float32.
    """

    folder: Path
    card: EmbeddingsCard
    recording_ids: pl.Series
    recordings: FloatArray
    text_table: pl.DataFrame
    texts: FloatArray


def write_embeddings(
    folder: Path,
    facts: EmbeddingsCard,
    *,
    recording_ids: pl.Series,
    recordings: FloatArray,
    text_table: pl.DataFrame,
    texts: FloatArray,
) -> EmbeddingsCard:
    """Check everything, then write it into an existing folder, the card last.

    Args:
        facts: the card; its header, counts and ``files`` are filled in here.

    Raises:
        DatasetError: ids twice, numbers of rows that differ, NaN, infinity or a norm of 0; nothing is written.
    """
    table = text_table.select(list(TEXT_SCHEMA))
    _check_vectors(recordings, recording_ids, "recording", folder)
    _check_vectors(texts, table["text_id"], "text", folder)
    _check_texts(table, folder)
    # A folder without a card is not whole: so it is while files of two predictions stand beside each other.
    (folder / CARD_NAME).unlink(missing_ok=True)
    write_table(folder / "recordings.parquet", recording_ids.alias("recording_id").to_frame())
    write_table(folder / "texts.parquet", table)
    for name, vectors in (("recordings.npy", recordings), ("texts.npy", texts)):
        with atomic_path(folder / name) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array(file, np.ascontiguousarray(vectors, "<f4"), allow_pickle=False)
    card = facts.model_copy(
        update=file_header(KIND, VERSION)
        | {
            "size": int(recordings.shape[1]),
            "num_recordings": len(recordings),
            "num_texts": len(texts),
            "files": {name: file_facts(folder / name) for name in FILE_NAMES},
        }
    )
    write_json(folder / CARD_NAME, card.model_dump(mode="json"))
    return card


def read_embeddings_card(folder: str | Path) -> EmbeddingsCard:
    """The card of a folder of embeddings.

    Raises:
        StorageError: there is none.
        UnknownVersion, DamagedFile: it cannot be used.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise StorageError(
            "There are no predictions here, or not whole ones.",
            where=folder,
            expected=f"a folder with {CARD_NAME}, as `audiolect predict` leaves it",
            found="no such folder" if not Path(folder).is_dir() else f"no {CARD_NAME}",
            cause="predict was stopped before it was done, or another folder",
            fix="run the same `audiolect predict` again: it goes on where it was",
        )
    content = read_json(path)
    check_header(content, KIND, (VERSION,), path)
    try:
        return parse_config(content, EmbeddingsCard, path)
    except ConfigError as problem:
        raise DamagedFile(
            "The card of predictions cannot be used.",
            where=path,
            found=problem.found or problem.what,
            fix="undo the edit, or run the command on the card again",
        ) from problem


def read_embeddings(folder: str | Path) -> Embeddings:
    """Read and check a folder of embeddings.

    Raises:
        StorageError, UnknownVersion: there are no predictions here, or of another version.
        DamagedFile: a file is not the one that was written, or cannot be read.
        DatasetError: ids twice, numbers of rows that differ, NaN, infinity, or a norm of 0.
    """
    folder = Path(folder)
    card = read_embeddings_card(folder)
    for name, facts in card.files.items():
        check_content(folder / Path(name).name, facts.blake2b)
    recordings = _read_vectors(folder / "recordings.npy", card.num_recordings, card.size)
    texts = _read_vectors(folder / "texts.npy", card.num_texts, card.size)
    ids = _read_table(folder / "recordings.parquet", _RECORDING_SCHEMA)["recording_id"]
    table = _read_table(folder / "texts.parquet", TEXT_SCHEMA)
    _check_vectors(recordings, ids, "recording", folder)
    _check_vectors(texts, table["text_id"], "text", folder)
    _check_texts(table, folder)
    return Embeddings(folder, card, ids, recordings, table, texts)


def embeddings_fingerprint(embeddings: Embeddings) -> str:
    """What was predicted: ids, texts and vectors, in their order; 32 hex digits, whatever the card says."""
    texts = embeddings.text_table.select("text_id", "text")
    words = [*embeddings.recording_ids.to_list(), *texts["text_id"].to_list(), *texts["text"].to_list()]
    arrays = (embeddings.recordings, embeddings.texts)
    return fingerprint_bytes(
        [
            "\0".join(words).encode(),
            *(np.ascontiguousarray(a[s : s + _ROWS], "<f4").tobytes() for a in arrays for s in range(0, len(a), _ROWS)),
        ]
    )


def _read_vectors(path: Path, num_rows: int, size: int) -> FloatArray:
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise DamagedFile(
            "A file of vectors cannot be read.", where=path, found=str(problem).splitlines()[0], fix="predict again"
        ) from problem
    if vectors.shape != (num_rows, size) or vectors.dtype != np.float32:
        raise DamagedFile(
            "A file of vectors is not the one that the card describes.",
            where=path,
            expected=f"float32 of shape ({num_rows}, {size})",
            found=f"{vectors.dtype} of shape {vectors.shape}",
        )
    return np.asarray(vectors, np.float32)


def _read_table(path: Path, schema: dict[str, Any]) -> pl.DataFrame:
    table = read_rows(path)
    wrong = [name for name, dtype in schema.items() if table.schema.get(name) != dtype]
    if wrong:
        raise DatasetError(
            "A table of predictions has other columns.",
            where=path,
            expected=", ".join(f"{name} {dtype}" for name, dtype in schema.items()),
            found=", ".join(f"{name} {dtype}" for name, dtype in table.schema.items()),
        )
    return table.select(list(schema))


def _check_vectors(vectors: FloatArray, ids: pl.Series, what: str, folder: Path) -> None:
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise DatasetError(
            f"There is not one vector for each {what}.",
            where=folder,
            expected=f"{len(ids)} rows",
            found=f"shape {vectors.shape}",
        )
    if ids.null_count() or ids.n_unique() != len(ids):
        doubled = ids.filter(ids.is_duplicated() | ids.is_null()).unique(maintain_order=True)
        raise DatasetError(
            f"A {what} stands twice in the predictions, or has no id.",
            where=folder,
            expected="each id once",
            found=f"{len(doubled)} such: " + ", ".join(repr(name) for name in doubled[:_SHOWN]),
            cause="the predictions of several runs or ranks were put together",
            fix="predict again",
        )
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS]
        norms = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
        if bad.size:
            raise DatasetError(
                f"The vector of a {what} is no direction.",
                where=f"{folder}, {what} {ids[int(start + bad[0])]!r}",
                expected="finite numbers, not all of them zero",
                found="zeros" if norms[bad[0]] == 0 else "NaN or infinity",
                cause="the training diverged, or the checkpoint is damaged",
                fix="look into journal.jsonl of the run, and predict with an earlier --checkpoint",
            )


def _check_texts(table: pl.DataFrame, folder: Path) -> None:
    is_caption, is_label = pl.col("kind") == "caption", pl.col("kind") == "label"
    whole = (
        pl.when(is_caption)
        .then(pl.col("recording_id").is_not_null())
        .when(is_label)
        .then(pl.col("label").is_not_null() & pl.col("template").is_not_null())
        .otherwise(pl.lit(value=False))
    )
    wrong = table.filter(~(whole & pl.col("text").is_not_null()).fill_null(value=False))
    if wrong.height:
        raise DatasetError(
            "A text of the predictions is neither a caption of a recording nor a filled template of a label.",
            where=f"{folder}, text {wrong['text_id'][0]!r}",
            expected="kind caption with a recording_id, or kind label with a label and a template",
            found=f"kind {wrong['kind'][0]!r}; {wrong.height} such",
        )
