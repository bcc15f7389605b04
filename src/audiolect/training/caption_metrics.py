"""Metrics of a validation's captions that programs in Java measure: SPICE and SPIDEr, METEOR.

    programs = find_programs(spice_jars="../data/spice", meteor=False, base=folder_of_the_recipe)
    values = measure_on_first(programs, candidates, references)
    values.metrics(cider_d(counts))                              # {"spice": …, "spider": …}

Conventions: only the first rank needs and runs a Java; every rank has what it found, or raises its letter. SPICE keeps
the parses of references in the folder ``cache`` beside its jars, so that validations after the first one are fast.
SPIDEr is half SPICE and half CIDEr-D; METEOR of a set is made of sums of counts.

Public names: SPICE_METRICS, METEOR_METRIC, CaptionPrograms, ProgramValues, find_programs, measure_on_first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch.distributed as dist

from audiolect.errors import AudiolectError, MissingDependency, WorkerDied
from audiolect.metrics.java import Java, find_java
from audiolect.metrics.meteor import meteor_counts, meteor_jar, meteor_of_counts
from audiolect.metrics.ngrams import Words
from audiolect.metrics.spice import SpiceJars, find_spice_jars, spice, spider
from audiolect.training.validation import gather_objects

FloatArray = npt.NDArray[np.float64]
T = TypeVar("T")

SPICE_METRICS = ("spice", "spider")
METEOR_METRIC = "meteor"

_JARS_KEY, _METEOR_KEY = "training.objective.spice_jars", "training.objective.meteor"
_SECONDS = 3600.0
# The other ranks wait in a collective, which NCCL gives up after 10 minutes.
_SECONDS_OVER_RANKS = 540.0
_JAVA_FIX = "install a Java, 8 to 21, as by apt install default-jre-headless, or name one by JAVA_HOME"


@dataclass(frozen=True, slots=True)
class CaptionPrograms:
    """What the first rank runs.

    Args:
        java: that of JAVA_HOME or the PATH.
        spice: the class path; None: no SPICE.
        cache: a folder for the parses of references; None: it cannot be written to, and they are thrown away.
        meteor: the jar; None: no METEOR.
    """

    java: Java
    spice: SpiceJars | None
    cache: Path | None
    meteor: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class ProgramValues:
    """What the programs measured of N recordings.

    Args:
        spice: (N,), or None.
        meteor: (N, NUM_COUNTS) counts, or None.
    """

    spice: FloatArray | None = None
    meteor: FloatArray | None = None

    def part(self, places: Sequence[int]) -> ProgramValues:
        """Those of some recordings."""
        at = np.asarray(places, np.int64)
        return ProgramValues(*(None if each is None else each[at] for each in (self.spice, self.meteor)))

    def metrics(self, cider: FloatArray) -> dict[str, float]:
        """Name → value over all recordings, with their (N,) CIDEr-D."""
        found: dict[str, float] = {}
        if self.spice is not None:
            values = (self.spice, spider(cider, self.spice))
            found |= {name: float(each.mean()) for name, each in zip(SPICE_METRICS, values, strict=True)}
        if self.meteor is not None:
            found[METEOR_METRIC] = float(meteor_of_counts(self.meteor.sum(axis=0)))
        return found


def find_programs(*, spice_jars: str | None, meteor: bool, base: Path) -> CaptionPrograms | None:
    """What a recipe's metrics need, as the first rank finds it; None where they need nothing.

    Args:
        spice_jars: the folder, relative to that of the recipe.
        meteor: whether METEOR is wanted.
        base: the folder of the recipe.

    Raises:
        MissingDependency: a Java or a jar is absent; on every rank the same.
    """
    if spice_jars is None and not meteor:
        return None

    def found() -> CaptionPrograms:
        folder = None if spice_jars is None else base / spice_jars
        return CaptionPrograms(
            java=_java(_METEOR_KEY if folder is None else _JARS_KEY),
            spice=None if folder is None else _jars(folder, f"{_JARS_KEY}: {spice_jars}"),
            cache=None if folder is None else _cache(folder),
            meteor=meteor_jar() if meteor else None,
        )

    return _by_first(found)


def measure_on_first(
    programs: CaptionPrograms | None, candidates: Sequence[Words], references: Sequence[Sequence[Words]]
) -> ProgramValues:
    """Run the programs on the first rank; every rank gets what they measured.

    Args:
        programs: by ``find_programs``, the same on every rank; None: nothing is measured.
        candidates: N lists of words.
        references: N lists of lists of words.

    Raises:
        WorkerDied: a program ended with an error or took too long; on every rank the same.
    """
    if programs is None:
        return ProgramValues()
    return _by_first(lambda: _measured(programs, candidates, references))


def _measured(
    programs: CaptionPrograms, candidates: Sequence[Words], references: Sequence[Sequence[Words]]
) -> ProgramValues:
    values, counts = None, None
    seconds = _SECONDS_OVER_RANKS if _rank() is not None else _SECONDS
    try:
        if programs.spice is not None:
            values = spice(
                candidates,
                references,
                java=programs.java,
                jars=programs.spice,
                cache=programs.cache,
                timeout_seconds=seconds,
            )
        if programs.meteor is not None:
            counts = meteor_counts(candidates, references, java=programs.java, jar=programs.meteor)
    except (WorkerDied, MissingDependency) as problem:
        without = f"try another Java by JAVA_HOME, or train without {_JARS_KEY} and {_METEOR_KEY}"
        if programs.cache is not None:
            without += f"; a damaged cache may be removed: {programs.cache}"
        raise _told(problem, "a validation", without) from problem
    return ProgramValues(values, counts)


def _by_first(work: Callable[[], T]) -> T:
    """What the first rank finds; where it fails, every rank raises the same letter."""
    mine: tuple[T | None, AudiolectError | None] = (None, None)
    if not _rank():
        try:
            mine = work(), None
        except AudiolectError as problem:
            mine = None, problem
    found, letter = gather_objects(mine)[0]
    if letter is not None:
        raise letter
    return found  # type: ignore[return-value]  # without a letter it is what the work gave


def _rank() -> int | None:
    """None where there is one process."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else None


def _java(key: str) -> Java:
    try:
        return find_java()
    except MissingDependency as problem:
        raise _told(problem, problem.where or key, _JAVA_FIX) from problem


def _jars(folder: Path, where: str) -> SpiceJars:
    try:
        return find_spice_jars(folder)
    except MissingDependency as problem:
        # A folder without the two jars, or an installation without the program of SPICE.
        fix = problem.fix if "pip" in (problem.fix or "") else f"audiolect download spice {folder}"
        raise _told(problem, f"{where} ({folder})", fix) from problem


def _cache(folder: Path) -> Path | None:
    cache = folder / "cache"
    return cache if os.access(cache if cache.exists() else folder, os.W_OK | os.X_OK) else None


def _told(problem: AudiolectError, where: str, fix: str | None) -> AudiolectError:
    """The same letter for who trains: options of a command line that are named in it are none of ``train``."""
    return type(problem)(
        problem.what, where=where, expected=problem.expected, found=problem.found, cause=problem.cause, fix=fix
    )
