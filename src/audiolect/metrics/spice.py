"""SPICE of captions, by the program in Java of its authors, and SPIDEr: half SPICE and half CIDEr-D.

The program parses every caption into objects, their attributes and relations, and compares these. It needs two jars of
the Stanford parser, of 2015, which no package carries: the user names a folder that has them. References are parsed
once and kept in a cache folder, which the program itself writes.

Conventions: N recordings; values lie between 0 and 1, the mean of all is SPICE of the set. The program reads captions
as words (``words.py``) with blanks between. Where neither a candidate nor its references hold anything, its value is 0.

Public names: STANFORD_JARS, SpiceJars, find_spice_jars, spice, spider.

Source: P. Anderson et al., "SPICE: semantic propositional image caption evaluation", ECCV 2016; S. Liu et al.,
"Improved image captioning via policy gradient optimization of SPIDEr", ICCV 2017.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolect.errors import MissingDependency, UsageError, WorkerDied
from audiolect.metrics.java import Java, coco_package, java_command, run_to_end
from audiolect.metrics.ngrams import Words, check_captions

FloatArray = npt.NDArray[np.float64]

STANFORD_JARS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")

_SPICE_JAR = "spice-1.0.jar"
_MAIN_CLASS = "edu.anu.spice.SpiceScorer"
_MEMORY_MEGABYTES = 8192
# What its libraries look into by reflection, which Java closes from 16 on.
_OPENED = ("java.lang", "java.lang.invoke", "java.math", "java.net", "java.nio", "java.text", "java.util")
_OPENED_FROM = 9


@dataclass(frozen=True, slots=True)
class SpiceJars:
    """The class path of SPICE: its own jar and libraries, and the two of the Stanford parser."""

    class_path: tuple[Path, ...]


def find_spice_jars(folder: Path | None) -> SpiceJars:
    """Look for the jars: the two of STANFORD_JARS in the folder, the others there or in the package pycocoevalcap.

    Raises:
        MissingDependency: some are absent.
    """
    jars = {jar.name: jar for jar in sorted(folder.rglob("*.jar"))} if folder is not None and folder.is_dir() else {}
    missing = [name for name in STANFORD_JARS if name not in jars]
    if missing:
        raise MissingDependency(
            "SPICE needs two jars of the Stanford parser, which no package brings.",
            where=folder,
            expected=" and ".join(STANFORD_JARS),
            found=f"no folder with {' and '.join(missing)}",
            fix="audiolect download spice DEST, then --spice-jars DEST; or name a folder that has them",
        )
    package = coco_package()
    if package is not None:
        own = sorted((package / "spice").rglob("*.jar"))
        jars = {jar.name: jar for jar in own} | jars
    if _SPICE_JAR not in jars:
        raise MissingDependency(
            "SPICE needs the program of its authors, which is not installed.",
            where=folder,
            expected=_SPICE_JAR,
            fix="pip install 'audiolect[java]'",
        )
    return SpiceJars(tuple(jars.values()))


def spice(
    candidates: Sequence[Words],
    references: Sequence[Sequence[Words]],
    *,
    java: Java,
    jars: SpiceJars,
    cache: Path | None = None,
    timeout_seconds: float = 3600.0,
    waited: Callable[[float], None] | None = None,
) -> FloatArray:
    """(N,): SPICE of each recording.

    Args:
        candidates: N lists of words.
        references: N lists of lists of words.
        java: by ``find_java``.
        jars: by ``find_spice_jars``.
        cache: a folder for the parses of references; None: they are thrown away.
        timeout_seconds: the longest that all may take.
        waited: is told how many more seconds have passed.

    Raises:
        UsageError: the numbers differ, there are none, or a recording has no reference.
        WorkerDied: the program ended with an error, took too long, or wrote something else.
    """
    check_captions(candidates, references)
    entries = [
        {"image_id": place, "test": " ".join(said), "refs": [" ".join(caption) for caption in own]}
        for place, (said, own) in enumerate(zip(candidates, references, strict=True))
    ]
    with tempfile.TemporaryDirectory(prefix="spice-") as name:
        work = Path(name)
        (work / "captions.json").write_text(json.dumps(entries), "utf-8")
        options = ["-cp", os.pathsep.join(map(str, jars.class_path)), _MAIN_CLASS, str(work / "captions.json")]
        options += ["-out", str(work / "scores.json"), "-subset", "-silent"]
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
            options += ["-cache", str(cache.resolve())]
        opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED]
        run_to_end(
            java_command(
                java, [*(opened if java.version >= _OPENED_FROM else []), *options], memory_megabytes=_MEMORY_MEGABYTES
            ),
            name="SPICE",
            folder=work,
            timeout_seconds=timeout_seconds,
            waited=waited,
        )
        return _values(work / "scores.json", len(entries))


def spider(cider: npt.ArrayLike, spice_values: npt.ArrayLike) -> FloatArray:
    """(N,): the mean of CIDEr-D and SPICE of each recording.

    Raises:
        UsageError: not one of each.
    """
    first, second = np.asarray(cider, np.float64), np.asarray(spice_values, np.float64)
    if first.shape != second.shape:
        raise UsageError("SPIDEr needs both of each recording.", expected=first.shape, found=second.shape)
    return np.asarray((first + second) / 2, np.float64)


def _values(path: Path, count: int) -> FloatArray:
    """What the program wrote: of each recording the F value over all tuples."""
    values = np.full(count, np.nan)
    try:
        written: Any = json.loads(path.read_text("utf-8"))
        for entry in written:
            value = entry["scores"]["All"]["f"]
            number = 0.0 if value is None else float(value)
            values[int(entry["image_id"])] = 0.0 if math.isnan(number) else number
    except (OSError, ValueError, KeyError, TypeError, IndexError) as problem:
        raise _strange(f"{type(problem).__name__}: {problem}") from problem
    if np.isnan(values).any():
        raise _strange(f"{int(np.isnan(values).sum())} of {count} recordings have no score")
    return values


def _strange(found: str) -> WorkerDied:
    return WorkerDied(
        "SPICE wrote something else than its scores.",
        expected='a list of {"image_id": …, "scores": {"All": {"f": …}}}',
        found=found,
        cause="another version of the program, or it was stopped",
        fix="pip install 'audiolect[java]', and remove the folder of --spice-cache",
    )
