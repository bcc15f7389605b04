"""Retrieval over a validation set, against a slow formula."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from audiolect.errors import DatasetError
from audiolect.training.losses import info_nce
from audiolect.training.retrieval_validation import Collected, measure_retrieval


def unit(*shape: int, seed: int) -> Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=-1)


def batch(rows: list[int]) -> Any:
    """Rows of a set in which each recording has one example of 2 references."""
    return SimpleNamespace(
        example_ids=tuple(f"e{i}" for i in rows),
        recording_ids=tuple(f"r{i}" for i in rows),
        references=tuple((f"text {i} a", f"text {i} b") for i in rows),
        recording_keys=np.array(rows),
        caption_keys=np.array(rows) + 100,
    )


def collected(order: list[list[int]], audio: Tensor, texts: Tensor) -> Collected:
    found = Collected()
    for rows in order:
        found.add(batch(rows), audio[rows], torch.cat([texts[2 * i : 2 * i + 2] for i in rows]))
    return found


def test_against_the_slow_formula() -> None:
    audio, texts = unit(7, 4, seed=1), unit(14, 4, seed=2)
    result = measure_retrieval(collected([list(range(7))], audio, texts), 10.0, shown=3)
    scores = texts @ audio.T
    ranks = [1 + int((scores[q] > scores[q, q // 2]).sum()) for q in range(14)]
    assert result.metrics["text_to_audio recall_any@1"] == pytest.approx(np.mean([r <= 1 for r in ranks]))
    assert result.metrics["text_to_audio map@10"] == pytest.approx(np.mean([1 / r for r in ranks]))
    assert result.metrics["text_to_audio median_rank"] == np.median(ranks)
    recalls = [float(np.mean([r <= k for r in ranks])) for k in (1, 5, 10)]
    assert result.metrics["text_to_audio recall_geometric_mean"] == pytest.approx(math.prod(recalls) ** (1 / 3))
    assert result.metrics["loss"] == pytest.approx(float(info_nce(audio, texts[::2], 10.0)), rel=1e-5)
    assert result.num_examples == 7
    assert [row["rank"] for row in result.shown] == [ranks[q] for q in (0, 6, 13)]
    best = [int(i) for i in scores[0].argsort(descending=True)[:5]]
    assert [m["recording_id"] for m in result.shown[0]["matches"]] == [f"r{i}" for i in best]


def test_neither_batches_nor_their_order_matter() -> None:
    audio, texts = unit(7, 4, seed=1), unit(14, 4, seed=2)
    orders = ([[0, 1, 2, 3, 4, 5, 6]], [[6, 2], [0], [5, 4, 3], [1]])
    first, second = (measure_retrieval(collected(order, audio, texts), 10.0, shown=2) for order in orders)
    assert first == second


def test_perfect() -> None:
    audio = torch.eye(4)
    result = measure_retrieval(collected([[0, 1, 2, 3]], audio, audio.repeat_interleave(2, 0)), 1.0, shown=0)
    assert result.metrics["text_to_audio map@10"] == result.metrics["audio_to_text recall_any@1"] == 1.0
    assert result.shown == []


def test_nothing_is_refused() -> None:
    with pytest.raises(DatasetError, match="nothing to validate"):
        measure_retrieval(Collected(), 1.0, shown=1)
