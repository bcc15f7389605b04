"""The verb ``pack``: the sound of a dataset as one folder of samples that training reads at the speed of the disk.

Public names: add_verbs.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiolect.cli import options
from audiolect.cli.console import (
    command_line,
    console,
    errors_console,
    human_bytes,
    human_count,
    human_seconds,
    print_done,
    print_json,
    print_table,
    rich_progress,
)

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.loader.pack_check import PackCheck
    from audiolect.loader.pack_plan import PackPlan, PackSettings
    from audiolect.loader.pack_writer import PackReport

_GROUP = "Data"
_VERIFY = "verify"
_GB = 1_000_000_000
_SHOWN_PROBLEMS = 5
_SHOWN_DAMAGES = 40

Sources = Annotated[
    list[Path],
    typer.Argument(help="A dataset folder; or: verify PACK.", show_default=False, metavar="DATASET | verify PACK"),
]
PackFolder = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where to write. A pack that is there is added to.")
]
RateHz = Annotated[int | None, typer.Option("--rate-hz", help="The sample rate of the pack, e.g. 32000.")]
Codec = Annotated[
    str, typer.Option("--codec", help="pcm: fastest. flac: about two thirds of the bytes, much slower to read.")
]
MaxShardGb = Annotated[
    float | None,
    typer.Option(
        "--max-shard-gb",
        help="The most that one file may hold, in GB (1000 MB).",
        show_default="1, or that of the pack that is added to",
    ),
]
Split = Annotated[str | None, typer.Option("--split", help="Only recordings of this split.")]
Retry = Annotated[bool, typer.Option("--retry", help="Decode again what an earlier run could not read.")]
AudioRoot = Annotated[
    Path | None, typer.Option("--audio-root", help="Where the audio is now, if not where the card says.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("pack", rich_help_panel=_GROUP)(pack)


def pack(
    source: Sources,
    *,
    out: PackFolder = None,
    rate_hz: RateHz = None,
    codec: Codec = "pcm",
    max_shard_gb: MaxShardGb = None,
    jobs: options.Jobs = 0,
    split: Split = None,
    where: options.Where = None,
    keep_quarantined: options.KeepQuarantined = False,
    retry: Retry = False,
    audio_root: AudioRoot = None,
    max_problems: options.MaxProblems = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Pack a dataset: decode, mix to mono, resample, and keep everything as 16-bit samples for the loader.

    audiolect pack world --rate-hz 32000 --out world-32k

    audiolect pack verify world-32k

    The same command goes on with a pack that was stopped, and adds what a dataset has got since.
    """
    from audiolect.loader.pack_plan import PackSettings, plan_pack

    if source[0] == Path(_VERIFY):
        _verify(source[1:], jobs, as_json=as_json)
        return
    dataset, target, rate = _checked(source, out, rate_hz, audio_root)
    settings = PackSettings(
        rate_hz=rate,
        codec=codec,
        max_shard_bytes=None if max_shard_gb is None else _bytes_of(max_shard_gb),
        jobs=jobs,
        split=split,
        where=where,
        keep_quarantined=keep_quarantined,
        retry=retry,
        overwrite=overwrite,
        max_problems=max_problems,
        command=command_line(),
    )
    if dry_run:
        _print_plan(plan_pack(dataset, target, settings), as_json=as_json)
        return
    report = _write(dataset, target, settings)
    if as_json:
        print_json(_as_json(report))
        return
    _print_report(report, retry=retry)
    print_done(str(target), f"audiolect pack verify {shlex.quote(str(target))}")


def _checked(
    source: list[Path], out: Path | None, rate_hz: int | None, audio_root: Path | None
) -> tuple[Dataset, Path, int]:
    from audiolect.data.dataset import open_dataset
    from audiolect.errors import UsageError

    if len(source) != 1 or out is None or rate_hz is None:
        missing = [name for name, value in (("--rate-hz", rate_hz), ("--out", out)) if value is None]
        raise UsageError(
            "It takes one dataset, a sample rate and a place to write.",
            expected="audiolect pack DATASET --rate-hz 32000 --out PACK, or audiolect pack verify PACK",
            found=f"without {' and '.join(missing)}" if missing else f"{len(source)} datasets",
        )
    return open_dataset(source[0], audio_root=audio_root), out, rate_hz


def _bytes_of(gigabytes: float) -> int:
    return round(gigabytes * _GB) if math.isfinite(gigabytes) else 0  # which is refused


def _write(dataset: Dataset, target: Path, settings: PackSettings) -> PackReport:
    from audiolect.loader.pack_writer import write_pack

    try:
        return write_pack(dataset, target, settings, progress=rich_progress)
    except KeyboardInterrupt:
        errors_console().print("What is packed stays: the same command goes on from here.", highlight=False)
        raise


def _print_plan(plan: PackPlan, *, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "to pack": plan.pending.height,
        "seconds": round(plan.seconds, 3),
        "bytes as pcm": int(plan.pending["packed_bytes"].sum()),
        "in the pack already": plan.num_packed,
        "quarantined": len(plan.quarantined),
        "unreadable in an earlier run": len(plan.unreadable),
    }
    if as_json:
        print_json(facts | {"folder": None})
        return
    shown = facts | {"seconds": human_seconds(plan.seconds), "bytes as pcm": human_bytes(facts["bytes as pcm"])}
    print_table(f"pack {plan.target}: nothing is written", ("", ""), list(shown.items()))


def _as_json(report: PackReport) -> dict[str, Any]:
    card = report.card
    return {
        "folder": str(report.folder),
        "recordings": card.num_recordings,
        "seconds": round(card.num_samples / card.rate_hz, 3),
        "shards": len(card.shards),
        "num_bytes": sum(shard.num_bytes for shard in card.shards),
        "added": report.num_added,
        "resumed": report.num_resumed,
        "left_out": dict(card.left_out),
        "fingerprint": card.fingerprint,
    }


def _print_report(report: PackReport, *, retry: bool) -> None:
    card = report.card
    if not report.num_added and not report.new_problems:
        console().print("Nothing new: every recording that can be packed is in the pack.", highlight=False)
    added = f"{report.num_added} in {human_count(report.added_shards, 'new shard')}, {human_bytes(report.added_bytes)}"
    if report.num_resumed:
        added += f"; {report.num_resumed} of them by a run that was stopped"
    num_bytes = human_bytes(sum(shard.num_bytes for shard in card.shards))
    rows = [
        ("recordings", f"{card.num_recordings}, {human_seconds(card.num_samples / card.rate_hz)}"),
        ("samples", f"{card.rate_hz} Hz, mono, {card.codec}: {human_count(len(card.shards), 'shard')}, {num_bytes}"),
        ("added", added),
    ]
    rows += [(f"left out: {reason}", str(count)) for reason, count in card.left_out.items()]
    print_table(f"pack of {card.dataset}", ("", ""), rows)
    for problem in report.new_problems[:_SHOWN_PROBLEMS]:
        console().print(f"{problem.reason}: {problem.where}: {problem.detail}", markup=False, highlight=False)
    if report.problems:
        more = "" if retry else "; --retry decodes again what could not be read"
        console().print(
            f"All are in {report.folder / 'problems.jsonl'}{more}.", markup=False, highlight=False, soft_wrap=True
        )


def _verify(folders: list[Path], jobs: int, *, as_json: bool) -> None:
    from audiolect.errors import UsageError
    from audiolect.loader.pack_check import check_pack
    from audiolect.parallel import cpu_count

    if len(folders) != 1:
        raise UsageError("It verifies one pack.", expected="audiolect pack verify PACK", found=f"{len(folders)} packs")
    found = check_pack(folders[0], jobs=jobs or cpu_count(), progress=rich_progress)
    if as_json:
        damages = [{key: value for key, value in asdict(each).items() if value is not None} for each in found.damages]
        print_json({"folder": str(found.folder), "is_whole": not damages, "damages": damages})
    else:
        _print_check(found)
    if found.damages:
        raise typer.Exit(1)


def _print_check(found: PackCheck) -> None:
    card = found.card
    if not found.damages and card is not None:
        num_bytes = human_bytes(sum(shard.num_bytes for shard in card.shards))
        recordings = human_count(card.num_recordings, "recording")
        console().print(
            f"Whole: {recordings} in {human_count(len(card.shards), 'shard')}, {num_bytes}.", highlight=False
        )
        return
    rows = [
        (
            each.file,
            "" if each.start_byte is None else f"{each.start_byte} to {each.end_byte}",
            each.recording_id or "",
            each.what,
        )
        for each in found.damages[:_SHOWN_DAMAGES]
    ]
    more = f", the first {_SHOWN_DAMAGES}" if len(found.damages) > _SHOWN_DAMAGES else ""
    print_table(f"damaged: {len(found.damages)}{more}", ("file", "bytes", "recording", "what"), rows)
    console().print("Copy the damaged files again, or make the pack anew with --overwrite.", highlight=False)
