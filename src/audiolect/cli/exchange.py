"""The verbs that deal with other people's layouts: ``import`` and ``export``.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import command_line, print_done, print_json, rich_progress
from audiolect.cli.data import Missing
from audiolect.cli.exchanged import export_as_json, print_dataset, print_export, say_export, say_import
from audiolect.cli.model_exporting import ModelExport, export_model
from audiolect.cli.predicted_elsewhere import PredictionsImport, import_predictions

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.formats.request import ExportRequest, ImportRequest

_GROUP = "Data"

_Format = Annotated[
    str,
    typer.Argument(
        help="flamingo-1, flamingo-2, flamingo-3, audiofolder, dcase or webdataset, of a dataset; or hf, of a run: a "
        "folder for transformers.",
        show_default=False,
        metavar="FORMAT",
    ),
]
_ImportFormat = Annotated[
    str,
    typer.Argument(
        help="flamingo-1, flamingo-2, flamingo-3, audiofolder, dcase or webdataset; or predictions, for captions that "
        "another program predicted.",
        show_default=False,
        metavar="FORMAT",
    ),
]
_OfDataset = Annotated[
    Path | None, typer.Option("--dataset", help="predictions: the dataset whose recordings were described.")
]
_AudioRoot = Annotated[
    Path | None, typer.Option("--audio-root", help="The folder of the audio, where it is not the one that is stated.")
]
_MissingAudio = Annotated[
    Missing, typer.Option("--missing", help="Recordings without audio: list them and go on without, or refuse.")
]
_ImportRate = Annotated[
    int | None,
    typer.Option(
        "--rate",
        "--rate-hz",
        min=1,
        help="Hz. With --no-audio: the rate at which stated seconds are counted as samples (default 16000). "
        "dcase: the rate of HDF5 files that do not state theirs. No audio is resampled.",
    ),
]
_ExportRate = Annotated[
    int | None,
    typer.Option(
        "--rate",
        "--rate-hz",
        min=1,
        help="Hz. dcase with --hdf5: resample the packed waveforms to it. Default: the one rate that all recordings "
        "have. Files of audio are never resampled.",
    ),
]
# What only some formats take; the letter of check_import and check_export names them.
_Task = Annotated[str | None, typer.Option("--task", help="The task, where the source tells none.")]
_Split = Annotated[str | None, typer.Option("--split", help="The split, where the source tells none.")]
_NoAudio = Annotated[bool, typer.Option("--no-audio", help="Look at no audio; lengths are what the source says.")]
_Separate = Annotated[
    bool | None,
    typer.Option("--separate/--gather", help="One example for each entry, or one for all answers to one question."),
]
_Table = Annotated[str | None, typer.Option("--table", help="audiofolder: jsonl or csv.")]
_CaptionLists = Annotated[
    bool, typer.Option("--caption-lists", help="audiofolder: a list of captions in the place of caption_1, caption_2 …")
]
_Hdf5 = Annotated[str | None, typer.Option("--hdf5", help="dcase: also waveforms, as float16 or int16.")]
_ShardRecordings = Annotated[
    int | None, typer.Option("--shard-recordings", min=1, help="webdataset: at most so many recordings in a shard.")
]
_ShardBytes = Annotated[
    int | None,
    typer.Option(
        "--shard-bytes", min=1, help="webdataset: a shard ends before it outgrows so many bytes. Default: 1 GiB."
    ),
]
_Exported = Annotated[
    Path, typer.Argument(help="A dataset folder, as `prepare` writes it; for hf a run.", show_default=False)
]
_Checkpoint = Annotated[str | None, typer.Option("--checkpoint", help="hf: best, last, or a step. Default: best.")]
_CardScores = Annotated[
    list[Path] | None, typer.Option("--scores", help="hf: scores of this model, for its card; may be repeated.")
]
_CardLicense = Annotated[
    str | None,
    typer.Option("--license", help="hf: of the model. Default: the strictest of its data, where it is known."),
]
_CardStyle = Annotated[
    str | None, typer.Option("--style", help="hf: how a captioner's pipeline sounds, where it knows several styles.")
]
_Name = Annotated[str | None, typer.Option("--name", help="Of the dataset. Default: what the source says.")]
_Version = Annotated[str | None, typer.Option("--corpus-version", help="For the card.")]
_License = Annotated[str | None, typer.Option("--license", help="For the card.")]
_Citation = Annotated[str | None, typer.Option("--citation", help="For the card.")]
_Hash = Annotated[
    bool, typer.Option("--hash/--no-hash", help="Decode every recording, to find damage and give it a PCM hash.")
]
_Source = Annotated[Path, typer.Argument(help="The file or folder to read.", show_default=False)]
_Copy = Annotated[bool, typer.Option("--copy", help="Copy the audio.")]
_Link = Annotated[bool, typer.Option("--link", help="Bring the audio by hard links, which take no space.")]
_Symlink = Annotated[bool, typer.Option("--symlink", help="Bring the audio by symbolic links.")]
_Rename = Annotated[
    list[str] | None, typer.Option("--rename-split", help="OLD=NEW: write a split under another name; repeatable.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("import", rich_help_panel=_GROUP)(import_)
    app.command("export", rich_help_panel=_GROUP)(export)


def import_(
    layout: _ImportFormat,
    source: _Source,
    *,
    out: options.Out,
    name: _Name = None,
    task: _Task = None,
    split: _Split = None,
    audio_root: _AudioRoot = None,
    no_audio: _NoAudio = False,
    rate: _ImportRate = None,
    missing: _MissingAudio = Missing.LIST,
    separate: _Separate = None,
    version: _Version = None,
    license: _License = None,
    citation: _Citation = None,
    jobs: options.Jobs = 0,
    max_problems: options.MaxProblems = None,
    hash_audio: _Hash = True,
    dataset: _OfDataset = None,
    where: options.Where = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Turn somebody else's manifests or folders into a dataset folder. Audio stays where it is.

    audiolect import flamingo-2 OpenAQA-AQA/train.json --out openaqa --no-audio --rate 16000

    audiolect import audiofolder my_audiofolder --out mine

    audiolect import predictions theirs.csv --dataset clotho --split evaluation --out theirs.jsonl
    """
    from audiolect.corpora.intake import IntakeOptions
    from audiolect.formats.request import ImportRequest

    asked = PredictionsImport(source, out, dataset, task, split, where, name, overwrite, dry_run)
    if import_predictions(layout, asked, as_json=as_json):
        return

    request = ImportRequest(
        source=source,
        out=out,
        name=name,
        task=task,
        split=split,
        audio_root=audio_root,
        no_audio=no_audio,
        rate_hz=rate,
        missing=missing.value,
        separate=separate,
        version=version,
        license=license,
        citation=citation,
        options=IntakeOptions(
            jobs=jobs, overwrite=overwrite, max_problems=max_problems, hash_audio=hash_audio, command=command_line()
        ),
        progress=rich_progress,
    )
    _run_import(layout, request, dry_run=dry_run, as_json=as_json)


def export(
    layout: _Format,
    source: _Exported,
    *,
    out: options.Out,
    copy: _Copy = False,
    link: _Link = False,
    symlink: _Symlink = False,
    audio_root: _AudioRoot = None,
    where: options.Where = None,
    missing: _MissingAudio = Missing.REFUSE,
    keep_quarantined: options.KeepQuarantined = False,
    rename_split: _Rename = None,
    table: _Table = None,
    caption_lists: _CaptionLists = False,
    hdf5: _Hdf5 = None,
    rate: _ExportRate = None,
    shard_recordings: _ShardRecordings = None,
    shard_bytes: _ShardBytes = None,
    checkpoint: _Checkpoint = None,
    scores: _CardScores = None,
    license: _CardLicense = None,
    style: _CardStyle = None,
    jobs: options.Jobs = 0,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Write a dataset in somebody else's layout; audio is copied or linked where that is asked for, and never moved.
    Or write a trained model for transformers (hf), with its card.

    audiolect export audiofolder clotho --out clotho_audiofolder --link --rename-split development=train

    audiolect export dcase clotho --out clotho_dcase --hdf5 int16 --rate 32000

    audiolect export hf runs/captions --scores scores.json --out whisper-clotho
    """
    from audiolect.formats.request import ExportRequest

    kept = {"table": table, "hdf5": hdf5, "shard_recordings": shard_recordings, "shard_bytes": shard_bytes}
    flags: dict[str, object] = {f"--{name.replace('_', '-')}": value for name, value in kept.items()}
    flags |= {"--copy": copy, "--link": link, "--symlink": symlink, "--audio-root": audio_root, "--where": where}
    flags |= {"--rename-split": rename_split, "--caption-lists": caption_lists, "--rate": rate}
    flags |= {"--keep-quarantined": keep_quarantined}
    model = ModelExport(source, out, checkpoint, scores or (), license, style, overwrite, dry_run)
    if export_model(layout, model, flags, as_json=as_json):
        return
    request = ExportRequest(
        dataset=_part_of(source, audio_root, where), out=out,
        audio=_audio_mode(copy=copy, link=link, symlink=symlink), missing=missing.value,
        rename_splits=_renames(rename_split or []), table=table, caption_lists=caption_lists, hdf5=hdf5, rate_hz=rate,
        shard_recordings=shard_recordings, shard_bytes=shard_bytes, keep_quarantined=keep_quarantined,
        overwrite=overwrite, dry_run=dry_run, jobs=jobs, command=command_line(), progress=rich_progress,
    )  # fmt: skip
    _run_export(layout, request, as_json=as_json)


def _part_of(folder: Path, audio_root: Path | None, where: str | None) -> Dataset:
    from audiolect.data.dataset import filter_dataset, open_dataset

    opened = open_dataset(folder, audio_root=audio_root)
    return opened if where is None else filter_dataset(opened, where)


def _run_import(layout: str, request: ImportRequest, *, dry_run: bool, as_json: bool) -> None:
    from audiolect.formats.table import check_import, get_format

    check_import(layout, request)
    read = get_format(layout).read
    if dry_run or read is None:
        _check_free(request)
        say_import(layout, request, as_json=as_json)
        return
    dataset = read(request)
    if as_json:
        print_json(dataset.card.model_dump(mode="json") | {"folder": str(dataset.folder)})
        return
    print_dataset(dataset)
    print_done(str(request.out), f"audiolect show {shlex.quote(str(request.out))}")


def _run_export(layout: str, request: ExportRequest, *, as_json: bool) -> None:
    from audiolect.formats.table import FORMATS, check_export, get_format

    check_export(layout, request)
    write = get_format(layout).write
    if write is None:
        return  # check_export has refused it
    exported = write(request)
    if request.dry_run:
        say_export(layout, request, exported, as_json=as_json)
        return
    if as_json:
        print_json(export_as_json(exported))
        return
    print_export(layout, exported)
    again = shlex.join(["audiolect", "import", layout, str(request.out), "--out", f"{request.out}-read-back"])
    print_done(str(request.out), again if FORMATS[layout].read else f"audiolect show {request.dataset.folder}")


def _check_free(request: ImportRequest) -> None:
    from audiolect.errors import AlreadyExists

    if request.out.exists() and not request.options.overwrite:
        raise AlreadyExists("The target exists.", where=request.out, fix="give another --out, or --overwrite")


def _audio_mode(**asked: bool) -> str | None:
    from audiolect.errors import UsageError

    modes = [mode for mode, is_asked in asked.items() if is_asked]
    if len(modes) > 1:
        raise UsageError(
            "Audio comes along in one way.", found=", ".join(f"--{mode}" for mode in modes), fix="choose one"
        )
    return modes[0] if modes else None


def _renames(texts: list[str]) -> dict[str, str]:
    from audiolect.errors import UsageError

    renames: dict[str, str] = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not (old and equals and new) or "/" in new or old in renames:
            raise UsageError(
                "A split cannot be renamed so.", where="--rename-split", expected="OLD=NEW, each once", found=text
            )
        renames[old] = new
    return renames
