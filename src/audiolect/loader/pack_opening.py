"""What has to be there before a pack can be read: its card, its index, and shards of the right lengths.

Conventions: a place is a folder, or a URL of any kind that fsspec knows. Names on a card were written by somebody: they
must be plain names of files in the folder of the pack. A shard on this machine must have its length when the pack is
opened, one behind a URL when it is first touched.

Public names: PackFiles, open_files_of_pack, damage_letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audiolect.errors import AudiolectError, DamagedFile, UnsafePath
from audiolect.loader.block_checks import CheckedRanges
from audiolect.loader.byte_ranges import ByteRanges, LocalRanges
from audiolect.loader.pack_format import CARD_NAME, PackCard, crc_name, parse_card, parse_index, read_card, read_index
from audiolect.loader.remote_ranges import RemoteFolder, RemoteRanges, is_url
from audiolect.storage import safe_join

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class PackFiles:
    """The files of an open pack: card and index read and checked, the bytes of its shards at hand, checked or not."""

    place: str
    card: PackCard
    index: pl.DataFrame
    shards: ByteRanges


def open_files_of_pack(place: str, verify: str) -> PackFiles:
    """Open the files of a pack.

    Args:
        place: a folder or a URL.
        verify: a policy of ``block_checks``.

    Raises:
        StorageError, UnknownVersion, DamagedFile, DownloadError, MissingDependency: as ``pack.open_pack``.
    """
    if is_url(place):
        card, index, shards, crcs = _remote(place)
    else:
        card, index, shards, crcs = _local(Path(place))
    if verify == "never":
        return PackFiles(place, card, index, shards)
    names, sizes = [shard.name for shard in card.shards], [shard.num_bytes for shard in card.shards]
    letter = damage_letter(place, names, index)
    checked = CheckedRanges(shards, crcs, sizes, card.block_bytes, policy=verify, damage=letter)
    return PackFiles(place, card, index, checked)


def damage_letter(
    place: str, shards: Sequence[str], index: pl.DataFrame
) -> Callable[[int, int, int, str, str], AudiolectError]:
    """What makes the letter for a block of a shard that has changed: pack, shard, bytes, and recordings in it."""
    entries = index.select("recording_id", "shard", "start_byte", "num_bytes")

    def letter(shard: int, start: int, end: int, expected: str, found: str) -> AudiolectError:
        touched = (pl.col("start_byte") < end) & (pl.col("start_byte") + pl.col("num_bytes") > start)
        names = entries.filter((pl.col("shard") == shard) & touched)["recording_id"].to_list()
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        listed = ", ".join(repr(name) for name in names[:_MOST_NAMES])
        return DamagedFile(
            "A part of a pack has changed since it was written.",
            where=f"{place}/{shards[shard]}, bytes {start} to {end}, in recording {listed}{more}",
            expected=expected,
            found=found,
            cause="bits were flipped on the disk or in copying, or another program wrote into the file",
            fix=f"audiolect pack verify {place}",
        )

    return letter


def _local(folder: Path) -> tuple[PackCard, pl.DataFrame, ByteRanges, ByteRanges]:
    card, index = _card_and_index(folder)
    shards = [safe_join(folder, shard.name) for shard in card.shards]
    for path, shard in zip(shards, card.shards, strict=True):
        try:
            found = path.stat().st_size
        except OSError as problem:
            raise _missing(path, problem.strerror) from problem
        if found != shard.num_bytes:
            raise DamagedFile(
                "A shard of a pack has not the length that its card states.",
                where=path,
                expected=f"{shard.num_bytes} bytes",
                found=f"{found} bytes",
                cause="it was cut short in copying, or the files of two packs were mixed",
                fix="copy the pack again, or make it again with the command on its card",
            )
    crcs = [safe_join(folder, crc_name(shard.name)) for shard in card.shards]
    return card, index, LocalRanges(shards), LocalRanges(crcs)


def _card_and_index(folder: Path) -> tuple[PackCard, pl.DataFrame]:
    """The two together. Where the pack is being added to, the index of a card just read may be gone: then once more."""
    card = read_card(folder)
    while True:
        _check_plain([card.index.name], folder)
        try:
            return card, read_index(folder, card)
        except DamagedFile:
            newer = read_card(folder)
            if newer == card:
                raise
            card = newer


def _remote(url: str) -> tuple[PackCard, pl.DataFrame, ByteRanges, ByteRanges]:
    folder = RemoteFolder(url)
    card = parse_card(folder.whole(CARD_NAME), f"{url}/{CARD_NAME}")
    names = [shard.name for shard in card.shards]
    _check_plain([card.index.name, *names], url)
    # The card is small: a server that ignores ranges is found out before it sends a whole shard.
    folder.check_ranges(CARD_NAME)
    index = parse_index(folder.whole(card.index.name), card, f"{url}/{card.index.name}")
    shards = RemoteRanges(folder, names, [shard.num_bytes for shard in card.shards])
    return card, index, shards, RemoteRanges(folder, [crc_name(name) for name in names])


def _check_plain(names: Sequence[str], where: object) -> None:
    for name in names:
        if not name or name in (".", "..") or any(letter in name for letter in "/\\\0?#%"):
            raise UnsafePath(
                "A name on the card of a pack is not that of a file beside it.",
                where=where,
                expected="a plain name such as shard-00000.pcm",
                found=repr(name),
            )


def _missing(path: Path, found: str | None) -> DamagedFile:
    return DamagedFile("A shard of a pack is missing.", where=path, found=found, fix="copy the whole pack again")
