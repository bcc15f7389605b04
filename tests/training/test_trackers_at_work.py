"""Trackers with their real libraries: a short training, and what they then hold on the disk. wandb is offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.training.journal import read_journal

SET = "tones-AudioCaptioning/val"


def trained(path: Path, folder: Path, tracker: str) -> Path:
    """Where the tracker wrote, after a training of two steps in a process of its own."""
    pytest.importorskip(tracker)
    overrides = (f"training.trackers=[{tracker}]", "training.max_steps=2")
    command = [sys.executable, "-m", "audiolect", "train", str(path), *overrides, "--out", str(folder)]
    environment = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = subprocess.run(
        command, cwd=folder.parent, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return folder / "tracking"


def test_tensorboard_has_every_number_and_the_table(recipe: Callable[..., Path], tmp_path: Path) -> None:
    written = trained(recipe(), tmp_path / "run", "tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (file,) = written.rglob("events.out*")
    events = EventAccumulator(str(file))
    events.Reload()
    rows = [row for row in read_journal(tmp_path / "run" / "journal.jsonl") if row["kind"] == "step"]
    for name in ("loss", "gradient_norm", "learning_rate", "data_wait_share", "memory_bytes"):
        told = {event.step: event.value for event in events.Scalars(f"step/{name}")}
        assert told == pytest.approx({row["step"]: row[name] for row in rows}, rel=1e-6)
    assert f"validation/{SET}/text_to_audio map@10" in events.Tags()["scalars"]
    (table,) = events.Tensors(f"examples/{SET}/text_summary")
    assert b"| text | recording_id | rank | top matches |" in table.tensor_proto.string_val[0]
    assert b"tones/val-0" in table.tensor_proto.string_val[0]


def test_wandb_offline_has_the_table(recipe: Callable[..., Path], tmp_path: Path) -> None:
    written = trained(recipe(), tmp_path / "run", "wandb")
    assert len(list(written.rglob("*.wandb"))) == 1
    (table,) = written.rglob("*.table.json")
    told = json.loads(table.read_text("utf-8"))
    assert told["columns"] == ["text", "recording_id", "rank", "top matches"]
    shown = next(row for row in read_journal(tmp_path / "run" / "journal.jsonl") if row["kind"] == "examples")
    assert [row[1] for row in told["data"]] == [row["recording_id"] for row in shown["rows"]]
