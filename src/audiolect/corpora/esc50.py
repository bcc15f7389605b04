"""ESC-50: 2000 environmental sounds of about 5 s in 50 classes; ESC-10 is its subset of 400 in 10 classes.

    esc10/
      audio/1-100032-A-0.ogg          (ESC-50 as published: .wav)
      meta/esc50.csv                  filename, fold, target, category, esc10, src_file, take
      meta/freesound_titles.csv       filename, title, author, license; optional

Conventions: ids are ``esc50/1-100032-A-0``, of the stem alone and the same for ESC-10, so that a recording is known
again in either corpus and in any encoding. There are five folds and no official split: every recording is in the split
``all``, and a test fold is chosen where it is used. Recordings from one upload share ``group``, which is also the
``source_id``. Three examples for each recording:

    AudioCaptioning: a sentence that says what its class sounds like (CAPTIONS), and as a second answer the title of
        the upload, cleaned (titles.py), where one is known and says anything. Both are weak: the first is shared by its
        class, the second was written by the uploader about the whole upload.
    EventClassification: its label, the category with spaces.
    MultipleChoice: its label among NUM_OPTIONS, drawn by a hash of the id; the right one stands equally often at each
        place.

With titles, the table ``attribution`` keeps author, title and licence, as CC BY asks.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, DATASETS, CAPTIONS, NUM_OPTIONS, prepare.

Source: K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM MM 2015, doi:10.1145/2733373.2806390.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from audiolect.corpora.audio_listing import locate
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal, intake
from audiolect.corpora.source_tables import Row, read_table
from audiolect.corpora.titles import title_caption
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.errors import TableError
from audiolect.progress import Progress, silent_progress
from audiolect.tasks import TASKS

NAME = "esc50"
VERSION = "2.0"
LICENSE = "ESC-50: CC BY-NC 3.0; ESC-10: CC BY 3.0"
CITATION = "K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015"
URLS = ("https://github.com/karolpiczak/ESC-50",)

NUM_OPTIONS = 4

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(5, 44_100)
# What datasets of this corpus are named: the whole, and its subset.
DATASETS = ("esc50", "esc10")
_NUM_EXPECTED = {"esc50": 2000, "esc10": 400}
_LICENSES = {"esc50": "CC BY-NC 3.0", "esc10": "CC BY 3.0"}
_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
_TITLE_COLUMNS = ("filename", "title", "author", "license")
_QUESTION = "what makes this sound?"

# category → a sentence for it; the sound, and nothing that the class does not tell
CAPTIONS: dict[str, str] = {
    "airplane": "An airplane flies past.",
    "breathing": "A person breathes in and out.",
    "brushing_teeth": "Someone brushes their teeth.",
    "can_opening": "A drink can is opened.",
    "car_horn": "A car horn honks.",
    "cat": "A cat meows.",
    "chainsaw": "A chainsaw is running.",
    "chirping_birds": "Birds are chirping.",
    "church_bells": "Church bells are ringing.",
    "clapping": "People clap their hands.",
    "clock_alarm": "An alarm clock goes off.",
    "clock_tick": "A clock is ticking.",
    "coughing": "Someone coughs.",
    "cow": "A cow moos.",
    "crackling_fire": "A fire crackles.",
    "crickets": "Crickets are chirping.",
    "crow": "A crow caws.",
    "crying_baby": "A baby cries.",
    "dog": "A dog barks.",
    "door_wood_creaks": "A wooden door creaks.",
    "door_wood_knock": "Someone knocks on a wooden door.",
    "drinking_sipping": "Someone sips a drink.",
    "engine": "An engine is running.",
    "fireworks": "Fireworks explode.",
    "footsteps": "Someone is walking.",
    "frog": "A frog croaks.",
    "glass_breaking": "Glass breaks.",
    "hand_saw": "Someone saws with a hand saw.",
    "helicopter": "A helicopter is flying.",
    "hen": "A hen clucks.",
    "insects": "Insects are buzzing.",
    "keyboard_typing": "Someone types on a keyboard.",
    "laughing": "Someone laughs.",
    "mouse_click": "A computer mouse clicks.",
    "pig": "A pig grunts.",
    "pouring_water": "Water is poured.",
    "rain": "Rain is falling.",
    "rooster": "A rooster crows.",
    "sea_waves": "Sea waves break on the shore.",
    "sheep": "A sheep bleats.",
    "siren": "A siren wails.",
    "sneezing": "Someone sneezes.",
    "snoring": "Someone snores.",
    "thunderstorm": "Thunder rolls in a storm.",
    "toilet_flush": "A toilet is flushed.",
    "train": "A train passes.",
    "vacuum_cleaner": "A vacuum cleaner is running.",
    "washing_machine": "A washing machine is running.",
    "water_drops": "Water is dripping.",
    "wind": "The wind is blowing.",
}


@dataclass(frozen=True, slots=True)
class _Upload:
    """What is known of the Freesound upload that a recording was cut from."""

    title: str | None
    author: str | None
    license: str | None


def prepare(
    source: Path, out: Path, options: IntakeOptions = _DEFAULTS, progress: Progress = silent_progress
) -> Dataset:
    """Make a dataset of a folder in the layout of ESC-50.

    Whether it is ESC-10 is told by the table: there all rows have ``esc10`` true.

    Raises:
        TableError: ``meta/esc50.csv`` is missing, cannot be read, or lacks a column.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    table_path = source / "meta" / "esc50.csv"
    if not table_path.is_file():
        raise TableError(
            "The folder is not laid out as ESC-50.",
            where=source,
            expected="audio/ and meta/esc50.csv",
            found=", ".join(sorted(path.name for path in source.glob("*"))[:5]) or "nothing",
            fix=f"unpack the archive of {URLS[0]} and name the folder that holds audio/ and meta/",
        )
    table = read_table(table_path, needed=_COLUMNS, name="meta/esc50.csv")
    problems = list(table.problems)
    uploads = _read_uploads(source / "meta" / "freesound_titles.csv", problems)
    name = "esc10" if all(row["esc10"].strip().lower() == "true" for row in table.rows()) else "esc50"
    drafts: list[Draft] = []
    for row in table.rows():
        bad = _bad_cell(row)
        if bad is None:
            drafts.append(_draft(row, source, uploads))
        else:
            problems.append(bad)
    info = CorpusInfo(name, VERSION, _LICENSES[name], CITATION, _NUM_EXPECTED[name], _NOMINAL, "esc50")
    return intake(
        info,
        source,
        drafts,
        _examples(drafts),
        out,
        options,
        progress,
        problems,
        extra_tables=_attribution(drafts, uploads),
        notes={"url": URLS[0], "titles": sum(draft.title is not None for draft in drafts)},
    )


def _read_uploads(path: Path, problems: list[Problem]) -> dict[str, _Upload]:
    """Stem of the recording → upload; nothing where there is no such table."""
    if not path.exists():
        return {}
    table = read_table(path, needed=_TITLE_COLUMNS, name=f"meta/{path.name}")
    problems += table.problems
    uploads: dict[str, _Upload] = {}
    for row in table.rows():
        stem = PurePosixPath(row["filename"]).stem
        if stem in uploads:
            problems.append(Problem("duplicate-id", row.where, f"{row['filename']} has a title already"))
            continue
        uploads[stem] = _Upload(*(row[column].strip() or None for column in ("title", "author", "license")))
    return uploads


def _bad_cell(row: Row) -> Problem | None:
    """What makes a row unusable, if anything does."""
    for column in ("filename", "category", "src_file"):
        if not row[column].strip():
            return Problem("missing-value", row.where, column)
    if row["fold"].strip() not in ("1", "2", "3", "4", "5"):
        return Problem("bad-value", row.where, f"fold: 1 to 5 was expected, {row['fold']!r} was found")
    return None


def _draft(row: Row, source: Path, uploads: dict[str, _Upload]) -> Draft:
    stem = PurePosixPath(row["filename"]).stem
    upload = uploads.get(stem)
    origin = f"freesound:{row['src_file'].strip()}"
    return Draft(
        recording_id=f"{NAME}/{stem}",
        path=locate(source, f"audio/{row['filename']}"),
        source_id=origin,
        group=origin,
        fold=int(row["fold"]),
        labels=(row["category"].strip().replace("_", " "),),
        title=upload.title if upload else None,
        license=upload.license if upload else None,
    )


def _examples(drafts: Iterable[Draft]) -> Iterator[Example]:
    drafts = list(drafts)
    labels = sorted({draft.labels[0] for draft in drafts})
    places = _right_places(drafts, min(NUM_OPTIONS, len(labels)))
    for draft in drafts:
        (label,) = draft.labels
        title = title_caption(draft.title) if draft.title else None
        sentence = CAPTIONS.get(label.replace(" ", "_"), f"The sound of {label}.")
        captions = (sentence,) if title is None else (sentence, title)
        options = _options(draft.recording_id, label, labels, places[draft.recording_id])
        for task, prompt, answers, choices in (
            ("AudioCaptioning", TASKS["AudioCaptioning"].prompts[0], captions, ()),
            ("EventClassification", TASKS["EventClassification"].prompts[0], (label,), ()),
            ("MultipleChoice", _QUESTION, (label,), options),
        ):
            example_id = f"{draft.recording_id}#{task}"
            yield Example(example_id, draft.recording_id, draft.split, task, prompt, answers, choices)


def _right_places(drafts: Iterable[Draft], num_places: int) -> dict[str, int]:
    """The place of the right option for each recording: equally often each, within a label as well as overall."""
    of_label: dict[str, list[str]] = defaultdict(list)
    for draft in drafts:
        of_label[draft.labels[0]].append(draft.recording_id)
    ordered = [one for label in sorted(of_label) for one in sorted(of_label[label], key=lambda x: _hash("place", x))]
    return {recording_id: position % num_places for position, recording_id in enumerate(ordered)}


def _options(recording_id: str, label: str, labels: list[str], place: int) -> tuple[str, ...]:
    """NUM_OPTIONS labels (all, where there are fewer) with the right one at ``place``."""
    others = sorted((other for other in labels if other != label), key=lambda other: _hash(recording_id, other))
    options = others[: NUM_OPTIONS - 1]
    options.insert(place, label)
    return tuple(options)


def _hash(*texts: str) -> bytes:
    """The same on every machine and in every process, unlike Python's own."""
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _attribution(drafts: Iterable[Draft], uploads: dict[str, _Upload]) -> dict[str, pl.DataFrame]:
    if not uploads:
        return {}
    known = {draft.recording_id: uploads.get(PurePosixPath(draft.path).stem) for draft in drafts}
    rows = [(one, up.title, up.author, up.license) for one, up in known.items() if up is not None]
    schema = dict.fromkeys(("recording_id", "title", "author", "license"), pl.String)
    return {"attribution": pl.DataFrame(rows, schema=schema, orient="row")}
