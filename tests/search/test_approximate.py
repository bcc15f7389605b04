"""The approximate index: built, measured, and used where it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_index import FakeModel, request

from audiolect.data.dataset import open_dataset
from audiolect.errors import UsageError
from audiolect.search import approximate
from audiolect.search.approximate import build_approximate
from audiolect.search.card import read_index_card
from audiolect.search.engine import open_engine
from audiolect.search.index import add_dataset


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    add_dataset(tmp_path / "i", open_dataset(world), request(), FakeModel().embed)
    return tmp_path / "i"


def test_recall_is_measured_against_the_exact_scan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate, "_LEAST_ROWS", 10)
    facts = build_approximate(folder)
    assert read_index_card(folder).ann == facts
    assert (facts.num_recordings, facts.num_queries, facts.kind) == (20, 20, "IVF_HNSW_SQ")
    assert facts.recall_at_10 >= 0.98
    engine = open_engine(folder, FakeModel())
    near, exact = (engine.by_text(["rain"], 5, approximate=each) for each in (True, False))
    assert (near.exact, exact.exact) == (False, True)
    assert near.hits == exact.hits
    assert engine.by_text(["rain"], 5, where="duration_seconds > 3", approximate=True).exact


def test_a_blind_index_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate, "_LEAST_ROWS", 10)
    monkeypatch.setattr(approximate.Candidates, "search", lambda *_, **__: (np.arange(11), np.ones(11)))
    recall = build_approximate(folder).recall_at_10
    assert 0.3 < recall < 0.8


def test_few_recordings_need_none(folder: Path) -> None:
    with pytest.raises(UsageError, match="too few recordings"):
        build_approximate(folder)
    assert read_index_card(folder).ann is None


def test_widths_grow() -> None:
    assert approximate._widths(1) == [(1, 2), (1, 5), (1, 10), (1, 20)]
    assert approximate._widths(6) == [(1, 2), (2, 2), (4, 2), (6, 2), (6, 5), (6, 10), (6, 20)]
    assert np.all(np.diff([probes for probes, _ in approximate._widths(100)]) >= 0)
