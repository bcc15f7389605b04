"""A run and a dataset to predictions: the embeddings of recordings, captions and labels, resumable and deterministic.

    report = predict(request, dataset, embedder, source, Path("predictions"))

Conventions: all settings stand on the card of the predictions. The same command gives the same bytes on the same
machine; one that was killed goes on, and the result is the same as without the interruption. Quarantined recordings are
left out and counted.

Public names: PredictRequest, PredictReport, predict, read_labels, preprocessing_of.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from audiolect.config import Config
from audiolect.data.dataset import Dataset
from audiolect.embedding_files import CARD_NAME, DatasetPart, EmbeddingsCard, ModelIdentity, write_embeddings
from audiolect.errors import UsageError
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.waveforms import WaveformSource
from audiolect.predict.embedder import Embedder, Vectors
from audiolect.predict.part_request import ChosenPart, PartRequest, check_not_there, check_rate, choose_part
from audiolect.predict.recordings import AGGREGATION, cut_parts, embed_part
from audiolect.predict.texts import caption_table, dataset_labels, distinct_texts, embed_texts, label_table
from audiolect.predict.unfinished import Unfinished, open_unfinished
from audiolect.progress import Progress, silent_progress
from audiolect.storage import fingerprint_bytes, read_text
from audiolect.text.label_prompts import DEFAULT_TEMPLATES, check_templates

_TEXTS_OF_A_PART = 4096
# What changes how fast, but not what, is predicted.
_SPEED_ONLY = {"threads", "depth", "look_ahead"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictRequest(PartRequest):
    """What to predict.

    Args:
        labels: the classes; None: all labels of the dataset's recordings.
        templates: what each label is filled into.
    """

    labels: tuple[str, ...] | None = None
    templates: tuple[str, ...] = DEFAULT_TEMPLATES


@dataclass(frozen=True, slots=True)
class PredictReport:
    """What was predicted, where, and how much of it had been there."""

    folder: Path
    card: EmbeddingsCard
    num_captions: int
    num_resumed: int


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What works, where its parts are kept, and who is told."""

    embedder: Embedder
    unfinished: Unfinished
    progress: Progress


def predict(
    request: PredictRequest,
    dataset: Dataset,
    embedder: Embedder,
    source: WaveformSource,
    target: Path,
    *,
    progress: Progress = silent_progress,
) -> PredictReport:
    """Embed a part of a dataset.

    Args:
        dataset: the whole dataset, as opened.
        source: a pack, or the dataset's audio files, at the rate of the embedder.
        target: the folder of the predictions; one that was begun is gone on with.

    Raises:
        AlreadyExists: the folder holds predictions, and ``overwrite`` is not given.
        StorageError: it holds the beginning of another prediction, or other things.
        DatasetError: nothing to predict, or the source lacks recordings.
        UsageError: a rate, label or template that cannot be.
        AudioError, DamagedFile: a recording cannot be read.
    """
    templates = check_templates(request.templates)
    check_rate(request, dataset, source, embedder.rate_hz)
    chosen = choose_part(request, dataset, source)
    labels = dataset_labels(dataset) if request.labels is None else list(_check_labels(request.labels))
    texts = pl.concat([caption_table(chosen.dataset), label_table(labels, templates)])
    facts = _facts(request, chosen, embedder.identity, embedder.embedding_size).model_copy(
        update={"labels": tuple(labels), "templates": templates if labels else ()}
    )
    check_not_there(request, target, CARD_NAME)
    ids = chosen.dataset.recordings["recording_id"]
    plan = facts.model_dump(mode="json", exclude={"producer", "command", "files"}) | {
        "recordings": fingerprint_bytes([f"{name}\n".encode() for name in ids]),
        "texts": fingerprint_bytes([f"{text}\n".encode() for text in texts["text"]]),
    }
    with open_unfinished(target, plan, overwrite=request.overwrite) as unfinished:
        job = _Job(embedder, unfinished, progress)
        vectors, num_resumed = _recording_vectors(job, chosen.dataset, source, request.settings)
        text_vectors = _text_vectors(job, texts)
        card = write_embeddings(
            target, facts, recording_ids=ids, recordings=vectors, text_table=texts, texts=text_vectors
        )
    return PredictReport(target, card, texts.filter(pl.col("kind") == "caption").height, num_resumed)


def read_labels(text: str) -> tuple[str, ...]:
    """The labels of ``--labels``: a file with one on each line, or a list with commas.

    Raises:
        UsageError: a file that is not there, or an empty list.
    """
    path = Path(text)
    if path.is_file():
        labels = [line.strip() for line in read_text(path, error=UsageError).splitlines()]
    elif path.suffix == ".txt":
        raise UsageError("There is no such file of labels.", where=text)
    else:
        labels = [label.strip() for label in text.split(",")]
    return _check_labels([label for label in labels if label])


def _check_labels(labels: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    doubled = [label for label, count in Counter(labels).items() if count > 1]
    if doubled or not labels:
        raise UsageError(
            "A label stands twice." if doubled else "There are no labels.",
            expected="one label on each line of a file, or a list with commas",
            found=repr(doubled[0]) if doubled else "none",
        )
    return tuple(labels)


def _facts(request: PredictRequest, chosen: ChosenPart, identity: ModelIdentity, size: int) -> EmbeddingsCard:
    num_recordings = chosen.dataset.recordings.height
    return EmbeddingsCard(
        format="",
        version=0,
        producer="",
        command=request.command,
        model=identity,
        dataset=DatasetPart(**chosen.facts.model_dump(), num_embedded=num_recordings, left_out=chosen.left_out),
        preprocessing=preprocessing_of(request.settings, request.source),
        size=size,
        num_recordings=num_recordings,
        num_texts=0,
    )


def preprocessing_of(settings: Config, source: str) -> dict[str, Any]:
    """Only what the policy uses, so that two cards differ where the sound that was heard differs."""
    values = settings.model_dump(mode="json", exclude=_SPEED_ONLY)
    of_policy = {
        "crop": ("crop_seconds",),
        "pad": ("max_seconds",),
        "windows": ("window_seconds", "window_overlap_seconds", "max_windows"),
        "all_windows": ("crop_seconds", "max_windows"),
    }[values["policy"]]
    kept = {name: values[name] for name in ("rate_hz", "policy", *of_policy)}
    if "windows" in values["policy"]:
        kept["aggregation"] = AGGREGATION
    return kept | {"source": source, "precision": "int16 samples" if source == "pack" else "float32 samples"}


def _recording_vectors(
    job: _Job, dataset: Dataset, source: WaveformSource, settings: BatchSettings
) -> tuple[Vectors, int]:
    embedder, unfinished = job.embedder, job.unfinished
    lengths = source.num_samples[source.rows_of(dataset.recordings["recording_id"])]
    vectors = np.empty((len(lengths), embedder.embedding_size), np.float32)
    resumed = 0
    with job.progress("embedding sound", total=len(lengths), unit="recordings") as advance:
        for number, part in enumerate(cut_parts(lengths, source.rate_hz)):
            name = f"recordings-{number:05d}"
            if unfinished.has(name):
                resumed += len(part.rows)
                advance(len(part.rows))
            vectors[part.rows] = unfinished.part(
                name,
                (len(part.rows), embedder.embedding_size),
                lambda part=part: embed_part(embedder, dataset, part, source, settings, done=advance),  # type: ignore[misc]
            )
    return vectors, resumed


def _text_vectors(job: _Job, table: pl.DataFrame) -> Vectors:
    embedder, unfinished = job.embedder, job.unfinished
    texts, places = distinct_texts(table)
    vectors = np.empty((len(texts), embedder.embedding_size), np.float32)
    if not texts:
        return vectors
    with job.progress("embedding words", total=len(texts), unit="texts") as advance:
        for number, start in enumerate(range(0, len(texts), _TEXTS_OF_A_PART)):
            some = texts[start : start + _TEXTS_OF_A_PART]
            name = f"texts-{number:05d}"
            if unfinished.has(name):
                advance(len(some))
            vectors[start : start + len(some)] = unfinished.part(
                name,
                (len(some), embedder.embedding_size),
                lambda some=some: embed_texts(embedder, some, done=advance),  # type: ignore[misc]
            )
    return vectors[places]
