"""A person's own files, described: a line for each, in the order given, written as they come.

    {"file": "rain.wav", "caption": "rain falls on a roof", "score": -0.31, "seconds": 12.5,
     "style": "clotho > caption", "model": "1f0c…"}

Conventions: a file that cannot be read is a problem: it is listed, counted, and has no line. What is written goes to a
``.jsonl`` or a ``.csv`` with these columns; the same command goes on behind its last whole line, and a file that
stands there is not described again. Lines of another model or style stop it. ``model`` is the hash of the weights;
where a dual encoder chose among candidates, its hash and weight stand behind it. Some files at a time are read, and
those of like length are heard together.

Public names: OwnCaption, OwnCaptions, caption_files, find_files, FORMATS, COLUMNS.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from audiolect.audio.files import AUDIO_SUFFIXES, probe
from audiolect.corpora.audio_listing import list_audio
from audiolect.data.problems import Problem
from audiolect.errors import AudioError, MissingDependency, StorageError, UsageError
from audiolect.loader.audio_files import open_files
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict.broken_files import broken_file, refuse_more_broken
from audiolect.predict.caption_writer import CaptionWriter
from audiolect.predict.reranked import Reranker, check_candidates
from audiolect.progress import Progress, silent_progress
from audiolect.storage import read_text
from audiolect.text.styles import choose_style, spoken_style

FORMATS = (".jsonl", ".csv")

_FILES_AT_ONCE = 32
_BATCH_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class OwnCaption:
    """One line: the file as given, the best caption with its score, and who wrote it in which style."""

    file: str
    caption: str
    score: float
    seconds: float
    style: str
    model: str


COLUMNS = tuple(field.name for field in fields(OwnCaption))


@dataclass(frozen=True, slots=True)
class OwnCaptions:
    """What came of the files: new captions, how many had been there, and files that have none."""

    captions: tuple[OwnCaption, ...]
    num_resumed: int
    problems: tuple[Problem, ...]


def find_files(paths: Sequence[Path], *, recursive: bool = False) -> list[Path]:
    """The audio files that a person means: files as they are, folders by what is in them.

    Args:
        recursive: also what is in folders of folders.

    Raises:
        UsageError: nothing was given, a folder without audio, or a file twice.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = [path / name for name in list_audio(path)]
        here = inside if recursive else [file for file in inside if file.parent == path]
        if not here:
            raise UsageError(
                "The folder has no audio.",
                where=path,
                expected="files that end in " + " ".join(sorted(AUDIO_SUFFIXES)),
                found=f"{len(inside)} of them in its folders" if inside else "none",
                fix="--recursive" if inside else None,
            )
        found += here
    doubled = sorted({str(path) for path in found if found.count(path) > 1}) if len(set(found)) < len(found) else []
    if doubled or not found:
        raise UsageError(
            "A file is named twice." if doubled else "There is nothing to describe.",
            expected="files or folders, each once",
            found=doubled[0] if doubled else "none",
        )
    return found


def caption_files(
    writer: CaptionWriter,
    paths: Sequence[Path],
    generation: GenerationSettings,
    *,
    style: str | None = None,
    out: Path | None = None,
    reranker: Reranker | None = None,
    max_problems: int | None = None,
    progress: Progress = silent_progress,
) -> OwnCaptions:
    """Describe files of any formats.

    Args:
        paths: as ``find_files`` gives them.
        style: as a person types it; None: the only one that the model knows.
        out: where lines are written as they come; None: nowhere.
        reranker: chooses among what is written of a file, by the sound at its own rate.
        max_problems: the most files that may be broken; None: no limit.

    Raises:
        UsageError: a style that the model was not trained with, a file to write with another ending, or one candidate
            alone to choose from.
        StorageError: what is there was written by another model, chosen otherwise, or in another style.
        TooManyProblems: more files are broken than ``max_problems``.
    """
    prefix = choose_style(style, writer.styles)
    if reranker is not None:
        check_candidates(generation)
    told = {"style": spoken_style(prefix), "model": _who(writer, reranker)}
    known = set() if out is None else _written(out, told)
    waiting = [path for path in paths if str(path) not in known]
    captions: list[OwnCaption] = []
    problems: list[Problem] = []
    with progress("writing captions", total=len(paths), unit="files") as advance:
        advance(len(paths) - len(waiting))
        for start in range(0, len(waiting), _FILES_AT_ONCE):
            some = waiting[start : start + _FILES_AT_ONCE]
            heard, broken = _read(some, writer.rate_hz)
            problems += broken
            refuse_more_broken(problems, max_problems)
            advance(len(broken))
            found = _describe(_Writing(writer, prefix, generation, reranker), heard, done=advance)
            seconds = {name: len(sound) / writer.rate_hz for name, sound in heard.items()}
            who = told["style"], told["model"]
            new = [OwnCaption(name, *found[name], round(seconds[name], 3), *who) for name in heard]
            if out is not None:
                _append(out, new)
            captions += new
    return OwnCaptions(tuple(captions), len(paths) - len(waiting), tuple(problems))


def _read(paths: Iterable[Path], rate_hz: int) -> tuple[dict[str, Any], list[Problem]]:
    """Each file opened on its own, so that a broken one stops no other: name → samples."""
    heard: dict[str, Any] = {}
    problems = []
    for path in paths:
        try:
            probe(path)
            heard[str(path)] = open_files([path], rate_hz).read(0)
        except (AudioError, MissingDependency) as error:
            problems.append(broken_file(path, error))
    return heard, problems


@dataclass(frozen=True, slots=True, eq=False)
class _Writing:
    """Who writes, in which style and how, and who chooses."""

    writer: CaptionWriter
    prefix: str
    generation: GenerationSettings
    reranker: Reranker | None


def _who(writer: CaptionWriter, reranker: Reranker | None) -> str:
    """The hash of the model; and of the one that chose, with its weight."""
    own = writer.identity.checkpoint_hash
    if reranker is None:
        return own
    return f"{own}, reranked by {reranker.embedder.identity.checkpoint_hash} with weight {reranker.weight:g}"


def _describe(writing: _Writing, heard: dict[str, Any], *, done: Callable[[int], None]) -> dict[str, tuple[str, float]]:
    """Name → its best caption and score; files of like length together."""
    writer, reranker = writing.writer, writing.reranker
    order = sorted(heard, key=lambda name: -len(heard[name]))
    found: dict[str, tuple[str, float]] = {}
    while order:
        longest = max(1, len(heard[order[0]]))
        count = max(1, int(_BATCH_SECONDS * writer.rate_hz / longest))
        names, order = order[:count], order[count:]
        lengths = np.array([len(heard[name]) for name in names], np.int64)
        waveforms = np.zeros((len(names), longest), np.float32)
        for row, name in enumerate(names):
            waveforms[row, : lengths[row]] = heard[name]
        outputs = writer.write(waveforms, lengths, writing.prefix, names, writing.generation)
        if reranker is not None:
            outputs = reranker.order(open_files(names, reranker.embedder.rate_hz), names, outputs)
        found |= {name: texts[0] for name, texts in zip(names, outputs, strict=True)}
        done(len(names))
    return found


def _written(out: Path, told: dict[str, str]) -> set[str]:
    """The files that have a line; half a line at the end is taken away."""
    if out.suffix not in FORMATS:
        raise UsageError("Captions are written as one of two kinds of files.", expected=" or ".join(FORMATS), found=out)
    if not out.is_file():
        return set()
    whole = out.read_bytes()
    kept = whole[: whole.rfind(b"\n") + 1]
    if len(kept) < len(whole):
        with out.open("r+b") as file:
            file.truncate(len(kept))
    rows = _rows(out)
    for row in rows:
        other = [f"{key} {row.get(key)!r}" for key, value in told.items() if row.get(key) != value]
        if other:
            raise StorageError(
                "The file holds captions of another model or style.",
                where=out,
                expected=", ".join(f"{key} {value!r}" for key, value in told.items()),
                found=", ".join(other),
                fix="give another --out",
            )
    return {str(row["file"]) for row in rows}


def _rows(out: Path) -> list[dict[str, Any]]:
    text = read_text(out)
    if out.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    try:
        return [json.loads(line) for line in text.split("\n") if line]
    except json.JSONDecodeError as problem:
        raise StorageError("A line is not JSON.", where=out, found=str(problem), fix="give another --out") from problem


def _append(out: Path, captions: Sequence[OwnCaption]) -> None:
    begins = not out.is_file() or not out.stat().st_size
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8", newline="") as file:
        if out.suffix == ".csv":
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if begins:
                table.writeheader()
            table.writerows(map(asdict, captions))
        else:
            file.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in captions)
