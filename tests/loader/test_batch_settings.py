from __future__ import annotations

from typing import Any

import pytest

from audiolect.config import parse_config
from audiolect.errors import ConfigError
from audiolect.loader.batch_settings import POLICIES, BatchSettings


def settings(**values: Any) -> BatchSettings:
    return parse_config(values, BatchSettings, where="recipe.yaml")


def test_the_defaults_are_crops_of_ten_seconds_in_batches_of_16() -> None:
    default = settings()
    assert (default.policy, default.crop_samples, default.size, default.budget_samples) == ("crop", 320000, 16, None)
    assert default.look_ahead_examples == 1024
    assert default.policy in POLICIES


def test_seconds_become_samples_by_rounding() -> None:
    made = settings(rate_hz=11025, policy="windows", window_seconds=0.1, window_overlap_seconds=0.05, max_seconds=0.2)
    assert (made.window_samples, made.overlap_samples, made.max_samples) == (1102, 551, 2205)


def test_a_look_ahead_is_rounded_up_to_whole_batches() -> None:
    assert settings(batch_size=24, look_ahead=100).look_ahead_examples == 120
    assert settings(batch_seconds=60.0, look_ahead=100).look_ahead_examples == 100


def test_all_windows_are_crops_side_by_side() -> None:
    made = settings(policy="all_windows", crop_seconds=2.0, rate_hz=100, window_seconds=7.0, window_overlap_seconds=1.0)
    assert (made.window_samples, made.overlap_samples, made.has_windows) == (200, 0, True)


@pytest.mark.parametrize(
    ("values", "most"),
    [
        ({"policy": "crop", "crop_seconds": 2.0}, 200),
        ({"policy": "pad"}, None),
        ({"policy": "pad", "max_seconds": 3.0, "pad_to_multiple": 64}, 320),
        ({"policy": "windows", "window_seconds": 1.0}, None),
        ({"policy": "windows", "window_seconds": 1.0, "max_windows": 3}, 300),
    ],
)
def test_the_most_that_an_example_may_count_for(values: dict[str, Any], most: int | None) -> None:
    assert settings(rate_hz=100, **values).most_samples == most


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"crop_seconds": float("nan")}, "crop_seconds"),
        ({"batch_seconds": float("inf")}, "batch_seconds"),
        ({"crop_seconds": 0.0}, "crop_seconds"),
        ({"window_overlap_seconds": -1.0}, "window_overlap_seconds"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"threads": -1}, "threads"),
        ({"depth": 0}, "depth"),
        ({"policy": "corp"}, "crop"),
        ({"last": "wrap"}, "keep"),
        ({"crop_second": 1.0}, "crop_seconds"),
        ({"batch_size": 4, "batch_seconds": 60.0}, "two budgets"),
        ({"policy": "windows", "window_seconds": 1.0, "window_overlap_seconds": 1.0}, "less than window_seconds"),
        ({"rate_hz": 100, "crop_seconds": 0.001}, "shorter than one sample"),
        ({"crop_seconds": 10.0, "batch_seconds": 9.0}, "more than batch_seconds"),
        ({"policy": "pad", "max_seconds": 30.0, "batch_seconds": 20.0}, "more than batch_seconds"),
        ({"policy": "windows", "max_windows": 3, "batch_seconds": 20.0}, "more than batch_seconds"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settings(**values)
