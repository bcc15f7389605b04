"""Trackers with their real libraries, where they are installed: a short training, and what they then hold."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.training.journal import read_journal

SET = "tones-AudioCaptioning/val"


def trained(path: Path, folder: Path, tracker: str) -> Path:
    """Where the tracker wrote, after a training of two steps in a process of its own. wandb is offline."""
    pytest.importorskip(tracker)
    overrides = (f"training.trackers=[{tracker}]", "training.max_steps=2")
    command = [sys.executable, "-m", "audiolect", "train", str(path), *overrides, "--json", "--out", str(folder)]
    quiet = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "TRACKIO_DIR": str(folder.parent / "trackio")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")} | quiet
    done = subprocess.run(
        command, cwd=folder.parent, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr
    # The command's word is the first: what a tracker prints goes elsewhere, but for a line of trackio when Python ends.
    assert json.loads(done.stdout.partition("\n")[0])["step"] == 2
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


def test_mlflow_has_numbers_and_tables_in_the_run_and_goes_on_in_the_same(
    recipe: Callable[..., Path], tmp_path: Path
) -> None:
    written = trained(recipe(), tmp_path / "run", "mlflow")
    trained(recipe(), tmp_path / "run", "mlflow")
    with sqlite3.connect(written / "mlflow.db") as store:
        assert store.execute("SELECT name, status FROM runs").fetchall() == [("run", "FINISHED")]
        told = dict(store.execute("SELECT step, value FROM metrics WHERE key = 'step/loss'").fetchall())
        validated = {key for (key,) in store.execute("SELECT key FROM metrics WHERE key LIKE 'validation/%'")}
    rows = [row for row in read_journal(tmp_path / "run" / "journal.jsonl") if row["kind"] == "step"]
    assert told == pytest.approx({row["step"]: row["loss"] for row in rows}, rel=1e-6)
    assert f"validation/{SET}/text_to_audio map_at_10" in validated  # mlflow takes no @ in a name
    (table,) = (written / "mlflow").rglob("*.md")
    assert table.as_posix().endswith(f"examples/{SET}/00000002.md")
    assert table.read_text("utf-8").startswith("| text | recording_id | rank | top matches |\n|---|---|---|---|\n")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "tiny.yaml", ".leaks"}


def test_trackio_has_numbers_and_tables_and_goes_on_in_the_same(recipe: Callable[..., Path], tmp_path: Path) -> None:
    trained(recipe(), tmp_path / "run", "trackio")
    trained(recipe(), tmp_path / "run", "trackio")
    with sqlite3.connect(tmp_path / "trackio" / "audiolect.db") as store:
        told = [(step, json.loads(values)) for step, values in store.execute("SELECT step, metrics FROM metrics")]
        ((count,),) = store.execute("SELECT COUNT(DISTINCT run_name) FROM metrics")
    assert count == 1
    rows = [row for row in read_journal(tmp_path / "run" / "journal.jsonl") if row["kind"] == "step"]
    losses = {step: values["step/loss"] for step, values in told if "step/loss" in values}
    assert losses == pytest.approx({row["step"]: row["loss"] for row in rows}, rel=1e-6)
    (table,) = [values[f"examples/{SET}"] for _, values in told if f"examples/{SET}" in values]
    assert table["_value"].startswith("| text | recording_id | rank | top matches |\n|---|---|---|---|\n")
