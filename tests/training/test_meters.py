"""Meters: by hand with a clock of the test's own, and memory against what the kernel says."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from audiolect.loader.prefetch import Prefetcher
from audiolect.training import meters
from audiolect.training.meters import Meter, peak_memory_bytes

STATUS = Path("/proc/self/status")


def test_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of 4 seconds, of which 1 was waited, with 20 seconds of audio."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(meters.time, "perf_counter", lambda: clock.now)
    stream: Any = SimpleNamespace(wait_seconds=7.0)
    meter = Meter()
    meter.start(stream)
    clock.now, stream.wait_seconds = 104.0, 8.0
    found = meter.measure(stream, audio_seconds=20.0)
    assert found.pop("memory_bytes") == peak_memory_bytes()
    assert found == {"audio_seconds_per_second": 5.0, "data_wait_share": 0.25, "step_seconds": 4.0}


def test_each_start_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes between two steps, a validation, is in neither."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(meters.time, "perf_counter", lambda: clock.now)
    stream: Any = SimpleNamespace(wait_seconds=0.0)
    meter, seconds = Meter(), []
    for _ in range(2):
        clock.now, stream.wait_seconds = clock.now + 50.0, stream.wait_seconds + 30.0
        meter.start(stream)
        clock.now += 2.0
        found = meter.measure(stream, 1.0)
        seconds.append((found["step_seconds"], found["data_wait_share"]))
    assert seconds == [(2.0, 0.0), (2.0, 0.0)]


def test_a_step_in_no_time_divides_by_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters.time, "perf_counter", lambda: 1.0)
    stream: Any = SimpleNamespace(wait_seconds=0.0)
    meter = Meter()
    meter.start(stream)
    found = meter.measure(stream, 0.0)
    assert found["audio_seconds_per_second"] == 0.0
    assert found["step_seconds"] > 0


def test_waiting_for_slow_batches_is_seen() -> None:
    """Jobs that are done when they are asked for: all of the time is waiting, but for what the step sleeps."""

    def job() -> int:
        time.sleep(0.05)
        return 1

    meter = Meter()
    with Prefetcher(iter([lambda: [job]]), threads=0, depth=1) as stream:
        meter.start(stream)
        assert next(stream) == 1
        time.sleep(0.05)
        found = meter.measure(stream, 1.0)
    assert 0.05 <= found["data_wait_share"] * found["step_seconds"] <= found["step_seconds"] - 0.05
    assert found["audio_seconds_per_second"] * found["step_seconds"] == pytest.approx(1.0)


@pytest.mark.skipif(
    torch.cuda.is_available() or not STATUS.is_file() or "VmHWM" not in STATUS.read_text(),
    reason="the kernel does not tell, or an accelerator's memory is meant",
)
def test_memory_is_what_the_kernel_says() -> None:
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    assert kilobytes is not None
    assert peak_memory_bytes() == pytest.approx(1024 * int(kilobytes[1]), rel=0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
@pytest.mark.parametrize(("platform", "expected"), [("linux", 3000 * 1024), ("darwin", 3000)])
def test_the_unit_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, platform: str, expected: int) -> None:
    """Linux counts kilobytes, macOS bytes."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(meters.sys, "platform", platform)
    monkeypatch.setattr(meters.resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=3000))
    assert peak_memory_bytes() == expected


def test_windows_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(meters.sys, "platform", "win32")
    assert peak_memory_bytes() == 0


def test_of_an_accelerator_it_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 12345)
    assert peak_memory_bytes() == 12345
