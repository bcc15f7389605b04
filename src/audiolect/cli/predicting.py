"""The verbs that ask a trained model: predict a dataset, embed one's own files.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiolect.cli import captioning, options, ways_to_write
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_count,
    print_done,
    print_json,
    print_table,
    rich_progress,
)
from audiolect.cli.quarantined import leave_out_quarantined

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.embedding_files import ModelIdentity
    from audiolect.loader.waveforms import WaveformSource
    from audiolect.predict.own_files import EmbeddedFiles
    from audiolect.predict.prediction import PredictReport, PredictRequest
    from audiolect.predict.run_model import RunModel

_GROUP = "Models"

RunFolder = Annotated[Path, typer.Argument(help="A run, as `train` leaves it.", show_default=False)]
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="best, last, or the number of a step.")]
Split = Annotated[str | None, typer.Option("--split", help="Only this split.")]
PackFolder = Annotated[
    Path | None, typer.Option("--pack", help="Read the sound from this pack; else from the audio files, more slowly.")
]
Labels = Annotated[
    str | None,
    typer.Option("--labels", help="The classes: a file with one on each line, or a list with commas."),
]
Templates = Annotated[
    list[str] | None,
    typer.Option("--template", help="What labels are filled into, e.g. 'the sound of {label}'; may be repeated."),
]
AllowPartial = Annotated[
    bool, typer.Option("--allow-partial", help="Leave out, and count, recordings that the pack lacks.")
]
Folds = Annotated[
    bool,
    typer.Option(
        "--folds", help="RUN is the folder of `train --folds`: each fold is predicted by the run that has not heard it."
    ),
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", min=1, help="Recordings at once.")]
WindowSeconds = Annotated[
    float | None,
    typer.Option(
        "--window-seconds",
        callback=options.finite,
        help="Longer recordings are heard in windows of this length; their vector is the mean.",
    ),
]
AudioRoot = Annotated[
    Path | None, typer.Option("--audio-root", help="Where the audio is now, if not where the card says.")
]
Files = Annotated[list[Path] | None, typer.Argument(help="Audio files of any formats.", show_default=False)]
Text = Annotated[list[str] | None, typer.Option("--text", help="Words to embed too; may be repeated.")]
VectorsOut = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write. An .npz or .parquet file.")]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("predict", rich_help_panel=_GROUP)(predict)
    app.command("embed", rich_help_panel=_GROUP)(embed)


def predict(
    run: RunFolder,
    dataset: options.DatasetFolder,
    *,
    out: options.Out,
    split: Split = None,
    where: options.Where = None,
    checkpoint: Checkpoint = "best",
    pack: PackFolder = None,
    labels: Labels = None,
    template: Templates = None,
    window_seconds: WindowSeconds = None,
    batch_size: BatchSize = None,
    folds: Folds = False,
    task: captioning.Task = None,
    style: captioning.Style = None,
    generation: ways_to_write.Generation = None,
    method: ways_to_write.Method = None,
    num_beams: ways_to_write.NumBeams = None,
    num_outputs: ways_to_write.NumOutputs = None,
    grid: ways_to_write.Grid = None,
    rerank: ways_to_write.Rerank = None,
    rerank_weight: ways_to_write.RerankWeight = None,
    allow_partial: AllowPartial = False,
    keep_quarantined: options.KeepQuarantined = False,
    audio_root: AudioRoot = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Ask a trained model about a part of a dataset: dual encoders embed it, captioners describe it.

    audiolect predict runs/world world --split test --out world-test

    audiolect predict runs/esc10 esc10 --folds --out esc10-folds

    audiolect predict runs/captions world --split test --method beam --num-beams 5 --out world-captions

    The same command goes on with predictions that were stopped. What the check has quarantined is left out.
    """
    from audiolect.data.dataset import open_dataset

    opened = open_dataset(dataset, audio_root=audio_root)
    leave_out_quarantined(opened, keep=keep_quarantined)
    ways = ways_to_write.Ways(generation, method, num_beams, num_outputs, grid, rerank, rerank_weight)
    part = captioning.AskedPart(
        split, where, task, style, batch_size, allow_partial, keep_quarantined, overwrite, as_json
    )
    embedding = {"labels": labels, "template": template, "window_seconds": window_seconds, "folds": folds}
    if captioning.has_described((run, checkpoint), (opened, pack), out, part, ways, not_for_it=embedding):
        return
    request = _request(part, labels, template, source="files" if pack is None else "pack")
    asked = _Asked(opened, request, checkpoint, pack, {"window_seconds": window_seconds, "batch_size": batch_size})
    _embed_part(asked, run, out, folds=folds, as_json=as_json)


def _request(
    part: captioning.AskedPart, labels: str | None, templates: list[str] | None, *, source: str
) -> PredictRequest:
    from audiolect.loader.batch_settings import BatchSettings
    from audiolect.predict.prediction import PredictRequest, read_labels

    return PredictRequest(
        settings=BatchSettings(),
        split=part.split,
        where=part.where,
        keep_quarantined=part.keep_quarantined,
        allow_partial=part.allow_partial,
        labels=None if labels is None else read_labels(labels),
        templates=tuple(templates or ()),
        source=source,
        overwrite=part.overwrite,
        command=command_line(),
    )


def _embed_part(asked: _Asked, run: Path, out: Path, *, folds: bool, as_json: bool) -> None:
    dataset = asked.dataset.folder
    if folds:
        from audiolect.cli.folds import predict_folds

        predict_folds(run, dataset, out, asked.predict_fold, as_json=as_json)
        return
    report = asked.predict(run, out)
    if as_json:
        print_json({"folder": str(out), "resumed": report.num_resumed} | report.card.model_dump(mode="json"))
        return
    _print_report(report)
    print_done(str(out), f"audiolect evaluate {shlex.quote(str(out))} {shlex.quote(str(dataset))}")


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What ``predict`` was asked for; settings and templates are those of the run unless others were given."""

    dataset: Dataset
    request: PredictRequest
    checkpoint: str
    pack: Path | None
    changes: dict[str, Any]

    def predict(self, run: Path, target: Path) -> PredictReport:
        """Predict with one run."""
        return self._predict(*self._opened(run, self.request.where), target)

    def predict_fold(self, run: Path, target: Path, fold: str) -> PredictReport | None:
        """Predict what fulfils the condition ``fold`` too; None where these very predictions are there."""
        where = fold if self.request.where is None else f"({self.request.where}) and {fold}"
        model, request = self._opened(run, where)
        if not request.overwrite and _is_there(target, request, self.dataset, model.embedder.identity):
            return None
        return self._predict(model, request, target)

    def _opened(self, run: Path, where: str | None) -> tuple[RunModel, PredictRequest]:
        from audiolect.predict.run_model import open_run_model, with_changes

        model = open_run_model(run, self.checkpoint)
        settings = with_changes(model.settings, **self.changes)
        templates = self.request.templates or model.templates
        return model, replace(self.request, settings=settings, templates=templates, where=where)

    def _predict(self, model: RunModel, request: PredictRequest, target: Path) -> PredictReport:
        from audiolect.predict.prediction import predict

        source = _source(self.dataset, self.pack, model.embedder.rate_hz)
        try:
            return predict(request, self.dataset, model.embedder, source, target, progress=rich_progress)
        except KeyboardInterrupt:
            errors_console().print("What is embedded stays: the same command goes on from here.", highlight=False)
            raise


def embed(
    run: RunFolder,
    files: Files = None,
    *,
    out: VectorsOut = None,
    text: Text = None,
    checkpoint: Checkpoint = "best",
    window_seconds: WindowSeconds = None,
    max_problems: options.MaxProblems = None,
    as_json: options.Json = False,
) -> None:
    """Embed your own audio files and words with a trained model.

    audiolect embed runs/world dog.wav rain.mp3 --text "a dog in the rain" --out vectors.npz

    Without --out, and with both files and words, the similarity of each pair is printed.
    """
    from audiolect.predict.own_files import embed_files, save_embedded
    from audiolect.predict.run_model import open_run_model, with_changes

    model = open_run_model(run, checkpoint)
    settings = with_changes(model.settings, window_seconds=window_seconds, batch_size=None)
    found = embed_files(
        model.embedder, files or [], text or [], settings, max_problems=max_problems, progress=rich_progress
    )
    if out is not None:
        save_embedded(out, found)
    for problem in found.problems:
        errors_console().print(f"left out: {problem.where}: {problem.detail}", markup=False, soft_wrap=True)
    if as_json:
        print_json(_as_json(found, with_vectors=out is None))
    elif out is not None:
        rows = human_count(found.table.height, "vector")
        print_done(f"{out}: {rows} of {found.vectors.shape[1]} components", "audiolect index --help")
    else:
        _print_similarities(found)
    if files and not (found.table["kind"] == "audio").any():
        raise typer.Exit(2)


def _source(dataset: Dataset, pack: Path | None, rate_hz: int) -> WaveformSource:
    from audiolect.loader.audio_files import open_audio_files
    from audiolect.loader.pack import open_pack_of

    return open_audio_files(dataset, rate_hz) if pack is None else open_pack_of(pack, dataset)


def _is_there(target: Path, request: PredictRequest, dataset: Dataset, identity: ModelIdentity) -> bool:
    """Whether a folder holds the predictions of this model for this part, with these labels and this way of hearing."""
    from audiolect.embedding_files import CARD_NAME, read_embeddings_card
    from audiolect.predict.prediction import preprocessing_of

    if not (target / CARD_NAME).is_file():
        return False
    card = read_embeddings_card(target)
    part = card.dataset
    same = (card.model, card.templates, card.preprocessing, part.split, part.where) == (
        identity,
        request.templates,
        preprocessing_of(request.settings, request.source),
        request.split,
        request.where,
    )
    of_data = (part.fingerprint, part.examples_fingerprint)
    same_data = of_data == (dataset.card.fingerprint, dataset.card.examples_fingerprint)
    return same and same_data and request.labels in (None, card.labels)


def _print_report(report: PredictReport) -> None:
    card, part = report.card, report.card.dataset
    sound = ", ".join(f"{name} {value}" for name, value in card.preprocessing.items())
    rows = [
        ("model", f"{card.model.run}, checkpoint {card.model.checkpoint} (step {card.model.step})"),
        ("recordings", f"{part.num_embedded} of {part.num_expected}"),
        *((f"left out: {reason}", str(count)) for reason, count in part.left_out.items()),
        ("captions", str(report.num_captions)),
        ("labels", f"{len(card.labels)}, each in {human_count(len(card.templates), 'template')}"),
        ("sound", sound),
    ]
    if report.num_resumed:
        rows.append(("gone on with", f"{report.num_resumed} recordings had been embedded before"))
    print_table(f"predictions of {part.name}", ("", ""), rows)


def _as_json(found: EmbeddedFiles, *, with_vectors: bool) -> dict[str, object]:
    rows = found.table.to_dicts()
    if with_vectors:
        rows = [row | {"vector": vector.tolist()} for row, vector in zip(rows, found.vectors, strict=True)]
    return {
        "model": found.identity.model_dump(mode="json"),
        "rows": rows,
        "problems": [{"where": problem.where, "detail": problem.detail} for problem in found.problems],
    }


def _print_similarities(found: EmbeddedFiles) -> None:
    is_text = (found.table["kind"] == "text").to_numpy()
    texts = found.table["id"].filter(found.table["kind"] == "text").to_list()
    sounds = found.table["id"].filter(found.table["kind"] == "audio").to_list()
    if not texts or not sounds:
        console().print(
            f"{human_count(found.table.height, 'vector')} of {found.vectors.shape[1]} components; "
            "--out writes them, --json prints them.",
            highlight=False,
        )
        return
    similarities = found.vectors[~is_text] @ found.vectors[is_text].T
    rows = [(name, *(f"{value:.3f}" for value in row)) for name, row in zip(sounds, similarities, strict=True)]
    print_table("similarity", ("file", *texts), rows, right=range(1, len(texts) + 1))
