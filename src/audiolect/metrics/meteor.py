"""METEOR 1.5 of captions, by the program in Java that the caption evaluation of MS COCO carries.

The program aligns a candidate with its nearest reference by words, stems, synonyms and paraphrases and gives 23 counts;
the score is made of these here, so that any draw of recordings has its exact METEOR. METEOR of a set is made of sums
and is no mean of its recordings.

Conventions: N recordings; values lie between 0 and 1. Captions are words (``words.py``) with blanks between; ``|||``,
which the program reads as a separator, is taken out.

Public names: NUM_COUNTS, meteor_jar, meteor_counts, meteor_of_counts.

Source: M. Denkowski and A. Lavie, "Meteor universal: language specific translation evaluation for any target language",
WMT 2014, section 2, with the parameters of English.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiolect.errors import MissingDependency, WorkerDied
from audiolect.metrics.java import Java, ask_lines, coco_package, java_command
from audiolect.metrics.ngrams import Words, check_captions

FloatArray = npt.NDArray[np.float64]

NUM_COUNTS = 23

_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
# Words, stems, synonyms, paraphrases.
_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])
_MEMORY_MEGABYTES = 2048


def meteor_jar(folder: Path | None = None) -> Path:
    """``meteor-1.5.jar`` with its ``data`` beside it: in a folder, or in the package pycocoevalcap.

    Raises:
        MissingDependency: it is not there.
    """
    package = coco_package()
    places = [folder] if folder is not None else [package / "meteor"] if package is not None else []
    for place in places:
        jar = place / "meteor-1.5.jar"
        if jar.is_file() and (place / "data" / "paraphrase-en.gz").is_file():
            return jar
    raise MissingDependency(
        "METEOR needs the program of its authors, which is not installed.",
        where=folder,
        expected="meteor-1.5.jar and data/paraphrase-en.gz",
        fix="pip install 'audiolect[java]'",
    )


def meteor_counts(
    candidates: Sequence[Words],
    references: Sequence[Sequence[Words]],
    *,
    java: Java,
    jar: Path,
    timeout_seconds: float = 120.0,
    answered: Callable[[int], None] | None = None,
) -> FloatArray:
    """(N, NUM_COUNTS): what the program counts of each recording.

    Args:
        candidates: N lists of words.
        references: N lists of lists of words.
        java: by ``find_java``.
        jar: by ``meteor_jar``.
        timeout_seconds: the longest that one answer may take, the first with the start.
        answered: is told how many more recordings are done.

    Raises:
        UsageError: the numbers differ, there are none, or a recording has no reference.
        WorkerDied: the program ended early, took too long, or answered something else.
    """
    check_captions(candidates, references)
    lines = [
        " ||| ".join(("SCORE", *(_text(caption) for caption in own), _text(said)))
        for said, own in zip(candidates, references, strict=True)
    ]
    options = ["-jar", jar.name, "-", "-", "-stdio", "-l", "en", "-norm"]
    replies = ask_lines(
        java_command(java, options, memory_megabytes=_MEMORY_MEGABYTES),
        lines,
        name="METEOR",
        folder=jar.parent,
        timeout_seconds=timeout_seconds,
        answered=answered,
    )
    counts = np.array([_parsed(reply) for reply in replies])
    # What is matched as a whole is in no piece: so it adds none to those of a set.
    counts[(counts[:, 20] == 1) & (counts[:, 21:23] == counts[:, 0:2]).all(axis=1), 20] = 0
    return counts


def meteor_of_counts(counts: FloatArray) -> FloatArray:
    """(…, NUM_COUNTS) counts of a recording, or sums of several → (…,) METEOR."""
    lengths, function_words = counts[..., 0:2], counts[..., 2:4]
    of_modules = counts[..., 4:20].reshape(*counts.shape[:-1], 4, 4)
    # Of each module: content words of candidate and reference, then function words of both.
    content = np.einsum("...mk,m->...k", of_modules[..., 0:2], _WEIGHTS)
    functional = np.einsum("...mk,m->...k", of_modules[..., 2:4], _WEIGHTS)
    weighted = _DELTA * content + (1 - _DELTA) * functional
    totals = _DELTA * (lengths - function_words) + (1 - _DELTA) * function_words
    shares = np.divide(weighted, totals, out=np.zeros_like(weighted), where=totals > 0)
    precision, recall = shares[..., 0], shares[..., 1]
    divisor = _ALPHA * precision + (1 - _ALPHA) * recall
    mean = np.divide(precision * recall, divisor, out=np.zeros_like(divisor), where=divisor > 0)
    chunks, matched = counts[..., 20], counts[..., 21:23].sum(axis=-1)
    fragments = np.divide(2 * chunks, matched, out=np.zeros_like(chunks), where=matched > 0)
    return np.asarray(mean * (1 - _GAMMA * fragments**_BETA), np.float64)


def _text(caption: Words) -> str:
    return " ".join(caption).replace("|||", "").replace("  ", " ").replace("\n", " ")


def _parsed(reply: str) -> list[float]:
    parts = reply.split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != NUM_COUNTS:
        raise WorkerDied(
            "METEOR answered something else than its counts.",
            expected=f"{NUM_COUNTS} numbers",
            found=reply[:120],
            cause="another version of the program",
            fix="pip install 'audiolect[java]'",
        )
    return numbers
