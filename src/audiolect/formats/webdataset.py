"""WebDataset: shards of tar in which each recording is KEY.flac (or .wav, .ogg, .mp3) with KEY.json and KEY.txt.

    DST/card.json
    DST/index.json                   fingerprints of the dataset; path, counts and hash of each shard
    DST/train/clotho-000000.tar      a.flac  a.json  a.txt  b.flac  …
    DST/train/sizes.json             {"clotho-000000.tar": 512, …}, as LAION-CLAP asks for it

What stands in a tar is in webdataset_shards.py, what stands in a KEY.json in webdataset_entries.py.

Conventions: a recording that is all of its file is that file, byte for byte; a part of a file becomes a FLAC. Shards
hold recordings of one split, by their ids, and end before they outgrow their limit: 1 GiB unless told otherwise. The
same dataset gives the same bytes. In reading, the audio goes into the dataset folder; the split of other people's
shards is the folder that they stand in.

Public names: read, write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from audiolect.audio.files import problem_reason
from audiolect.audio.files import read as read_audio
from audiolect.data.dataset import Dataset
from audiolect.data.problems import Problem, problem_from
from audiolect.data.records import Example, Recording, example_rows, examples_frame, recording_rows
from audiolect.errors import AudioError, DatasetError, TableError, UsageError
from audiolect.formats.extraction import file_stem, info_from_card, land_extracted, write_flac
from audiolect.formats.landing import DECLARED_SCHEMA, Declared, declared_frame
from audiolect.formats.linking import covers_file
from audiolect.formats.request import Exported, ExportRequest, ImportRequest
from audiolect.formats.shipping import Cargo, ship
from audiolect.formats.webdataset_entries import UNUSABLE, KeysMet, Told, entry_json, first_caption, read_entry
from audiolect.formats.webdataset_shards import (
    AUDIO_EXTENSIONS,
    Entry,
    ShardContent,
    ShardWriter,
    entry_bytes,
    read_shard,
)
from audiolect.parallel import map_in_order
from audiolect.storage import check_header, file_header, fingerprint_file, read_json, safe_join, write_json

INDEX_NAME = "index.json"
INDEX_KIND = "shards"
VERSION = 1
DEFAULT_SHARD_BYTES = 1 << 30
_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_PLAIN = re.compile(r"[\w-][\w.-]*")


def write(request: ExportRequest) -> Exported:
    """Write shards of tar.

    Raises:
        UsageError: a limit that no shard can keep.
        DatasetError: nothing is left to write, or a split cannot name a folder.
        AlreadyExists, StorageError: as ``shipping.ship``.
    """
    for flag, limit in (("--shard-recordings", request.shard_recordings), ("--shard-bytes", request.shard_bytes)):
        if limit is not None and limit < 1:
            raise UsageError("No shard can be so small.", where=flag, expected="1 or more", found=limit)
    return ship(request, "webdataset", _fill)


def read(request: ImportRequest) -> Dataset:
    """Make a dataset of shards: one tar, or all that stand below a folder.

    Raises:
        TableError: there are no shards.
        DatasetError, TooManyProblems, AlreadyExists: as ``landing.land``.
        DamagedFile, UnknownVersion: there is an index of ours that cannot be read.
    """
    shards = _find_shards(request.source)
    return land_extracted(request, partial(_extract, request, shards))


@dataclass(slots=True)
class _Shards:
    """The shards of one split while they are being written."""

    folder: Path
    split: str
    stem: str
    request: ExportRequest
    made: list[dict[str, Any]] = field(default_factory=list)
    writer: ShardWriter | None = None
    num_examples: int = 0

    def add(self, key: str, audio: Path, extension: str, texts: dict[str, bytes], num_examples: int) -> None:
        size = entry_bytes(audio.stat().st_size) + sum(entry_bytes(len(text)) for text in texts.values())
        if self.writer is not None and self._is_full(self.writer, size):
            self.close()
        if self.writer is None:
            self.folder.mkdir(exist_ok=True)
            self.writer = ShardWriter(safe_join(self.folder, f"{self.stem}-{len(self.made):06d}.tar"))
        self.writer.add(key, audio, extension, texts)
        self.num_examples += num_examples

    def close(self) -> None:
        """Finish the shard that is being written, and note what it holds."""
        if self.writer is None:
            return
        self.writer.close()
        path = self.writer.path
        self.made.append(
            {
                "path": f"{self.split}/{path.name}",
                "split": self.split,
                "num_recordings": self.writer.num_keys,
                "num_examples": self.num_examples,
                "num_bytes": path.stat().st_size,
                "blake2b": fingerprint_file(path),
            }
        )
        self.writer, self.num_examples = None, 0

    def _is_full(self, writer: ShardWriter, size: int) -> bool:
        most, most_bytes = self.request.shard_recordings, self.request.shard_bytes
        if most is None and most_bytes is None:
            most_bytes = DEFAULT_SHARD_BYTES
        return (most is not None and writer.num_keys >= most) or (
            most_bytes is not None and writer.num_bytes + size > most_bytes
        )


def _fill(folder: Path, cargo: Cargo) -> Exported:
    recordings, examples, problems = cargo.present()
    if recordings.is_empty():
        raise DatasetError("No recording is left to export.", where=cargo.dataset.folder)
    asked: dict[str, list[Example]] = {}
    for example in example_rows(examples):
        asked.setdefault(example.recording_id, []).append(example)
    stem = file_stem(cargo.dataset.card.name, {})
    made: list[dict[str, Any]] = []
    lost: list[Problem] = []
    with cargo.request.progress("writing shards", total=recordings.height, unit="recordings") as advance:
        for names, part in recordings.sort("split", "recording_id").group_by("split", maintain_order=True):
            split = str(names[0])
            if not _PLAIN.fullmatch(split):
                raise DatasetError(
                    "A split cannot be the name of a folder.",
                    expected="letters, digits, dots and dashes",
                    found=repr(split),
                )
            shards = _Shards(safe_join(folder, split), split, stem, cargo.request)
            taken: dict[str, int] = {}
            try:
                for recording in recording_rows(part):
                    lost += _add(shards, cargo, recording, asked.get(recording.recording_id, []), taken)
                    advance(1)
            finally:
                shards.close()
            made += shards.made
            if shards.made:
                sizes = {Path(shard["path"]).name: shard["num_recordings"] for shard in shards.made}
                write_json(shards.folder / "sizes.json", sizes)
    if not made:
        first = "; ".join(f"{problem.where}: {problem.detail}" for problem in lost[:3])
        raise DatasetError("No recording is left to export.", where=cargo.dataset.folder, found=first)
    write_json(folder / INDEX_NAME, _index(cargo, made))
    num_audio = sum(shard["num_recordings"] for shard in made)
    tables = {f"rows of {name}.parquet": n for name, n in cargo.dataset.card.extra_tables.items() if n}
    files = {shard["path"]: shard["num_recordings"] for shard in made}
    return Exported(folder, files, num_audio, tables, (*problems, *lost))


def _index(cargo: Cargo, made: list[dict[str, Any]]) -> dict[str, Any]:
    card = cargo.dataset.card
    return file_header(INDEX_KIND, VERSION) | {
        "dataset": card.name,
        "fingerprint": card.fingerprint,
        "examples_fingerprint": card.examples_fingerprint,
        "num_recordings": sum(shard["num_recordings"] for shard in made),
        "num_examples": sum(shard["num_examples"] for shard in made),
        "shards": made,
    }


def _add(
    shards: _Shards, cargo: Cargo, recording: Recording, examples: list[Example], taken: dict[str, int]
) -> list[Problem]:
    """Put a recording into the shard, and say what is wrong with it; where its audio cannot be read it is left out."""
    _, _, name = recording.recording_id.partition("/")
    key = file_stem(name or recording.recording_id, taken)
    texts = {"json": entry_json(recording, examples)}
    caption = first_caption(examples)
    if caption is not None:
        texts["txt"] = caption.encode()
    source = cargo.dataset.audio_path(recording.path)
    extension = source.suffix.lower().lstrip(".")
    cut = shards.folder.parent / "cut.flac"
    try:
        is_whole = covers_file(source, recording.start_sample, recording.num_samples)
        if is_whole and extension in AUDIO_EXTENSIONS:
            shards.add(key, source, extension, texts, len(examples))
            return []
        samples, rate_hz = read_audio(source, recording.start_sample, recording.num_samples)
        beyond = write_flac(cut, samples, rate_hz)
    except AudioError as error:
        return [problem_from(error, problem_reason(error), recording.recording_id)]
    shards.add(key, cut, "flac", texts, len(examples))
    cut.unlink()
    detail = f"{beyond} of {samples.size} values lie beyond full scale, and are clipped"
    return [Problem("bad-value", recording.recording_id, detail, "warning")] if beyond else []


def _find_shards(source: Path) -> list[tuple[Path, str]]:
    """Each shard with what Problems call it."""
    if source.is_file():
        return [(source, source.name)]
    paths = sorted(path for path in source.rglob("*") if path.name.endswith(_SUFFIXES) and path.is_file())
    if not paths:
        raise TableError("There are no shards.", where=source, expected="files named " + ", ".join(_SUFFIXES))
    return [(path, path.relative_to(source).as_posix()) for path in paths]


def _extract(request: ImportRequest, shards: Sequence[tuple[Path, str]], target: Path) -> Declared:
    """Write the audio of all shards below a folder, and declare it."""
    folder = request.source if request.source.is_dir() else request.source.parent
    info = info_from_card(folder, request)
    problems = _compare_with_index(request, folder, shards)
    taken: dict[str, int] = {}
    places = [(path, label, file_stem(_without_suffix(label), taken)) for path, label in shards]
    rows: list[dict[str, Any]] = []
    examples: list[Example] = []
    work = partial(_read_one, target=target)
    with request.progress("reading shards", total=len(places), unit="shards") as advance:
        contents = map_in_order(work, places, jobs=request.options.jobs)
        for (_, label, inner), content in zip(places, contents, strict=True):
            advance(1)
            problems += content.problems
            problems += [
                Problem("passed-over", label, f"{count} members named .{extension}", "warning")
                for extension, count in sorted(content.others.items())
            ]
            keys = KeysMet()
            for entry in content.entries:
                row, said = _declare(entry, (label, inner, info.name), request, keys, problems)
                rows += [] if row is None else [row]
                examples += said
            problems += keys.problems(label)
    absent = [problem for problem in problems if problem.reason == "missing"]
    if absent and request.missing == "refuse":
        first = "; ".join(f"{problem.where}: {problem.detail}" for problem in absent[:3])
        raise DatasetError(
            f"The audio of {len(absent)} keys or shards is missing.",
            where=request.source,
            found=first,
            fix="--missing list leaves them out",
        )
    schema = {name: dtype for name, dtype in DECLARED_SCHEMA.items() if not name.endswith("_seconds")}
    columns = {name: [row.get(name) for row in rows] for name in schema}
    return Declared(
        info=info,
        audio_root=target,
        recordings=declared_frame(pl.DataFrame(columns, schema=schema)),
        examples=examples_frame(examples),
        problems=problems,
        notes={"layout": "webdataset"},
    )


def _read_one(place: tuple[Path, str, str], *, target: Path) -> ShardContent:
    path, label, inner = place
    return read_shard(path, label, target / inner)


def _declare(
    entry: Entry, place: tuple[str, str, str], request: ImportRequest, keys: KeysMet, problems: list[Problem]
) -> tuple[dict[str, Any] | None, list[Example]]:
    """The row of a recording, and its examples; what cannot be used is listed."""
    label, inner, name = place
    where = f"{label}: {entry.key}"
    if entry.audio is None:
        problems.append(Problem("missing", where, "the key has no audio: " + ", ".join(sorted(entry.texts))))
        return None, []
    if not entry.texts:
        problems.append(Problem("missing-value", where, "the key has no json, txt or cls", "warning"))
    recording_id = f"{name}/{_without_suffix(label)}/{entry.key}"
    try:
        told = read_entry(entry.texts, recording_id, request, where)
    except UNUSABLE as error:
        problems.append(replace(problem_from(error, "bad-value", where), severity="warning"))
        told = Told()
    keys.add(told)
    folder = label.rpartition("/")[0].replace("/", "-")
    facts = dict(told.facts)
    split = request.split or facts.get("split") or folder or "all"
    row = {"recording_id": recording_id} | facts
    row |= {"path": f"{inner}/{entry.audio}", "split": split, "labels": list(told.labels)}
    examples = []
    for example in told.examples:
        if example.recording_id != row["recording_id"]:
            detail = f"an example of {example.recording_id} stands with {row['recording_id']}"
            problems.append(Problem("bad-value", where, detail))
            continue
        examples.append(replace(example, split=split))
    return row, examples


def _compare_with_index(request: ImportRequest, folder: Path, shards: Sequence[tuple[Path, str]]) -> list[Problem]:
    """What is wrong with the shards by the index that we write; other people's have none."""
    path = folder / INDEX_NAME
    index = read_json(path) if request.source.is_dir() and path.is_file() else None
    if not isinstance(index, dict) or not str(index.get("format")).startswith("audiolect/"):
        return []
    check_header(index, INDEX_KIND, (VERSION,), path)
    return list(_differences(index.get("shards"), folder, {label for _, label in shards}))


def _differences(listed: object, folder: Path, labels: set[str]) -> Iterator[Problem]:
    for shard in listed if isinstance(listed, list) else []:
        label = str(shard.get("path")) if isinstance(shard, dict) else repr(shard)
        if label not in labels:
            yield Problem("missing", label, f"{INDEX_NAME} lists the shard, and it is not there")
        elif fingerprint_file(safe_join(folder, label)) != shard.get("blake2b"):
            yield Problem("bad-value", label, f"not the bytes that {INDEX_NAME} was written for", "warning")


def _without_suffix(label: str) -> str:
    return next((label.removesuffix(suffix) for suffix in reversed(_SUFFIXES) if label.endswith(suffix)), label)
