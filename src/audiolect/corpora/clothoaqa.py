"""ClothoAQA: 1,991 recordings of Clotho with six questions each, and three people's answers to every question.

    clotho_aqa/
      clotho_aqa_train.csv  clotho_aqa_val.csv  clotho_aqa_test.csv  file_name, QuestionText, answer, confidence
      clotho_aqa_metadata.csv                                        file_name, keywords, sound_link, license (optional)
      audio_files/*.wav                                              (more recordings than are asked about)

A question stands in one row for each of its answers.

Conventions: ids are ``clothoaqa/NAME`` of the file without suffix; the splits are ``train``, ``valid``, ``test``. One
AQA example for each question, with the distinct answers as they are given, the most frequent first and the earlier of
two equally frequent ones first; answers that differ in case or edge spaces are one. Numbers of questions count from 1
within their recording: ``clothoaqa/NAME#AQA-3``.

The subsets that results are published on have no file of their own. They are worked out here and stand in the table
``aqa_subsets`` (example_id, recording_id, subset, votes) and behind the number in the id of the example, so that
``contains(example_id, '.unanimous')`` filters them:

    unanimous    all three answers are yes, or all three are no
    non-binary   the most frequent answer is neither yes nor no
    numerical    those of non-binary whose most frequent answer is a number, in digits or in words

A question of yes and no whose answers differ is in no subset. That ``numerical`` lies within ``non-binary`` is our
reading: no source that was seen states how Audio Flamingo chose its questions.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SIZES, NUM_ANSWERS, subsets_of, declare, prepare.

Source: S. Lipping, P. Sudarsanam, K. Drossos, T. Virtanen, "Clotho-AQA: A Crowdsourced Dataset for Audio Question
Answering", EUSIPCO 2022. The columns are as other projects read them; the tables themselves were not at hand.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, TableLayout, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.data.sources import freesound_source
from audiolect.progress import Progress, silent_progress

NAME = "clothoaqa"
VERSION = "1.0"
LICENSE = "questions and answers: MIT; audio: as each uploader to Freesound says (the license of a recording)"
CITATION = "S. Lipping et al., Clotho-AQA: A Crowdsourced Dataset for Audio Question Answering, EUSIPCO 2022"
URLS = ("https://zenodo.org/record/6473207",)

NUM_ANSWERS = 3
SIZES = {"train": 1174, "valid": 344, "test": 473}  # recordings; as the paper divides the 1,991

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(22.5, 44_100)  # the middle of 15 to 30 s
_COLUMNS = ("file_name", "QuestionText", "answer")
_TABLES = {
    "train": ("clotho_aqa_train.csv",),
    "valid": ("clotho_aqa_val.csv", "clotho_aqa_valid.csv"),
    "test": ("clotho_aqa_test.csv",),
}
_METADATA = "clotho_aqa_metadata.csv"
# Spelled otherwise in the archive than in the tables.
_OTHER_NAMES = {"souffle_me_tallique": "souffle_me.tallique"}
_SOUND = re.compile(r"/sounds?/(\d+)")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_NUMBER_WORDS = frozenset(
    [
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        *("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand"),
    ]
)


@dataclass(slots=True)
class _Question:
    """One question: where it first stands, and its answers in the order of the rows."""

    split: str
    where: str
    answers: list[str] = field(default_factory=list)


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder with tables of ClothoAQA and its audio.

    Raises:
        TableError: no table is there, or one cannot be read or lacks a column.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    info = CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME)
    return take_in(info, source, declare(source), out, options, progress, sizes=SIZES)


def declare(source: Path) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    found = {split: find_file(source, names) for split, names in _TABLES.items()}
    if all(path is None for path in found.values()):
        raise wrong_layout(
            "ClothoAQA",
            source,
            expected="at least one table with the columns " + ", ".join(_COLUMNS),
            looked_for=[name for names in _TABLES.values() for name in names],
            url=URLS[0],
        )
    declared = Declared()
    declared.notes["url"] = URLS[0]
    declared.notes["splits_without_table"] = [split for split, path in found.items() if path is None]
    questions: dict[str, dict[str, _Question]] = {}
    for split, path in found.items():
        if path is not None:
            table = read_table(path, _layout(path), needed=_COLUMNS, name=relative_name(path, source))
            declared.problems.extend(table.problems)
            for row in table.rows():
                _add_row(row, split, questions, declared.problems)
    metadata = _read_metadata(source, declared)
    for name, asked in questions.items():
        _declare_one(name, asked, metadata.get(_plain(name)), declared)
    declared.tables["aqa_subsets"] = _subset_table(questions)
    return declared


def subsets_of(answers: list[str]) -> tuple[str, ...]:
    """The subsets that a question belongs to by its answers: see the front of this file."""
    votes = _votes(answers)
    if not votes:
        return ()
    most = votes[0][0].lower()
    if most in ("yes", "no"):
        return ("unanimous",) if len(votes) == 1 and len(answers) == NUM_ANSWERS else ()
    return ("non-binary", "numerical") if _is_number(most) else ("non-binary",)


def _add_row(row: Row, split: str, questions: dict[str, dict[str, _Question]], problems: list[Problem]) -> None:
    name = PurePosixPath(row["file_name"].strip()).stem
    text, answer = row["QuestionText"].strip(), row["answer"].strip()
    if not name or not text:
        problems.append(Problem("missing-value", row.where, "QuestionText" if name else "file_name"))
        return
    if not answer:
        problems.append(Problem("empty-text", row.where, f"an answer to {text!r}"))
        return
    asked = questions.setdefault(name, {})
    other = next(iter(asked.values()), None)
    if other is not None and other.split != split:
        problems.append(Problem("duplicate-id", row.where, f"{name} stands already at {other.where}, in {other.split}"))
        return
    asked.setdefault(text, _Question(split, row.where)).answers.append(answer)


def _declare_one(name: str, asked: dict[str, _Question], known: Row | None, declared: Declared) -> None:
    one = f"{NAME}/{name}"
    split = next(iter(asked.values())).split
    cells = {} if known is None else {column: str(text).strip() for column, text in known.cells.items()}
    sound = _SOUND.search(cells.get("sound_link", ""))
    origin = freesound_source(sound[1]) if sound else None
    keywords = (word.strip() for word in cells.get("keywords", "").split(";"))
    declared.drafts.append(
        Draft(
            one,
            f"audio_files/{name}.wav",
            source_id=origin,
            group=origin,
            split=split,
            labels=tuple(dict.fromkeys(word for word in keywords if word)),
            title=name,
            license=cells.get("license") or None,
        )
    )
    declared.names[one] = tuple(dict.fromkeys((name, _OTHER_NAMES.get(name, name))))
    for number, (text, question) in enumerate(asked.items(), start=1):
        answers = tuple(answer for answer, _ in _votes(question.answers))
        declared.examples.append(Example(_example_id(one, number, question), one, split, "AQA", text, answers))


def _subset_table(questions: dict[str, dict[str, _Question]]) -> pl.DataFrame:
    """One row for each question and subset, with how many people gave the first answer."""
    rows: list[tuple[str, str, str, int]] = []
    for name, asked in questions.items():
        one = f"{NAME}/{name}"
        for number, question in enumerate(asked.values(), start=1):
            example, most = _example_id(one, number, question), _votes(question.answers)[0][1]
            rows += [(example, one, subset, most) for subset in subsets_of(question.answers)]
    schema: dict[str, Any] = dict.fromkeys(("example_id", "recording_id", "subset"), pl.String) | {"votes": pl.Int16}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _example_id(one: str, number: int, question: _Question) -> str:
    return f"{one}#AQA-{number}" + "".join(f".{subset}" for subset in subsets_of(question.answers))


def _votes(answers: list[str]) -> list[tuple[str, int]]:
    """Each distinct answer as it was first given, and its votes; the most frequent first."""
    spelled: dict[str, str] = {}
    for answer in answers:
        spelled.setdefault(answer.strip().lower(), answer.strip())
    counts = Counter(answer.strip().lower() for answer in answers)
    return [(spelled[key], count) for key, count in counts.most_common()]


def _is_number(answer: str) -> bool:
    words = answer.replace("-", " ").split()
    return bool(words) and all(word in _NUMBER_WORDS or _DIGITS.fullmatch(word) for word in words)


def _read_metadata(source: Path, declared: Declared) -> dict[str, Row]:
    """Plain name → row of the metadata; nothing, and a warning, where there is no such table."""
    path = find_file(source, (_METADATA,))
    if path is None:
        detail = "without it there are no sources, groups, keywords and licences"
        declared.problems.append(Problem("missing", _METADATA, detail, "warning"))
        return {}
    table = read_table(path, _layout(path), needed=("file_name",), name=relative_name(path, source))
    declared.problems.extend(table.problems)
    return {_plain(PurePosixPath(row["file_name"].strip()).stem): row for row in table.rows()}


def _plain(name: str) -> str:
    # The metadata and the tables disagree on "." and "_" within a name.
    return name.replace(".", "_")


def _layout(path: Path) -> TableLayout:
    """UTF-8 where the file is, else Latin-1, which other projects read the tables with."""
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return TableLayout(encoding="iso-8859-1")
    return TableLayout()
