"""What ``show`` says of a dataset: card, splits, durations, labels, some examples, and one spectrogram.

Public names: overview, print_overview, draw_recording.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from audiolect.cli.console import console, human_bytes, human_seconds, print_bars, print_table
from audiolect.errors import DatasetError

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset

_MOST_LABELS = 20
_DURATION_BINS = 10


def overview(dataset: Dataset, rows: int) -> dict[str, Any]:
    """The same facts as ``print_overview``, as plain values for ``--json``."""
    return {
        "card": dataset.card.model_dump(mode="json"),
        "recordings": dataset.recordings.height,
        "examples": dataset.examples.height,
        "durations": _duration_bins(dataset.recordings),
        "labels": _label_counts(dataset.recordings),
        "tasks": _counts(dataset.examples, "task"),
        "rows": dataset.examples.head(rows).to_dicts(),
    }


def print_overview(dataset: Dataset, rows: int) -> None:
    """Print the card, the counts, the plots and the first examples."""
    _print_card(dataset)
    if dataset.recordings.is_empty():
        console().print("No recording is left.")
        return
    _print_splits(dataset)
    labels = _label_counts(dataset.recordings)
    shown = dict(list(labels.items())[:_MOST_LABELS])
    title = "labels" if len(shown) == len(labels) else f"labels (the {len(shown)} most frequent of {len(labels)})"
    print_bars("durations in seconds", _duration_bins(dataset.recordings))
    print_bars(title, shown)
    print_bars("tasks", _counts(dataset.examples, "task"))
    _print_examples(dataset, rows)


def draw_recording(dataset: Dataset, recording_id: str | None, target: Path) -> None:
    """Draw the log-mel spectrogram of one recording to a PNG file.

    Raises:
        DatasetError: the dataset has no such recording, or none at all.
    """
    from audiolect.data.audio_at_hand import need_audio
    from audiolect.pictures import draw_spectrogram

    chosen = dataset.recordings
    if recording_id is not None:
        chosen = chosen.filter(pl.col("recording_id") == recording_id)
    if chosen.is_empty():
        raise DatasetError(
            "There is no such recording to draw.",
            where=dataset.folder,
            found=recording_id or "a dataset without recordings",
            fix=f"audiolect show {dataset.folder} --rows 20 lists ids",
        )
    need_audio(chosen.head(1), dataset.folder, "to draw")
    row = chosen.row(0, named=True)
    captions = dataset.examples.filter(
        (pl.col("recording_id") == row["recording_id"]) & (pl.col("task") == "AudioCaptioning")
    )["answers"]
    caption = captions[0][0] if len(captions) and len(captions[0]) else ""
    path = dataset.audio_root / row["path"]
    draw_spectrogram(path, row["start_sample"], row["num_samples"], target, title=row["recording_id"], caption=caption)


def _print_card(dataset: Dataset) -> None:
    from audiolect.data.audio_at_hand import num_at_hand

    card = dataset.card
    seconds = float((dataset.recordings["num_samples"] / dataset.recordings["sample_rate_hz"]).sum())
    of = "" if card.coverage.expected is None else f" of {card.coverage.expected}"
    num_heard = num_at_hand(dataset.recordings)
    length = human_seconds(seconds) if dataset.recordings.height else ""
    rows: list[tuple[str, object]] = [
        ("folder", dataset.folder),
        ("audio", dataset.audio_root),
        ("license", card.license),
        (
            "recordings",
            ", ".join(part for part in (f"{dataset.recordings.height}{of}", length, _rates(dataset)) if part),
        ),
        ("size", human_bytes(int(dataset.recordings["num_bytes"].sum()))),
        ("examples", dataset.examples.height),
        ("fingerprint", card.fingerprint),
        ("made by", card.command),
    ]
    if num_heard < dataset.recordings.height:
        rows.append(("audio at hand", f"{num_heard} of {dataset.recordings.height}"))
    if card.problems:
        rows.append(("problems", ", ".join(f"{reason} {n}" for reason, n in card.problems.items())))
    print_table(f"{card.name} {card.corpus_version}", ("", ""), rows)


def _rates(dataset: Dataset) -> str:
    rates = _counts(dataset.recordings.with_columns(pl.col("sample_rate_hz").cast(pl.String)), "sample_rate_hz")
    return ", ".join(f"{rate} Hz" if len(rates) == 1 else f"{n} at {rate} Hz" for rate, n in rates.items())


def _print_splits(dataset: Dataset) -> None:
    recordings = _counts(dataset.recordings, "split")
    examples = _counts(dataset.examples, "split")
    rows = [(split, recordings.get(split, 0), examples.get(split, 0)) for split in sorted(recordings | examples)]
    print_table("splits", ("split", "recordings", "examples"), rows, right=(1, 2))
    folds = dataset.recordings["fold"].drop_nulls()
    if len(folds):
        print_bars("folds", {f"fold {fold}": int((folds == fold).sum()) for fold in sorted(folds.unique())})


def _print_examples(dataset: Dataset, rows: int) -> None:
    shown = [
        (row["example_id"], row["task"], row["prompt"], _answer(row))
        for row in dataset.examples.head(rows).iter_rows(named=True)
    ]
    if shown:
        print_table("examples", ("id", "task", "prompt", "answers"), shown, whole=(1,))


def _answer(row: dict[str, Any]) -> str:
    if row["turns"]:
        return " / ".join(f"{turn['user']} → {turn['assistant']}" for turn in row["turns"])
    return " | ".join(row["answers"])


def _counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    if frame.is_empty():
        return {}
    counted = frame.group_by(column).len().sort(["len", column], descending=[True, False])
    return dict(counted.iter_rows())


def _label_counts(recordings: pl.DataFrame) -> dict[str, int]:
    return _counts(recordings.select(pl.col("labels").explode().alias("label")).drop_nulls(), "label")


def _duration_bins(recordings: pl.DataFrame) -> dict[str, int]:
    """Counts of recordings in equal bins from the shortest to the longest duration, in tenths of a second."""
    if recordings.is_empty():
        return {}
    seconds = recordings["num_samples"] / recordings["sample_rate_hz"]
    low, high = float(seconds.min()), float(seconds.max())  # type: ignore[arg-type]
    if f"{low:.1f}" == f"{high:.1f}":
        return {f"{low:.1f}": len(seconds)}
    width = (high - low) / _DURATION_BINS
    numbers = ((seconds - low) / width).floor().clip(0, _DURATION_BINS - 1).cast(pl.Int64)
    counts = dict(numbers.value_counts().iter_rows())
    return {f"{low + i * width:.1f} to {low + (i + 1) * width:.1f}": counts.get(i, 0) for i in range(_DURATION_BINS)}
