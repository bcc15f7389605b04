"""WavCaps: 400,000 recordings of four sources, each with one caption that a language model made of its description.

    WavCaps/
      json_files/AudioSet_SL/as_final.json   json_files/BBC_Sound_Effects/bbc_final.json
      json_files/FreeSound/fsd_final.json    json_files/SoundBible/sb_final.json           any of the four
      json_files/blacklist/*.json            ids that other corpora use for their tests
      AudioSet_SL/…/Y….flac  BBC_Sound_Effects/…  FreeSound/…  SoundBible/…                below any folder

A table is ``{num_captions_per_audio, data: [{id, caption, duration, …}]}`` (that of SoundBible also the bare list);
a blacklist is ``{AudioSet: [ids], FreeSound: [ids]}``.

Conventions: ids are ``wavcaps/SOURCE/ID``, where ID has neither suffix nor the ``Y`` before a YouTube id, so that
``YabcdefghijK.wav`` of a table is found as ``YabcdefghijK.flac`` on the disk and compared with a blacklist in either
form. One AudioCaptioning example for each recording. There are no official splits: all is ``all``. ``source_id`` and
``group`` are ``youtube:``, ``freesound:``, ``bbc:`` or ``soundbible:`` and the id. Ids of one source are numbers that
occur in another, so audio must stand below a folder with the name of its source.

WavCaps holds much of the test material of AudioCaps, Clotho, ESC-50, UrbanSound8K and VGGSound. With a ``blacklist``
its recordings are left out and counted in the notes; without one the notes say so.

Public names: NAME, VERSION, LICENSE, CITATION, URLS, SOURCES, declare, prepare.

Source: X. Mei et al., "WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for Audio-Language
Multimodal Research", 2023. Seen were the table of SoundBible and the blacklists; the keys of the other three tables
are as other projects read them, and only ``id`` and ``caption`` are needed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from audiolect.audio.files import AUDIO_SUFFIXES
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, number_or_none, relative_name, take_in, wrong_layout
from audiolect.corpora.source_tables import Row, read_table
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.errors import TableError
from audiolect.progress import Progress, silent_progress
from audiolect.storage import read_json
from audiolect.tasks import TASKS

NAME = "wavcaps"
VERSION = "1.0"
LICENSE = "academic use only; AudioSet, BBC Sound Effects, Freesound and SoundBible have licences of their own"
CITATION = "X. Mei et al., WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset, arXiv 2303.17395"
URLS = ("https://huggingface.co/datasets/cvssp/WavCaps", "https://github.com/XinhaoMei/WavCaps")


@dataclass(frozen=True, slots=True)
class _Source:
    """One of the four: its table, the scheme of its source ids, and its name in a blacklist."""

    table: str
    scheme: str
    blacklist: str | None = None


SOURCES: dict[str, _Source] = {
    "AudioSet_SL": _Source("as_final.json", "youtube", "AudioSet"),
    "BBC_Sound_Effects": _Source("bbc_final.json", "bbc"),
    "FreeSound": _Source("fsd_final.json", "freesound", "FreeSound"),
    "SoundBible": _Source("sb_final.json", "soundbible"),
}

_DEFAULTS = IntakeOptions()
_NOMINAL = Nominal(rate_hz=32_000)
_YOUTUBE = re.compile(r"Y([A-Za-z0-9_-]{11})")


def prepare(
    source: Path,
    out: Path,
    options: IntakeOptions = _DEFAULTS,
    progress: Progress = silent_progress,
    *,
    blacklist: Path | None = None,
) -> Dataset:
    """Make a dataset of a folder with tables of WavCaps and what audio there is.

    Args:
        source: the folder with ``json_files`` and the audio.
        out: the dataset folder to write.
        options: how the intake runs.
        progress: told of each recording.
        blacklist: a file of ids to leave out.

    Raises:
        TableError: no table is there, or a table or the blacklist cannot be read.
        AlreadyExists, DatasetError, TooManyProblems, UsageError: as ``intake``.
    """
    return take_in(
        CorpusInfo(NAME, VERSION, LICENSE, CITATION, nominal=_NOMINAL, download_name=NAME),
        source,
        declare(source, blacklist=blacklist),
        out,
        options,
        progress,
        folders=lambda draft: _folders(_source_of(draft)),
        foreign=lambda draft: [name for one in SOURCES if one != _source_of(draft) for name in _folders(one)],
    )


def declare(source: Path, *, blacklist: Path | None = None) -> Declared:
    """What the tables say, without a look at the audio.

    Raises:
        TableError: as ``prepare``.
    """
    found = {
        name: find_file(source, [one.table], (f"json_files/{name}", f"data/json_files/{name}", name, "json_files", ""))
        for name, one in SOURCES.items()
    }
    if all(path is None for path in found.values()):
        raise wrong_layout(
            "WavCaps",
            source,
            expected="at least one table of json_files/",
            looked_for=[f"json_files/{name}/{one.table}" for name, one in SOURCES.items()],
            url=URLS[0],
        )
    excluded = _read_blacklist(blacklist)
    left_out: Counter[str] = Counter()
    declared = Declared(notes={"url": URLS[0], "blacklist": None if blacklist is None else blacklist.name})
    for name, path in found.items():
        if path is None:
            continue
        table = read_table(path, needed=("id", "caption"), name=relative_name(path, source))
        declared.problems.extend(table.problems)
        for row in table.rows():
            own = _own_id(row["id"], name)
            if own in excluded.get(SOURCES[name].blacklist or "", ()):
                left_out[name] += 1
            else:
                _add_row(row, name, own, declared)
    if blacklist is not None:
        declared.notes["blacklisted"] = dict(left_out)
    return declared


def _folders(name: str) -> tuple[str, ...]:
    # The archives unpack to a folder with "_flac" behind the name, in the copies that people describe.
    return (name, f"{name}_flac")


def _source_of(draft: Draft) -> str:
    return draft.recording_id.split("/")[1]


def _own_id(cell: Any, name: str) -> str:
    """The id without a suffix, and without the Y that PANNs put before YouTube ids; empty where there is none."""
    text = str(cell).strip() if isinstance(cell, str | int) and not isinstance(cell, bool) else ""
    if PurePosixPath(text).suffix.lower() in AUDIO_SUFFIXES:
        text = PurePosixPath(text).stem
    video = _YOUTUBE.fullmatch(text) if name == "AudioSet_SL" else None
    return video[1] if video else text


def _read_blacklist(path: Path | None) -> dict[str, frozenset[str]]:
    """Name of the source in the blacklist → the ids to leave out."""
    if path is None:
        return {}
    value = read_json(path, error=TableError)
    names = {one.blacklist: name for name, one in SOURCES.items() if one.blacklist}
    lists = value if isinstance(value, dict) else {}
    if not any(isinstance(lists.get(key), list) for key in names):
        raise TableError(
            "The file is no blacklist of WavCaps.",
            where=path,
            expected="an object with the lists " + " and ".join(names),
            found=f"the keys {', '.join(value)}" if isinstance(value, dict) else type(value).__name__,
            fix="take one of json_files/blacklist/",
        )
    given = {key: lists[key] for key in names if isinstance(lists.get(key), list)}
    return {key: frozenset(_own_id(one, names[key]) for one in ids) for key, ids in given.items()}


def _add_row(row: Row, name: str, own: str, declared: Declared) -> None:
    one = f"{NAME}/{name}/{own}"
    caption = row["caption"].strip() if isinstance(row["caption"], str) else ""
    if not own or "/" in own:
        declared.problems.append(Problem("bad-value", row.where, f"id: {row['id']!r} is none"))
    elif not caption:
        declared.problems.append(Problem("empty-text", row.where, f"the caption of {own}"))
    elif one in declared.names:
        declared.problems.append(Problem("duplicate-id", row.where, f"{one} stands above already"))
    else:
        origin = f"{SOURCES[name].scheme}:{own}"
        title = row.cells.get("title") or row.cells.get("file_name")
        tags = row.cells.get("tags")
        declared.drafts.append(
            Draft(
                one,
                f"{name}/{own}.flac",
                source_id=origin,
                group=origin,
                labels=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
                title=title.strip() if isinstance(title, str) else None,
                stated_seconds=number_or_none(row.cells.get("duration")) or None,
            )
        )
        declared.names[one] = (f"Y{own}", own) if name == "AudioSet_SL" else (own,)
        prompt = TASKS["AudioCaptioning"].prompts[0]
        declared.examples.append(Example(f"{one}#AudioCaptioning", one, "all", "AudioCaptioning", prompt, (caption,)))
