from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from audiolect.audio.augment_chain import ChainSettings, Step
from audiolect.errors import UsageError
from audiolect.loader.augmenting import augment_row

GAIN = ChainSettings(1.0, (Step("gain", 1.0, {"gain_db": (-6.0, -6.0)}),))
MIX = ChainSettings(1.0, (Step("mix", 1.0, {"level_db": (0.0, 0.0), "reference": "gain"}),), "none")


class Levels:
    """Recordings of constant level: row r is r + 1 everywhere, and has 10 (r + 1) samples."""

    rate_hz = 100
    num_samples = np.array([10, 20, 30, 40], np.int64)
    recording_ids = pl.Series(["a", "b", "c", "d"])

    def __init__(self) -> None:
        self.read_spans: list[tuple[int, int, int]] = []

    def read(self, row: int, start: int, count: int) -> Any:
        self.read_spans.append((row, start, count))
        return np.full(count, row + 1, np.float32)


def augmented(samples: Any, key: int, chain: ChainSettings, source: Any, rows: list[int], *, own: int = 0) -> Any:
    result = samples.copy()
    augment_row(result, key, chain, lambda: (source, np.array(rows, np.int64)), own)
    return result


def test_a_gain_by_hand_in_place() -> None:
    samples = np.full(8, 0.5, np.float32)
    row = np.concatenate([samples, np.zeros(4, np.float32)])
    augment_row(row[:8], 1, GAIN, lambda: (Levels(), np.arange(4)), 0)
    assert np.allclose(row[:8], 0.5 * 10 ** (-6 / 20))
    assert not row[8:].any()


def test_a_key_decides_everything() -> None:
    chain = ChainSettings(0.5, (Step("gain", 0.5), Step("noise", 0.5, {"snr_db": (10.0, 20.0)})))
    samples = np.sin(np.arange(50, dtype=np.float32))
    results = [augmented(samples, key, chain, Levels(), [0, 1]).tobytes() for key in range(40)]
    assert results == [augmented(samples, key, chain, Levels(), [0, 1]).tobytes() for key in range(40)]
    untouched = results.count(samples.tobytes())
    assert 5 < untouched < 35
    assert len(set(results)) == 41 - untouched


def test_a_mix_takes_another_recording_and_every_other_one_alike() -> None:
    source = Levels()
    samples = np.zeros(25, np.float32)
    levels = [float(augmented(samples, key, MIX, source, [0, 1, 3], own=1)[0]) for key in range(400)]
    assert set(levels) == {1.0, 4.0}
    assert 150 < levels.count(1.0) < 250
    assert {count for row, _, count in source.read_spans if row == 3} == {25}
    assert {start for row, start, _ in source.read_spans if row == 3} == set(range(16))
    assert {(start, count) for row, start, count in source.read_spans if row == 0} == {(0, 10)}


def test_a_recording_of_another_entry_may_be_mixed_with_any() -> None:
    levels = {float(augmented(np.zeros(5, np.float32), key, MIX, Levels(), [0, 3], own=2)[0]) for key in range(50)}
    assert levels == {1.0, 4.0}


@pytest.mark.parametrize("rows", [[], [2]])
def test_a_mix_without_another_recording_is_refused(rows: list[int]) -> None:
    with pytest.raises(UsageError, match="another recording"):
        augmented(np.zeros(5, np.float32), 1, MIX, Levels(), rows, own=2)


def test_nothing_is_drawn_for_no_samples() -> None:
    assert augmented(np.zeros(0, np.float32), 1, MIX, Levels(), []).size == 0
