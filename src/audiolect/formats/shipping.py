"""From a dataset to a folder of another format: the one door that every writer goes through.

    def write(request: ExportRequest) -> Exported:
        return ship(request, "my-format", _fill)

    def _fill(folder: Path, cargo: Cargo) -> Exported:
        ...                                  # tables into ``folder``; audio by ``cargo.place``

Conventions: the folder appears whole or not at all. It holds ``card.json``, which says what was exported, from which
dataset (fingerprints), by which command, and what was left out; and ``problems.jsonl`` where something could not be
written. What the quarantine list of the dataset names is left out, unless it is asked for. Every file is named through
``storage.safe_join``: no path and no id of a dataset leads out of the folder. Audio is copied or linked, never moved.
``docs/formats_of_others.md`` describes each layout.

Public names: Cargo, ship, CARD_NAME.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl

from audiolect.data.audio_at_hand import need_audio
from audiolect.data.dataset import Dataset
from audiolect.data.problems import REASONS, Problem, count_by_reason
from audiolect.data.quarantine import find_quarantined, leave_out
from audiolect.errors import AlreadyExists, DatasetError, UnsafePath, UsageError, unknown_name
from audiolect.formats.linking import AUDIO_MODES, AudioPlan, Placement, place_files
from audiolect.formats.request import MISSING_POLICIES, Exported, ExportRequest
from audiolect.storage import atomic_folder, file_header, write_json, write_jsonl

CARD_NAME = "card.json"
FORMAT_KIND = "export"
VERSION = 1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Cargo:
    """What a writer works with: the dataset with its splits renamed, the folder's last place, and what was asked.

    Nothing stands at ``out`` yet, but it is the place that paths inside of manifests must name.
    """

    dataset: Dataset
    out: Path
    request: ExportRequest

    def present(self) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
        """Recordings whose files exist, their examples, and a Problem for each recording that was dropped.

        Raises:
            DatasetError: files are missing, and the request says to refuse that.
        """
        recordings, examples = self.dataset.recordings, self.dataset.examples
        absent = {path: why for path in recordings["path"].unique(maintain_order=True) if (why := self._lacks(path))}
        if not absent:
            return recordings, examples, []
        if self.request.missing == "refuse":
            need_audio(recordings.filter(pl.col("path").is_in(list(absent))), self.dataset.folder, "to export")
            raise DatasetError(
                f"The audio of the dataset is not there: {len(absent)} of {recordings['path'].n_unique()} files.",
                where=self.dataset.audio_root,
                found="not found: " + ", ".join(list(absent)[:_SHOWN]) + (", …" if len(absent) > _SHOWN else ""),
                cause="the audio has moved since the dataset was made",
                fix="--audio-root FOLDER names where it is now; --missing list leaves those recordings out",
            )
        gone = recordings["path"].is_in(list(absent))
        problems = [
            Problem(absent[path], recording_id, f"{path}: {REASONS[absent[path]]}")
            for recording_id, path in recordings.filter(gone).select("recording_id", "path").iter_rows()
        ]
        kept = recordings.filter(~gone)
        asked = examples.join(kept.select("recording_id"), on="recording_id", how="semi", maintain_order="left")
        return kept, asked, problems

    def place(self, placements: Sequence[Placement], default: str = "link") -> int:
        """Bring audio along in the way that was asked for, or else in the format's own."""
        return place_files(placements, self.request.audio or default, self.request.progress)

    def place_each(self, recordings: pl.DataFrame, plan: AudioPlan, targets: Mapping[str, Path]) -> int:
        """Bring a file of its own for each recording, as ``plan_audio`` planned it.

        Args:
            recordings: of the dataset.
            plan: which of them are parts of files.
            targets: recording id → where its file is to stand. Recordings with one target are one file.
        """
        placements: dict[Path, Placement] = {}
        for recording_id, path in recordings.select("recording_id", "path").iter_rows():
            if recording_id in targets:
                start, count = plan.spans.get(plan.names[recording_id], (0, None))
                source = self.dataset.audio_path(path)
                placements[targets[recording_id]] = Placement(source, targets[recording_id], start, count)
        return self.place(list(placements.values()))

    def _lacks(self, path: str) -> str:
        """The reason why a file cannot be brought along, "" where it can."""
        try:
            return "" if self.dataset.audio_path(path).is_file() else "missing"
        except UnsafePath:
            return "unsafe-path"


def ship(request: ExportRequest, layout: str, fill: Callable[[Path, Cargo], Exported]) -> Exported:
    """Make the folder of an export: ``fill`` writes its tables and audio, the card comes last.

    Args:
        request: what was asked.
        layout: the name of the format, for the card.
        fill: gets the temporary folder and the cargo, and says what it wrote (its ``folder`` is replaced).

    Raises:
        UsageError: an unknown split, policy or mode; or ``out`` holds the dataset or its audio.
        DatasetError: there is nothing to write, or the quarantine list is of another dataset.
        UnsafePath: a path or name of the dataset leads out of the folder.
        AlreadyExists, StorageError: ``out`` cannot be written.
    """
    _check(request)
    _check_free(request)
    found = None if request.keep_quarantined else find_quarantined(request.dataset)
    dataset = request.dataset if found is None else leave_out(request.dataset, found)
    quarantined = {} if found is None else {"recordings": len(found.recordings), "examples": len(found.examples)}
    cargo = Cargo(_renamed(dataset, request.rename_splits), request.out.absolute(), request)
    if cargo.dataset.recordings.is_empty():
        raise DatasetError("The dataset has no recordings to export.", where=request.dataset.folder)
    if request.dry_run:
        return Exported(request.out, {}, quarantined=quarantined)
    with atomic_folder(request.out, overwrite=request.overwrite) as folder:
        exported = replace(fill(folder, cargo), quarantined=quarantined)
        if exported.problems:
            write_jsonl(folder / "problems.jsonl", (asdict(problem) for problem in exported.problems))
        write_json(folder / CARD_NAME, _card(cargo, layout, exported))
    return replace(exported, folder=request.out)


def _card(cargo: Cargo, layout: str, exported: Exported) -> dict[str, object]:
    card = cargo.dataset.card
    return file_header(FORMAT_KIND, VERSION) | {
        "layout": layout,
        "dataset": card.name,
        "corpus_version": card.corpus_version,
        "license": card.license,
        "citation": card.citation,
        "fingerprint": card.fingerprint,
        "examples_fingerprint": card.examples_fingerprint,
        "command": cargo.request.command,
        "renamed_splits": dict(cargo.request.rename_splits),
        "files": dict(exported.files),
        "num_audio": exported.num_audio,
        "left_out": dict(exported.left_out),
        "quarantined": dict(exported.quarantined),
        "problems": count_by_reason(exported.problems),
    }


def _check(request: ExportRequest) -> None:
    if request.missing not in MISSING_POLICIES:
        raise unknown_name("policy for missing audio", request.missing, MISSING_POLICIES, where="--missing")
    if request.audio is not None and request.audio not in AUDIO_MODES:
        raise unknown_name("way to bring audio along", request.audio, AUDIO_MODES)
    out = Path(os.path.realpath(request.out))
    for what, folder in (("audio", request.dataset.audio_root), ("dataset", request.dataset.folder)):
        if Path(os.path.realpath(folder)).is_relative_to(out):
            raise UsageError(
                f"The export would stand in the place of the {what}.",
                where=request.out,
                expected="a folder of its own",
                found=f"the {what} is in {folder}",
                fix="give another --out",
            )


def _check_free(request: ExportRequest) -> None:
    if request.dry_run and request.out.exists() and not request.overwrite:
        raise AlreadyExists("The target exists.", where=request.out, fix="give another --out, or --overwrite")


def _renamed(dataset: Dataset, names: Mapping[str, str]) -> Dataset:
    if not names:
        return dataset
    for name in names:
        if name not in dataset.card.splits:
            raise unknown_name("split", name, dataset.card.splits, where=dataset.folder)
    renamed = pl.col("split").replace(dict(names))
    return replace(
        dataset,
        scan_recordings=dataset.scan_recordings.with_columns(renamed),
        scan_examples=dataset.scan_examples.with_columns(renamed),
    )
