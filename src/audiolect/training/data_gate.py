"""The gate before a training: what is validated or tested must not be trained on.

The recordings of the mixture's entries are compared with those of every validation set, of every test split of the
recipe's datasets, and of datasets that the recipe names and neither trains nor validates on, by all evidence that the
datasets hold (``data/leaks.py``): ids, groups, origins, names; hashes and fingerprints where a check has been made.

Conventions: the comparison is made once, and remembered beside the runs, in ``.leaks/`` of the run's parent folder,
under the fingerprints of everything compared. Parts are named ``DATASET/split``, by the names of the section ``data``.
A leak is refused unless ``evaluation.waive_leaks`` names its evaluation part; a waiver that names none is refused too.

Public names: MEMORY_FOLDER, Overlap, find_overlaps, check_overlaps.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from audiolect.data.check_state import has_facts, known_facts, read_fingerprints
from audiolect.data.dataset import Dataset
from audiolect.data.fingerprints import recordings_fingerprint
from audiolect.data.leaks import Part, find_leaks, role_of
from audiolect.errors import DamagedFile, DatasetError, UsageError
from audiolect.loader.mixture import open_source
from audiolect.loader.mixture_settings import canonical_key
from audiolect.progress import Progress, silent_progress
from audiolect.storage import check_header, file_header, fingerprint_bytes, read_json, write_json
from audiolect.training.training_data import TrainingData

MEMORY_FOLDER = ".leaks"
_KIND, _VERSION = "training-leaks", 1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Overlap:
    """An evaluation part that shares recordings with what is trained on.

    Args:
        evaluated, trained: the two parts.
        num_recordings: of the evaluated part that the other has too.
        kinds: the evidence, such as ``source+hash``.
        pairs: some of them: (trained id, evaluated id).
    """

    evaluated: str
    trained: str
    num_recordings: int
    kinds: str
    pairs: tuple[tuple[str, str], ...]


def find_overlaps(
    data: TrainingData,
    folder: Path,
    memory: Path | None,
    *,
    remember: bool = True,
    progress: Progress = silent_progress,
) -> tuple[list[Overlap], list[str]]:
    """What is evaluated and also trained on.

    Args:
        data: of the training.
        folder: what the recipe's paths are relative to.
        memory: the folder that remembers earlier comparisons; None: none.
        remember: whether to write there.

    Returns:
        The overlaps, and the names of all parts that count as evaluation.

    Raises:
        UnknownVersion, DamagedFile: a dataset, its check or the memory cannot be used.
    """
    trained, evaluated = _trained_parts(data), _evaluated_parts(data, folder)
    path = None if memory is None else memory / f"{_key(trained, evaluated)}.json"
    names = [part.name for part in evaluated]
    if path is not None and path.is_file():
        return _remembered(path), names
    overlaps = _compared(trained, evaluated, progress)
    if path is not None and remember:
        write_json(path, {**file_header(_KIND, _VERSION), "overlaps": [asdict(each) for each in overlaps]})
    return overlaps, names


def check_overlaps(overlaps: Sequence[Overlap], evaluated: Collection[str], waived: Iterable[str]) -> list[Overlap]:
    """The overlaps that are waived.

    Raises:
        UsageError: a waiver names no evaluation part.
        DatasetError: an overlap is not waived; the letter lists all of them.
    """
    accepted = set(waived)
    if accepted - set(evaluated):
        raise UsageError(
            "A waived leak is that of no evaluation split.",
            where="evaluation.waive_leaks",
            expected="one of " + ", ".join(evaluated) if evaluated else "nothing: there is no evaluation split",
            found=", ".join(sorted(accepted - set(evaluated))),
        )
    refused = [each for each in overlaps if each.evaluated not in accepted]
    if refused:
        lines = []
        for each in refused:
            shown = ", ".join(" = ".join(pair) for pair in each.pairs)
            count = f"{each.num_recordings} recording{'' if each.num_recordings == 1 else 's'}"
            lines.append(f"\n    {count} of {each.evaluated} in {each.trained}, by {each.kinds}: {shown}")
        names = ", ".join(dict.fromkeys(each.evaluated for each in refused))
        raise DatasetError(
            "What is evaluated is also trained on.",
            where="the mixture",
            found="".join(lines),
            cause="a split that does not keep copies together, or one corpus inside another",
            fix=f"`audiolect leaks` shows every pair, `audiolect split` divides anew; to train all the same: "
            f"'evaluation.waive_leaks=[{names}]'",
        )
    return [each for each in overlaps if each.evaluated in accepted]


def _remembered(path: Path) -> list[Overlap]:
    found = read_json(path)
    check_header(found, _KIND, {_VERSION}, path)
    try:
        return [Overlap(**{**row, "pairs": tuple((a, b) for a, b in row["pairs"])}) for row in found["overlaps"]]
    except (KeyError, TypeError, ValueError) as problem:
        raise DamagedFile(
            "A remembered comparison of training and evaluation is damaged.",
            where=path,
            expected="overlaps, as a training has found them",
            found=repr(problem),
            fix="remove the file: the comparison is made again",
        ) from problem


def _trained_parts(data: TrainingData) -> list[Part]:
    ids: dict[tuple[str, str], set[str]] = {}
    for entry in data.mixture.entries:
        key, examples = entry.examples.key, entry.examples
        column = examples.dataset.examples["recording_id"]
        ids.setdefault((key.dataset, key.split), set()).update(column[examples.all_rows()])
    return [_part(name, split, data.datasets[name], wanted) for (name, split), wanted in sorted(ids.items())]


def _evaluated_parts(data: TrainingData, folder: Path) -> list[Part]:
    ids: dict[tuple[str, str], set[str]] = {}
    datasets = dict(data.datasets)
    for each in data.validation:
        key = canonical_key(each.key)
        ids.setdefault((key.dataset, key.split), set()).update(each.dataset.recordings["recording_id"])
    for name, source in data.recipe.data.items():
        is_used = name in datasets
        dataset = datasets.setdefault(name, data.datasets[name] if is_used else open_source(source, folder))
        for split, rows in dataset.recordings.partition_by("split", as_dict=True).items():
            if not is_used or role_of(str(split[0])) == "test":
                ids.setdefault((name, str(split[0])), set()).update(rows["recording_id"])
    trained = {(entry.examples.key.dataset, entry.examples.key.split) for entry in data.mixture.entries}
    validated = {(canonical_key(each.key).dataset, canonical_key(each.key).split) for each in data.validation}
    return [
        _part(name, split, datasets[name], wanted)
        for (name, split), wanted in sorted(ids.items())
        if (name, split) in validated or (name, split) not in trained
    ]


def _part(name: str, split: str, dataset: Dataset, wanted: set[str]) -> Part:
    recordings = dataset.recordings.filter(pl.col("recording_id").is_in(list(wanted)))
    corpus = dataset.card.name
    if not has_facts(dataset):
        return Part(name, split, recordings, corpus=corpus)
    hashes = known_facts(dataset).select("recording_id", found_hash="pcm_hash")
    joined = recordings.join(hashes, on="recording_id", how="left", maintain_order="left")
    joined = joined.with_columns(pcm_hash=pl.coalesce("found_hash", "pcm_hash")).drop("found_hash")
    known, none = read_fingerprints(dataset), np.zeros((0, 2), np.uint32)
    prints = [known.get(recording_id, none) for recording_id in joined["recording_id"]]
    return Part(name, split, joined, fingerprints=prints, corpus=corpus)


def _compared(trained: Sequence[Part], evaluated: Sequence[Part], progress: Progress) -> list[Overlap]:
    """Each evaluated part against each trained one; a part on both sides is compared as two."""
    overlaps = []
    for part in evaluated:
        for other in trained:
            mine = replace(part, split=f"{part.split} evaluated") if part.name == other.name else part
            report = find_leaks([other, mine], progress=progress)
            shared = report.pairs
            if part.name == other.name:
                shared = pl.concat([shared, _same_ids(other, mine, shared)])
            if shared.height:
                kinds = sorted({kind for row in shared["kinds"] for kind in row.split("+")})
                pairs = tuple(shared.select("recording_a", "recording_b").head(_SHOWN).iter_rows())
                count = shared["recording_b"].n_unique()
                overlaps.append(Overlap(part.name, other.name, count, "+".join(kinds), pairs))
    return overlaps


def _same_ids(part: Part, other: Part, like: pl.DataFrame) -> pl.DataFrame:
    """Recordings of one split of one dataset that are on both sides; ``find_leaks`` takes no id to be twice in one."""
    both = part.recordings.select("recording_id").join(
        other.recordings.select("recording_id"), on="recording_id", how="semi"
    )
    return both.select(
        pl.lit(part.name).alias("part_a"),
        pl.col("recording_id").alias("recording_a"),
        pl.lit(other.name).alias("part_b"),
        pl.col("recording_id").alias("recording_b"),
        pl.lit("id").alias("kinds"),
        pl.col("recording_id").alias("evidence"),
        pl.lit(True).alias("leak"),
    ).match_to_schema(like.schema)


def _key(trained: Sequence[Part], evaluated: Sequence[Part]) -> str:
    """The fingerprint of everything that is compared."""
    rows = [
        [
            role,
            part.name,
            part.corpus,
            recordings_fingerprint(part.recordings),
            fingerprint_bytes(str(value).encode() for name in _TELLING for value in part.recordings[name]),
            sum(len(words) > 0 for words in part.fingerprints),
        ]
        for role, parts in (("trained", trained), ("evaluated", evaluated))
        for part in parts
    ]
    return fingerprint_bytes([json.dumps([_VERSION, rows]).encode()])


_TELLING = ("path", "source_id", "group", "pcm_hash")
