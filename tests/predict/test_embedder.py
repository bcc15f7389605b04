"""Vectors of norm 1."""

from __future__ import annotations

import numpy as np

from audiolect.predict.embedder import normalised


def test_norms_by_hand() -> None:
    found = normalised(np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)
    assert found.dtype == np.float32


def test_nan_stays() -> None:
    assert np.isnan(normalised(np.array([[np.nan, 1.0]], np.float32))[0, 0])
