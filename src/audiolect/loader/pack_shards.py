"""The shards of a pack while they grow: parts are appended in order, and a journal says how far each append has come.

    STATE/journal.jsonl     one line for each part: the shard and its length after it, the entries, the shards it filled

Conventions: a line is written, and given to the disk, when all its bytes are in the shards and on the disk. So after
the process was killed, at whatever byte, the journal is right: what the shards hold beyond its last line is cut off,
and writing goes on from there. An unfinished last line counts as not written.

Public names: ShardWriter, BlockCrcs, JOURNAL_NAME.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from audiolect.data.problems import Problem
from audiolect.errors import DamagedFile
from audiolect.loader.pack_format import BLOCK_BYTES, INDEX_SCHEMA, Shard, crc_name, shard_name
from audiolect.loader.pack_parts import PartAccount, pieces_of
from audiolect.storage import atomic_path

JOURNAL_NAME = "journal.jsonl"
_HASH_BYTES = 16


class BlockCrcs:
    """The CRCs of the blocks of a file that comes piece by piece."""

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self._block_bytes = block_bytes
        self._done: list[int] = []
        self._crc = 0
        self._filled = 0

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(piece)
        while view:
            inside = view[: self._block_bytes - self._filled]
            self._crc = zlib.crc32(inside, self._crc)
            self._filled += len(inside)
            view = view[len(inside) :]
            if self._filled == self._block_bytes:
                self._done.append(self._crc)
                self._crc, self._filled = 0, 0

    def values(self) -> list[int]:
        """One for each block so far, the last block as far as it goes."""
        return [*self._done, self._crc] if self._filled else list(self._done)

    def to_bytes(self) -> bytes:
        """The content of a ``.crc`` file: little-endian uint32."""
        values = self.values()
        return struct.pack(f"<{len(values)}I", *values)


class ShardWriter:
    """Appends parts to shards; made anew after a kill, it goes on where the journal ends.

    Args:
        home: the folder of the shards.
        state: the folder of the journal.
        codec: of the pack.
        max_shard_bytes: when an entry would make a shard longer than this, the next shard begins.
        first_shard: the number of the first shard that this writer may touch.

    Raises:
        DamagedFile: the journal or a shard is not as it was left.
    """

    def __init__(self, home: Path, state: Path, *, codec: str, max_shard_bytes: int, first_shard: int) -> None:
        self._home, self._codec, self._max_bytes = home, codec, max_shard_bytes
        self._journal = state / JOURNAL_NAME
        self._number, self._length, self._recordings = first_shard, 0, 0
        self._digest, self._crcs = hashlib.blake2b(digest_size=_HASH_BYTES), BlockCrcs()
        self._first_part = 0
        self.shards: list[Shard] = []
        self.problems: list[Problem] = []
        self._frames: list[pl.DataFrame] = []
        for line in _lines(self._journal):
            self._take(line)
        self._cut_to_journal()

    @property
    def num_parts(self) -> int:
        """How many parts are in the shards for good."""
        return self._first_part

    @property
    def num_entries(self) -> int:
        """How many recordings are in the shards for good."""
        return sum(frame.height for frame in self._frames)

    @property
    def num_bytes(self) -> int:
        """What the shards hold."""
        return sum(shard.num_bytes for shard in self.shards) + self._length

    def append(self, account: PartAccount, samples: BinaryIO) -> None:
        """Append the entries of the next part, and write them into the journal.

        Args:
            account: of the part.
            samples: its entries end to end, from where the file stands.
        """
        shards, starts, filled = [], [], []
        waiting = 0
        for num_bytes in account.num_bytes:
            end = self._length + waiting
            if end and end + num_bytes > self._max_bytes:
                self._copy(samples, waiting)
                filled.append(self._close())
                waiting, end = 0, 0
            shards.append(self._number)
            starts.append(end)
            waiting += num_bytes
            self._recordings += 1
        self._copy(samples, waiting)
        line = {
            "part": account.number,
            "shard": self._number,
            "num_bytes": self._length,
            "num_recordings": self._recordings,
            "filled": [asdict(shard) for shard in filled],
            "entries": {"shard": shards, "start_byte": starts},
            "account": asdict(account),
        }
        self._write(line)
        self._keep(line)

    def finish(self) -> tuple[list[Shard], pl.DataFrame]:
        """Close the last shard. Returns all shards of this writer, and their rows of the index."""
        if self._length:
            self.shards.append(self._close())
        rows = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=INDEX_SCHEMA)
        return self.shards, rows

    def _path(self, number: int) -> Path:
        return self._home / shard_name(number, self._codec)

    def _copy(self, samples: BinaryIO, num_bytes: int) -> None:
        """Append the next bytes of a part to the shard, and have the system bring them to the disk."""
        if not num_bytes:
            return
        path = self._path(self._number)
        with path.open("r+b" if self._length else "wb") as shard:
            shard.seek(self._length)
            done = 0
            for piece in pieces_of(samples, num_bytes):
                shard.write(piece)
                self._digest.update(piece)
                self._crcs.update(piece)
                done += len(piece)
            shard.flush()
            os.fsync(shard.fileno())
        if done != num_bytes:
            raise DamagedFile("A part of the pack is too short.", where=path, expected=num_bytes, found=done)
        self._length += num_bytes

    def _close(self) -> Shard:
        name = shard_name(self._number, self._codec)
        with atomic_path(self._home / crc_name(name)) as temporary:
            temporary.write_bytes(self._crcs.to_bytes())
        shard = Shard(name, self._length, self._recordings, self._digest.hexdigest())
        self._number, self._length, self._recordings = self._number + 1, 0, 0
        self._digest, self._crcs = hashlib.blake2b(digest_size=_HASH_BYTES), BlockCrcs()
        return shard

    def _write(self, line: dict[str, Any]) -> None:
        with self._journal.open("ab") as journal:
            journal.write(json.dumps(line).encode("ascii") + b"\n")
            journal.flush()
            os.fsync(journal.fileno())

    def _take(self, line: dict[str, Any]) -> None:
        """A line of an earlier run."""
        self._keep(line)
        self._number, self._length, self._recordings = line["shard"], line["num_bytes"], line["num_recordings"]

    def _keep(self, line: dict[str, Any]) -> None:
        account = line["account"]
        columns = {name: account.get(name, line["entries"].get(name)) for name in INDEX_SCHEMA}
        self._frames.append(pl.DataFrame(columns, schema=INDEX_SCHEMA))
        self.problems += [Problem(**problem) for problem in account["problems"]]
        self.shards += [Shard(**shard) for shard in line["filled"]]
        self._first_part = line["part"] + 1

    def _cut_to_journal(self) -> None:
        """Make the shards what the journal says, and hash again what the open one holds."""
        for number in reversed(list(_numbers_from(self._home, self._codec, self._number))):
            if number > self._number or not self._length:
                self._path(number).unlink()
                (self._home / crc_name(self._path(number).name)).unlink(missing_ok=True)
        if not self._length:
            return
        path = self._path(self._number)
        found = path.stat().st_size if path.is_file() else 0
        if found < self._length:
            raise DamagedFile(
                "A shard of an unfinished pack is shorter than its journal says.",
                where=path,
                expected=f"{self._length} bytes",
                found=f"{found} bytes",
                cause="a file was removed or cut, or a disk lost what it had confirmed",
                fix=f"remove the folder {self._journal.parent} and run the command again",
            )
        with path.open("r+b") as shard:
            shard.truncate(self._length)
            for piece in pieces_of(shard, self._length):
                self._digest.update(piece)
                self._crcs.update(piece)


def _numbers_from(home: Path, codec: str, first: int) -> Iterator[int]:
    """The numbers of the shards in a folder, from ``first`` on, as long as there is a next one."""
    number = first
    while (home / shard_name(number, codec)).exists():
        yield number
        number += 1


def _lines(journal: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal; what was half-written behind them is cut off."""
    if not journal.is_file():
        return
    end = 0
    with journal.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                content = json.loads(line) if line.endswith(b"\n") else None
            except ValueError as problem:
                raise DamagedFile(
                    "The journal of an unfinished pack is damaged.",
                    where=f"{journal}:{number}",
                    found=problem,
                    fix=f"remove the folder {journal.parent} and run the command again",
                ) from None
            if content is None:
                break
            end += len(line)
            yield content
    if end < journal.stat().st_size:
        os.truncate(journal, end)
