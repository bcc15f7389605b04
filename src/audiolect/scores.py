"""``scores.json``: every number with its card. A number without its card does not exist.

What many numbers share (the dataset and how much of it, how the sound was read, the words of the prompts, the weights,
the seeds, the rule for ties) stands once, as a context; each number names its context. ``card_of`` puts the two
together again.

Conventions: fractions from 0 to 1. A number's key is ``PART/TASK/METRIC``, as ``all/text_to_audio/map@10``; PART is
``all``, or a value of a column, as ``fold=5``. Bounds are null where there is no interval, and ``reason`` says why.

Public names: Scores, Number, Context, Coverage, Comparison, OverRuns, Confusion, KIND, VERSION, write_scores,
read_scores, card_of, number_key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from audiolect.config import Config, parse_config
from audiolect.errors import ConfigError, DamagedFile, StorageError
from audiolect.storage import check_header, file_header, read_json, write_json

KIND = "scores"
VERSION = 1


class Coverage(Config):
    """Of how many recordings that were asked for there is a prediction, and why not of the others."""

    available: int = Field(ge=0)
    expected: int = Field(ge=0)
    left_out: dict[str, int] = Field(default_factory=dict, description="reason → recordings")


class Context(Config):
    """What numbers of one system on one dataset rest on."""

    system: str = Field(description="name of the system: the run")
    checkpoint: dict[str, JsonValue] = Field(description="run, checkpoint, step, checkpoint_hash")
    seeds: dict[str, int] = Field(description="of the training, and of the bootstrap")
    dataset: dict[str, JsonValue] = Field(description="name, corpus_version, fingerprints, split, where")
    coverage: Coverage
    preprocessing: dict[str, JsonValue] = Field(description="how the sound was read")
    templates: tuple[str, ...] = Field(default=(), description="prompts of labels; each class is the mean of its own")
    num_labels: int = Field(default=0, ge=0, description="classes that could be chosen")
    rules: dict[str, JsonValue] = Field(default_factory=dict, description="ties, intervals, and how many draws")
    predictions: str = Field(description="fingerprint of the predictions: ids, texts and vectors")
    producer: str = Field(description="the program that evaluated")


class Number(Config):
    """One number."""

    key: str = Field(description="PART/TASK/METRIC")
    part: str
    task: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str = Field(default="", description="how the interval was made")
    reason: str = Field(default="", description="why there is no interval")
    n: int = Field(ge=0, description="queries or recordings that have a value")
    num_recordings: int = Field(ge=0, description="independent ones among them, which the interval draws")
    gallery: int = Field(default=0, ge=0, description="how many were searched; 0 where nothing was")
    excluded: int = Field(default=0, ge=0, description="queries or recordings without a value")
    higher_is_better: bool = True
    context: str = Field(description="key of contexts")


class Comparison(Config):
    """A paired test of one number against that of a baseline on the same queries."""

    key: str
    baseline: str = Field(description="name of the other system")
    difference: float = Field(description="this system minus the baseline")
    low: float | None = None
    high: float | None = None
    p_value: float
    p_holm: float = Field(description="adjusted for all tests of these scores")
    method: str
    n: int = Field(ge=0)
    num_recordings: int = Field(ge=0)
    context: str
    baseline_context: str


class OverRuns(Config):
    """One number over several runs: folds or seeds."""

    key: str
    values: dict[str, float] = Field(description="run → its value")
    mean: float
    std: float | None = Field(default=None, description="between the runs, n - 1 in the divisor")
    low: float | None = None
    high: float | None = None
    num_runs: int = Field(ge=1)


class Confusion(Config):
    """How often which class was taken for which: rows are true, columns predicted."""

    part: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    context: str


class Scores(Config):
    """The content of a ``scores.json``."""

    format: str = f"audiolect/{KIND}"
    version: int = VERSION
    producer: str = ""
    command: str = ""
    name: str = Field(description="name of the system, for the heads of columns")
    contexts: dict[str, Context]
    numbers: tuple[Number, ...]
    comparisons: tuple[Comparison, ...] = ()
    over_runs: tuple[OverRuns, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    notes: tuple[str, ...] = Field(default=(), description="what a reader of the numbers should know")


def number_key(part: str, task: str, metric: str) -> str:
    """``all/text_to_audio/map@10``."""
    return f"{part}/{task}/{metric}"


def card_of(scores: Scores, number: Number) -> dict[str, Any]:
    """The whole card of a number: the number and its context, as plain values."""
    card = number.model_dump(mode="json", exclude={"context"})
    return card | scores.contexts[number.context].model_dump(mode="json")


def write_scores(path: Path, scores: Scores) -> None:
    """Write ``scores.json`` atomically, with its header."""
    write_json(path, scores.model_copy(update=file_header(KIND, VERSION)).model_dump(mode="json"))


def read_scores(path: str | Path) -> Scores:
    """Read and check a ``scores.json``; of a folder, the file of that name in it.

    Raises:
        StorageError: there is none.
        UnknownVersion, DamagedFile: it cannot be used.
    """
    file = Path(path) / "scores.json" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise StorageError(
            "There are no scores here.",
            where=file,
            expected="a scores.json, as `audiolect evaluate` writes it",
            found="no such file",
            fix="audiolect evaluate PREDICTIONS DATASET --out scores.json",
        )
    content = read_json(file)
    check_header(content, KIND, (VERSION,), file)
    try:
        scores = parse_config(content, Scores, file)
    except ConfigError as problem:
        raise DamagedFile(
            "The scores cannot be used.",
            where=file,
            found=problem.found or problem.what,
            cause="the file was edited by hand",
            fix="evaluate again",
        ) from problem
    _check_contexts(scores, file)
    return scores


def _check_contexts(scores: Scores, where: object) -> None:
    used = {number.context for number in scores.numbers} | {confusion.context for confusion in scores.confusions}
    used |= {context for test in scores.comparisons for context in (test.context, test.baseline_context)}
    if used - set(scores.contexts):
        raise DamagedFile("A number has no card.", where=where, found=sorted(used - set(scores.contexts))[0])
