"""First passes: what they promise about their error holds for every row and query."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiolect.search import first_pass
from audiolect.search.first_pass import FirstPass, bfloat16_pass, leading_pass, number_of_axes, plain_pass


def made(count: int, seed: int, noise: float = 0.02) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    basis = np.random.default_rng(7).standard_normal((20, 128))
    rows = rng.standard_normal((count, 20)) @ basis + noise * np.sqrt(128) * rng.standard_normal((count, 128)) + 0.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def all_passes(vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> list[FirstPass]:
    plain, leading = plain_pass(vectors), leading_pass(vectors, 32)
    return [plain, leading, bfloat16_pass(plain), bfloat16_pass(leading)]


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.5])
def test_no_score_is_off_by_more_than_is_promised(scale: float, noise: float) -> None:
    vectors = np.float32(scale) * made(3000, 0, noise)
    queries = np.vstack([made(5, 1, noise), np.random.default_rng(5).standard_normal((5, 128))]).astype(np.float32)
    exact = queries.astype(np.float64) @ vectors.astype(np.float64).T
    for each in all_passes(vectors):
        projected, per_unseen, error = each.project(queries)
        rough = each.scores(projected, 0, len(vectors)).astype(np.float64)
        off = exact[:, each.rows(np.arange(len(vectors)))] - rough
        if each.axes is not None:  # short of q·m, the same for all rows of a query
            sample = vectors[:: max(1, len(vectors) // 20_000)].astype(np.float64)
            off -= (queries.astype(np.float64) @ sample.mean(axis=0).astype(np.float32))[:, None]
        promised = per_unseen[:, None] * each.unseen + error[:, None]
        assert (np.abs(off) <= promised).all(), each.kind
        assert promised.max() < 2.5 * scale * np.linalg.norm(queries, axis=1).max()


def test_what_is_unseen_grows_from_row_to_row() -> None:
    vectors = made(3000, 0)
    leading = leading_pass(vectors, 32)
    assert (np.diff(leading.unseen) >= 0).all()
    assert leading.order is not None
    assert sorted(leading.order) == list(range(3000))
    assert leading.skew < 1e-5
    assert leading.unseen.max() < 0.4


def test_axes_are_read_off_the_spectrum() -> None:
    assert number_of_axes(made(20_000, 0, 0.02)) == 32
    assert number_of_axes(made(20_000, 0, 3.0)) == 0
    assert number_of_axes(made(19_999, 0, 0.02)) == 0


def test_the_processor_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(first_pass, "Path", lambda _name: cpuinfo)
    assert not first_pass.multiplies_bfloat16()
    cpuinfo.write_text("flags\t\t: fpu avx2 avx512f\n")
    assert not first_pass.multiplies_bfloat16()
    cpuinfo.write_text("model : x\nflags\t\t: fpu avx512_bf16 avx2\n")
    assert first_pass.multiplies_bfloat16()


def test_nothing_to_look_at() -> None:
    nothing = np.empty((0, 16), np.float32)
    assert len(plain_pass(nothing)) == 0
    assert number_of_axes(nothing) == 0
