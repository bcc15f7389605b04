"""METEOR: the score by hand and equal to that of pycocoevalcap; letters where something is absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audiolect.errors import MissingDependency, WorkerDied
from audiolect.metrics.java import Java, find_java
from audiolect.metrics.meteor import NUM_COUNTS, meteor_counts, meteor_jar, meteor_of_counts
from audiolect.metrics.words import words


def counts_of(**known: float) -> np.ndarray:
    """Counts by their place: lengths (2), function words (2), words matched (4), pieces, matched (2)."""
    counts = np.zeros(NUM_COUNTS)
    places = {"lengths": (0, 1), "functions": (2, 3), "content": (4, 5), "pieces": (20,), "matched": (21, 22)}
    for name, value in known.items():
        counts[list(places[name])] = value
    return counts


def test_by_hand() -> None:
    # Four content words, two of them matched in two pieces: precision and recall 1/2, and 0.6 · 1^0.2 lost.
    assert meteor_of_counts(counts_of(lengths=4, content=2, pieces=2, matched=2)) == pytest.approx(0.5 * 0.4)
    # All of them, in no piece.
    assert meteor_of_counts(counts_of(lengths=4, content=4, matched=4)) == pytest.approx(1.0)


def test_nothing() -> None:
    assert meteor_of_counts(np.zeros((2, NUM_COUNTS))).tolist() == [0.0, 0.0]


# What pycocoevalcap 1.2 gives the captions below: of each, and of all. Its own run would take a second Java.
THEIRS = [1.0, 0.0, 0.0, 0.10631131992870121, 0.10876728546997926, 0.14644362559394836, 0.15597376719096342]
THEIRS += [0.8314678605692357, 0.4744124399346866, 0.134020575933289, 0.16207382924226502, 0.2574586425447237]
THEIR_TOTAL = 0.20816685760628106


def test_the_same_as_pycocoevalcap(coco_folder: Path, clotho_evaluation: list[list[str]]) -> None:
    rows = [[words(text) for text in row] for row in clotho_evaluation[:12]]
    rows[0][0] = rows[0][1]  # one that is matched as a whole
    rows[1][0] = []
    rows[2][0] = ["|||", "rain"]
    done: list[int] = []
    counts = meteor_counts(
        [row[0] for row in rows],
        [row[1:] for row in rows],
        java=find_java(),
        jar=meteor_jar(coco_folder / "meteor"),
        answered=done.append,
    )
    assert meteor_of_counts(counts) == pytest.approx(np.array(THEIRS), abs=1e-9)
    assert float(meteor_of_counts(counts.sum(axis=0))) == pytest.approx(THEIR_TOTAL, abs=1e-9)
    assert sum(done) == 12


def test_absent_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingDependency, match="not installed") as caught:
        meteor_jar(tmp_path)
    assert "pip install 'audiolect[java]'" in str(caught.value)
    monkeypatch.setattr("audiolect.metrics.meteor.coco_package", lambda: None)
    with pytest.raises(MissingDependency, match="not installed"):
        meteor_jar()


def test_an_answer_that_is_something_else(make_java: Callable[..., str], tmp_path: Path) -> None:
    program = make_java("for line in sys.stdin:\n    print('hello', flush=True)")
    with pytest.raises(WorkerDied, match="something else than its counts"):
        meteor_counts([["a"]], [[["a"]]], java=Java(program, 17), jar=tmp_path / "meteor-1.5.jar")
