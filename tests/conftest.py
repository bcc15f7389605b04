"""One thread for each numerical library: the threads of several test processes would get in each other's way.

No deadlines for hypothesis: how long an example takes says how busy the machine is, not whether the code is right.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(name, "1")

# Tests are no package: what they share is imported from its folder. polars reads its variable when it is imported.
sys.path.insert(0, str(Path(__file__).with_name("shared")))
from saved_tables import save_tables  # noqa: E402

from audiolect.data.records import Example, Recording, Turn  # noqa: E402

settings.register_profile("audiolect", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("audiolect")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A dataset folder ``tmp_path/world`` without audio: 20 recordings, i of i + 1 s; the last 5 are split ``test``.

    Of each, in this order: a caption example with 1 + i % 5 answers, a question with 1, one of 2 labels; of every
    fourth a dialogue without answers.
    """
    recordings, examples = [], []
    for i in range(20):
        name, split = f"w/{i:02d}", "train" if i < 15 else "test"
        recordings.append(
            Recording(
                name, f"{i:02d}.wav", (i + 1) * 8000, 8000, 1, "wav/pcm_16", 16_044, split=split, labels=("a", "b")
            )
        )
        captions = tuple(f"caption {k} of {i}" for k in range(1 + i % 5))
        examples += [
            Example(f"{name}#c", name, split, "AudioCaptioning", "describe the sound.", captions),
            Example(f"{name}#q", name, split, "AQA", "what is it?", ("a dog",)),
            Example(f"{name}#l", name, split, "EventTagging", "labels?", ("a", "b")),
        ]
        if i % 4 == 0:
            examples.append(Example(f"{name}#d", name, split, "Dialog", turns=(Turn("hello", "a dog"),)))
    return save_tables(tmp_path / "world", recordings, examples).folder


@pytest.fixture(scope="session")
def tones() -> Any:
    """The file ``shared/heard_tones.py``."""
    import heard_tones

    return heard_tones


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A running ``hub_stand_in.StandIn``, whose address and token are what huggingface_hub finds."""
    import hub_stand_in
    from huggingface_hub import constants

    with hub_stand_in.hub() as server:
        monkeypatch.setenv("HF_TOKEN", hub_stand_in.TOKEN)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # a protocol that the stand-in does not speak
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield server
