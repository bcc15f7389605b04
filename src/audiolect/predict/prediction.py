"""A run and a dataset to predictions: the embeddings of recordings, captions and labels, resumable and deterministic.

    report = predict(request, dataset, embedder, source, Path("predictions"))

Conventions: all settings stand on the card of the predictions. The same command gives the same bytes on the same
machine; one that was killed goes on, and the result is the same as without the interruption. Quarantined recordings are
left out and counted.

Public names: PredictRequest, PredictReport, predict, read_labels, preprocessing_of.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from audiolect.config import Config
from audiolect.data.dataset import Dataset
from audiolect.data.quarantine import without_quarantined
from audiolect.dataset_part import select_part
from audiolect.embedding_files import CARD_NAME, DatasetPart, EmbeddingsCard, ModelIdentity, write_embeddings
from audiolect.errors import AlreadyExists, DatasetError, UsageError
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.waveforms import WaveformSource
from audiolect.predict.embedder import Embedder, Vectors
from audiolect.predict.recordings import AGGREGATION, cut_parts, embed_part, recordings_in
from audiolect.predict.texts import caption_table, dataset_labels, distinct_texts, embed_texts, label_table
from audiolect.predict.unfinished import Unfinished, open_unfinished
from audiolect.progress import Progress, silent_progress
from audiolect.storage import fingerprint_bytes, read_text
from audiolect.text.label_prompts import DEFAULT_TEMPLATES, check_templates

_TEXTS_OF_A_PART = 4096
# What changes how fast, but not what, is predicted.
_SPEED_ONLY = {"threads", "depth", "look_ahead"}


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What to predict.

    Args:
        split, where: the part of the dataset.
        keep_quarantined: also embed what the check has put on the quarantine list.
        allow_partial: leave out, and count, recordings that the source lacks.
        labels: the classes; None: all labels of the dataset's recordings.
        templates: what each label is filled into.
        settings: how recordings are read and batched.
        source: what is read, for the card: ``pack`` or ``files``.
        overwrite: replace predictions that are there.
        command: for the card.
    """

    settings: BatchSettings
    split: str | None = None
    where: str | None = None
    keep_quarantined: bool = False
    allow_partial: bool = False
    labels: tuple[str, ...] | None = None
    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    source: str = "files"
    overwrite: bool = False
    command: str = ""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """The part of the dataset that has embeddings, and what was left out of it."""

    dataset: Dataset
    num_expected: int
    left_out: dict[str, int] = field(default_factory=dict)


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
    if not source.rate_hz == embedder.rate_hz == request.settings.rate_hz:
        raise UsageError(
            "The sound is not at the rate of the model.",
            expected=f"{embedder.rate_hz} Hz",
            found=f"{source.rate_hz} Hz",
            fix=f"audiolect pack {dataset.folder} --rate-hz {embedder.rate_hz} --out PACK, or predict without --pack",
        )
    chosen = _choose(request, dataset, source)
    labels = dataset_labels(dataset) if request.labels is None else list(_check_labels(request.labels))
    texts = pl.concat([caption_table(chosen.dataset), label_table(labels, templates)])
    facts = _facts(request, dataset, chosen, embedder.identity, embedder.embedding_size).model_copy(
        update={"labels": tuple(labels), "templates": templates if labels else ()}
    )
    _check_target(target, overwrite=request.overwrite)
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


def _choose(request: PredictRequest, dataset: Dataset, source: WaveformSource) -> _Chosen:
    whole = select_part(dataset, split=request.split, where=request.where)
    num_expected = whole.recordings.height
    part = whole if request.keep_quarantined else without_quarantined(whole)
    left_out = {"quarantined": num_expected - part.recordings.height}
    here = recordings_in(part, source)
    if request.allow_partial and not here.all():
        left_out[f"not in the {request.source}"] = int((~here).sum())
        kept = part.recordings.filter(here)
        examples = part.examples.join(kept.select("recording_id"), on="recording_id", how="semi", maintain_order="left")
        part = replace(part, scan_recordings=kept.lazy(), scan_examples=examples.lazy(), in_memory=True)
        if not kept.height:
            raise DatasetError("The source has none of the recordings.", where=dataset.folder, expected=num_expected)
    return _Chosen(part, num_expected, {reason: count for reason, count in left_out.items() if count})


def _facts(
    request: PredictRequest, dataset: Dataset, chosen: _Chosen, identity: ModelIdentity, size: int
) -> EmbeddingsCard:
    return EmbeddingsCard(
        format="",
        version=0,
        producer="",
        command=request.command,
        model=identity,
        dataset=DatasetPart(
            name=dataset.card.name,
            corpus_version=dataset.card.corpus_version,
            fingerprint=dataset.card.fingerprint,
            examples_fingerprint=dataset.card.examples_fingerprint,
            split=request.split,
            where=request.where,
            num_expected=chosen.num_expected,
            num_embedded=chosen.dataset.recordings.height,
            left_out=chosen.left_out,
        ),
        preprocessing=preprocessing_of(request.settings, request.source),
        size=size,
        num_recordings=chosen.dataset.recordings.height,
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


def _check_target(target: Path, *, overwrite: bool) -> None:
    if (target / CARD_NAME).is_file() and not overwrite:
        raise AlreadyExists(
            "The folder holds predictions.", where=target, fix="give --overwrite to replace them, or another --out"
        )


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
