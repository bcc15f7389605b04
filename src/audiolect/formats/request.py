"""What a person asks of a format, and what comes back: the words that readers and writers of formats share.

Conventions: a reader gets an ImportRequest and makes a dataset folder at ``out``, through ``landing.land``. A writer
gets an ExportRequest and fills a folder at ``out``, within ``shipping.ship``. Both folders appear whole or not at all.
What is None or empty was not asked for. Which of the optional fields a format understands stands in its entry in
``table.FORMATS``; the others are refused before it is called.

Public names: ImportRequest, ExportRequest, Exported, MISSING_POLICIES.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audiolect.corpora.intake import IntakeOptions
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.progress import Progress, silent_progress

# What becomes of recordings whose audio is not there.
MISSING_POLICIES: dict[str, str] = {
    "list": "leave them out with their examples, and list each as a Problem",
    "refuse": "stop before anything is written",
}


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is asked of a reader.

    Args:
        source: the file or folder of the other format.
        out: the dataset folder to write.
        name: of the dataset, where the source tells none, or in its place.
        task: a name of ``tasks.TASKS``, where the source tells none.
        split: where the source tells none.
        audio_root: the folder that the audio is in, where the source tells none, or where it has moved to.
        no_audio: take lengths from the source's own words and look at no audio.
        rate_hz: with ``no_audio``, the rate at which those lengths are counted.
        missing: a key of MISSING_POLICIES.
        separate: make an example of each entry; False: of all answers to one prompt about one recording; None: as the
            format is best read.
        version, license, citation: for the card, where the source tells none.
        options: how the intake runs.
        progress: told of long work.
    """

    source: Path
    out: Path
    name: str | None = None
    task: str | None = None
    split: str | None = None
    audio_root: Path | None = None
    no_audio: bool = False
    rate_hz: int | None = None
    missing: str = "list"
    separate: bool | None = None
    version: str | None = None
    license: str | None = None
    citation: str | None = None
    options: IntakeOptions = field(default_factory=IntakeOptions)
    progress: Progress = silent_progress


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is asked of a writer.

    Args:
        dataset: what to write.
        out: the folder to make.
        audio: a key of ``linking.AUDIO_MODES``; None: as the format does it by itself.
        missing: a key of MISSING_POLICIES.
        rename_splits: split → the name that it gets; ``shipping.ship`` has renamed them before the writer looks.
        table: the kind of table to write, where the format knows several.
        caption_lists: the captions of a recording as one list, where the format knows several ways.
        hdf5: how waveforms are packed into HDF5, where the format can: a key of ``dcase_waveforms.CODINGS``.
        rate_hz: to which they are resampled; None: the rate that all recordings have.
        shard_recordings, shard_bytes: where a shard ends, for formats that have shards.
        keep_quarantined: also write what the quarantine list of the dataset names.
        overwrite: replace ``out``, once the new one is complete.
        dry_run: check everything that can be told before anything is written, and write nothing.
        jobs: processes that look at audio; 0 means one for each processor.
        command: the command line, for the card of the export.
        progress: told of long work.
    """

    dataset: Dataset
    out: Path
    audio: str | None = None
    missing: str = "refuse"
    rename_splits: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    caption_lists: bool = False
    hdf5: str | None = None
    rate_hz: int | None = None
    shard_recordings: int | None = None
    shard_bytes: int | None = None
    keep_quarantined: bool = False
    overwrite: bool = False
    dry_run: bool = False
    jobs: int = 1
    command: str = ""
    progress: Progress = silent_progress


@dataclass(frozen=True, slots=True)
class Exported:
    """What a writer has written.

    Args:
        folder: where.
        files: each table written, relative to the folder, and how many entries it has.
        num_audio: files of audio that were copied, linked or cut.
        left_out: what the format has no place for, and how much of it there was.
        problems: what could not be written although it should.
        quarantined: recordings and examples that were left out because they are quarantined.
        hints: what a person should know before using it.
    """

    folder: Path
    files: Mapping[str, int]
    num_audio: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    quarantined: Mapping[str, int] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
