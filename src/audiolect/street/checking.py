"""Which files a check of a dataset looks for, beside those that its recordings name.

Public names: files_to_check, is_part.
"""

from __future__ import annotations

from audiolect.corpora.audio_listing import list_audio
from audiolect.data.dataset import Dataset

_MADE_OF_ANOTHER = ("made_from", "filtered_from", "where")


def files_to_check(dataset: Dataset) -> list[str] | None:
    """The audio files under the root of a dataset, relative to it; None where they cannot all be its own."""
    return list_audio(dataset.audio_root) if dataset.audio_root.is_dir() and not is_part(dataset) else None


def is_part(dataset: Dataset) -> bool:
    """Whether it is made of some recordings of another dataset, whose files stand beside its own."""
    return any(name in dataset.card.notes for name in _MADE_OF_ANOTHER)
