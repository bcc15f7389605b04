"""The verb ``caption``, and what ``predict`` does with a captioner.

Conventions: what a run's recipe says of writing holds where the command line says nothing.

Public names: add_verbs, AskedPart, has_described, predict_captions_of, and the annotated types of flags that
``predict`` has too.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiolect.cli import options
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_count,
    plain,
    print_done,
    print_json,
    print_table,
    rich_progress,
)
from audiolect.cli.ways_to_write import Generation, Method, NumBeams, NumOutputs, Rerank, RerankWeight, Ways

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.predict.caption_writer import WriterModel
    from audiolect.predict.captioning import CaptionReport
    from audiolect.predict.own_captions import OwnCaptions

_GROUP = "Models"
_SHOWN = 5

Style = Annotated[str | None, typer.Option("--style", help="How it is to sound: clotho, or 'clotho > caption'.")]
Task = Annotated[
    str | None,
    typer.Option("--task", help="Captioners: whose examples are asked, as AudioCaptioning or AudioKeywords."),
]
RunFolder = Annotated[Path, typer.Argument(help="A run of a captioner, as `train` leaves it.", show_default=False)]
Files = Annotated[
    list[Path], typer.Argument(help="Audio files of any formats, and folders of them.", show_default=False)
]
CaptionsOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Where to write. A .jsonl or a .csv file; what is there is gone on with."),
]


@dataclass(frozen=True, slots=True)
class AskedPart:
    """Which part of a dataset ``predict`` was asked for, and how it is told."""

    split: str | None
    where: str | None
    task: str | None
    style: str | None
    batch_size: int | None
    allow_partial: bool
    keep_quarantined: bool
    overwrite: bool
    as_json: bool


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verb to the command."""
    app.command("caption", rich_help_panel=_GROUP)(caption)


def caption(
    run: RunFolder,
    files: Files,
    *,
    out: CaptionsOut = None,
    style: Style = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="Also folders in folders.")] = False,
    checkpoint: Annotated[str, typer.Option("--checkpoint", help="best, last, or the number of a step.")] = "best",
    generation: Generation = None,
    method: Method = None,
    num_beams: NumBeams = None,
    num_outputs: NumOutputs = None,
    rerank: Rerank = None,
    rerank_weight: RerankWeight = None,
    max_problems: options.MaxProblems = None,
    as_json: options.Json = False,
) -> None:
    """Describe your own audio files with a trained captioner.

    audiolect caption runs/captions rain.wav dog.mp3

    audiolect caption runs/captions recordings/ --recursive --style clotho --out captions.csv

    audiolect caption runs/captions rain.wav --method beam --num-outputs 5 --rerank runs/retrieval

    The same command goes on with a file of captions that was begun. Broken files are listed and left out.
    """
    from audiolect.predict.own_captions import caption_files, find_files

    paths = find_files(files, recursive=recursive)
    model = _opened(run, checkpoint)
    if rerank is None:
        _refuse({"num_outputs": num_outputs}, "Without --rerank nothing chooses among the captions of a file.")
    ways = Ways(generation, method, num_beams, num_outputs, None, rerank, rerank_weight)
    (settings,) = ways.settings(model.generation).values()
    found = caption_files(
        model.writer,
        paths,
        settings,
        style=style,
        out=out,
        reranker=ways.reranker([settings]),
        max_problems=max_problems,
        progress=rich_progress,
    )
    for problem in found.problems:
        errors_console().print(f"left out: {problem.where}: {problem.detail}", markup=False, soft_wrap=True)
    _tell(found, out, as_json=as_json)
    if not found.captions and not found.num_resumed:
        raise typer.Exit(2)


def has_described(
    model: tuple[Path, str],
    sound: tuple[Dataset, Path | None],
    out: Path,
    part: AskedPart,
    ways: Ways,
    *,
    not_for_it: dict[str, Any],
) -> bool:
    """Describe a part of a dataset if the model is a captioner; whether it is.

    Args:
        not_for_it: flags that mean nothing to a captioner.

    Raises:
        UsageError: a flag that means nothing to this model.
    """
    from audiolect.predict.caption_writer import is_captioner

    if is_captioner(*model):
        _refuse(not_for_it, "A captioner describes recordings whole; it embeds nothing.")
        predict_captions_of(model, sound, out, part, ways)
        return True
    asked = {name: getattr(ways, name) for name in ways.__slots__}
    _refuse({**asked, "task": part.task, "style": part.style}, "Only a captioner writes.")
    return False


def predict_captions_of(
    model: tuple[Path, str], sound: tuple[Dataset, Path | None], out: Path, part: AskedPart, ways: Ways
) -> None:
    """Describe a part of a dataset in one way of writing, or in all of a grid.

    Args:
        model: the run and its checkpoint.
        sound: the dataset, and its pack if there is one.
    """
    from audiolect.loader.audio_files import open_audio_files
    from audiolect.loader.pack import open_pack
    from audiolect.predict.captioning import CaptionRequest, predict_captions

    (dataset, pack), opened = sound, _opened(*model)
    settings = opened.settings
    if part.batch_size is not None:
        settings = settings.model_copy(update={"batch_size": part.batch_size, "batch_seconds": None})
    rate_hz = opened.writer.rate_hz
    source = open_audio_files(dataset, rate_hz) if pack is None else open_pack(pack)
    reports: dict[str, CaptionReport] = {}
    all_ways = ways.settings(opened.generation)
    reranker = ways.reranker(all_ways.values())
    for name, generation in all_ways.items():
        request = CaptionRequest(
            settings=settings,
            generation=generation,
            split=part.split,
            where=part.where,
            task=part.task or "AudioCaptioning",
            style=part.style,
            keep_quarantined=part.keep_quarantined,
            allow_partial=part.allow_partial,
            source="files" if pack is None else "pack",
            overwrite=part.overwrite,
            command=command_line(),
        )
        target = out / _folder_name(name) if name else out
        try:
            reports[name] = predict_captions(
                request, dataset, opened.writer, source, target, reranker=reranker, progress=rich_progress
            )
        except KeyboardInterrupt:
            errors_console().print("What is written stays: the same command goes on from here.", highlight=False)
            raise
    if ways.grid is None:
        _tell_report(reports[""], out, dataset, as_json=part.as_json)
    else:
        _tell_grid(reports, out, dataset, as_json=part.as_json)


def _refuse(given: dict[str, Any], what: str) -> None:
    from audiolect.errors import UsageError

    said = ["--" + name.replace("_", "-") for name, value in given.items() if value]
    if said:
        raise UsageError(what, found=", ".join(said), fix="leave " + ("it" if len(said) == 1 else "them") + " out")


def _opened(run: Path, checkpoint: str) -> WriterModel:
    from audiolect.predict.caption_writer import open_caption_writer
    from audiolect.predict.run_model import locate_model

    return open_caption_writer(locate_model(run, checkpoint))


def _tell(found: OwnCaptions, out: Path | None, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        problems = [{"where": problem.where, "detail": problem.detail} for problem in found.problems]
        rows = [asdict(each) for each in found.captions]
        print_json({"captions": rows, "resumed": found.num_resumed, "problems": problems})
        return
    if out is None:
        for each in found.captions:
            console().print(f"{plain(each.file)}: {plain(each.caption)}", markup=False, soft_wrap=True)
        return
    counts = f"{human_count(len(found.captions), 'caption')}, {found.num_resumed} there before"
    print_done(f"{out}: {counts}, {len(found.problems)} left out", f"cat {shlex.quote(str(out))}")


def _tell_report(report: CaptionReport, out: Path, dataset: Dataset, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(report.path), "resumed": report.num_resumed} | report.header.model_dump(mode="json"))
        return
    header, part = report.header, report.header.dataset
    rows = [
        ("model", f"{header.model.run}, checkpoint {header.model.checkpoint} (step {header.model.step})"),
        ("recordings", f"{part.num_predicted} of {part.num_expected}"),
        *((f"left out: {reason}", str(count)) for reason, count in part.left_out.items()),
        ("style", report.style or "none"),
        ("writing", ", ".join(f"{name} {value}" for name, value in _differing(header.generation).items())),
        *(("ordered with", f"{by.model.run}, weight {by.weight:g}") for by in [header.reranking] if by is not None),
        *((row.recording_id, row.outputs[0]) for row in report.rows[:_SHOWN]),
    ]
    if report.num_resumed:
        rows.append(("gone on with", f"{report.num_resumed} recordings had been described before"))
    print_table(f"captions of {part.name}", ("", ""), rows)
    print_done(str(report.path), f"audiolect evaluate {shlex.quote(str(out))} {shlex.quote(str(dataset.folder))}")


def _differing(generation: dict[str, Any]) -> dict[str, Any]:
    """The method, and what is not as by default."""
    from audiolect.models.generation_settings import GenerationSettings

    usual = GenerationSettings().model_dump(mode="json")
    return {name: value for name, value in generation.items() if name == "method" or value != usual[name]}


def _tell_grid(reports: dict[str, CaptionReport], out: Path, dataset: Dataset, *, as_json: bool) -> None:
    from audiolect.cli.caption_scores import NAMES, quick_scores
    from audiolect.storage import write_json

    scores = {name: quick_scores(report.rows, dataset, report.header.task) for name, report in reports.items()}
    settings = {name: report.header.generation for name, report in reports.items()}
    table = [
        {"name": name, "folder": _folder_name(name), "scores": scores[name], "generation": settings[name]}
        for name in reports
    ]
    write_json(out / "grid.json", {"rows": table})
    if as_json:
        print_json({"folder": str(out), "rows": table})
        return
    best = sorted(reports, key=lambda name: -scores[name][NAMES[0]])
    rows = [(name, *(f"{scores[name][metric]:.4f}" for metric in NAMES)) for name in best]
    print_table(f"{len(rows)} ways to write, the best first", ("way", *NAMES), rows, right=range(1, len(NAMES) + 1))
    first = out / _folder_name(best[0])
    print_done(str(out), f"audiolect evaluate {shlex.quote(str(first))} {shlex.quote(str(dataset.folder))}")


def _folder_name(name: str) -> str:
    return re.sub(r"[^\w.=-]+", "-", name)
