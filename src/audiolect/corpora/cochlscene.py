"""CochlScene: 76,115 recordings of 10 s of 13 acoustic scenes, made by 831 people with their telephones.

    CochlScene/
      Train/Bus/Bus_user0138_14982408_001.wav …
      Val/…  Test/…

Conventions: there is no table; split and scene are the two folders that a file is in, and the file is named after the
scene, the person, the recording and the piece of it. Ids are ``cochlscene/Bus_user0138_14982408_001``; the splits are
``train``, ``valid``, ``test``. Recordings of one person share ``group``, because pieces of one recording are all but
the same sound; a file that is named otherwise has none, and is counted in the notes. Labels are the names of the
folders in words (SCENES). One SceneClassification example each.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, SCENES, declare, prepare.

Source: I. Jeong, J. Park, "CochlScene: Acquisition of acoustic scene data using crowdsourcing", APSIPA ASC 2022. The
names of files were seen in listings of others; the licence was not, and is to be read at the place of the download.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from audiolect.corpora.audio_listing import list_audio
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal, intake
from audiolect.corpora.published import Declared, wrong_layout
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS

NAME = "cochlscene"
VERSION = "1.0"
LICENSE = "as stated at https://zenodo.org/record/7080122"
CITATION = "I. Jeong, J. Park, CochlScene: Acquisition of acoustic scene data using crowdsourcing, APSIPA ASC 2022"
URLS = ("https://zenodo.org/record/7080122",)

SIZES = {"train": 60855, "valid": 7573, "test": 7687}

# folder → label
SCENES = {
    "Bus": "bus",
    "Cafe": "cafe",
    "Car": "car",
    "CrowdedIndoor": "crowded indoor",
    "Elevator": "elevator",
    "Kitchen": "kitchen",
    "Park": "park",
    "ResidentialArea": "residential area",
    "Restaurant": "restaurant",
    "Restroom": "restroom",
    "Street": "street",
    "Subway": "subway",
    "SubwayStation": "subway station",
}

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(10, 44_100)
_SPLITS = {"Train": "train", "Val": "valid", "Test": "test"}
_FOLDERS = ("", "CochlScene")
_PERSON = re.compile(r"[A-Za-z]+_(user\d+)_\d+_\d+")


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with CochlScene.

    Raises:
        TableError: none of the folders Train, Val and Test is there.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    declared = declare(source)
    splits = {draft.split for draft in declared.drafts}
    return intake(
        CorpusInfo(NAME, VERSION, LICENSE, CITATION, sum(SIZES[one] for one in splits) or None, _NOMINAL, NAME),
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
    """What the folders say, without a look into the audio.

    Raises:
        TableError: as ``prepare``.
    """
    below = next((name for name in _FOLDERS if any((source / name / split).is_dir() for split in _SPLITS)), None)
    if below is None:
        raise wrong_layout(
            "CochlScene",
            source,
            expected="the folders of the splits, with one folder for each scene",
            looked_for=[(PurePosixPath(name) / split).as_posix() for name in _FOLDERS for split in _SPLITS],
            url=URLS[0],
        )
    absent = [split for folder, split in _SPLITS.items() if not (source / below / folder).is_dir()]
    declared = Declared(notes={"url": URLS[0], "splits_without_folder": absent, "without_person": 0})
    for folder, split in _SPLITS.items():
        place = PurePosixPath(below) / folder
        for path in list_audio(source / place):
            _add_file(place / path, split, declared)
    return declared


def _add_file(path: PurePosixPath, split: str, declared: Declared) -> None:
    scene, one = path.parent.name, f"{NAME}/{path.stem}"
    if scene not in SCENES:
        declared.problems.append(Problem("unknown-label", path.as_posix(), f"the folder {scene!r} is none of a scene"))
        return
    person = _PERSON.fullmatch(path.stem)
    declared.notes["without_person"] += person is None
    label, task = SCENES[scene], "SceneClassification"
    group = f"{NAME}:{person[1]}" if person else None
    declared.drafts.append(Draft(one, path.as_posix(), group=group, split=split, labels=(label,)))
    declared.names[one] = (path.stem,)
    declared.examples.append(Example(f"{one}#{task}", one, split, task, TASKS[task].prompts[0], (label,)))
