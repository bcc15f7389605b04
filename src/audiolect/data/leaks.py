"""Overlap between the splits of datasets: what a model could have heard in training and is then tested on.

A part is one split (or fold) of one dataset. Two recordings of different parts are the same by one of these kinds of
evidence:

- ``source``: their origin has the same key (a YouTube video, a Freesound upload; ``data/sources.py``);
- ``group``: the dataset itself says that they belong together;
- ``id``: they have one recording id, in two datasets of one corpus;
- ``hash``: they are the same 16-bit audio (``pcm_hash``);
- ``stem``: their files have the same telling name, in datasets of different corpora (``data/stems.py``);
- ``fingerprint``: they sound the same, re-encoded or shifted (``audio/duplicates.py``).

Where files have the same generic name (``audio_000``), or a telling one within one dataset (which may number the files
of each split anew), that is a suspicion, counted apart, and never a leak.

An overlap is a leak where the parts play different roles: training, validation or test. Two corpora may both train on
the same video; what one trains on, the other must not test on. A part whose name says nothing has the role "other" and
leaks with all but itself in another version of its dataset.

Conventions: parts are named ``DATASET/SPLIT``. Counts are of recordings: of part A that part B shares, and the other
way round. Two recordings are one pair, however many kinds of evidence there are.

Public names: KINDS, ROLES, Part, LeakReport, find_leaks, role_of, parts_of_table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import polars as pl

from audiolect.audio.duplicates import near_duplicates_between
from audiolect.audio.fingerprint import Fingerprint
from audiolect.data.sources import source_keys
from audiolect.data.stems import shared_stems, stem_keys
from audiolect.errors import UsageError, unknown_name
from audiolect.progress import Progress, silent_progress

KINDS = ("source", "group", "id", "hash", "stem", "fingerprint")
_BETWEEN = "+"

# role → words of which the names of splits that play it have one ("train_balanced", "small-test")
ROLES: dict[str, frozenset[str]] = {
    "train": frozenset({"train", "training", "development", "dev"}),
    "validation": frozenset({"val", "valid", "validation"}),
    "test": frozenset({"test", "testing", "eval", "evaluation"}),
}

_PAIR = ["part_a", "recording_a", "part_b", "recording_b"]
_FOUND_SCHEMA = {
    "kind": pl.Enum(KINDS),
    "part_a": pl.String(),
    "recording_a": pl.String(),
    "part_b": pl.String(),
    "recording_b": pl.String(),
    "evidence": pl.String(),
    "leak": pl.Boolean(),
}
_SUSPICION_SCHEMA = {
    "part_a": pl.String(),
    "part_b": pl.String(),
    "stem": pl.String(),
    "recordings_a": pl.Int64(),
    "recordings_b": pl.Int64(),
}


@dataclass(frozen=True, eq=False)
class Part:
    """One split of one dataset.

    Args:
        dataset: its name; two parts of one name come from the same corpus.
        corpus: what the ids of its recordings are ids of: two datasets of one corpus have the same recording where they
            have the same id. None: nothing is known, as of a table of names.
        split: its name, which decides the role.
        recordings: with the columns ``recording_id``, ``path``, ``source_id``, ``group``, ``pcm_hash`` (null: unknown).
        fingerprints: one for each recording, in the same order; empty where nobody has computed them.
        from_youtube: names of files without a scheme are YouTube ids.
    """

    dataset: str
    split: str
    recordings: pl.DataFrame
    fingerprints: Sequence[Fingerprint] = field(default=())
    from_youtube: bool = False
    corpus: str | None = None

    @property
    def name(self) -> str:
        """``DATASET/SPLIT``."""
        return f"{self.dataset}/{self.split}"


@dataclass(frozen=True, eq=False)
class LeakReport:
    """What was found.

    Args:
        parts: name → number of recordings, in the order given.
        pairs: one row for each pair of recordings: part_a, recording_a, part_b, recording_b, kinds (joined by "+"),
            evidence (of each kind), leak.
        matrix: (part, other part) → recordings of the part that the other shares, by any kind; only where not 0.
        suspicions: doubtful file names that parts of different roles have in common: part_a, part_b, stem,
            recordings_a and recordings_b that have it.
        compared: the kinds of evidence by which any two parts could be compared.
        lacking: kind → part → its recordings that have no such evidence; of the kinds asked for, and where not 0.
    """

    parts: Mapping[str, int]
    pairs: pl.DataFrame
    matrix: Mapping[tuple[str, str], int]
    suspicions: pl.DataFrame
    compared: tuple[str, ...]
    lacking: Mapping[str, Mapping[str, int]]

    @property
    def leaks(self) -> pl.DataFrame:
        """The pairs between parts of different roles."""
        return self.pairs.filter("leak")


def role_of(split: str) -> str:
    """The role of a split by the words of its name: train, validation, test; other where none or several fit."""
    words = set(re.split(r"[^a-z0-9]+", split.lower()))
    fitting = [role for role, names in ROLES.items() if words & names]
    return fitting[0] if len(fitting) == 1 else "other"


def parts_of_table(
    dataset: str,
    recordings: pl.DataFrame,
    *,
    by: str = "split",
    from_youtube: bool = False,
    corpus: str | None = None,
) -> list[Part]:
    """The parts of a recordings table, in the order of their names.

    Args:
        by: ``"split"`` or ``"fold"``.
        from_youtube, corpus: as of Part.

    Raises:
        UsageError: another column, or recordings without a fold.
    """
    if by not in ("split", "fold"):
        raise unknown_name("way to cut a dataset in parts", by, ("split", "fold"))
    if recordings[by].null_count():
        raise UsageError(
            "Some recordings have no fold.",
            where=dataset,
            found=f"{recordings[by].null_count()} without",
            fix="--by split",
        )
    names = sorted(recordings[by].unique())
    prefix = "" if by == "split" else "fold"
    return [
        Part(
            dataset,
            f"{prefix}{name}",
            recordings.filter(pl.col(by) == name),
            from_youtube=from_youtube,
            corpus=corpus,
        )
        for name in names
    ]


def find_leaks(
    parts: Sequence[Part], *, kinds: Sequence[str] = KINDS, progress: Progress = silent_progress
) -> LeakReport:
    """Compare every part with every other.

    Args:
        parts: of one or several datasets.
        kinds: the evidence to look for, names of KINDS.

    Raises:
        UsageError: an unknown kind, or two parts of one name.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise unknown_name("kind of evidence", kind, KINDS)
    names = [part.name for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                "Two parts have the same name.",
                found=name,
                cause="two versions of one dataset, or one dataset twice",
                fix="give each dataset a name of its own: audiolect leaks old=PATH new=PATH",
            )
    asked = [kind for kind in KINDS if kind in kinds]
    keyed = {part.name: _with_keys(part, asked) for part in parts}
    found, suspicions = [pl.DataFrame(schema=_FOUND_SCHEMA)], [pl.DataFrame(schema=_SUSPICION_SCHEMA)]
    compared: set[str] = set()
    couples = list(combinations(parts, 2))
    with progress("comparing", total=len(couples), unit="pairs of splits") as advance:
        for a, b in couples:
            for kind in asked:
                if not _applies(kind, a, b):
                    continue
                left, right = (keyed[part.name].select("recording_id", key=kind).drop_nulls() for part in (a, b))
                if left.is_empty() or right.is_empty():
                    continue
                if kind != "id" or a.dataset != b.dataset:  # within one dataset no id is twice
                    compared.add(kind)
                if kind == "stem":
                    telling, doubtful = shared_stems(left, right, within=a.dataset == b.dataset)
                    left = left.filter(pl.col("key").is_in(telling.implode()))
                    suspicions.append(_suspicions(a, b, doubtful))
                found.append(_near(a, b) if kind == "fingerprint" else _joined(kind, a, b, left, right))
            advance(1)
    pairs = _collapsed(pl.concat(found))
    return LeakReport(
        {part.name: part.recordings.height for part in parts},
        pairs,
        _matrix(pairs),
        pl.concat(suspicions).sort("part_a", "part_b", "stem"),
        tuple(kind for kind in asked if kind in compared),
        _lacking(parts, asked, keyed),
    )


def _with_keys(part: Part, kinds: Collection[str]) -> pl.DataFrame:
    """recording_id, and one column of keys for each kind; null where a recording has none."""
    table = part.recordings
    columns = {"recording_id": table["recording_id"]}
    if "source" in kinds:
        # A file's name tells the origin where no source id does.
        origins = table.select(pl.coalesce("source_id", "path"))["source_id"]
        columns["source"] = source_keys(origins, assume_youtube=part.from_youtube)
    if "group" in kinds:
        columns["group"] = table["group"]
    if "id" in kinds:
        columns["id"] = table["recording_id"]
    if "hash" in kinds:
        columns["hash"] = table["pcm_hash"]
    if "stem" in kinds:
        columns["stem"] = stem_keys(table["path"])
    if "fingerprint" in kinds:
        lengths = [len(words) for words in part.fingerprints] or [0] * table.height
        columns["fingerprint"] = pl.Series([length or None for length in lengths], dtype=pl.Int64)
    return pl.DataFrame(columns)


def _applies(kind: str, a: Part, b: Part) -> bool:
    same_ids = a.corpus is not None and a.corpus == b.corpus
    if kind == "id":
        return same_ids
    # A group is a word of one corpus; of two versions of one corpus the ids tell what the names would.
    if kind == "stem":
        return not same_ids or a.dataset == b.dataset
    return kind != "group" or same_ids or a.dataset == b.dataset


def _joined(kind: str, a: Part, b: Part, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    named = left.rename({"recording_id": "recording_a"}).join(
        right.rename({"recording_id": "recording_b"}), on="key", how="inner"
    )
    return _rows(kind, a, b, named.rename({"key": "evidence"}))


def _suspicions(a: Part, b: Part, doubtful: pl.DataFrame) -> pl.DataFrame:
    if not _would_leak(a, b):
        return pl.DataFrame(schema=_SUSPICION_SCHEMA)
    return doubtful.select(pl.lit(a.name).alias("part_a"), pl.lit(b.name).alias("part_b"), *list(_SUSPICION_SCHEMA)[2:])


def _near(a: Part, b: Part) -> pl.DataFrame:
    ids_a, ids_b = a.recordings["recording_id"], b.recordings["recording_id"]
    near = near_duplicates_between(a.fingerprints, b.fingerprints)
    rows = pl.DataFrame(
        {
            "recording_a": [ids_a[pair.first] for pair in near],
            "recording_b": [ids_b[pair.second] for pair in near],
            "evidence": [f"similarity {pair.similarity:.2f}" for pair in near],
        },
        schema={name: _FOUND_SCHEMA[name] for name in ("recording_a", "recording_b", "evidence")},
    )
    return _rows("fingerprint", a, b, rows)


def _would_leak(a: Part, b: Part) -> bool:
    """Whether what both hold is a leak: not if they play one role, or are one part in two versions."""
    role, other = role_of(a.split), role_of(b.split)
    if role != "other" or other != "other":
        return role != other
    return a.corpus is None or a.corpus != b.corpus or a.split != b.split


def _rows(kind: str, a: Part, b: Part, joined: pl.DataFrame) -> pl.DataFrame:
    return joined.select(
        pl.lit(kind, _FOUND_SCHEMA["kind"]).alias("kind"),
        pl.lit(a.name).alias("part_a"),
        "recording_a",
        pl.lit(b.name).alias("part_b"),
        "recording_b",
        "evidence",
        pl.lit(_would_leak(a, b)).alias("leak"),
    )


def _collapsed(found: pl.DataFrame) -> pl.DataFrame:
    """One row for each pair, with all its kinds in the order of KINDS."""
    return (
        found.sort("kind")
        .group_by(_PAIR)
        .agg(
            pl.col("kind").cast(pl.String).str.join(_BETWEEN).alias("kinds"),
            pl.col("evidence").str.join("; "),
            pl.col("leak").first(),
        )
        .sort("part_a", "part_b", "recording_a", "recording_b")
    )


def _lacking(
    parts: Sequence[Part], asked: Sequence[str], keyed: Mapping[str, pl.DataFrame]
) -> dict[str, dict[str, int]]:
    counts = {kind: {part.name: keyed[part.name][kind].null_count() for part in parts} for kind in asked}
    return {kind: {name: n for name, n in of.items() if n} for kind, of in counts.items() if any(of.values())}


def _matrix(pairs: pl.DataFrame) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    grouped = pairs.group_by("part_a", "part_b").agg(
        pl.col("recording_a").n_unique().alias("of_a"), pl.col("recording_b").n_unique().alias("of_b")
    )
    for a, b, of_a, of_b in grouped.sort("part_a", "part_b").iter_rows():
        counts[a, b] = of_a
        counts[b, a] = of_b
    return counts
