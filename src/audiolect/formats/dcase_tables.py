"""The tables of the DCASE retrieval layout, read: who has which captions, and where each audio id is.

    wav.csv               audio_id <tab> file_name               in WAV files, or
    waveform.csv          audio_id <tab> hdf5_path               in HDF5 files
    train.json            {"audios": [{"audio_id": …, "captions": [{"caption": …, "tokens": …, "cap_id": …}]}]}
    train_captions.csv    fname,raw_text,text                    taken where a split has no JSON

Conventions: a split is the stem of its file, without ``text`` and ``_captions``: ``train.json``, ``text_train.json``
and ``train_captions.csv`` are the split train; ``text.json`` is the split that was asked for, or ``all``. An audio id
that stands in no table is looked for as ``Y`` + id + ``.wav``, the names of AudioSet and AudioCaps. An id of two
different files is an error. Entries that cannot be used are left out and listed.

Public names: WAV_NAME, WAVEFORM_NAME, CAPTIONS_SUFFIX, Captioned, Sources, find_sources, read_texts, unread_tables,
read_places, look_up.

Source: https://github.com/wsntxxn/DCASE2022T6_CLAP and https://github.com/Yuvraj-Dhepe/dcase2023-audio-retrieval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from audiolect.corpora.source_tables import TableLayout, read_table
from audiolect.data.problems import Problem
from audiolect.errors import TableError, UsageError, nearest_names
from audiolect.formats.request import ImportRequest
from audiolect.formats.shipping import CARD_NAME
from audiolect.formats.unread import unread_names
from audiolect.storage import read_json

WAV_NAME = "wav.csv"
WAVEFORM_NAME = "waveform.csv"
CAPTIONS_SUFFIX = "_captions.csv"
_TEXT_WORD = re.compile(r"^text([_-]|$)|[_-]text$")
_SPLIT_ORDER = {"train": 0, "development": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "evaluation": 2}
_SHOWN_CHARACTERS = 80
_AUDIO_KEYS = ("audio_id", "captions")
_CAPTION_KEYS = ("caption", "tokens", "cap_id")


@dataclass(frozen=True, slots=True)
class Captioned:
    """The captions of one audio id in one split; ``cap_ids`` has one text for each, "" where none is stated."""

    audio_id: str
    split: str
    captions: tuple[str, ...]
    cap_ids: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a layout: split → its texts, and the tables of places, where there are any."""

    folder: Path
    texts: Mapping[str, Path]
    wav: Path | None
    waveform: Path | None


def find_sources(request: ImportRequest) -> Sources:
    """The files that a request means: those of a folder; or one text; or a folder by its wav.csv or waveform.csv.

    A folder that has both tables is read by its wav.csv.

    Raises:
        TableError: there is nothing of the layout.
        UsageError: a split is given for several texts.
    """
    source = request.source
    folder = source if source.is_dir() else source.parent
    tables = {name: folder / name for name in (WAV_NAME, WAVEFORM_NAME) if (folder / name).is_file()}
    if source.is_file() and source.name in tables:
        tables, source = {source.name: source}, folder
    elif WAV_NAME in tables:
        tables.pop(WAVEFORM_NAME, None)
    texts = _texts_of(source, request.split)
    if not texts and not tables:
        raise TableError(
            "There is nothing of the DCASE layout.",
            where=source,
            expected=f"{WAV_NAME} or {WAVEFORM_NAME}, SPLIT.json or SPLIT{CAPTIONS_SUFFIX}",
            found=", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "an empty folder",
        )
    return Sources(folder, texts, tables.get(WAV_NAME), tables.get(WAVEFORM_NAME))


def read_texts(sources: Sources, problems: list[Problem]) -> list[Captioned]:
    """What the texts say, the splits in the order train, val, test, others; of an id twice in one split the first.

    Raises:
        TableError: a text cannot be read, or is no such text.
    """
    found: list[Captioned] = []
    for split, path in sources.texts.items():
        entries = _read_json(path, split, problems) if path.suffix == ".json" else _read_csv(path, split, problems)
        known: dict[str, str] = {}
        for entry in entries:
            if entry.audio_id in known:
                detail = f"{entry.audio_id} stands at {known[entry.audio_id]} already, which counts"
                problems.append(Problem("duplicate-id", entry.where, detail))
                continue
            known[entry.audio_id] = entry.where
            found.append(entry)
    return found


def unread_tables(sources: Sources, source: Path) -> list[Problem]:
    """A warning for each table of the folder that is none of the layout's: a caption table may be called otherwise."""
    known = {path.name for path in (*sources.texts.values(), sources.wav, sources.waveform) if path is not None}
    if not source.is_dir():
        return []
    found = (path for suffix in ("csv", "tsv") for path in sorted(source.glob(f"*.{suffix}")))
    others = [path for path in found if path.name not in {*known, WAV_NAME, WAVEFORM_NAME}]
    return [
        Problem(
            "passed-over",
            path.name,
            f"the table is not read: the layout has {WAV_NAME}, {WAVEFORM_NAME} and SPLIT{CAPTIONS_SUFFIX}",
            "warning",
        )
        for path in others
        if not path.name.endswith(CAPTIONS_SUFFIX)  # of a split that has a JSON
    ]


def read_places(path: Path, column: str, problems: list[Problem]) -> dict[str, str]:
    """audio id → the cell of a column, of wav.csv or waveform.csv.

    Raises:
        TableError: the table cannot be read, lacks a column, or has two files for one id.
    """
    table = read_table(path, TableLayout(format="tsv"), needed=("audio_id", column))
    problems += table.problems
    places: dict[str, str] = {}
    for row in table.rows():
        audio_id, place = row["audio_id"], row[column]
        if not audio_id or not place:
            detail = f"{'audio_id' if not audio_id else column} is empty"
            problems.append(Problem("missing-value", row.where, detail))
        elif places.setdefault(audio_id, place) != place:
            raise TableError(
                f"Two files have the audio id {audio_id!r}.",
                where=row.where,
                expected="each id for one file",
                found=f"{places[audio_id]} and {place}",
                cause="ids were made of file names alone, and two folders hold files of one name",
                fix="make the ids of folder and name, in this table and in the texts",
            )
    return places


def look_up(places: Mapping[str, Any], audio_id: str) -> str | None:
    """The id under which a table has an audio id: its own, or ``Y`` + id + ``.wav``; None where it has neither."""
    return next((name for name in (audio_id, f"Y{audio_id}.wav") if name in places), None)


def _texts_of(source: Path, asked: str | None) -> dict[str, Path]:
    if source.is_file():
        return {asked or _split_of(source): source}
    names = [path for path in sorted(source.glob("*.json")) if path.name != CARD_NAME]
    texts = {_split_of(path): path for path in reversed(names)}
    if len(texts) < len(names):
        raise TableError("Two texts are of one split.", where=source, found=", ".join(path.name for path in names))
    for path in sorted(source.glob(f"*{CAPTIONS_SUFFIX}")):
        texts.setdefault(_split_of(path), path)
    if asked is not None and len(texts) > 1:
        raise UsageError(
            "A split is given for several texts.",
            where=source,
            found=", ".join(path.name for path in texts.values()),
            fix="name one of the texts as the source, or leave --split away",
        )
    if asked is not None and texts:
        return {asked: next(iter(texts.values()))}
    return dict(sorted(texts.items(), key=lambda pair: (_SPLIT_ORDER.get(pair[0], len(_SPLIT_ORDER)), pair[0])))


def _split_of(path: Path) -> str:
    stem = path.name.removesuffix(CAPTIONS_SUFFIX) if path.name.endswith(CAPTIONS_SUFFIX) else path.stem
    return _TEXT_WORD.sub("", stem) or "all"


def _read_json(path: Path, split: str, problems: list[Problem]) -> Iterator[Captioned]:
    value = read_json(path, error=TableError)
    audios = value.get("audios") if isinstance(value, dict) else None
    if not isinstance(audios, list):
        raise TableError(
            "The text has no list of audios.",
            where=path,
            expected='{"audios": [{"audio_id": "a.wav", "captions": [{"caption": "A dog barks."}]}]}',
            found=", ".join(list(value)[:5]) if isinstance(value, dict) else f"a {type(value).__name__}",
            cause="the folder holds JSON of another kind",
            fix="name one text as the source, or move the file away",
        )
    for index, entry in enumerate(audios):
        where = f"{path.name}: audios[{index}]"
        audio_id = entry.get("audio_id") if isinstance(entry, dict) else None
        captions = entry.get("captions") if isinstance(entry, dict) else None
        if isinstance(audio_id, int) and not isinstance(audio_id, bool):
            audio_id = str(audio_id)
        if not isinstance(audio_id, str) or not isinstance(captions, list) or not _is_text(audio_id):
            shown = repr(entry)[:_SHOWN_CHARACTERS]
            keys = list(entry) if isinstance(entry, dict) else []
            near = [
                f"{key} is close to {n[0]}" for key in keys if (n := nearest_names(key, _AUDIO_KEYS)) and n[0] != key
            ]
            expected = f"audio_id and captions were expected, and found: {shown}"
            problems.append(Problem("bad-row", where, "; ".join([expected, *near])))
            continue
        if not audio_id:
            problems.append(Problem("missing-value", where, "audio_id is empty"))
            continue
        pairs = []
        for place, caption in enumerate(captions):
            text = caption.get("caption") if isinstance(caption, dict) else None
            named = _misspelt(caption, f"{where}.captions[{place}]") if text is None else []
            problems += named
            if not named and _is_usable(text, f"{where}.captions[{place}]", problems):
                stated = caption.get("cap_id")
                pairs.append((text, str(stated) if isinstance(stated, str | int) and _is_text(str(stated)) else ""))
        texts, cap_ids = tuple(text for text, _ in pairs), tuple(stated for _, stated in pairs)
        yield Captioned(audio_id, split, texts, cap_ids, where)


def _misspelt(caption: object, where: str) -> list[Problem]:
    keys = list(caption) if isinstance(caption, dict) else []
    return unread_names(where, keys, _CAPTION_KEYS, texts=["caption"], what="key") if "caption" not in keys else []


def _read_csv(path: Path, split: str, problems: list[Problem]) -> Iterator[Captioned]:
    table = read_table(path, TableLayout(format="csv"), needed=("fname", "raw_text"))
    problems += table.problems
    captions: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for row in table.rows():
        if not row["fname"]:
            problems.append(Problem("missing-value", row.where, "fname is empty"))
        elif _is_usable(row["raw_text"], row.where, problems):
            first.setdefault(row["fname"], row.where)
            captions.setdefault(row["fname"], []).append(row["raw_text"])
    for name, texts in captions.items():
        yield Captioned(name, split, tuple(texts), ("",) * len(texts), first[name])


def _is_usable(text: object, where: str, problems: list[Problem]) -> TypeGuard[str]:
    if not isinstance(text, str):
        found = repr(text)[:_SHOWN_CHARACTERS]
        problems.append(Problem("bad-value", where, f"caption is {found}; a text was expected"))
    elif not text.strip():
        problems.append(Problem("empty-text", where, "the caption is empty"))
    elif not _is_text(text):
        problems.append(Problem("bad-value", where, "the caption holds half of a surrogate pair, which is no text"))
    else:
        return True
    return False


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)
