"""Brings a corpus here: files verified, archives unpacked, segments of films fetched, all of it resumable.

The steps of one download, in this order: files (tables, licences), archives (each fetched, verified, unpacked, and
then removed unless it is to be kept), segments of films. What is done is not done again: a file with the right hash is
left alone, an archive is passed over while everything that came out of it is still there, a segment as its table says.

Conventions: the folder of the corpus holds the corpus in its published layout, sound of films under ``audio/SPLIT``,
``status.jsonl`` (see ``segments``), ``download.json`` (see ``download_card``), and ``.download``: archives on the way,
lists of what came out of them, scratch. One process at a time may download into a folder.

Public names: FetchOptions, Step, plan_download, fetch_corpus, AUDIO_FOLDER, STATUS_NAME.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from audiolect.corpora.archives import unpack
from audiolect.corpora.download_card import (
    DownloadCard,
    FileFacts,
    measure_coverage,
    new_card,
    read_download_card,
    write_download_card,
)
from audiolect.corpora.remote import (
    Download,
    HubFolder,
    RemoteArchive,
    RemoteFile,
    hub_archives,
    listing_url,
    select_splits,
)
from audiolect.corpora.segment_pool import fetch_segments
from audiolect.corpora.segments import Segment, SegmentTable, StatusTable, read_segments
from audiolect.corpora.youtube import SegmentOptions, Tools
from audiolect.download import fetch
from audiolect.errors import DamagedFile, DownloadError, UsageError
from audiolect.folder_lock import hold_folder
from audiolect.progress import Progress, silent_progress
from audiolect.storage import fingerprint_file, read_json, read_jsonl, safe_join, write_jsonl

AUDIO_FOLDER = "audio"
STATUS_NAME = "status.jsonl"
_STATE = ".download"


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How a download runs.

    Args:
        splits: to fetch; none for all.
        workers: segments of films at a time.
        retry_failed: also try segments that failed or ran out of time in an earlier run.
        limit: fetch only the first so many segments.
        keep_archives: leave archives in ``.download/archives`` after they are unpacked.
        segments: how each segment is fetched.
        command: the command line that the card shows.
        backoff_seconds: the first pause after a failed request for a file.
        tools: yt-dlp and ffmpeg; None to look for them.
    """

    splits: tuple[str, ...] = ()
    workers: int = 4
    retry_failed: bool = False
    limit: int | None = None
    keep_archives: bool = False
    segments: SegmentOptions = field(default_factory=SegmentOptions)
    command: str = ""
    backoff_seconds: float = 1.0
    tools: Tools | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a download would do."""

    kind: str
    what: str
    into: str
    url: str
    verified_by: str
    done: bool


def plan_download(download: Download, folder: Path, splits: Sequence[str] = ()) -> list[Step]:
    """What a download into this folder would do, without a look at the net.

    Raises:
        UsageError: there is no such split.
    """
    chosen = select_splits(download, splits)
    card = read_download_card(folder)
    known = {} if card is None else card.files
    steps = []
    for file in chosen.files:
        done = file.path in known and (folder / file.path).is_file()
        steps.append(Step("file", file.path, ".", file.url, _promise(file), done))
    for archive in chosen.archives:
        done = _is_unpacked(archive, folder)
        steps += [Step("archive", p.path, archive.into or ".", p.url, _promise(p), done) for p in archive.parts]
    for hub in chosen.hub_folders:
        steps.append(
            Step("archives", f"{hub.repo}/{hub.folder}", hub.into or ".", listing_url(hub), "sha256", done=False)
        )
    for table in chosen.segments:
        into = f"{AUDIO_FOLDER}/{table.split}"
        steps.append(Step("segments", f"sound of {table.path}", into, "", "its length", done=False))
    return steps


def fetch_corpus(
    download: Download, folder: Path, options: FetchOptions, progress: Progress = silent_progress
) -> DownloadCard:
    """Download a corpus, or what is missing of it, and return the card of the folder.

    Args:
        download: what to fetch.
        folder: where to; it may exist.
        options: how.
        progress: sees a bar for each file, archive, and for the segments.

    Raises:
        UsageError: no such split, options that cannot work, or another download is under way there.
        DownloadError, DamagedFile: something could not be fetched, or is not what was promised.
        UnsafePath: an archive is refused.
        TableError: a table of segments cannot be used.
        StorageError: something cannot be written here.
        MissingDependency: httpx, py7zr, yt-dlp or ffmpeg is needed and absent.
    """
    chosen = select_splits(download, options.splits)
    if options.limit is not None and options.limit < 0:
        raise UsageError("The limit is negative.", expected="0 or more segments", found=options.limit)
    options.segments.check()
    state = folder / _STATE
    with hold_folder(state):
        # What a killed process has left there.
        for left_over in (*state.glob(".unpacking-*"), state / "scratch"):
            shutil.rmtree(left_over, ignore_errors=True)
        run = _Run(download, folder, state, options, progress, _begin_card(download, folder, options.command))
        for file in chosen.files:
            run.bring_file(file)
        for archive in chosen.archives:
            run.bring_archive(archive)
        for hub in chosen.hub_folders:
            for archive in run.list_hub(hub):
                run.bring_archive(archive)
        if download.segments:
            run.bring_segments(chosen.segments)
        run.save()
        return run.card


@dataclass(slots=True)
class _Run:
    """One call of ``fetch_corpus``; the card grows as things arrive."""

    download: Download
    folder: Path
    state: Path
    options: FetchOptions
    progress: Progress
    card: DownloadCard

    def bring_file(self, file: RemoteFile) -> None:
        """A file that stays as it is."""
        path = safe_join(self.folder, file.path)
        known = self.card.files.get(file.path)
        if not _hash_of(file) and known is not None and path.is_file() and _blake2b(path) == known.hash:
            return
        self._fetch(file, path)
        self._note(file.path, file, path, known)

    def bring_archive(self, archive: RemoteArchive) -> None:
        """An archive, unpacked."""
        if _is_unpacked(archive, self.folder):
            return
        place = self.state / "archives"
        parts = [safe_join(place, part.path) for part in archive.parts]
        for part, path in zip(archive.parts, parts, strict=True):
            self._fetch(part, path)
        into = safe_join(self.folder, archive.into) if archive.into else self.folder
        try:
            files = unpack(
                parts, into, strip=archive.strip, flatten=archive.flatten, scratch=self.state, progress=self.progress
            )
        except DamagedFile:
            # Without a hash to go by, say an error page that was sent in its place: the next call asks again.
            for part, path in zip(archive.parts, parts, strict=True):
                if not _hash_of(part):
                    path.unlink()
            raise
        write_jsonl(_receipt(archive, self.folder), ({"path": file.path, "bytes": file.num_bytes} for file in files))
        for part, path in zip(archive.parts, parts, strict=True):
            last = part is archive.parts[-1]
            self._note(part.path, part, path, self.card.files.get(part.path), len(files) if last else None)
            if not self.options.keep_archives:
                path.unlink()

    def list_hub(self, hub: HubFolder) -> tuple[RemoteArchive, ...]:
        """The archives of a folder of a hub, as it lists them today."""
        listing = self.state / f"{hub.folder.replace('/', '_')}.json"
        listing.unlink(missing_ok=True)
        fetch(listing_url(hub), listing, backoff_seconds=self.options.backoff_seconds)
        return hub_archives(hub, read_json(listing, error=DownloadError))

    def bring_segments(self, tables: Sequence[SegmentTable]) -> None:
        """The sound of films, with coverage on the card however this ends."""
        audio = self.folder / AUDIO_FOLDER
        suffix = self.options.segments.suffix
        wanted = list(islice(_segments_of(self.folder, tables), self.options.limit))
        with StatusTable(self.folder / STATUS_NAME) as table:
            try:
                if wanted:
                    fetch_segments(
                        wanted,
                        audio,
                        table,
                        self.options.segments,
                        scratch=self.state / "scratch",
                        workers=self.options.workers,
                        retry_failed=self.options.retry_failed,
                        num_segments=len(wanted),
                        tools=self.options.tools,
                        progress=self.progress,
                    )
            finally:
                # Also after Ctrl-C or a letter: what is here is here.
                table.compact()
                present = [one for one in self.download.segments if (self.folder / one.path).is_file()]
                listed = list(_segments_of(self.folder, present))
                coverage = measure_coverage(listed, table, audio, suffix)
                self.card = self.card.model_copy(update={"coverage": coverage})
                self.save()

    def save(self) -> None:
        """Write the card."""
        write_download_card(self.folder, self.card)

    def _fetch(self, file: RemoteFile, path: Path) -> None:
        fetch(
            file.url,
            path,
            md5=file.md5,
            sha256=file.sha256,
            num_bytes=file.num_bytes,
            progress=self.progress,
            backoff_seconds=self.options.backoff_seconds,
        )

    def _note(
        self, name: str, file: RemoteFile, path: Path, known: FileFacts | None, num_unpacked: int | None = None
    ) -> None:
        """Put a file on the card, and say so if it is not the one of an earlier download."""
        found = _hash_of(file) or _blake2b(path)
        facts = FileFacts(
            url=file.url,
            num_bytes=path.stat().st_size,
            hash=found,
            verified=bool(_hash_of(file)),
            num_unpacked=num_unpacked,
        )
        notes = self.card.notes
        if known is not None and known.hash != found and known.hash.split(":")[0] == found.split(":")[0]:
            notes = [*notes, f"{name} has changed at its source: {known.hash} before, {found} now"]
        self.card = self.card.model_copy(update={"files": self.card.files | {name: facts}, "notes": notes})
        self.save()


def _segments_of(folder: Path, tables: Sequence[SegmentTable]) -> Iterator[Segment]:
    """The segments of several tables, each once: a film is fetched into the first split that lists it."""
    seen: set[str] = set()
    for table in tables:
        for segment in read_segments(folder, table):
            if segment.name not in seen:
                seen.add(segment.name)
                yield segment


def _begin_card(download: Download, folder: Path, command: str) -> DownloadCard:
    """The card of an earlier call, or a new one."""
    fresh = new_card(download.name, download.license, download.homepage).model_copy(update={"command": command})
    card = read_download_card(folder)
    if card is not None and card.corpus != download.name:
        raise UsageError(
            "The folder holds another corpus.",
            where=folder,
            expected=download.name,
            found=card.corpus,
            fix="name another folder",
        )
    if card is None:
        return fresh
    return fresh.model_copy(update={"files": card.files, "coverage": card.coverage, "notes": card.notes})


def _receipt(archive: RemoteArchive, folder: Path) -> Path:
    return folder / _STATE / "unpacked" / f"{archive.name}.jsonl"


def _is_unpacked(archive: RemoteArchive, folder: Path) -> bool:
    """Whether all that came out of an archive is still there, with its length."""
    receipt = _receipt(archive, folder)
    if not receipt.is_file():
        return False
    into = folder / archive.into
    return all(_has_length(into / row["path"], row["bytes"]) for row in read_jsonl(receipt))


def _has_length(path: Path, num_bytes: int) -> bool:
    try:
        return path.stat().st_size == num_bytes
    except FileNotFoundError:
        return False


def _hash_of(file: RemoteFile) -> str:
    return f"md5:{file.md5}" if file.md5 else f"sha256:{file.sha256}" if file.sha256 else ""


def _promise(file: RemoteFile) -> str:
    return _hash_of(file) or "nothing (its BLAKE2b is recorded)"


def _blake2b(path: Path) -> str:
    return f"blake2b:{fingerprint_file(path)}"
