"""What retrieval metrics cost in seconds and memory, both directions from one pass.

Embeddings of width 512 and norm 1, captions near their recordings: 5,225 captions and 1,045 recordings (Clotho's
evaluation split), all metrics within 0.5 s; and 50,000 against 50,000 within 2 GB, peak resident memory of a fresh
process that also makes the embeddings. The peers compute less: the whole float32 score matrix of the same embeddings,
sorted row by row and column by column, with recall, rank and mAP@10; and scikit-learn's average precision of 500
captions, from a score matrix that both it and ours are given. Before anything is measured, ours and the peers must give
the same numbers.

    python bench/retrieval_metrics.py [--quick] [--json]
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

import harness
from audiolect.metrics.ranks import ranks_of_scores
from audiolect.metrics.relevance import Relevance, relevance_from_keys, relevance_from_lists
from audiolect.metrics.retrieval import retrieval_both_ways, retrieval_scores

WIDTH = 512
SOME = 500
SMALL = (5225, 1045)
LARGE = (50_000, 50_000)
QUICK = (10_000, 10_000)
BAR_SECONDS = 0.5
BAR_BYTES = 2e9
_CHILD = "--large"

Floats = np.ndarray[Any, np.dtype[np.float32]]


def main() -> int:
    """Measure and print; with --large QUERIES GALLERY only the large case, for its own process."""
    if _CHILD in sys.argv:
        queries, gallery = (int(number) for number in sys.argv[sys.argv.index(_CHILD) + 1 :][:2])
        print(json.dumps(large(queries, gallery)))
        return 0
    options = harness.arguments("What retrieval metrics cost.", threads=None)
    texts, audios, relevance = made(*SMALL)
    check(texts, audios, relevance)
    seconds = []
    for _ in range(3 if options.quick else 15):
        start = time.perf_counter()
        retrieval_both_ways(texts, audios, relevance)
        seconds.append(time.perf_counter() - start)
    name = f"all metrics, {SMALL[0]:,} × {SMALL[1]:,}"
    some = relevance_from_lists([[index] for index in relevance.indexes[:SOME]], SMALL[1])
    scores = texts[:SOME] @ audios.T
    repeats = 1 if options.quick else 5
    figures = [
        harness.at_most(name, statistics.median(seconds), BAR_SECONDS, unit="s"),
        harness.compare(
            f"{name}, both directions",
            lambda: retrieval_both_ways(texts, audios, relevance),
            {"argsort of the whole matrix, fewer metrics": lambda: naive(texts, audios, relevance)},
            work=SMALL[0] * SMALL[1] / 1e6,
            unit="million pairs/s",
            bar=None,
            repeats=repeats,
        ),
        harness.compare(
            f"from {SOME} × {SMALL[1]:,} scores",
            lambda: retrieval_scores(ranks_of_scores([scores], some)),
            {"sklearn average precision alone": lambda: sklearn_map(scores, some)},
            work=SOME * SMALL[1] / 1e6,
            unit="million pairs/s",
            bar=None,
            repeats=repeats,
        ),
    ]
    size = QUICK if options.quick else LARGE
    command = [sys.executable, __file__, _CHILD, *map(str, size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    name = f"{size[0]:,} × {size[1]:,} × {WIDTH}"
    figures += [
        harness.at_most(f"{name}, peak memory", measured["peak_bytes"] / 1e9, BAR_BYTES / 1e9, unit="GB"),
        # No bar was set: the seconds beside those of the bare float32 matrix product, in the same process.
        harness.Figure(
            f"{name}, both directions",
            "s",
            measured["seconds"],
            measured["seconds"],
            measured["seconds"],
            (
                harness.Peer(
                    "float32 product alone",
                    measured["product_seconds"],
                    measured["product_seconds"] / measured["seconds"],
                    None,
                    None,
                ),
            ),
        ),
    ]
    return harness.finish(figures, options.json)


def made(num_texts: int, num_audios: int) -> tuple[Floats, Floats, Relevance]:
    """Recordings all over the sphere, and captions near theirs."""
    rng = np.random.default_rng(0)
    audios = rng.standard_normal((num_audios, WIDTH), dtype=np.float32)
    audios /= np.linalg.norm(audios, axis=1, keepdims=True)
    own = np.arange(num_texts) % num_audios
    texts = rng.standard_normal((num_texts, WIDTH), dtype=np.float32) * np.float32(0.25)
    texts += audios[own]
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    return texts, audios, relevance_from_keys(own, np.arange(num_audios))


def naive(texts: Floats, audios: Floats, relevance: Relevance) -> dict[str, float]:
    """The plain way: sort everything, look where the relevant ones are."""
    scores = texts @ audios.T
    found: dict[str, float] = {}
    truth = np.zeros(scores.shape, bool)
    truth[relevance.query_of_pairs, relevance.indexes] = True
    for name, matrix, relevant in (("text_to_audio", scores, truth), ("audio_to_text", scores.T, truth.T)):
        order = np.argsort(-matrix, axis=1)
        hits = np.take_along_axis(relevant, order, axis=1)
        first = hits.argmax(axis=1) + 1
        top = hits[:, :10]
        precision = np.cumsum(top, axis=1) / np.arange(1, 11)
        found[f"{name} map@10"] = float(((precision * top).sum(axis=1) / hits.sum(axis=1)).mean())
        found[f"{name} median_rank"] = float(np.median(first))
        for k in (1, 5, 10, 50):
            found[f"{name} recall_any@{k}"] = float((first <= k).mean())
    return found


def sklearn_map(scores: Floats, relevance: Relevance) -> float:
    """Average precision of each caption over the whole gallery, the mean of them."""
    from sklearn.metrics import average_precision_score

    truth = np.zeros(scores.shape, bool)
    truth[relevance.query_of_pairs, relevance.indexes] = True
    return float(np.mean([average_precision_score(*pair) for pair in zip(truth, scores, strict=True)]))


def check(texts: Floats, audios: Floats, relevance: Relevance) -> None:
    """Ours and the peers' agree: to 1e-4, because float32 scores that are almost equal may change places."""
    ours = retrieval_both_ways(texts, audios, relevance)
    for name, value in naive(texts, audios, relevance).items():
        direction, metric = name.split()
        if abs(ours[direction].values()[metric] - value) > 1e-4:
            raise SystemExit(f"{name}: {ours[direction].values()[metric]} is not the plain way's {value}")
    # With one relevant recording for each caption, average precision without a cut is the reciprocal rank.
    some = relevance_from_lists([[index] for index in relevance.indexes[:SOME]], SMALL[1])
    mrr, theirs = (
        float(ours["text_to_audio"].metrics["mrr"].per_query[:SOME].mean()),
        sklearn_map(texts[:SOME] @ audios.T, some),
    )
    if abs(mrr - theirs) > 1e-4:
        raise SystemExit(f"mrr: {mrr} is not scikit-learn's {theirs}")


def large(num_texts: int, num_audios: int) -> dict[str, float]:
    """Seconds and peak bytes of a large case, and the seconds of its bare matrix product, mean of before and after."""
    texts, audios, relevance = made(num_texts, num_audios)
    before = product_seconds(texts, audios)
    start = time.perf_counter()
    retrieval_both_ways(texts, audios, relevance)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    after = product_seconds(texts, audios)
    return {"seconds": seconds, "peak_bytes": peak, "product_seconds": (before + after) / 2}


def product_seconds(texts: Floats, audios: Floats) -> float:
    """How long the scores alone take, in float32 and in blocks that are thrown away."""
    start = time.perf_counter()
    for top in range(0, len(texts), 1024):
        for left in range(0, len(audios), 1024):
            texts[top : top + 1024] @ audios[left : left + 1024].T
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
