"""GTZAN: 1,000 pieces of music of 30 s in 10 genres.

    gtzan/
      genres_original/blues/blues.00000.wav …      or genres/…, or the folders of the genres themselves
      train_filtered.txt  valid_filtered.txt  test_filtered.txt      the fault-filtered split, optional: GENRE/FILE

Conventions: ids are ``gtzan/blues.00000``. GTZAN has no split of its own: all is ``all``. With the three lists of the
fault-filtered split beside the folders, theirs are the splits ``train``, ``valid`` and ``test``, and recordings that
none of them names are left out and counted in the notes, as that is what the filter is for. One GenreClassification
example for each recording. ``jazz.00054.wav`` is damaged in the widespread copy: it is listed as a Problem like any
other file that cannot be read.

GTZAN holds exact repetitions, pieces of one artist in many places, and wrong labels. Nothing in it says which pieces
are of one artist, so ``group`` is empty; numbers on a random division of it are too high.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, NUM_RECORDINGS, GENRES, declare, prepare.

Source: G. Tzanetakis, P. Cook, "Musical Genre Classification of Audio Signals", IEEE TSAP 10(5), 2002; faults: B. L.
Sturm, "The GTZAN dataset: Its contents, its faults, their effects on evaluation, and its future use", 2013; the
filtered split: C. Kereliuk, B. L. Sturm, J. Larsen, "Deep Learning and Music Adversaries", 2015."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from audiolect.corpora.audio_listing import list_audio
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal, intake
from audiolect.corpora.published import Declared, find_file, relative_name, wrong_layout
from audiolect.corpora.source_tables import TableLayout, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.errors import TableError
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS

NAME = "gtzan"
VERSION = "1.0"
LICENSE = "not stated"
CITATION = "G. Tzanetakis, P. Cook, Musical Genre Classification of Audio Signals, IEEE TSAP 10(5), 2002"
URLS = ("http://marsyas.info/downloads/datasets.html",)

NUM_RECORDINGS = 1000
GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(30, 22_050)
_FOLDERS = ("genres_original", "genres", "Data/genres_original", "")
_LISTS = {split: (f"{split}_filtered.txt",) for split in ("train", "valid", "test")}


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with GTZAN.

    Raises:
        TableError: no folder of a genre is there, or only a part of the lists of the filtered split.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    declared = declare(source)
    # Of the filtered split as many recordings are expected as it names.
    expected = len(declared.drafts) + len(declared.problems) if declared.notes["filtered"] else NUM_RECORDINGS
    return intake(
        CorpusInfo(NAME, VERSION, LICENSE, CITATION, expected, _NOMINAL, NAME),
        source,
        declared.drafts,
        declared.examples,
        out,
        options,
        progress,
        declared.problems,
        notes=declared.notes,
    )


def declare(source: Path) -> Declared:
    """What the folders and the lists say, without a look into the audio.

    Raises:
        TableError: as ``prepare``.
    """
    below = next((name for name in _FOLDERS if any((source / name / genre).is_dir() for genre in GENRES)), None)
    if below is None:
        raise wrong_layout(
            "GTZAN",
            source,
            expected="the folders of the genres",
            looked_for=[(PurePosixPath(name) / GENRES[0]).as_posix() for name in _FOLDERS],
            url=URLS[0],
        )
    split_of = _read_lists(source)
    declared = Declared(notes={"url": URLS[0], "filtered": bool(split_of)})
    present: set[str] = set()
    left_out = 0
    for genre in GENRES:
        folder = PurePosixPath(below) / genre
        for path in list_audio(source / folder):
            stem = PurePosixPath(path).stem
            present.add(stem)
            if split_of and stem not in split_of:
                left_out += 1
            else:
                _declare_one((folder / path).as_posix(), stem, genre, split_of.get(stem, "all"), declared)
    if split_of:
        declared.notes["left_out_by_filter"] = left_out
        absent = [stem for stem in split_of if stem not in present]
        declared.problems.extend(
            Problem("missing", f"{NAME}/{stem}", f"no audio file is named {stem}") for stem in absent
        )
    return declared


def _declare_one(path: str, stem: str, genre: str, split: str, declared: Declared) -> None:
    one, task = f"{NAME}/{stem}", "GenreClassification"
    declared.drafts.append(Draft(one, path, split=split, labels=(genre,)))
    declared.names[one] = (stem,)
    declared.examples.append(Example(f"{one}#{task}", one, split, task, TASKS[task].prompts[0], (genre,)))


def _read_lists(source: Path) -> dict[str, str]:
    """Name → split of the filtered split; nothing where it is not there."""
    found = {split: find_file(source, names, ("", "splits", "split")) for split, names in _LISTS.items()}
    absent = [_LISTS[split][0] for split, path in found.items() if path is None]
    if len(absent) == len(found):
        return {}
    if absent:
        raise TableError(
            "Only a part of the lists of the filtered split is there.",
            where=source,
            expected=", ".join(names[0] for names in _LISTS.values()),
            found=f"without {', '.join(absent)}",
            fix="add them, or take the lists away to prepare all of GTZAN",
        )
    split_of: dict[str, str] = {}
    for split, path in found.items():
        if path is None:
            continue
        table = read_table(path, TableLayout(header=("file",)), name=relative_name(path, source))
        for row in table.rows():
            stem = PurePosixPath(row["file"].strip()).stem
            if split_of.setdefault(stem, split) != split:
                raise TableError(
                    "A recording is in two of the lists of the filtered split.",
                    where=row.where,
                    expected=f"{stem} in {split_of[stem]} only",
                    found=f"{stem} in {split} too",
                )
    return split_of
