"""KEY.json of a shard ↔ a recording and its examples.

    ours:      {"format": "audiolect/shard-entry", "version": 1, "text": ["A dog barks."],
                "recording": {…}, "examples": [{…}]}
    LAION's:   {"text": "A dog barks." or ["…", "…"], "tag": ["dog"], "original_data": {…}}
    others:    {"caption": "…"} or {"captions": ["…"]}, {"labels": ["…"]}; KEY.txt with a caption, KEY.cls with a class

Conventions: ``recording`` and ``examples`` hold the columns of ``data.records``; lengths and codec are those of the
audio, whatever stands there. Of other people's entries the captions become one example with all of them as answers.

Public names: FORMAT_KIND, VERSION, entry_json, UNUSABLE, first_caption, Told, KeysMet, read_entry.

Source: https://github.com/LAION-AI/CLAP and https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from audiolect.data.problems import Problem
from audiolect.data.records import Example, Recording, Turn
from audiolect.errors import TableError, UnknownVersion
from audiolect.formats.request import ImportRequest
from audiolect.formats.unread import unread_names
from audiolect.storage import check_header, file_header
from audiolect.tasks import TASKS, get_task

FORMAT_KIND = "shard-entry"
VERSION = 1
_CAPTION_KEYS = ("text", "caption", "captions")
_LABEL_KEYS = ("tag", "tags", "label", "labels")
_EXAMPLE_TEXTS = ("example_id", "recording_id", "split", "task", "prompt")
_EXAMPLE_LISTS = ("answers", "options", "shots")
# What is raised for an entry that cannot be used.
UNUSABLE = (TableError, UnknownVersion)
_TEXT_FACTS = ("recording_id", "source_id", "parent_id", "group", "split", "title", "license")


@dataclass(frozen=True, slots=True)
class Told:
    """What the texts of a key say: facts of the recording (those that are stated), and its examples."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    labels: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class KeysMet:
    """The keys of other people's KEY.json in one shard, and what is doubtful about them, said once for the shard."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._read: set[str] = set()
        self._texts = False

    def add(self, told: Told) -> None:
        """Look at one more entry; what says nothing at all is not counted."""
        self._keys |= dict.fromkeys(told.keys)
        self._read |= {key for key in told.keys if key in (*_CAPTION_KEYS, *_LABEL_KEYS)}
        self._texts = self._texts or bool(told.examples or told.labels)

    def problems(self, label: str) -> list[Problem]:
        """Keys that are close to known ones; or all of them, where no entry has any text."""
        texts = [*_CAPTION_KEYS, *_LABEL_KEYS]
        found = unread_names(label, list(self._keys), self._read, texts=texts, what="key")
        return found if not self._texts else [p for p in found if "nearest" in p.detail]


def entry_json(recording: Recording, examples: Sequence[Example]) -> bytes:
    """KEY.json of a recording; the same bytes each time."""
    header = {key: value for key, value in file_header(FORMAT_KIND, VERSION).items() if key != "producer"}
    value = header | {
        "text": list(dict.fromkeys(text for example in _captioned(examples) for text in example.answers)),
        "recording": asdict(recording),
        "examples": [asdict(example) for example in examples],
    }
    return (json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n").encode()


def first_caption(examples: Sequence[Example]) -> str | None:
    """The caption for KEY.txt, if there is one."""
    return next((text for example in _captioned(examples) for text in example.answers), None)


def read_entry(texts: Mapping[str, bytes], recording_id: str, request: ImportRequest, where: str) -> Told:
    """What the members of a key say.

    Args:
        texts: extension (json, txt, cls) → content.
        recording_id: for entries that state none.
        request: the task and split of captions that state none.
        where: for letters.

    Raises:
        TableError: a member is not what it should be.
        UnknownVersion: an entry of ours of a version that is not known.
    """
    value = _json(texts["json"], f"{where}.json") if "json" in texts else {}
    if str(value.get("format")).startswith("audiolect/"):
        check_header(value, FORMAT_KIND, (VERSION,), f"{where}.json")
        return _read_ours(value, f"{where}.json")
    captions: list[str] = []
    for key in _CAPTION_KEYS:
        captions = captions or _texts(value.get(key), f"{where}.json, {key}")
    if not captions and "txt" in texts:
        captions = _texts(_decode(texts["txt"], f"{where}.txt").strip(), f"{where}.txt")
    labels: list[str] = []
    for key in _LABEL_KEYS:
        labels = labels or _texts(value.get(key), f"{where}.json, {key}")
    if "cls" in texts:
        labels = labels or _texts(_decode(texts["cls"], f"{where}.cls").strip(), f"{where}.cls")
    task = get_task(request.task or "AudioCaptioning")
    prompt = task.prompts[0] if task.prompts else ""
    parts = [(text,) for text in captions] if request.separate else [tuple(captions)] if captions else []
    examples = [
        Example(
            f"{recording_id}#{task.name}" + (f"-{count}" if count > 1 else ""),
            recording_id,
            "",
            task.name,
            prompt,
            part,
        )
        for count, part in enumerate(parts, start=1)
    ]
    return Told({}, examples, tuple(dict.fromkeys(labels)), tuple(value))


def _captioned(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if TASKS[example.task].family == "caption"]


def _read_ours(value: Mapping[str, Any], where: str) -> Told:
    recording, examples = value.get("recording"), value.get("examples")
    if not isinstance(recording, dict) or not isinstance(examples, list):
        raise TableError("The entry has no recording and examples.", where=where, found=", ".join(value))
    facts: dict[str, Any] = {}
    for name in _TEXT_FACTS:
        stated = recording.get(name)
        if stated is not None:
            facts[name] = _text(stated, f"{where}, recording.{name}")
    fold = recording.get("fold")
    if fold is not None:
        if not isinstance(fold, int) or isinstance(fold, bool) or abs(fold) >= 1 << 15:
            raise TableError("The fold is no number.", where=where, found=repr(fold))
        facts["fold"] = fold
    if not facts.get("recording_id"):
        raise TableError("The recording has no id.", where=where)
    labels = tuple(_text_list(recording.get("labels"), f"{where}, recording.labels"))
    return Told(facts, [_example(row, f"{where}, examples[{n}]") for n, row in enumerate(examples)], labels)


def _example(row: Any, where: str) -> Example:
    if not isinstance(row, dict) or set(row) != {item.name for item in fields(Example)}:
        raise TableError("An example has other fields than it should.", where=where, found=repr(row)[:80])
    texts = {name: _text(row[name], f"{where}.{name}") for name in _EXAMPLE_TEXTS}
    lists = {name: tuple(_text_list(row[name], f"{where}.{name}")) for name in _EXAMPLE_LISTS}
    if texts["task"] not in TASKS:
        raise TableError("There is no such task.", where=where, found=repr(texts["task"]))
    turns = row["turns"] if isinstance(row["turns"], list) else None
    if turns is None or not all(isinstance(turn, dict) and set(turn) == {"user", "assistant"} for turn in turns):
        raise TableError("The turns are none.", where=where, found=repr(row["turns"])[:80])
    said = tuple(Turn(_text(t["user"], f"{where}.turns"), _text(t["assistant"], f"{where}.turns")) for t in turns)
    stated: dict[str, Any] = texts | lists
    return Example(**stated, turns=said)


def _texts(value: Any, where: str) -> list[str]:
    """A text or a list of texts, without the empty ones; what is absent is an empty list."""
    if value is None:
        return []
    found = _text_list(value, where) if isinstance(value, list) else [_text(value, where)]
    return [text for text in found if text.strip()]


def _text_list(value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        raise TableError("A list of texts was expected.", where=where, found=repr(value)[:80])
    return [_text(text, where) for text in value]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise TableError("A text was expected.", where=where, found=repr(value)[:80])
    return value


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError("The text is not UTF-8.", where=where, found=f"byte 0x{content[error.start]:02X}") from None


def _json(content: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(content, where))
    except (ValueError, RecursionError) as error:
        raise TableError("The text is not JSON.", where=where, found=str(error)[:80]) from None
    if not isinstance(value, dict):
        raise TableError("The JSON is not an object.", where=where, found=f"a {type(value).__name__}")
    return value
