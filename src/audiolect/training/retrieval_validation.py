"""Retrieval over a validation set: every recording and every caption embedded once, all ranked against all.

Conventions: each distinct recording stands in the gallery once; a query is one reference of one example. Rows are
sorted by example id, so that the numbers do not depend on batches or ranks. Metrics are named
``DIRECTION NAME``, as in ``text_to_audio map@10``; ``loss`` is InfoNCE of each example's first reference against all
others of the set at once, so it compares within one set only.

Public names: METRICS, Collected, measure_retrieval.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audiolect.errors import DatasetError
from audiolect.loader.batch import Batch
from audiolect.metrics.relevance import relevance_from_keys
from audiolect.metrics.retrieval import retrieval_both_ways
from audiolect.metrics.top_matches import top_matches
from audiolect.training.chunked import chunked_info_nce
from audiolect.training.negatives import PairKeys
from audiolect.training.validation import Validation, gather_objects

_SHOWN_MATCHES = 5
_EACH_WAY = ("recall_any@1", "recall_any@5", "recall_any@10", "map@10", "median_rank", "recall_geometric_mean")
# What every set has.
METRICS = (*(f"{way} {name}" for way in ("text_to_audio", "audio_to_text") for name in _EACH_WAY), "loss")

Vector = npt.NDArray[np.float32]
_Row = tuple[str, str, Vector, tuple[str, ...], Vector, int, int]


class Collected:
    """What one rank has embedded so far."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []

    def add(self, batch: Batch, audio: Tensor, texts: Tensor) -> None:
        """Take a batch: (B, E) of its recordings, and (R, E) of all references of its rows end to end."""
        vectors, text_vectors = audio.detach().float().cpu().numpy(), texts.detach().float().cpu().numpy()
        begin = 0
        for i, references in enumerate(batch.references):
            end = begin + len(references)
            keys = int(batch.recording_keys[i]), int(batch.caption_keys[i])
            names = batch.example_ids[i], batch.recording_ids[i]
            self.rows.append((*names, vectors[i], references, text_vectors[begin:end], *keys))
            begin = end


def measure_retrieval(collected: Collected, scale: float, *, shown: int) -> Validation:
    """Rank all against all; every rank gets what the first one measured.

    Args:
        collected: this rank's share.
        scale: of the model, for the loss.
        shown: how many queries are told with their best matches, evenly over the set.

    Raises:
        DatasetError: there is nothing on any rank.
    """
    parts = gather_objects(collected.rows)
    rows = sorted((row for part in parts for row in part), key=lambda row: row[0])
    if not rows:
        raise DatasetError("There is nothing to validate.", found="no examples on any rank")
    measured = _measure(rows, scale, shown)
    return gather_objects(measured)[0]


def _measure(rows: list[_Row], scale: float, shown: int) -> Validation:
    gallery = {row[1]: row[2] for row in reversed(rows)}  # of a recording with several examples, the first one's
    names = sorted(gallery)
    audios = np.stack([gallery[name] for name in names])
    texts = np.concatenate([row[4] for row in rows])
    owners = [row[1] for row in rows for _ in row[3]]
    both = retrieval_both_ways(texts, audios, relevance_from_keys(owners, names))
    metrics = {
        f"{direction} {name}": float(scores.values()[name]) for direction, scores in both.items() for name in _EACH_WAY
    }
    first = np.cumsum([0, *(len(row[3]) for row in rows[:-1])])
    metrics["loss"] = float(
        chunked_info_nce(
            torch.from_numpy(np.stack([row[2] for row in rows])),
            torch.from_numpy(texts[first]),
            scale,
            keys=PairKeys(torch.tensor([row[5] for row in rows]), torch.tensor([row[6] for row in rows])),
        )
    )
    return Validation(metrics, len(rows), _examples(rows, texts, audios, names=names, owners=owners, shown=shown))


def _examples(
    rows: list[_Row], texts: Vector, audios: Vector, *, names: list[str], owners: list[str], shown: int
) -> list[dict[str, Any]]:
    """Some queries with what the model finds for them."""
    if not shown:
        return []
    words = [text for row in rows for text in row[3]]
    queries = np.unique(np.linspace(0, len(words) - 1, min(shown, len(words))).round().astype(np.int64))
    best = top_matches(texts[queries], audios, _SHOWN_MATCHES)
    place = {name: i for i, name in enumerate(names)}
    told = []
    for i, query in enumerate(queries.tolist()):
        scores = audios @ texts[query]  # one product for all: a product of its own could differ in the last digit
        rank = 1 + int((scores > scores[place[owners[query]]]).sum())
        matches = [
            {"recording_id": names[at], "score": round(float(score), 4)}
            for at, score in zip(best.indexes[i].tolist(), best.scores[i], strict=True)
        ]
        told.append({"text": words[query], "recording_id": owners[query], "rank": rank, "matches": matches})
    return told
