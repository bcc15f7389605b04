"""Who says that audio is at hand: the codec that somebody has read, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audiolect.data.audio_at_hand import need_audio, num_at_hand
from audiolect.data.records import NO_CODEC, Recording, recordings_frame
from audiolect.errors import DatasetError

HEARD = Recording("c/a", "a.wav", 8000, 16000, 1, "wav/pcm_16", 64)
STATED = Recording("c/b", "b.wav", 8000, 16000, 1, NO_CODEC, 0)


def test_they_are_counted() -> None:
    assert num_at_hand(recordings_frame([HEARD, STATED, replace(HEARD, recording_id="c/c")])) == 2
    assert num_at_hand(recordings_frame([])) == 0


def test_work_that_decodes_is_refused_with_the_ids(tmp_path: Path) -> None:
    need_audio(recordings_frame([HEARD]), tmp_path, "to check")
    need_audio(recordings_frame([]), tmp_path, "to check")
    many = [replace(STATED, recording_id=f"c/{number}") for number in range(4)]
    with pytest.raises(DatasetError, match="no audio at hand to check") as caught:
        need_audio(recordings_frame([HEARD, *many]), tmp_path, "to check")
    assert (caught.value.found or "").startswith("4 of 5 recordings")
    assert (caught.value.found or "").endswith("c/0, c/1, c/2, …")
    assert "without --no-audio" in (caught.value.fix or "")
