"""Predictions joined with the dataset that they are of, after everything was checked that scores rest on.

Conventions: N recordings stand in the order of the dataset's table, whatever the order of the files; C captions in the
order of the predictions. Predictions of another dataset, changed captions and unexplained gaps are refused; what is
quarantined explains a gap. With ``allow_partial`` gaps are counted instead, and stand on every card.

Public names: Material, Selected, gather, select, parts_of, parts_of_recordings, covered_part, BY_COLUMNS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.data.quarantine import find_quarantined
from audiolect.dataset_part import PartFacts, describe_part, select_part
from audiolect.embedding_files import Embeddings
from audiolect.errors import DatasetError, unknown_name
from audiolect.scores import Coverage
from audiolect.tasks import TASKS

FloatArray = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

BY_COLUMNS = ("split", "fold", "corpus")

_CAPTION_TASKS = tuple(task.name for task in TASKS.values() if task.family == "caption")
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What one system predicted on one part of a dataset.

    Args:
        name: of the system.
        embeddings: the predictions as read.
        recordings: (N,) rows: recording_id, path, split, fold, labels, title.
        recording_vectors: (N, E).
        captions: (C,) rows: text_id, text, recording_id.
        caption_vectors: (C, E).
        coverage: of the part that was asked for.
        notes: what a reader of the scores should know.
    """

    name: str
    embeddings: Embeddings
    recordings: pl.DataFrame
    recording_vectors: FloatArray
    captions: pl.DataFrame
    caption_vectors: FloatArray
    coverage: Coverage
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """A part of the material that is measured on its own, such as ``fold=5``, and which recordings it has."""

    name: str
    recordings: tuple[int, ...]


def gather(embeddings: Embeddings, dataset: Dataset, *, allow_partial: bool = False, name: str = "") -> Material:
    """Join predictions with their dataset.

    Args:
        dataset: the whole dataset, as opened; the part is chosen as the card of the predictions says.
        allow_partial: count what is missing instead of refusing it.
        name: of the system; empty: that of the run.

    Raises:
        DatasetError: predictions of another dataset, of recordings that were not asked for, of captions that have
            changed, or of a part of what was asked for.
    """
    card, predicted = embeddings.card, embeddings.recording_ids
    part, coverage = covered_part(
        predicted, card.dataset, dataset, where=embeddings.folder, command=card.command, allow_partial=allow_partial
    )
    recordings = part.recordings.join(
        predicted.alias("recording_id").to_frame().with_row_index("row"), on="recording_id", maintain_order="left"
    )
    captions, places, notes = _captions(embeddings, part, allow_partial=allow_partial)
    columns = ("recording_id", "path", "start_sample", "num_samples", "split", "fold", "labels", "title")
    return Material(
        name or embeddings.card.model.run,
        embeddings,
        recordings.select(columns),
        embeddings.recordings[recordings["row"].to_numpy()],
        captions,
        embeddings.texts[places],
        coverage,
        notes,
    )


def parts_of(material: Material, by: str | None) -> list[Selected]:
    """All of the material, and where a column is given each of its values on its own.

    Raises:
        UsageError: the column is not one of BY_COLUMNS.
    """
    return parts_of_recordings(material.recordings, by)


def parts_of_recordings(recordings: pl.DataFrame, by: str | None) -> list[Selected]:
    """As ``parts_of``, of a table of recordings."""
    everything = Selected("all", tuple(range(recordings.height)))
    if by is None:
        return [everything]
    if by not in BY_COLUMNS:
        raise unknown_name("column to divide scores by", by, BY_COLUMNS)
    column = (
        recordings["recording_id"].str.split("/").list.first() if by == "corpus" else recordings[by].cast(pl.String)
    )
    values = column.drop_nulls().unique().sort().to_list()
    # Folds are numbers: 2 comes before 10.
    values.sort(key=lambda value: (len(value), value) if by == "fold" else (0, value))
    return [
        everything,
        *(Selected(f"{by}={value}", tuple((column == value).fill_null(value=False).arg_true())) for value in values),
    ]


def select(material: Material, part: Selected) -> Material:
    """The material of a part alone: its recordings, and the captions of these."""
    if part.name == "all":
        return material
    rows = np.array(part.recordings, np.int64)
    recordings = material.recordings[rows]
    own = material.captions["recording_id"].is_in(recordings["recording_id"].implode())
    return Material(
        material.name,
        material.embeddings,
        recordings,
        material.recording_vectors[rows],
        material.captions.filter(own),
        material.caption_vectors[own.to_numpy()],
        material.coverage,
        material.notes,
    )


def covered_part(
    predicted: pl.Series, asked: PartFacts, dataset: Dataset, *, where: Path, command: str, allow_partial: bool
) -> tuple[Dataset, Coverage]:
    """The part of a dataset that predictions are of, and how much of it they cover.

    Args:
        predicted: ids of recordings, each once.
        asked: of their card.
        dataset: the whole dataset, as opened.
        where: the predictions.
        command: of their card.
        allow_partial: count what is missing instead of refusing it.

    Raises:
        DatasetError: predictions of another dataset, of recordings that were not asked for, or without some that are
            not quarantined where this was not allowed.
    """
    _check_dataset(asked, dataset, where=where, command=command)
    part = select_part(dataset, split=asked.split, where=asked.where)
    ids = part.recordings["recording_id"]
    strange = predicted.filter(~predicted.is_in(ids.implode()))
    if len(strange):
        raise DatasetError(
            "The predictions hold recordings that were not asked for.",
            where=where,
            expected=f"recordings of {dataset.card.name}, {describe_part(asked.split, asked.where)}",
            found=f"{len(strange)} others: " + ", ".join(repr(each) for each in strange[:_SHOWN]),
        )
    missing = ids.filter(~ids.is_in(predicted.implode()))
    return part, _coverage_of(part, missing, where=where, allow_partial=allow_partial)


def _check_dataset(asked: PartFacts, dataset: Dataset, *, where: Path, command: str) -> None:
    if asked.fingerprint != dataset.card.fingerprint:
        raise DatasetError(
            "The predictions are of another dataset.",
            where=where,
            expected=f"{dataset.card.name}, fingerprint {dataset.card.fingerprint}",
            found=f"{asked.name}, fingerprint {asked.fingerprint}",
            cause="another dataset or version was given, or the dataset was made again from other files",
            fix=f"evaluate with the dataset of the command on the card: {command}",
        )


def _coverage_of(part: Dataset, missing: pl.Series, *, where: Path, allow_partial: bool) -> Coverage:
    """How much of a part has a prediction, and why the recordings with the missing ids have none."""
    expected = part.recordings.height
    left_out: dict[str, int] = {}
    if len(missing):
        listed = find_quarantined(part)
        is_listed = missing.is_in(listed.recordings.implode()) if listed is not None else missing.is_null()
        left_out = {"quarantined": int(is_listed.sum()), "without a prediction": int((~is_listed).sum())}
        left_out = {reason: count for reason, count in left_out.items() if count}
        unexplained = missing.filter(~is_listed)
        if len(unexplained) and not allow_partial:
            raise DatasetError(
                "The predictions cover only a part of what was asked for.",
                where=where,
                expected=f"{expected} recordings",
                found=f"{expected - len(missing)}; {len(unexplained)} are missing without being quarantined: "
                + ", ".join(repr(each) for each in unexplained[:_SHOWN]),
                cause="a pack that lacks recordings, or predictions of several runs that were not put together",
                fix="predict the whole part, or give --allow-partial: every card then says the coverage",
            )
    return Coverage(available=expected - len(missing), expected=expected, left_out=left_out)


def _captions(
    embeddings: Embeddings, part: Dataset, *, allow_partial: bool
) -> tuple[pl.DataFrame, npt.NDArray[np.int64], tuple[str, ...]]:
    """The captions of predicted recordings, the rows of their vectors, and notes on what is missing."""
    table = embeddings.text_table.with_row_index("row").filter(pl.col("kind") == "caption")
    has_vector = pl.col("recording_id").is_in(embeddings.recording_ids.implode())
    truth = (
        part.examples.filter(pl.col("task").is_in(_CAPTION_TASKS) & has_vector)
        .select("recording_id", text="answers")
        .filter(pl.col("text").list.len() > 0)
        .explode("text")
        .unique(maintain_order=True)
    )
    pairs = ["recording_id", "text"]
    changed = table.join(truth, on=pairs, how="anti", maintain_order="left")
    if changed.height:
        raise DatasetError(
            "The predictions hold captions that the dataset does not have.",
            where=embeddings.folder,
            expected="captions of the dataset, of recordings that were predicted",
            found=f"{changed.height} others, such as {changed['text'][0]!r} of {changed['recording_id'][0]!r}",
            cause="the captions of the dataset were changed since",
            fix="predict again",
        )
    missing = truth.join(table, on=pairs, how="anti", maintain_order="left")
    notes: tuple[str, ...] = ()
    if missing.height:
        if not allow_partial:
            raise DatasetError(
                "The predictions lack captions of the dataset.",
                where=embeddings.folder,
                expected=f"{truth.height} captions",
                found=f"{truth.height - missing.height}, without {missing['text'][0]!r}",
                fix="predict again, or give --allow-partial",
            )
        notes = (f"{missing.height} of {truth.height} captions have no prediction and were not asked.",)
    return table.select("text_id", "text", "recording_id"), table["row"].to_numpy().astype(np.int64), notes
