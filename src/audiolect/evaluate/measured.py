"""What one system answered, item by item, before it becomes numbers; and several runs' answers as one.

Conventions: Q queries; a query without a relevant one has no value and is not among them. ``recordings`` names the
independent recording of each item: intervals draw these.

Public names: QueryValues, ClassAnswers, TASKS, RELEVANCES, measure_queries, measure_classes, pool_queries,
pool_classes, shared_captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.errors import DatasetError, UsageError, unknown_name
from audiolect.evaluate.material import Material
from audiolect.metrics.relevance import Relevance, relevance_from_keys, relevance_from_lists
from audiolect.metrics.retrieval import RetrievalScores, retrieval_both_ways

FloatArray = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TASKS = ("text_to_audio", "audio_to_text")
RELEVANCES = ("own", "same-words")


@dataclass(frozen=True, slots=True, eq=False)
class QueryValues:
    """One direction of retrieval.

    Args:
        values: metric → (Q,).
        queries: (Q,) ids of the captions or recordings that asked.
        recordings: (Q,) recording of each.
        gallery: how many were searched; of pooled runs, the least.
        excluded: queries without a relevant one.
        num_tied: queries in which the rule for ties decided.
        notes: what a reader should know.
    """

    values: dict[str, FloatArray]
    queries: tuple[str, ...]
    recordings: tuple[str, ...]
    gallery: int
    excluded: int
    num_tied: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ClassAnswers:
    """Classification by text.

    Args:
        names: of the C classes.
        scores: (n, C) similarities.
        targets: (n, C) truth values; one in each row where ``is_single``.
        recordings: (n,) ids.
        excluded: recordings without a label.
        is_single: every recording has one label.
    """

    names: tuple[str, ...]
    scores: FloatArray
    targets: npt.NDArray[np.bool_]
    recordings: tuple[str, ...]
    excluded: int
    is_single: bool


def measure_queries(material: Material, *, ties: str = "pessimistic", relevance: str = "own") -> dict[str, QueryValues]:
    """Both directions of retrieval; empty where there are no captions.

    Args:
        ties: a name of ``metrics.ranks.TIE_RULES``.
        relevance: a name of RELEVANCES: whether a caption means its own recording alone, or each recording that
            has the same words as a caption.

    Raises:
        UsageError: an unknown rule, or no caption has its recording here.
    """
    if relevance not in RELEVANCES:
        raise unknown_name("rule of what is relevant", relevance, RELEVANCES)
    if not material.captions.height:
        return {}
    recording_ids = material.recordings["recording_id"]
    answers = _relevance(material, relevance)
    scores = retrieval_both_ways(material.caption_vectors, material.recording_vectors, answers, ties=ties)
    asking = {
        "text_to_audio": (material.captions["text_id"], material.captions["recording_id"]),
        "audio_to_text": (recording_ids, recording_ids),
    }
    return {task: _query_values(task, scores[task], *asking[task]) for task in TASKS}


def measure_classes(material: Material) -> ClassAnswers | None:
    """Similarities of recordings and classes; None where there are no labels, or no prompts of them.

    A class is the mean of the vectors of its prompts, normalised.

    Raises:
        DatasetError: a recording has a label of which there is no prompt.
    """
    prompts = material.embeddings.text_table.with_row_index("row").filter(pl.col("kind") == "label")
    labelled = (material.recordings["labels"].list.len() > 0).to_numpy()
    if not prompts.height or not labelled.any():
        return None
    names = tuple(dict.fromkeys(prompts["label"]))
    numbers = {name: number for number, name in enumerate(names)}
    labels = material.recordings["labels"].filter(pl.Series(labelled)).to_list()
    unknown = sorted({label for own in labels for label in own} - set(names))
    if unknown:
        raise DatasetError(
            "Recordings have labels of which there are no prompts.",
            where=material.embeddings.folder,
            expected="a prompt of each label: " + ", ".join(names[:5]) + (", …" if len(names) > 5 else ""),
            found=", ".join(map(repr, unknown[:5])),
            fix="predict with --labels that name all of them",
        )
    targets = np.zeros((len(labels), len(names)), bool)
    for row, own in enumerate(labels):
        targets[row, [numbers[label] for label in own]] = True
    vectors = material.recording_vectors[labelled].astype(np.float64)
    return ClassAnswers(
        names,
        vectors @ _class_vectors(material, prompts, numbers).T,
        targets,
        tuple(material.recordings["recording_id"].filter(pl.Series(labelled))),
        int((~labelled).sum()),
        bool((targets.sum(axis=1) == 1).all()),
    )


def pool_queries(several: Sequence[QueryValues]) -> QueryValues:
    """The queries of several runs as one list; each was searched in the gallery of its own run."""
    first = several[0]
    names = [name for name in first.values if all(name in each.values for each in several)]
    return QueryValues(
        {name: np.concatenate([each.values[name] for each in several]) for name in names},
        tuple(query for each in several for query in each.queries),
        tuple(recording for each in several for recording in each.recordings),
        min(each.gallery for each in several),
        sum(each.excluded for each in several),
        sum(each.num_tied for each in several),
        ("Pooled queries were each searched in the gallery of their own run.",),
    )


def pool_classes(several: Sequence[ClassAnswers]) -> ClassAnswers:
    """The answers of several runs as one list.

    Raises:
        UsageError: they choose among different classes.
    """
    first = several[0]
    if any(each.names != first.names for each in several):
        raise UsageError(
            "The runs choose among different classes.",
            expected=f"{len(first.names)} classes in the same order",
            found=", ".join(str(len(each.names)) for each in several),
            fix="predict all of them with the same --labels",
        )
    return ClassAnswers(
        first.names,
        np.concatenate([each.scores for each in several]),
        np.concatenate([each.targets for each in several]),
        tuple(recording for each in several for recording in each.recordings),
        sum(each.excluded for each in several),
        all(each.is_single for each in several),
    )


def _relevance(material: Material, rule: str) -> Relevance:
    """Captions × recordings."""
    ids = material.recordings["recording_id"].to_list()
    owners = material.captions["recording_id"].to_list()
    if rule == "own":
        return relevance_from_keys(owners, ids)
    places = {name: place for place, name in enumerate(ids)}
    words = _plain(material)
    meant: dict[str, set[int]] = {}
    for text, owner in zip(words, owners, strict=True):
        meant.setdefault(text, set()).add(places[owner])
    return relevance_from_lists([sorted(meant[text]) for text in words], len(ids))


def shared_captions(material: Material) -> int:
    """How many captions stand word for word at several recordings."""
    words = pl.DataFrame({"text": _plain(material), "recording_id": material.captions["recording_id"]})
    counts = words.group_by("text").agg(pl.col("recording_id").n_unique().alias("recordings"), pl.len())
    return int(counts.filter(pl.col("recordings") > 1)["len"].sum())


def _query_values(task: str, scores: RetrievalScores, queries: pl.Series, recordings: pl.Series) -> QueryValues:
    scored = np.ones(scores.num_queries, bool)
    scored[scores.queries_without_relevant] = False
    notes = []
    if scores.num_tied_queries:
        notes.append(f"{task}: ties decided in {scores.num_tied_queries} queries, by the rule {scores.tie_rule}.")
    if len(scores.queries_without_relevant):
        without = len(scores.queries_without_relevant)
        notes.append(f"{task}: {without} of {scores.num_queries} queries have nothing relevant and no value.")
    if scores.num_gallery_relevant < scores.num_gallery:
        others = scores.num_gallery - scores.num_gallery_relevant
        notes.append(f"{task}: {others} of {scores.num_gallery} in the gallery answer no query and only distract.")
    mask = pl.Series(scored)
    return QueryValues(
        {name: metric.per_query[scored] for name, metric in scores.metrics.items()},
        tuple(queries.filter(mask)),
        tuple(recordings.filter(mask)),
        scores.num_gallery,
        len(scores.queries_without_relevant),
        scores.num_tied_queries,
        tuple(notes),
    )


def _class_vectors(material: Material, prompts: pl.DataFrame, numbers: dict[str, int]) -> FloatArray:
    """(C, E)."""
    of_prompts = np.array([numbers[label] for label in prompts["label"]], np.int64)
    sums = np.zeros((len(numbers), material.recording_vectors.shape[1]))
    np.add.at(sums, of_prompts, material.embeddings.texts[prompts["row"].to_numpy()].astype(np.float64))
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(norms > 0, norms, 1.0), np.float64)


def _plain(material: Material) -> list[str]:
    """The words of each caption, whatever their case and spaces."""
    return [" ".join(text.split()).casefold() for text in material.captions["text"]]
