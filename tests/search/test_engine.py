"""The engine against scores worked out in the test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_index import FakeModel, request, vector_of

from audiolect.data.dataset import open_dataset
from audiolect.errors import FilterError, StorageError, UsageError
from audiolect.search.engine import SearchEngine, open_engine
from audiolect.search.index import add_dataset, remove_recordings

NAMES = [f"w/{i:02d}" for i in range(20)]


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    add_dataset(tmp_path / "i", open_dataset(world), request(), FakeModel().embed)
    return tmp_path / "i"


@pytest.fixture
def engine(folder: Path) -> SearchEngine:
    return open_engine(folder, FakeModel())


def nearest(query: str, names: list[str]) -> list[str]:
    scores = {name: float(vector_of(name).astype(np.float64) @ vector_of(query)) for name in names}
    return sorted(names, key=lambda name: -scores[name])


def ids(answer: object, query: int = 0) -> list[str]:
    return [hit.recording_id for hit in answer.hits[query]]  # type: ignore[attr-defined]


def test_by_words(engine: SearchEngine, world: Path) -> None:
    answer = engine.by_text(["rain", "a dog"], 3)
    assert [ids(answer, q) for q in (0, 1)] == [nearest(query, NAMES)[:3] for query in ("rain", "a dog")]
    first = answer.hits[0][0]
    assert first.score == pytest.approx(float(vector_of(first.recording_id) @ vector_of("rain")), abs=1e-6)
    number = int(first.recording_id[2:])
    assert (first.rank, first.labels, first.duration_seconds) == (1, ("a", "b"), number + 1.0)
    assert first.captions == tuple(f"caption {k} of {number}" for k in range(1 + number % 5))
    assert first.path == str(world / "audio" / f"{number:02d}.wav")
    assert (answer.num_candidates, answer.exact, len(engine)) == (20, True, 20)
    assert answer.encoding_seconds >= 0


def test_by_sound_by_vector_and_by_recording(engine: SearchEngine) -> None:
    assert ids(engine.by_sound([Path("x/bark.wav")], 4)) == nearest("bark", NAMES)[:4]
    assert ids(engine.by_vector(3 * vector_of("bark")[None], 4)) == nearest("bark", NAMES)[:4]
    like = engine.like("w/07", 20)
    assert ids(like) == nearest("w/07", [name for name in NAMES if name != "w/07"])
    assert like.num_candidates == 19


def test_filters_choose_before_the_best_are_taken(engine: SearchEngine) -> None:
    late = [name for name in NAMES if int(name[2:]) >= 12]
    answer = engine.by_text(["rain"], 20, where="duration_seconds > 12 and 'a' in labels")
    assert ids(answer) == nearest("rain", late)
    assert answer.num_candidates == 8
    assert engine.by_text(["rain"], where="contains(captions, 'caption 4')").num_candidates == 4
    assert ids(engine.by_text(["rain"], where="dataset == 'other'")) == []
    assert ids(engine.like("w/07", 20, where="split == 'test'")) == nearest("w/07", NAMES[15:])
    with pytest.raises(FilterError):
        engine.by_text(["rain"], where="loudness > 3")


def test_what_was_opened_stays_until_it_is_opened_anew(engine: SearchEngine, folder: Path) -> None:
    assert engine.is_current()
    best = nearest("rain", NAMES)
    remove_recordings(folder, recording_ids=best[:2])
    assert not engine.is_current()
    assert ids(engine.by_text(["rain"], 1)) == best[:1]
    assert ids(open_engine(folder, FakeModel()).by_text(["rain"], 1)) == best[2:3]


def test_any_number_of_threads(engine: SearchEngine) -> None:
    queries = [f"query {i}" for i in range(24)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda query: ids(engine.by_text([query], 5)), queries))
    assert found == [nearest(query, NAMES)[:5] for query in queries]


def test_what_cannot_be_asked(engine: SearchEngine, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to search for"):
        engine.by_text(["rain", " "])
    with pytest.raises(UsageError, match="nothing to search for"):
        engine.by_sound([])
    with pytest.raises(UsageError, match="So many"):
        engine.by_text(["rain"], 0)
    with pytest.raises(UsageError, match="do not fit"):
        engine.by_vector(np.ones((1, 5), np.float32))
    with pytest.raises(UsageError, match="no direction"):
        engine.by_vector(np.zeros((1, 16), np.float32))
    with pytest.raises(UsageError, match="not in the index"):
        engine.like("w/99")
    with pytest.raises(UsageError, match="without the model"):
        open_engine(folder).by_text(["rain"])
    with pytest.raises(StorageError, match="no index here"):
        open_engine(tmp_path / "nowhere")
    other = request().identity.model_copy(update={"checkpoint_hash": "b" * 32})
    with pytest.raises(UsageError, match="another checkpoint"):
        open_engine(folder, FakeModel(identity=other))


def test_an_empty_index_finds_nothing(folder: Path) -> None:
    remove_recordings(folder, where="duration_seconds > 0")
    assert open_engine(folder, FakeModel()).by_text(["rain"]).hits == ((),)
