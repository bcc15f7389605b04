"""Whether the audio of a dataset is at hand, or its recordings stand on the word of a table alone.

``prepare --no-audio`` and ``import --no-audio`` make datasets that can be divided, filtered, compared and exported
before anybody has the audio. What has to decode asks here first, and says so in a letter instead of failing file by
file.

Conventions: a recording that nobody has looked at has the codec ``records.NO_CODEC``.

Public names: is_at_hand, num_at_hand, need_audio.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audiolect.data.records import NO_CODEC
from audiolect.errors import DatasetError

_SHOWN = 3


def is_at_hand() -> pl.Expr:
    """Whether the audio of a row of a table of recordings has been looked at."""
    return pl.col("codec") != NO_CODEC


def num_at_hand(recordings: pl.DataFrame) -> int:
    """Of how many recordings of a table the audio has been looked at."""
    return recordings.filter(is_at_hand()).height


def need_audio(recordings: pl.DataFrame, folder: Path, purpose: str) -> None:
    """Refuse recordings whose audio nobody has looked at, for work that has to decode it.

    Args:
        recordings: those that the work is about.
        folder: the dataset folder, for the letter.
        purpose: what the audio is needed for, such as "to check it".

    Raises:
        DatasetError: the audio of some recording is not at hand.
    """
    without = recordings.filter(~is_at_hand())["recording_id"]
    if not len(without):
        return
    raise DatasetError(
        f"There is no audio at hand {purpose}: the dataset was made from tables alone.",
        where=folder,
        expected="recordings whose audio was looked at when the dataset was made",
        found=f"{len(without)} of {recordings.height} recordings with lengths that are only stated: "
        + ", ".join(without[:_SHOWN])
        + (", …" if len(without) > _SHOWN else ""),
        cause="it was made with --no-audio",
        fix="get the audio (audiolect download --help), and make the dataset again with the command on its card, "
        "without --no-audio",
    )
