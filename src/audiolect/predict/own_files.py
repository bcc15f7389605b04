"""A person's own files and words, embedded: one vector each, in the order given.

Conventions: a file that cannot be read is a problem: it is listed, counted, and has no row. The kinds of the rows are
``audio`` and ``text``; the id of a file is its path as given, that of a text the text.

Public names: EmbeddedFiles, embed_files, save_embedded, FORMATS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from audiolect.audio.files import probe
from audiolect.data.problems import Problem
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import AudioError, MissingDependency, UsageError
from audiolect.loader.audio_files import AudioFiles, open_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.predict.broken_files import broken_file, refuse_more_broken
from audiolect.predict.embedder import Embedder, Vectors
from audiolect.predict.recordings import embed_recording
from audiolect.predict.texts import embed_texts
from audiolect.progress import Progress, silent_progress
from audiolect.storage import atomic_path

FORMATS = (".npz", ".parquet")


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFiles:
    """What came of a person's files and words.

    Args:
        identity: which weights.
        table: id, kind, seconds (null for texts), in the order of the rows of ``vectors``.
        vectors: (n, E) float32.
        problems: files that have no row.
    """

    identity: ModelIdentity
    table: pl.DataFrame
    vectors: Vectors
    problems: tuple[Problem, ...]


def embed_files(
    embedder: Embedder,
    paths: Sequence[Path],
    texts: Sequence[str],
    settings: BatchSettings,
    *,
    max_problems: int | None = None,
    progress: Progress = silent_progress,
) -> EmbeddedFiles:
    """Embed files of any formats, and texts.

    Args:
        settings: how recordings are read; long ones are heard in windows.
        max_problems: the most files that may be broken; None: no limit.

    Raises:
        UsageError: nothing was given, or a file twice.
        TooManyProblems: more files are broken than ``max_problems``.
    """
    if not paths and not texts:
        raise UsageError("There is nothing to embed.", expected="files, or --text", found="none")
    doubled = sorted({str(path) for path in paths if list(paths).count(path) > 1})
    if doubled:
        raise UsageError("A file is named twice.", found=doubled[0], fix="name every file once")
    rows: list[tuple[str, str, float | None]] = []
    vectors, problems = [np.empty((0, embedder.embedding_size), np.float32)], []
    with progress("embedding sound", total=len(paths), unit="files") as advance:
        for path in paths:
            try:
                opened, vector = _one(embedder, path, settings)
            except (AudioError, MissingDependency) as error:
                problems.append(broken_file(path, error))
                refuse_more_broken(problems, max_problems)
            else:
                rows.append((str(path), "audio", float(opened.num_samples[0]) / opened.rate_hz))
                vectors.append(vector)
            advance(1)
        if texts:
            rows += [(text, "text", None) for text in texts]
            vectors.append(embed_texts(embedder, list(texts), done=lambda _: None))
    schema = {"id": pl.String(), "kind": pl.String(), "seconds": pl.Float64()}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return EmbeddedFiles(embedder.identity, table, np.concatenate(vectors), tuple(problems))


def save_embedded(path: Path, found: EmbeddedFiles) -> None:
    """Write vectors with their ids: ``.npz`` (arrays id, kind, seconds, vectors, checkpoint_hash) or ``.parquet``.

    Raises:
        UsageError: the name ends otherwise.
    """
    checkpoint = found.identity.checkpoint_hash
    if path.suffix == ".npz":
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                id=np.array(found.table["id"].to_list(), np.str_),
                kind=np.array(found.table["kind"].to_list(), np.str_),
                seconds=found.table["seconds"].fill_null(np.nan).to_numpy(),
                vectors=found.vectors,
                checkpoint_hash=np.array(checkpoint),
            )
        return
    if path.suffix == ".parquet":
        size = found.vectors.shape[1]
        vectors = pl.Series("vector", found.vectors, dtype=pl.Array(pl.Float32(), size))
        table = found.table.with_columns(vectors, pl.lit(checkpoint).alias("checkpoint_hash"))
        with atomic_path(path) as temporary:
            table.write_parquet(temporary, compression="zstd")
        return
    raise UsageError(
        "Vectors are written as one of two kinds of files.", expected=" or ".join(FORMATS), found=path.name
    )


def _one(embedder: Embedder, path: Path, settings: BatchSettings) -> tuple[AudioFiles, Vectors]:
    """One file, opened on its own: so that a broken one stops no other."""
    probe(path)
    opened = open_files([path], embedder.rate_hz)
    return opened, embed_recording(embedder, opened, 0, settings)
