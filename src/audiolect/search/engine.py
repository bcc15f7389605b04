"""Questions to an index, answered: by words, by a sound, by a vector, or by a recording that is in it.

    engine = open_engine(Path("index"), queries)
    answer = engine.by_text(["a dog far away in the rain"], k=10, where="duration_seconds < 30")

An engine is opened once and asked from any number of threads. What it found when it was opened stays as it was, however
the index changes meanwhile; ``is_current`` tells.

Filters are the expressions of ``--where`` over the columns of the index (``table.ROW_SCHEMA``): they choose the rows
first, and the k best are the best of these. With a filter the scan is always exact.

Conventions: Q queries, E components; scores are dot products of L2-normalised vectors, cosines.

Public names: QueryEncoder, Hit, Answer, SearchEngine, open_engine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from audiolect.data.filters import compile_filter
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import DamagedFile, UnsafePath, UsageError, nearest_names
from audiolect.search.candidates import Candidates
from audiolect.search.card import IndexCard, check_checkpoint, read_index_card
from audiolect.search.first_pass import FloatArray
from audiolect.search.scan import BoolArray
from audiolect.search.scan_files import ScanFiles, open_scan_files
from audiolect.search.table import ROW_SCHEMA, open_table
from audiolect.storage import safe_join

MOST_HITS = 10_000


class QueryEncoder(Protocol):
    """The model on the side of the queries; torch is its own business."""

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Q texts → (Q, E)."""

    def embed_files(self, paths: Sequence[Path]) -> FloatArray:
        """Q audio files → (Q, E). Raises AudioError where one cannot be read."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A recording that was found.

    Args:
        rank: 1 is the best.
        score: cosine with the query.
        path: its audio file, absolute; None where the path of the row leads out of the audio root.
    """

    rank: int
    score: float
    recording_id: str
    title: str | None
    captions: tuple[str, ...]
    labels: tuple[str, ...]
    path: str | None
    start_sample: int
    num_samples: int
    sample_rate_hz: int
    duration_seconds: float
    dataset: str
    split: str
    license: str | None
    source_id: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for each query.

    Args:
        hits: for each query, the best first.
        num_candidates: recordings that fulfil the filter; all without one.
        encoding_seconds: of the model.
        search_seconds: of filter and scan.
        exact: False where the approximate index was asked.
    """

    hits: tuple[tuple[Hit, ...], ...]
    num_candidates: int
    encoding_seconds: float
    search_seconds: float
    exact: bool


class SearchEngine:
    """An opened index; made by ``open_engine``."""

    def __init__(
        self, folder: Path, card: IndexCard, table: Any, files: ScanFiles, queries: QueryEncoder | None
    ) -> None:
        self.folder = folder
        self.card = card
        self.rows = files.rows
        self.scanner = files.scanner
        self._table = table
        self._queries = queries
        self._files = files
        self._row_of = {name: row for row, name in enumerate(files.rows["recording_id"].to_list())}
        # A model is asked by one thread at a time: two forwards at once take longer than one after the other.
        self._one_forward = threading.Lock()

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(self._table, self._files)

    def __len__(self) -> int:
        """How many recordings there are."""
        return self.rows.height

    def is_current(self) -> bool:
        """Whether the table is still the one that was opened."""
        return int(open_table(self.folder).version) == int(self._table.version)

    def by_text(
        self, texts: Sequence[str], k: int = 10, *, where: str | None = None, approximate: bool = False
    ) -> Answer:
        """The k best for each of Q texts.

        Raises:
            UsageError: no text, an empty one, a k that cannot be, or an engine without a model.
            FilterError: the filter cannot be understood.
        """
        if not texts or not all(text.strip() for text in texts):
            raise UsageError("There is nothing to search for.", expected="words", found="an empty query")
        encoder = self._encoder()
        start = time.perf_counter()
        with self._one_forward:
            vectors = encoder.embed_texts(texts)
        return self._answer(vectors, k, where, time.perf_counter() - start, approximate=approximate)

    def by_sound(
        self, paths: Sequence[Path], k: int = 10, *, where: str | None = None, approximate: bool = False
    ) -> Answer:
        """The k best for each of Q audio files.

        Raises:
            UsageError, FilterError: as ``by_text``.
            AudioError: a file cannot be read.
        """
        if not paths:
            raise UsageError("There is nothing to search for.", expected="audio files", found="none")
        encoder = self._encoder()
        start = time.perf_counter()
        with self._one_forward:
            vectors = encoder.embed_files(paths)
        return self._answer(vectors, k, where, time.perf_counter() - start, approximate=approximate)

    def by_vector(
        self, vectors: FloatArray, k: int = 10, *, where: str | None = None, approximate: bool = False
    ) -> Answer:
        """The k best for each of Q vectors (Q, E) of the checkpoint of the index; they are normalised first.

        Raises:
            UsageError: another shape, NaN, infinity or zeros, or a k that cannot be.
            FilterError: the filter cannot be understood.
        """
        return self._answer(vectors, k, where, 0.0, approximate=approximate)

    def like(self, recording_id: str, k: int = 10, *, where: str | None = None) -> Answer:
        """The k recordings that are most like one of the index, itself left out.

        Raises:
            UsageError: it is not in the index, or a k that cannot be.
            FilterError: the filter cannot be understood.
        """
        row = self._row_of.get(recording_id)
        if row is None:
            near = nearest_names(recording_id, self._row_of)
            raise UsageError(
                "The recording is not in the index.",
                where=self.folder,
                found=repr(recording_id),
                fix=f"perhaps {near[0]!r}" if near else None,
            )
        among = self._among(where)
        among = np.ones(len(self), np.bool_) if among is None else among.copy()
        among[row] = False
        return self._answer(self.scanner.vectors[row][None], k, None, 0.0, among=among)

    def _encoder(self) -> QueryEncoder:
        if self._queries is None:
            raise UsageError(
                "The index was opened without the model that made it.",
                where=self.folder,
                expected=f"the run {self.card.model.run}",
                fix="name the run: audiolect search INDEX … --run RUN",
            )
        return self._queries

    def _among(self, where: str | None) -> BoolArray | None:
        if where is None:
            return None
        condition = compile_filter(where, ROW_SCHEMA)
        chosen: BoolArray = self.rows.select(chosen=condition)["chosen"].to_numpy().astype(np.bool_)
        return chosen

    def _answer(
        self,
        vectors: FloatArray,
        k: int,
        where: str | None,
        encoding_seconds: float,
        *,
        approximate: bool = False,
        among: BoolArray | None = None,
    ) -> Answer:
        if not 1 <= k <= MOST_HITS:
            raise UsageError("So many results cannot be asked for.", expected=f"1 to {MOST_HITS}", found=k)
        start = time.perf_counter()
        queries = _normalised(vectors, self.card.size)
        among = self._among(where) if among is None else among
        if approximate and self.card.ann is not None and among is None:
            found = [self._approximate(query, k) for query in queries]
        else:
            approximate = False
            exact = self.scanner.search(queries, k, among=among)
            found = list(zip(exact.rows.tolist(), exact.scores.tolist(), strict=True))
        seconds = time.perf_counter() - start
        num_candidates = len(self) if among is None else int(among.sum())
        hits = tuple(self._hits(rows, scores) for rows, scores in found)
        return Answer(hits, num_candidates, encoding_seconds, seconds, not approximate)

    def _approximate(self, query: FloatArray, k: int) -> tuple[list[int], list[float]]:
        """Rows and scores of what the approximate index finds."""
        facts = self.card.ann
        if facts is None:
            raise UsageError("The index has no approximate index.", where=self.folder, fix="audiolect index … --ann")
        rows, scores = self._candidates.search(query, k, num_probes=facts.num_probes, refine_factor=facts.refine_factor)
        return rows.tolist(), scores.tolist()

    def _hits(self, rows: list[int], scores: list[float]) -> tuple[Hit, ...]:
        table = self.rows[rows].to_dicts() if rows else []
        return tuple(
            Hit(
                rank=rank,
                score=score,
                recording_id=row["recording_id"],
                title=row["title"],
                captions=tuple(row["captions"]),
                labels=tuple(row["labels"]),
                path=_audio_path(row["audio_root"], row["path"]),
                start_sample=row["start_sample"],
                num_samples=row["num_samples"],
                sample_rate_hz=row["sample_rate_hz"],
                duration_seconds=row["duration_seconds"],
                dataset=row["dataset"],
                split=row["split"],
                license=row["license"],
                source_id=row["source_id"],
            )
            for rank, (row, score) in enumerate(zip(table, scores, strict=True), start=1)
        )


def open_engine(folder: Path, queries: QueryEncoder | None = None) -> SearchEngine:
    """Open an index.

    Args:
        queries: the model that made it; None: only vectors and recordings of the index can be asked for.

    Raises:
        StorageError, UnknownVersion, DamagedFile: there is no index, or it cannot be used.
        UsageError: the model is another than that of the index.
        MissingDependency: lancedb is not installed.
    """
    card = read_index_card(folder)
    if queries is not None:
        check_checkpoint(card, queries.identity, folder)
    table = open_table(folder)
    files = open_scan_files(folder, table, card.size)
    if files.rows["recording_id"].n_unique() != files.rows.height:
        raise DamagedFile(
            "A recording stands twice in the index.", where=folder, fix="make the index again with --overwrite"
        )
    return SearchEngine(folder, card, table, files, queries)


def _normalised(vectors: FloatArray, size: int) -> FloatArray:
    queries = np.asarray(vectors, np.float64)
    if queries.ndim != 2 or queries.shape[1] != size:
        raise UsageError(
            "The queries do not fit the vectors of the index.",
            expected=f"shape (Q, {size})",
            found=f"shape {queries.shape}",
            cause="they come from another model",
        )
    norms = np.linalg.norm(queries, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms == 0).any():
        raise UsageError("The vector of a query is no direction.", expected="finite numbers, not all of them zero")
    return np.asarray(queries / norms, np.float32)


def _audio_path(root: str, path: str) -> str | None:
    try:
        return str(safe_join(root, path))
    except UnsafePath:
        return None
