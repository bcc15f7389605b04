"""Retrieval metrics, from the ranks of the relevant ones: text to audio, audio to text, or any other two sets.

Let a query have R relevant ones at the ranks r_1 < … < r_R (``ranks.py``, 1 is the best):

- ``recall_any@k``: 1 if r_1 <= k. The share of queries with any hit; what most papers call R@k, in both directions.
- ``recall_share@k``: the share of the R that have r_i <= k. The same with one relevant one; with five captions of a
  recording it is at most 1/5 at k = 1. The two are not comparable, so they have two names.
- ``map@k``: sum of i / r_i over r_i <= k, divided by R. This is DCASE's mAP@10, and its mAP@16 with several
  relevant ones; with R > k even a perfect ranking stays below 1. ``map_capped@k`` divides by min(R, k) instead.
- ``mrr``: 1 / r_1. ``ndcg@k``: sum of 1 / log2(r_i + 1) over r_i <= k, divided by that of a perfect ranking.
- ``mean_rank``, ``median_rank``, ``geometric_mean_rank``: of r_1.
- ``recall_geometric_mean``: (recall_any@1 · recall_any@5 · recall_any@10)^(1/3), by which some papers choose models.

Every metric has one value for each query, for intervals and paired tests (``bootstrap.py``, ``paired.py``). A query
without a relevant one has no value (NaN), is left out of the means, and is counted: ``queries_without_relevant``.

Conventions: fractions from 0 to 1, not per cent. Ranks that ties make fractions are used in the formulas as they are.

Public names: RECALL_AT, MAP_AT, NDCG_AT, Metric, RetrievalScores, retrieval_scores, retrieval_both_ways.

Source: K. Järvelin and J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002 (nDCG,
with gains of 0 and 1); C. D. Manning, P. Raghavan and H. Schütze, "Introduction to Information Retrieval", 2008, ch. 8;
https://dcase.community/challenge2025/task-language-based-audio-retrieval (mAP@16).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolect.errors import UsageError
from audiolect.metrics.exact_scores import Embeddings
from audiolect.metrics.ranks import Ranks, ranks_both_ways
from audiolect.metrics.relevance import IntArray, Relevance

FloatArray = npt.NDArray[np.float64]

RECALL_AT = (1, 5, 10, 50)
MAP_AT = (10, 16)
NDCG_AT = (10,)
_CHOOSING = ("recall_any@1", "recall_any@5", "recall_any@10")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric.

    Args:
        name: as in the list above.
        per_query: (Q,), NaN for queries without a relevant one.
        value: over the queries that have one: their mean, or what the name says.
    """

    name: str
    per_query: FloatArray
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalScores:
    """What one direction scored, and on what.

    Args:
        metrics: name → metric.
        recall_geometric_mean: of recall_any at 1, 5 and 10.
        num_queries: Q, all of them.
        queries_without_relevant: the numbers of those that have no value.
        num_gallery: N.
        num_gallery_relevant: how many of the gallery are relevant to any query; the others only distract.
        num_tied_queries: in how many queries the rule for ties decided.
        tie_rule: which rule.
    """

    metrics: Mapping[str, Metric]
    recall_geometric_mean: float
    num_queries: int
    queries_without_relevant: IntArray
    num_gallery: int
    num_gallery_relevant: int
    num_tied_queries: int
    tie_rule: str

    @property
    def num_scored(self) -> int:
        """Queries that have a value."""
        return self.num_queries - len(self.queries_without_relevant)

    @property
    def query_coverage(self) -> float:
        """The share of the queries that have a value."""
        return self.num_scored / self.num_queries

    @property
    def gallery_coverage(self) -> float:
        """The share of the gallery that is relevant to any query."""
        return self.num_gallery_relevant / self.num_gallery

    def values(self) -> dict[str, float]:
        """Name → value of every metric, the geometric mean of recalls too."""
        named = {name: metric.value for name, metric in self.metrics.items()}
        return named | {"recall_geometric_mean": self.recall_geometric_mean}


def retrieval_both_ways(
    texts: Embeddings, audios: Embeddings, relevance: Relevance, *, ties: str = "pessimistic"
) -> dict[str, RetrievalScores]:
    """``text_to_audio`` and ``audio_to_text``, from one pass over all pairs.

    Args:
        texts, audios: (Q, D) and (N, D) floating point.
        relevance: which audios are relevant to each text.
        ties: a name of ``ranks.TIE_RULES``.

    Raises:
        UsageError: as of ``ranks_both_ways`` and ``retrieval_scores``.
    """
    forward, backward = ranks_both_ways(texts, audios, relevance, ties=ties)
    return {"text_to_audio": retrieval_scores(forward), "audio_to_text": retrieval_scores(backward)}


def retrieval_scores(
    ranks: Ranks,
    *,
    recall_at: Sequence[int] = RECALL_AT,
    map_at: Sequence[int] = MAP_AT,
    ndcg_at: Sequence[int] = NDCG_AT,
) -> RetrievalScores:
    """All metrics of one direction.

    Args:
        ranks: by ``ranks.py``.
        recall_at, map_at, ndcg_at: the k of each; above N they are what they would be at N.

    Raises:
        UsageError: a k below 1, or no query has a relevant one.
    """
    for k in (*recall_at, *map_at, *ndcg_at):
        _check_k(k)
    relevance = ranks.relevance
    scored = relevance.counts > 0
    if not scored.any():
        raise UsageError(
            "No query has a relevant one.",
            expected="1 or more queries with one",
            found=f"{relevance.num_queries} queries without",
            cause="ids of queries and gallery that come from different datasets",
        )
    first = _first(ranks)
    metrics = [
        _measured("mean_rank", first, np.mean),
        _measured("median_rank", first, np.median),
        _measured("geometric_mean_rank", first, lambda values: np.exp(np.mean(np.log(values)))),
        _measured("mrr", 1 / first, np.mean),
    ]
    for k in sorted({*recall_at, 1, 5, 10}):
        metrics.append(_measured(f"recall_any@{k}", np.where(scored, first <= k, np.nan), np.mean))
        metrics.append(_measured(f"recall_share@{k}", _recall_share(ranks, k), np.mean))
    for k in map_at:
        capped = _sums(ranks, _precisions(ranks, k)) / _or_nan(np.minimum(relevance.counts, k))
        metrics.append(_measured(f"map@{k}", _sums(ranks, _precisions(ranks, k)) / _or_nan(relevance.counts), np.mean))
        metrics.append(_measured(f"map_capped@{k}", capped, np.mean))
    metrics += [_measured(f"ndcg@{k}", _ndcg(ranks, k), np.mean) for k in ndcg_at]
    named = {metric.name: metric for metric in metrics}
    return RetrievalScores(
        named,
        float(np.cbrt(np.prod([named[name].value for name in _CHOOSING]))),
        relevance.num_queries,
        np.flatnonzero(~scored),
        relevance.num_gallery,
        relevance.num_gallery_relevant,
        ranks.num_tied_queries,
        ranks.rule,
    )


def _measured(name: str, per_query: FloatArray, aggregate: Callable[[FloatArray], np.floating | float]) -> Metric:
    return Metric(name, per_query, float(aggregate(per_query[~np.isnan(per_query)])))


def _first(ranks: Ranks) -> FloatArray:
    """(Q,): the best rank of each query."""
    first = np.full(ranks.relevance.num_queries, np.nan)
    scored = ranks.relevance.counts > 0
    first[scored] = ranks.ranks[ranks.relevance.offsets[:-1][scored]]
    return first


def _sums(ranks: Ranks, per_pair: FloatArray) -> FloatArray:
    """(P,) → (Q,): sums over the relevant ones of each query."""
    sums = np.bincount(ranks.relevance.query_of_pairs, per_pair, minlength=ranks.relevance.num_queries)
    return sums.astype(np.float64)


def _recall_share(ranks: Ranks, k: int) -> FloatArray:
    return _sums(ranks, (ranks.ranks <= k).astype(np.float64)) / _or_nan(ranks.relevance.counts)


def _precisions(ranks: Ranks, k: int) -> FloatArray:
    """(P,): the precision at each relevant one, 0 beyond k."""
    places = np.arange(len(ranks.ranks)) - np.repeat(ranks.relevance.offsets[:-1], ranks.relevance.counts) + 1
    return np.where(ranks.ranks <= k, places / ranks.ranks, 0.0)


def _ndcg(ranks: Ranks, k: int) -> FloatArray:
    counts = ranks.relevance.counts
    gains = np.where(ranks.ranks <= k, 1 / np.log2(ranks.ranks + 1), 0.0)
    reach = min(k, int(counts.max()))
    best = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(1, reach + 1) + 1))])
    return _sums(ranks, gains) / _or_nan(best[np.minimum(counts, reach)])


def _or_nan(divisors: npt.NDArray[np.int64] | FloatArray) -> FloatArray:
    return np.where(divisors > 0, divisors.astype(np.float64), np.nan)


def _check_k(k: int) -> None:
    if operator.index(k) < 1:
        raise UsageError("A metric at k needs a k of 1 or more.", found=k)
