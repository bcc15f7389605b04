"""Parts of a prediction: kept, read again, and never mistaken for another's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.predict.unfinished import open_unfinished


def ones() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.ones((2, 3), np.float32)


def never() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    raise RuntimeError("made twice")


def stopped_after_one_part(target: Path, plan: dict[str, int]) -> None:
    """A prediction that made the part x, and was stopped."""

    def work_and_stop() -> None:
        with open_unfinished(target, plan) as work:
            assert not work.has("x")
            work.part("x", (2, 3), ones)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_and_stop()


def test_a_part_is_made_once(tmp_path: Path) -> None:
    stopped_after_one_part(tmp_path / "out", {"a": 1})
    with open_unfinished(tmp_path / "out", {"a": 1}) as work:
        assert work.has("x")
        assert (work.part("x", (2, 3), never) == 1).all()
    assert not (tmp_path / "out" / "unfinished").exists()


def test_another_plan_and_beginning_anew(tmp_path: Path) -> None:
    stopped_after_one_part(tmp_path, {"a": 1, "b": 2})
    with pytest.raises(StorageError, match=r"found: another b"), open_unfinished(tmp_path, {"a": 1, "b": 3}):
        pass
    with open_unfinished(tmp_path, {"a": 1, "b": 3}, overwrite=True) as work:
        assert not work.has("x")


def test_a_part_of_another_shape_is_damaged(tmp_path: Path) -> None:
    with open_unfinished(tmp_path, {}) as work:
        work.part("x", (2, 3), ones)
        with pytest.raises(DamagedFile, match=r"shape \(4, 3\)"):
            work.part("x", (4, 3), never)


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with (
        open_unfinished(tmp_path, {}),
        pytest.raises(UsageError, match="Another process is at work"),
        open_unfinished(tmp_path, {}),
    ):
        pass
