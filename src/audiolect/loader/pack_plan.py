"""What a run of ``pack`` will do, found out before anything is decoded: what is there, what is left, what forbids it.

Conventions: a plan is made from the tables and the pack that is there; nothing is written. Recordings are packed in
the order of the dataset table.

Public names: PackSettings, PackPlan, plan_pack, check_target, check_room, home_folder, STATE_NAME, QUARANTINED.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audiolect.audio.resample import check_rate
from audiolect.data.audio_at_hand import need_audio
from audiolect.data.dataset import Dataset, filter_dataset
from audiolect.data.problems import Problem, load_problems
from audiolect.data.quarantine import find_quarantined
from audiolect.errors import AlreadyExists, DatasetError, StorageError, UsageError, unknown_name
from audiolect.loader.pack_format import (
    BYTES_PER_SAMPLE,
    CARD_NAME,
    CODECS,
    PROBLEMS_NAME,
    PackCard,
    read_card,
    read_index,
)
from audiolect.loader.pack_parts import largest_entry_bytes

STATE_NAME = "unfinished"
QUARANTINED = "quarantined"
_GB = 1_000_000_000
_MOST_FLAC_HZ = 655_350
_MOST_NAMES = 3
_PATH_COLUMNS = ["recording_id", "path", "start_sample", "num_samples", "sample_rate_hz"]


@dataclass(frozen=True, slots=True)
class PackSettings:
    """How to pack.

    Args:
        rate_hz: the rate of the pack.
        codec: a name of ``pack_format.CODECS``.
        max_shard_bytes: the most that a shard may hold; None: as in the pack that is added to, or 1 GB.
        jobs: processes that decode; 0 means one for each processor. The bytes of the pack do not depend on it.
        split: only recordings of this split.
        where: only what fulfils this expression of ``data.filters``.
        keep_quarantined: pack also what the check has put on the quarantine list.
        retry: decode again what an earlier run could not read.
        overwrite: begin a new pack, which replaces the one that is there when it is complete.
        max_problems: stop when more recordings than this cannot be read; None: no limit.
        command: the command line, for the card.
    """

    rate_hz: int
    codec: str = "pcm"
    max_shard_bytes: int | None = None
    jobs: int = 1
    split: str | None = None
    where: str | None = None
    keep_quarantined: bool = False
    retry: bool = False
    overwrite: bool = False
    max_problems: int | None = None
    command: str = ""


@dataclass(frozen=True, eq=False)
class PackPlan:
    """What is to be done.

    Args:
        target: the folder of the pack.
        max_shard_bytes: the most that a shard may hold.
        base, base_index: the complete pack that recordings are added to, or None.
        pending: the recordings to pack, in order: the columns of the dataset table that tell where their sound is,
            and ``packed_samples``, ``packed_bytes``: their lengths in the pack (as PCM).
        num_selected: recordings that were asked for, before any is left out.
        num_packed: those of them that are in the pack already.
        quarantined: recordings left out because the check's list names them.
        unreadable: those of earlier runs, not tried again.
    """

    target: Path
    max_shard_bytes: int
    base: PackCard | None
    base_index: pl.DataFrame | None
    pending: pl.DataFrame
    num_selected: int
    num_packed: int
    quarantined: tuple[Problem, ...]
    unreadable: tuple[Problem, ...]

    @property
    def home(self) -> Path:
        """Where the shards grow: in the pack that is added to, else in a folder beside the target."""
        return home_folder(self.target) if self.base is None else self.target

    @property
    def state(self) -> Path:
        """The folder of the journal and of the parts."""
        return self.home / STATE_NAME

    @property
    def seconds(self) -> float:
        """Length of what is to be packed."""
        return float((self.pending["num_samples"] / self.pending["sample_rate_hz"]).sum())


def home_folder(target: Path) -> Path:
    """Where a new pack grows until it is complete."""
    return target.with_name(f"{target.name}.unfinished")


def plan_pack(dataset: Dataset, target: Path, settings: PackSettings) -> PackPlan:
    """Find out what is to be done.

    Raises:
        UsageError: a setting makes no sense; a recording is longer than a shard may be; the pack is of other settings.
        DatasetError: nothing is selected, or recordings made from tables alone; the audio root is missing; the pack is
            of another dataset.
        StorageError: the target cannot be a pack, or the disk has no room for it.
        FilterError: ``where`` cannot be understood.
    """
    _check_settings(settings)
    check_target(dataset, target, overwrite=settings.overwrite)
    selected = _selected(dataset, settings)
    need_audio(selected.recordings, dataset.folder, "to pack")
    base = read_card(target) if (target / CARD_NAME).is_file() and not settings.overwrite else None
    base_index = None if base is None else read_index(target, base)
    if base is not None and base_index is not None:
        _check_settings_of(base, target, settings)
        _check_same_dataset(dataset, target, base, base_index)
    quarantined = _quarantined(selected, settings)
    rows = selected.recordings.select(_PATH_COLUMNS)
    packed = base_index["recording_id"] if base_index is not None else pl.Series([], dtype=pl.String)
    unreadable = () if base is None else _unreadable(target, dataset, rows if settings.retry else rows.clear(), packed)
    names = [problem.where for problem in (*quarantined, *unreadable)]
    left = ~pl.col("recording_id").is_in(packed.implode()) & ~pl.col("recording_id").is_in(names)
    rate_hz = pl.lit(settings.rate_hz, pl.Int64)
    length = -((-pl.col("num_samples") * rate_hz) // pl.col("sample_rate_hz"))
    pending = rows.filter(left).with_columns(length.cast(pl.Int64).alias("packed_samples"))
    pending = pending.with_columns((pl.col("packed_samples") * BYTES_PER_SAMPLE).alias("packed_bytes"))
    max_bytes = settings.max_shard_bytes or (_GB if base is None else base.max_shard_bytes)
    _check_lengths(pending, settings, max_bytes)
    here = set(packed)
    return PackPlan(
        target=target,
        max_shard_bytes=max_bytes,
        base=base,
        base_index=base_index,
        pending=pending,
        num_selected=rows.height,
        num_packed=rows.filter(pl.col("recording_id").is_in(packed.implode())).height,
        quarantined=tuple(problem for problem in quarantined if problem.where not in here),
        unreadable=unreadable,
    )


def check_target(dataset: Dataset, target: Path, *, overwrite: bool) -> None:
    """Check that a pack of a dataset may stand there.

    Raises:
        UsageError, StorageError, DatasetError: it may not, or there is no audio to pack.
    """
    real, source = target.resolve(), dataset.folder.resolve()
    if real == source or source in real.parents or real in source.parents:
        raise UsageError(
            "The pack and the dataset would lie in one another.",
            where=target,
            expected=f"a folder beside the dataset {dataset.folder}",
            fix=f"give another --out, such as {source.with_name(source.name + '-pack').name}",
        )
    if target.exists() and not target.is_dir():
        raise StorageError("A pack should be written where a file stands.", where=target, fix="give another --out")
    if target.is_dir() and any(target.iterdir()) and not (target / CARD_NAME).is_file():
        raise AlreadyExists(
            "The folder holds other things than a pack.",
            where=target,
            expected=f"no such folder, an empty one, or one with {CARD_NAME}",
            found=", ".join(sorted(entry.name for entry in target.iterdir())[:5]),
            fix="give another --out, or empty the folder",
        )
    if overwrite and dataset.audio_root.resolve().is_relative_to(real):
        raise UsageError("The audio lies in the folder that would be overwritten.", where=target)
    if not dataset.audio_root.is_dir():
        raise DatasetError(
            "The audio of the dataset is not where its card says.",
            where=dataset.audio_root,
            expected="a folder",
            found="no such folder",
            cause="the disk is not mounted, or the folder was moved",
            fix="bring it back, or say where it is now with --audio-root FOLDER",
        )


def _check_settings(settings: PackSettings) -> None:
    check_rate(settings.rate_hz)
    if settings.codec not in CODECS:
        raise unknown_name("codec", settings.codec, CODECS, where="--codec")
    if settings.max_shard_bytes is not None and settings.max_shard_bytes < 1:
        raise UsageError("A shard must hold something.", where="--max-shard-gb", found=settings.max_shard_bytes / _GB)
    if settings.codec == "flac" and (
        settings.rate_hz > _MOST_FLAC_HZ or (settings.rate_hz > 65_535 and settings.rate_hz % 10)
    ):
        raise UsageError(
            "FLAC does not know this sample rate.",
            where="--rate-hz",
            expected=f"at most 65535 Hz, or a multiple of 10 up to {_MOST_FLAC_HZ}",
            found=settings.rate_hz,
            fix="--codec pcm takes any rate",
        )


def _selected(dataset: Dataset, settings: PackSettings) -> Dataset:
    selected = dataset
    if settings.split is not None:
        if settings.split not in dataset.card.splits:
            raise unknown_name("split", settings.split, dataset.card.splits, where=dataset.folder)
        quoted = settings.split.replace("\\", "\\\\").replace("'", "\\'")
        selected = filter_dataset(selected, f"split == '{quoted}'")
    if settings.where is not None:
        selected = filter_dataset(selected, settings.where)
    if selected.recordings.is_empty():
        asked = "no recording fulfils the selection" if settings.where or settings.split else "it has no recordings"
        raise DatasetError(
            "There is nothing to pack.", where=dataset.folder, found=asked, fix="audiolect show lists it"
        )
    return selected


def _check_settings_of(base: PackCard, target: Path, settings: PackSettings) -> None:
    """A pack is added to at its own rate, in its own codec, with its own size of shards."""
    there = (base.rate_hz, base.codec, base.max_shard_bytes)
    asked = (settings.rate_hz, settings.codec, settings.max_shard_bytes or base.max_shard_bytes)
    if there != asked:
        raise UsageError(
            "The pack was made with other settings, and cannot be added to with these.",
            where=target,
            expected=_said(*there),
            found=_said(*asked),
            fix="give the settings of the pack, or another --out, or --overwrite to make it anew",
        )


def _said(rate_hz: int, codec: str, max_shard_bytes: int) -> str:
    return f"--rate-hz {rate_hz} --codec {codec} --max-shard-gb {max_shard_bytes / _GB:g}"


def _check_same_dataset(dataset: Dataset, target: Path, base: PackCard, index: pl.DataFrame) -> None:
    """Every recording of the pack must stand in the dataset with the same span."""
    spans = dataset.recordings.select(
        "recording_id",
        pl.col("start_sample").alias("source_start_sample"),
        pl.col("num_samples").alias("source_num_samples"),
        pl.col("sample_rate_hz").alias("source_rate_hz"),
    )
    foreign = index.join(spans, on=spans.columns, how="anti")
    if foreign.height:
        unknown = foreign.filter(~pl.col("recording_id").is_in(spans["recording_id"].implode()))
        names = ", ".join(foreign["recording_id"].head(_MOST_NAMES))
        raise DatasetError(
            "The pack is of another dataset.",
            where=target,
            expected=f"a pack of {dataset.card.name}, fingerprint {dataset.card.fingerprint}, or of a part of it",
            found=f"a pack of {base.dataset}, fingerprint {base.fingerprint}: {unknown.height} recordings that are not "
            f"in the dataset, {foreign.height - unknown.height} with other spans; such as {names}",
            cause="the dataset was made anew since it was packed, or --out names the pack of another",
            fix="give another --out, or --overwrite to make the pack anew",
        )


def _quarantined(selected: Dataset, settings: PackSettings) -> tuple[Problem, ...]:
    if settings.keep_quarantined:
        return ()
    found = find_quarantined(selected)
    if found is None or found.recordings.is_empty():
        return ()
    if len(found.recordings) == selected.recordings.height:
        raise DatasetError(
            "All recordings that were asked for are quarantined.",
            where=found.path,
            fix="mend what audiolect check lists, or give --keep-quarantined",
        )
    reasons = {entry.id: ", ".join(entry.reasons) for entry in found.entries if entry.kind == "recording"}
    return tuple(Problem(QUARANTINED, name, reasons[name]) for name in found.recordings)


def _unreadable(target: Path, dataset: Dataset, retried: pl.DataFrame, packed: pl.Series) -> tuple[Problem, ...]:
    """What earlier runs could not read, and this one will not try again."""
    path = target / PROBLEMS_NAME
    problems = [each for each in load_problems(path) if each.reason != QUARANTINED] if path.is_file() else []
    if not problems:
        return ()
    gone = {*retried["recording_id"], *packed}
    known = set(dataset.recordings["recording_id"])
    return tuple(problem for problem in problems if problem.where in known and problem.where not in gone)


def _check_lengths(pending: pl.DataFrame, settings: PackSettings, max_shard_bytes: int) -> None:
    """Refuse a recording that no shard can hold, before anything is packed."""
    if pending.is_empty():
        return
    longest = pending.sort("packed_bytes", "recording_id", descending=[True, False]).row(0, named=True)
    most_bytes = largest_entry_bytes(longest["packed_bytes"], settings.codec)
    if most_bytes > max_shard_bytes:
        too_long = sum(
            largest_entry_bytes(num_bytes, settings.codec) > max_shard_bytes for num_bytes in pending["packed_bytes"]
        )
        needed_gb = math.ceil(most_bytes / _GB * 1000) / 1000
        raise UsageError(
            f"{too_long} of the recordings {'is' if too_long == 1 else 'are'} longer than a shard may be.",
            where=longest["recording_id"],
            expected=f"at most {max_shard_bytes / _GB:g} GB at {settings.rate_hz} Hz",
            found=f"{most_bytes / _GB:.3g} GB, the longest",
            fix=f"--max-shard-gb {needed_gb:g}",
        )


def check_room(plan: PackPlan, settings: PackSettings, written_bytes: int) -> None:
    """Refuse to begin what the disk cannot hold. Only PCM has a size that is known before.

    Args:
        plan, settings: of the run.
        written_bytes: what an earlier run has written of it.

    Raises:
        StorageError: there is less room than will be needed.
    """
    needed = int(plan.pending["packed_bytes"].sum()) - written_bytes
    folder = next(parent for parent in plan.home.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(folder).free
    if settings.codec == "pcm" and needed > free:
        raise StorageError(
            "The disk has no room for the pack.",
            where=plan.target,
            expected=f"{needed / _GB:.1f} GB",
            found=f"{free / _GB:.1f} GB free",
            fix="make room, write to a place on another disk, or give --codec flac, which takes about two thirds",
        )
