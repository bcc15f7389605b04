"""A dataset folder of given rows, for tests that do not care what else its card says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from audiolect.data.dataset import Dataset, open_dataset, save_dataset
from audiolect.data.records import Example, Recording, examples_frame, recordings_frame


def save_tables(
    folder: Path, recordings: Iterable[Recording], examples: Iterable[Example] = (), **facts: Any
) -> Dataset:
    """Write a dataset and open it; it has the name of the folder and its audio in ``folder/audio``, unless stated."""
    folder.mkdir(parents=True, exist_ok=True)
    plain: dict[str, Any] = {
        "name": folder.name,
        "corpus_version": "1",
        "license": "CC0-1.0",
        "citation": "",
        "audio_root": folder / "audio",
    }
    tables = {"recordings": recordings_frame(recordings), "examples": examples_frame(examples)}
    save_dataset(folder, **plain | facts | tables)
    return open_dataset(folder)
