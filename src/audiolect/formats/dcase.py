"""The layout of the DCASE retrieval code (2022, task 6b) → a dataset: wav.csv or waveform.csv, and texts.

    import:  a folder with wav.csv (or waveform.csv and HDF5) and SPLIT.json or SPLIT_captions.csv  →  one dataset
    export:  dcase_writing.py

What the tables are stands in dcase_tables.py, what stands in the HDF5 files in dcase_waveforms.py.

Conventions: a recording has the id ``NAME/AUDIO_ID``, in a second split ``NAME/AUDIO_ID~SPLIT``; its captions are one
example with all of them as answers, or one each where that is asked for. Waveforms of HDF5 become FLAC inside of the
dataset folder. Audio ids and caption ids are kept in the extra tables ``audio_ids`` and ``caption_ids``.

Public names: read.

Source: https://github.com/wsntxxn/DCASE2022T6_CLAP.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example, examples_frame
from audiolect.errors import DatasetError, UsageError
from audiolect.formats.dcase_tables import (
    WAVEFORM_NAME,
    Captioned,
    Sources,
    find_sources,
    look_up,
    read_places,
    read_texts,
    unread_tables,
)
from audiolect.formats.dcase_waveforms import extract_waveforms
from audiolect.formats.extraction import info_from_card, land_extracted
from audiolect.formats.flamingo_places import find_below
from audiolect.formats.landing import Declared, declared_frame, land
from audiolect.formats.request import ImportRequest
from audiolect.tasks import get_task

_SHOWN = 3
# an entry → the path of its audio below the root, None where it has none
Locate = Callable[[Captioned], str | None]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A recording to be: its id, where its audio is said to be, and what the text says of it."""

    recording_id: str
    path: str
    entry: Captioned


def read(request: ImportRequest) -> Dataset:
    """Make a dataset of the DCASE layout.

    Raises:
        TableError: a table or text cannot be read, or an audio id has two files.
        UsageError: the task has no captions; the rate of HDF5 files is not told, or told otherwise than they say.
        MissingDependency: there is HDF5, and h5py is absent.
        DatasetError, TooManyProblems, AlreadyExists: as ``landing.land``.
    """
    if get_task(request.task or "AudioCaptioning").family not in ("caption", "keywords"):
        raise UsageError("The texts of the DCASE layout are captions.", where="--task", found=request.task)
    sources = find_sources(request)
    problems = unread_tables(sources, request.source)
    entries = read_texts(sources, problems)
    if sources.waveform is not None:
        return land_extracted(request, partial(_from_waveforms, request, sources, entries, problems))
    _refuse_rate(request, sources)
    root, locate = _files_of(request, sources, entries, problems)
    return land(
        _declare(request, sources, _wanted(request, sources, entries, locate, problems), problems, root), request
    )


def _refuse_rate(request: ImportRequest, sources: Sources) -> None:
    if request.rate_hz is not None:
        raise UsageError(
            "A rate is told for audio files, which state their own.",
            where=sources.folder,
            fix=f"leave --rate away, or name {WAVEFORM_NAME} as the source",
        )


def _from_waveforms(
    request: ImportRequest, sources: Sources, entries: list[Captioned], problems: list[Problem], target: Path
) -> Declared:
    """Extract what the texts ask for, and declare it."""
    table = sources.waveform or sources.folder / WAVEFORM_NAME
    places = read_places(table, "hdf5_path", problems)
    entries = entries or _wordless(places, request)
    asked = dict.fromkeys(name for entry in entries if (name := look_up(places, entry.audio_id)) is not None)
    _mention_others(places, asked, table, problems)
    files = {path: _moved(Path(path), sources.folder, request) for path in dict.fromkeys(places.values())}
    found, bad = extract_waveforms(
        {name: files[places[name]] for name in asked}, target, rate_hz=request.rate_hz, progress=request.progress
    )
    problems += bad
    failed = {problem.where for problem in bad if problem.severity == "error"}
    if failed and request.missing == "refuse":
        raise _missing(table, [name for name in asked if name in failed])

    def locate(entry: Captioned) -> str | None:
        return found.get(look_up(places, entry.audio_id) or "")

    listed = {entry.audio_id for entry in entries if look_up(places, entry.audio_id) in failed}
    kept = [entry for entry in entries if entry.audio_id not in listed]
    return _declare(request, sources, _wanted(request, sources, kept, locate, problems), problems, target)


def _moved(path: Path, folder: Path, request: ImportRequest) -> Path:
    """The HDF5 file that a table names: itself, or where it has moved to."""
    named = folder / path
    if named.is_file():
        return named
    for root in (request.audio_root, folder):
        for start in range(1, len(path.parts)) if root is not None else ():
            if root is not None and (root / Path(*path.parts[start:])).is_file():
                return root / Path(*path.parts[start:])
    return named


def _files_of(
    request: ImportRequest, sources: Sources, entries: list[Captioned], problems: list[Problem]
) -> tuple[Path, Locate]:
    """The audio root, and where each audio id is below it."""
    if sources.wav is None:
        root = (request.audio_root or sources.folder).absolute()

        def beside(entry: Captioned) -> str | None:
            in_split = f"{entry.split}/{entry.audio_id}"
            return in_split if (root / in_split).is_file() else entry.audio_id

        return root, beside
    places = read_places(sources.wav, "file_name", problems)
    entries += [] if entries else _wordless(places, request)
    asked = {name for entry in entries if (name := look_up(places, entry.audio_id)) is not None}
    _mention_others(places, asked, sources.wav, problems)
    base = sources.folder.absolute()
    named = {name: os.path.normpath(base / places[name]) for name in places if name in asked}
    if not named:
        return base, lambda _: None
    common = os.path.commonpath([os.path.dirname(path) for path in named.values()])  # noqa: PTH120 - texts, not files
    root, prefix = Path(common), ""
    if request.audio_root is not None or not root.is_dir():
        root = (request.audio_root or base).absolute()
        below = find_below(root, Path(common).as_posix(), moved=True)
        prefix = f"{below}/" if below else ""
    paths = {name: prefix + Path(path).relative_to(common).as_posix() for name, path in named.items()}
    return root, lambda entry: paths.get(look_up(paths, entry.audio_id) or "")


def _wordless(places: dict[str, str], request: ImportRequest) -> list[Captioned]:
    """Entries without captions, for tables of places that no text goes with."""
    return [Captioned(audio_id, request.split or "all", (), (), audio_id) for audio_id in places]


def _mention_others(places: dict[str, str], asked: object, table: Path, problems: list[Problem]) -> None:
    others = len(places) - len(asked) if isinstance(asked, set | dict) else 0
    if others:
        detail = f"{others} of {len(places)} audio ids stand in no text that was read"
        problems.append(Problem("passed-over", table.name, detail, "warning"))


def _wanted(
    request: ImportRequest, sources: Sources, entries: Sequence[Captioned], locate: Locate, problems: list[Problem]
) -> list[_Wanted]:
    """The recordings to be; what has no place is listed."""
    name = info_from_card(sources.folder, request).name
    wanted: list[_Wanted] = []
    first: dict[str, str] = {}
    absent = []
    for entry in entries:
        path = locate(entry)
        if path is None:
            absent.append(entry.audio_id)
            problems.append(Problem("missing", f"{name}/{entry.audio_id}", f"{entry.where}: in no table of audio"))
            continue
        recording_id = f"{name}/{entry.audio_id}"
        if first.setdefault(entry.audio_id, entry.split) != entry.split:
            home, recording_id = first[entry.audio_id], f"{recording_id}~{entry.split}"
            detail = f"it stands in the split {entry.split} too, and is {recording_id} there"
            problems.append(
                Problem("duplicate-path", f"{name}/{entry.audio_id}", f"of the split {home}: {detail}", "warning")
            )
        wanted.append(_Wanted(recording_id, path, entry))
    if absent and request.missing == "refuse":
        raise _missing(sources.wav or sources.waveform or sources.folder, absent)
    return wanted


def _missing(where: Path, absent: Sequence[str]) -> DatasetError:
    return DatasetError(
        f"The audio of {len(absent)} audio ids is missing.",
        where=where,
        found="not found: " + ", ".join(absent[:_SHOWN]) + (", …" if len(absent) > _SHOWN else ""),
        fix="--missing list leaves those recordings out",
    )


def _declare(
    request: ImportRequest, sources: Sources, wanted: Sequence[_Wanted], problems: list[Problem], root: Path
) -> Declared:
    recordings = pl.DataFrame(
        {
            "recording_id": [one.recording_id for one in wanted],
            "path": [one.path for one in wanted],
            "split": [one.entry.split for one in wanted],
        },
        schema={"recording_id": pl.String, "path": pl.String, "split": pl.String},
    )
    made = [_examples(one, request) for one in wanted]
    ids = {"recording_id": recordings["recording_id"], "audio_id": [one.entry.audio_id for one in wanted]}
    tables = {"audio_ids": pl.DataFrame(ids, schema={"recording_id": pl.String, "audio_id": pl.String})}
    cap_ids = {example.example_id: stated for pairs in made for example, stated in pairs if any(stated)}
    if cap_ids:
        columns = {"example_id": list(cap_ids), "cap_ids": [list(stated) for stated in cap_ids.values()]}
        tables["caption_ids"] = pl.DataFrame(columns, schema={"example_id": pl.String, "cap_ids": pl.List(pl.String)})
    return Declared(
        info=info_from_card(sources.folder, request),
        audio_root=root,
        recordings=declared_frame(recordings),
        examples=examples_frame(example for pairs in made for example, _ in pairs),
        problems=problems,
        extra_tables=tables,
        notes={"layout": "dcase"},
    )


def _examples(one: _Wanted, request: ImportRequest) -> list[tuple[Example, tuple[str, ...]]]:
    """The examples of one recording, each with the ids of its captions."""
    task = get_task(request.task or "AudioCaptioning")
    prompt = task.prompts[0] if task.prompts else ""
    captions, stated = one.entry.captions, one.entry.cap_ids
    parts: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        ((text,), (number,)) for text, number in zip(captions, stated, strict=True)
    ]
    if not request.separate:
        parts = [(captions, stated)] if captions else []
    stem = f"{one.recording_id}#{task.name}"
    return [
        (
            Example(
                stem + (f"-{count}" if count > 1 else ""), one.recording_id, one.entry.split, task.name, prompt, texts
            ),
            ids,
        )
        for count, (texts, ids) in enumerate(parts, start=1)
    ]
