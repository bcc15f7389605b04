"""A captioner and a dataset to predictions: what it writes of each recording, resumable and deterministic.

    report = predict_captions(request, dataset, model, source, Path("world-captions"))

Conventions: a recording is described once for each part of the dataset; its examples of the task have a line each, and
a recording without one has a line under its own id. The longest recordings come first, in parts that are written whole
or not at all: a command that was killed goes on, and the file is the same as without the interruption.

Public names: CaptionRequest, CaptionReport, predict_captions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.evaluation import evaluation_batches
from audiolect.loader.waveforms import WaveformSource
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict.caption_writer import CaptionWriter
from audiolect.predict.part_request import ChosenPart, PartRequest, check_not_there, check_rate, choose_part
from audiolect.predict.recordings import Part, cut_parts
from audiolect.predict.reranked import Reranker, check_candidates
from audiolect.predict.unfinished import open_unfinished
from audiolect.progress import Progress, silent_progress
from audiolect.storage import fingerprint_bytes
from audiolect.tasks import get_task
from audiolect.text.styles import choose_style, spoken_style, style_prefix
from audiolect.text_predictions import (
    FILE_NAME,
    TextPart,
    TextPrediction,
    TextPredictionsHeader,
    write_text_predictions,
)

_PART_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionRequest(PartRequest):
    """What to describe, and how.

    Args:
        generation: how captions are written.
        task: whose examples have the lines; its family chooses the style where none is given.
        style: as a person types it; None: that of the dataset and the task, or the only one that the model knows.
    """

    generation: GenerationSettings
    task: str = "AudioCaptioning"
    style: str | None = None


@dataclass(frozen=True, slots=True)
class CaptionReport:
    """What was written, and how much of it had been there."""

    path: Path
    header: TextPredictionsHeader
    style: str
    rows: tuple[TextPrediction, ...]
    num_resumed: int


def predict_captions(
    request: CaptionRequest,
    dataset: Dataset,
    writer: CaptionWriter,
    source: WaveformSource,
    target: Path,
    *,
    reranker: Reranker | None = None,
    progress: Progress = silent_progress,
) -> CaptionReport:
    """Describe a part of a dataset.

    Args:
        dataset: the whole dataset, as opened.
        source: a pack, or the dataset's audio files, at the rate of the writer.
        target: the folder of the predictions; one that was begun is gone on with.
        reranker: orders what is written of a recording; where it hears at another rate than the source has, it reads
            the audio files.

    Raises:
        AlreadyExists: the folder holds predictions, and ``overwrite`` is not given.
        StorageError: it holds the beginning of another prediction, or other things.
        UsageError: a style that the model was not trained with, a rate that is not the model's, or one candidate alone
            to be ordered.
        DatasetError: nothing to describe, or the source lacks recordings.
        AudioError, DamagedFile: a recording cannot be read.
    """
    check_rate(request, dataset, source, writer.rate_hz)
    check_not_there(request, target, FILE_NAME)
    prefix = _style_for(request, dataset, writer)
    chosen = choose_part(request, dataset, source)
    part = chosen.dataset
    ids = part.recordings["recording_id"]
    job = _Job(request, part, writer, source, *_ordering(reranker, request, dataset, source))
    header = _header(job, chosen)
    plan = header.model_dump(mode="json", exclude={"producer", "command"}) | {
        "prefix": prefix,
        "recordings": fingerprint_bytes([f"{name}\n".encode() for name in ids]),
    }
    with open_unfinished(target, plan, overwrite=request.overwrite, known=(FILE_NAME,)) as unfinished:
        said: dict[str, dict[str, Any]] = {}
        resumed = 0
        with progress("writing captions", total=len(ids), unit="recordings") as advance:
            lengths = source.num_samples[source.rows_of(ids)]
            for number, some in enumerate(cut_parts(lengths, source.rate_hz, most_seconds=_PART_SECONDS)):
                name = f"captions-{number:05d}"
                if unfinished.has_lines(name):
                    resumed += len(some.rows)
                    advance(len(some.rows))
                make = partial(_describe, job, some, prefix, done=advance)
                said |= {row["recording_id"]: row for row in unfinished.lines(name, make)}
        rows = _lines(part, header.task, said, spoken_style(prefix))
        header = write_text_predictions(target / FILE_NAME, header, rows)
    return CaptionReport(target / FILE_NAME, header, spoken_style(prefix), tuple(rows), resumed)


def _style_for(request: CaptionRequest, dataset: Dataset, writer: CaptionWriter) -> str:
    if request.style is not None:
        return choose_style(request.style, writer.styles)
    own = style_prefix(dataset.card.name, get_task(request.task).family)
    kind = own.partition(" > ")[2]
    alike = [style for style in writer.styles if style.endswith(kind)]
    if own in writer.styles or not writer.styles:
        return own
    return choose_style(None, alike or writer.styles)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What works, on what, and how."""

    request: CaptionRequest
    dataset: Dataset
    writer: CaptionWriter
    source: WaveformSource
    reranker: Reranker | None
    heard_again: WaveformSource
    """What the reranker hears."""


def _ordering(
    reranker: Reranker | None, request: CaptionRequest, dataset: Dataset, source: WaveformSource
) -> tuple[Reranker | None, WaveformSource]:
    if reranker is None:
        return None, source
    check_candidates(request.generation)
    rate_hz = reranker.embedder.rate_hz
    return reranker, source if source.rate_hz == rate_hz else open_audio_files(dataset, rate_hz)


def _header(job: _Job, chosen: ChosenPart) -> TextPredictionsHeader:
    """All of it but the counts of what is written."""
    request, rate_hz = job.request, job.writer.rate_hz
    again = request.source if job.heard_again is job.source else "files"
    num = job.dataset.recordings.height
    return TextPredictionsHeader(
        command=request.command,
        task=get_task(request.task).name,
        model=job.writer.identity,
        dataset=TextPart(**chosen.facts.model_dump(), num_predicted=num, left_out=chosen.left_out),
        generation=request.generation.model_dump(mode="json"),
        reranking=None if job.reranker is None else job.reranker.facts(again),
        preprocessing={"rate_hz": rate_hz, "policy": request.settings.policy, "source": request.source},
    )


def _describe(job: _Job, part: Part, prefix: str, *, done: Callable[[int], None]) -> list[dict[str, Any]]:
    """The rows of the recordings of a part."""
    some = replace(job.dataset, scan_recordings=job.dataset.recordings[part.rows].lazy(), in_memory=True)
    rows: list[dict[str, Any]] = []
    with evaluation_batches(some, job.source, job.request.settings, of="recordings") as batches:
        for batch in batches:
            sound = batch.waveforms, batch.lengths
            found = job.writer.write(*sound, prefix, batch.recording_ids, job.request.generation)
            if job.reranker is not None:
                found = job.reranker.order(job.heard_again, batch.recording_ids, found)
            rows += [
                {"recording_id": name, "outputs": [t for t, _ in texts], "scores": [s for _, s in texts]}
                for name, texts in zip(batch.recording_ids, found, strict=True)
            ]
            done(len(batch))
    return rows


def _lines(part: Dataset, task: str, said: dict[str, dict[str, Any]], style: str) -> list[TextPrediction]:
    """A line for each example of the task, or for a recording that has none, in the order of the recordings."""
    examples = part.scan_examples.filter(pl.col("task") == task).select("recording_id", "example_id").collect()
    own = dict(examples.group_by("recording_id", maintain_order=True).agg("example_id").iter_rows())
    return [
        TextPrediction(name, recording, tuple(row["outputs"]), tuple(row["scores"]), style)
        for recording in part.recordings["recording_id"]
        for row in [said[recording]]
        for name in own.get(recording, [recording])
    ]
