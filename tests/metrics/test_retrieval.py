"""Retrieval metrics by hand, against a slow formula, and against sklearn's average precision and nDCG."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from audiolect.errors import UsageError
from audiolect.metrics.ranks import ranks_of_scores
from audiolect.metrics.relevance import relevance_from_keys, relevance_from_lists
from audiolect.metrics.retrieval import RetrievalScores, retrieval_both_ways, retrieval_scores


def scored(scores: np.ndarray, lists: list[list[int]], **options: object) -> RetrievalScores:
    ranks = ranks_of_scores([scores], relevance_from_lists(lists, scores.shape[1]))
    return retrieval_scores(ranks, **options)  # type: ignore[arg-type]


def falling(places: list[int]) -> np.ndarray:
    """Scores by which the gallery's numbers come in the order given."""
    row = np.empty(len(places))
    row[places] = -np.arange(len(places))
    return row


def slow(scores: np.ndarray, lists: list[list[int]]) -> dict[str, float]:
    """All metrics, query by query, from sorted lists; scores without ties."""
    found: dict[str, list[float]] = {}
    for row, relevant in zip(scores.tolist(), lists, strict=True):
        if not relevant:
            continue
        order = sorted(range(len(row)), key=lambda i: -row[i])
        hits = [i in relevant for i in order]
        values = {"first": float(hits.index(True) + 1), "mrr": 1 / (hits.index(True) + 1)}
        for k in (1, 5, 10, 50):
            values[f"recall_any@{k}"] = float(any(hits[:k]))
            values[f"recall_share@{k}"] = sum(hits[:k]) / len(relevant)
        for k in (10, 16):
            precisions = sum(sum(hits[: place + 1]) / (place + 1) for place in range(min(k, len(row))) if hits[place])
            values[f"map@{k}"] = precisions / len(relevant)
            values[f"map_capped@{k}"] = precisions / min(k, len(relevant))
        gain = sum(1 / math.log2(place + 2) for place in range(min(10, len(row))) if hits[place])
        values["ndcg@10"] = gain / sum(1 / math.log2(place + 2) for place in range(min(10, len(relevant))))
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    first = found.pop("first")
    means = {name: statistics.fmean(values) for name, values in found.items()}
    choosing = [means[f"recall_any@{k}"] for k in (1, 5, 10)]
    return means | {
        "mean_rank": statistics.fmean(first),
        "median_rank": statistics.median(first),
        "geometric_mean_rank": statistics.geometric_mean(first),
        "recall_geometric_mean": math.prod(choosing) ** (1 / 3),
    }


def test_by_hand() -> None:
    # Query 0 finds its two at ranks 1 and 3, query 1 its only one at rank 2, query 2 has none.
    scores = np.stack([falling([4, 0, 1, 2, 3]), falling([0, 1, 2, 3, 4]), falling([0, 1, 2, 3, 4])])
    got = scored(scores, [[1, 4], [1], []])
    values = got.values()
    assert values["recall_any@1"] == 0.5
    assert values["recall_share@1"] == 0.25
    assert values["recall_any@5"] == values["recall_share@5"] == 1.0
    assert values["map@10"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)
    assert values["mrr"] == 0.75
    assert values["ndcg@10"] == pytest.approx(((1 + 0.5) / (1 + 1 / math.log2(3)) + 1 / math.log2(3)) / 2)
    assert (values["mean_rank"], values["median_rank"]) == (1.5, 1.5)
    assert values["geometric_mean_rank"] == pytest.approx(math.sqrt(2))
    assert values["recall_geometric_mean"] == pytest.approx(0.5 ** (1 / 3))
    assert got.metrics["map@10"].per_query[:2].tolist() == pytest.approx([5 / 6, 0.5])
    assert all(np.isnan(metric.per_query[2]) for metric in got.metrics.values())
    assert got.queries_without_relevant.tolist() == [2]
    assert (got.num_queries, got.num_scored, got.query_coverage) == (3, 2, pytest.approx(2 / 3))
    assert (got.num_gallery, got.num_gallery_relevant, got.gallery_coverage) == (5, 2, 0.4)
    assert (got.num_tied_queries, got.tie_rule) == (0, "pessimistic")


def test_what_lies_beyond_k_counts_in_the_divisor_only() -> None:
    """Relevant at ranks 1, 3 and 12, so that one of three lies beyond 10 and none beyond 16."""
    order = [20, 0, 21, *range(1, 9), 22, *range(9, 20)]
    got = scored(falling(order)[None], [[20, 21, 22]]).values()
    assert got["map@10"] == pytest.approx((1 + 2 / 3) / 3)
    assert got["map@16"] == pytest.approx((1 + 2 / 3 + 3 / 12) / 3)


def test_more_relevant_ones_than_k() -> None:
    got = scored(falling(list(range(30)))[None], [list(range(20))]).values()
    assert got["map@10"] == pytest.approx(0.5)
    assert got["map_capped@10"] == pytest.approx(1.0)
    assert got["ndcg@10"] == pytest.approx(1.0)
    assert (got["recall_any@1"], got["recall_share@1"]) == (1.0, 0.05)


def test_perfect_both_ways_and_the_two_recalls_of_five_captions() -> None:
    audios = np.eye(12, dtype=np.float32)
    texts = np.repeat(audios, 5, axis=0)
    both = retrieval_both_ways(texts, audios, relevance_from_keys(np.arange(60) // 5, np.arange(12)))
    to_audio, to_text = both["text_to_audio"].values(), both["audio_to_text"].values()
    assert {to_audio[name] for name in ("recall_any@1", "recall_share@1", "map@10", "mrr", "ndcg@10")} == {1.0}
    assert (to_text["recall_any@1"], to_text["recall_share@1"]) == (1.0, pytest.approx(0.2))
    assert to_text["recall_share@5"] == to_text["map@10"] == to_text["ndcg@10"] == 1.0
    assert to_text["median_rank"] == 1.0
    assert both["audio_to_text"].num_queries == 12


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, list[list[int]]]:
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    queries, gallery = draw(st.integers(1, 6)), draw(st.integers(2, 70))
    share = draw(st.sampled_from([0.02, 0.3, 0.9]))
    lists = [np.flatnonzero(rng.random(gallery) < share).tolist() for _ in range(queries)]
    lists[0] = lists[0] or [0]
    return np.stack([rng.permutation(gallery) for _ in range(queries)]).astype(np.float32), lists


@settings(deadline=None)
@given(problems())
def test_all_metrics_are_those_of_the_slow_way(problem: tuple[np.ndarray, list[list[int]]]) -> None:
    scores, lists = problem
    got = scored(scores, lists)
    assert got.values() == pytest.approx(slow(scores, lists))
    assert all(0 <= value <= 1 for name, value in got.values().items() if not name.endswith("_rank"))
    assert got.num_scored == sum(bool(relevant) for relevant in lists)
    for name, metric in got.metrics.items():
        per_query = metric.per_query[~np.isnan(metric.per_query)]
        assert len(per_query) == got.num_scored
        if not name.endswith("_rank"):
            assert metric.value == pytest.approx(per_query.mean())


@settings(deadline=None)
@given(problems())
def test_sklearn_agrees_where_nothing_is_cut_off(problem: tuple[np.ndarray, list[list[int]]]) -> None:
    scores, lists = problem
    got = scored(scores, lists, map_at=(1000,), ndcg_at=(10, 1000))
    for query, relevant in enumerate(lists):
        truth = np.isin(np.arange(scores.shape[1]), relevant).astype(int)
        if relevant:
            expected = average_precision_score(truth, scores[query])
            assert got.metrics["map@1000"].per_query[query] == pytest.approx(expected)
            for k in (10, 1000):
                assert got.metrics[f"ndcg@{k}"].per_query[query] == pytest.approx(
                    ndcg_score([truth], [scores[query]], k=k)
                )


def test_recalls_only_grow_with_k_and_any_is_never_below_share() -> None:
    rng = np.random.default_rng(0)
    lists = [rng.choice(200, rng.integers(1, 9), replace=False).tolist() for _ in range(300)]
    at = (1, 2, 3, 5, 8, 13, 50, 200, 10**6)
    got = scored(rng.standard_normal((300, 200)), lists, recall_at=at).values()
    for kind in ("any", "share"):
        values = [got[f"recall_{kind}@{k}"] for k in at]
        assert values == sorted(values)
        assert values[-2:] == [1.0, 1.0]
    assert all(got[f"recall_any@{k}"] >= got[f"recall_share@{k}"] for k in at)


def test_chance_is_chance() -> None:
    """Random scores: R@k is k / N, the median rank in the middle, and nobody is flattered."""
    rng = np.random.default_rng(1)
    got = scored(rng.random((4000, 100)), [[query % 100] for query in range(4000)]).values()
    assert got["recall_any@10"] == pytest.approx(0.1, abs=0.02)
    assert got["median_rank"] == pytest.approx(50, abs=3)
    assert got["map@10"] == pytest.approx(sum(1 / r for r in range(1, 11)) / 100, abs=0.01)


def test_a_rule_that_gives_fractions_is_used_as_it_is() -> None:
    ranks = ranks_of_scores([np.zeros((1, 3))], relevance_from_lists([[1]], 3), ties="expected")
    got = retrieval_scores(ranks)
    assert (got.values()["mean_rank"], got.values()["mrr"], got.values()["recall_any@1"]) == (2.0, 0.5, 0.0)
    assert (got.num_tied_queries, got.tie_rule) == (1, "expected")


@pytest.mark.parametrize("options", [{"recall_at": (1, 0)}, {"map_at": (-3,)}, {"ndcg_at": (0,)}])
def test_k_below_one_is_refused(options: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="needs a k of 1 or more"):
        scored(np.ones((1, 2)), [[0]], **options)


def test_queries_that_all_have_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match=r"No query has a relevant one.\n.*\n  found: 2 queries without"):
        scored(np.ones((2, 2)), [[], []])
