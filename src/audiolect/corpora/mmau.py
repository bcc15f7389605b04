"""MMAU test-mini: 1,000 questions with options about sound, music and speech, each about a recording of its own.

    mmau/
      mmau-test-mini.json      [{id, audio_id, question, choices, answer, task, category, sub-category, difficulty, …}]
      test-mini-audios/ID.wav

Conventions: ids are ``mmau/ID``; all is split ``test``. One MultipleChoice example each, with the options in the order
of the file and without letters. Edge spaces of questions, options and answers are dropped. An option that stands twice
stays so, because the published results are of these questions, and is listed as a warning. The table ``mmau`` keeps
what results are broken down by: modality (``task`` of the file: sound, music, speech), category, sub-category,
difficulty, and the dataset that the audio is from; 13 categories are lists of one text in the file. The answers of the
full test are not published, so that only test-mini is read.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, NUM_QUESTIONS, declare, prepare.

Source: S. Sakshi et al., "MMAU: A Massive Multi-Task Audio Understanding and Reasoning Benchmark", ICLR 2025. The table
was seen.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.progress import Progress, silent_progress

NAME = "mmau"
VERSION = "test-mini"
LICENSE = "questions: Apache-2.0; audio: as the datasets that it was taken from say"
CITATION = "S. Sakshi et al., MMAU: A Massive Multi-Task Audio Understanding and Reasoning Benchmark, ICLR 2025"
URLS = ("https://github.com/Sakshi113/MMAU",)

NUM_QUESTIONS = 1000

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(10, 16_000)  # the table says nothing; most are excerpts of about 10 s
_TABLE = "mmau-test-mini.json"
_COLUMNS = ("id", "audio_id", "question", "choices", "answer")
# column of the table → key of the file
_FACETS = {
    "modality": "task",
    "category": "category",
    "sub_category": "sub-category",
    "difficulty": "difficulty",
    "source_dataset": "dataset",
}


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with the questions of MMAU test-mini and their audio.

    Raises:
        TableError: the table is missing, cannot be read, or lacks a key.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    info = CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME)
    return take_in(info, source, declare(source), out, options, progress, sizes={"test": NUM_QUESTIONS})


def declare(source: Path) -> Declared:
    """What the table says, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    path = find_file(source, (_TABLE,))
    if path is None:
        raise wrong_layout(
            "MMAU",
            source,
            expected=f"{_TABLE}, and the folder test-mini-audios",
            looked_for=(_TABLE,),
            url=URLS[0],
        )
    table = read_table(path, needed=_COLUMNS, name=relative_name(path, source))
    declared = Declared(problems=list(table.problems), notes={"url": URLS[0]})
    facets: list[dict[str, str | None]] = []
    for row in table.rows():
        problem = _unusable(row, declared)
        if problem is not None:
            declared.problems.append(problem)
            continue
        one = _declare_one(row, declared)
        facts = {name: _facet(row.cells.get(key)) for name, key in _FACETS.items()}
        facets.append({"example_id": f"{one}#MultipleChoice", "recording_id": one, **facts})
    schema = dict.fromkeys(("example_id", "recording_id", *_FACETS), pl.String)
    declared.tables["mmau"] = pl.DataFrame(facets, schema=schema)
    return declared


def _unusable(row: Row, declared: Declared) -> Problem | None:
    """What makes a row unusable, if anything does."""
    empty = [column for column in ("id", "audio_id", "question") if not _text(row[column])]
    if empty:
        return Problem("missing-value", row.where, ", ".join(empty))
    name = f"{NAME}/{_text(row['id'])}"
    if name in declared.names:
        return Problem("duplicate-id", row.where, f"{name} stands above already")
    options = _options(row)
    if len(options) < 2:
        return Problem("bad-value", row.where, f"choices: two texts or more were expected, {len(options)} were found")
    answer = _text(row["answer"])
    if not answer:
        return Problem("empty-text", row.where, f"the answer of {name}")
    if answer not in options:
        return Problem("bad-value", row.where, f"answer: {answer!r} is none of the choices {', '.join(options)}")
    return None


def _declare_one(row: Row, declared: Declared) -> str:
    one, options = f"{NAME}/{_text(row['id'])}", _options(row)
    twice = [option for option, count in Counter(options).items() if count > 1]
    if twice:
        detail = f"choices: {', '.join(map(repr, twice))} stands more than once"
        declared.problems.append(Problem("bad-value", row.where, detail, "warning"))
    path = PurePosixPath(_text(row["audio_id"]))
    declared.drafts.append(Draft(one, path.as_posix(), split="test"))
    declared.names[one] = (path.stem,)
    example_id, answers = f"{one}#MultipleChoice", (_text(row["answer"]),)
    declared.examples.append(
        Example(example_id, one, "test", "MultipleChoice", _text(row["question"]), answers, options)
    )
    return one


def _options(row: Row) -> tuple[str, ...]:
    """The choices; none where one of them is no text, or empty."""
    choices = row["choices"]
    options = tuple(_text(choice) for choice in choices) if isinstance(choices, list) else ()
    return options if all(options) else ()


def _facet(value: Any) -> str | None:
    texts = value if isinstance(value, list) else [value]
    return ", ".join(text for one in texts if (text := _text(one))) or None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
