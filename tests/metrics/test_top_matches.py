"""Best matches against a full stable sort, in any blocks, and the reach of a gallery."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import UsageError
from audiolect.metrics import top_matches as top_file
from audiolect.metrics.ranks import ranks_of_embeddings
from audiolect.metrics.relevance import relevance_from_lists
from audiolect.metrics.top_matches import TopMatches, gallery_reach, top_matches


def test_by_hand() -> None:
    queries = np.array([[1.0, 0.0], [0.0, 1.0]])
    gallery = np.array([[0.5, 0.5], [1.0, 0.0], [0.5, -1.0]])
    matches = top_matches(queries, gallery, 2)
    assert matches.indexes.tolist() == [[1, 0], [0, 1]]
    assert matches.scores.tolist() == [[1.0, 0.5], [0.5, 0.0]]
    assert gallery_reach(matches, 3) == pytest.approx(2 / 3)
    assert top_matches(queries, gallery, 99).indexes.shape == (2, 3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 12))
def test_they_are_those_of_a_stable_sort(seed: int, num_gallery: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    queries, gallery = rng.integers(-2, 3, (9, 3)).astype(np.float32), rng.integers(-2, 3, (num_gallery, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top_file, "_QUERY_TILE", int(rng.integers(1, 12)))
        patch.setattr(top_file, "_GALLERY_TILE", int(rng.integers(1, 35)))
        matches = top_matches(queries, gallery.astype(np.float32), k)
    scores = queries @ gallery.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert np.array_equal(matches.indexes, order)
    assert np.array_equal(matches.scores, np.take_along_axis(scores, order, axis=1))


def test_they_have_the_first_ranks() -> None:
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((40, 24)), rng.standard_normal((90, 24))
    matches = top_matches(queries, gallery, 5)
    relevance = relevance_from_lists(matches.indexes.tolist(), 90)
    assert ranks_of_embeddings(queries, gallery, relevance).ranks.reshape(40, 5).tolist() == [[1, 2, 3, 4, 5]] * 40


def test_one_recording_that_all_find_is_a_hub() -> None:
    gallery = np.vstack([np.full((1, 4), 10.0), np.eye(4)])
    assert gallery_reach(top_matches(np.eye(4), gallery, 1), 5) == 0.2


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="k of 1 or more"):
        top_matches(np.ones((1, 2)), np.ones((1, 2)), 0)
    with pytest.raises(UsageError, match="different widths"):
        top_matches(np.ones((1, 2)), np.ones((1, 3)), 1)
    with pytest.raises(UsageError, match="not finite"):
        top_matches(np.ones((1, 2)), np.full((1, 2), np.nan), 1)
    with pytest.raises(UsageError, match="no embeddings of the gallery"):
        top_matches(np.ones((1, 2)), np.ones((0, 2)), 1)
    with pytest.raises(UsageError, match="of a larger gallery"):
        gallery_reach(TopMatches(np.array([[3]]), np.ones((1, 1))), 3)
