"""MACS: 3,930 ten-second recordings of airports, public squares and parks, each described by two to five annotators.

    macs/
      MACS.yaml                   files: [{filename, annotations: [{annotator_id, sentence, tags: [...]}]}]
      MACS_competence.csv         annotator_id, competence (tabs between); optional
      audio/*.wav                 of TAU Urban Acoustic Scenes 2019, development; in any folder
      meta.csv                    of the same: filename, scene_label, identifier, source_label (tabs); optional

Conventions: ids are ``macs/NAME``. There are no official splits: every recording is in ``all``. A name says
scene-city-place-segment-device (``airport-barcelona-0-0-a``); recordings of one place share ``group``, which is the
``identifier`` of ``meta.csv`` where that is there. ``labels`` are the tags of all annotators, each once. Three examples
for each recording: AudioCaptioning with all sentences, EventTagging with the tags, SceneClassification. The table
``annotations`` keeps who wrote what, with the competence that MACE estimates for them.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, declare, prepare.

Source: I. Martín-Morató, A. Mesaros, "Diversity and Bias in Audio Captioning Datasets", DCASE 2021 Workshop. The keys
of the YAML are as another project reads them (the description at Zenodo leaves out ``files`` and ``tags``); the first
column of the competence table is called ``annotator_id`` there and ``id`` here: either is taken.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, number_or_none, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import TableLayout, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.errors import TableError
from audiolect.progress import Progress, silent_progress
from audiolect.storage import read_yaml
from audiolect.tasks import TASKS

NAME = "macs"
VERSION = "1.0"
LICENSE = "captions: LICENSE.txt of MACS; audio: LICENSE of TAU Urban Acoustic Scenes 2019, development"
CITATION = "I. Martín-Morató and A. Mesaros, Diversity and Bias in Audio Captioning Datasets, DCASE 2021 Workshop"
URLS = ("https://zenodo.org/records/5114771", "https://zenodo.org/records/2589280")

SIZES = {"all": 3930}

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(10, 48_000)
_TAU = "TAU-urban-acoustic-scenes-2019-development"
_FOLDERS = ("", "tau_meta", _TAU)
_TABS = TableLayout(format="tsv")
_NAME_PARTS = 5


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with MACS.yaml and the audio of TAU Urban Acoustic Scenes 2019.

    Raises:
        TableError: MACS.yaml is missing or is something else.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    info = CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME)
    return take_in(info, source, declare(source), out, options, progress, sizes=SIZES)


def declare(source: Path) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    path = find_file(source, ("MACS.yaml",), ("", "MACS"))
    if path is None:
        raise wrong_layout(
            "MACS",
            source,
            expected=f"MACS.yaml, and the folder audio/ of {_TAU}",
            looked_for=("MACS.yaml", "MACS/MACS.yaml"),
            url=URLS[0],
        )
    places = _read_places(source)
    competence = _read_competence(source)
    declared = Declared(notes={"url": URLS[0], "scenes_from": "meta.csv" if places else "file names"})
    annotations: list[dict[str, Any]] = []
    for number, entry in enumerate(_entries(path), start=1):
        where = f"{path.name}, file {number}"
        problem = _unusable(entry, where, declared)
        if problem is not None:
            declared.problems.append(problem)
            continue
        name = PurePosixPath(entry["filename"].replace("\\", "/")).stem
        _declare_one(name, entry["annotations"], places, declared)
        annotations += [
            {
                "recording_id": f"{NAME}/{name}",
                "annotator_id": str(one.get("annotator_id")),
                "sentence": one.get("sentence"),
                "tags": _tags(one),
                "competence": competence.get(str(one.get("annotator_id"))),
            }
            for one in entry["annotations"]
        ]
    declared.tables["annotations"] = pl.DataFrame(
        annotations,
        schema={
            **dict.fromkeys(("recording_id", "annotator_id", "sentence"), pl.String),
            "tags": pl.List(pl.String),
            "competence": pl.Float64,
        },
    )
    return declared


def _entries(path: Path) -> list[Any]:
    value = read_yaml(path, error=TableError)
    entries = value.get("files") if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise TableError(
            "The file is YAML, but not that of MACS.",
            where=path,
            expected="the key files with a list of {filename, annotations}",
            found=f"the keys {', '.join(map(str, value))}" if isinstance(value, dict) else type(value).__name__,
        )
    return entries


def _unusable(entry: Any, where: str, declared: Declared) -> Problem | None:
    """What makes an entry unusable, if anything does."""
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str) or not entry["filename"].strip():
        return Problem("bad-row", where, "an object with filename and annotations was expected")
    annotations = entry.get("annotations")
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        return Problem("bad-row", where, f"{entry['filename']}: annotations is no list of objects")
    if not any(_sentence(one) for one in annotations):
        return Problem("empty-text", where, f"{entry['filename']} has no sentence")
    one = f"{NAME}/{PurePosixPath(entry['filename']).stem}"
    if one in declared.names:
        return Problem("duplicate-id", where, f"{one} stands above already")
    return None


def _declare_one(
    name: str, annotations: list[dict[str, Any]], places: dict[str, tuple[str, str]], declared: Declared
) -> None:
    one = f"{NAME}/{name}"
    scene, place = places.get(name) or _from_name(name)
    tags = tuple(dict.fromkeys(tag for annotation in annotations for tag in _tags(annotation)))
    declared.drafts.append(
        Draft(
            one,
            f"audio/{name}.wav",
            source_id=f"tau2019:{name}",
            group=f"tau2019:{place}" if place else None,
            labels=tags,
        )
    )
    declared.names[one] = (name,)
    sentences = tuple(text for annotation in annotations if (text := _sentence(annotation)))
    answers = {"AudioCaptioning": sentences, "EventTagging": tags, "SceneClassification": (scene,) if scene else ()}
    for task, texts in answers.items():
        if texts:
            declared.examples.append(Example(f"{one}#{task}", one, "all", task, TASKS[task].prompts[0], texts))


def _from_name(name: str) -> tuple[str, str]:
    """Scene and place of ``public_square-lyon-12-3-a``; nothing where the name has other parts."""
    parts = name.split("-")
    if len(parts) != _NAME_PARTS:
        return "", ""
    return parts[0].replace("_", " "), "-".join(parts[1:3])


def _read_places(source: Path) -> dict[str, tuple[str, str]]:
    """Name → scene and place, from ``meta.csv``; nothing where there is none."""
    path = find_file(source, ("meta.csv",), _FOLDERS)
    if path is None:
        return {}
    needed = ("filename", "scene_label", "identifier")
    table = read_table(path, _TABS, needed=needed, name=relative_name(path, source))
    return {
        PurePosixPath(row["filename"]).stem: (row["scene_label"].strip().replace("_", " "), row["identifier"].strip())
        for row in table.rows()
    }


def _read_competence(source: Path) -> dict[str, float | None]:
    """Annotator → competence from 0 (at random) to 1; nothing where there is no such table."""
    path = find_file(source, ("MACS_competence.csv",), ("", "MACS"))
    if path is None:
        return {}
    table = read_table(path, _TABS, needed=("competence",))
    column = "annotator_id" if "annotator_id" in table.columns else table.columns[0]
    return {row[column].strip(): number_or_none(row["competence"]) for row in table.rows()}


def _sentence(annotation: dict[str, Any]) -> str:
    value = annotation.get("sentence")
    return value.strip() if isinstance(value, str) else ""


def _tags(annotation: dict[str, Any]) -> list[str]:
    """The tags of one annotator, ``_`` as spaces; a single tag may stand without a list."""
    tags = annotation.get("tags")
    listed = tags if isinstance(tags, list) else [tags]
    return [tag.strip().replace("_", " ") for tag in listed if isinstance(tag, str) and tag.strip()]
